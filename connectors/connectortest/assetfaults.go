package connectortest

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
)

// assignNobody: who is not there, or has not accepted, is given nothing, and
// neither is an asset that is not there.
func assignNobody(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(8)...)
	gone, stays := b.member(5), b.member(6)
	b.Leave(gone.PlatformID)
	b.Settle()
	people := b.Truth()
	b.each(func(k bridge.AssetKind, a Asset) {
		was := b.truth(k, a.Asset)
		access := bridge.AssetAccess{Asset: a.Asset, Roles: variants(k)[0]}
		_, err := b.assets.Assign(t.Context(), gone, access)
		b.kind("assign to who left", err, connectors.KindNotFound, connectors.KindRefused)
		_, err = b.assets.Unassign(t.Context(), gone, a.Asset)
		if !k.Revocable {
			b.kind("unassign from who left", err, connectors.KindRefused)
		} else {
			b.kind("unassign from who left", err, connectors.KindNotFound, connectors.KindRefused)
		}
		if got, err := b.listed(k, a.Asset, gone.PlatformID, stays.PlatformID); b.watch.keep(err) != nil || got[gone.PlatformID] != nil {
			t.Errorf("who left is listed as %q, %v", got[gone.PlatformID], err)
		}
		if !k.OfHub {
			absent := bridge.AssetAccess{Asset: bridge.Asset{Kind: k.Kind, ID: "999999999999999"}, Roles: access.Roles}
			_, err = b.assets.Assign(t.Context(), stays, absent)
			b.kind("assign an asset that is not there", err, connectors.KindNotFound, connectors.KindRefused)
			got, err := b.listed(k, absent.Asset, stays.PlatformID)
			b.kind("people of an asset that is not there", err, "", connectors.KindNotFound, connectors.KindRefused)
			if len(got) > 0 {
				t.Errorf("an asset that is not there lists %v", got)
			}
		}
		if now := b.truth(k, a.Asset); !same(now, was) {
			t.Errorf("access to %s is %v, was %v", a.Asset, now, was)
		}
	})
	if !slices.Equal(people, b.Truth()) {
		t.Errorf("the people of the hub changed")
	}
}

func assignBad(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(8)...)
	who := b.member(5)
	refused := func(what string, err error) {
		t.Helper()
		b.kind(what, err, connectors.KindRefused)
	}
	b.each(func(k bridge.AssetKind, a Asset) {
		access := bridge.AssetAccess{Asset: a.Asset, Roles: variants(k)[0]}
		invited := connectors.Subject{Email: "dora@example.org"}
		refused("assign to the invited", second(b.assets.Assign(t.Context(), invited, access)))
		refused("unassign from the invited", second(b.assets.Unassign(t.Context(), invited, a.Asset)))
		for _, roles := range [][]string{nil, {""}, {"EMPEROR"}, {k.Roles[0], "EMPEROR"}} {
			refused(fmt.Sprintf("assign %q", roles), second(b.assets.Assign(t.Context(), who, bridge.AssetAccess{Asset: a.Asset, Roles: roles})))
		}
		if !k.Many && len(k.Roles) > 1 {
			refused("assign two roles", second(b.assets.Assign(t.Context(), who, bridge.AssetAccess{Asset: a.Asset, Roles: slices.Sorted(slices.Values(k.Roles[:2]))})))
		}
		nameless := bridge.Asset{Kind: k.Kind}
		if k.OfHub {
			nameless.ID = "123"
		}
		refused("assign without the asset", second(b.assets.Assign(t.Context(), who, bridge.AssetAccess{Asset: nameless, Roles: access.Roles})))
		refused("unassign without the asset", second(b.assets.Unassign(t.Context(), who, nameless)))
		_, err := gather(b, b.assets.AssetUsers(t.Context(), nameless, []string{who.PlatformID}))
		refused("people without the asset", err)
	})
	unknown := bridge.Asset{Kind: "no_such_kind", ID: "1"}
	refused("assign no kind", second(b.assets.Assign(t.Context(), who, bridge.AssetAccess{Asset: unknown, Roles: []string{"ADMIN"}})))
	refused("unassign no kind", second(b.assets.Unassign(t.Context(), who, unknown)))
	_, err := gather(b, b.assets.AssetUsers(t.Context(), unknown, nil))
	refused("people of no kind", err)
	if n, _ := b.watch.counts(); n != 0 {
		t.Errorf("%d requests left", n)
	}
}

// assetChange is a change of access, with how to see it done.
type assetChange struct {
	name string
	op   Op
	kind bridge.AssetKind
	run  func() error
	done func() bool
}

// assetChanges are each kind of change to one asset of each kind: an assignment
// to someone who has no access, and the end of access that someone has.
func (b *assetBench) assetChanges() []assetChange {
	b.t.Helper()
	var all []assetChange
	none, has := b.member(5), b.member(6)
	b.each(func(k bridge.AssetKind, a Asset) {
		ctx, access := b.t.Context(), bridge.AssetAccess{Asset: a.Asset, Roles: variants(k)[0]}
		all = append(all, assetChange{"assign " + k.Kind, Assign, k,
			func() error { return second(b.assets.Assign(ctx, none, access)) },
			func() bool { return slices.Equal(b.truth(k, a.Asset)[none.PlatformID], access.Roles) }})
		if k.Revocable && !a.Keeps {
			b.hub.GiveAsset(has.PlatformID, access)
			all = append(all, assetChange{"unassign " + k.Kind, Unassign, k,
				func() error { return second(b.assets.Unassign(ctx, has, a.Asset)) },
				func() bool { return b.truth(k, a.Asset)[has.PlatformID] == nil }})
		}
	})
	b.Settle()
	return all
}

func assetUnknown(t *testing.T, h Harness) {
	for _, how := range []Break{ResetBefore, ResetAfter, Truncated, HalfJSON, ServerError} {
		b := h.startAssets(t, crowd(8)...)
		for _, c := range b.assetChanges() {
			what := fmt.Sprintf("%s, %s", c.name, how)
			_, before := b.watch.counts()
			b.Break(Fault{Op: c.op, Kind: c.kind.Kind, Break: how})
			b.kind(what, c.run(), connectors.KindUnknown)
			if _, now := b.watch.counts(); now-before != 1 {
				t.Errorf("%s: the write was sent %d times", what, now-before)
			}
			if done := c.done(); done != how.effect() {
				t.Errorf("%s: done is %v", what, done)
			}
			b.Mend()
			b.Settle()
			if !how.effect() {
				b.must(what+", again", c.run())
				if !c.done() {
					t.Errorf("%s: not done even the second time", what)
				}
			}
		}
	}
}

// assetSettles: after an unknown outcome, a read tells what became of it.
func assetSettles(t *testing.T, h Harness) {
	for _, how := range []Break{ResetBefore, ResetAfter} {
		b := h.startAssets(t, crowd(8)...)
		who := b.member(5)
		b.each(func(k bridge.AssetKind, a Asset) {
			roles := variants(k)[0]
			b.Break(Fault{Op: Assign, Kind: k.Kind, Break: how})
			_, err := b.assets.Assign(t.Context(), who, bridge.AssetAccess{Asset: a.Asset, Roles: roles})
			b.kind("assign", err, connectors.KindUnknown)
			b.Mend()
			b.Settle()
			got, err := b.listed(k, a.Asset, who.PlatformID)
			b.must("list", err)
			if slices.Equal(got[who.PlatformID], roles) != how.effect() {
				t.Errorf("%s, %s: a read shows %q", a.Asset, how, got[who.PlatformID])
			}
		})
	}
}

func assetThrottled(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(8)...)
	for _, c := range b.assetChanges() {
		_, before := b.watch.counts()
		b.Break(Fault{Op: c.op, Kind: c.kind.Kind, Break: Throttle})
		b.comesBack(c.name, c.run())
		if _, now := b.watch.counts(); now-before != 1 || c.done() {
			t.Errorf("%s: throttled, and sent %d times, done %v", c.name, now-before, c.done())
		}
		b.Mend()
	}
}

func assetRevoked(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(8)...)
	all := b.assetChanges()
	b.RevokeToken()
	b.refusesAssets(all, connectors.KindToken)
}

func assetForbidden(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(8)...)
	all := b.assetChanges()
	b.Demote()
	b.Settle()
	b.refusesAssets(all, connectors.KindForbidden)
}

func (b *assetBench) refusesAssets(all []assetChange, want connectors.Kind) {
	b.t.Helper()
	who := b.member(6).PlatformID
	b.each(func(k bridge.AssetKind, a Asset) {
		was := b.truth(k, a.Asset)
		if !k.OfHub {
			_, err := gather(b, b.assets.Assets(b.t.Context(), k.Kind))
			b.kind("list assets", err, want)
		}
		_, err := b.listed(k, a.Asset, who)
		b.kind("people of "+a.String(), err, want)
		for _, c := range all {
			if c.kind.Kind == k.Kind {
				b.kind(c.name, c.run(), want)
			}
		}
		if !same(was, b.truth(k, a.Asset)) {
			b.t.Errorf("access to %s changed", a.Asset)
		}
	})
}

func assetRedirected(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(8)...)
	all := b.assetChanges()
	b.watch.hook(func(_ int, r *http.Request) *http.Response {
		if r.Method == http.MethodGet {
			return nil
		}
		return page(http.StatusTemporaryRedirect, http.Header{"Location": {"https://elsewhere.example/collect"}}, "")
	})
	for _, c := range all {
		b.kind(c.name, c.run(), connectors.KindUnknown)
	}
}

// assetsAtOnce: many callers, and nobody's access is lost or another's.
func assetsAtOnce(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(8)...)
	var wg sync.WaitGroup
	want := map[bridge.Asset]map[string][]string{}
	b.each(func(k bridge.AssetKind, a Asset) {
		was := b.truth(k, a.Asset)
		for i := range 6 {
			who, roles := b.member(i), variants(k)[i%len(variants(k))]
			was = with(was, who.PlatformID, roles)
			wg.Go(func() {
				_, err := b.assets.Assign(t.Context(), who, bridge.AssetAccess{Asset: a.Asset, Roles: roles})
				if b.watch.keep(err) != nil {
					t.Errorf("assign %s: %v", a.Asset, err)
				}
			})
		}
		want[a.Asset] = was
	})
	wg.Wait()
	b.each(func(k bridge.AssetKind, a Asset) {
		if now := b.truth(k, a.Asset); !same(now, want[a.Asset]) {
			t.Errorf("%s has %v, want %v", a.Asset, now, want[a.Asset])
		}
	})
}
