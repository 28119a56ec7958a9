package storagetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
)

// Write runs fn and ends the test on an error.
func Write(tb testing.TB, db *storage.DB, fn func(ctx context.Context, tx *storage.Tx) error) {
	tb.Helper()
	ctx := context.Background()
	if err := db.Write(ctx, func(tx *storage.Tx) error { return fn(ctx, tx) }); err != nil {
		tb.Fatal(err)
	}
}

// SavePlan makes a plan the hub's current one, in one transaction.
func SavePlan(ctx context.Context, tx *storage.Tx, p bridge.Plan) (changed bool, err error) {
	c, err := tx.ComparePlan(ctx, p)
	if err != nil {
		return false, err
	}
	return tx.WritePlan(ctx, c)
}

// Read runs fn and ends the test on an error.
func Read(tb testing.TB, db *storage.DB, fn func(ctx context.Context, tx *storage.Tx) error) {
	tb.Helper()
	ctx := context.Background()
	if err := db.Read(ctx, func(tx *storage.Tx) error { return fn(ctx, tx) }); err != nil {
		tb.Fatal(err)
	}
}

// Source makes a source.
func Source(tb testing.TB, db *storage.DB, name string) bridge.Source {
	tb.Helper()
	var s bridge.Source
	Write(tb, db, func(ctx context.Context, tx *storage.Tx) error {
		s = bridge.Source{ID: tx.NewID(), Name: name, Kind: bridge.Okta, Domains: []string{"corp.example"}, CreatedAt: tx.Now()}
		return tx.CreateSource(ctx, s)
	})
	return s
}

// MakeUser is a user as scim hands it over: the columns agree with the attributes.
func MakeUser(tx *storage.Tx, sourceID, userName string, attributes map[string]any) bridge.User {
	u := bridge.User{Version: 1, CreatedAt: tx.Now(), UpdatedAt: tx.Now(), Attributes: map[string]any{"userName": userName, "active": true}}
	for k, v := range attributes {
		u.Attributes[k] = v
	}
	u.ID, u.SourceID, u.UserName = tx.NewID(), sourceID, userName
	u.ExternalID, _ = u.Attributes["externalId"].(string)
	u.DisplayName, _ = u.Attributes["displayName"].(string)
	u.Active, _ = u.Attributes["active"].(bool)
	list, _ := u.Attributes["emails"].([]any)
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			if v, ok := m["value"].(string); ok {
				u.Emails = append(u.Emails, v)
			}
		}
	}
	return u
}

// User makes a user with these attributes.
func User(tb testing.TB, db *storage.DB, sourceID, userName string, attributes map[string]any) bridge.User {
	tb.Helper()
	var u bridge.User
	Write(tb, db, func(ctx context.Context, tx *storage.Tx) error {
		u = MakeUser(tx, sourceID, userName, attributes)
		return tx.InsertUser(ctx, u)
	})
	return u
}

// Group makes a group with these members.
func Group(tb testing.TB, db *storage.DB, sourceID, displayName string, members ...string) bridge.GroupResource {
	tb.Helper()
	var g bridge.GroupResource
	Write(tb, db, func(ctx context.Context, tx *storage.Tx) error {
		g = bridge.GroupResource{Version: 1, CreatedAt: tx.Now(), UpdatedAt: tx.Now(), Attributes: map[string]any{"displayName": displayName}}
		g.ID, g.SourceID, g.DisplayName = tx.NewID(), sourceID, displayName
		if err := tx.InsertGroup(ctx, g); err != nil {
			return err
		}
		_, _, err := tx.ChangeMembers(ctx, g.ID, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: refs(members...)}})
		return err
	})
	return g
}

func refs(ids ...string) []bridge.MemberRef {
	var out []bridge.MemberRef
	for _, id := range ids {
		out = append(out, bridge.MemberRef{Value: id})
	}
	return out
}

// Emails is the emails attribute with these addresses, the first of them primary.
func Emails(addresses ...string) []any {
	var out []any
	for i, a := range addresses {
		e := map[string]any{"value": a, "type": "work"}
		if i == 0 {
			e["primary"] = true
		}
		out = append(out, e)
	}
	return out
}

// assets reads access as people write it, and knows of no platform.
func assets(texts ...string) []bridge.AssetAccess {
	var out []bridge.AssetAccess
	for _, text := range texts {
		name, roles, _ := strings.Cut(text, "=")
		var a bridge.AssetAccess
		a.Kind, a.ID, _ = strings.Cut(name, ":")
		if roles != "" {
			a.Roles = strings.Split(roles, "+")
		}
		out = append(out, a)
	}
	return out
}

func names(n int, format string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return out
}
