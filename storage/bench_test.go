package storage_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// eachBench runs f on a database of each kind.
func eachBench(b *testing.B, f func(b *testing.B, db *storage.DB)) {
	b.Run("sqlite", func(b *testing.B) { f(b, storagetest.Open(b, storagetest.SQLite(b))) })
	b.Run("postgres", func(b *testing.B) {
		url, ok := storagetest.Postgres(b)
		if !ok {
			b.Skip("PostgreSQL is not installed here")
		}
		f(b, storagetest.Open(b, url))
	})
}

var fullUser = map[string]any{
	"displayName": "Ana Lima", "title": "Buyer", "locale": "en-US",
	"name":         map[string]any{"givenName": "Ana", "familyName": "Lima", "formatted": "Ana Lima"},
	"phoneNumbers": []any{map[string]any{"value": "+49 30 1234567", "type": "work"}},
	storagetest.Enterprise: map[string]any{"employeeNumber": "4711", "department": "Media", "costCenter": "12",
		"manager": map[string]any{"value": "0199-manager"}},
}

func benchUser(tx *storage.Tx, sourceID string, i int64) bridge.User {
	m := map[string]any{"externalId": fmt.Sprintf("00u%d", i), "emails": storagetest.Emails(fmt.Sprintf("person%d@corp.example", i))}
	for k, v := range fullUser {
		m[k] = v
	}
	return storagetest.MakeUser(tx, sourceID, fmt.Sprintf("person%d@corp.example", i), m)
}

func must(b *testing.B, err error) {
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkCreateUser is one durable transaction a user, by so many callers at once.
func BenchmarkCreateUser(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			eachBench(b, func(b *testing.B, db *storage.DB) {
				src := storagetest.Source(b, db, "okta")
				var n atomic.Int64
				parallel(b, callers, func(ctx context.Context) {
					must(b, db.Write(ctx, func(tx *storage.Tx) error {
						return tx.InsertUser(ctx, benchUser(tx, src.ID, n.Add(1)))
					}))
				})
			})
		})
	}
}

// parallel shares b.N calls among so many goroutines.
func parallel(b *testing.B, callers int, f func(ctx context.Context)) {
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan struct{})
	b.ResetTimer()
	for range callers {
		go func() {
			for left.Add(-1) >= 0 {
				f(context.Background())
			}
			done <- struct{}{}
		}()
	}
	for range callers {
		<-done
	}
}

// BenchmarkMemberAdd adds one member in a durable transaction to a group of a size.
func BenchmarkMemberAdd(b *testing.B) {
	for _, size := range []int{10, 100_000} {
		for _, callers := range []int{1, 16} {
			b.Run(fmt.Sprintf("size=%d/callers=%d", size, callers), func(b *testing.B) {
				eachBench(b, func(b *testing.B, db *storage.DB) {
					g := bigGroup(b, db, size)
					var n atomic.Int64
					parallel(b, callers, func(ctx context.Context) {
						must(b, db.Write(ctx, func(tx *storage.Tx) error {
							_, _, err := tx.ChangeMembers(ctx, g.ID, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: fmt.Sprintf("late%09d", n.Add(1))}}}})
							return err
						}))
					})
				})
			})
		}
	}
}

func bigGroup(b *testing.B, db *storage.DB, size int) bridge.GroupResource {
	src := storagetest.Source(b, db, "okta")
	g := storagetest.Group(b, db, src.ID, "everyone")
	refs := make([]bridge.MemberRef, size)
	for i := range refs {
		refs[i].Value = fmt.Sprintf("person%09d", i)
	}
	storagetest.Write(b, db, func(ctx context.Context, tx *storage.Tx) error {
		_, _, err := tx.ChangeMembers(ctx, g.ID, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: refs}})
		return err
	})
	return g
}

// BenchmarkThousandMembers adds and removes 1,000 members in one transaction.
func BenchmarkThousandMembers(b *testing.B) {
	eachBench(b, func(b *testing.B, db *storage.DB) {
		g := bigGroup(b, db, 10)
		refs := make([]bridge.MemberRef, 1000)
		for i := range refs {
			refs[i].Value = fmt.Sprintf("more%09d", i)
		}
		for i := 0; b.Loop(); i++ {
			op := []bridge.MemberOp{bridge.AddMembers, bridge.RemoveMembers}[i%2]
			storagetest.Write(b, db, func(ctx context.Context, tx *storage.Tx) error {
				_, _, err := tx.ChangeMembers(ctx, g.ID, []bridge.MemberChange{{Op: op, Refs: refs}})
				return err
			})
		}
	})
}

// BenchmarkReplaceMembers replaces 100,000 members of whom one differs.
func BenchmarkReplaceMembers(b *testing.B) {
	eachBench(b, func(b *testing.B, db *storage.DB) {
		g := bigGroup(b, db, 100_000)
		refs := make([]bridge.MemberRef, 100_000)
		for i := range refs {
			refs[i].Value = fmt.Sprintf("person%09d", i)
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			refs[0].Value = fmt.Sprintf("other%09d", i)
			storagetest.Write(b, db, func(ctx context.Context, tx *storage.Tx) error {
				_, _, err := tx.ChangeMembers(ctx, g.ID, []bridge.MemberChange{{Op: bridge.ReplaceMembers, Refs: refs}})
				return err
			})
		}
	})
}

// BenchmarkRead reads one user among a thousand and among 100,000.
func BenchmarkRead(b *testing.B) {
	for _, size := range []int64{1_000, 100_000} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			eachBench(b, func(b *testing.B, db *storage.DB) {
				src := storagetest.Source(b, db, "okta")
				var ids []string
				for i := int64(0); i < size; i += 1000 {
					storagetest.Write(b, db, func(ctx context.Context, tx *storage.Tx) error {
						for j := range int64(1000) {
							u := benchUser(tx, src.ID, i+j)
							ids = append(ids, u.ID)
							if err := tx.InsertUser(ctx, u); err != nil {
								return err
							}
						}
						return nil
					})
				}
				ctx, i := context.Background(), 0
				next := func() int { i = (i + 7919) % int(size); return i }
				b.Run("get", func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						must(b, db.Read(ctx, func(tx *storage.Tx) error {
							_, err := tx.User(ctx, src.ID, ids[next()])
							return err
						}))
					}
				})
				find := func(filter func(i int) *bridge.Expr) func(b *testing.B) {
					return func(b *testing.B) {
						b.ReportAllocs()
						for b.Loop() {
							must(b, db.Read(ctx, func(tx *storage.Tx) error {
								page, err := tx.Users(ctx, src.ID, bridge.Query{Filter: filter(next()), Limit: 100})
								if err == nil && len(page.Items) != 1 {
									b.Fatalf("%d found", len(page.Items))
								}
								return err
							}))
						}
					}
				}
				eq := func(attr, sub, value string) *bridge.Expr {
					return &bridge.Expr{Op: bridge.OpEq, Path: bridge.AttrPath{Attr: attr, Sub: sub}, Value: value, Multi: sub != "", Complex: sub != "", Type: "string"}
				}
				b.Run("filter=userName", find(func(i int) *bridge.Expr { return eq("userName", "", fmt.Sprintf("Person%d@corp.example", i)) }))
				b.Run("filter=externalId", find(func(i int) *bridge.Expr {
					e := eq("externalId", "", fmt.Sprintf("00u%d", i))
					e.CaseExact = true
					return e
				}))
				b.Run("filter=emails.value", find(func(i int) *bridge.Expr { return eq("emails", "value", fmt.Sprintf("person%d@corp.example", i)) }))
				b.Run("page", func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						must(b, db.Read(ctx, func(tx *storage.Tx) error {
							_, err := tx.Users(ctx, src.ID, bridge.Query{After: ids[next()], Limit: 100})
							return err
						}))
					}
				})
			})
		})
	}
}
