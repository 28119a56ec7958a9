package storage_test

import (
	"context"
	"fmt"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestReportsOfBeforeAreReadAsEver: those that were packed as one.
func TestReportsOfBeforeAreReadAsEver(t *testing.T) {
	db := storagetest.Open(t, storagetest.MigratedSQLite(t))
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		return tx.CreateHub(ctx, bridge.Hub{ID: "h", Slug: "h", Platform: bridge.TikTok, BusinessID: "1", Mode: bridge.ModeFull}, storage.Credentials{})
	})
	for _, size := range []int{0, 1, 150} {
		r := bridge.Report{ID: fmt.Sprint("r", size), HubID: "h"}
		for i := range size {
			v := bridge.Verdicts[i%len(bridge.Verdicts)]
			r.Rows = append(r.Rows, bridge.Row{Key: fmt.Sprint(i), Name: "n", Verdict: bridge.Fine, Assets: []bridge.AssetStep{{Key: "s", Verdict: v}}})
		}
		p, err := storage.PackAsBefore(r)
		if err != nil {
			t.Fatal(err)
		}
		storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.SavePacked(ctx, r.ID, p) })
		storagetest.ReportPages(t, db, r)
	}
}
