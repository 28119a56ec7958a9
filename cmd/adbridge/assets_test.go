package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
)

// TestAccessToAssetsComesAfterAcceptanceAndGoesWithTheGroup: who is invited has
// nothing on an ad account, who accepted has what the rule gives, who leaves the
// group but not the hub loses it after the settle window, and who leaves the
// company at once.
func TestAccessToAssetsComesAfterAcceptanceAndGoesWithTheGroup(t *testing.T) {
	ana, ben := "ana.silva@"+lumen, "ben.okafor@"+lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.opens()
		j.gives("Buyers", j.more...)
		j.people(ana, ben)
		j.group("Staff", ana, ben)
		j.group("Buyers", ana, ben)
		j.quiet()
		j.invited(ana, bridge.Collaborator)
		j.says(ana, bridge.Waiting, bridge.AssetAcceptance)
		if n := len(j.assetTasks()); n > 0 {
			t.Fatalf("%d tasks for assets of people who have not accepted", n)
		}
		j.accept(ana)
		j.has(ana, j.more...)
		j.accept(ben)
		j.has(ben, j.more...)
		j.pull()
		j.says(ana, bridge.Fine, "")
		if given, taken := j.assetWrites(); given != 2 || taken != 0 {
			t.Errorf("%d calls gave access to two people, %d took it", given, taken)
		}

		j.set("settle-window=4h")
		j.leave("Buyers", ana)
		j.quiet()
		j.says(ana, bridge.Waiting, bridge.WaitSettle)
		j.has(ana, j.more...)
		j.set("settle-window=0s")
		j.quiet()
		j.has(ana)
		j.is(ana, bridge.Collaborator) // she is in Staff
		j.has(ben, j.more...)

		j.set("settle-window=4h")
		j.deactivate(ben)
		j.quiet()
		j.is(ben, bridge.NoRole)
		j.has(ben)
		j.pull()
		if open := j.tasks(); len(open) > 0 {
			t.Errorf("tasks are left: %+v", open)
		}
		j.auditVerifies()
	})
}

// TestForeignAccessToAssetsIsReportedAndNeverTouched: what others gave, on the
// asset of a rule and beside it, to people of ours and to strangers, stays.
func TestForeignAccessToAssetsIsReportedAndNeverTouched(t *testing.T) {
	ana, eve := "ana.silva@"+lumen, "eve.lind@"+lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.foreign(strangers[0], j.one, j.more...)
		j.withBuyersRule(j.less, ana, eve)
		j.group("Buyers", ana)
		j.foreign(eve, j.one, j.less...)
		j.foreign(ana, j.other, j.more...)
		j.quiet()
		j.pull()
		j.has(ana, j.less...)
		j.says(eve, bridge.Fine, bridge.AssetForeign)
		j.forget()
		j.leave("Buyers", ana)
		j.leave("Staff", eve)
		j.pull()
		j.has(ana)
		j.has(strangers[0], j.more...)
		if got := j.access(ana, j.other); !slices.Equal(got, j.more) {
			t.Errorf("what others gave on another asset is %q now", got)
		}
		if given, taken := j.assetWrites(); given != 0 || taken != 1 {
			t.Errorf("%d calls gave access and %d took it, want the one that takes ana's", given, taken)
		}
	})
}

// TestExplainLiveReadsAccessToAssets: right now, beside what is stored, on the
// assets that concern the person and on no other; and it changes nothing.
func TestExplainLiveReadsAccessToAssets(t *testing.T) {
	ana, ben := "ana.silva@"+lumen, "ben.okafor@"+lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.opens()
		j.gives("Buyers", j.less...)
		j.onboard("Buyers", ana)
		j.onboard("Staff", ben)
		j.pull()
		j.has(ana, j.less...)
		live := func(who string) string {
			t.Helper()
			_, now, found := strings.Cut(j.text("explain", who, "--live"), "Shown by the platform right now")
			if !found {
				t.Fatalf("explain %s --live says nothing of now", who)
			}
			return now
		}
		less, more := strings.Join(j.less, "+"), strings.Join(j.more, "+")
		if now := live(ana); !strings.Contains(now, "access to "+j.one.String()+": "+less+", as stored") || strings.Contains(now, j.other.ID) {
			t.Errorf("as it stands:\n%s", now)
		}
		if now := live(ben); strings.Contains(now, "access to") {
			t.Errorf("nothing is wanted of ben on any asset, and none is known of him:\n%s", now)
		}
		j.foreign(ana, j.one, j.more...)
		if now := live(ana); !strings.Contains(now, "access to "+j.one.String()+": "+more+"; stored: "+less) {
			t.Errorf("raised by someone else:\n%s", now)
		}
		j.foreign(ana, j.one)
		if now := live(ana); !strings.Contains(now, "access to "+j.one.String()+": none; stored: "+less) {
			t.Errorf("taken away by someone else:\n%s", now)
		}
		if given, taken := j.assetWrites(); given != 1 || taken != 0 {
			t.Errorf("%d calls gave access and %d took it; to look changes nothing", given, taken)
		}
		j.tripRead("error", -1)
		if j.platform() == "tiktok" { // it is asked for the one person there
			j.tiktok.Faults.Add(tiktoksim.Fault{Op: "bc/asset/get", Times: -1, Kind: tiktoksim.HTTPStatus, Status: http.StatusBadGateway})
		}
		if now := live(ana); !strings.Contains(now, "access to "+j.one.String()+": the platform could not be asked") {
			t.Errorf("the platform refuses:\n%s", now)
		}
	})
}

// TestAccessChangedByOthersIsPutRightOrReported: what someone took away is given
// again, what someone raised waits for a person, and is lowered when they say so.
func TestAccessChangedByOthersIsPutRightOrReported(t *testing.T) {
	ana := "ana.silva@" + lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.hub("full")
		j.gives("Buyers", j.less...)
		j.onboard("Buyers", ana)
		j.pull()
		j.has(ana, j.less...)

		j.foreign(ana, j.one)
		j.pull()
		j.has(ana, j.less...) // given again
		j.pull()

		j.foreign(ana, j.one, j.more...)
		j.pull()
		j.has(ana, j.more...)
		j.says(ana, bridge.NeedsPerson, bridge.AssetDrift)
		_, err := j.app.Planner.Rule(context.Background(), reconcile.Ruling{HubID: j.state().ID, Kind: bridge.DecideApprove, Items: []string{j.step(ana).Key}, Reason: "not for her", By: "test", Until: time.Now().Add(time.Hour)})
		j.ok(err)
		j.quiet()
		j.has(ana, j.less...)
		j.pull()
		j.says(ana, bridge.Fine, "")
	})
}

// TestAssetsOfARuleFollowTheRule: a rule given an asset later, given more on it,
// and given none brings every member along; more than one person losing access
// waits for an approval.
func TestAssetsOfARuleFollowTheRule(t *testing.T) {
	ana, ben, cid := "ana.silva@"+lumen, "ben.okafor@"+lumen, "cid.moss@"+lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.withStaff(ana, ben)
		rule := j.onlyRule()
		j.gives("Buyers", j.less...)
		j.onboard("Buyers", cid)
		j.has(cid, j.less...)
		with := func(roles ...string) string {
			return "--asset=" + j.one.String() + "=" + strings.ToLower(strings.Join(roles, "+"))
		}
		preview := j.text("rule", "set", rule, with(j.less...), "--preview")
		if !strings.Contains(preview, "ana.silva@"+lumen) || !strings.Contains(preview, j.one.String()) {
			t.Errorf("the preview does not say who would gain what:\n%s", preview)
		}
		j.quiet()
		j.has(ana)

		j.text("rule", "set", rule, with(j.less...))
		j.quiet()
		j.has(ana, j.less...)
		j.has(ben, j.less...)
		if list := j.text("rule", "list"); !strings.Contains(list, j.one.String()+"="+strings.Join(j.less, "+")) {
			t.Errorf("the list of rules does not name the asset:\n%s", list)
		}
		j.text("rule", "set", rule, with(j.more...))
		j.quiet()
		j.has(ana, j.more...)
		j.pull()

		j.text("rule", "set", rule, "--no-assets")
		j.quiet()
		j.has(ana, j.more...)
		j.says(ana, bridge.Held, bridge.GuardMassChange)
		_, err := j.app.Planner.Rule(context.Background(), reconcile.Ruling{HubID: j.state().ID, Kind: bridge.DecideApprove, Items: []string{"@" + string(bridge.GuardMassChange)}, Reason: "the campaign is over", By: "test", Until: time.Now().Add(time.Hour)})
		j.ok(err)
		j.quiet()
		j.has(ana)
		j.has(ben)
		j.is(ana, bridge.Collaborator)
		j.has(cid, j.less...)
	})
}

// TestNoAccessIsGivenTwiceWhateverHappensToTheCall: an answer that never comes,
// before or after the effect, is settled by reading.
func TestNoAccessIsGivenTwiceWhateverHappensToTheCall(t *testing.T) {
	ana, ben := "ana.silva@"+lumen, "ben.okafor@"+lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.withBuyersRule(j.more, ana, ben)
		j.group("Buyers")
		for _, how := range []string{"reset after", "500 after", "reset before"} {
			want := 1
			if how == "reset before" {
				want = 2 // the first was never made
			}
			j.forget()
			j.tripAsset(how, 1)
			j.join("Buyers", ana)
			j.until(how, func() bool { return slices.Equal(j.access(ana, j.one), j.more) })
			j.pull()
			j.says(ana, bridge.Fine, "")
			j.mend()
			if given, _ := j.assetWrites(); given != want {
				t.Errorf("%s: %d calls gave access, want %d", how, given, want)
			}
			j.forget()
			j.tripAsset(how, 1)
			j.leave("Buyers", ana)
			j.until(how, func() bool { return len(j.access(ana, j.one)) == 0 })
			j.pull()
			j.mend()
			if _, taken := j.assetWrites(); taken != want {
				t.Errorf("%s: %d calls took access, want %d", how, taken, want)
			}
			if open := j.tasks(); len(open) > 0 {
				t.Errorf("%s: tasks are left: %+v", how, open)
			}
		}
	})
}

// TestWhatOthersChangeBeforeTheCallIsNotUndone: access that somebody gave since
// the hub was read is not overwritten by a call that knows nothing of it.
func TestWhatOthersChangeBeforeTheCallIsNotUndone(t *testing.T) {
	ana := "ana.silva@" + lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.withBuyersRule(j.less, ana)
		j.group("Buyers")
		j.pull()
		j.foreign(ana, j.one, j.more...) // nobody has read it yet
		j.forget()
		j.join("Buyers", ana)
		j.until("the hub is read again", func() bool { j.timePasses(); s := j.step(ana); return s.Verdict == bridge.NeedsPerson })
		j.has(ana, j.more...)
		if given, _ := j.assetWrites(); given != 0 {
			t.Errorf("%d calls gave less than what others gave", given)
		}
	})
}

// TestAnAssetThatCannotBeReadStopsNothingElse: the pull is whole, the members
// are taken in, the asset raises an alarm, and nothing is concluded on it.
func TestAnAssetThatCannotBeReadStopsNothingElse(t *testing.T) {
	ana, ben := "ana.silva@"+lumen, "ben.okafor@"+lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.hub("full")
		lost := j.one
		lost.ID = lost.ID[:len(lost.ID)-1] + "9"
		_, err := reconcile.AddRule(context.Background(), j.app.DB, bridge.Rule{GroupName: "Buyers", Role: bridge.Collaborator,
			Assets: []bridge.AssetAccess{{Asset: j.one, Roles: j.more}, {Asset: lost, Roles: j.more}}}, "h", "test")
		j.ok(err)
		j.onboard("Buyers", ana, ben)
		j.has(ana, j.more...)
		j.has(ben, j.more...)
		plan, _ := j.plan()
		if !slices.ContainsFunc(plan.Alarms, func(a bridge.Alarm) bool {
			return a.Reason == bridge.AssetUnreadable && strings.Contains(a.Detail, lost.String())
		}) {
			t.Errorf("no alarm names %s: %+v", lost, plan.Alarms)
		}
		for _, x := range j.assetTasks() {
			if x.Asset == lost {
				t.Errorf("a task on an asset that nobody could read: %+v", x)
			}
		}
	})
}

// TestHubAssetsListsWhatCanBeGivenAndWhoHasIt asks the platform itself.
func TestHubAssetsListsWhatCanBeGivenAndWhoHasIt(t *testing.T) {
	ana := "ana.silva@" + lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.foreign(strangers[0], j.one, j.less...)
		j.hub("full")
		j.gives("Buyers", j.more...)
		j.onboard("Buyers", ana)
		list := j.text("hub", "assets", "h", "--kind", j.one.Kind)
		for _, want := range []string{j.one.String(), j.other.String(), "Account 1", "Account 2", strings.ToLower(j.more[0])} {
			if !strings.Contains(list, want) {
				t.Errorf("the list does not say %q:\n%s", want, list)
			}
		}
		users := j.text("hub", "assets", "h", "--users", j.one.String())
		for _, want := range []string{ana, strangers[0], strings.Join(j.more, "+")} {
			if !strings.Contains(users, want) {
				t.Errorf("who has access does not say %q:\n%s", want, users)
			}
		}
	})
}

// TestHubAssetsShowsTheGroupsOfABusinessCenter: what is in each, by name, and who
// reaches it; where adbridge reads no groups, it says so.
func TestHubAssetsShowsTheGroupsOfABusinessCenter(t *testing.T) {
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		if j.platform() == "meta" {
			j.hub("observe")
			if _, errs, code := j.adbridge("hub", "assets", "h", "--groups"); code == exitDone || !strings.Contains(errs, "does not read asset groups") {
				t.Errorf("exit code %d: %s", code, errs)
			}
			return
		}
		w := ttWorldOf(company())
		bc := &w.BusinessCenters[0]
		var who tiktoksim.Member
		for _, m := range bc.Members {
			if m.Email == strangers[0] {
				who = m
			}
		}
		bc.Assets = []tiktoksim.Asset{{AssetType: "ADVERTISER", AssetID: ttAccounts[0], Name: "Account 1"}}
		bc.AssetGroups = []tiktoksim.AssetGroup{{ID: "7300000000000000009", Name: "EMEA", Assets: ttAccounts[:1],
			Members: []tiktoksim.GroupMember{{MemberID: who.UserID, Role: "ADVERTISER_ROLE_ANALYST"}}}}
		j.ok(j.tiktok.Reset(w))
		j.hub("observe")
		j.pull()
		groups := j.text("hub", "assets", "h", "--groups")
		for _, want := range []string{"EMEA (7300000000000000009)", j.one.String(), "Account 1", who.UserID, who.Name, "ANALYST"} {
			if !strings.Contains(groups, want) {
				t.Errorf("the groups do not say %q:\n%s", want, groups)
			}
		}
		var list []reconcile.AssetGroup
		j.must(&list, "hub", "assets", "h", "--groups")
		if len(list) != 1 || len(list[0].Assets) != 1 || len(list[0].People) != 1 || list[0].People[0].Unknown || !slices.Equal(list[0].People[0].Roles, []string{"ANALYST"}) {
			t.Errorf("as JSON: %+v", list)
		}
	})
}

// TestOnlyWhatWeGaveOfASetIsTakenBack: where roles are a set, a role that others
// gave stays beside ours when ours comes, and when it goes.
func TestOnlyWhatWeGaveOfASetIsTakenBack(t *testing.T) {
	t.Parallel()
	ana := "ana.silva@" + lumen
	j := withAccounts(newJourney(t, "meta", company()), company())
	j.withBuyersRule(j.more, ana)
	j.group("Buyers")
	j.foreign(ana, j.one, "DRAFT")
	j.pull()
	j.join("Buyers", ana)
	j.quiet()
	j.has(ana, "ADVERTISE", "ANALYZE", "DRAFT")
	j.leave("Buyers", ana)
	j.quiet()
	j.has(ana, "DRAFT")
	j.pull()
	j.has(ana, "DRAFT")
	j.says(ana, bridge.Fine, bridge.AssetForeign)
}

// TestAccessThatNobodyCanTakeAwayByAPIIsHandedToAPerson: TikTok's finance role is
// given and changed; that it is not wanted any more, the plan tells a person.
func TestAccessThatNobodyCanTakeAwayByAPIIsHandedToAPerson(t *testing.T) {
	t.Parallel()
	ana := "ana.silva@" + lumen
	j := withAccounts(newJourney(t, "tiktok", company()), company())
	j.one = bridge.Asset{Kind: "finance"}
	finance := func() string { m, _ := j.side.(ttSide).find(ana); return m.FinanceRole }
	j.opens()
	j.gives("Money", "ANALYST")
	j.onboard("Staff", ana)
	if finance() != "" {
		t.Fatalf("a finance role %q by no rule", finance())
	}
	j.group("Money", ana)
	j.quiet()
	if finance() != "ANALYST" {
		t.Errorf("the finance role is %q", finance())
	}
	j.pull()
	j.says(ana, bridge.Fine, "")
	j.leave("Money", ana)
	j.quiet()
	j.says(ana, bridge.NeedsPerson, bridge.AssetByHand)
	j.ok(j.tiktok.SetFinanceRole(bcEU, ana, ""))
	j.pull()
	if s := j.step(ana); s.Verdict != "" && s.Verdict != bridge.Fine {
		t.Errorf("taken away by hand, and the plan still says %+v", s)
	}
}

// TestAPullThatIsToldToStopStopsAndChangesNobody: a throttle or a revoked token
// while assets are read is no broken asset; an asset that fails by itself is, and
// the hub is read again within the hour.
func TestAPullThatIsToldToStopStopsAndChangesNobody(t *testing.T) {
	ana := "ana.silva@" + lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.hub("full", "pull-every=24h")
		j.gives("Buyers", j.more...)
		j.onboard("Buyers", ana)
		j.has(ana, j.more...)
		before := j.row(ana)
		j.tripRead("502", -1)
		p := j.tryPull()
		if !p.Complete || len(p.Assets) != 1 || p.Assets[0].Error == "" {
			t.Errorf("an asset failed, the pull is complete %t, of its assets it says %+v", p.Complete, p.Assets)
		}
		if in := time.Until(j.lane().PullAt); in > time.Hour {
			t.Errorf("the asset is tried again in %s", in)
		}
		after := j.row(ana)
		if after.Observed != before.Observed || len(after.Assets) != 1 || !slices.Equal(after.Assets[0].Applied, before.Assets[0].Applied) {
			t.Errorf("what was known of the asset changed: %+v, was %+v", after, before)
		}
		j.mend()
		j.pull()
		j.says(ana, bridge.Fine, "")
		j.tripRead("throttled", -1)
		if p := j.tryPull(); p.Complete || p.Reason != bridge.PlatformThrottled {
			t.Errorf("told to slow down, the pull is complete %t, %s", p.Complete, p.Reason)
		}
	})
}

// TestAccessThatTakesItsTimeToShowIsGivenOnce: while a platform's readings lag
// behind, the same access is not given again, nor taken for somebody else's doing.
func TestAccessThatTakesItsTimeToShowIsGivenOnce(t *testing.T) {
	ana := "ana.silva@" + lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.withBuyersRule(j.more, ana)
		j.group("Buyers")
		j.pull()
		j.set("propagation-delay=2s")
		lag := time.Second
		j.ok(j.tiktok.SetSwitches(tiktoksim.Switches{Masking: "none", Propagation: lag}))
		sw := j.meta.Switches()
		sw.Propagation = metasim.Duration(lag)
		j.ok(j.meta.SetSwitches(sw))
		j.forget()
		through := func(what string) {
			j.until(what, func() bool {
				j.tryPull()
				return len(j.tasks()) == 0
			})
		}
		j.join("Buyers", ana)
		through("the access is given and seen")
		j.has(ana, j.more...)
		if given, taken := j.assetWrites(); given != 1 || taken != 0 {
			t.Errorf("%d calls gave access and %d took it, want one that gives", given, taken)
		}
		j.forget()
		j.leave("Buyers", ana)
		through("the access is taken and seen to be gone")
		j.has(ana)
		if given, taken := j.assetWrites(); given != 0 || taken != 1 {
			t.Errorf("%d calls gave access and %d took it, want one that takes", given, taken)
		}
	})
}
