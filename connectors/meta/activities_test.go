package meta

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/connectortest"
	"adbridge/connectors/meta/metasim"
)

const (
	oneAccount   = "act_900000000000001"
	otherAccount = "act_900000000000002"
	anaID        = "310000000000077"
)

var _ connectors.ChangeLog = (*Connector)(nil) // as Traits say

// accounts is our business with ad accounts, Ana, and whatever change does to it.
func accounts(t *testing.T, s setting, change ...func(*metasim.Business)) *hub {
	t.Helper()
	w := world(s, []connectortest.Person{{Email: "ana@corp.example", Name: "Ana Lee", PlatformID: anaID, Role: bridge.Collaborator, Presence: bridge.Active}})
	w.Businesses[0].AdAccounts = []metasim.Asset{{ID: oneAccount, Name: "Lumen EU"}, {ID: otherAccount, Name: "Lumen US"}}
	for _, f := range change {
		f(&w.Businesses[0])
	}
	return serve(t, s, w)
}

// logOf reads what Meta logged; errors about one asset alone are counted.
func logOf(t *testing.T, c *Connector, since time.Time, assets ...bridge.Asset) (all []bridge.PlatformChange, missed []bridge.Asset, err error) {
	t.Helper()
	for change, e := range c.Changes(t.Context(), since, assets) {
		switch {
		case e != nil && change.Asset.ID != "":
			missed = append(missed, change.Asset)
		case e != nil:
			return all, missed, e
		default:
			all = append(all, change)
		}
	}
	return all, missed, nil
}

// TestTheHistoriesTellWhoGaveAccess: another admin's doing, under every answer
// that Meta's documents leave open.
func TestTheHistoriesTellWhoGaveAccess(t *testing.T) {
	for _, s := range settings(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			h := accounts(t, s)
			h.Advance(time.Minute)
			h.ok(h.Assign(metasim.Deed{Business: ourBusiness, By: personID, Asset: oneAccount, User: "ana@corp.example", Tasks: []string{"MANAGE"}}))
			h.Advance(time.Minute)
			h.ok(h.Assign(metasim.Deed{Business: ourBusiness, By: personID, Asset: oneAccount, User: "ana@corp.example"}))
			h.Advance(time.Minute)
			all, missed, err := logOf(t, h.connect(), start)
			if err != nil || len(missed) != 0 || len(all) != 2 {
				t.Fatalf("%+v, %v, %v", all, missed, err)
			}
			took, gave := all[0], all[1] // newest first
			if gave.Kind != "ad_account_add_user_to_role" || took.Kind != "ad_account_remove_user_from_role" || !gave.At.Before(took.At) {
				t.Errorf("%+v", all)
			}
			if gave.ActorID != userID || gave.ActorName != "Grace Hopper" || gave.Asset != (bridge.Asset{Kind: "ad_account", ID: "900000000000001"}) ||
				!strings.Contains(gave.Text, "Ana Lee") || !strings.Contains(gave.Text, "Lumen EU") || !strings.Contains(gave.Text, "MANAGE") {
				t.Errorf("%+v", gave)
			}
		})
	}
}

// history is n lines about access, one a minute, up to start.
func history(n int) (all []metasim.Activity) {
	for i := range n {
		all = append(all, metasim.Activity{ActorID: userID, EventType: "ad_account_add_user_to_role", EventTime: start.Add(time.Duration(i-n) * time.Minute), ExtraData: fmt.Sprintf(`{"line":%d}`, i)})
	}
	return all
}

func TestAHistoryIsReadWholeByItsPages(t *testing.T) {
	h := accounts(t, setting{}, func(b *metasim.Business) { b.AdAccounts[0].Activities = history(45) })
	all, _, err := logOf(t, h.connect(), start.Add(-24*time.Hour)) // pages of 20
	if err != nil || len(all) != 45 {
		t.Fatalf("%d lines, %v", len(all), err)
	}
	hashes := map[string]bool{}
	for _, c := range all {
		hashes[c.Hash()] = true
	}
	if len(hashes) != 45 {
		t.Errorf("%d lines are told apart", len(hashes))
	}
	if all, _, err := logOf(t, h.connect(), start.Add(-10*time.Minute)); err != nil || len(all) != 10 {
		t.Errorf("since ten minutes: %d lines, %v", len(all), err)
	}
}

// TestAdsAndChargesAreNotInTheLog: a busy ad account has thousands of those.
func TestAdsAndChargesAreNotInTheLog(t *testing.T) {
	h := accounts(t, setting{}, func(b *metasim.Business) {
		for i, typ := range []string{"create_ad", "ad_account_billing_charge", "ad_account_update_status", "update_ad_bid_info"} {
			b.AdAccounts[0].Activities = append(b.AdAccounts[0].Activities, metasim.Activity{EventType: typ, EventTime: start.Add(time.Duration(i-9) * time.Minute)})
		}
	})
	all, _, err := logOf(t, h.connect(), start.Add(-time.Hour))
	if err != nil || len(all) != 1 || all[0].Kind != "ad_account_update_status" {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestOnlyTheNamedAdAccountsAreRead, and without any the first of those owned.
func TestOnlyTheNamedAdAccountsAreRead(t *testing.T) {
	h := accounts(t, setting{}, func(b *metasim.Business) {
		b.AdAccounts[0].Activities, b.AdAccounts[1].Activities = history(1), history(2)
		for i := range 2 * maxLogs {
			b.AdAccounts = append(b.AdAccounts, metasim.Asset{ID: fmt.Sprintf("act_91000000000%04d", i)})
		}
	})
	for _, x := range []struct {
		assets       []bridge.Asset
		lines, calls int
	}{
		{[]bridge.Asset{{Kind: "ad_account", ID: "900000000000002"}, {Kind: "ad_account", ID: otherAccount}, {Kind: "page", ID: "600000000000002"}}, 2, 1},
		{nil, 3, maxLogs},
		{[]bridge.Asset{{Kind: "page", ID: "600000000000002"}}, 3, maxLogs},
	} {
		h.ResetRequests()
		all, missed, err := logOf(t, h.connect(), start.Add(-time.Hour), x.assets...)
		calls := 0
		for _, r := range h.Requests() {
			if r.Op == "GET activities" {
				calls++
			}
		}
		if err != nil || len(missed) != 0 || len(all) != x.lines || calls != x.calls {
			t.Errorf("%v: %d lines in %d calls, %v, %v", x.assets, len(all), calls, missed, err)
		}
	}
}

// TestAnAdAccountThatIsNotShownHidesNoOther.
func TestAnAdAccountThatIsNotShownHidesNoOther(t *testing.T) {
	h := accounts(t, setting{}, func(b *metasim.Business) { b.AdAccounts[1].Activities = history(2) })
	gone := bridge.Asset{Kind: "ad_account", ID: "999999999999999"}
	all, missed, err := logOf(t, h.connect(), start.Add(-time.Hour), gone, bridge.Asset{Kind: "ad_account", ID: "900000000000002"})
	if err != nil || len(all) != 2 || !slices.Equal(missed, []bridge.Asset{gone}) {
		t.Errorf("%d lines, missed %v, %v", len(all), missed, err)
	}
}

// TestAnAdAccountThatIsNotGivenHidesNoOther, wherever it stands in the list.
func TestAnAdAccountThatIsNotGivenHidesNoOther(t *testing.T) {
	forbidden := metasim.Fault{Op: "GET activities", Times: 1, Kind: metasim.FaultError,
		Error: &metasim.GraphError{Message: "(#200) Ad account owner has NOT grant ads_management or ads_read permission", Type: "OAuthException", Code: 200}}
	one, other := bridge.Asset{Kind: "ad_account", ID: "900000000000001"}, bridge.Asset{Kind: "ad_account", ID: "900000000000002"}
	for name, x := range map[string]struct {
		skip  int
		lines int
		who   bridge.Asset
	}{"first": {0, 2, one}, "last": {1, 1, other}} {
		h := accounts(t, setting{}, func(b *metasim.Business) {
			b.AdAccounts[0].Activities, b.AdAccounts[1].Activities = history(1), history(2)
		})
		f := forbidden
		f.Skip = x.skip
		h.Faults.Add(f)
		all, missed, err := logOf(t, h.connect(), start.Add(-time.Hour), one, other)
		if err != nil || len(all) != x.lines || !slices.Equal(missed, []bridge.Asset{x.who}) {
			t.Errorf("%s: %d lines, missed %v, %v", name, len(all), missed, err)
		}
	}
	// None at all is the permission's want, also of a few.
	h := accounts(t, setting{})
	forbidden.Times = 0
	h.Faults.Add(forbidden)
	if all, missed, err := logOf(t, h.connect(), start.Add(-time.Hour), one, other); connectors.ReasonOf(err) != bridge.PlatformLogUnread || len(all)+len(missed) != 0 {
		t.Errorf("%d lines, missed %v, %v", len(all), missed, err)
	}
}

// TestHistoriesWithoutPermissionStopNothingElse: the refusal has its own
// reason after a few calls, whatever the number of ad accounts, the doctor tells it, and the hub is as ready as before.
func TestHistoriesWithoutPermissionStopNothingElse(t *testing.T) {
	h := accounts(t, setting{}, func(b *metasim.Business) {
		b.AdAccounts = nil
		for i := range 3 * enoughForbidden {
			b.AdAccounts = append(b.AdAccounts, metasim.Asset{ID: fmt.Sprintf("act_9000000000%05d", i+1)})
		}
	})
	h.edit(func(w *metasim.World) {
		w.Tokens[0].Scopes = []string{"business_management", "pages_read_engagement", "pages_show_list"}
	})
	h.ResetRequests()
	var named []bridge.Asset
	for i := range 3 * enoughForbidden {
		named = append(named, bridge.Asset{Kind: "ad_account", ID: fmt.Sprintf("9000000000%05d", i+1)})
	}
	_, missed, err := logOf(t, h.connect(), start.Add(-time.Hour), named...)
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok || e.Kind != connectors.KindForbidden || e.Reason != bridge.PlatformLogUnread || !strings.Contains(e.Next, "ads_read") || len(missed) != 0 || len(h.Requests()) != enoughForbidden {
		t.Fatalf("%v, missed %v, %d calls", err, missed, len(h.Requests()))
	}
	look := func() (bridge.Preflight, bridge.Precondition, connectors.Connection) {
		con, err := h.connect().Check(t.Context())
		h.ok(err)
		i := slices.IndexFunc(con.Checks, func(p bridge.Precondition) bool { return p.Code == needScopeLog })
		return bridge.Preflight{Checks: con.Checks}, con.Checks[i], con
	}
	p, x, con := look()
	if x.State != bridge.Missing || x.Blocking || x.Next != logNext || !p.Ready() || slices.ContainsFunc(p.Alarms(start), func(a bridge.Alarm) bool { return a.Reason == bridge.PlatformLogUnread }) {
		t.Errorf("%+v %+v", x, p.Alarms(start))
	}
	if !slices.ContainsFunc(con.Findings, func(f connectors.Finding) bool { return f.Code == bridge.PlatformLogUnread && !f.Blocking }) {
		t.Errorf("it is no finding: %+v", con.Findings)
	}
	h.edit(func(w *metasim.World) { w.Tokens[0].Scopes = append(w.Tokens[0].Scopes, "ads_read") })
	if _, x, con := look(); x.State != bridge.Met || slices.ContainsFunc(con.Findings, func(f connectors.Finding) bool { return f.Code == bridge.PlatformScopeExcess }) {
		t.Errorf("with ads_read: %+v %+v", x, con.Findings)
	}
}

// TestAHistoryThatBreaksOffSaysSo: what came before is good, and nobody takes
// it for the whole.
func TestAHistoryThatBreaksOffSaysSo(t *testing.T) {
	for name, fault := range map[string]metasim.Fault{
		"throttled":    {Op: "GET activities", Skip: 1, Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "(#4) Application request limit reached", Type: "OAuthException", Code: 4, Transient: true}},
		"server error": {Op: "GET activities", Skip: 1, Kind: metasim.FaultHTML, Status: 502},
		"half a page":  {Op: "GET activities", Skip: 1, Kind: metasim.FaultHTML, After: true, Status: 200, Body: `{"data":[{"event_type":"x`},
	} {
		h := accounts(t, setting{}, func(b *metasim.Business) { b.AdAccounts[0].Activities = history(45) })
		h.Faults.Add(fault)
		all, missed, err := logOf(t, h.connect(), start.Add(-time.Hour))
		if connectors.KindOf(err) == "" || len(all) != 20 || len(missed) != 0 {
			t.Errorf("%s: %d lines, missed %v, %v", name, len(all), missed, err)
		}
	}
}

// TestALineWrittenAnotherWayIsNotLost: only its time and type are relied on.
func TestALineWrittenAnotherWayIsNotLost(t *testing.T) {
	h := accounts(t, setting{})
	h.Faults.Add(metasim.Fault{Op: "GET activities", Times: 1, Kind: metasim.FaultHTML, After: true, Status: 200,
		Body: `{"data":[{"event_type":"a","event_time":"2026-11-20T09:00:00+0000","extra_data":{"new_value":1},"actor_id":77,"object_id":null}]}`})
	all, _, err := logOf(t, h.connect(), start.Add(-24*time.Hour), bridge.Asset{Kind: "ad_account", ID: "900000000000001"})
	if err != nil || len(all) != 1 || all[0].ActorID != "77" || all[0].Text != `a: {"new_value":1}` {
		t.Errorf("%+v, %v", all, err)
	}
}
