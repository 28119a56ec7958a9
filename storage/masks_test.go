package storage_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestPeopleBehindAMaskAreThoseItFits: whatever the addresses, as e-mail, as
// userName or as alias, the index finds exactly the live people whose address
// the mask may hide.
func TestPeopleBehindAMaskAreThoseItFits(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		sources := []bridge.Source{storagetest.Source(t, db, "okta"), storagetest.Source(t, db, "entra")}
		r := rand.New(rand.NewPCG(3, 4))
		letters := []string{"a", "b", "é", "ß", "1", ".", "@", "İ", "Ä"}
		address := func() string {
			var b strings.Builder
			for range 1 + r.IntN(5) {
				b.WriteString(letters[r.IntN(len(letters))])
			}
			return b.String() + []string{"@x.example", "@Y.example"}[r.IntN(2)]
		}
		live := map[string][]string{} // addresses by person
		storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			for i := range 400 {
				attributes, name := map[string]any{}, fmt.Sprintf("user %d", i)
				addresses := []string{address()}
				if i%3 == 0 {
					name = fmt.Sprint(i) + addresses[0]
					addresses[0] = name
				} else {
					attributes["emails"] = storagetest.Emails(addresses[0])
				}
				u := storagetest.MakeUser(tx, sources[i%2].ID, name, attributes)
				u.Active = i%5 != 0
				gone := i%7 == 0
				if gone {
					u.DeletedAt = tx.Now()
				}
				if err := tx.InsertUser(ctx, u); err != nil {
					return err
				}
				if i%20 == 1 {
					alias := fmt.Sprint(i) + "x" + address()
					addresses = append(addresses, alias)
					if err := tx.AddAlias(ctx, bridge.Alias{ID: tx.NewID(), PersonID: u.ID, Address: alias, By: "eva", Reason: "known"}); err != nil {
						return err
					}
				}
				if !gone {
					live[u.ID] = addresses
				}
			}
			return nil
		})
		found := 0
		storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			masks := map[string]bool{"": true, "nobody": true, "@x.example": true, "***@x.example": true}
			for _, addresses := range live {
				for _, a := range addresses {
					masks[bridge.Mask(a)] = true
				}
			}
			for mask := range masks {
				var want, got []string
				for id, addresses := range live {
					if bridge.MaskKey(mask) != "" && slices.ContainsFunc(addresses, func(a string) bool { return bridge.FitsMask(mask, a) }) {
						want = append(want, id)
					}
				}
				people, err := tx.PeopleBehind(ctx, mask, 1000)
				if err != nil {
					return err
				}
				for _, p := range people {
					got = append(got, p.ID)
				}
				slices.Sort(want)
				slices.Sort(got)
				if !slices.Equal(want, got) {
					t.Errorf("behind %q are %v, want %v", mask, got, want)
				}
				found += len(got)
				if len(want) > 1 {
					few, err := tx.PeopleBehind(ctx, mask, 1)
					if err != nil || len(few) != 1 {
						t.Errorf("behind %q are %d, asked for one: %v", mask, len(few), err)
					}
				}
			}
			return nil
		})
		if found < 200 {
			t.Errorf("only %d people are behind masks", found)
		}
	})
}

// TestWhoIsLikeAMemberGoesByAnIndex: neither a mask nor a name reads the directory.
func TestWhoIsLikeAMemberGoesByAnIndex(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		c := crowdedDirectory{db: db, source: storagetest.Source(t, db, "okta"), other: storagetest.Source(t, db, "entra")}
		c.grow(t, 3000)
		u := storagetest.User(t, db, c.other.ID, "dana", map[string]any{"displayName": "Dana Kowalczyk", "emails": storagetest.Emails("dana@corp.example")})
		for _, known := range []bool{false, true} {
			if known {
				c.analyze(t)
			}
			for index, look := range map[string]func(context.Context, *storage.Tx) ([]bridge.Person, error){
				"_mask (<expr>=?": func(ctx context.Context, tx *storage.Tx) ([]bridge.Person, error) {
					return tx.PeopleBehind(ctx, "d**a@corp.example", 41)
				},
				"users_display_name": func(ctx context.Context, tx *storage.Tx) ([]bridge.Person, error) {
					return tx.PeopleNamed(ctx, "DANA kowalczyk", 41)
				},
			} {
				var plans *[]string
				storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
					plans = tx.Explained()
					people, err := look(ctx, tx)
					if err != nil || len(people) != 1 || people[0].ID != u.ID {
						t.Errorf("%s finds %v: %v", index, people, err)
					}
					return err
				})
				for _, plan := range *plans {
					switch {
					case strings.HasPrefix(plan, "["):
						if p := postgresPlan(t, plan); p.read() > 20 {
							t.Errorf("%v rows are read\n%s", p.read(), p.outline(""))
						}
					case strings.Contains(plan, "SCAN u") || strings.Contains(plan, "SCAN e"):
						t.Errorf("the directory is read whole:\n%s", plan)
					}
				}
				if all := strings.Join(*plans, "\n"); !strings.HasPrefix(all, "[") && !strings.Contains(all, index) {
					t.Errorf("%s is not used:\n%s", index, all)
				}
			}
		}
	})
}
