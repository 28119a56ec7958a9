package storagetest

import (
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("members", testMembers) }

func member(hubID, id string) bridge.Member {
	return bridge.Member{
		ID: id, HubID: hubID, Seen: bridge.Seen{
			Kind: bridge.Human, Presence: bridge.Active, PlatformID: "p-" + id, Name: "Ana " + id, Email: id + "@corp.example",
			Role: bridge.Collaborator, Access: bridge.Access{Role: "STANDARD", Tasks: []string{"ADVERTISE"}},
		},
		Ownership: bridge.Foreign, FirstSeen: moment(0), LastSeen: moment(0),
	}
}

func testMembers(t *testing.T, open func(t *testing.T) *storage.DB) {
	t.Run("MembersComeBackAsTheyWereSaved", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		plain := member("one", "m1")
		full := member("one", "m2")
		full.Masked, full.Disputed, full.PersonID = true, true, "ana"
		full.ExpiresAt, full.Applied, full.AppliedAt = moment(9), bridge.Owner, moment(4)
		full.Match = &bridge.Match{Rule: "email", Evidence: "a@b = a@b", PullID: "p", At: moment(2)}
		full.Suggestions = []bridge.Suggestion{{PersonID: "ben", Why: "name", Score: 40}}
		full.Assets = []bridge.MemberAsset{
			{Asset: bridge.Asset{Kind: "ad_account", ID: "1"}, Roles: []string{"ADVERTISE"}, Applied: []string{"ADVERTISE"}, AppliedAt: moment(4), SeenAt: moment(6)},
			{Asset: bridge.Asset{Kind: "finance"}, Roles: []string{"ANALYST"}, SeenAt: moment(6)},
		}
		gone := member("one", "m3")
		gone.Presence, gone.GoneAt = bridge.Gone, moment(5)
		elsewhere := member("two", "m4")
		elsewhere.PersonID = "ana"
		note(t, db, func(tx *storage.Tx) error {
			return tx.PutMembers(t.Context(), []bridge.Member{plain, full, gone, elsewhere})
		})
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Members(t.Context(), "one", true)
			same(t, "all", got, []bridge.Member{plain, full, gone})
			if err != nil {
				return err
			}
			got, err = tx.Members(t.Context(), "one", false)
			same(t, "present", got, []bridge.Member{plain, full})
			if err != nil {
				return err
			}
			got, err = tx.MembersWithAssets(t.Context(), "one")
			same(t, "with assets", got, []bridge.Member{full})
			if err != nil {
				return err
			}
			got, err = tx.MembersOfPerson(t.Context(), "ana")
			same(t, "of a person", got, []bridge.Member{full, elsewhere})
			if err != nil {
				return err
			}
			m, err := tx.Member(t.Context(), "m3")
			same(t, "one", m, gone)
			return err
		})
		// Each column changes by itself.
		full.Role, full.LastSeen, full.Suggestions, full.Match = bridge.Owner, full.LastSeen.Add(time.Microsecond), nil, nil
		full.Assets = full.Assets[:1]
		note(t, db, func(tx *storage.Tx) error { return tx.PutMembers(t.Context(), []bridge.Member{full}) })
		look(t, db, func(tx *storage.Tx) error {
			m, err := tx.Member(t.Context(), "m2")
			same(t, "changed", m, full)
			return err
		})
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { _, err := tx.Member(t.Context(), "m9"); return err })
	})

	t.Run("APlatformAccountIsOneMemberUntilItIsGone", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		first, second := member("one", "m1"), member("one", "m2")
		second.PlatformID = first.PlatformID
		note(t, db, func(tx *storage.Tx) error { return tx.PutMembers(t.Context(), []bridge.Member{first}) })
		refused(t, db, bridge.ErrExists, func(tx *storage.Tx) error { return tx.PutMembers(t.Context(), []bridge.Member{second}) })
		first.Presence, first.GoneAt = bridge.Gone, moment(1)
		elsewhere := second
		elsewhere.ID, elsewhere.HubID = "m3", "two"
		// The one who goes makes room though it is listed last.
		note(t, db, func(tx *storage.Tx) error {
			return tx.PutMembers(t.Context(), []bridge.Member{second, elsewhere, first})
		})
	})

	t.Run("WhatAPlatformSendsNeverStopsAWrite", func(t *testing.T) {
		db := withHubs(t, open, "one")
		m := member("one", "m1")
		m.Name = "An\x00a \xff"
		note(t, db, func(tx *storage.Tx) error { return tx.PutMembers(t.Context(), []bridge.Member{m}) })
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Member(t.Context(), "m1")
			same(t, "name", got.Name, "An\uFFFDa \uFFFD")
			return err
		})
	})
}
