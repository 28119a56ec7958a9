package connectortest

import (
	"fmt"
	"slices"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
)

// brought is what an invitation can bring at the most: two assets of a kind that
// is Invitable where the hub has as many, all with the kind's last role.
func (b *assetBench) brought() (all []bridge.AssetAccess) {
	for _, k := range b.Traits().Assets {
		if !k.Invitable {
			continue
		}
		for _, a := range b.hub.Assets() {
			if a.Kind == k.Kind && len(kindOf(all, k.Kind)) < 2 {
				all = append(all, bridge.AssetAccess{Asset: a.Asset, Roles: k.Roles[len(k.Roles)-1:]})
			}
		}
	}
	return all
}

func kindOf(all []bridge.AssetAccess, kind string) (of []bridge.AssetAccess) {
	for _, a := range all {
		if a.Kind == kind {
			of = append(of, a)
		}
	}
	return of
}

func inviteWith(t *testing.T, h Harness) {
	b := h.startAssets(t, crowd(3)...)
	all := b.brought()
	var emails []string
	for i := range max(1, b.Traits().InviteBatch) {
		emails = append(emails, fmt.Sprintf("with%02d@example.com", i))
	}
	_, before := b.watch.counts()
	_, err := b.Invite(t.Context(), emails, bridge.Collaborator, all...)
	b.must("invite", err)
	if _, writes := b.watch.counts(); writes-before != h.writes(Invite) {
		t.Errorf("%d addresses with the same role and access took %d writes", len(emails), writes-before)
	}
	some := slices.Compact([]string{emails[0], emails[len(emails)-1]})
	for _, email := range some {
		if !b.Traits().NoInvitations {
			b.must("accept", b.Accept(email))
		}
	}
	b.Settle()
	for _, email := range some {
		id := b.person(email).PlatformID
		for _, access := range all {
			k, _ := b.Traits().Asset(access.Kind)
			if got := b.truth(k, access.Asset)[id]; !slices.Equal(got, access.Roles) {
				t.Errorf("%s was invited with %s and has %q", email, access, got)
			}
			if got, err := b.listed(k, access.Asset, id); b.watch.keep(err) != nil || !slices.Equal(got[id], access.Roles) {
				t.Errorf("%s was invited with %s and is listed with %q, %v", email, access, got[id], err)
			}
		}
	}
	// Who was invited before keeps the invitation as it was.
	if again := emails[1:min(2, len(emails))]; len(again) > 0 && len(all) > 0 && !b.Traits().NoInvitations {
		_, err := b.Invite(t.Context(), again, bridge.Owner, all[:1]...)
		b.kind("invite again with less", err, "", connectors.KindExists)
		b.must("accept", b.Accept(again[0]))
		b.Settle()
		p, last := b.person(again[0]), all[len(all)-1]
		k, _ := b.Traits().Asset(last.Kind)
		if p.Role != bridge.Collaborator || !slices.Equal(b.truth(k, last.Asset)[p.PlatformID], last.Roles) {
			t.Errorf("invited a second time with less, %s has accepted as %s with %q", again[0], p.Role, b.truth(k, last.Asset)[p.PlatformID])
		}
	}
}

// inviteWithBad: what a platform does not take along, it is not asked to; an
// invitation without it would be another one than was meant.
func inviteWithBad(t *testing.T, h Harness) {
	b := h.startAssets(t)
	for _, k := range b.Traits().Assets {
		i := slices.IndexFunc(b.hub.Assets(), func(a Asset) bool { return a.Kind == k.Kind })
		asset := b.hub.Assets()[i].Asset
		bad := []bridge.AssetAccess{{Asset: asset, Roles: []string{"NO_SUCH_ROLE"}}, {Asset: asset}}
		if !k.Invitable {
			bad = append(bad, bridge.AssetAccess{Asset: asset, Roles: k.Roles[:1]})
		}
		for _, access := range bad {
			_, err := b.Invite(t.Context(), []string{"new@example.com"}, bridge.Collaborator, access)
			b.kind(fmt.Sprintf("invite with %s", access), err, connectors.KindRefused)
		}
	}
	_, err := b.Invite(t.Context(), []string{"new@example.com"}, bridge.Collaborator, bridge.AssetAccess{Asset: bridge.Asset{Kind: "no such kind"}, Roles: []string{"ADMIN"}})
	b.kind("invite with access to no kind", err, connectors.KindRefused)
	if n, _ := b.watch.counts(); n != 0 || b.Sent("new@example.com") != 0 {
		t.Errorf("%d requests left", n)
	}
}
