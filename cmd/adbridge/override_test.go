package main

import (
	"testing"
	"time"

	"adbridge/bridge"
)

// TestTheSevenDayClockWaitsAndCanBeOverridden: what Meta refuses a young system
// user waits, nothing is lost or repeated in a hurry, and an admin's word with
// a reason has it tried now.
func TestTheSevenDayClockWaitsAndCanBeOverridden(t *testing.T) {
	t.Parallel()
	j := newJourney(t, "meta", nil)
	w := j.meta.World()
	for i := range w.Businesses[0].SystemUsers {
		w.Businesses[0].SystemUsers[i].CreatedTime = time.Now().Add(-24 * time.Hour)
	}
	j.ok(j.meta.Reset(w))
	j.hub("full")
	j.rule("Owners", "owner")
	j.people("ana@corp.example")
	j.group("Owners", "ana@corp.example")
	waiting := func() (list []bridge.Task) {
		for _, x := range j.tasks(bridge.TaskWait) {
			if x.Reason == bridge.PlatformTooEarly {
				list = append(list, x)
			}
		}
		return list
	}
	until(t, 10*time.Second, "the invitation waits", func() (bool, string) { return len(waiting()) == 1, "it does not" })
	if first := waiting()[0]; time.Until(first.NotBefore) < time.Hour {
		t.Errorf("it is tried again at %s", first.NotBefore)
	}
	j.people("ben@corp.example")
	j.join("Owners", "ben@corp.example")
	j.quiet()
	if r := j.row("ben@corp.example"); r.Verdict != bridge.Waiting || r.Reason != bridge.PlatformTooEarly || !r.Until.Equal(waiting()[0].NotBefore) {
		t.Errorf("the other invitation cannot leave either, and its row says %s %s until %s", r.Verdict, r.Reason, r.Until)
	}
	if _, errs, code := j.adbridge("override", "h", "platform.too-early", "--for", "2h"); code != exitError {
		t.Errorf("without a reason: %s", errs)
	}
	tried := func() (n int) {
		for _, r := range j.meta.Requests() {
			if r.Op == "POST business_users" {
				n++
			}
		}
		return n
	}
	before := tried()
	j.must(nil, "override", "h", "platform.too-early", "--for", "2h", "--reason", "Meta's support has lifted it")
	until(t, 10*time.Second, "it is tried at once, and refused again for minutes, not hours", func() (bool, string) {
		list := waiting()
		return tried() > before && len(list) == 1 && time.Until(list[0].NotBefore) < 16*time.Minute, "it is not"
	})
	sw := j.meta.Switches()
	sw.NewSystemUser = "allowed"
	j.ok(j.meta.SetSwitches(sw))
	j.must(nil, "override", "h", "platform.too-early", "--for", "1h", "--reason", "and again")
	until(t, 10*time.Second, "the invitation is out", func() (bool, string) {
		n, err := j.meta.Invitations(metaBiz)
		return err == nil && n["ana@corp.example"] == 1, "it is not"
	})
}
