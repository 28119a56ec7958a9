package main

import (
	"crypto/rand"
	"encoding/hex"
	"testing"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage/storagetest"
)

// TestAStoredLeaverIsLetGoHoweverLongTheirNameIs: on databases that have values
// from a time when they were not refused for their length.
func TestAStoredLeaverIsLetGoHoweverLongTheirNameIs(t *testing.T) {
	for name, open := range map[string]func() (string, bool){
		"sqlite":   func() (string, bool) { return "", true },
		"postgres": func() (string, bool) { return storagetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			url, ok := open()
			if !ok {
				t.Skip("PostgreSQL is not installed here")
			}
			r := newRig(t, url)
			b := make([]byte, 900)
			rand.Read(b)
			long := hex.EncodeToString(b)
			d, call := reconcile.Directory{DB: r.app.DB}, bridge.Call{Source: r.source}
			for userName, send := range map[string]func(id string) ask{
				"put": func(id string) ask {
					return ask{"PUT", "/Users/" + id, `{"userName":"put","externalId":"` + long + `","displayName":"` + long + `","emails":[{"value":"` + long + `"}],"active":false}`}
				},
				"patch": func(id string) ask {
					return ask{"PATCH", "/Users/" + id, patchOf(`{"op":"replace","value":{"displayName":"y` + long + long + `","active":false}}`)}
				},
			} {
				u, err := d.CreateUser(t.Context(), call, bridge.User{Person: bridge.Person{UserName: userName, ExternalID: long, DisplayName: long, Emails: []string{long}, Active: true},
					Attributes: map[string]any{"userName": userName, "externalId": long, "displayName": long, "emails": []any{map[string]any{"value": long}}, "active": true}})
				if err != nil {
					t.Fatal(err)
				}
				r.direct(send(u.ID))
				kept, err := d.User(t.Context(), call, u.ID, false)
				if err != nil {
					t.Fatal(err)
				}
				users, err := d.Users(t.Context(), call, bridge.Query{Limit: 10, Filter: &bridge.Expr{Op: bridge.OpEq, Path: bridge.AttrPath{Attr: "active"}, Value: true}})
				if err != nil || len(users.Items) != 0 || kept.Version != 2 {
					t.Errorf("%s: %d are active, version %d (%v)", userName, len(users.Items), kept.Version, err)
				}
			}
		})
	}
}
