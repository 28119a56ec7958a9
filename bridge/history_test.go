package bridge

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var plansMade atomic.Int64

// TestMain makes a thousand histories the default, and the same ones every time,
// so that a change is judged by what it changes and not by luck. To look for more,
// give -rapid.checks, and a -rapid.seed of your own or 0, which draws one. The
// seed is printed with the number of plans.
func TestMain(m *testing.M) {
	flag.Parse()
	seed := flag.Lookup("rapid.seed")
	given := map[string]bool{"rapid.seed": os.Getenv("RAPID_SEED") != "", "rapid.checks": os.Getenv("RAPID_CHECKS") != ""}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if !given["rapid.checks"] {
		_ = flag.Set("rapid.checks", "1000")
	}
	switch {
	case !given["rapid.seed"]:
		_ = flag.Set("rapid.seed", "1")
	case seed.Value.String() == "0":
		_ = flag.Set("rapid.seed", fmt.Sprint(1+uint64(rand.Uint32())))
	}
	code := m.Run()
	fmt.Printf("random histories made %d plans (-rapid.seed=%s)\n", plansMade.Load(), seed.Value)
	os.Exit(code)
}

// hist is one random history: a directory, a platform, people who decide, and
// the lane between them.
type hist struct {
	*lane
	t        *rapid.T
	inFlight []Task // begun by the other worker: the call is made, the record is not
	step     int
	together map[string]time.Time // changes that were held as a mass change → since when they are wished
	asked    map[string][]string  // approvals of changes of access → what was seen of it then
	assets   []Asset              // that people may have access to
}

func newHist(t *rapid.T) *hist {
	// Where few people share one asset, much happens to the same access.
	people, assets := 4, historyAssets
	if rapid.IntRange(0, 2).Draw(t, "few") == 0 {
		people, assets = 1, historyAssets[:1]
	}
	h := &hist{t: t, assets: assets, lane: &lane{hub: &simHub{masked: rapid.Bool().Draw(t, "masked")}}, together: map[string]time.Time{}, asked: map[string][]string{}}
	w := &h.w
	w.Now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	w.Hub = Hub{ID: "hub", Slug: "hub", BusinessID: "biz", Mode: ModeFull, Settings: DefaultSettings(), SelfID: "self"}
	w.Hub.Settings.MinAdmins = rapid.IntRange(1, 3).Draw(t, "min-admins")
	w.Hub.Settings.MaxRemovalsMin = rapid.IntRange(0, 3).Draw(t, "removals-min")
	w.Hub.Settings.RevertDrift = rapid.Bool().Draw(t, "revert")
	w.Hub.Settings.SecondPersonForOwners = rapid.Bool().Draw(t, "second person")
	w.Traits = Traits{ChangePending: !h.hub.masked, Propagation: time.Minute}
	w.Sources = []Source{{ID: "s1", Name: "okta", Kind: Okta, Domains: []string{"corp.example"}}, {ID: "s2", Name: "entra", Kind: Entra}}
	for _, g := range []string{"g1", "g2", "g3"} {
		w.Groups = append(w.Groups, Group{ID: g, SourceID: "s1", DisplayName: g})
	}
	w.Rules = []Rule{{ID: "r1", GroupName: "g1", Role: Collaborator}, {ID: "r2", GroupName: "g2", Role: Owner}, {ID: "r3", GroupName: "g3", Role: Collaborator}}
	h.newAccess()
	h.hub.rows = []*simRow{
		{id: "self", email: "token@agency.example", role: Owner, kind: Human, presence: Active},
		{id: "sys", name: "robot", role: Owner, kind: SystemUser, presence: Active},
		{id: "par", email: "p@partner.example", role: Collaborator, kind: PartnerMember, presence: Active},
	}
	for i := range rapid.IntRange(people, 3*people).Draw(t, "people") {
		h.hire(fmt.Sprintf("p%02d", i))
	}
	// Some are on the hub already.
	for _, p := range w.People {
		if rapid.IntRange(0, 3).Draw(t, "there") == 0 {
			h.hub.rows = append(h.hub.rows, &simRow{id: h.hub.number(), email: p.UserName, name: p.DisplayName, role: h.role(), kind: Human, presence: Active})
		}
	}
	h.pull(-1)
	return h
}

func (h *hist) role() Role { return rapid.SampledFrom([]Role{Collaborator, Owner}).Draw(h.t, "role") }

func (h *hist) hire(id string) {
	email := id + strings.Repeat("x", len(h.w.People)%3) + "@corp.example"
	h.w.People = append(h.w.People, Person{ID: id, SourceID: "s1", UserName: email, Emails: []string{email}, DisplayName: "Name " + id, Active: true})
	for _, g := range rapid.SampledFrom([][]string{{"g1"}, {"g1"}, {"g2"}, {"g3", "g1"}, {"g1", "g2"}, {"g1", "g3"}, {}}).Draw(h.t, "groups") {
		h.w.Memberships = append(h.w.Memberships, Membership{PersonID: id, GroupID: g})
	}
}

func (h *hist) person() *Person {
	return &h.w.People[rapid.IntRange(0, len(h.w.People)-1).Draw(h.t, "person")]
}

// row picks a row of the platform; nil if there is none.
func (h *hist) row(test func(*simRow) bool) *simRow {
	var fit []*simRow
	for _, r := range h.hub.rows {
		if test(r) {
			fit = append(fit, r)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return rapid.SampledFrom(fit).Draw(h.t, "row")
}

// happen lets one thing happen in the world outside.
func (h *hist) happen() {
	w := &h.w
	switch rapid.IntRange(0, 17).Draw(h.t, "event") {
	case 0:
		h.hire(h.id("n"))
	case 1:
		h.person().Active = false
	case 2:
		p := h.person()
		p.Active = true
		if p.DeletedAt.IsZero() {
			break
		}
		p.DeletedAt = time.Time{}
	case 3:
		h.person().DeletedAt = w.Now
	case 4, 5: // leaves all groups
		p := h.person()
		w.Memberships = slices.DeleteFunc(slices.Clone(w.Memberships), func(m Membership) bool { return m.PersonID == p.ID })
	case 6, 7: // joins one
		m := Membership{PersonID: h.person().ID, GroupID: rapid.SampledFrom([]string{"g1", "g2", "g3"}).Draw(h.t, "group")}
		if !slices.Contains(w.Memberships, m) {
			w.Memberships = append(slices.Clone(w.Memberships), m)
		}
	case 8: // a filter mistake: half of them leave
		for i := range w.People {
			if i%2 == 0 {
				w.People[i].Active = false
			}
		}
	case 9:
		g := &w.Groups[rapid.IntRange(0, 2).Draw(h.t, "group")]
		if g.DeletedAt.IsZero() {
			g.DeletedAt = w.Now
		} else {
			g.DeletedAt = time.Time{}
		}
	case 10: // someone adds an account by hand
		email := fmt.Sprintf("stranger%d@elsewhere.example", h.step)
		if rapid.Bool().Draw(h.t, "known") {
			email = h.person().UserName
		}
		if h.row(func(r *simRow) bool { return r.email == email || r.sentTo == email }) == nil {
			h.hub.rows = append(h.hub.rows, &simRow{id: h.hub.number(), email: email, name: "By hand", role: h.role(), kind: Human, presence: Active})
		}
	case 11: // someone changes a role by hand
		if r := h.row(func(r *simRow) bool { return r.presence == Active && r.kind == Human && r.id != "self" }); r != nil {
			r.role = h.role()
		}
	case 12: // someone removes a member by hand
		if r := h.row(func(r *simRow) bool { return r.presence == Active && r.kind == Human && r.id != "self" }); r != nil {
			h.hub.drop(r)
		}
	case 13, 14: // people accept
		if r := h.row(func(r *simRow) bool { return r.presence == Invited }); r != nil {
			email, name := r.sentTo, ""
			if rapid.IntRange(0, 4).Draw(h.t, "other address") == 0 {
				email = fmt.Sprintf("private%d@home.example", h.step)
			}
			if p := h.byEmail(r.sentTo); p != nil && rapid.Bool().Draw(h.t, "own name") {
				name = p.DisplayName
			}
			h.hub.accept(r, email, name)
		}
	case 15: // or decline, or let it lapse
		if r := h.row(func(r *simRow) bool { return r.presence == Invited }); r != nil {
			switch rapid.IntRange(0, 2).Draw(h.t, "end") {
			case 0:
				r.presence = Declined
			case 1:
				r.presence = Expired
			default:
				h.hub.drop(r)
			}
		}
	case 16:
		h.decideSomething()
	case 17:
		h.inFlight = nil // the other worker's record arrives late or never: reads settle it
		h.settle()
	}
}

func (h *hist) byEmail(email string) *Person {
	for i := range h.w.People {
		if FoldEmail(h.w.People[i].UserName) == FoldEmail(email) {
			return &h.w.People[i]
		}
	}
	return nil
}

// decideSomething is an operator's word.
func (h *hist) decideSomething() {
	w := &h.w
	d := Decision{ID: h.id("d"), HubID: "hub", Reason: "because", By: "eva", At: w.Now}
	member := func() string {
		if len(w.Members) == 0 {
			return ""
		}
		return w.Members[rapid.IntRange(0, len(w.Members)-1).Draw(h.t, "member")].ID
	}
	switch rapid.IntRange(0, 6).Draw(h.t, "decision") {
	case 0:
		d.Kind, d.MemberID, d.Until = DecideExempt, member(), w.Now.Add(time.Duration(rapid.IntRange(1, 100).Draw(h.t, "hours"))*time.Hour)
	case 1:
		d.Kind, d.MemberID = DecideProtect, member()
	case 2:
		d.Kind, d.MemberID = DecideAdopt, member()
	case 3:
		d.Kind, d.MemberID, d.PersonID = DecideMatch, member(), h.person().ID
	case 4:
		h.approve()
		return
	case 5:
		d.Kind, d.PersonID, d.Role, d.Until = DecideGrant, h.person().ID, h.role(), w.Now.Add(3*time.Hour)
	case 6:
		d.Kind, d.Subject, d.Max, d.Until = DecideOverride, string(rapid.SampledFrom([]Code{GuardRemovalsPerRun, GuardRaises, GuardMassChange, GuardAdminRemovals, GuardAssets}).Draw(h.t, "guard")), 2, w.Now.Add(2*time.Hour)
	}
	w.Decisions = append(slices.Clone(w.Decisions), d)
}

// approve is someone's word on some of what is held, or needs a person.
func (h *hist) approve() {
	by := rapid.SampledFrom([]string{"eva", "tom"}).Draw(h.t, "by")
	say := func(key string) {
		if rapid.Bool().Draw(h.t, "approve") {
			kind := DecideApprove
			if rapid.IntRange(0, 4).Draw(h.t, "reject") == 4 {
				kind = DecideReject
			}
			h.w.Decisions = append(slices.Clone(h.w.Decisions), Decision{ID: h.id("d"), Kind: kind, Subject: key, By: by, Reason: "fine", At: h.w.Now})
		}
	}
	for _, r := range MakePlan(h.world()).Rows {
		if r.Verdict == Held {
			say(r.Key)
		}
		for _, s := range r.Assets {
			if s.Verdict == Held || s.Verdict == NeedsPerson && s.Action != Nothing {
				n := len(h.w.Decisions)
				if say(s.Key); len(h.w.Decisions) > n {
					h.asked[h.w.Decisions[n].ID] = s.Observed
				}
			}
		}
	}
}

// work plans, checks the plan, and carries some of its tasks out.
func (h *hist) work(all bool) (calls int) {
	w := h.world()
	p := h.lane.plan()
	plansMade.Add(1)
	coherent(h.t, w, p)
	if other := MakePlan(reversed(w)).Rows; !reflect.DeepEqual(p.Rows, other) { // much faster than a diff
		if diff := cmp.Diff(p.Rows, other); diff != "" {
			h.t.Fatalf("the plan depends on the order of the world:\n%s", diff)
		}
	}
	h.judgeAccess(w, p)
	h.judgeWords(p)
	for _, r := range p.Rows {
		if !r.Leaves() || r.TaskID != "" || !all && rapid.IntRange(0, 3).Draw(h.t, "later") == 0 {
			continue
		}
		if h.carryOut(r) {
			calls++
		}
		if !all && rapid.IntRange(0, 9).Draw(h.t, "meanwhile") == 0 {
			h.happen()
		}
	}
	for r, s := range p.Steps() {
		if s.TaskID == "" && (all || rapid.IntRange(0, 3).Draw(h.t, "later") != 0) && h.carryStep(r, s) {
			calls++
		}
	}
	return calls
}

// carryOut does one task as a worker does: recheck, about-to, call, record. It
// may die after the call.
func (h *hist) carryOut(r Row) bool {
	t := h.taskOf(r)
	w := h.world()
	w.Open = slices.Clone(w.Open)
	if t.Action == Remove || t.Action == SetRole {
		w = h.fresh(w) // the member may have become an admin by someone's hand since
	}
	if ok, _, _ := Recheck(w, t); !ok {
		return false
	}
	if !h.mayTouch(t) {
		h.t.Fatalf("property 1: %s on a member that is not ours to change\n%s", t.Key, h.text())
	}
	before := h.hub.admins()
	row := h.hub.find(t.PlatformID)
	h.hub.do(t)
	approved := h.approved(t)
	if r.Reason == DecisionApproved && !approved {
		h.t.Fatalf("%s goes as approved, and is not by those who have to\n%s", t.Key, h.text())
	}
	if after := h.hub.admins(); after < before {
		floor := w.Hub.Settings.MinAdmins
		if approved {
			floor = 1
		}
		if after < floor {
			h.t.Fatalf("property 2: %s left %d accepted admins, the floor is %d\n%s", t.Key, after, floor, h.text())
		}
	}
	h.log = append(h.log, change{at: w.Now, task: t, approved: approved, decision: r.Decision, admin: row != nil && row.role == Owner})
	if t.Action == Remove {
		h.within24h(w)
	}
	t.State, t.AboutToAt = Running, w.Now
	if rapid.IntRange(0, 7).Draw(h.t, "die") == 0 {
		// Killed between the call and the record.
		h.w.Open = append(slices.Clone(h.w.Open), t)
		return true
	}
	h.record(t)
	return true
}

// approved says by the record of decisions whether a change was approved by as
// many people as it takes.
func (h *hist) approved(t Task) bool {
	by := map[string]bool{}
	for _, d := range h.w.Decisions {
		if d.Kind == DecideApprove && d.Subject == t.Key && d.Holds(h.w.Now) {
			by[d.By] = true
		}
	}
	owners := t.From != t.To && (t.From == Owner || t.To == Owner)
	return len(by) > 1 || len(by) == 1 && !(owners && h.w.Hub.Settings.SecondPersonForOwners)
}

// settle ends running tasks by reading, as the next holder of the lane does.
func (h *hist) settle() {
	for _, t := range h.w.Open {
		if t.State != Running {
			continue
		}
		if t.Asset != (Asset{}) {
			if ShowsAsset(t, h.hub.access.users(t.Asset)) {
				h.record(t)
			} else {
				// Someone changed what the lost call had made so: what is left of it is theirs.
				delete(h.hub.access.byUs[t.Asset], t.PlatformID)
			}
			continue
		}
		seen, others := Fitting(t, h.hub.list(), h.w.Members, h.w.Invitations)
		if ok, _ := Shows(t, seen, others); ok {
			h.record(t)
		}
	}
	h.w.Open = nil
}

// mayTouch says by the record of decisions and by the platform's truth whether
// a member is ours to change.
func (h *hist) mayTouch(t Task) bool {
	if t.Action == Invite {
		return true
	}
	row := h.hub.find(t.PlatformID)
	if row != nil && (row.kind != Human || row.id == "self") {
		return false
	}
	for _, d := range h.w.Decisions {
		if d.MemberID != t.MemberID || !d.Holds(h.w.Now) {
			continue
		}
		if d.Kind == DecideExempt || d.Kind == DecideProtect {
			// Unless a later decision about the same member took its place.
			later := slices.ContainsFunc(h.w.Decisions, func(o Decision) bool {
				return o.MemberID == d.MemberID && (o.Kind == DecideAdopt || o.Kind == DecideExempt || o.Kind == DecideProtect) && o.ID > d.ID
			})
			if !later {
				return false
			}
		}
	}
	if row == nil || row.ours {
		return true
	}
	m := h.member(t.MemberID)
	return m != nil && m.Ownership.Ours()
}

// within24h checks property 5 after every removal. An earlier one is not judged
// again by a population that has shrunk since.
func (h *hist) within24h(w World) {
	n := 0
	for _, c := range h.log {
		if c.task.Action == Remove && !c.approved && c.decision == "" && !c.at.Before(w.Now.Add(-24*time.Hour)) {
			n++
		}
	}
	base := w.History.Population
	limit := max(w.Hub.Settings.MaxRemovalsMin, base*w.Hub.Settings.MaxRemovals24h/100)
	if n > limit {
		h.t.Fatalf("property 5: %d removals within 24 hours of %d members, limit %d\n%s", n, base, limit, h.text())
	}
}

// TestRandomHistories runs properties 1 to 7 over random histories of
// directory changes, pulls, foreign changes, decisions, clock steps and crashes.
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHist(t)
		for range rapid.IntRange(5, 25).Draw(t, "steps") {
			h.step++
			switch rapid.IntRange(0, 12).Draw(t, "what") {
			case 0, 5, 8:
				h.happenOnAssets()
			case 1, 2, 3, 9:
				h.happen()
			case 4, 10:
				h.pull(-1)
			case 6:
				h.pull(rapid.IntRange(0, 5).Draw(t, "rows"))
			case 7:
				h.w.Now = h.w.Now.Add(time.Duration(rapid.SampledFrom([]int{1, 10, 31, 600, 1440, 5000}).Draw(t, "minutes")) * time.Minute)
			default:
				h.settle()
				h.work(false)
			}
		}
		h.converge()
	})
}

// converge lets the world stand still and people accept, and checks that the
// platform comes to what is wished within the guards, in a bounded number of
// calls, and that nothing is written after that.
func (h *hist) converge() {
	calls, still := 0, 0
	clear(h.hub.access.broken)
	rows := len(h.hub.rows) + len(h.w.People)
	// The longest pause is a week, so ten quiet days are rest.
	for round := 0; round < 60 && still < 10; round++ {
		h.w.Now = h.w.Now.Add(25 * time.Hour)
		h.settle()
		for _, r := range h.hub.rows {
			if r.presence == Invited {
				name := ""
				if p := h.byEmail(r.sentTo); p != nil {
					name = p.DisplayName
				}
				h.hub.accept(r, r.sentTo, name)
			}
		}
		if got := h.pull(-1); len(got.Findings) > 0 && got.Findings[0].Reason == PullShrunk {
			// So many were taken off by hand: an operator looks and says that it is true.
			h.w.Decisions = append(slices.Clone(h.w.Decisions), Decision{ID: h.id("d"), Kind: DecideOverride, Subject: string(PullShrunk), By: "eva",
				Reason: "cleaned up by hand", At: h.w.Now, Until: h.w.Now.AddDate(0, 1, 0)})
		}
		n := h.work(true)
		calls += n
		if still++; n > 0 {
			still = 0
		}
		h.settle()
	}
	if calls > 8*rows*(1+len(historyAssets)/2) {
		h.t.Fatalf("property 3: %d calls for %d rows\n%s", calls, rows, h.text())
	}
	h.w.Now = h.w.Now.Add(25 * time.Hour)
	got := h.pull(-1)
	before := h.plan()
	// A plan says when it will come out otherwise though nothing moves (an open
	// invitation grows stale): the quiet hour lies between two such times.
	for range 5 {
		if before.Next.IsZero() || before.Next.After(h.w.Now.Add(time.Hour)) {
			break
		}
		h.w.Now = before.Next
		got, before = h.pull(-1), h.plan()
	}
	w := h.world()
	if !got.Quiet {
		h.t.Fatalf("property 4: a quiet hub is not quiet: %+v\n%s", got, h.text())
	}
	h.w.Now = h.w.Now.Add(time.Hour)
	if got := h.pull(-1); !got.Quiet {
		h.t.Fatalf("property 4: a quiet hub is not quiet the second time: %+v", got)
	}
	p := h.plan()
	if p.Hash != before.Hash || len(p.Members) > 0 {
		h.t.Fatalf("property 4: the plan of a quiet world changes: %s\n%s", cmp.Diff(before.Rows, p.Rows), h.text())
	}
	h.restOnAssets(p)
	for _, r := range p.Rows {
		if r.Leaves() {
			h.t.Fatalf("property 3: %s is still to be done at rest: %s\n%s", r.Key, planText(p), h.text())
		}
		if r.Desired != NoRole && r.Verdict == Fine && r.Standing != StandProtected && r.Standing != StandExempt && r.Standing != StandPartner {
			if row := h.hub.find(r.PlatformID); row == nil || row.role != r.Desired {
				h.t.Fatalf("property 3: %s is said to be in sync and is %+v\n%s", r.Name, row, h.text())
			}
		}
	}
	_ = w
}
