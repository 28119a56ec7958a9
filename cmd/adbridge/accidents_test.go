package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/storage"
)

// TestBrokenAnswersAreSettledByReading: whatever becomes of the answer to a
// write, and whether or not it took effect, it is done once in the end.
func TestBrokenAnswersAreSettledByReading(t *testing.T) {
	hows := []string{"reset after", "reset before", "500 after", "502", "truncated"}
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.opens("max-removals-24h-percent=100", "max-removals-percent=100")
		j.rule("Leads", "owner")
		j.people("boss.of.all@" + lumen)
		j.group("Staff", "boss.of.all@"+lumen)
		j.group("Leads")
		for i, how := range hows {
			who := fmt.Sprintf("anna.no%d@%s", i, lumen)
			j.people(who)
			j.quiet()
			j.trip(trip{op: "invite", how: how})
			j.join("Staff", who)
			j.quiet()
			j.invited(who, bridge.Collaborator)
			if n := j.sent(who); n != 1 {
				t.Errorf("%s: %d invitations went out", how, n)
			}
			j.accept(who)
			j.trip(trip{op: "role", how: how})
			j.join("Leads", who)
			j.quiet()
			j.is(who, bridge.Owner)
			j.trip(trip{op: "role", how: how})
			j.leave("Leads", who)
			j.quiet()
			j.is(who, bridge.Collaborator)
			j.trip(trip{op: "remove", how: how})
			j.deactivate(who)
			j.quiet()
			j.is(who, bridge.NoRole)
			if open := j.tasks(); len(open) > 0 {
				t.Errorf("%s: tasks are open: %+v", how, open)
			}
		}
		if again := j.repeats(); len(again) > 0 {
			t.Errorf("invited while invited: %v", again)
		}
		j.auditVerifies()
	})
}

// TestAThrottledReadingStopsInvitationsToo: where Meta says of a reading that the
// business has used up its limit, nothing that may count against it leaves until
// Meta lets calls through again, from no process, and the invitation goes out then.
func TestAThrottledReadingStopsInvitationsToo(t *testing.T) {
	t.Parallel()
	who := "berta.klein@" + lumen
	j := newJourney(t, "meta", company())
	j.opens()
	j.meta.Faults.Add(metasim.Fault{Op: "GET business_users", Kind: metasim.FaultError, Times: 1,
		Error:  &metasim.GraphError{Message: "(#80004) There have been too many calls to this ad-account.", Type: "OAuthException", Code: 80004, Subcode: 2446079},
		Header: map[string]string{"X-Business-Use-Case-Usage": fmt.Sprintf(`{%q:[{"type":"ads_management","call_count":100,"estimated_time_to_regain_access":17}]}`, metaBiz)}})
	if p := j.tryPull(); p.Complete || p.Reason != bridge.PlatformThrottled {
		t.Fatalf("the reading was not throttled: %+v", p)
	}
	j.forget()
	j.people(who)
	j.group("Staff", who)
	j.quiet()
	waiting := j.tasks(bridge.TaskWait)
	if len(waiting) != 1 || waiting[0].Reason != bridge.PlatformThrottled || time.Until(waiting[0].NotBefore) < 15*time.Minute {
		t.Fatalf("the invitation does not wait: %+v", waiting)
	}
	j.restart() // another process knows of it, too
	if p := j.tryPull(); p.Complete || p.Reason != bridge.PlatformThrottled {
		t.Errorf("read within the pause: %+v", p)
	}
	if n := len(j.meta.Requests()); n != 0 {
		t.Errorf("%d calls in the pause: %+v", n, j.meta.Requests())
	}
	j.timePasses()
	j.restart()
	j.quiet()
	j.invited(who, bridge.Collaborator)
	if n := j.sent(who); n != 1 {
		t.Errorf("invited %d times", n)
	}
}

// TestThrottledHubWaitsAsLongAsItIsTold: nothing is sent before its time, and
// then what was put off is done.
func TestThrottledHubWaitsAsLongAsItIsTold(t *testing.T) {
	who := "berta.klein@" + lumen
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.withStaff(who, "boss.of.all@"+lumen)
		j.forget()
		j.trip(trip{op: "remove", how: "throttled"})
		j.deactivate(who)
		if j.platform() == "meta" {
			j.quiet() // five minutes, as Meta says nothing else
			waiting := j.tasks(bridge.TaskWait)
			if len(waiting) != 1 || waiting[0].Reason != bridge.PlatformThrottled || time.Until(waiting[0].NotBefore) < time.Minute {
				t.Fatalf("the removal does not wait: %+v", waiting)
			}
			if n := j.written("remove"); n != 1 {
				t.Errorf("%d calls to a platform that said to wait", n)
			}
			j.timePasses()
			j.restart() // this process has heard of the pause, and would wait as well
		} else {
			until(t, 20*time.Second, "the second is over", func() (bool, string) { role, _ := j.shown(who); return role == bridge.NoRole, "" })
			if n := j.written("remove"); n != 2 {
				t.Errorf("%d calls, want one that was throttled and one that was not", n)
			}
		}
		j.quiet()
		j.is(who, bridge.NoRole)
	})
}

// TestInvitationQuotaHoldsInvitationsOnly: while Meta takes no invitations,
// who has to go still goes.
func TestInvitationQuotaHoldsInvitationsOnly(t *testing.T) {
	t.Parallel()
	for _, code := range []int{17, 613} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			gone, first, second := "carl.gone@"+lumen, "dora.first@"+lumen, "edna.second@"+lumen
			j := newJourney(t, "meta", company())
			j.withStaff(gone)
			j.meta.Faults.Add(metasim.Fault{Op: fbOps["invite"], Kind: metasim.FaultError,
				Error: &metasim.GraphError{Message: "(#" + fmt.Sprint(code) + ") User request limit reached", Type: "OAuthException", Code: code}})
			j.forget()
			j.people(first, second)
			j.join("Staff", first)
			j.quiet()
			j.join("Staff", second)
			j.deactivate(gone)
			j.quiet()
			j.is(gone, bridge.NoRole)
			if n := j.written("invite"); n != 1 {
				t.Errorf("%d invitations were tried within the quota's pause", n)
			}
			waiting := j.tasks(bridge.TaskWait)
			if len(waiting) != 1 || waiting[0].Reason != bridge.PlatformInviteQuota || time.Until(waiting[0].NotBefore) < 23*time.Hour {
				t.Errorf("the invitation does not wait for a day: %+v", waiting)
			}
			for _, task := range j.tasksShown() { // also the one that was never tried
				if task.State != bridge.TaskWait || task.Reason != bridge.PlatformInviteQuota || time.Until(task.NotBefore) < 23*time.Hour {
					t.Errorf("people are not told what %s waits for: %+v", task.Email, task)
				}
			}
			for _, who := range []string{first, second} {
				j.planned(who, bridge.Waiting, bridge.PlatformInviteQuota)
				if counts := j.row(who).Counts(); counts != bridge.CountPending {
					t.Errorf("a report counts %s as %q", who, counts)
				}
				j.says(0, []string{"explain", who}, "Waiting (invite none → Collaborator): the platform's quota of invitations is used up", " min from now)", "they go out by themselves then (nobody)")
			}
			j.says(exitChanges, []string{"plan", "h"}, "2 invitations wait until ")
			j.pull()
			j.says(exitChanges, []string{"report", "h"}, "2 invitations wait until ")
			j.mend()
			j.timePasses()
			j.restart()
			j.quiet()
			j.invited(first, bridge.Collaborator)
			j.invited(second, bridge.Collaborator)
		})
	}
}

// TestPullKeepsMembersWhenAPageFails: a listing that breaks off midway changes
// nobody, removes nobody, and whoever looks is told.
func TestPullKeepsMembersWhenAPageFails(t *testing.T) {
	t.Parallel()
	var there []seat
	for i := range 30 {
		there = append(there, seat{fmt.Sprintf("crowd.no%02d@%s", i, lumen), bridge.Collaborator})
	}
	for _, how := range []string{"502", "truncated", "reset before"} {
		t.Run(how, func(t *testing.T) {
			onBoth(t, company(there...), func(t *testing.T, j *journey) {
				if err := j.meta.SetSwitches(metasim.Switches{PageCap: 10}); err != nil {
					t.Fatal(err)
				}
				j.hub("full")
				members := func() string {
					var list []bridge.Member
					j.ok(j.app.DB.Read(context.Background(), func(tx *storage.Tx) (err error) {
						list, err = tx.Members(context.Background(), j.state().ID, true)
						return err
					}))
					b, _ := json.Marshal(list)
					return string(b)
				}
				before := members()
				j.foreignRemove(there[3].email)
				j.trip(trip{op: "list", how: how, skip: 1, times: -1})
				if p := j.tryPull(); p.Complete || p.Error == "" || p.Reason == "" {
					t.Fatalf("the pull is not said to have failed: %+v", p)
				}
				if members() != before {
					t.Error("a listing that broke off changed members")
				}
				var v hubView
				j.must(&v, "hub", "show", "h")
				if v.LastPull == nil || v.LastPull.Complete || v.LastPull.Error == "" {
					t.Errorf("hub show does not say that the last pull failed: %+v", v.LastPull)
				}
				_, errs, _ := j.adbridge("report", "h")
				if !strings.Contains(errs, "could not be read") {
					t.Errorf("the report does not say that the hub could not be read since: %q", errs)
				}
				j.mend()
				j.pull()
				if members() == before {
					t.Error("a whole listing did not show who is gone")
				}
				if _, errs, _ := j.adbridge("report", "h"); errs != "" {
					t.Errorf("the report of a hub that was read says %q", errs)
				}
			})
		})
	}
}

// TestRevokedTokenStopsItsHubAlone: the hub says clearly that it is
// disconnected and why, the other goes on, and a new token resumes it.
func TestRevokedTokenStopsItsHubAlone(t *testing.T) {
	who := "felix.braun@" + lumen
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.hub("full")
		other := map[string][2]string{"tiktok": {"meta", metaBiz}, "meta": {"tiktok", bcEU}}[j.platform()]
		j.connectHub("other", other[0], other[1], "full")
		j.rule("Staff", "collaborator")
		j.must(nil, "rule", "add", "--group", "Staff", "--hub", "other", "--role", "collaborator")
		j.people(who)
		j.quiet()
		j.revoke()
		j.group("Staff", who)
		j.quiet()
		var v hubView
		j.must(&v, "hub", "show", "h")
		if v.State != bridge.Disconnected || v.Halt == nil || v.Halt.Reason != bridge.PlatformTokenRevoked {
			t.Errorf("the hub is %s (%+v), want disconnected because of the token", v.State, v.Halt)
		}
		text, _, _ := j.adbridge("hub", "show", "h")
		if next := bridge.ReasonOf(bridge.PlatformTokenRevoked).Next; !strings.Contains(text, next) {
			t.Errorf("hub show does not say what to do:\n%s", text)
		}
		elsewhere := side(fbSide{t, j.meta})
		if other[0] == "tiktok" {
			elsewhere = ttSide{t, j.tiktok}
		}
		if role, invited := elsewhere.shown(who); role != bridge.Collaborator || !invited {
			t.Errorf("on the other hub %s is %s, invited: %t", who, role.Word(), invited)
		}
		j.forget()
		j.deactivate() // nothing more is tried by itself
		j.quiet()
		if calls, _ := j.reads(); calls+j.written("") > 0 {
			t.Errorf("%d calls with a token that is revoked", calls+j.written(""))
		}
		if _, errs, code := j.adbridge("hub", "connect", "h", "--token-file", j.secret("old.token", map[string]string{"tiktok": ttToken, "meta": fbToken}[j.platform()])); code != exitError || errs == "" {
			t.Errorf("the revoked token was taken again: %d %s", code, errs)
		}
		j.must(nil, "hub", "connect", "h", "--token-file", j.secret("new.token", j.newToken()))
		j.quiet()
		if h := j.state(); h.State() == bridge.Disconnected {
			t.Errorf("the hub has a new token and is still %s", h.State())
		}
		j.invited(who, bridge.Collaborator)
		if n := j.sent(who); n != 1 {
			t.Errorf("%d invitations", n)
		}
	})
}

// TestPlatformThatIsDownIsLeftInPeace: a hub that only fails is quarantined,
// says so, and goes on by itself once the time is over and the platform back.
func TestPlatformThatIsDownIsLeftInPeace(t *testing.T) {
	leaver, joiner := "gerda.wolf@"+lumen, "hans.wolf@"+lumen
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.withStaff(leaver, "boss.of.all@"+lumen)
		j.people(joiner)
		j.quiet()
		j.trip(trip{how: "502", times: -1})
		j.join("Staff", joiner)
		j.deactivate(leaver)
		j.quiet()
		j.failsToQuarantine()
		h := j.state()
		if h.Halt.Until.IsZero() || h.Halt.Reason == "" {
			t.Errorf("the halt does not say why and until when: %+v", h.Halt)
		}
		if r := j.row(leaver); r.Verdict == bridge.Do {
			t.Errorf("the plan of a quarantined hub says that %s is on the way", leaver)
		}
		j.mend()
		j.timePasses()
		j.quiet()
		if h := j.state(); h.Halt != nil {
			t.Fatalf("the time is over and the hub is %s: %+v", h.State(), h.Halt)
		}
		j.is(leaver, bridge.NoRole)
		j.invited(joiner, bridge.Collaborator)
		if n := j.sent(joiner); n != 1 {
			t.Errorf("%d invitations", n)
		}
	})
}

// failsToQuarantine lets the hub fail until it is quarantined; most of the
// failures in a row are told rather than made, as each waits a while.
func (j *journey) failsToQuarantine() {
	j.t.Helper()
	ctx := context.Background()
	j.ok(j.app.DB.Write(ctx, func(tx *storage.Tx) error {
		lane, err := tx.Lane(ctx, j.state().ID)
		if err != nil {
			return err
		}
		if lane.Failures == 0 {
			j.t.Error("a call that failed was not counted")
		}
		lane.Failures = 6
		return tx.UpdateLane(ctx, lane)
	}))
	for range 5 {
		if j.state().State() == bridge.Quarantined {
			return
		}
		j.timePasses()
		j.quiet()
	}
	j.t.Fatalf("after many failures the hub is %s: %+v", j.state().State(), j.state().Halt)
}

// TestResumedHubGoesOnAtOnce: who resumes a quarantined hub by hand does not
// wait for back-offs of the time before.
func TestResumedHubGoesOnAtOnce(t *testing.T) {
	leaver := "ida.stein@" + lumen
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.withStaff(leaver, "boss.of.all@"+lumen)
		j.trip(trip{how: "502", times: -1})
		j.deactivate(leaver)
		j.quiet()
		j.failsToQuarantine()
		j.mend()
		j.must(nil, "hub", "resume", "h")
		j.quiet()
		j.is(leaver, bridge.NoRole)
	})
}

// TestDeclinedInvitationIsNotRepeated: who says no is not asked again.
func TestDeclinedInvitationIsNotRepeated(t *testing.T) {
	who := "jutta.nein@" + lumen
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.withInvited(who)
		if j.platform() == "tiktok" {
			j.ok(j.tiktok.Decline(bcEU, who))
		} else {
			j.ok(j.meta.Decline(metaBiz, who))
		}
		for range 3 {
			j.pull()
			j.timePasses()
			j.quiet()
		}
		if n := j.sent(who); n != 1 {
			t.Errorf("%d invitations to someone who declined", n)
		}
		j.planned(who, bridge.NeedsPerson, bridge.InviteDeclined)
	})
}

// TestMaskedAddressesFindTheirInvitation: where TikTok shows masks only, who
// accepts is known by the invitation we sent, and can be removed again.
func TestMaskedAddressesFindTheirInvitation(t *testing.T) {
	t.Parallel()
	who := at(lumen, "karla.maske", "kuno.maske")
	j := newJourney(t, "tiktok", company())
	if err := j.tiktok.SetSwitches(tiktoksim.Switches{Masking: "all"}); err != nil {
		t.Fatal(err)
	}
	j.withStaff(who...)
	for _, w := range who {
		j.planned(w, bridge.Fine, "")
	}
	j.deactivate(who[0])
	j.quiet()
	j.is(who[0], bridge.NoRole)
	j.is(who[1], bridge.Collaborator)
	if again := j.repeats(); len(again) > 0 {
		t.Errorf("invited while invited: %v", again)
	}
	if i := slices.IndexFunc(j.tasks(), func(t bridge.Task) bool { return t.State == bridge.TaskHeld }); i >= 0 {
		t.Errorf("a task is held: %+v", j.tasks()[i])
	}
}

// TestAReadingDuringACallProvesNothing: a hub is read while an invitation is on
// its way to a platform that takes its time. The reading began after the call
// and does not show it; it is believed no more than one from before the call.
func TestAReadingDuringACallProvesNothing(t *testing.T) {
	t.Parallel()
	who := "ida.slow@" + lumen
	j := newJourney(t, "meta", company())
	j.opens()
	j.people(who)
	j.quiet()
	j.meta.Faults.Add(metasim.Fault{Op: fbOps["invite"], Kind: metasim.FaultSlow, Delay: metasim.Duration(time.Second)})
	j.meta.Faults.Add(metasim.Fault{Op: "GET pending_users", Kind: metasim.FaultSlow, After: true, Delay: metasim.Duration(3 * time.Second), Times: 1})
	j.group("Staff", who)
	until(t, 20*time.Second, "the call is being made", func() (bool, string) {
		return slices.ContainsFunc(j.meta.Requests(), func(r metasim.Request) bool { return r.Op == fbOps["invite"] }) || len(j.tasks(bridge.Running)) > 0, ""
	})
	j.pull() // its list of the invited is from before the call's effect, and ends after it
	j.mend()
	j.quiet()
	j.invited(who, bridge.Collaborator)
	if n := j.sent(who); n != 1 {
		t.Errorf("%d invitations were sent", n)
	}
	j.accept(who)
	j.deactivate(who)
	j.quiet()
	j.is(who, bridge.NoRole) // and whoever leaves is ours to remove
}

// TestAHalfDoneReInvitationIsNoLapsedOne: TikTok has cancelled the invitation of
// another role and the new one did not get through; before it is sent again, the
// person is wanted in the old role once more. They are invited, and need not
// wait as somebody who let an invitation lapse.
func TestAHalfDoneReInvitationIsNoLapsedOne(t *testing.T) {
	t.Parallel()
	who := "rae.half@" + lumen
	j := newJourney(t, "tiktok", company())
	j.opens()
	j.rule("Leads", "owner")
	j.people(who)
	j.group("Staff", who)
	j.group("Leads")
	j.quiet()
	j.invited(who, bridge.Collaborator)
	j.tiktok.Faults.Add(tiktoksim.Fault{Op: "bc/member/invite", Kind: tiktoksim.ResetBefore, Times: 50})
	j.join("Leads", who)
	until(t, 20*time.Second, "the invitation is cancelled", func() (bool, string) { role, _ := j.shown(who); return role == bridge.NoRole, "" })
	until(t, 20*time.Second, "it is known that the new one is not there", func() (bool, string) {
		return slices.ContainsFunc(j.tasks(), func(t bridge.Task) bool { return t.Action == bridge.ReInvite && t.State == bridge.Ready }), fmt.Sprintf("%+v", j.tasks())
	})
	j.leave("Leads", who)
	j.quiet()
	j.mend()
	j.pull()
	j.quiet()
	j.pull()
	j.quiet()
	j.invited(who, bridge.Collaborator)
}

// TestAReInvitationThatIsPutOffHalfwayIsNoLapsedOne: as above, but TikTok answers
// the new invitation with a no that may be a yes later, and the hub is read before
// that. The person is invited in the new role, and does not wait a day.
func TestAReInvitationThatIsPutOffHalfwayIsNoLapsedOne(t *testing.T) {
	t.Parallel()
	who := "rae.late@" + lumen
	j := newJourney(t, "tiktok", company())
	j.opens()
	j.rule("Leads", "owner")
	j.people(who)
	j.group("Staff", who)
	j.group("Leads")
	j.quiet()
	j.invited(who, bridge.Collaborator)
	j.tiktok.Faults.Add(tiktoksim.Fault{Op: "bc/member/invite", Kind: tiktoksim.Envelope, Code: 40202, Times: 50})
	j.join("Leads", who)
	until(t, 20*time.Second, "the new invitation is put off", func() (bool, string) {
		return slices.ContainsFunc(j.tasks(), func(t bridge.Task) bool { return t.Action == bridge.ReInvite && t.State == bridge.TaskWait }), fmt.Sprintf("%+v", j.tasks())
	})
	j.pull()
	j.mend()
	until(t, 30*time.Second, "the new invitation", func() (bool, string) {
		role, invited := j.shown(who)
		return role == bridge.Owner && invited, fmt.Sprintf("%+v", j.row(who))
	})
}

// TestALeaversRefusedRemovalIsTriedAgainADayLater: Meta forbade it, and by the
// next day no longer does. Nobody looked at the task that failed.
func TestALeaversRefusedRemovalIsTriedAgainADayLater(t *testing.T) {
	t.Parallel()
	leaver := "ida.stein@" + lumen
	j := newJourney(t, "meta", company())
	j.withStaff(leaver, "boss.of.all@"+lumen)
	j.meta.Faults.Add(metasim.Fault{Op: fbOps["remove"], Kind: metasim.FaultError, Times: 1,
		Error: &metasim.GraphError{Message: "(#200) Permissions error", Type: "OAuthException", Code: 200}})
	j.deactivate(leaver)
	j.quiet()
	j.planned(leaver, bridge.NeedsPerson, bridge.PlatformForbidden)
	j.mend()
	j.forget()
	j.agePlan(23 * time.Hour)
	if n := j.written(""); n > 0 {
		t.Errorf("within a day of the refusal it was tried again, %d writes", n)
	}
	j.is(leaver, bridge.Collaborator)
	j.agePlan(time.Hour)
	j.is(leaver, bridge.NoRole)
}

// agePlan lets time pass for the tasks that failed for good, and plans.
func (j *journey) agePlan(d time.Duration) {
	j.t.Helper()
	ctx := context.Background()
	held := j.tasks(bridge.TaskHeld)
	if len(held) == 0 {
		j.t.Fatal("no task has failed for good")
	}
	j.ok(j.app.DB.Write(ctx, func(tx *storage.Tx) error {
		for _, t := range held {
			t.EndedAt = t.EndedAt.Add(-d)
			if err := tx.UpdateTask(ctx, t); err != nil {
				return err
			}
			if err := tx.MarkDirty(ctx, t.HubID); err != nil {
				return err
			}
		}
		return nil
	}))
	j.quiet()
}

// TestAChangeThatWasNotSentIsNotRefused: Meta forbids for a while to look at who
// is invited, which comes before each invitation. Nobody has to release the
// invitations then, one by one.
func TestAChangeThatWasNotSentIsNotRefused(t *testing.T) {
	t.Parallel()
	who := "ida.stein@" + lumen
	j := newJourney(t, "meta", company())
	j.opens()
	j.people(who)
	j.meta.Faults.Add(metasim.Fault{Op: "GET pending_users", Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "(#200) Permissions error", Type: "OAuthException", Code: 200}})
	j.group("Staff", who)
	j.quiet()
	j.planned(who, bridge.Waiting, bridge.PlatformForbidden)
	if n := j.sent(who); n != 0 {
		t.Errorf("%d invitations without a look at who is invited", n)
	}
	j.mend()
	j.timePasses()
	j.quiet()
	j.invited(who, bridge.Collaborator)
	if n := j.sent(who); n != 1 {
		t.Errorf("%d invitations", n)
	}
}
