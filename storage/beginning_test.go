package storage_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

func sw(attr, v string) *bridge.Expr {
	return &bridge.Expr{Op: bridge.OpSw, Path: bridge.AttrPath{Attr: attr}, Value: v, Type: "string", CaseExact: attr == "externalId"}
}

// TestBothWaysFindTheSameBeginnings finds what begins with a text by the index
// of the text and on a walk, whichever storage thinks better: both find the same.
func TestBothWaysFindTheSameBeginnings(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		src, elsewhere := storagetest.Source(t, db, "okta"), storagetest.Source(t, db, "entra")
		starts := []string{"a", "ab", "abc", "ä", "A", "Ab", "\U0010FFFF", "\U0010FFFFa", "\uD7FF", "\uD7FFb", "\uE000", "ÄB", "z", "é%", "100%_", `\`, " a", "~", "😀", "😀x"}
		for i, s := range starts {
			for _, of := range []bridge.Source{src, elsewhere} {
				storagetest.User(t, db, of.ID, fmt.Sprintf("%s%d", s, i), map[string]any{"displayName": starts[len(starts)-1-i], "externalId": fmt.Sprintf("%s-%d", s, i)})
			}
			storagetest.Group(t, db, src.ID, fmt.Sprintf("%s-g%d", s, i))
		}
		for i, v := range starts {
			for name, filter := range map[string]*bridge.Expr{
				"userName": sw("userName", v), "displayName": sw("displayName", v), "externalId": sw("externalId", v),
				"or":   {Op: bridge.OpOr, Left: sw("userName", v), Right: sw("displayName", v)},
				"and":  both(sw("userName", v), sw("externalId", "a")),
				"not":  {Op: bridge.OpNot, Left: sw("userName", v)},
				"half": {Op: bridge.OpOr, Left: sw("userName", v), Right: eq("title", "", "x")},
			} {
				var want []string
				storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
					page, err := tx.Users(ctx, src.ID, bridge.Query{Limit: 1000})
					for _, u := range page.Items {
						if storagetest.Evaluate(filter, u.Attributes) {
							want = append(want, u.ID)
						}
					}
					return err
				})
				for _, few := range []int{0, 3, 1000} {
					storage.FewMatches(t, few)
					storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
						var got []string
						q := bridge.Query{Filter: filter, Limit: 3, Total: true}
						for {
							page, err := tx.StoredUsers(ctx, src.ID, q)
							for _, u := range page.Items {
								got = append(got, u.ID)
							}
							if page.Total != len(want) && q.Total {
								t.Errorf("%s begins with %q, few are %d: total %d, want %d", name, v, few, page.Total, len(want))
							}
							if err != nil || !page.More {
								if diff := cmp.Diff(want, got); diff != "" {
									t.Errorf("%s begins with %q, few are %d (-want +got)\n%s", name, v, few, diff)
								}
								return err
							}
							q.After, q.Total = got[len(got)-1], false
						}
					})
				}
			}
			storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
				page, err := tx.Groups(ctx, src.ID, bridge.Query{Filter: sw("displayName", v), Limit: 100})
				if !slices.ContainsFunc(page.Items, func(g bridge.GroupResource) bool { return g.DisplayName == fmt.Sprintf("%s-g%d", v, i) }) {
					t.Errorf("the group that begins with %q is not found", v)
				}
				return err
			})
		}
	})
}

// TestWhatBeginsSoIsARange: a text begins with another if and only if it comes
// not before it, in the order of bytes, and before what is behind it.
func TestWhatBeginsSoIsARange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		letter := rapid.SampledFrom([]rune{0, 'a', 'b', 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10fffe, 0x10ffff})
		s := string(rapid.SliceOfN(letter, 1, 3).Draw(t, "beginning"))
		text := string(rapid.SliceOfN(letter, 0, 5).Draw(t, "text"))
		end := storage.Behind(s)
		if in := text >= s && (end == "" || text < end); in != strings.HasPrefix(text, s) {
			t.Fatalf("%q begins with %q: %t, in the range up to %q: %t", text, s, !in, end, in)
		}
	})
}

// TestPeopleAreFoundByHowTheyBeginInTheOrderOfTheirNames: nobody who begins
// otherwise is read, and nobody is sorted, so that a page of a million who all
// begin so costs what it shows.
func TestPeopleAreFoundByHowTheyBeginInTheOrderOfTheirNames(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		src, elsewhere := storagetest.Source(t, db, "okta"), storagetest.Source(t, db, "entra")
		for _, name := range []string{"Ben", "anna", "Ana", "an", "zoe"} {
			storagetest.User(t, db, src.ID, name+"@corp.example", map[string]any{"displayName": "An " + name})
			storagetest.User(t, db, elsewhere.ID, name+"@corp.example", nil)
		}
		find := func(text string, limit int) (names, plans []string) {
			storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
				noted := tx.Explained()
				people, err := tx.Beginning(ctx, src.ID, text, limit)
				for _, x := range people {
					names = append(names, strings.TrimSuffix(x.UserName, "@corp.example"))
				}
				plans = *noted
				return err
			})
			return names, plans
		}
		for _, ask := range []struct {
			text  string
			limit int
			want  []string
		}{
			{"AN", 10, []string{"an", "Ana", "anna", "Ben", "zoe"}}, // userNames first
			{"an", 2, []string{"an", "Ana"}},
			{"zo", 10, []string{"zoe"}},
			{"an z", 10, []string{"zoe"}},
			{"x", 10, nil},
		} {
			got, plans := find(ask.text, ask.limit)
			if d := cmp.Diff(ask.want, got); d != "" {
				t.Errorf("%q (-want +got):\n%s", ask.text, d)
			}
			all := strings.Join(plans, "\n")
			if !strings.HasPrefix(plans[0], "[") && (!strings.Contains(all, "users_user_name (source_id=? AND user_name_fold>? AND user_name_fold<?)") ||
				!strings.Contains(all, "users_display_name (source_id=? AND display_name_fold>?") || strings.Contains(all, "TEMP B-TREE")) {
				t.Errorf("the plans are\n%s", all)
			}
		}
	})
}
