package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// answer is the one sentence, from the row that matters most.
func (x *explainer) answer() (string, string, Actor) {
	if len(x.rows) == 0 {
		return x.nobodyHere()
	}
	r := x.rows[0]
	for _, o := range x.rows {
		if o.Desired != NoRole || o.Action != Nothing {
			r = o
			break
		}
	}
	wanted := "Nothing wants a role here"
	if r.Desired != NoRole {
		wanted = r.Desired.Word() + " is wanted"
		if len(r.Why) > 0 && r.Why[0].GroupName != "" {
			wanted += " by group " + r.Why[0].GroupName
		}
	}
	is := "not on the hub"
	if r.Presence != "" {
		is = string(r.Presence) + " as " + r.Observed.Word()
	}
	s := fmt.Sprintf("%s; %s on the hub is %s.", wanted, r.Name, is)
	if x.behind != "" {
		s = fmt.Sprintf("Nobody is known as %s, but a member is whose mask it fits. %s", x.behind, s)
	}
	if r.Presence == "" {
		s = fmt.Sprintf("%s; %s is %s.", wanted, r.Name, is)
	}
	code := r.Reason
	if code == "" {
		code = r.Situation
	}
	reason := ReasonOf(code)
	verdict := map[Verdict]string{Do: "To be done now", Would: "It would be done, but not now", Held: "Held", Waiting: "Waiting", NeedsPerson: "Someone has to act", Suppressed: "Left alone", Fine: "Nothing to do"}[r.Verdict]
	if r.Action != Nothing {
		verdict += " (" + string(r.Action) + " " + roles(r) + ")"
	}
	s += " " + verdict + ": " + reason.Meaning
	if r.Detail != "" {
		s += " (" + r.Detail + ")"
	}
	if r.ends() {
		s += ", until " + r.until(x.w.Now)
	}
	return answerOnAssets(r, s+".", reason)
}

// nobodyHere is the answer about someone of whom the plan says nothing: whom
// nothing wants and who is not on the hub (any more).
func (x *explainer) nobodyHere() (string, string, Actor) {
	answer := "No rule wants this person on the hub, and nobody on the hub is known as them."
	next, actor := "put the person into a group that a rule names", IdentityTeam
	if x.allLeft() {
		next, actor = "nothing: the identity provider says that they left", Nobody
	}
	was, left := x.lastGone()
	t, taken := x.takenAway()
	switch {
	case taken && !was.GoneAt.After(later(t.EffectBy(), t.EndedAt).Add(24*time.Hour)): // else they came back since, and went again
		done := "removed them from the hub"
		if t.Action == Cancel {
			done = "cancelled their invitation"
		}
		reason := ReasonOf(x.why(t))
		answer += fmt.Sprintf(" adbridge %s on %s (%s): %s", done, stamp(cmp.Or(t.AboutToAt, t.CreatedAt)), t.From.Word(), reason.Meaning)
		if reason.Code == DecisionApproved || reason.Code == DecisionOverride {
			answer += "; before, " + ReasonOf(t.Cause).Meaning
		}
		if f, ok := x.saidBefore(t.CreatedAt); ok {
			answer += fmt.Sprintf(". Before that, on %s, %s", stamp(f.At), factText(f))
		}
		answer += "."
		if t.State == Accepted {
			answer += " The platform said yes to that; no reading has shown it yet."
		}
		if reason.Next != "nothing" && reason.Code != t.Cause && (!x.allLeft() || gone(reason.Code)) {
			next, actor = reason.Next, reason.Actor
			if actor == Nobody {
				actor = IdentityTeam // who alone can undo it
			}
		}
	case left:
		answer += fmt.Sprintf(" They were on it as %s until %s, and ", was.Role.Word(), stamp(was.GoneAt))
		if yes, ok := x.disbelieved(was); ok {
			answer += fmt.Sprintf("adbridge had asked to have them removed: the platform said yes on %s, and went on showing them. It was that removal, shown late, or someone else removed them.", stamp(yes.At))
		} else {
			answer += "no removal by adbridge is on record: they left by themselves, or someone else removed them."
		}
	}
	if m, may, ok := x.likeliest(); ok { // someone who left may still have access under another address
		r := ReasonOf(MatchProbable)
		return fmt.Sprintf("%s But %s (%s) may be them: %s.", answer, who(Row{Name: m.Name, Email: m.Email}), m.Role.Word(), may.Why), r.Next, r.Actor
	}
	return answer, next, actor
}

// lastGone is who left the hub last of those who are meant.
func (x *explainer) lastGone() (last Member, ok bool) {
	for _, m := range x.w.Members {
		if x.members[m.ID] && m.Presence == Gone && (!ok || m.GoneAt.After(last.GoneAt)) {
			last, ok = m, true
		}
	}
	return last, ok
}

// takenAway is our last removal, or cancelled invitation, that the platform took.
func (x *explainer) takenAway() (last Task, ok bool) {
	for _, t := range x.tasks {
		if (t.Action == Remove || t.Action == Cancel) && (t.State == Accepted || t.State == Confirmed) && (!ok || t.CreatedAt.After(last.CreatedAt)) {
			last, ok = t, true
		}
	}
	return last, ok
}

// disbelieved is the platform's last yes to a removal that it did not show, before
// whoever was to go was gone all the same.
func (x *explainer) disbelieved(was Member) (yes Fact, ok bool) {
	list := x.last(func(f Fact) bool {
		return f.Action == "task.accepted" && !f.At.After(was.GoneAt) && slices.ContainsFunc(x.tasks, func(t Task) bool {
			return t.ID == f.Task && (t.Action == Remove || t.Action == Cancel) && t.MemberID == was.ID && t.State == Superseded && !was.GoneAt.After(t.EndedAt)
		})
	}, 1)
	if len(list) == 0 {
		return Fact{}, false
	}
	return list[0], true
}

// why is what a change that is done was for. What kept the platform from it for a
// while is still the task's reason, and is not why it was done.
func (x *explainer) why(t Task) Code {
	if !strings.HasPrefix(string(t.Reason), "platform.") {
		return cmp.Or(t.Reason, t.Cause)
	}
	for _, f := range x.last(func(f Fact) bool { return f.Task == t.ID && f.Action == "task.planned" }, 1) {
		if code, ok := f.Detail["reason"].(string); ok {
			return Code(code)
		}
	}
	return t.Cause
}

// saidBefore is the last thing that the identity provider took away before a time.
func (x *explainer) saidBefore(at time.Time) (Fact, bool) {
	list := x.last(func(f Fact) bool {
		return !f.At.After(at) && x.persons[f.Person] && (f.Action == "membership.removed" || f.Action == "user.deactivated" || f.Action == "user.deleted")
	}, 1)
	if len(list) == 0 {
		return Fact{}, false
	}
	return list[0], true
}

// likeliest is the member, of those whom nobody is matched to, who on the best
// evidence may be who is meant.
func (x *explainer) likeliest() (member Member, may Suggestion, ok bool) {
	for _, m := range x.w.Members {
		for _, g := range m.Suggestions {
			if m.Presence != Gone && m.PersonID == "" && x.persons[g.PersonID] && g.Score > may.Score {
				member, may, ok = m, g, true
			}
		}
	}
	return member, may, ok
}

// allLeft says that everyone who is meant has left, as their sources tell.
func (x *explainer) allLeft() bool {
	left := 0
	for _, o := range x.w.People {
		if x.persons[o.ID] && !o.Leaver() {
			return false
		}
		if x.persons[o.ID] {
			left++
		}
	}
	return left > 0
}
