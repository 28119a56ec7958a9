package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/meta"
	"adbridge/connectors/meta/metasim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

const portfolio = "200000000000001"

// staff are the members of the portfolio, all of whom have ANALYZE on each ad
// account; the first is its admin.
var staff = []string{"300000000000001", "300000000000002", "300000000000003"}

// accounts is a portfolio of the simulator's with ad accounts "1" to "9", whose
// people fill more than one page.
type accounts struct {
	*metasim.Sim
	t    *testing.T
	db   *storage.DB
	hub  bridge.Hub
	pull func() (Listing, bridge.Pull)
}

// assetHub is a hub on it with a rule that names five ad accounts.
func assetHub(t *testing.T) *accounts {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	b := metasim.Business{ID: portfolio, Name: "Oak", SystemUsers: []metasim.SystemUser{{ID: "400000000000001", Name: "adbridge", Role: "ADMIN", CreatedTime: now.Add(-30 * 24 * time.Hour)}}}
	var on []metasim.Assignment
	for i, id := range staff {
		b.People = append(b.People, metasim.Person{ID: id, Email: fmt.Sprintf("p%d@corp.example", i+1), Name: fmt.Sprint("Person ", i+1), Role: map[bool]string{true: "ADMIN", false: "EMPLOYEE"}[i == 0]})
		on = append(on, metasim.Assignment{User: id, Tasks: []string{"ANALYZE"}})
	}
	for i := range 9 {
		b.AdAccounts = append(b.AdAccounts, metasim.Asset{ID: fmt.Sprint("act_", i+1), Name: fmt.Sprint("Account ", i+1), Assigned: on})
	}
	sim, err := metasim.New(metasim.Options{World: metasim.World{
		Apps:       []metasim.App{{ID: "700000000000001", Name: "adbridge", ClaimedBy: []string{portfolio}}},
		Businesses: []metasim.Business{b},
		Tokens:     []metasim.Token{{Token: "token of oak", App: "700000000000001", SystemUser: "400000000000001", Scopes: []string{"ads_management", "business_management"}, IssuedAt: now}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	p := &accounts{Sim: sim, t: t, db: storagetest.Open(t, storagetest.MigratedSQLite(t))}
	puller := Puller{DB: p.db, Traits: func(bridge.Platform) bridge.Traits { return meta.Traits() }, Log: zerolog.Nop(),
		Dial: func(_ context.Context, _ string, hear func(connectors.Call)) (connectors.Connector, error) {
			return meta.Options{PageSize: 2}.Open(connectors.Config{BusinessID: portfolio, APIURL: srv.URL, Token: bridge.NewSecret("token of oak"), OnCall: hear,
				Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
		}}
	p.hub, err = AddHub(ctx, p.db, bridge.Hub{Slug: "oak", Platform: bridge.Meta, BusinessID: portfolio}, storage.Credentials{Token: bridge.NewSecret("x")}, connectors.Connection{BusinessID: portfolio}, "test")
	if err != nil {
		t.Fatal(err)
	}
	rule := bridge.Rule{GroupName: "Buyers", Role: bridge.Collaborator}
	for i := range 5 {
		rule.Assets = append(rule.Assets, bridge.AssetAccess{Asset: bridge.Asset{Kind: "ad_account", ID: fmt.Sprint(i + 1)}, Roles: []string{"ADVERTISE"}})
	}
	if _, err := AddRule(ctx, p.db, rule, "oak", "test"); err != nil {
		t.Fatal(err)
	}
	var lease storage.Lease
	storagetest.Write(t, p.db, func(ctx context.Context, tx *storage.Tx) (err error) {
		lease, _, err = tx.AcquireLane(ctx, p.hub.ID, "test", time.Hour)
		return err
	})
	p.pull = func() (l Listing, pull bridge.Pull) {
		t.Helper()
		p.ResetRequests()
		l, err := puller.List(ctx, lease)
		if err == nil && l.Err == nil {
			err = puller.Take(ctx, lease, l)
		}
		if err != nil {
			t.Fatal(err)
		}
		storagetest.Read(t, p.db, func(ctx context.Context, tx *storage.Tx) error {
			pull, _, err = tx.LastPull(ctx, p.hub.ID, false)
			return err
		})
		return l, pull
	}
	return p
}

// asked is what was asked for about assets, in order: the people of which, and
// names. Nothing was changed.
func (p *accounts) asked() (all []string) {
	p.t.Helper()
	for _, r := range p.Requests() {
		id, edge, _ := strings.Cut(strings.TrimPrefix(r.Path, "/act_"), "/")
		switch {
		case r.Write:
			p.t.Errorf("a pull writes nothing: %s", r.Op)
		case r.Op == "GET owned_ad_accounts":
			all = append(all, "names")
		case edge == "assigned_users":
			all = append(all, id)
		}
	}
	return slices.Compact(all) // pages, and what is tried again
}

// fails has the people of an ad account break off with an answer after their
// first page.
func (p *accounts) fails(id string, f metasim.Fault) {
	f.Op, f.Object, f.Skip, f.Kind = "GET assigned_users", "act_"+id, 1, cmp.Or(f.Kind, metasim.FaultError)
	p.Faults.Add(f)
}

// answer is an error of Meta's.
func answer(code, sub int) metasim.Fault {
	return metasim.Fault{Error: &metasim.GraphError{Message: "no", Type: "OAuthException", Code: code, Subcode: sub}}
}

// known is on how many of the ad accounts the members are known to be.
func (p *accounts) known() (on map[string]int) {
	on = map[string]int{}
	storagetest.Read(p.t, p.db, func(ctx context.Context, tx *storage.Tx) error {
		members, err := tx.Members(ctx, p.hub.ID, false)
		for _, m := range members {
			for _, a := range m.Assets {
				if slices.Equal(a.Roles, []string{"ANALYZE"}) {
					on[a.ID]++
				}
			}
		}
		return err
	})
	return on
}

// TestAPullReadsTheAssetsThatRulesName, each once, and asks for names that it
// does not know yet.
func TestAPullReadsTheAssetsThatRulesName(t *testing.T) {
	t.Parallel()
	platform := assetHub(t)
	l, p := platform.pull()
	if want := []string{"1", "2", "3", "4", "5", "names"}; !slices.Equal(platform.asked(), want) {
		t.Errorf("asked for %q, want %q", platform.asked(), want)
	}
	if l.AssetsMissing() || len(p.Assets) != 5 || p.Assets[4].Name != "Account 5" || p.Assets[4].Error != "" {
		t.Errorf("the pull says of its assets: %+v", p.Assets)
	}
	if n := len(staff); platform.known()["1"] != n || platform.known()["5"] != n {
		t.Errorf("on record are %v", platform.known())
	}
	if _, p = platform.pull(); len(platform.asked()) != 5 || p.Assets[0].Name != "Account 1" {
		t.Errorf("names are asked for again: %q, and are %+v", platform.asked(), p.Assets)
	}
}

// TestOneAssetThatFailsDoesNotBreakThePull: what was listed before the error
// counts for nothing, the others count.
func TestOneAssetThatFailsDoesNotBreakThePull(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  metasim.Fault
		reason bridge.Code
		soon   bool // the next reading may show it
	}{
		"forbidden": {answer(200, 0), bridge.PlatformForbidden, false}, "not there any more": {answer(100, 33), bridge.PlatformNotFound, false},
		"refused": {answer(2620, 0), bridge.PlatformRefused, false}, "unavailable": {answer(2, 0), bridge.PlatformUnreachable, true},
		"no answer of Meta's": {metasim.Fault{Kind: metasim.FaultEmptyBody}, bridge.PlatformMalformed, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			platform := assetHub(t)
			platform.fails("2", c.fault)
			l, p := platform.pull()
			if !p.Complete || l.AssetsMissing() != c.soon {
				t.Errorf("the pull is complete %t, and the hub read again within the hour: %t", p.Complete, l.AssetsMissing())
			}
			for _, a := range p.Assets {
				if failed := a.Error != ""; failed != (a.ID == "2") || failed && a.Reason != c.reason {
					t.Errorf("%s: %q (%s)", a.ID, a.Error, a.Reason)
				}
			}
			if on := platform.known(); on["2"] != 0 || on["1"] != len(staff) || on["3"] != len(staff) {
				t.Errorf("on record are %v", on)
			}
		})
	}
}

// TestAnAssetThatIsGoneDoesNotBreakThePull: another admin took it out of the
// portfolio.
func TestAnAssetThatIsGoneDoesNotBreakThePull(t *testing.T) {
	t.Parallel()
	platform := assetHub(t)
	if err := platform.RemoveAsset(portfolio, "act_2"); err != nil {
		t.Fatal(err)
	}
	if l, p := platform.pull(); !p.Complete || l.AssetsMissing() || p.Assets[1].ID != "2" || p.Assets[1].Reason != bridge.PlatformNotFound || platform.known()["3"] != len(staff) {
		t.Errorf("the pull is complete %t and says %+v; on record are %v", p.Complete, p.Assets, platform.known())
	}
}

// TestTheLimitOfOneAssetDoesNotBreakThePull: a busy ad account must not keep
// those who left on the hub.
func TestTheLimitOfOneAssetDoesNotBreakThePull(t *testing.T) {
	t.Parallel()
	platform := assetHub(t)
	platform.fails("2", answer(80004, 2446079))
	l, p := platform.pull()
	if want := []string{"1", "2", "3", "4", "5", "names"}; !p.Complete || !l.AssetsMissing() || !slices.Equal(platform.asked(), want) {
		t.Errorf("the pull is complete %t (%s), and asked for %q", p.Complete, p.Error, platform.asked())
	}
	if a := p.Assets[1]; a.ID != "2" || a.Reason != bridge.PlatformThrottled {
		t.Errorf("the pull says of it: %+v", a)
	}
}

// TestAPlatformThatIsDownIsNotAskedForEveryAsset: after three that could not be
// read in a row the rest is left for the next pull.
func TestAPlatformThatIsDownIsNotAskedForEveryAsset(t *testing.T) {
	t.Parallel()
	platform := assetHub(t)
	for i := range 5 {
		platform.fails(fmt.Sprint(i+1), answer(2, 0))
	}
	_, p := platform.pull()
	if want := []string{"1", "2", "3"}; !slices.Equal(platform.asked(), want) || !p.Complete {
		t.Errorf("asked for %q, want %q; complete %t", platform.asked(), want, p.Complete)
	}
	if len(p.Assets) != 5 || !strings.Contains(p.Assets[4].Error, "not asked") {
		t.Errorf("the pull says of its assets: %+v", p.Assets)
	}
}

// TestWhatIsNotAboutOneAssetEndsThePull, and changes no member.
func TestWhatIsNotAboutOneAssetEndsThePull(t *testing.T) {
	t.Parallel()
	for reason, code := range map[bridge.Code]int{bridge.PlatformThrottled: 4, bridge.PlatformTokenRevoked: 190, bridge.PlatformBlocked: 368} {
		platform := assetHub(t)
		platform.fails("2", answer(code, 0))
		l, p := platform.pull()
		if p.Complete || p.Reason != reason || l.Err == nil || !slices.Equal(platform.asked(), []string{"1", "2"}) {
			t.Errorf("%s: complete %t, reason %s, asked for %q", reason, p.Complete, p.Reason, platform.asked())
		}
		if on := platform.known(); len(on) > 0 {
			t.Errorf("%s: it changed members: %v", reason, on)
		}
	}
}
