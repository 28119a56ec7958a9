package tiktok

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"adbridge/connectors"
	"adbridge/connectors/tiktok/tiktoksim"
)

// clock is a time that moves when somebody sleeps.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time { return noon.Add(time.Duration(c.ns.Load())) }
func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.ns.Add(int64(d))
	return ctx.Err()
}

// full is a Business Center with as many members as TikTok allows.
func full(n int) tiktoksim.World {
	w := tiktoksim.World{
		Apps:            []tiktoksim.App{{AppID: appID, Secret: appSecret}},
		Tokens:          []tiktoksim.Token{{Token: token, AppID: appID, User: selfID}},
		BusinessCenters: []tiktoksim.BusinessCenter{{BCID: ourBC, Name: "FULL", Members: []tiktoksim.Member{{UserID: selfID, Email: "bridge@example.com", Role: "ADMIN"}}}},
	}
	for i := range n - 1 {
		w.BusinessCenters[0].Members = append(w.BusinessCenters[0].Members, tiktoksim.Member{UserID: fmt.Sprint(6900000000000000000 + i), Email: fmt.Sprintf("person%04d@example.com", i)})
	}
	return w
}

// TestAFullBusinessCenterIsReadWithinTheAppsBudget: 4,000 members in hardly more
// time than their calls need at the rate that the budget allows, however TikTok
// counts, and without once being throttled.
func TestAFullBusinessCenterIsReadWithinTheAppsBudget(t *testing.T) {
	const calls = memberCap/pageSize + 1 // and one of declined invitations
	qps := map[string]int{"basic": 10, "advanced": 20, "premium": 30, "ultimate": 50}
	for tier, windows := range Tiers {
		for _, window := range []string{"calendar", "sliding"} {
			clk := new(clock)
			sim := tiktoksim.New(tiktoksim.Options{
				World: full(memberCap), Now: clk.now, Switches: tiktoksim.Switches{LimitWindow: window},
				QPS: qps[tier], QPM: qps[tier] * 60, QPD: qps[tier] * 86_400,
			})
			c := open1(t, serve(t, sim), func(cfg *connectors.Config) {
				cfg.Budget = connectors.NewBudgetClock(clk.now, clk.sleep, windows...)
				cfg.Now, cfg.Sleep = clk.now, clk.sleep
			})
			if n := len(all(t, c)); n != memberCap {
				t.Errorf("%s, %s: %d members", tier, window, n)
			}
			if n := sim.Calls(""); n != calls {
				t.Errorf("%s, %s: %d calls for %d pages", tier, window, n, calls-1)
			}
			for _, r := range sim.Requests() {
				if r.Code != 0 {
					t.Fatalf("%s, %s: code %d at %v", tier, window, r.Code, r.Time)
				}
			}
			// In the long run the budget gives four fifths of a limit: the rest may
			// come at once, and no stretch of time may see more than the limit.
			least := time.Duration(0)
			for _, w := range windows {
				least = max(least, calls*w.Per/time.Duration(w.Limit-w.Limit/5))
			}
			if took := clk.now().Sub(noon); took > least*11/10 || took < least/2 {
				t.Errorf("%s, %s: it took %v, and its calls need %v", tier, window, took, least)
			}
		}
	}
}

// TestALongListIsHandedOverAndNotKept: what a listing holds of those whom it has
// handed over is their ids, so that ten times the people are a few bytes each,
// and not ten times the list.
func TestALongListIsHandedOverAndNotKept(t *testing.T) {
	held := func(n int) int64 {
		name := strings.Repeat("x", 200)
		c, _ := pages(t, func(_, page int) string {
			return strings.ReplaceAll(list(page, n, ids(page*20-19, page*20)...), `"user_role"`, `"user_name":"`+name+`","user_role"`)
		})
		var m runtime.MemStats
		heap := func() int64 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		for range c.Members(t.Context(), nil) { // what is there but once: connections, buffers
			break
		}
		before, most, seen := heap(), int64(0), 0
		for _, err := range c.Members(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			if seen++; seen%(n/10) == 0 {
				most = max(most, heap()-before)
			}
		}
		if seen != n {
			t.Fatalf("%d members of %d", seen, n)
		}
		return most
	}
	few, many := held(5_000), held(50_000)
	if each := (many - few) / 45_000; each > 40 || many > 4<<20 {
		t.Errorf("5,000 members hold %d bytes, 50,000 hold %d: %d bytes for each further member, whose id is 8", few, many, each)
	}
}
