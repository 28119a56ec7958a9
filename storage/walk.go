package storage

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"adbridge/bridge"
)

// What a pull compares with its listing is walked over and not kept: see
// bridge.Sift. While one of these walks, no other statement may be run.

// Few is a Snapshot of only what there is little of on any hub: the hub, the
// sources, decisions, and of the tasks those whose effect a pull may show.
func (tx *Tx) Few(ctx context.Context, hubID string) (w bridge.World, err error) {
	w.Now = tx.Now()
	if w.Hub, err = tx.Hub(ctx, hubID); err != nil {
		return w, err
	}
	if w.Sources, err = tx.Sources(ctx); err != nil {
		return w, err
	}
	if w.Decisions, err = tx.standingDecisions(ctx, hubID); err != nil {
		return w, err
	}
	w.Open, err = tx.tasksIn(ctx, hubID, `('running', 'accepted')`)
	return w, err
}

// EachMember walks over the members of a Snapshot.
func (tx *Tx) EachMember(ctx context.Context, hubID string, each func(bridge.Member)) error {
	err := eachPacked(ctx, tx, scanMember, each, `SELECT `+tx.d.packed(memberColumns)+` FROM members
		WHERE hub_id = $1 AND (gone_at = 0 OR gone_at >= $2)`, hubID, micros(tx.Now().Add(-goneFor)))
	return named(err, "members of hub %s", hubID)
}

// EachInvitation walks over all that were ever sent for the hub.
func (tx *Tx) EachInvitation(ctx context.Context, hubID string, each func(bridge.Invitation)) error {
	err := eachPacked(ctx, tx, scanInvitation, each, `SELECT `+tx.d.packed(invitationColumns)+` FROM invitations WHERE hub_id = $1`, hubID)
	return named(err, "invitations of hub %s", hubID)
}

// EachThere walks over the platform's ids of everyone who was on the hub when it
// was read last.
func (tx *Tx) EachThere(ctx context.Context, hubID string, each func(platformID string)) error {
	err := eachPacked(ctx, tx, scanText, each, `SELECT `+tx.d.packed("platform_id")+` FROM members
		WHERE hub_id = $1 AND platform_id <> '' AND presence = 'active'`, hubID)
	return named(err, "who was on hub %s", hubID)
}

// EachPerson walks over the people of a Snapshot, but for those whom only a
// suggestion names.
func (tx *Tx) EachPerson(ctx context.Context, hubID string, each func(bridge.Person)) error {
	rules, err := tx.Rules(ctx, hubID)
	if err != nil {
		return err
	}
	groups, err := tx.groupsNamedBy(ctx, rules)
	if err != nil {
		return err
	}
	within, err := tx.groupsWithin(ctx, groups)
	if err != nil {
		return err
	}
	aliases, err := tx.Aliases(ctx)
	if err != nil {
		return err
	}
	of := map[string][]string{}
	for _, a := range aliases {
		of[a.PersonID] = append(of[a.PersonID], a.Address)
	}
	err = eachPacked(ctx, tx, scanPerson, func(p bridge.Person) {
		p.Aliases = slices.Clone(of[p.ID])
		each(p)
	}, `SELECT `+tx.d.packed(personColumns)+` FROM users u WHERE u.id `+tx.d.asArray(`(
		SELECT m.value AS id FROM memberships m WHERE m.kind <> 'Group' AND m.group_id `+tx.d.in("$2")+`
		UNION SELECT n.person_id AS id FROM members n WHERE n.hub_id = $1 AND (n.gone_at = 0 OR n.gone_at >= $3)
		UNION SELECT w.person_id AS id FROM desired w WHERE w.hub_id = $1
		UNION SELECT d.person_id AS id FROM decisions d WHERE d.hub_id = $1 AND d.undone_at = 0 AND (d.until = 0 OR d.until > $4 OR d.kind = 'exempt')
		UNION SELECT t.person_id AS id FROM tasks t WHERE t.hub_id = $1 AND t.state IN `+openStates+`
		UNION SELECT i.person_id AS id FROM invitations i WHERE i.hub_id = $1 AND i.state IN ('sent', 'pending'))`),
		hubID, jsonList(slices.Sorted(maps.Keys(within))), micros(tx.Now().Add(-goneFor)), micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("people of hub %s: %w", hubID, err)
	}
	return nil
}
