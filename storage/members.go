package storage

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"adbridge/bridge"
)

var membersTable = table{name: "members", key: 1, cols: []string{
	"id", "hub_id", "kind", "presence", "platform_id", "invitation_id", "email", "masked", "name", "role", "access",
	"expires_at", "person_id", "matched", "disputed", "suggestions", "ownership", "applied", "applied_at",
	"assets", "first_seen", "last_seen", "gone_at",
}}

var memberColumns = strings.Join(membersTable.cols, ", ")

func memberRow(m bridge.Member) []any {
	matched := ""
	if m.Match != nil {
		matched = asJSON(m.Match)
	}
	return []any{
		m.ID, m.HubID, m.Kind, m.Presence, clean(m.PlatformID), clean(m.InvitationID), clean(m.Email), m.Masked, clean(m.Name), clean(string(m.Role)), asJSON(m.Access),
		micros(m.ExpiresAt), m.PersonID, matched, m.Disputed, listJSON(m.Suggestions), m.Ownership, m.Applied, micros(m.AppliedAt),
		listJSON(m.Assets), micros(m.FirstSeen), micros(m.LastSeen), micros(m.GoneAt),
	}
}

func scanMember(row scanner) (m bridge.Member, err error) {
	err = row.Scan(
		&m.ID, &m.HubID, &m.Kind, &m.Presence, &m.PlatformID, &m.InvitationID, &m.Email, &m.Masked, &m.Name, &m.Role, intoJSON(&m.Access),
		intoTime(&m.ExpiresAt), &m.PersonID, intoJSON(&m.Match), &m.Disputed, intoJSON(&m.Suggestions), &m.Ownership, &m.Applied, intoTime(&m.AppliedAt),
		intoJSON(&m.Assets), intoTime(&m.FirstSeen), intoTime(&m.LastSeen), intoTime(&m.GoneAt))
	return m, err
}

// PutMembers saves members, new and changed. One that is stored just so is not
// written again. ErrExists says that another member, not gone, has the platform id.
func (tx *Tx) PutMembers(ctx context.Context, members []bridge.Member) error {
	members = lastOf(members, func(m bridge.Member) string { return m.ID })
	// Those who go make room for those who come back under a new row.
	slices.SortStableFunc(members, func(a, b bridge.Member) int {
		return boolCompare(b.Presence == bridge.Gone, a.Presence == bridge.Gone)
	})
	rows := make([][]any, len(members))
	for i, m := range members {
		rows[i] = memberRow(m)
	}
	_, err := tx.put(ctx, membersTable, rows)
	return taken(err, "save %d members: platform_id", len(members))
}

// Members are everyone on the hub; with includeGone also those who left it.
func (tx *Tx) Members(ctx context.Context, hubID string, includeGone bool) ([]bridge.Member, error) {
	q := `SELECT ` + tx.d.packed(memberColumns) + ` FROM members WHERE hub_id = $1`
	if !includeGone {
		q += ` AND presence <> 'gone'`
	}
	m, err := collectPacked(ctx, tx, scanMember, q, hubID)
	return inOrder(m), named(err, "members of hub %s", hubID)
}

// MembersWithAssets are those of Members of whom anything about an asset is on
// record: mostly few, on a hub of any size.
func (tx *Tx) MembersWithAssets(ctx context.Context, hubID string) ([]bridge.Member, error) {
	m, err := collectPacked(ctx, tx, scanMember, `SELECT `+tx.d.packed(memberColumns)+` FROM members
		WHERE hub_id = $1 AND presence <> 'gone' AND assets <> ''`, hubID)
	return inOrder(m), named(err, "members of hub %s with assets", hubID)
}

// membersSince are everyone on the hub, and those who went after t.
func (tx *Tx) membersSince(ctx context.Context, hubID string, t time.Time) ([]bridge.Member, error) {
	m, err := collectPacked(ctx, tx, scanMember, `SELECT `+tx.d.packed(memberColumns)+` FROM members
		WHERE hub_id = $1 AND (gone_at = 0 OR gone_at >= $2)`, hubID, micros(t))
	return inOrder(m), named(err, "members of hub %s", hubID)
}

// inOrder puts members in the order of their ids, in which they mostly come:
// the database would write all of every row once more to sort them.
func inOrder(m []bridge.Member) []bridge.Member {
	byID := func(a, b bridge.Member) int { return strings.Compare(a.ID, b.ID) }
	if !slices.IsSortedFunc(m, byID) {
		slices.SortFunc(m, byID)
	}
	return m
}

// Member finds a member, gone or not.
func (tx *Tx) Member(ctx context.Context, id string) (bridge.Member, error) {
	m, err := scanMember(tx.row(ctx, `SELECT `+memberColumns+` FROM members WHERE id = $1`, id))
	return m, named(err, "member %s", id)
}

// StoredAs says whether a member is stored as it was read.
func (tx *Tx) StoredAs(ctx context.Context, m bridge.Member) (bool, error) {
	now, err := tx.Member(ctx, m.ID)
	if errors.Is(err, bridge.ErrNotFound) {
		return false, nil
	}
	return err == nil && asJSON(memberRow(now)) == asJSON(memberRow(m)), err
}

// MembersOfPerson are the person's memberships on all hubs, gone ones too.
func (tx *Tx) MembersOfPerson(ctx context.Context, personID string) ([]bridge.Member, error) {
	m, err := collect(ctx, tx, scanMember, `SELECT `+memberColumns+` FROM members
		WHERE person_id = $1 AND person_id <> '' ORDER BY hub_id, id`, personID)
	return m, named(err, "members of person %s", personID)
}

// boolCompare orders false before true.
func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
