package bridge

import (
	"fmt"
	"slices"
	"time"
)

// invitations are all that were sent, with what to tell the person of the last.
func (x *explainer) invitations() Step {
	s := Step{Title: "Invitations"}
	last := map[string]Invitation{}
	for _, i := range x.w.Invitations {
		if l, ok := last[i.PersonID]; !ok || !i.SentAt.Before(l.SentAt) {
			last[i.PersonID] = i
		}
	}
	for _, i := range x.w.Invitations {
		if !x.persons[i.PersonID] {
			continue
		}
		wanted := slices.ContainsFunc(x.wishes, func(d Desired) bool { return d.PersonID == i.PersonID && d.Role != NoRole })
		status := Invitee{Hub: x.w.Hub, Traits: x.w.Traits, Now: x.w.Now, Wanted: wanted, Last: last[i.PersonID].ID == i.ID, People: x.same(i.PersonID)}.Status(i)
		text := fmt.Sprintf("attempt %d to %s as %s: %s", i.Attempt, i.Email, i.Role.Word(), i.State)
		for _, t := range []struct {
			word string
			at   time.Time
		}{{" on ", i.EndedAt}, {", seen pending on ", i.SeenAt}, {", open until ", i.ExpiresAt}, {", next try on ", status.NextTry}} {
			if !t.at.IsZero() {
				text += t.word + stamp(t.at)
			}
		}
		s.Lines = append(s.Lines, Line{At: i.SentAt, Text: text})
		if last[i.PersonID].ID == i.ID {
			s.Lines = append(s.Lines, Line{At: i.SentAt, Text: "tell the person: " + status.Tell})
		}
	}
	slices.SortStableFunc(s.Lines, func(a, b Line) int { return a.At.Compare(b.At) })
	return s
}

// same are all persons who are the same human as one.
func (x *explainer) same(person string) []*Person {
	if h := x.ids.of[person]; h != nil {
		return h.people
	}
	return nil
}
