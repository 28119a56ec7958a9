package connectortest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
)

// readOnly asks a connection that may only look for everything a connector can
// do, in random order and with good and bad input. Reads work; of the rest
// nothing leaves, and every refusal says so in the same words.
func readOnly(t *testing.T, h Harness) {
	people := append(crowd(12), invited("waiting@example.com"))
	b := h.startWith(t, people, func(c *connectors.Config) { c.ReadOnly = true })
	before := sorted(b.Truth())
	all, err := b.members()
	if err != nil || len(all) != len(before) {
		t.Fatalf("%d of %d members read: %v", len(all), len(before), err)
	}
	if _, err := b.Check(t.Context()); b.watch.keep(err) != nil {
		t.Fatalf("check: %v", err)
	}
	rng := rand.New(rand.NewPCG(7, uint64(len(before))))
	whom := []connectors.Subject{{}, {Email: "nobody@example.com"}, {PlatformID: "1"}, {Email: "waiting@example.com"}}
	for _, p := range before {
		whom = append(whom, connectors.Subject{PlatformID: p.PlatformID, Email: p.Email, Name: p.Name})
	}
	for _, s := range all {
		whom = append(whom, connectors.Subject{PlatformID: s.PlatformID, InvitationID: s.InvitationID, Email: s.Email})
	}
	roles := []bridge.Role{bridge.Owner, bridge.Collaborator, bridge.NoRole, bridge.OtherRole}
	refused := 0
	for i := range 400 {
		who, role := whom[rng.IntN(len(whom))], roles[rng.IntN(len(roles))]
		var err error
		switch op := rng.IntN(5); {
		case op == 0:
			_, err = b.Invite(t.Context(), []string{fmt.Sprintf("new%d@example.com", i), who.Email}[:1+rng.IntN(2)], role)
		case op == 1:
			_, err = b.Cancel(t.Context(), who)
		case op == 2:
			_, err = b.SetRole(t.Context(), who, role)
		case op == 3:
			_, err = b.Remove(t.Context(), who)
		default:
			err = b.giveOrTake(rng, who)
		}
		e, ok := errors.AsType[*connectors.Error](b.watch.keep(err))
		if !ok {
			t.Fatalf("a change of %+v ended in %v", who, err)
		}
		if e.Reason == bridge.HubReadOnly {
			refused++
			if e.Kind != connectors.KindForbidden {
				t.Errorf("refused as %s: %v", e.Kind, e)
			}
		}
	}
	if refused < 100 {
		t.Errorf("only %d of 400 changes got as far as being refused for it", refused)
	}
	if _, writes := b.watch.counts(); writes != 0 {
		t.Errorf("%d writes reached the platform", writes)
	}
	if after := sorted(b.Truth()); !slices.Equal(before, after) {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
}

// giveOrTake changes access to some asset, where the platform has any.
func (b *bench) giveOrTake(rng *rand.Rand, who connectors.Subject) error {
	assets, ok := b.Connector.(connectors.Assets)
	kinds := b.Traits().Assets
	if !ok || len(kinds) == 0 {
		_, err := b.Remove(b.t.Context(), who)
		return err
	}
	k := kinds[rng.IntN(len(kinds))]
	asset := bridge.Asset{Kind: k.Kind}
	if !k.OfHub {
		asset.ID = "6917610070750527493"
	}
	var err error
	if rng.IntN(2) == 0 && k.Revocable {
		_, err = assets.Unassign(b.t.Context(), who, asset)
	} else {
		_, err = assets.Assign(b.t.Context(), who, bridge.AssetAccess{Asset: asset, Roles: k.Roles[:1]})
	}
	return err
}

// sorted is the truth in one order.
func sorted(all []Person) []Person {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Person) int { return strings.Compare(a.PlatformID+" "+a.Email, b.PlatformID+" "+b.Email) })
	return all
}
