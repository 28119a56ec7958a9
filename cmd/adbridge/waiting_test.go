package main

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestAMembershipThatAKilledServerLeftWaitingIsBoundAtTheNextStart: the person
// and the group that names them by externalId are there, and neither looks again.
func TestAMembershipThatAKilledServerLeftWaitingIsBoundAtTheNextStart(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		s, _, err := reconcile.AddSource(t.Context(), db, bridge.Source{Name: "main", Kind: bridge.Entra}, "first", "test")
		if err != nil {
			t.Fatal(err)
		}
		d, call := reconcile.Directory{DB: db}, bridge.Call{Source: s}
		ana, err := d.CreateUser(t.Context(), call, bridge.User{Person: bridge.Person{UserName: "ana", ExternalID: "ext-a", Active: true}})
		if err != nil {
			t.Fatal(err)
		}
		ads, err := d.CreateGroup(t.Context(), call, bridge.GroupResource{Group: bridge.Group{DisplayName: "Ads"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Write(t.Context(), func(tx *storage.Tx) error {
			_, _, err := tx.ChangeMembers(t.Context(), ads.ID, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: "ext-a"}}}})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); bindWaiting(ctx, db, zerolog.New(zerolog.NewTestWriter(t))) }()
		defer func() { stop(); <-ended }()
		for until := time.Now().Add(20 * time.Second); ; {
			u, err := d.User(t.Context(), call, ana.ID, true)
			if err != nil {
				t.Fatal(err)
			}
			if len(u.Groups) == 1 && u.Groups[0].Value == ads.ID {
				return
			}
			if time.Now().After(until) {
				t.Fatalf("ana is in %+v", u.Groups)
			}
			select {
			case <-ended:
				t.Fatal("the look ended")
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
}
