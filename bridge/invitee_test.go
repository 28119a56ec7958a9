package bridge

import (
	"strings"
	"testing"
	"time"
)

// TestThePersonIsToldWhatIsTrueForThem: each state of an invitation, and only
// what will come by itself is promised.
func TestThePersonIsToldWhatIsTrueForThem(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	enforcing := Hub{Platform: TikTok, BusinessName: "Lumen Europe", Mode: ModeFull, Settings: DefaultSettings()}
	paused := enforcing
	paused.Halt = &Halt{State: Paused}
	wanted := Invitee{Hub: enforcing, Traits: Traits{HubNoun: "Business Center", Native: map[Role]string{Owner: "ADMIN"}}, Now: now, Wanted: true, Last: true}
	with := func(change func(*Invitee)) Invitee { x := wanted; change(&x); return x }
	sent := Invitation{Email: "ana@corp.example", Role: Owner, State: InvitationPending, Attempt: 1, SentAt: ago(2)}
	in := func(change func(*Invitation)) Invitation { i := sent; change(&i); return i }
	ended := func(s InvitationState, attempt int) Invitation {
		return in(func(i *Invitation) { i.State, i.Attempt, i.EndedAt, i.NextTry = s, attempt, ago(1), now.Add(time.Hour) })
	}
	direct := with(func(x *Invitee) {
		x.Hub.Platform, x.Hub.BusinessName, x.Traits = SCIM, "Wiki", Traits{HubNoun: "SCIM target", NoInvitations: true}
	})
	for name, c := range map[string]struct {
		x    Invitee
		i    Invitation
		want []string
		not  string
		next bool
	}{
		"open":         {wanted, sent, []string{"Accept the e-mail from TikTok that was sent to ana@corp.example on 2026-11-18", "the Business Center Lumen Europe as Owner (ADMIN)"}, "spam", false},
		"open until":   {wanted, in(func(i *Invitation) { i.ExpiresAt = now.AddDate(0, 0, 9) }), []string{"until 2026-11-29 12:00 UTC"}, "", false},
		"not seen yet": {wanted, in(func(i *Invitation) { i.State = InvitationSent }), []string{"Accept the e-mail"}, "", false},
		"stale":        {wanted, in(func(i *Invitation) { i.SentAt = ago(20) }), []string{"20 days", "spam folder"}, "", false},
		"at an old address": {with(func(x *Invitee) { x.People = []*Person{{Emails: []string{"ana.new@corp.example"}}} }), sent,
			[]string{"Accept the e-mail", "no longer read that address", "sent to ana.new@corp.example"}, "", false},
		"at another address of theirs": {with(func(x *Invitee) {
			x.People = []*Person{{Emails: []string{"ana.new@corp.example"}}, {Emails: []string{"Ana@corp.example"}}}
		}), sent, nil, "no longer", false},
		"accepted":                {wanted, ended(InvitationAccepted, 1), []string{"You have accepted"}, "Accept the", false},
		"declined":                {wanted, ended(InvitationDeclined, 1), []string{"You declined", "ask the admins of the Business Center Lumen Europe"}, "", false},
		"declined, not wanted":    {with(func(x *Invitee) { x.Wanted = false }), ended(InvitationDeclined, 1), []string{"none is needed"}, "ask", false},
		"expired":                 {wanted, ended(InvitationExpired, 1), []string{"no longer open", "Another comes after 2026-11-20 13:00 UTC"}, "", true},
		"vanished":                {wanted, ended(InvitationVanished, 2), []string{"Another comes after"}, "", true},
		"about to be repeated":    {with(func(x *Invitee) { x.Now = now.Add(2 * time.Hour) }), ended(InvitationExpired, 1), []string{"about to come"}, "", true},
		"the third time":          {wanted, ended(InvitationExpired, 3), []string{"no other comes by itself", "whether that address is right"}, "Another comes", false},
		"nobody wants it":         {with(func(x *Invitee) { x.Wanted = false }), ended(InvitationVanished, 1), []string{"none is needed any more"}, "Another", false},
		"a later one":             {with(func(x *Invitee) { x.Last = false }), ended(InvitationVanished, 1), []string{"there is a later one"}, "Another", false},
		"the hub is paused":       {with(func(x *Invitee) { x.Hub = paused }), ended(InvitationVanished, 1), []string{"no other goes out while adbridge is paused"}, "Another", true},
		"asks nobody, on its way": {direct, sent, []string{"Nothing: your access to the SCIM target Wiki as Owner is on its way", "no e-mail"}, "Accept", false},
		"asks nobody, there":      {direct, ended(InvitationAccepted, 1), []string{"Your access to the SCIM target Wiki is there"}, "accepted", false},
		"asks nobody, again":      {direct, ended(InvitationVanished, 1), []string{"tried again after 2026-11-20 13:00 UTC"}, "accept", true},
		"asks nobody, no more":    {direct, ended(InvitationVanished, 3), []string{"Ask its admins"}, "again", false},
		"asks nobody, not wanted": {Invitee{Hub: direct.Hub, Traits: direct.Traits, Now: now, Last: true}, ended(InvitationVanished, 1), []string{"Nothing is to be done"}, "again", false},
		"withdrawn":               {wanted, ended(InvitationCancelled, 1), []string{"withdrawn"}, "Accept", false},
		"of a nameless hub":       {Invitee{Hub: Hub{Platform: Meta, BusinessID: "77"}, Now: now, Last: true}, sent, []string{"from Meta", "the hub 77 as Owner"}, "()", false},
		"a hub of our own word":   {with(func(x *Invitee) { x.Traits.Native = nil }), sent, []string{"as Owner."}, "", false},
	} {
		s := c.x.Status(c.i)
		for _, want := range c.want {
			if !strings.Contains(s.Tell, want) {
				t.Errorf("%s: %q is not in %q", name, want, s.Tell)
			}
		}
		if c.not != "" && strings.Contains(s.Tell, c.not) {
			t.Errorf("%s: %q is in %q", name, c.not, s.Tell)
		}
		if s.NextTry.IsZero() == c.next {
			t.Errorf("%s: the next try is %s", name, s.NextTry)
		}
		if s.Attempts != c.x.Hub.Settings.InviteAttempts || s.Stale != (name == "stale" || c.x.Hub.Settings.StaleInvitationDays == 0 && s.State.Open()) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// TestAnExplanationTellsWhereInvitationsStand: each of its times, and what to
// tell the person of the last one alone.
func TestAnExplanationTellsWhereInvitationsStand(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	w := World{Now: now, Hub: Hub{Platform: Meta, BusinessName: "Oak", Mode: ModeFull, Settings: DefaultSettings()}, Traits: Traits{HubNoun: "business portfolio"},
		People: []Person{{ID: "ana", UserName: "ana@corp.example", Active: true}},
		Invitations: []Invitation{
			{ID: "2", PersonID: "ana", Email: "ana@corp.example", Role: Collaborator, State: InvitationExpired, Attempt: 2, SentAt: now.AddDate(0, 0, -9), SeenAt: now.AddDate(0, 0, -8), EndedAt: now.AddDate(0, 0, -1), NextTry: now.AddDate(0, 0, 2)},
			{ID: "1", PersonID: "ana", Email: "ana@old.example", Role: Collaborator, State: InvitationVanished, Attempt: 1, SentAt: now.AddDate(0, 0, -40), EndedAt: now.AddDate(0, 0, -30), NextTry: now.AddDate(0, 0, -29)},
		}}
	e, ok := explainPlan(w, Plan{Desired: []Desired{{PersonID: "ana", Role: Collaborator}}}, "ana@corp.example", nil, nil)
	if !ok {
		t.Fatal("nobody is found")
	}
	var b strings.Builder
	if err := e.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"attempt 1 to ana@old.example", "attempt 2 to ana@corp.example as Collaborator: expired on 2026-11-19 12:00 UTC, seen pending on 2026-11-12 12:00 UTC, next try on 2026-11-22 12:00 UTC",
		"tell the person: The invitation sent to ana@corp.example on 2026-11-11 is no longer open. Another comes after 2026-11-22 12:00 UTC"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	if n := strings.Count(b.String(), "tell the person"); n != 1 || strings.Count(b.String(), "next try") != 1 {
		t.Errorf("told %d times:\n%s", n, b.String())
	}
}
