package storagetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/storage"
)

// testWalkByUserName walks the users in the order of their names, a page at a
// time, while the last one shown is renamed: nobody is left out for it.
func testWalkByUserName(t *testing.T, open func(*testing.T) *storage.DB) {
	for _, descending := range []bool{false, true} {
		t.Run(fmt.Sprintf("descending=%t", descending), func(t *testing.T) {
			db := open(t)
			src := Source(t, db, "okta")
			var want []string
			for i := range 20 { // the letter case does not count, and ids are in another order
				n := (i*7 + 3) % 20
				want = append(want, User(t, db, src.ID, fmt.Sprintf([]string{"name%02d", "NAME%02d"}[i%2], n), nil).UserName)
			}
			slices.SortFunc(want, func(a, b string) int { return strings.Compare(bridge.Fold(a), bridge.Fold(b)) })
			if descending {
				slices.Reverse(want)
			}
			q := bridge.Query{SortBy: "userName", Descending: descending, Limit: 3}
			var got []string
			for step := 0; ; step++ {
				var page bridge.Page[bridge.User]
				Read(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
					page, err = tx.Users(ctx, src.ID, q)
					return err
				})
				for _, u := range page.Items {
					got = append(got, u.UserName)
				}
				if !page.More || len(got) > 100 {
					break
				}
				last := page.Items[len(page.Items)-1]
				q.After = last.UserName
				if step < 2 { // to where the walk has been, so that it is not seen again
					Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
						last.UserName, last.Version = fmt.Sprintf("a%d", step), last.Version+1
						if descending {
							last.UserName = fmt.Sprintf("z%d", step)
						}
						return tx.UpdateUser(ctx, last)
					})
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("each user once, in order (-want +got)\n%s", diff)
			}
		})
	}
}
