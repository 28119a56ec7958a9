package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
)

// TestPackedRowsAreTheRows reads members, people and wishes packed and column
// by column: whatever the texts in them, both ways see the same.
func TestPackedRowsAreTheRows(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := Open(ctx, Options{URL: filepath.Join(t.TempDir(), "adbridge.db"), AutoMigrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r := rand.New(rand.NewPCG(1, 2))
	parts := []string{"", "a", `"`, `\`, `\\u0041`, "\n", "\t", "\x01", "\x1f", "\x7f", "é", "ß", "İ", "\u2028", "😀", "{}", `{"role":"x"}`, "[", "]", ",", ":", "null", "/", "<", "0"}
	text := func() string {
		var b strings.Builder
		for range r.IntN(5) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		return b.String()
	}
	texts := func() (out []string) {
		for range r.IntN(3) {
			out = append(out, text())
		}
		return out
	}
	at := func() time.Time {
		if r.IntN(3) == 0 {
			return time.Time{}
		}
		return time.UnixMicro(r.Int64N(1 << 51)).UTC()
	}
	var members []bridge.Member
	var wishes []bridge.Desired
	const hub, source = "hub", "source"
	err = db.Write(ctx, func(tx *Tx) error {
		if err := tx.CreateSource(ctx, bridge.Source{ID: source, Name: "okta", Kind: bridge.Okta}); err != nil {
			return err
		}
		if err := tx.CreateHub(ctx, bridge.Hub{ID: hub, Slug: "eu", Platform: bridge.TikTok, BusinessID: "7", Mode: bridge.ModeFull}, Credentials{}); err != nil {
			return err
		}
		for i := range 300 {
			m := bridge.Member{ID: fmt.Sprintf("%d %s", i, text()), HubID: hub, PersonID: text(), Disputed: r.IntN(2) == 0, Ownership: bridge.Ownership(text()), Applied: bridge.Role(text()),
				AppliedAt: at(), FirstSeen: at(), LastSeen: at(), GoneAt: at(),
				Seen: bridge.Seen{Kind: bridge.MemberKind(text()), Presence: bridge.Active, PlatformID: fmt.Sprint(i), Email: text(), Masked: r.IntN(2) == 0, Name: text(), Role: bridge.Role(text()), ExpiresAt: at(),
					Access: bridge.Access{Role: text(), Finance: text(), Tasks: texts()}}}
			if r.IntN(2) == 0 {
				m.Access = bridge.Access{Role: text()}
			}
			if r.IntN(2) == 0 {
				m.Match = &bridge.Match{Rule: text(), Evidence: text(), By: text(), PullID: text(), At: at()}
			}
			if r.IntN(2) == 0 {
				m.Suggestions = []bridge.Suggestion{{PersonID: text(), Why: text(), Score: r.IntN(100)}}
			}
			members = append(members, m)
			wishes = append(wishes, bridge.Desired{PersonID: m.ID, Role: bridge.Role(text()), Since: at(), Cause: bridge.Code(text()), Why: []bridge.Provenance{{RuleID: text(), GroupName: text()}}})
			u := bridge.User{Person: bridge.Person{ID: m.ID, SourceID: source, ExternalID: fmt.Sprint(i), UserName: fmt.Sprintf("%d%s", i, text()), DisplayName: text(), Emails: texts(), Active: r.IntN(2) == 0, External: r.IntN(2) == 0, DeletedAt: at()},
				Version: 1, CreatedAt: at(), UpdatedAt: at()}
			if err := tx.InsertUser(ctx, u); err != nil {
				return err
			}
		}
		if err := tx.PutDesired(ctx, hub, wishes); err != nil {
			return err
		}
		return tx.PutMembers(ctx, members)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Read(ctx, func(tx *Tx) error {
		same(t, tx, scanMember, memberColumns, `FROM members WHERE hub_id = 'hub' ORDER BY id`, len(members))
		same(t, tx, scanDesired, desiredColumns, `FROM desired WHERE hub_id = 'hub' ORDER BY person_id`, len(wishes))
		same(t, tx, scanPerson, personColumns, `FROM users u ORDER BY id`, len(members))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func same[T any](t *testing.T, tx *Tx, scan func(scanner) (T, error), columns, from string, n int) {
	t.Helper()
	plain, err := collect(context.Background(), tx, scan, `SELECT `+columns+` `+from)
	if err != nil || len(plain) != n {
		t.Fatalf("%d rows of %d: %v", len(plain), n, err)
	}
	packed, err := collectPacked(context.Background(), tx, scan, `SELECT `+tx.d.packed(columns)+` `+from)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain, packed); diff != "" {
		t.Errorf("%T (-by column +packed)\n%s", plain, diff)
	}
}

// TestAPackedRowOfAnotherShapeIsRefused: a column too many or too few is an
// error, not a value in the wrong place.
func TestAPackedRowOfAnotherShapeIsRefused(t *testing.T) {
	t.Parallel()
	var s string
	var n int64
	for _, row := range []string{``, `[]`, `["a"]`, `["a",1,2]`, `["a","b"]`, `[1,"a"]`, `["a",1`, `{"a":1}`, `["a",1.5]`, `["a",null]`} {
		if err := packedRow(row).Scan(&s, &n); err == nil {
			t.Errorf("%s is read as %q, %d", row, s, n)
		}
	}
	if err := packedRow(`["a",1]`).Scan(&s, &n); err != nil || s != "a" || n != 1 {
		t.Error(s, n, err)
	}
}
