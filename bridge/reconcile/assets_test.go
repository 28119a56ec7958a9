package reconcile

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// accounts is a platform with ad accounts "a1" to "a5" and one person on each.
type accounts struct {
	connectors.Connector
	fail  map[string]error // by asset id
	asked []string         // what was asked for, in order
}

func (a *accounts) Members(context.Context, func(int)) iter.Seq2[bridge.Seen, error] {
	return func(yield func(bridge.Seen, error) bool) {
		yield(bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: "900", Email: "ana@corp.example", Role: bridge.Collaborator}, nil)
	}
}

func (a *accounts) Assets(_ context.Context, kind string) iter.Seq2[bridge.AssetDetails, error] {
	return func(yield func(bridge.AssetDetails, error) bool) {
		a.asked = append(a.asked, "names")
		for i := range 9 {
			if !yield(bridge.AssetDetails{Asset: bridge.Asset{Kind: kind, ID: fmt.Sprintf("a%d", i+1)}, Name: fmt.Sprintf("Account %d", i+1)}, nil) {
				return
			}
		}
	}
}

func (a *accounts) AssetUsers(_ context.Context, asset bridge.Asset, whom []string) iter.Seq2[bridge.AssetUser, error] {
	return func(yield func(bridge.AssetUser, error) bool) {
		a.asked = append(a.asked, asset.ID)
		for _, id := range whom {
			if !yield(bridge.AssetUser{PlatformID: id, Roles: []string{"ANALYZE"}}, nil) {
				return
			}
		}
		if err := a.fail[asset.ID]; err != nil { // it breaks off after all were listed
			yield(bridge.AssetUser{}, err)
		}
	}
}

func (a *accounts) Assign(context.Context, connectors.Subject, bridge.AssetAccess) (connectors.Receipt, error) {
	panic("a pull writes nothing")
}

func (a *accounts) Unassign(context.Context, connectors.Subject, bridge.Asset) (connectors.Receipt, error) {
	panic("a pull writes nothing")
}

// assetHub is a hub with a rule that names five ad accounts.
func assetHub(t *testing.T) (*accounts, func() (Listing, bridge.Pull)) {
	t.Helper()
	ctx, db, platform := t.Context(), storagetest.Open(t, storagetest.SQLite(t)), &accounts{fail: map[string]error{}}
	traits := bridge.Traits{Platform: bridge.Meta, Assets: []bridge.AssetKind{{Kind: "ad_account", Noun: "ad account", Roles: []string{"ANALYZE", "ADVERTISE"}, Many: true, Revocable: true}}}
	puller := Puller{DB: db, Traits: func(bridge.Platform) bridge.Traits { return traits }, Log: zerolog.Nop(),
		Dial: func(context.Context, string, func(connectors.Call)) (connectors.Connector, error) {
			return platform, nil
		}}
	hub, err := AddHub(ctx, db, bridge.Hub{Slug: "oak", Platform: bridge.Meta, BusinessID: "71"}, storage.Credentials{Token: bridge.NewSecret("x")}, connectors.Connection{BusinessID: "71"}, "test")
	if err != nil {
		t.Fatal(err)
	}
	rule := bridge.Rule{GroupName: "Buyers", Role: bridge.Collaborator}
	for i := range 5 {
		rule.Assets = append(rule.Assets, bridge.AssetAccess{Asset: bridge.Asset{Kind: "ad_account", ID: fmt.Sprintf("a%d", i+1)}, Roles: []string{"ADVERTISE"}})
	}
	if _, err := AddRule(ctx, db, rule, "oak", "test"); err != nil {
		t.Fatal(err)
	}
	var lease storage.Lease
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
		lease, _, err = tx.AcquireLane(ctx, hub.ID, "test", time.Hour)
		return err
	})
	return platform, func() (l Listing, p bridge.Pull) {
		t.Helper()
		platform.asked = nil
		l, err := puller.List(ctx, lease)
		if err == nil && l.Err == nil {
			err = puller.Take(ctx, lease, l)
		}
		if err != nil {
			t.Fatal(err)
		}
		storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			p, _, err = tx.LastPull(ctx, hub.ID, false)
			return err
		})
		return l, p
	}
}

func errorOf(kind connectors.Kind, reason bridge.Code) error {
	return &connectors.Error{Kind: kind, Platform: bridge.Meta, Op: "GET assigned_users", Message: "no", Reason: reason}
}

// TestAPullReadsTheAssetsThatRulesName, each once, and asks for names that it
// does not know yet.
func TestAPullReadsTheAssetsThatRulesName(t *testing.T) {
	platform, pull := assetHub(t)
	l, p := pull()
	if want := []string{"a1", "a2", "a3", "a4", "a5", "names"}; !slices.Equal(platform.asked, want) {
		t.Errorf("asked for %q, want %q", platform.asked, want)
	}
	if l.AssetsMissing() || len(p.Assets) != 5 || p.Assets[4].Name != "Account 5" || p.Assets[4].Error != "" {
		t.Errorf("the pull says of its assets: %+v", p.Assets)
	}
	if _, p = pull(); len(platform.asked) != 5 || p.Assets[0].Name != "Account 1" {
		t.Errorf("names are asked for again: %q, and are %+v", platform.asked, p.Assets)
	}
}

// TestOneAssetThatFailsDoesNotBreakThePull: what was listed before the error
// counts for nothing, the others count.
func TestOneAssetThatFailsDoesNotBreakThePull(t *testing.T) {
	platform, pull := assetHub(t)
	for kind, c := range map[connectors.Kind]struct {
		reason bridge.Code
		soon   bool // the next reading may show it
	}{
		connectors.KindForbidden: {bridge.PlatformForbidden, false}, connectors.KindNotFound: {bridge.PlatformNotFound, false},
		connectors.KindRefused: {bridge.PlatformRefused, false}, connectors.KindTransient: {bridge.PlatformUnreachable, true},
		connectors.KindMalformed: {bridge.PlatformMalformed, true},
	} {
		platform.fail["a2"] = errorOf(kind, c.reason)
		l, p := pull()
		if !p.Complete || l.AssetsMissing() != c.soon {
			t.Errorf("%s: the pull is complete %t, and the hub read again within the hour: %t", kind, p.Complete, l.AssetsMissing())
		}
		for _, a := range p.Assets {
			if failed := a.Error != ""; failed != (a.ID == "a2") || failed && a.Reason != c.reason {
				t.Errorf("%s: %s: %q (%s)", kind, a.ID, a.Error, a.Reason)
			}
		}
	}
}

// TestTheLimitOfOneAssetDoesNotBreakThePull: a busy ad account must not keep
// those who left on the hub.
func TestTheLimitOfOneAssetDoesNotBreakThePull(t *testing.T) {
	platform, pull := assetHub(t)
	platform.fail["a2"] = &connectors.Error{Kind: connectors.KindThrottled, Platform: bridge.Meta, Op: "GET assigned_users", Message: "slow down",
		Reason: bridge.PlatformThrottled, RetryAfter: time.Hour, OneAsset: true}
	l, p := pull()
	if want := []string{"a1", "a2", "a3", "a4", "a5", "names"}; !p.Complete || !l.AssetsMissing() || !slices.Equal(platform.asked, want) {
		t.Errorf("the pull is complete %t (%s), and asked for %q", p.Complete, p.Error, platform.asked)
	}
	if a := p.Assets[1]; a.ID != "a2" || a.Reason != bridge.PlatformThrottled {
		t.Errorf("the pull says of it: %+v", a)
	}
}

// TestAPlatformThatIsDownIsNotAskedForEveryAsset: after three that could not be
// read in a row the rest is left for the next pull.
func TestAPlatformThatIsDownIsNotAskedForEveryAsset(t *testing.T) {
	platform, pull := assetHub(t)
	for i := range 5 {
		platform.fail[fmt.Sprintf("a%d", i+1)] = errorOf(connectors.KindTransient, bridge.PlatformUnreachable)
	}
	_, p := pull()
	if want := []string{"a1", "a2", "a3"}; !slices.Equal(platform.asked, want) || !p.Complete {
		t.Errorf("asked for %q, want %q; complete %t", platform.asked, want, p.Complete)
	}
	if len(p.Assets) != 5 || !strings.Contains(p.Assets[4].Error, "not asked") {
		t.Errorf("the pull says of its assets: %+v", p.Assets)
	}
}

// TestWhatIsNotAboutOneAssetEndsThePull, and changes no member.
func TestWhatIsNotAboutOneAssetEndsThePull(t *testing.T) {
	for kind, reason := range map[connectors.Kind]bridge.Code{
		connectors.KindThrottled: bridge.PlatformThrottled, connectors.KindToken: bridge.PlatformTokenRevoked, connectors.KindBlocked: bridge.PlatformBlocked,
	} {
		platform, pull := assetHub(t)
		platform.fail["a2"] = errorOf(kind, reason)
		l, p := pull()
		if p.Complete || p.Reason != reason || l.Err == nil || !slices.Equal(platform.asked, []string{"a1", "a2"}) {
			t.Errorf("%s: complete %t, reason %s, asked for %q", kind, p.Complete, p.Reason, platform.asked)
		}
	}
}
