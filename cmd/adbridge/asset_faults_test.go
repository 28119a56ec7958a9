package main

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
)

// TestAnAssetThatCannotBeReadKeepsNobodyOnTheHub: while no reading of an ad
// account comes through, who left the company is removed, however often it is
// tried; what is owed on the account is done once it can be read.
func TestAnAssetThatCannotBeReadKeepsNobodyOnTheHub(t *testing.T) {
	ana, ben, cid := "ana.silva@"+lumen, "ben.okafor@"+lumen, "cid.moss@"+lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.withBuyersRule(j.more, ana, ben, cid)
		j.group("Buyers", ana)
		j.quiet()
		j.pull()
		j.has(ana, j.more...)

		j.tripRead("502", -1)
		j.tiktok.Faults.Add(tiktoksim.Fault{Op: "bc/asset/get", Times: -1, Kind: tiktoksim.HTTPStatus, Status: http.StatusBadGateway}) // one person's assets
		j.leave("Buyers", ana)
		j.deactivate(ben)
		j.quiet()
		j.is(ben, bridge.NoRole)
		for range 10 {
			j.timePasses()
			j.quiet()
		}
		j.deactivate(cid)
		j.quiet()
		j.is(cid, bridge.NoRole)
		if h, lane := j.state(), j.lane(); h.Halt != nil || lane.Failures > 0 {
			t.Errorf("one asset stopped the hub: %+v, %d failures", h.Halt, lane.Failures)
		}
		j.has(ana, j.more...)
		j.says(ana, bridge.Waiting, bridge.AssetUnread)

		j.mend()
		j.pull()
		j.has(ana)
	})
}

// busy is an ad account at its own limit, which the app's other calls do not share.
func (j *assetJourney) busy() {
	j.meta.Faults.Add(metasim.Fault{Op: "GET assigned_users", Kind: metasim.FaultError,
		Error: &metasim.GraphError{Message: "There have been too many calls to this ad-account", Type: "OAuthException", Code: 80004, Subcode: 2446079}})
}

// TestABusyBusinessIsReadAgainWhenMetaSays: not every ten minutes until then. A
// removal waits for it, too, and says so: it begins with a reading, which counts
// against the same limit, and Meta lengthens the pause of who goes on calling.
func TestABusyBusinessIsReadAgainWhenMetaSays(t *testing.T) {
	t.Parallel()
	ben := "ben.okafor@" + lumen
	j := newJourney(t, "meta", company())
	j.withStaff(ben)
	j.pull()
	j.meta.Faults.Add(metasim.Fault{Op: "GET business_users", Times: 1, Kind: metasim.FaultError,
		Error:  &metasim.GraphError{Message: "There have been too many calls", Type: "OAuthException", Code: 80004, Subcode: 2446079},
		Header: map[string]string{"X-Business-Use-Case-Usage": `{"` + metaBiz + `":[{"type":"ads_management","call_count":100,"estimated_time_to_regain_access":45}]}`}})
	if p := j.tryPull(); p.Complete || p.Reason != bridge.PlatformThrottled {
		t.Fatalf("the pull is complete %t: %s", p.Complete, p.Error)
	}
	lane := (&assetJourney{journey: j}).lane()
	if in := time.Until(lane.PullAt); in < 40*time.Minute || in > 45*time.Minute {
		t.Errorf("it is read again in %s, and Meta asks for 45 minutes", in)
	}
	calls := len(j.meta.Requests())
	j.deactivate(ben)
	j.quiet()
	j.planned(ben, bridge.Waiting, bridge.PlatformThrottled)
	if n := len(j.meta.Requests()) - calls; n > 0 {
		t.Errorf("%d calls left in the pause that Meta asked for", n)
	}
}

// TestABusyAdAccountKeepsNobodyOnTheHub: the limit of one ad account neither
// breaks a pull nor makes a removal wait.
func TestABusyAdAccountKeepsNobodyOnTheHub(t *testing.T) {
	t.Parallel()
	ana, ben := "ana.silva@"+lumen, "ben.okafor@"+lumen
	j := withAccounts(newJourney(t, "meta", company()), company())
	j.withBuyersRule(j.more, ana, ben)
	j.group("Buyers", ana)
	j.quiet()
	j.pull()
	j.busy()
	j.foreignRemove(ana)
	if p := j.tryPull(); !p.Complete || len(p.Assets) != 1 || p.Assets[0].Reason != bridge.PlatformThrottled {
		t.Errorf("the pull is complete %t (%s), of its assets it says %+v", p.Complete, p.Error, p.Assets)
	}
	j.deactivate(ben)
	j.quiet()
	j.is(ben, bridge.NoRole)
	if lane := j.lane(); !lane.BackoffUntil.IsZero() {
		t.Errorf("the hub waits until %s", lane.BackoffUntil)
	}
}

// TestAFinanceRoleThatIsThereIsRaised: TikTok shows it in the members' rows, so
// that no list of assets names it before it is ours.
func TestAFinanceRoleThatIsThereIsRaised(t *testing.T) {
	t.Parallel()
	ana := "ana.silva@" + lumen
	j := withAccounts(newJourney(t, "tiktok", company()), company())
	j.one = bridge.Asset{Kind: "finance"}
	j.opens()
	j.gives("Money", "MANAGER")
	j.onboard("Staff", ana)
	j.ok(j.tiktok.SetFinanceRole(bcEU, ana, "ANALYST"))
	j.pull()
	j.group("Money", ana)
	j.quiet()
	if m, _ := j.side.(ttSide).find(ana); m.FinanceRole != "MANAGER" {
		t.Errorf("the finance role is %q, and the tasks are %+v", m.FinanceRole, j.assetTasks())
	}
}

// gone makes an ad account vanish from the token's sight, after some readings.
func (j *assetJourney) gone(after int) {
	j.meta.Faults.Add(metasim.Fault{Op: "GET assigned_users", Skip: after, Kind: metasim.FaultError,
		Error: &metasim.GraphError{Message: "Unsupported get request. Object with ID does not exist", Type: "GraphMethodException", Code: 100, Subcode: 33}})
}

// TestNothingIsTriedForEverOnAnAssetThatIsGone: neither a change whose outcome
// nobody knows nor the hub's pulls; and the pull is the daily one again.
func TestNothingIsTriedForEverOnAnAssetThatIsGone(t *testing.T) {
	t.Parallel()
	ana := "ana.silva@" + lumen
	j := withAccounts(newJourney(t, "meta", company()), company())
	j.opens("pull-every=24h")
	j.gives("Buyers", j.more...)
	j.onboard("Staff", ana)
	j.group("Buyers", ana)
	j.quiet()
	j.pull()
	j.tripAsset("reset after", 1)
	j.gone(1)
	j.leave("Buyers", ana)
	j.quiet()
	if open := j.tasks(bridge.Running, bridge.Accepted, bridge.Ready, bridge.TaskWait); len(open) > 0 {
		t.Errorf("tasks are on their way for ever: %+v", open)
	}
	if p := j.tryPull(); !p.Complete || p.Assets[0].Reason != bridge.PlatformNotFound {
		t.Errorf("the pull is complete %t, of its assets it says %+v", p.Complete, p.Assets)
	}
	if in := time.Until(j.lane().PullAt); in < 20*time.Hour {
		t.Errorf("the hub is read again in %s for an asset that is gone", in)
	}
}

// TestUnconfirmedChangesOnAnUnreadableAssetCostFewPulls: several are read back by
// a pull; one that cannot tell is not repeated every ten minutes.
func TestUnconfirmedChangesOnAnUnreadableAssetCostFewPulls(t *testing.T) {
	t.Parallel()
	ana, ben := "ana.silva@"+lumen, "ben.okafor@"+lumen
	j := withAccounts(newJourney(t, "meta", company()), company())
	j.withBuyersRule(j.more, ana, ben)
	j.pull()
	j.meta.Faults.Add(metasim.Fault{Op: "GET assigned_users", Skip: 2, Kind: metasim.FaultError, // after the looks before both calls
		Error: &metasim.GraphError{Message: "(#200) Requires ads_management permission", Type: "OAuthException", Code: 200}})
	j.group("Buyers", ana, ben)
	j.quiet()
	j.pull()
	j.has(ana, j.more...)
	j.has(ben, j.more...)
	open := j.tasks(bridge.Accepted)
	if len(open) != 2 {
		t.Fatalf("two changes are unconfirmed, the tasks are %+v", j.assetTasks())
	}
	for _, x := range open {
		if in := time.Until(x.NotBefore); in < 50*time.Minute {
			t.Errorf("%s asks for a pull again in %s", x.Key, in)
		}
	}
	j.mend()
	j.pull()
	if open := j.tasks(); len(open) > 0 {
		t.Errorf("read whole, and still open: %+v", open)
	}
	if !slices.Equal(j.access(ana, j.one), j.more) {
		t.Error("access was lost")
	}
}
