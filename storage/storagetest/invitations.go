package storagetest

import (
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("invitations", testInvitations) }

func invitation(hubID, id, person, email string) bridge.Invitation {
	return bridge.Invitation{
		ID: id, HubID: hubID, PersonID: person, Email: email, Role: bridge.Collaborator,
		State: bridge.InvitationSent, Attempt: 1, SentAt: moment(0),
	}
}

func testInvitations(t *testing.T, open func(t *testing.T) *storage.DB) {
	t.Run("InvitationsComeBackAsTheyWereSaved", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		a := invitation("one", "i1", "ana", "Ana@corp.example")
		b := invitation("two", "i2", "ana", "ana@corp.example")
		b.PlatformID, b.MemberID, b.SentAt, b.SeenAt = "rr1", "m1", moment(1), moment(2)
		b.EndedAt, b.ExpiresAt, b.NextTry, b.State = moment(3), moment(4), moment(5), bridge.InvitationExpired
		note(t, db, func(tx *storage.Tx) error { return tx.PutInvitations(t.Context(), []bridge.Invitation{a, b}) })
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.InvitationsOfPerson(t.Context(), "ana")
			same(t, "of the person", got, []bridge.Invitation{a, b})
			if err != nil {
				return err
			}
			got, err = tx.Invitations(t.Context(), "two")
			same(t, "of the hub", got, []bridge.Invitation{b})
			return err
		})
		a.State, a.SeenAt = bridge.InvitationPending, moment(7)
		note(t, db, func(tx *storage.Tx) error { return tx.PutInvitations(t.Context(), []bridge.Invitation{a}) })
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Invitation(t.Context(), "i1")
			same(t, "changed", got, a)
			return err
		})
	})

	t.Run("NobodyIsInvitedTwiceAtOnce", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		first := invitation("one", "i1", "ana", "Ana@corp.example")
		second := invitation("one", "i2", "ana", " ana@CORP.example")
		note(t, db, func(tx *storage.Tx) error { return tx.PutInvitations(t.Context(), []bridge.Invitation{first}) })
		refused(t, db, bridge.ErrExists, func(tx *storage.Tx) error {
			return tx.PutInvitations(t.Context(), []bridge.Invitation{second})
		})
		first.State, first.EndedAt = bridge.InvitationCancelled, moment(1)
		note(t, db, func(tx *storage.Tx) error {
			return tx.PutInvitations(t.Context(), []bridge.Invitation{second, first, invitation("two", "i3", "ana", "ana@corp.example")})
		})
	})
}
