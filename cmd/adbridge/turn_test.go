package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestALeaverDoesNotWaitBehindWhatFails: somebody is to be invited, and Meta does
// not show who is invited already, so that nothing may be sent. However often that
// is tried, whoever leaves meanwhile is removed.
func TestALeaverDoesNotWaitBehindWhatFails(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]metasim.Fault{
		"forbidden": {Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "(#200) Permissions error", Type: "OAuthException", Code: 200}},
		"out of it": {Kind: metasim.FaultHTML},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leavers, joiners := at(lumen, "ida.left", "ivo.left"), at(lumen, "nia.new", "nils.new", "nora.new")
			j := newJourney(t, "meta", company())
			j.hub("full", "max-removals-percent=100", "max-removals-24h-percent=100", "max-removals-min=10")
			j.rule("Staff", "collaborator")
			j.onboard("Staff", append(leavers, "boss.of.all@"+lumen)...)
			fault.Op = "GET pending_users"
			j.meta.Faults.Add(fault)
			j.people(joiners...)
			j.join("Staff", joiners...)
			until(t, 10*time.Second, "an invitation is put off", func() (bool, string) {
				return len(j.tasks(bridge.TaskWait)) > 0, fmt.Sprintf("%+v", j.tasks())
			})
			j.deactivate(leavers...)
			until(t, 60*time.Second, "the leavers are removed", func() (bool, string) {
				one, _ := j.shown(leavers[0])
				other, _ := j.shown(leavers[1])
				return one == bridge.NoRole && other == bridge.NoRole, fmt.Sprintf("%+v", j.tasks())
			})
			j.mend()
			j.timePasses()
			j.quiet()
			for _, who := range joiners {
				j.invited(who, bridge.Collaborator)
			}
		})
	}
}

// TestWhoIsToHaveLessDoesNotWaitBehindWhatFails: so is everyone who is to have
// less, an owner to be lowered as well as who is to do less on an ad account.
func TestWhoIsToHaveLessDoesNotWaitBehindWhatFails(t *testing.T) {
	t.Parallel()
	ben, joiner := "ben.less@"+lumen, "nia.new@"+lumen
	less := func(t *testing.T, j *journey, leaves string, so func() bool) {
		t.Helper()
		j.meta.Faults.Add(metasim.Fault{Op: "GET pending_users", Kind: metasim.FaultHTML})
		j.people(joiner)
		j.join("Staff", joiner)
		until(t, 10*time.Second, "an invitation is put off", func() (bool, string) {
			return len(j.tasks(bridge.TaskWait)) > 0, fmt.Sprintf("%+v", j.tasks())
		})
		j.leave(leaves, ben)
		until(t, 60*time.Second, "he has less", func() (bool, string) { return so(), fmt.Sprintf("%+v", j.tasks()) })
		j.is(ben, bridge.Collaborator)
		j.mend()
		j.timePasses()
		j.quiet()
		j.invited(joiner, bridge.Collaborator)
	}
	t.Run("an owner", func(t *testing.T) {
		t.Parallel()
		j := newJourney(t, "meta", company())
		j.opens()
		j.rule("Chiefs", "owner")
		j.onboard("Staff", ben)
		j.group("Chiefs", ben)
		j.quiet()
		j.pull()
		j.is(ben, bridge.Owner)
		less(t, j, "Chiefs", func() bool { role, _ := j.shown(ben); return role == bridge.Collaborator })
	})
	t.Run("access to an asset", func(t *testing.T) {
		t.Parallel()
		j := withAccounts(newJourney(t, "meta", company()), company())
		j.withBuyersRule(j.more, ben)
		j.gives("Analysts", j.less...)
		j.group("Buyers", ben)
		j.group("Analysts", ben)
		j.quiet()
		j.pull()
		j.has(ben, j.more...)
		less(t, j.journey, "Buyers", func() bool { return slices.Equal(j.access(ben, j.one), j.less) })
	})
}

// TestALeaverDoesNotWaitBehindWhatIsThrottled: Meta asks to slow down whenever it
// is asked who is invited, and so nothing is sent for as long as it says. Whoever
// leaves meanwhile is removed once that is over, before the invitation is tried
// and put off again.
func TestALeaverDoesNotWaitBehindWhatIsThrottled(t *testing.T) {
	t.Parallel()
	leavers, joiner := at(lumen, "ida.left", "ivo.left"), "nia.new@"+lumen
	j := newJourney(t, "meta", company())
	j.hub("full", "max-removals-percent=100", "max-removals-24h-percent=100", "max-removals-min=10")
	j.rule("Staff", "collaborator")
	j.onboard("Staff", append(leavers, "boss.of.all@"+lumen)...)
	j.meta.Faults.Add(metasim.Fault{Op: "GET pending_users", Kind: metasim.FaultError,
		Error: &metasim.GraphError{Message: "(#613) Calls to this api have exceeded the rate limit.", Type: "OAuthException", Code: 613}})
	j.people(joiner)
	j.join("Staff", joiner)
	until(t, 10*time.Second, "the invitation is put off", func() (bool, string) {
		return len(j.tasks(bridge.TaskWait)) > 0, fmt.Sprintf("%+v", j.tasks())
	})
	j.quiet()
	j.backoffEnds() // it is tried again, and put off once more
	j.forget()
	j.deactivate(leavers...)
	j.quiet()
	for _, who := range leavers {
		j.planned(who, bridge.Waiting, bridge.PlatformThrottled)
		j.is(who, bridge.Collaborator)
	}
	if calls := j.meta.Requests(); len(calls) != 0 {
		t.Errorf("Meta asked to slow down, and was called: %+v", calls)
	}
	j.backoffEnds()
	for _, who := range leavers {
		j.is(who, bridge.NoRole)
	}
	j.mend()
	j.backoffEnds()
	j.invited(joiner, bridge.Collaborator)
}

// backoffEnds lets time pass until the hub's back-off is over, and what waits for
// it may go on; nothing else has moved. The server is another one by then, as the
// budget of the old one would still pause.
func (j *journey) backoffEnds() {
	j.t.Helper()
	hub := j.state()
	j.ok(j.app.DB.Write(context.Background(), func(tx *storage.Tx) error { return fresh(context.Background(), tx, hub) }))
	j.end()
	storagetest.Write(j.t, storagetest.Open(j.t, j.db), func(ctx context.Context, tx *storage.Tx) error {
		lane, err := tx.Lane(ctx, hub.ID)
		if err != nil {
			return err
		}
		end := lane.BackoffUntil
		if !end.After(tx.Now()) || !lane.PlanAt.Equal(end) {
			j.t.Errorf("the back-off ends at %s and the hub is planned at %s, at %s", end, lane.PlanAt, tx.Now())
		}
		lane.BackoffUntil, lane.PlanAt = tx.Now(), tx.Now()
		if err := tx.UpdateLane(ctx, lane); err != nil {
			return err
		}
		open, err := tx.OpenTasks(ctx, lane.HubID)
		if err != nil {
			return err
		}
		for _, t := range open {
			if t.NotBefore.Equal(end) {
				t.NotBefore = tx.Now()
				if err := tx.UpdateTask(ctx, t); err != nil {
					return err
				}
			}
		}
		return nil
	})
	j.start()
	j.quiet()
}
