package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"adbridge/bridge"
)

// forgets connects the hub through a platform that, once told to, leaves the
// people of an address out of its lists, and does not count them, until it has
// listed everyone once.
func (j *journey) forgets(userID func() string) (told *atomic.Bool) {
	j.t.Helper()
	told = &atomic.Bool{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query().Get("filtering")
		if !told.Load() || !strings.Contains(r.URL.Path, "bc/member/get") || strings.Contains(q, "user_role") {
			j.tiktok.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		j.tiktok.ServeHTTP(rec, r)
		var all map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &all); err != nil {
			j.t.Errorf("the simulator answered %q: %v", rec.Body, err)
		}
		data := all["data"].(map[string]any)
		rows := data["list"].([]any)
		some := slices.DeleteFunc(slices.Clone(rows), func(row any) bool { return row.(map[string]any)["user_id"] == userID() })
		data["list"] = some
		page := data["page_info"].(map[string]any)
		page["total_number"] = page["total_number"].(float64) - float64(len(rows)-len(some))
		if q == "" {
			told.Store(false)
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(all); err != nil {
			j.t.Error(err)
		}
	}))
	j.t.Cleanup(srv.Close)
	j.ttURL = srv.URL
	return told
}

// TestALeaverWhomOneListForgetsIsRemovedAllTheSame: the answer to the removal was
// lost, and the list read right after it leaves the leaver out. Taken for gone on
// that alone, and shown again by the next, somebody else would seem to have put
// them back, and their access would stay.
func TestALeaverWhomOneListForgetsIsRemovedAllTheSame(t *testing.T) {
	t.Parallel()
	ana := "ana@" + lumen
	j := newJourney(t, "tiktok", company())
	var id atomic.Value
	told := j.forgets(func() string { return id.Load().(string) })
	j.withStaff(ana, "ben@"+lumen, "cid@"+lumen)
	m, _ := j.side.(ttSide).find(ana)
	id.Store(m.UserID)
	j.trip(trip{op: "remove", how: "reset before", times: 1})
	told.Store(true)
	j.deactivate(ana)
	j.quiet()
	if told.Load() {
		t.Fatal("the platform was not read after the answer was lost")
	}
	j.pull()
	if role, _ := j.shown(ana); role != bridge.NoRole {
		t.Errorf("Ana is %s still", role.Word())
	}
	j.says(exitDone, []string{"explain", ana}, "adbridge removed them from the hub")
}
