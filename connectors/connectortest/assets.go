package connectortest

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
)

// assetBench is a bench whose connector gives people access to assets.
type assetBench struct {
	*bench
	assets connectors.Assets
	hub    AssetHub
}

func (h Harness) startAssets(t *testing.T, people ...Person) *assetBench {
	t.Helper()
	b := h.start(t, people...)
	hub, ok := b.Hub.(AssetHub)
	if !ok {
		t.Fatalf("the connector gives access to %d kinds of asset, and its hub is no AssetHub", len(b.Traits().Assets))
	}
	assets, ok := b.Connector.(connectors.Assets)
	if !ok {
		t.Fatalf("Traits declare kinds of asset, and %T is no connectors.Assets", b.Connector)
	}
	return &assetBench{b, assets, hub}
}

// each gives one asset of every kind.
func (b *assetBench) each(do func(k bridge.AssetKind, a Asset)) {
	b.t.Helper()
	for _, k := range b.Traits().Assets {
		i := slices.IndexFunc(b.hub.Assets(), func(a Asset) bool { return a.Kind == k.Kind })
		if i < 0 {
			b.t.Fatalf("the hub has no %s", k.Noun)
		}
		do(k, b.hub.Assets()[i])
	}
}

// whole is a list of roles in the one form in which lists are compared.
func whole(k bridge.AssetKind, roles []string) []string {
	if k.Many {
		return k.Join(roles, nil)
	}
	return roles
}

// variants are the accesses that a kind knows, up and down again.
func variants(k bridge.AssetKind) [][]string {
	var all [][]string
	if k.Many {
		first, last := k.Roles[:1], k.Roles[len(k.Roles)-1:]
		for _, roles := range [][]string{first, k.Roles, last, first, slices.Concat(first, last)} {
			all = append(all, whole(k, slices.Sorted(slices.Values(roles))))
		}
		return slices.CompactFunc(all, slices.Equal)
	}
	for _, r := range k.Roles {
		all = append(all, []string{r})
	}
	for _, r := range slices.Backward(k.Roles[:len(k.Roles)-1]) {
		all = append(all, []string{r})
	}
	return all
}

func (b *assetBench) member(i int) connectors.Subject {
	b.t.Helper()
	p := b.person(member(i, "").Email)
	return connectors.Subject{PlatformID: p.PlatformID, Email: p.Email, Name: p.Name}
}

// truth is who has access, roles whole.
func (b *assetBench) truth(k bridge.AssetKind, a bridge.Asset) map[string][]string {
	all := map[string][]string{}
	for id, roles := range b.hub.AssetTruth(a) {
		if len(roles) > 0 {
			all[id] = whole(k, slices.Sorted(slices.Values(roles)))
		}
	}
	return all
}

// listed is who is listed of these people, each once and with roles.
func (b *assetBench) listed(k bridge.AssetKind, a bridge.Asset, whom ...string) (map[string][]string, error) {
	b.t.Helper()
	all := map[string][]string{}
	users, err := gather(b, b.assets.AssetUsers(b.t.Context(), a, whom))
	for _, u := range users {
		if u.PlatformID == "" || len(u.Roles) == 0 || all[u.PlatformID] != nil {
			b.t.Errorf("%s lists someone without id or role, or twice: %+v", a, u)
		}
		if len(u.Roles) > 1 && !k.Many || !slices.Equal(whole(k, u.Roles), u.Roles) {
			b.t.Errorf("%s lists the roles %q, which are not sorted, each once and whole", a, u.Roles)
		}
		all[u.PlatformID] = u.Roles
	}
	return all, err
}

// gather holds a listing to its form: one error, last.
func gather[T any](b *assetBench, seq iter.Seq2[T, error]) (all []T, failed error) {
	b.t.Helper()
	for v, err := range seq {
		if failed != nil {
			b.t.Fatalf("the listing goes on after its error: %v, then %+v, %v", failed, v, err)
		}
		if err != nil {
			failed = b.watch.keep(err)
			continue
		}
		all = append(all, v)
	}
	return all, failed
}

func same(a, b map[string][]string) bool { return maps.EqualFunc(a, b, slices.Equal) }

// crowded gives everyone access to one asset of each kind, in turns of its roles.
func (b *assetBench) crowded() []string {
	b.t.Helper()
	var ids []string
	for _, p := range b.Truth() {
		if p.Presence == bridge.Active && p.PlatformID != b.SelfID() {
			ids = append(ids, p.PlatformID)
		}
	}
	b.each(func(k bridge.AssetKind, a Asset) {
		v := variants(k)
		for i, id := range ids {
			b.hub.GiveAsset(id, bridge.AssetAccess{Asset: a.Asset, Roles: v[i%len(v)]})
		}
	})
	b.Settle()
	return ids
}

func listAssets(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(3)...)
	b.crowded()
	for _, k := range b.Traits().Assets {
		all, err := gather(b, b.assets.Assets(t.Context(), k.Kind))
		b.must("list assets", err)
		got := map[bridge.Asset]bridge.AssetDetails{}
		for _, a := range all {
			if _, twice := got[a.Asset]; twice || a.Kind != k.Kind {
				t.Errorf("%s is listed twice, or as another kind", a.Asset)
			}
			got[a.Asset] = a
		}
		want := 0
		for _, a := range b.hub.Assets() {
			if a.Kind != k.Kind {
				continue
			}
			want++
			if d, ok := got[a.Asset]; !ok || a.Name != "" && d.Name != a.Name || d.Owner != a.Owner {
				t.Errorf("%s is listed as %+v, want %+v", a.Asset, d, a.AssetDetails)
			}
		}
		if len(all) != want {
			t.Errorf("%d of kind %s are listed, want %d", len(all), k.Kind, want)
		}
	}
	_, err := gather(b, b.assets.Assets(t.Context(), "no such kind"))
	b.kind("assets of no kind", err, connectors.KindRefused)
}

func listAssetUsers(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(47)...)
	whom := b.crowded()
	b.each(func(k bridge.AssetKind, a Asset) {
		got, err := b.listed(k, a.Asset, whom...)
		b.must("list", err)
		want := b.truth(k, a.Asset)
		for id := range want {
			if !slices.Contains(whom, id) && got[id] == nil {
				delete(want, id) // not asked about
			}
		}
		if !same(got, want) || len(got) < len(whom) {
			t.Errorf("%s lists %d people of %d: %v, want %v", a.Asset, len(got), len(want), got, want)
		}
		if one, err := b.listed(k, a.Asset, whom[7]); b.watch.keep(err) != nil || !slices.Equal(one[whom[7]], want[whom[7]]) {
			t.Errorf("%s shows one person as %q, %v; want %q", a.Asset, one[whom[7]], err, want[whom[7]])
		}
	})
}

// listAssetsPartial: half a listing is never taken for the whole.
func listAssetsPartial(t *testing.T, h Harness) {
	for _, how := range []Break{ServerError, ResetBefore, Truncated, HalfJSON} {
		b := h.startAssets(t, crowd(25)...)
		whom := b.crowded()
		largest, n := "", 0
		for _, k := range b.Traits().Assets {
			have := 0
			for _, a := range b.hub.Assets() {
				if a.Kind == k.Kind {
					have++
				}
			}
			if have > n {
				largest, n = k.Kind, have
			}
		}
		broken := func(what string, err error, rows int) {
			t.Helper()
			if err == nil {
				t.Errorf("%s, %s: the listing ended politely after %d rows", what, how, rows)
				return
			}
			b.kind(what, err, connectors.KindTransient, connectors.KindMalformed)
		}
		b.Break(Fault{Op: ListAssets, Kind: largest, Break: how, Skip: 1, Times: -1})
		all, err := gather(b, b.assets.Assets(t.Context(), largest))
		broken("assets", err, len(all))
		b.Mend()
		b.each(func(k bridge.AssetKind, a Asset) {
			b.Break(Fault{Op: ListAssetUsers, Kind: k.Kind, Break: how, Skip: 1, Times: -1})
			got, err := b.listed(k, a.Asset, whom...)
			broken(a.String(), err, len(got))
			b.Mend()
			if got, err := b.listed(k, a.Asset, whom...); b.watch.keep(err) != nil || len(got) < len(whom) {
				t.Errorf("%s, mended: %d people of %d, %v", a.Asset, len(got), len(whom), err)
			}
		})
	}
}

func assetReadsOnly(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(5)...)
	whom := b.crowded()
	before := b.Truth()
	b.each(func(k bridge.AssetKind, a Asset) {
		was := b.truth(k, a.Asset)
		_, err := gather(b, b.assets.Assets(t.Context(), k.Kind))
		b.must("list assets", err)
		_, err = b.listed(k, a.Asset, whom...)
		b.must("list", err)
		if !same(was, b.truth(k, a.Asset)) {
			t.Errorf("reading changed access to %s", a.Asset)
		}
	})
	if _, writes := b.watch.counts(); writes != 0 || !slices.Equal(before, b.Truth()) {
		t.Errorf("reading made %d writes", writes)
	}
}

// with is access as it was, but for one person.
func with(was map[string][]string, id string, roles []string) map[string][]string {
	now := maps.Clone(was)
	if delete(now, id); len(roles) > 0 {
		now[id] = roles
	}
	return now
}

// assignShows gives a member every access that there is, one in place of the
// other, among people who have access of their own.
func assignShows(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(8)...)
	b.crowded()
	who := b.member(5)
	b.each(func(k bridge.AssetKind, a Asset) {
		was := b.truth(k, a.Asset)
		for i, roles := range slices.Concat(variants(k), variants(k)[:1]) {
			receipt, err := b.assets.Assign(t.Context(), who, bridge.AssetAccess{Asset: a.Asset, Roles: roles})
			b.kind(fmt.Sprintf("assign %s=%q", a.Asset, roles), err, "", connectors.KindExists)
			if err == nil && receipt.RequestID == "" {
				t.Errorf("no request id on the receipt")
			}
			if now, want := b.truth(k, a.Asset), with(was, who.PlatformID, roles); !same(now, want) {
				t.Fatalf("after the yes to %q, %s has %v, want %v", roles, a.Asset, now, want)
			}
			b.Settle()
			if got, err := b.listed(k, a.Asset, who.PlatformID); b.watch.keep(err) != nil || !slices.Equal(got[who.PlatformID], roles) {
				t.Errorf("%d: given %q, listed %q, %v", i, roles, got[who.PlatformID], err)
			}
			_, err = b.assets.Assign(t.Context(), who, bridge.AssetAccess{Asset: a.Asset, Roles: roles})
			b.kind("the access that they have", err, "", connectors.KindExists)
			if now := b.truth(k, a.Asset); !same(now, with(was, who.PlatformID, roles)) {
				t.Errorf("assigning %q again made it %v", roles, now)
			}
			b.Settle()
		}
	})
	if got := b.person(who.Email); got == nil || got.Role != bridge.Collaborator {
		t.Errorf("given access, the member is %+v", got)
	}
}

func unassignTakes(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(8)...)
	b.crowded()
	who := b.member(5)
	b.each(func(k bridge.AssetKind, a Asset) {
		was := b.truth(k, a.Asset)
		_, before := b.watch.counts()
		_, err := b.assets.Unassign(t.Context(), who, a.Asset)
		if !k.Revocable || a.Keeps {
			b.kind("unassign what cannot be", err, connectors.KindRefused)
			if _, now := b.watch.counts(); !same(was, b.truth(k, a.Asset)) || !k.Revocable && now != before {
				t.Errorf("what cannot be taken away of %s: %d calls, %v", a.Asset, now-before, b.truth(k, a.Asset))
			}
			return
		}
		b.must("unassign", err)
		if now, want := b.truth(k, a.Asset), with(was, who.PlatformID, nil); !same(now, want) {
			t.Fatalf("after the yes %s has %v, want %v", a.Asset, now, want)
		}
		b.Settle()
		if got, err := b.listed(k, a.Asset, who.PlatformID); b.watch.keep(err) != nil || got[who.PlatformID] != nil {
			t.Errorf("taken away, and listed as %q, %v", got[who.PlatformID], err)
		}
		_, err = b.assets.Unassign(t.Context(), who, a.Asset)
		if b.h.SilentUnassign {
			b.kind("unassign again", err, "", connectors.KindNotFound)
		} else {
			b.kind("unassign again", err, connectors.KindNotFound)
		}
		if now, want := b.truth(k, a.Asset), with(was, who.PlatformID, nil); !same(now, want) {
			t.Errorf("unassigning again hit someone else: %v, want %v", now, want)
		}
	})
	if b.person(who.Email) == nil {
		t.Errorf("without access to assets, the member is gone")
	}
}
