package bridge

import (
	"cmp"
	"fmt"
	"time"
)

// InvitationStatus is how an invitation stands at a time.
type InvitationStatus struct {
	Invitation
	Attempts int  `json:"attempts"` // that may lapse before someone has to look
	Days     int  `json:"days"`     // since it was sent
	Stale    bool `json:"stale"`    // open for longer than stale-invitation-days
	// AddressNow is the person's address, of an open invitation that went to
	// one that is none of theirs any more.
	AddressNow string `json:"address_now,omitempty"`
	// Tell is what the person themselves is to know and do.
	Tell string `json:"tell"`
}

// Invitee is whom an invitation went to, as far as its standing depends on them
// and their hub.
type Invitee struct {
	Hub    Hub
	Traits Traits
	Now    time.Time
	Wanted bool // the rules want them on the hub
	Last   bool // it is their last invitation to the hub
	// People are who they are in the directory; none: nothing is known of their addresses.
	People []*Person
}

// Status is how one of their invitations stands. NextTry stays only where
// another invitation goes out then by itself.
func (x Invitee) Status(i Invitation) InvitationStatus {
	age := x.Now.Sub(i.SentAt)
	s := InvitationStatus{Invitation: i, Attempts: x.Hub.Settings.InviteAttempts, Days: int(age / (24 * time.Hour)),
		Stale: i.State.Open() && age > time.Duration(x.Hub.Settings.StaleInvitationDays)*24*time.Hour}
	if !i.State.Lapsed() || !x.Wanted || !x.Last || i.Attempt >= s.Attempts {
		s.NextTry = time.Time{}
	}
	h := human{persons: x.People}
	if len(x.People) > 0 && i.State.Open() && !x.Traits.NoInvitations && h.elsewhere(i.Email) {
		s.AddressNow = cmp.Or(x.People[0].Email(), x.People[0].UserName)
	}
	s.Tell = x.tell(s)
	return s
}

func (x Invitee) tell(s InvitationStatus) string {
	mail := "the e-mail from " + x.Hub.Platform.Word()
	there := fmt.Sprintf("the %s %s", cmp.Or(x.Traits.HubNoun, "hub"), cmp.Or(x.Hub.BusinessName, x.Hub.BusinessID))
	lapsed := fmt.Sprintf("The invitation sent to %s on %s is no longer open", s.Email, day(s.SentAt))
	if x.Traits.NoInvitations {
		return x.tellDirect(s, there)
	}
	switch {
	case s.State.Open():
		text := fmt.Sprintf("Accept %s that was sent to %s on %s: it invites you to %s as %s.", mail, s.Email, day(s.SentAt), there, x.role(s.Role))
		if !s.ExpiresAt.IsZero() {
			text += fmt.Sprintf(" It can be accepted until %s.", stamp(s.ExpiresAt))
		}
		if s.SeenAt.IsZero() {
			text += fmt.Sprintf(" %s does not show the invitation so far: the e-mail may be late.", x.Hub.Platform.Word())
		}
		if s.Stale {
			text += fmt.Sprintf(" It has waited for %d days: look into the spam folder too.", s.Days)
		}
		if s.AddressNow != "" {
			text += fmt.Sprintf(" If you no longer read that address, tell the admins of %s: they can have it sent to %s instead.", there, s.AddressNow)
		}
		return text
	case s.State == InvitationAccepted:
		return fmt.Sprintf("You have accepted, as was seen on %s: nothing is left to do.", day(s.EndedAt))
	case !x.Last:
		return lapsed + "; there is a later one."
	case !x.Wanted:
		return lapsed + ", and none is needed any more."
	case s.State == InvitationDeclined:
		return fmt.Sprintf("You declined, as was seen on %s. If you need access after all, ask the admins of %s for another invitation.", day(s.EndedAt), there)
	case s.State == InvitationCancelled:
		return lapsed + ": it was withdrawn. Nothing is to be done."
	case s.NextTry.IsZero():
		return fmt.Sprintf("%s, and no other comes by itself. Tell the admins of %s whether that address is right, and ask them for another.", lapsed, there)
	case x.Hub.State() != Enforcing:
		return fmt.Sprintf("%s, and no other goes out while adbridge is %s on %s.", lapsed, x.Hub.State(), there)
	case x.Now.Before(s.NextTry):
		return fmt.Sprintf("%s. Another comes after %s: accept that one, and look into the spam folder too.", lapsed, stamp(s.NextTry))
	}
	return lapsed + ". Another is about to come: accept that one, and look into the spam folder too."
}

// tellDirect is for a platform that asks nobody: who is wanted is on it.
func (x Invitee) tellDirect(s InvitationStatus, there string) string {
	switch {
	case s.State.Open():
		return fmt.Sprintf("Nothing: your access to %s as %s is on its way, and no e-mail comes of it.", there, x.role(s.Role))
	case s.State == InvitationAccepted:
		return fmt.Sprintf("Your access to %s is there, as was seen on %s: nothing is left to do.", there, day(s.EndedAt))
	case !x.Last || !x.Wanted || s.State == InvitationCancelled:
		return "Nothing is to be done."
	case s.NextTry.IsZero() || x.Hub.State() != Enforcing:
		return fmt.Sprintf("Your access to %s did not come about. Ask its admins.", there)
	}
	return fmt.Sprintf("Your access to %s did not come about yet. It is tried again after %s.", there, stamp(s.NextTry))
}

// role is a role in our word and the platform's.
func (x Invitee) role(r Role) string {
	if native := x.Traits.Native[r]; native != "" {
		return fmt.Sprintf("%s (%s)", r.Word(), native)
	}
	return r.Word()
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
