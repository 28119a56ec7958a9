package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/connectors/meta/metasim"
	"adbridge/storage"
)

// TestWhatAPlatformSaysOfItsLimitsIsShown before anything is refused: what was
// said last of each limit, with when, and a used-up quota of invitations with
// its end.
func TestWhatAPlatformSaysOfItsLimitsIsShown(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktokWorld(), metaWorld())
	s.inProcess = true
	s.connectHub("oak", "meta", metaBiz, "observe")
	s.connectHub("eu", "tiktok", bcEU, "observe")
	s.meta.SetLimits(metasim.Limits{CallsPerHour: 50, NoticePercent: 10})
	budget := func() budgetView {
		t.Helper()
		var all []budgetView
		s.must(&all, "hub", "budget")
		i := slices.IndexFunc(all, func(v budgetView) bool { return slices.Equal(v.Hubs, []string{"oak"}) })
		if i < 0 || len(all) != 2 || len(all[1-i].Usage) > 0 {
			t.Fatalf("%+v", all)
		}
		return all[i]
	}
	if before := budget(); len(before.Usage) > 0 || len(before.NoInvitations) > 0 {
		t.Errorf("before anything was said: %+v", before)
	}
	var last float64
	for range 3 {
		s.must(nil, "pull", "oak")
		said := budget()
		if len(said.Usage) != 1 || said.Usage[0].Limit != "app" || said.Usage[0].Hub != "oak" || time.Since(said.Usage[0].At) > time.Minute || !said.Usage[0].FreeAt.IsZero() {
			t.Fatalf("%+v", said.Usage)
		}
		if said.Usage[0].Percent <= last {
			t.Errorf("%v%% after %v%%, and calls were made", said.Usage[0].Percent, last)
		}
		last = said.Usage[0].Percent
	}

	ctx := t.Context()
	db, err := storage.Open(ctx, storage.Options{URL: s.db})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Write(ctx, func(tx *storage.Tx) error {
		hub, err := tx.Hub(ctx, "oak")
		if err != nil {
			return err
		}
		lane, err := tx.Lane(ctx, hub.ID)
		if err != nil {
			return err
		}
		lane.InviteAfter = tx.Now().Add(23 * time.Hour)
		return tx.UpdateLane(ctx, lane)
	})
	if err != nil {
		t.Fatal(err)
	}
	if q := budget().NoInvitations; len(q) != 1 || q[0].Hub != "oak" || time.Until(q[0].Until) < 22*time.Hour {
		t.Errorf("%+v", q)
	}
	text, _, code := s.adbridge("hub", "budget")
	for _, says := range []string{"oak: the platform's quota of invitations is used up; none is sent for another 23h0m0s", "The platform's own word about app " + metaApp, "app "} {
		if code != exitDone || !strings.Contains(text, says) {
			t.Errorf("exit %d, no %q in:\n%s", code, says, text)
		}
	}
}
