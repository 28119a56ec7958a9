package reconcile

import (
	"sync/atomic"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestALargePlanIsWrittenALittleAtATime: identity providers are answered in
// between. What was written before the hub moved is kept, and nothing is on
// record twice.
func TestALargePlanIsWrittenALittleAtATime(t *testing.T) {
	was := aheadOf
	t.Cleanup(func() { aheadOf = was })
	aheadOf = 3
	var clock atomic.Int64
	began := time.Now()
	c := newCompany(t, storagetest.Open(t, storagetest.SQLite(t), func(o *storage.Options) {
		o.Now = func() time.Time { return began.Add(time.Duration(clock.Add(1)) * time.Millisecond) } // no two transactions have one time
	}))
	c.ok(c.db.Write(t.Context(), func(tx *storage.Tx) error { // as before anybody was taken over
		members, err := tx.Members(t.Context(), c.hub.ID, false)
		for i := range members {
			members[i].Ownership, members[i].Applied = bridge.Foreign, ""
		}
		if err == nil {
			err = tx.PutMembers(t.Context(), members)
		}
		if err == nil {
			err = tx.PutDesired(t.Context(), c.hub.ID, nil)
		}
		if err == nil {
			err = tx.MarkDirty(t.Context(), c.hub.ID)
		}
		return err
	}))
	c.settled()
	c.ok(c.db.Read(t.Context(), func(tx *storage.Tx) error {
		at, whom := map[time.Time]int{}, map[string]int{}
		for e, err := range tx.Events(t.Context(), storage.EventFilter{HubID: c.hub.ID, Action: audit.MemberOwnership}) {
			if err != nil {
				return err
			}
			at[e.At]++
			whom[e.Member]++
		}
		for when, n := range at {
			if n > aheadOf {
				t.Errorf("%d members became ours in the transaction of %s, at most %d may", n, when, aheadOf)
			}
		}
		for id, n := range whom {
			if n != 1 {
				t.Errorf("that member %s became ours is on record %d times", id, n)
			}
		}
		if len(whom) != 14 {
			t.Errorf("%d members became ours, want 14", len(whom))
		}
		wishes, err := tx.DesiredOf(t.Context(), c.hub.ID)
		if len(wishes) != 14 {
			t.Errorf("%d wishes are on record, want 14", len(wishes))
		}
		return err
	}))
}

// TestAPlanIsLeftThoughTheHubNeverStandsStill: somebody changes the directory
// during every plan, and an admin exempts a member meanwhile. The last plan
// counts, nobody waits for it to be made, and the admin's word stands.
func TestAPlanIsLeftThoughTheHubNeverStandsStill(t *testing.T) {
	c := newCompany(t, storagetest.Open(t, storagetest.SQLite(t)))
	var exempt string
	c.ok(c.db.Write(t.Context(), func(tx *storage.Tx) error {
		members, err := tx.Members(t.Context(), c.hub.ID, false)
		for i := range members {
			members[i].Ownership, members[i].Applied = bridge.Foreign, ""
			exempt = members[i].ID
		}
		if err != nil {
			return err
		}
		return tx.PutMembers(t.Context(), members)
	}))
	calm, plans := c.planner, 0
	c.planner.Traits = func(platform bridge.Platform) bridge.Traits { // asked for between the reading and the writing of every plan
		plans++
		c.ok(c.db.Write(t.Context(), func(tx *storage.Tx) error {
			if plans == replans {
				m, err := tx.Member(t.Context(), exempt)
				if err != nil {
					return err
				}
				m.Ownership = bridge.Exempt
				if err := tx.PutMembers(t.Context(), []bridge.Member{m}); err != nil {
					return err
				}
			}
			return tx.MarkDirty(t.Context(), c.hub.ID)
		}))
		return calm.Traits(platform)
	}
	c.settled()
	if plans != replans {
		t.Errorf("%d plans were made, want %d", plans, replans)
	}
	c.ok(c.db.Read(t.Context(), func(tx *storage.Tx) error {
		members, err := tx.Members(t.Context(), c.hub.ID, false)
		for _, m := range members {
			if want := map[bool]bridge.Ownership{true: bridge.Exempt, false: bridge.Adopted}[m.ID == exempt]; m.Ownership != want {
				t.Errorf("member %s is %s, want %s", m.Email, m.Ownership, want)
			}
		}
		if err != nil {
			return err
		}
		lane, err := tx.Lane(t.Context(), c.hub.ID)
		if lane.Generation == lane.Planned {
			t.Error("the hub is not due for another plan though it moved")
		}
		return err
	}))
}
