package storage

import (
	"context"
	"slices"
	"strings"

	"adbridge/bridge"
)

var invitationsTable = table{name: "invitations", key: 1, cols: []string{
	"id", "hub_id", "person_id", "email", "email_fold", "role", "state", "attempt", "platform_id", "member_id",
	"sent_at", "seen_at", "ended_at", "expires_at", "next_try",
}}

var invitationColumns = strings.Join(invitationsTable.cols, ", ")

func invitationRow(i bridge.Invitation) []any {
	return []any{
		i.ID, i.HubID, i.PersonID, i.Email, bridge.FoldEmail(i.Email), i.Role, i.State, i.Attempt, i.PlatformID, i.MemberID,
		micros(i.SentAt), micros(i.SeenAt), micros(i.EndedAt), micros(i.ExpiresAt), micros(i.NextTry),
	}
}

func scanInvitation(row scanner) (i bridge.Invitation, err error) {
	var fold string
	err = row.Scan(
		&i.ID, &i.HubID, &i.PersonID, &i.Email, &fold, &i.Role, &i.State, &i.Attempt, &i.PlatformID, &i.MemberID,
		intoTime(&i.SentAt), intoTime(&i.SeenAt), intoTime(&i.EndedAt), intoTime(&i.ExpiresAt), intoTime(&i.NextTry))
	return i, err
}

// PutInvitations saves invitations, new and changed. ErrExists says that one
// to the same address is still open on the hub: nobody is invited twice.
func (tx *Tx) PutInvitations(ctx context.Context, invitations []bridge.Invitation) error {
	invitations = lastOf(invitations, func(i bridge.Invitation) string { return i.ID })
	// Those that end make room for those that take their place.
	slices.SortStableFunc(invitations, func(a, b bridge.Invitation) int {
		return boolCompare(a.State.Open(), b.State.Open())
	})
	rows := make([][]any, len(invitations))
	for n, i := range invitations {
		rows[n] = invitationRow(i)
	}
	_, err := tx.put(ctx, invitationsTable, rows)
	return taken(err, "save %d invitations: an open invitation to the address", len(invitations))
}

// Invitations are all that were ever sent for the hub, oldest first.
func (tx *Tx) Invitations(ctx context.Context, hubID string) ([]bridge.Invitation, error) {
	list, err := collect(ctx, tx, scanInvitation, `SELECT `+invitationColumns+` FROM invitations
		WHERE hub_id = $1 ORDER BY sent_at, id`, hubID)
	return list, named(err, "invitations of hub %s", hubID)
}

// Invitation finds an invitation.
func (tx *Tx) Invitation(ctx context.Context, id string) (bridge.Invitation, error) {
	i, err := scanInvitation(tx.row(ctx, `SELECT `+invitationColumns+` FROM invitations WHERE id = $1`, id))
	return i, named(err, "invitation %s", id)
}

// InvitationsOfPerson are all that were ever sent to the person, on all hubs.
func (tx *Tx) InvitationsOfPerson(ctx context.Context, personID string) ([]bridge.Invitation, error) {
	list, err := collect(ctx, tx, scanInvitation, `SELECT `+invitationColumns+` FROM invitations
		WHERE person_id = $1 ORDER BY sent_at, id`, personID)
	return list, named(err, "invitations of person %s", personID)
}
