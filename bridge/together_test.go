package bridge

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// manyTogether are worlds in which one change concerns three people at once.
var manyTogether = map[string]string{
	"members of a deleted group": `
group gone name=Gone deleted=-1h
rule r2 Gone collaborator
repeat 3 person p{}
repeat 3 wished p{} by=r2/gone
repeat 3 member m{} p{}`,
	"members lowered with a deleted group": `
group gone name=Gone deleted=-1h
rule r2 Gone owner
repeat 3 person p{} users
repeat 3 wished p{} role=owner by=r2/gone,r1/users
repeat 3 member m{} p{} role=owner`,
	"invitations of a deleted group": `
group gone name=Gone deleted=-1h
rule r2 Gone collaborator
repeat 3 person p{}
repeat 3 wished p{} by=r2/gone
repeat 3 member m{} p{} presence=invited
repeat 3 invitation i{} p{} member=m{}`,
	"access that a rule forgot": `
rule r2 users collaborator ad_account:2=analyst
repeat 3 person p{} users
repeat 3 wished p{} by=r1/users,r2/users
repeat 3 member m{} p{}
repeat 3 access m{} ad_account:1 roles=OPERATOR applied=OPERATOR
repeat 3 access m{} ad_account:2 roles=ANALYST applied=ANALYST
repeat 3 wants p{} ad_account:1 roles=OPERATOR by=r2/users
repeat 3 wants p{} ad_account:2 roles=ANALYST by=r2/users`,
	"all access there is": `
repeat 3 person p{} users
repeat 3 wished p{} by=r1/users
repeat 3 member m{} p{}
repeat 3 access m{} ad_account:1 roles=OPERATOR applied=OPERATOR
repeat 3 wants p{} ad_account:1 roles=OPERATOR by=r1/users`,
	"everyone of an empty directory": `
repeat 3 person p{} active=no
repeat 3 wished p{} by=r1/users
repeat 3 member m{} p{}`,
}

// fates are what may become of one of those who are held.
var fates = map[string]func(*World, heldChange){
	"approved": func(w *World, c heldChange) { w.say(Decision{Kind: DecideApprove, Subject: c.key}) },
	"approved until it is done": func(w *World, c heldChange) {
		w.say(Decision{Kind: DecideApprove, Subject: c.key, Until: w.Now.Add(90 * time.Minute)})
	},
	"rejected": func(w *World, c heldChange) { w.say(Decision{Kind: DecideReject, Subject: c.key}) },
	"exempted": func(w *World, c heldChange) { w.say(Decision{Kind: DecideExempt, MemberID: c.member}) },
	"removed by hand": func(w *World, c heldChange) {
		w.carryOut(Row{Action: Remove, MemberID: c.member})
	},
}

type heldChange struct{ key, member string }

func (w *World) say(d Decision) {
	d.ID, d.By, d.Reason, d.At = fmt.Sprint("d", len(w.Decisions)), "eva", "seen", w.Now
	w.Decisions = append(slices.Clone(w.Decisions), d)
}

// carryOut keeps what a row's change made true.
func (w *World) carryOut(r Row) {
	for i := range w.Members {
		m := &w.Members[i]
		if m.ID != r.MemberID {
			continue
		}
		switch r.Action {
		case SetRole:
			m.Role, m.Applied, m.AppliedAt = r.To, r.To, w.Now
		case Remove, Cancel:
			m.Presence, m.GoneAt, m.Applied, m.Assets = Gone, w.Now, NoRole, nil
		}
	}
	for i := range w.Invitations {
		if v := &w.Invitations[i]; v.MemberID == r.MemberID && (r.Action == Cancel || r.Action == Remove) {
			v.State, v.EndedAt = InvitationCancelled, w.Now
		}
	}
}

// goOn makes the plan, keeps what it changes in the record, carries out what it
// says, and says what it holds and what it did.
func (w *World) goOn() (held []heldChange, done []string) {
	p := MakePlan(*w)
	w.Desired = p.Desired
	w.take(Observed{Members: p.Members})
	for _, r := range p.Rows {
		if r.Verdict == Held {
			held = append(held, heldChange{r.Key, r.MemberID})
		}
		if r.Leaves() {
			done = append(done, r.Key)
			w.carryOut(r)
		}
		for _, s := range r.Assets {
			if s.Verdict == Held {
				held = append(held, heldChange{s.Key, r.MemberID})
			}
			if !s.Leaves() {
				continue
			}
			done = append(done, s.Key)
			for i := range w.Members {
				if w.Members[i].ID == r.MemberID {
					w.Members[i].put(MemberAsset{Asset: s.Asset, Roles: s.To, AppliedAt: w.Now})
				}
			}
		}
	}
	w.Now = w.Now.Add(2 * time.Hour)
	w.Pull.StartedAt = w.Now.Add(-time.Hour)
	// What has lapsed is in the world no more, as in a snapshot.
	w.Decisions = slices.DeleteFunc(slices.Clone(w.Decisions), func(d Decision) bool { return !d.Holds(w.Now) })
	return held, done
}

// TestAWordOnOneOfManyReleasesNoOther: whatever is decided about two of three
// people whom one change concerns, the third keeps what they have until there is
// a word on them, however long it takes.
func TestAWordOnOneOfManyReleasesNoOther(t *testing.T) {
	for what, text := range manyTogether {
		for word, say := range fates {
			t.Run(what+", "+word, func(t *testing.T) {
				head := "source okta domain=corp.example\ngroup users name=users\nrule r1 users collaborator\nset max-removals-min=50 max-asset-removals-min=50 max-admin-removals=50\n"
				if what != "everyone of an empty directory" {
					head += "group keep name=keep\nrule r9 keep owner\nrepeat 4 person k{} keep\nrepeat 4 wished k{} role=owner by=r9/keep\nrepeat 4 member n{} k{} role=owner\n"
				}
				w, err := parseWorld(head + text)
				if err != nil {
					t.Fatal(err)
				}
				held, done := w.goOn()
				if len(held) != 3 || len(done) != 0 {
					t.Fatalf("%d changes are held and %v done; three people are concerned", len(held), done)
				}
				third := held[2]
				for _, c := range held[:2] {
					say(&w, c)
					for range 3 {
						left, done := w.goOn()
						if slices.Contains(done, third.key) || !slices.Contains(left, third) {
							t.Fatalf("after another was %s, %s is not held any more: held %v, done %v", word, third.key, left, done)
						}
					}
				}
				w.say(Decision{Kind: DecideApprove, Subject: third.key})
				if _, done := w.goOn(); !slices.Contains(done, third.key) {
					t.Fatalf("%s is approved and not done: %v", third.key, done)
				}
			})
		}
	}
}

// TestAnOverrideForOneReleasesOne: an override for one change lets one through,
// and the last is held for a word of its own.
func TestAnOverrideForOneReleasesOne(t *testing.T) {
	w, err := parseWorld("source okta domain=corp.example\ngroup users name=users\nrule r1 users collaborator\nperson k users\nwished k by=r1/users\nmember n k\n" +
		manyTogether["members of a deleted group"])
	if err != nil {
		t.Fatal(err)
	}
	w.goOn()
	w.say(Decision{Kind: DecideOverride, Subject: string(GuardMassChange), Max: 2, Until: w.Now.AddDate(0, 1, 0)})
	id := w.Decisions[0].ID
	if held, done := w.goOn(); len(held) != 1 || len(done) != 2 {
		t.Fatalf("an override for two: held %v, done %v", held, done)
	}
	w.History.Used = map[string]int{id: 2}
	if held, done := w.goOn(); len(held) != 1 || len(done) != 0 {
		t.Fatalf("the override is used up: held %v, done %v", held, done)
	}
}

// TestAPersonBackInAGroupIsConcernedAnew: what was held together is held no more
// once the wish has changed.
func TestAPersonBackInAGroupIsConcernedAnew(t *testing.T) {
	w, err := parseWorld("source okta domain=corp.example\ngroup users name=users\nrule r1 users collaborator\nperson k users\nwished k by=r1/users\nmember n k\n" +
		manyTogether["members of a deleted group"])
	if err != nil {
		t.Fatal(err)
	}
	w.goOn()
	w.Memberships = append(slices.Clone(w.Memberships), Membership{PersonID: "p01", GroupID: "users"})
	if held, _ := w.goOn(); len(held) != 2 {
		t.Fatalf("held %v, one of three is wanted again", held)
	}
	w.Memberships = w.Memberships[:len(w.Memberships)-1]
	w.goOn()
	if _, done := w.goOn(); !slices.Contains(done, "remove/m01") {
		t.Fatalf("who left a group by themselves is concerned alone: %v", done)
	}
}

// judgeWords checks of a plan in a random history that nobody is taken away with
// a mass change on a word about somebody else, and that an approval of a change
// of access is used for no more than was seen when it was given.
func (h *hist) judgeWords(p Plan) {
	one := func(key string, cause Code, since time.Time, v Verdict, reason Code, decision string) {
		was, held := h.together[key]
		switch {
		case v == Held && reason == GuardMassChange:
			h.together[key] = since
		case v == Do && held && was.Equal(since) && massCause(cause) && decision == "":
			h.t.Fatalf("%s was held as a mass change, and goes without a word on it: %s\n%s", key, planText(p), h.text())
		}
	}
	for _, r := range p.Rows {
		if r.Action == Remove || r.Action == Cancel || r.Action == SetRole && r.To.Rank() < r.From.Rank() {
			one(r.Key, r.Cause, r.Since, r.Verdict, r.Reason, r.Decision)
		}
		for _, s := range r.Assets {
			k, _ := h.w.Traits.Asset(s.Kind)
			if s.Action == Nothing || k.Covers(s.To, s.Observed) {
				continue
			}
			one(s.Key, s.Cause, s.Since, s.Verdict, s.Reason, s.Decision)
			if seen, ok := h.asked[s.Decision]; ok && s.Leaves() && !k.Covers(seen, s.Observed) {
				h.t.Fatalf("%s was approved when %s was seen, and is done to %s\n%s%s", s.Key, rolesText(seen), rolesText(s.Observed), planText(p), h.text())
			}
		}
	}
}
