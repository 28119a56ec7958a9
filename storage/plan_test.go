package storage

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
)

// TestHotFiltersGoByAnIndex asks SQLite how it would answer the filters that
// IdPs send before every change: none may read all users or groups.
func TestHotFiltersGoByAnIndex(t *testing.T) {
	db, err := Open(t.Context(), Options{URL: filepath.Join(t.TempDir(), "adbridge.db"), AutoMigrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	eq := func(attr, sub string) *bridge.Expr {
		return &bridge.Expr{Op: bridge.OpEq, Path: bridge.AttrPath{Attr: attr, Sub: sub}, Value: "x", Multi: sub != "", Complex: sub != "", Type: "string", CaseExact: attr == "id" || attr == "externalId" || attr == "members" || attr == "groups"}
	}
	both := &bridge.Expr{Op: bridge.OpAnd, Left: eq("displayName", ""), Right: eq("members", "value")}
	bracket := &bridge.Expr{Op: bridge.OpValuePath, Path: bridge.AttrPath{Attr: "emails"}, Multi: true, Complex: true,
		Left: &bridge.Expr{Op: bridge.OpAnd, Left: eq("emails", "type"), Right: eq("emails", "value")}}
	for _, c := range []struct {
		name   string
		table  resourceTable
		filter *bridge.Expr
		want   string
	}{
		{"userName", userTable, eq("userName", ""), "users_user_name (source_id=? AND user_name_fold=?)"},
		{"externalId", userTable, eq("externalId", ""), "users_external_id (source_id=? AND external_id=?)"},
		{"displayName", userTable, eq("displayName", ""), "users_display_name (source_id=? AND display_name_fold=?)"},
		{"id", userTable, eq("id", ""), "(id=?)"},
		{"emails.value", userTable, eq("emails", "value"), "user_emails USING PRIMARY KEY (email_fold=?)"},
		{"emails[type and value]", userTable, bracket, "user_emails USING PRIMARY KEY (email_fold=?)"},
		{"groups.value", userTable, eq("groups", "value"), "SEARCH m USING PRIMARY KEY (group_id=?"},
		{"group displayName", groupTable, eq("displayName", ""), "groups_display_name (display_name_fold=? AND source_id=?)"},
		{"group externalId", groupTable, eq("externalId", ""), "groups_external_id (source_id=? AND external_id=?)"},
		{"members.value", groupTable, eq("members", "value"), "memberships_value (value=?)"},
		{"displayName and members.value", groupTable, both, "groups_display_name (display_name_fold=? AND source_id=?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var plan []string
			err := db.Read(t.Context(), func(tx *Tx) error {
				explained := *tx
				explained.run = explainer{tx.run}
				_, err := list(t.Context(), &explained, c.table, func(row scanner) (struct{}, error) {
					var id, parent, unused int64
					var detail string
					err := row.Scan(&id, &parent, &unused, &detail)
					plan = append(plan, detail)
					return struct{}{}, err
				}, "source", bridge.Query{Filter: c.filter, Limit: 100})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(plan, "\n")
			if !strings.Contains(got, c.want) || strings.Contains(got, "SCAN u") || strings.Contains(got, "SCAN g") || strings.Contains(got, "SCAN m") || strings.Contains(got, "walk (source_id=?)") {
				t.Errorf("the plan is\n%s\nwant %s, and no scan", got, c.want)
			}
		})
	}
}

// explainer asks for the plan of a query instead of its rows.
type explainer struct{ runner }

func (e explainer) query(ctx context.Context, query string, args []any) (rows, error) {
	return e.runner.query(ctx, "EXPLAIN QUERY PLAN "+query, args)
}

// TestInstantReadsWhatItShould: points in time as IdPs write them, and none that are not.
func TestInstantReadsWhatItShould(t *testing.T) {
	for s, want := range map[string]string{
		"2024-03-01T10:00:00+02:00":      "2024-03-01T08:00:00Z",
		"2024-03-01t08:00:00z":           "2024-03-01T08:00:00Z",
		"2024-03-01T08:00:00":            "2024-03-01T08:00:00Z",
		"2024-02-29":                     "2024-02-29T00:00:00Z",
		"2024-03-01T08:00:00.123456789Z": "2024-03-01T08:00:00.123456Z",
		"2023-02-29T00:00:00Z":           "", "2024-03-01T24:00:00Z": "", "2024-3-1": "", "x": "", "": "",
	} {
		got := ""
		if at, ok := instant(s); ok {
			got = time.UnixMicro(at).UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func FuzzDocument(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,-2.5e3,true,null,"x\"\u00e4"],"b":{"c":{}}}`, `{"a":`, `[1]`, "{\"a\":\"\x00\"}", `{"a":123456789012345678901}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := decodeDocument(s)
		if err != nil {
			return
		}
		text, err := encodeDocument(m)
		if err != nil {
			return // a NUL
		}
		again, err := decodeDocument(text)
		if err != nil {
			t.Fatalf("%s became %s: %v", s, text, err)
		}
		if twice, err := encodeDocument(again); err != nil || twice != text {
			t.Errorf("%s became %s: %v", text, twice, err)
		}
	})
}
