package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/storage"
)

// longList is a Business Center of n members and nothing else, which takes no
// memory of its own.
func longList(n int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		type row = map[string]any
		list := []row{}
		total := 0
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		if strings.HasSuffix(r.URL.Path, "/bc/member/get/") && r.URL.Query().Get("filtering") == "" {
			total = n
			for i := (page - 1) * 20; i < min(page*20, n); i++ {
				list = append(list, row{"user_id": strconv.Itoa(6900000000000000000 + i), "user_name": fmt.Sprintf("Person No %05d", i), "user_role": "STANDARD",
					"relation_status": "BOUND", "user_email": fmt.Sprintf("person.no%05d@%s", i, lumen), "ext_user_role": row{"finance_role": nil}})
			}
		}
		json.NewEncoder(w).Encode(row{"code": 0, "message": "OK", "request_id": "20261122000000AAAAAAAAAAAAAAAAAAAA", "data": row{ //nolint:errcheck // who asks is gone then
			"list": list, "page_info": row{"page": page, "page_size": 20, "total_number": total, "total_page": (total + 19) / 20}}})
	})
}

// alive is the memory that is in use, now.
func alive() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first made ready to be freed
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// peak is the most memory that was in use during f beyond what was before, as far
// as a look every few milliseconds sees it.
func peak(f func()) int64 {
	before, most := alive(), int64(0)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				most = max(most, alive()-before)
			}
		}
	}()
	f()
	close(done)
	<-stopped
	return most
}

// BenchmarkPullMemory reads hubs of two sizes whole and takes them in: once when
// everyone is new, and once when nobody has changed, as on any other day.
func BenchmarkPullMemory(b *testing.B) {
	for _, n := range []int{4_000, 50_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			app, err := NewApp(b.Context(), Config{DB: b.TempDir() + "/adbridge.db"}, zerolog.Nop())
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = app.Close() })
			clear(app.budgets.Windows)
			hub := bridge.Hub{Slug: "h", Platform: bridge.TikTok, BusinessID: bcEU, AppID: ttApp, APIURL: serveTest(b, longList(n))}
			hub, err = reconcile.AddHub(b.Context(), app.DB, hub, storage.Credentials{Token: bridge.NewSecret(ttToken)}, connectors.Connection{BusinessID: bcEU}, "bench")
			if err != nil {
				b.Fatal(err)
			}
			var lease storage.Lease
			err = app.DB.Write(b.Context(), func(tx *storage.Tx) (err error) {
				lease, _, err = tx.AcquireLane(b.Context(), hub.ID, app.Lanes.Holder, time.Hour) // nobody renews it
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
			for range b.N {
				for _, day := range []string{"first", "other", "other"} { // the trail of the first is still being sealed on the second
					var l reconcile.Listing
					before := alive()
					listing := peak(func() { l, err = app.Puller.List(b.Context(), lease) })
					kept := alive() - before
					if err != nil || l.Err != nil || l.Seen.Len() != n {
						b.Fatal(err, l.Err, l.Seen.Len())
					}
					taking := peak(func() { err = app.Puller.Take(b.Context(), lease, l) })
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(listing)/1e6, "MB-to-list-"+day)
					b.ReportMetric(float64(kept)/float64(n), "B/member-listed-"+day)
					b.ReportMetric(float64(taking)/1e6, "MB-to-take-in-"+day)
					runtime.KeepAlive(l)
				}
			}
		})
	}
}
