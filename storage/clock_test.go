package storage_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// Were each server to go by its machine's clock, the one that is ahead would
// take the lane from the other while its call is under way.
func TestServersWhoseClocksAreApartDoNotTakeEachOthersLanes(t *testing.T) {
	url, ok := storagetest.Postgres(t)
	if !ok {
		t.Skip("PostgreSQL is not installed here")
	}
	var said bytes.Buffer
	server := func(ahead time.Duration) *storage.DB {
		return storagetest.Open(t, url, func(o *storage.Options) {
			o.Machine = func() time.Time { return time.Now().Add(ahead) }
			o.Log = zerolog.New(&said)
		})
	}
	late, right, early := server(-10*time.Minute), server(0), server(10*time.Minute)
	if strings.Count(said.String(), "set the clock") != 2 {
		t.Errorf("of three machines the clocks of two are wrong; the log says\n%s", &said)
	}
	for _, db := range []*storage.DB{late, right, early} {
		if off := time.Since(db.Now()).Abs(); off > 2*time.Second {
			t.Errorf("a server goes by a time that is %s off PostgreSQL's", off)
		}
	}
	hub := bridge.Hub{ID: "one", Slug: "one", Platform: bridge.TikTok, BusinessID: "1", Mode: bridge.ModeObserve}
	if err := late.Write(t.Context(), func(tx *storage.Tx) error {
		return tx.CreateHub(t.Context(), hub, storage.Credentials{Token: bridge.NewSecret("t")})
	}); err != nil {
		t.Fatal(err)
	}
	take := func(db *storage.DB, name string) (l storage.Lease, ok bool) {
		t.Helper()
		err := db.Write(t.Context(), func(tx *storage.Tx) (err error) {
			l, ok, err = tx.AcquireLane(t.Context(), hub.ID, name, time.Minute)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return l, ok
	}
	lease, ok := take(late, "late")
	if !ok {
		t.Fatal("a free lane was not given")
	}
	for name, db := range map[string]*storage.DB{"right": right, "early": early} {
		if l, ok := take(db, name); ok {
			t.Errorf("%s took a lane that is held until %s", name, l.Until)
		}
	}
	if err := late.Write(t.Context(), func(tx *storage.Tx) error { return tx.CheckLane(t.Context(), lease) }); err != nil {
		t.Errorf("the holder may not write: %v", err)
	}
}
