package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sifted is an observation without what Observe need not see.
func sifted(o Observation) Observation {
	rows := ListRows(o.Seen)
	bare := o
	bare.Seen, bare.Members, bare.Invitations, bare.People = nil, nil, nil, nil
	s := NewSift(bare, rows)
	for walk := s.Next(); walk != WalkDone; walk = s.Next() {
		switch walk {
		case WalkInvitations:
			for _, i := range o.Invitations {
				s.Invitation(i)
			}
		case WalkMembers:
			for _, m := range o.Members {
				s.Member(m)
			}
		case WalkPeople:
			named := s.Named()
			for _, p := range o.People {
				if s.Asks() || slices.Contains(named, p.ID) {
					s.Person(p)
				}
			}
		}
	}
	return s.Observation()
}

// observed is what comes of an observation, once of all of it and once of what
// a Sift keeps; they must be the same.
func observed(t interface {
	Helper()
	Fatalf(string, ...any)
}, o Observation) (got Observed, kept Observation) {
	t.Helper()
	numbered := func() func() string {
		n := 0
		return func() string { n++; return fmt.Sprintf("new%04d", n) }
	}
	kept = sifted(o)
	o.NewID, kept.NewID = numbered(), numbered()
	got = Observe(o)
	if diff := cmp.Diff(got, Observe(kept)); diff != "" {
		t.Fatalf("of what was kept (%d of %d members, %d of %d rows, %d of %d people, %d of %d invitations) comes something else:\n%s\nmembers %+v\nrows %+v\ninvitations %+v\ntasks %+v",
			len(kept.Members), len(o.Members), len(kept.Seen), len(o.Seen), len(kept.People), len(o.People), len(kept.Invitations), len(o.Invitations), diff,
			o.Members, o.Seen, o.Invitations, o.Open)
	}
	return got, kept
}

// crowd draws hubs on which few names, addresses and masks are many people's, so
// that much of what is on record may be much else of it.
type crowd struct {
	*rapid.T
	now time.Time
	o   Observation
}

func (c *crowd) n(what string, below int) int { return rapid.IntRange(0, below-1).Draw(c.T, what) }

func (c *crowd) one(what string, of ...string) string { return rapid.SampledFrom(of).Draw(c.T, what) }

// once says yes once in n times.
func (c *crowd) once(what string, n int) bool { return c.n(what, n) == 0 }

func (c *crowd) address() string {
	return c.one("local", "ana", "abba", "anna", "aaaa", "bo", "dora", "deva") + "@" + c.one("domain", "a.example", "b.example")
}

func (c *crowd) name() string { return c.one("name", "", "Ana Roth", "Roth, Ana", "Bo Lee", "Dora") }

func (c *crowd) person() string { return fmt.Sprintf("p%d", c.n("person", 8)) }

// ago is some time around that at which the pull began.
func (c *crowd) ago() time.Time {
	return c.now.Add(-time.Duration(rapid.SampledFrom([]int{0, 1, 3, 5, 8, 60, 3000, 50000}).Draw(c.T, "minutes ago")) * time.Minute)
}

func (c *crowd) role() Role {
	return Role(c.one("role", string(Collaborator), string(Collaborator), string(Owner)))
}

func (c *crowd) seen(masked bool) Seen {
	s := Seen{Kind: Human, Presence: Active, PlatformID: fmt.Sprint(70 + c.n("platform id", 12)), Email: c.address(), Name: c.name(), Role: c.role()}
	switch c.n("kind", 12) {
	case 0:
		s.Kind = SystemUser
	case 1:
		s.Kind = PartnerMember
	case 2:
		s.Email = ""
	}
	if c.once("invited", 5) {
		s.Presence = Presence(c.one("presence", string(Invited), string(Invited), string(Declined), string(Expired)))
		s.PlatformID, s.Name = "", ""
		if !masked {
			s.InvitationID = fmt.Sprint("q", c.n("invitation", 5))
		}
	} else if !masked && c.once("came", 3) {
		s.InvitedAs, s.InvitationID = c.address(), fmt.Sprint("q", c.n("invitation", 5))
	}
	if masked && s.Email != "" && Mask(s.Email) != s.Email {
		s.Email, s.Masked = Mask(s.Email), true
		if c.once("another mask", 6) {
			s.Email = s.Email[:1] + "*" + s.Email[2:]
		}
	}
	s.Access.Role = string(s.Role)
	return s
}

func newCrowd(t *rapid.T) *crowd {
	c := &crowd{T: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	masked := rapid.Bool().Draw(t, "masked")
	kind := AssetKind{Kind: "ad_account", Noun: "ad account", Roles: []string{"A", "B"}}
	c.o = Observation{Now: c.now, Hub: Hub{ID: "h", BusinessID: "biz", SelfID: "70", Mode: ModeFull, Settings: DefaultSettings()},
		Traits: Traits{MaskedEmails: masked, Propagation: 5 * time.Minute, Assets: []AssetKind{kind, {Kind: "finance", Seen: true}}},
		Pull:   Pull{ID: "pull", HubID: "h", BusinessID: c.one("business", "", "biz", "biz", "biz", "other"), Complete: !c.once("partial", 20), StartedAt: c.now.Add(-2 * time.Minute), PlatformTotal: -1}}
	o := &c.o
	for i := range c.n("people", 9) {
		p := Person{ID: fmt.Sprint("p", i), SourceID: c.one("source", "s1", "s2"), UserName: c.address(), Emails: []string{c.address()}, DisplayName: c.name(), Active: !c.once("inactive", 4)}
		if c.once("deleted", 6) {
			p.DeletedAt = c.ago()
		}
		if c.once("alias", 5) {
			p.Aliases = []string{c.address()}
		}
		o.People = append(o.People, p)
	}
	taken := map[string]bool{}
	for i := range c.n("members", 12) {
		m := Member{ID: fmt.Sprintf("m%02d", i), HubID: "h", Seen: c.seen(masked), Ownership: Ownership(c.one("ownership", string(Created), string(Adopted), string(Foreign), string(Foreign))), FirstSeen: c.ago()}
		m.LastSeen = c.now
		if own := ownershipAtSight(o.Hub, m.Seen); own != Foreign && !c.once("not yet so", 4) {
			m.Ownership = own
		}
		if c.once("gone", 5) {
			m.Presence, m.GoneAt = Gone, c.ago()
		} else if taken[m.PlatformID] {
			continue // two who are not gone never have the same
		}
		taken[m.PlatformID] = taken[m.PlatformID] || m.PlatformID != "" && m.Presence != Gone
		if c.once("young write", 4) {
			m.Applied, m.AppliedAt = c.role(), c.ago()
		}
		if c.n("bound", 3) > 0 {
			m.PersonID, m.Match = c.person(), &Match{Rule: c.one("rule", MatchByEmail, MatchByMask, MatchByInvitation, MatchByDecision), At: c.now}
		} else if m.Presence != Gone && c.once("suggestions", 4) {
			m.Suggestions = []Suggestion{{PersonID: c.person(), Why: "so", Score: rapid.SampledFrom([]int{scoreName, scoreInvited, scoreMaskOne, scoreFound}).Draw(t, "score")}}
			m.Disputed = c.once("disputed", 2)
		}
		if c.once("assets", 6) {
			m.Assets = []MemberAsset{{Asset: Asset{Kind: "ad_account", ID: "1"}, Roles: []string{"A"}, Applied: []string{"A"}, AppliedAt: c.ago()}}
		}
		o.Members = append(o.Members, m)
		if c.n("shown", 6) == 0 {
			continue
		}
		row := m.Seen
		if row.Presence = Active; m.PlatformID == "" {
			row.Presence = m.Presence
		}
		switch c.n("how", 12) {
		case 0:
			row.Role = c.role()
		case 1:
			row.Name = c.name()
		case 2:
			row.Email, row.Masked = c.address(), false
		case 3:
			row.InvitationID = ""
		case 4:
			row = c.seen(masked)
		case 5:
			row.Access.Finance = "ANALYST"
		}
		if row.Presence != Gone {
			o.Seen = append(o.Seen, row)
		}
		if c.once("on two pages", 8) {
			again := row
			if c.once("otherwise", 2) {
				again.Role, again.Name = c.role(), c.name()
			}
			o.Seen = append(o.Seen, again)
		}
	}
	for range c.n("newcomers", 4) {
		o.Seen = append(o.Seen, c.seen(masked))
	}
	if len(o.Seen) > 1 {
		o.Seen = rapid.Permutation(o.Seen).Draw(t, "order")
	}
	if c.once("total", 2) {
		o.Pull.PlatformTotal = max(0, len(o.Seen)+c.n("short", 3)-1)
	}
	o.Hub.Settings.MaxShrinkPercent = rapid.SampledFrom([]int{0, 30, 100}).Draw(t, "shrink")
	c.invite()
	c.decide()
	c.tasks()
	if c.once("assets read", 2) {
		l := AssetListing{Asset: Asset{Kind: "ad_account", ID: "1"}, Complete: !c.once("unread", 4)}
		for range c.n("users", 5) {
			l.Users = append(l.Users, AssetUser{PlatformID: fmt.Sprint(70 + c.n("platform id", 12)), Roles: []string{c.one("asset role", "A", "B")}})
		}
		o.Assets = []AssetListing{l}
	}
	for _, s := range o.Seen {
		if s.Masked && s.PlatformID != "" && c.once("found", 5) {
			o.Confirmed = map[string]string{s.PlatformID: c.address()}
		}
	}
	return c
}

func (c *crowd) member() string { return fmt.Sprintf("m%02d", c.n("member", 12)) }

func (c *crowd) invite() {
	open := map[string]bool{}
	for i := range c.n("invitations", 7) {
		v := Invitation{ID: fmt.Sprint("i", i), HubID: "h", PersonID: c.person(), Email: c.address(), Role: c.role(), Attempt: 1, SentAt: c.ago()}
		v.State = InvitationState(c.one("state", string(InvitationSent), string(InvitationPending), string(InvitationAccepted), string(InvitationVanished), string(InvitationExpired), string(InvitationCancelled)))
		if c.n("of a member", 3) > 0 {
			v.MemberID = c.member()
		}
		if c.once("numbered", 3) {
			v.PlatformID = fmt.Sprint("q", c.n("invitation", 5))
		}
		if !v.State.Open() {
			v.EndedAt = c.ago()
		} else if open[v.Email] {
			continue
		} else if open[v.Email] = true; v.State == InvitationPending {
			v.SeenAt = c.ago()
		}
		c.o.Invitations = append(c.o.Invitations, v)
	}
}

func (c *crowd) decide() {
	for i := range c.n("decisions", 4) {
		d := Decision{ID: fmt.Sprint("d", i), HubID: "h", By: "eva", At: c.ago(), MemberID: c.member(), PersonID: c.person()}
		switch c.n("word", 4) {
		case 0:
			d.Kind = DecideMatch
		case 1:
			d.Kind = DecideNotMatch
		case 2:
			d.Kind = DecideExempt
		case 3:
			d = Decision{ID: d.ID, HubID: "h", By: "eva", At: d.At, Kind: DecideOverride, Subject: string(PullShrunk), Until: c.now.Add(time.Hour)}
		}
		c.o.Decisions = append(c.o.Decisions, d)
	}
}

func (c *crowd) tasks() {
	for i := range c.n("tasks", 4) {
		t := Task{ID: fmt.Sprint("t", i), HubID: "h", Action: rapid.SampledFrom([]Action{Invite, Remove, Cancel, SetRole, SetInvite, Assign, Unassign}).Draw(c.T, "action"),
			State: rapid.SampledFrom([]TaskState{Accepted, Accepted, Running}).Draw(c.T, "state"), PersonID: c.person(), MemberID: c.member(), Email: c.address(), From: c.role(), To: c.role(), AboutToAt: c.ago()}
		t.AnsweredAt = t.AboutToAt
		if c.once("number", 2) {
			t.PlatformID = fmt.Sprint(70 + c.n("platform id", 12))
		}
		if t.Action == Assign || t.Action == Unassign {
			t.Asset, t.Roles = Asset{Kind: "ad_account", ID: "1"}, []string{"A"}
		}
		c.o.Open = append(c.o.Open, t)
	}
}

// TestWhatIsSiftedOutChangesNothing: whatever is on record and whatever a
// listing shows, what Observe concludes from what a Sift keeps is what it
// concludes from everything; and so are the tasks that the listing proves.
func TestWhatIsSiftedOutChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCrowd(t)
		_, kept := observed(t, c.o)
		for _, task := range c.o.Open {
			fits, others := Fitting(task, c.o.Seen, c.o.Members, c.o.Invitations)
			of, fewer := Fitting(task, kept.Seen, kept.Members, kept.Invitations)
			if diff := cmp.Diff(fits, of); diff != "" || others != fewer {
				t.Fatalf("of what was kept, others fit the task %+v (%d may be others', %d):\n%s", task, others, fewer, diff)
			}
		}
	})
}

// TestWhoeverIsAtRestIsSiftedOut: of a hub on which everyone shows as before,
// nobody is kept but those about whom there is something to find out.
func TestWhoeverIsAtRestIsSiftedOut(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	o := Observation{Now: now, Pull: Pull{ID: "pull", Complete: true, StartedAt: now.Add(-time.Minute)}, Hub: Hub{ID: "h"}}
	for i := range 300 {
		m := Member{ID: fmt.Sprintf("m%03d", i), HubID: "h", Ownership: Foreign, FirstSeen: now.Add(-time.Hour),
			Seen: Seen{Kind: Human, Presence: Active, PlatformID: fmt.Sprint(1000 + i), Email: fmt.Sprintf("no%d@corp.example", i), Name: fmt.Sprint("No ", i), Role: Collaborator}}
		switch i % 3 {
		case 0: // bound
			m.PersonID, m.Match, m.Ownership = fmt.Sprint("p", i), &Match{Rule: MatchByEmail}, Created
			o.People = append(o.People, Person{ID: m.PersonID, UserName: m.Email, Active: true})
			o.Invitations = append(o.Invitations, Invitation{ID: fmt.Sprint("i", i), PersonID: m.PersonID, MemberID: m.ID, Email: m.Email, State: InvitationAccepted, SentAt: now.AddDate(0, -1, 0), EndedAt: now.AddDate(0, -1, 0)})
		case 1: // gone
			m.Presence, m.GoneAt = Gone, now.Add(-time.Hour)
		}
		o.Members = append(o.Members, m)
		if m.Presence == Active {
			o.Seen = append(o.Seen, m.Seen)
		}
	}
	got, kept := observed(t, o)
	if n := len(kept.Members) + len(kept.Seen) + len(kept.People) + len(kept.Invitations); n > 0 || !got.Quiet {
		t.Errorf("nothing has happened, and kept are %d members, %d rows, %d people, %d invitations; found: %+v", len(kept.Members), len(kept.Seen), len(kept.People), len(kept.Invitations), got)
	}
	if kept.Rest != (Rest{Rows: 200, Known: 200}) {
		t.Errorf("at rest are %+v, 200 members show", kept.Rest)
	}
	o.People = append(o.People, Person{ID: "p-two", UserName: "somebody@corp.example", DisplayName: "No 2", Active: true}) // the name of a stranger
	o.Seen[0].Role = Owner
	if _, kept = observed(t, o); len(kept.Members) != 2 || len(kept.Seen) != 2 || len(kept.People) != 2 {
		t.Errorf("one has another role and one may be somebody: kept are %d members, %d rows, %d people", len(kept.Members), len(kept.Seen), len(kept.People))
	}
}

// TestAListingIsKeptWhole: whatever rows there are, they come back as they were
// read, and are found by their platform ids.
func TestAListingIsKeptWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []Seen
		for range rapid.IntRange(0, 40).Draw(t, "rows") {
			text := func(what string) string {
				return rapid.OneOf(rapid.Just(""), rapid.String(), rapid.Just(strings.Repeat("x", 70_000))).Draw(t, what)
			}
			s := Seen{Kind: MemberKind(text("kind")), Presence: Active, PlatformID: rapid.SampledFrom([]string{"", "1", "12", "2", text("id")}).Draw(t, "platform id"), InvitationID: text("invitation"),
				Email: text("email"), Masked: rapid.Bool().Draw(t, "masked"), Name: text("name"), Role: Role(text("role")), InvitedAs: text("invited as"),
				Access: Access{Role: text("native"), Finance: text("finance"), TwoFactor: text("factor")}}
			if rapid.IntRange(0, 20).Draw(t, "long") == 0 {
				s.Name = strings.Repeat("x", 70_000)
			}
			for range rapid.IntRange(0, 2).Draw(t, "tasks") {
				s.Access.Tasks = append(s.Access.Tasks, text("task"))
			}
			if rapid.Bool().Draw(t, "expires") {
				s.ExpiresAt = time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
			}
			list = append(list, s)
		}
		rows := ListRows(list)
		found := map[string][]uint32{}
		for i, s := range list {
			if s.PlatformID != "" {
				found[s.PlatformID] = append(found[s.PlatformID], uint32(i))
			}
		}
		for i, s := range rows.All() {
			if diff := cmp.Diff(list[i], s); diff != "" {
				t.Fatalf("row %d:\n%s", i, diff)
			}
			if !slices.Equal(rows.Find(s.PlatformID), found[s.PlatformID]) {
				t.Fatalf("%q is found at %v, was read at %v", s.PlatformID, rows.Find(s.PlatformID), found[s.PlatformID])
			}
		}
		if rows.Len() != len(list) || rows.Find("nobody's") != nil {
			t.Fatalf("%d rows of %d", rows.Len(), len(list))
		}
	})
}
