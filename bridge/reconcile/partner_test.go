package reconcile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
)

// TestOnlyThoseWhoReachAreKeptWhateverWasRead over random partners: whoever is
// kept reaches an asset that was read, or was known to reach one that was not
// and is still there; nobody who does is left out; all others are counted.
func TestOnlyThoseWhoReachAreKeptWhateverWasRead(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	unread, outside := 0, 0
	for range 3000 {
		id := func(i int) string { return fmt.Sprint("u", i) }
		asset := func(i int) bridge.Asset { return bridge.Asset{Kind: "advertiser", ID: fmt.Sprint(i)} }
		var everyone []bridge.Seen
		listed := map[string]bool{}
		for i := range rng.IntN(8) {
			s := bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: id(i), Email: id(i) + "@agency.example", Access: bridge.Access{Role: "STANDARD", Finance: "MANAGER"}}
			if rng.IntN(6) == 0 {
				s.PlatformID, s.Presence = "", bridge.Invited
			}
			listed[s.PlatformID] = s.PlatformID != ""
			everyone = append(everyone, s)
		}
		reach, open := map[string]bool{}, map[bridge.Asset]bool{}
		var assets []bridge.AssetListing
		for i := range rng.IntN(4) {
			l := bridge.AssetListing{Asset: asset(i), Complete: rng.IntN(3) > 0}
			for range rng.IntN(3) {
				u := bridge.AssetUser{PlatformID: id(rng.IntN(9)), Roles: []string{"ANALYST"}}
				if rng.IntN(8) == 0 {
					u.Roles = nil
				}
				l.Users = append(l.Users, u)
				reach[u.PlatformID] = reach[u.PlatformID] || l.Complete && len(u.Roles) > 0
			}
			open[l.Asset] = !l.Complete
			assets = append(assets, l)
		}
		var known []bridge.Member
		before := map[string]bool{}
		for i := range rng.IntN(9) {
			a := asset(rng.IntN(4))
			known = append(known, bridge.Member{Seen: bridge.Seen{PlatformID: id(i)}, Assets: []bridge.MemberAsset{{Asset: a, Roles: []string{"ANALYST"}}}})
			before[id(i)] = open[a]
		}
		kept, dropped := reaching(everyone, assets, known)
		got := map[string]bool{}
		for _, s := range kept {
			switch {
			case s.Kind != bridge.PartnerMember || s.PlatformID == "" || got[s.PlatformID] || s.Access.Finance != "":
				t.Fatalf("%+v of %+v", s, kept)
			case !reach[s.PlatformID] && !(before[s.PlatformID] && listed[s.PlatformID]):
				t.Fatalf("%s is kept and reaches nothing: %+v %+v", s.PlatformID, assets, known)
			}
			got[s.PlatformID] = true
			if !reach[s.PlatformID] {
				unread++
			}
			if !listed[s.PlatformID] {
				outside++
			}
		}
		inList := 0
		for _, s := range everyone {
			if got[s.PlatformID] && s.PlatformID != "" {
				inList++
			} else if s.PlatformID != "" && (reach[s.PlatformID] || before[s.PlatformID]) {
				t.Fatalf("%s reaches something and is dropped", s.PlatformID)
			}
		}
		for who, does := range reach {
			if does && !got[who] {
				t.Fatalf("%s reaches something and is left out", who)
			}
		}
		if inList+dropped != len(everyone) {
			t.Fatalf("%d kept and %d dropped of %d", inList, dropped, len(everyone))
		}
	}
	if unread == 0 || outside == 0 {
		t.Errorf("%d kept for an asset that was not read, %d whom the list does not have: the histories prove little", unread, outside)
	}
}

// TestAssetsThatMayStillBeSharedConcludeNothing: where our own hub does not say
// all that it shares, what was known stays open.
func TestAssetsThatMayStillBeSharedConcludeNothing(t *testing.T) {
	a, b := bridge.Asset{Kind: "page", ID: "1"}, bridge.Asset{Kind: "page", ID: "2"}
	has := func(id string, assets ...bridge.Asset) bridge.Member {
		m := bridge.Member{Seen: bridge.Seen{PlatformID: id}}
		for _, x := range assets {
			m.Assets = append(m.Assets, bridge.MemberAsset{Asset: x, Roles: []string{"ANALYZE"}})
		}
		return m
	}
	m := &monitored{unread: "Meta gives no token of the page", shared: []bridge.SharedAsset{{AssetDetails: bridge.AssetDetails{Asset: a}}}}
	got := unlisted(m, []bridge.Member{has("u1", a, b), has("u2", b)})
	if len(got) != 1 || got[0].Asset != b || got[0].Complete || got[0].Error != m.unread {
		t.Errorf("%+v", got)
	}
	kept, dropped := reaching([]bridge.Seen{{PlatformID: "u1"}, {PlatformID: "u3"}}, got, []bridge.Member{has("u1", a, b), has("u2", b)})
	if len(kept) != 1 || kept[0].PlatformID != "u1" || dropped != 1 {
		t.Errorf("%+v, %d dropped", kept, dropped)
	}
}

// TestAnErrorOfOursDoesNotHaltThePartnersHub whatever it would do to ours.
func TestAnErrorOfOursDoesNotHaltThePartnersHub(t *testing.T) {
	for _, k := range []connectors.Kind{connectors.KindToken, connectors.KindBlocked, connectors.KindHuman, connectors.KindForbidden} {
		err := ofOurs(bridge.Hub{Slug: "eu"}, &connectors.Error{Kind: k, Platform: bridge.TikTok, Op: "bc/partner/asset/get", Reason: bridge.PlatformTokenRevoked})
		if halt := connectors.HaltFor(err, bridge.Pull{}.StartedAt); halt != nil || connectors.ReasonOf(err) != bridge.PlatformTokenRevoked {
			t.Errorf("%s: %v, %v", k, halt, err)
		}
	}
	if err := ofOurs(bridge.Hub{}, nil); err != nil {
		t.Error(err)
	}
	plain := errors.New("ours")
	if err := ofOurs(bridge.Hub{}, plain); !errors.Is(err, plain) {
		t.Error(err)
	}
}

// TestPartnerEventsSayWhatChangedAndNothingElse.
func TestPartnerEventsSayWhatChangedAndNothingElse(t *testing.T) {
	share := func(ids ...string) (out []bridge.SharedAsset) {
		for _, id := range ids {
			out = append(out, bridge.SharedAsset{AssetDetails: bridge.AssetDetails{Asset: bridge.Asset{Kind: "advertiser", ID: id}}, Roles: []string{"ANALYST"}})
		}
		return out
	}
	before := bridge.Partners{List: []bridge.PartnerBusiness{{BusinessID: "1", Assets: share("a", "b")}, {BusinessID: "2", Assets: share("a")}, {BusinessID: "3", Name: "Gone"}}}
	now := bridge.Partners{List: []bridge.PartnerBusiness{{BusinessID: "1", Name: "Renamed", Assets: share("b", "a")}, {BusinessID: "2", Assets: share("c")}, {BusinessID: "4"}}}
	var got []string
	for _, e := range partnerEvents(bridge.Hub{ID: "h", Platform: bridge.TikTok}, before, now, "p1") {
		got = append(got, e.Action+" "+e.Subject)
	}
	if want := []string{"partner.changed 2", "partner.seen 4", "partner.gone Gone"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
