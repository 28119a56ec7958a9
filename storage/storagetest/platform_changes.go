package storagetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("platform changes", testPlatformChanges) }

func testPlatformChanges(t *testing.T, open func(t *testing.T) *storage.DB) {
	line := func(n int) bridge.PlatformChange {
		return bridge.PlatformChange{HubID: "h1", At: moment(n), Kind: "USER", ActorID: "77", ActorName: "Dana", MemberID: "m", PersonID: "p", Text: "removed Ana",
			Asset: bridge.Asset{Kind: "ad_account", ID: "1"}}
	}
	hubs := func(t *testing.T) *storage.DB {
		db := open(t)
		for _, id := range []string{"h1", "h2"} {
			note(t, db, func(tx *storage.Tx) error { return tx.CreateHub(t.Context(), hub(id), storage.Credentials{}) })
		}
		return db
	}
	t.Run("EachLineIsTakenInOnce", func(t *testing.T) {
		db := hubs(t)
		add := func(changes ...bridge.PlatformChange) (fresh []bridge.PlatformChange) {
			note(t, db, func(tx *storage.Tx) (err error) {
				fresh, err = tx.AddPlatformChanges(t.Context(), changes...)
				return err
			})
			return fresh
		}
		first := add(line(1), line(2), line(2))
		if len(first) != 2 || first[0].ID == "" || first[0].TakenAt.IsZero() {
			t.Fatalf("%+v", first)
		}
		renamed := line(1)
		renamed.ActorName, renamed.MemberID = "Dana W.", ""
		elsewhere := line(1)
		elsewhere.HubID = "h2"
		if again := add(line(2), renamed, line(3), elsewhere); len(again) != 2 || !again[0].At.Equal(moment(3)) || again[1].HubID != "h2" {
			t.Fatalf("%+v", again)
		}
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.PlatformChanges(t.Context(), storage.PlatformChangeFilter{HubID: "h1"})
			if err != nil || len(got) != 3 {
				t.Fatalf("%+v %v", got, err)
			}
			want := line(1)
			want.ID, want.TakenAt = first[0].ID, first[0].TakenAt
			if d := cmp.Diff(want, got[2]); d != "" { // newest first
				t.Error(d)
			}
			for _, x := range []struct {
				f    storage.PlatformChangeFilter
				want int
			}{{storage.PlatformChangeFilter{HubID: "h1", Since: moment(2)}, 2}, {storage.PlatformChangeFilter{HubID: "h1", Until: moment(2)}, 2},
				{storage.PlatformChangeFilter{HubID: "h1", Since: moment(2), Until: moment(2)}, 1}, {storage.PlatformChangeFilter{}, 4}, {storage.PlatformChangeFilter{Limit: 2}, 2}} {
				if got, err := tx.PlatformChanges(t.Context(), x.f); err != nil || len(got) != x.want {
					t.Errorf("%+v: %d lines, %v", x.f, len(got), err)
				}
			}
			return nil
		})
		purge := func(most int) (n int) {
			note(t, db, func(tx *storage.Tx) (err error) {
				n, err = tx.PurgePlatformChanges(t.Context(), moment(3), most)
				return err
			})
			return n
		}
		if n := purge(2); n != 2 {
			t.Errorf("purged %d", n)
		}
		if n, m := purge(2), purge(2); n != 1 || m != 0 {
			t.Errorf("purged %d, then %d", n, m)
		}
	})
	t.Run("HowFarItWasReadIsKept", func(t *testing.T) {
		db := hubs(t)
		want := bridge.LogReading{HubID: "h1", TriedAt: moment(5), ReadTo: moment(4), Added: 3, Missed: []string{"ad_account:1"}, Error: "no", Reason: bridge.PlatformLogUnread, RetryAt: moment(9)}
		note(t, db, func(tx *storage.Tx) error {
			return tx.SaveLogReading(t.Context(), bridge.LogReading{HubID: "h1", TriedAt: moment(1)})
		})
		note(t, db, func(tx *storage.Tx) error { return tx.SaveLogReading(t.Context(), want) })
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.LogReading(t.Context(), "h1")
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Error(d, err)
			}
			none, err := tx.LogReading(t.Context(), "h2")
			if d := cmp.Diff(bridge.LogReading{HubID: "h2"}, none); d != "" || err != nil {
				t.Error(d, err)
			}
			return nil
		})
	})
	t.Run("ALogIsDueAfterAPullAndReadByOne", func(t *testing.T) {
		db := hubs(t)
		ctx := context.Background()
		due := func(lag time.Duration) (ids []string) {
			look(t, db, func(tx *storage.Tx) error {
				list, err := tx.LogReadingsDue(ctx, lag)
				for _, r := range list {
					ids = append(ids, r.HubID)
				}
				return err
			})
			return ids
		}
		claim := func(tried time.Time) (ok bool) {
			note(t, db, func(tx *storage.Tx) (err error) {
				ok, err = tx.ClaimLogReading(ctx, bridge.LogReading{HubID: "h1", TriedAt: tried}, time.Hour)
				return err
			})
			return ok
		}
		save := func(r bridge.LogReading) {
			r.HubID = "h1"
			note(t, db, func(tx *storage.Tx) error { return tx.SaveLogReading(ctx, r) })
		}
		pull := func(id string, complete bool) (ended time.Time) {
			note(t, db, func(tx *storage.Tx) error {
				ended = tx.Now()
				p := bridge.Pull{ID: id, HubID: "h1", StartedAt: tx.Now().Add(-time.Minute), Complete: complete}
				if err := tx.StartPull(ctx, p); err != nil {
					return err
				}
				p.EndedAt = ended
				return tx.EndPull(ctx, p)
			})
			return ended
		}
		if ids := due(0); len(ids) != 0 {
			t.Fatalf("due before any pull: %v", ids)
		}
		if pull("p1", false); len(due(0)) != 0 {
			t.Error("due after a pull that broke off")
		}
		ended := pull("p2", true)
		if ids := due(0); !slices.Equal(ids, []string{"h1"}) || len(due(time.Hour)) != 0 {
			t.Errorf("due after a pull: %v, and at once: %v", ids, due(time.Hour))
		}
		if !claim(time.Time{}) || claim(time.Time{}) || len(due(0)) != 0 {
			t.Error("two read it at once")
		}
		if save(bridge.LogReading{TriedAt: ended.Add(time.Second)}); claim(time.Time{}) || len(due(0)) != 0 {
			t.Error("it is read again after the same pull")
		}
		save(bridge.LogReading{TriedAt: ended.Add(time.Second), RetryAt: ended.Add(-time.Second)})
		if ids := due(0); len(ids) != 1 {
			t.Errorf("a reading to try again is due: %v", ids)
		}
		save(bridge.LogReading{TriedAt: ended.Add(time.Second), RetryAt: ended.Add(time.Hour)})
		if ids := due(0); len(ids) != 0 {
			t.Errorf("it is tried again too soon: %v", ids)
		}
		save(bridge.LogReading{TriedAt: ended.Add(-time.Second)})
		if ids := due(0); len(ids) != 1 {
			t.Errorf("a pull has ended since: %v", ids)
		}
	})
}
