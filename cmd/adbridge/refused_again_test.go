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

// TestAccessToAnAssetThatWasOutOfSightIsTakenAwayADayLater: Meta did not know the
// ad account for a moment, so that nothing was taken away and nobody can say what
// became of it. The next pull shows it as before.
func TestAccessToAnAssetThatWasOutOfSightIsTakenAwayADayLater(t *testing.T) {
	t.Parallel()
	ana := "ana.silva@" + lumen
	j := withAccounts(newJourney(t, "meta", company()), company())
	j.opens()
	j.gives("Buyers", j.more...)
	j.onboard("Staff", ana)
	j.group("Buyers", ana)
	j.quiet()
	j.pull()
	j.meta.Faults.Add(metasim.Fault{Op: "GET assigned_users", Kind: metasim.FaultError, Times: 1,
		Error: &metasim.GraphError{Message: "Unsupported get request. Object with ID does not exist", Type: "GraphMethodException", Code: 100, Subcode: 33}})
	j.leave("Buyers", ana)
	j.quiet()
	j.pull()
	j.has(ana, j.more...)
	j.says(ana, bridge.NeedsPerson, bridge.PlatformNotFound)
	j.agePlan(24 * time.Hour)
	j.has(ana)
}

// TestARefusedLoweringOfAccessToAnAssetIsTriedAgainADayLater: so is what leaves
// somebody less on an ad account than they have, whatever Meta said. What would give
// them more waits for somebody to look.
func TestARefusedLoweringOfAccessToAnAssetIsTriedAgainADayLater(t *testing.T) {
	t.Parallel()
	ana, ben := "ana.silva@"+lumen, "ben.more@"+lumen
	j := withAccounts(newJourney(t, "meta", company()), company())
	j.withBuyersRule(j.more, ana, ben)
	j.gives("Analysts", j.less...)
	j.group("Buyers", ana)
	j.group("Analysts", ana, ben)
	j.quiet()
	j.pull()
	j.has(ana, j.more...)
	j.has(ben, j.less...)
	j.meta.Faults.Add(metasim.Fault{Op: "POST assigned_users", Kind: metasim.FaultError,
		Error: &metasim.GraphError{Message: "(#100) Invalid parameter", Type: "OAuthException", Code: 100}})
	j.leave("Buyers", ana)
	j.join("Buyers", ben)
	j.quiet()
	for _, who := range []string{ana, ben} {
		j.says(who, bridge.NeedsPerson, bridge.PlatformRefused)
	}
	if s := j.step(ana); s.Until.IsZero() || !strings.Contains(s.Detail, "asked for again on "+s.Until.UTC().Format("2006-01-02 15:04 UTC")) {
		t.Errorf("the plan does not say when it is asked for again: %s (%s)", s.Until, s.Detail)
	}
	if s := j.step(ben); !s.Until.IsZero() {
		t.Errorf("more access is asked for again on %s (%s)", s.Until, s.Detail)
	}
	j.mend()
	j.agePlan(24 * time.Hour)
	j.has(ana, j.less...)
	j.has(ben, j.less...)
}

// TestARemovalThatWasNeverDoneIsTriedAgainADayLater: Meta says yes three times and
// goes on showing the leaver. Somebody has to look; if nobody does, the leaver is
// removed all the same once Meta does what it says.
func TestARemovalThatWasNeverDoneIsTriedAgainADayLater(t *testing.T) {
	t.Parallel()
	leaver := "ida.kept@" + lumen
	j := newJourney(t, "meta", company())
	j.hub("full")
	j.rule("Staff", "collaborator")
	j.onboard("Staff", leaver, "boss.of.all@"+lumen)
	j.meta.Faults.Add(metasim.Fault{Op: fbOps["remove"], Kind: metasim.FaultNoEffect, Times: 3})
	j.deactivate(leaver)
	j.quiet()
	j.planned(leaver, bridge.NeedsPerson, bridge.PlatformNotConfirmed)
	j.agePlan(23 * time.Hour)
	j.is(leaver, bridge.Collaborator)
	j.agePlan(time.Hour)
	j.is(leaver, bridge.NoRole)
}
