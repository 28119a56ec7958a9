package apply

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/storage"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func task(id string, a bridge.Action, to bridge.Role) bridge.Task {
	return bridge.Task{ID: id, Action: a, To: to, State: bridge.Ready}
}

func ids(tasks []bridge.Task) string {
	s := ""
	for _, t := range tasks {
		s += t.ID
	}
	return s
}

// TestOneCallCarriesInvitationsOfOneRole: what stands together goes together,
// and nothing overtakes what stands before it.
func TestOneCallCarriesInvitationsOfOneRole(t *testing.T) {
	ready := []bridge.Task{
		task("a", bridge.Invite, bridge.Collaborator), task("b", bridge.Invite, bridge.Collaborator),
		task("c", bridge.Invite, bridge.Owner), task("d", bridge.Invite, bridge.Collaborator), task("e", bridge.Remove, bridge.NoRole),
	}
	for _, c := range []struct {
		name string
		from int
		size int
		want string
	}{
		{"a batch ends where the role changes", 0, 50, "ab"},
		{"a batch is no larger than the platform takes", 0, 1, "a"},
		{"an owner goes alone", 2, 50, "c"},
		{"a removal goes alone", 4, 50, "e"},
	} {
		if got := ids(together(ready[c.from:], storage.Lane{}, noon, c.size)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestInvitationsStandAsideWhileTheQuotaIsUsedUp: a leaver does not wait for
// tomorrow's invitations.
func TestInvitationsStandAsideWhileTheQuotaIsUsedUp(t *testing.T) {
	ready := []bridge.Task{task("a", bridge.Invite, bridge.Collaborator), task("b", bridge.ReInvite, bridge.Collaborator), task("c", bridge.Remove, bridge.NoRole)}
	lane := storage.Lane{InviteAfter: noon.Add(time.Hour)}
	if got := ids(together(ready, lane, noon, 50)); got != "c" {
		t.Errorf("%q goes while the quota is used up, want the removal alone", got)
	}
	if got := ids(together(ready, lane, noon.Add(time.Hour), 50)); got != "a" {
		t.Errorf("%q goes once the quota is back, want the invitation", got)
	}
}

// TestReadBacks: an invitation is looked up by its address; several other
// changes are left to one reading of the whole hub.
func TestReadBacks(t *testing.T) {
	remove, raise, invite := task("r", bridge.Remove, bridge.NoRole), task("s", bridge.SetRole, bridge.Owner), task("i", bridge.Invite, bridge.Collaborator)
	for want, accepted := range map[string][]bridge.Task{
		"i": {remove, invite, raise}, "rs": {remove, raise}, "r": {remove}, "": nil,
	} {
		if got := ids(readBacks(accepted)); got != want {
			t.Errorf("read back %q, want %q", got, want)
		}
	}
}

// TestBackoffDoublesToAQuarterOfAnHour and never runs away, however often a
// platform fails.
func TestBackoffDoublesToAQuarterOfAnHour(t *testing.T) {
	var got []time.Duration
	for _, attempt := range []int{0, 1, 2, 3, 8, 9, 1000} {
		got = append(got, Worker{}.backoff(attempt))
	}
	want := []time.Duration{5 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 640 * time.Second, 15 * time.Minute, 15 * time.Minute}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	jittered := Worker{Jitter: func() float64 { return 0.99 }}.backoff(1)
	if jittered <= 5*time.Second || jittered > 10*time.Second {
		t.Errorf("jitter makes 5 s into %s, want less than half as much again", jittered)
	}
}

// TestAnUnansweredInvitationIsGivenTimeToShow: where the platform is slower than
// it is known for, a second invitation would go to someone who has one. Nothing
// else is so hard to take back that it has to wait.
func TestAnUnansweredInvitationIsGivenTimeToShow(t *testing.T) {
	for _, c := range []struct {
		action bridge.Action
		set    time.Duration
		want   time.Duration
	}{
		{bridge.Invite, -1, 30 * time.Second}, {bridge.ReInvite, -1, 30 * time.Second}, {bridge.Remove, -1, 5 * time.Second},
		{bridge.Invite, 0, 0}, {bridge.Invite, 10 * time.Minute, 10 * time.Minute},
	} {
		b := &batch{tasks: []bridge.Task{task("a", c.action, bridge.Collaborator)}, traits: bridge.Traits{Propagation: 5 * time.Second}}
		b.hub.Settings.PropagationDelay = c.set
		if got := b.lag(); got != c.want {
			t.Errorf("%s with propagation-delay %s is read again after %s, want %s", c.action, c.set, got, c.want)
		}
	}
	b := &batch{tasks: []bridge.Task{task("a", bridge.Invite, bridge.Collaborator)}, traits: bridge.Traits{Propagation: 5 * time.Minute}}
	b.hub.Settings.PropagationDelay = -1
	if got := b.lag(); got != 5*time.Minute {
		t.Errorf("on a slow platform it is read again after %s", got)
	}
}

// TestRaisedBehindOurBack: a collaborator whom someone made an owner is not
// removed as a collaborator.
func TestRaisedBehindOurBack(t *testing.T) {
	w := bridge.World{Members: []bridge.Member{{ID: "m", Seen: bridge.Seen{Presence: bridge.Active, Role: bridge.Owner, PlatformID: "1"}}}}
	remove := bridge.Task{MemberID: "m", Action: bridge.Remove, From: bridge.Collaborator}
	if !raised(w, remove) {
		t.Error("a raise behind our back went unseen")
	}
	remove.From = bridge.Owner
	if raised(w, remove) {
		t.Error("an owner whom the plan knew as one counts as raised")
	}
}

// TestEarlierFindsTheRowOfAnInvited: the account that a read shows, before the
// task's own row, before that of an earlier invitation; never another account
// of the same person.
func TestEarlierFindsTheRowOfAnInvited(t *testing.T) {
	members := []bridge.Member{
		{ID: "other", PersonID: "p", Seen: bridge.Seen{Presence: bridge.Active, PlatformID: "9"}},
		{ID: "old", PersonID: "p", Seen: bridge.Seen{Presence: bridge.Invited}},
		{ID: "own", PersonID: "p", Seen: bridge.Seen{Presence: bridge.Invited}},
		{ID: "shown", Seen: bridge.Seen{Presence: bridge.Active, PlatformID: "7"}},
	}
	own := &bridge.Task{PersonID: "p", MemberID: "own"}
	for _, c := range []struct {
		task *bridge.Task
		row  bridge.Seen
		want string
	}{
		{own, bridge.Seen{PlatformID: "7"}, "shown"},
		{own, bridge.Seen{}, "own"},
		{&bridge.Task{PersonID: "p"}, bridge.Seen{}, "old"},
		{&bridge.Task{PersonID: "q"}, bridge.Seen{}, ""},
	} {
		if m, _ := earlier(members, c.task, c.row); m.ID != c.want {
			t.Errorf("task %+v, row %+v: member %q, want %q", c.task, c.row, m.ID, c.want)
		}
	}
}
