package main

import (
	"testing"
	"time"

	"adbridge/connectors/tiktok/tiktoksim"
)

// TestAPullThatWasKilledIsMadeAnewAtOnce: the process dies while it reads a hub.
// The next one does not wait for the time at which a failed pull is tried again.
func TestAPullThatWasKilledIsMadeAnewAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktokWorld(), metaWorld())
	s.connectHub("tt", "tiktok", bcEU, "observe")
	s.tiktok.Faults.Add(tiktoksim.Fault{Op: "bc/member/get", Kind: tiktoksim.SlowBefore, Delay: time.Minute, Times: -1})
	srv := s.serve()
	until(t, 20*time.Second, "the hub is being read", func() (bool, string) { return s.tiktok.Faults.Fired() > 0, "no call yet" })
	srv.kill()
	s.tiktok.Faults.Clear()

	s.serve()
	until(t, 30*time.Second, "the hub is read whole", func() (bool, string) {
		var hub struct {
			LastPull struct {
				Complete bool `json:"complete"`
			} `json:"last_pull"`
		}
		s.must(&hub, "hub", "show", "tt")
		return hub.LastPull.Complete, "no pull is complete"
	})
}
