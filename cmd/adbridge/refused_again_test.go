package main

import (
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
)

// TestARefusedInvitationIsTriedAgainADayLater: Meta refuses it with 10 or 200, or
// with a code that nobody knows, and an hour later no longer would. Nobody looks
// at the task that failed; until it is asked for again it says when that will be.
func TestARefusedInvitationIsTriedAgainADayLater(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refusal metasim.GraphError
		reason  bridge.Code
	}{
		"10":        {metasim.GraphError{Message: "(#10) Application does not have permission for this action", Type: "OAuthException", Code: 10}, bridge.PlatformForbidden},
		"200":       {metasim.GraphError{Message: "(#200) Permissions error", Type: "OAuthException", Code: 200}, bridge.PlatformForbidden},
		"a new one": {metasim.GraphError{Message: "A code that nobody named", Type: "OAuthException", Code: 9999}, bridge.PlatformUnexpected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := "ida.new@" + lumen
			j := newJourney(t, "meta", company())
			j.opens()
			j.people(who)
			j.meta.Faults.Add(metasim.Fault{Op: fbOps["invite"], Kind: metasim.FaultError, Times: 1, Error: &c.refusal})
			j.group("Staff", who)
			j.quiet()
			j.planned(who, bridge.NeedsPerson, c.reason)
			at := j.row(who).Until
			if want := j.tasks(bridge.TaskHeld)[0].EndedAt.Add(24 * time.Hour); !at.Equal(want) || !strings.Contains(j.row(who).Detail, at.UTC().Format("2006-01-02 15:04 UTC")) {
				t.Errorf("it is asked for again at %s, and the plan says %s (%s)", want, at, j.row(who).Detail)
			}
			if plan, _ := j.plan(); plan.Next.After(at) || plan.Next.IsZero() {
				t.Errorf("the hub is planned again at %s, after %s", plan.Next, at)
			}
			j.says(0, []string{"explain", who}, "asked for again on "+at.UTC().Format("2006-01-02 15:04 UTC"))
			j.mend()
			j.forget()
			j.agePlan(23 * time.Hour)
			if n := j.written(""); n > 0 {
				t.Errorf("within a day of the refusal it was tried again, %d writes", n)
			}
			j.agePlan(time.Hour)
			j.invited(who, bridge.Collaborator)
			if n := j.sent(who); n != 1 {
				t.Errorf("%d invitations were sent", n)
			}
		})
	}
}

// TestARefusedRaiseIsTriedAgainADayLater: so is any other change that Meta
// forbids for a moment.
func TestARefusedRaiseIsTriedAgainADayLater(t *testing.T) {
	t.Parallel()
	who := "ida.up@" + lumen
	j := newJourney(t, "meta", company())
	j.hub("full")
	j.rule("Staff", "collaborator")
	j.rule("Leads", "owner")
	j.onboard("Staff", who)
	j.meta.Faults.Add(metasim.Fault{Op: fbOps["role"], Kind: metasim.FaultError, Times: 1,
		Error: &metasim.GraphError{Message: "(#200) Permissions error", Type: "OAuthException", Code: 200}})
	j.group("Leads", who)
	j.quiet()
	j.planned(who, bridge.NeedsPerson, bridge.PlatformForbidden)
	j.mend()
	j.agePlan(24 * time.Hour)
	j.is(who, bridge.Owner)
}

// TestAWrongAddressIsNotInvitedEveryDay: what the platform refuses as it is stays
// refused, until somebody mends it.
func TestAWrongAddressIsNotInvitedEveryDay(t *testing.T) {
	t.Parallel()
	who := "ida.wrong@" + lumen
	j := newJourney(t, "meta", company())
	j.opens()
	j.people(who)
	j.meta.Faults.Add(metasim.Fault{Op: fbOps["invite"], Kind: metasim.FaultError, Times: 1,
		Error: &metasim.GraphError{Message: "(#100) Param email must be a valid email address", Type: "OAuthException", Code: 100}})
	j.group("Staff", who)
	j.quiet()
	j.planned(who, bridge.NeedsPerson, bridge.PlatformRefused)
	if r := j.row(who); !r.Until.IsZero() || strings.Contains(r.Detail, "again") {
		t.Errorf("it is never asked for again, and the plan says %s (%s)", r.Until, r.Detail)
	}
	j.mend()
	j.forget()
	j.agePlan(48 * time.Hour)
	if n := j.written(""); n > 0 {
		t.Errorf("it was asked for again, %d writes", n)
	}
}
