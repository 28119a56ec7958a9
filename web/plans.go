package web

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"adbridge/bridge"
	"adbridge/storage"
)

// planShelf keeps the plans that were looked at last, so that paging through a
// hub of 50,000 members reads them once. A stored plan never changes: what is
// kept is right as long as the hub's current plan is the one that is kept.
type planShelf struct {
	mu    sync.Mutex
	sums  map[string]kept // by hub id; the rows of most are left out
	order []string        // hubs whose rows are kept, the latest last
}

// shelfRows is how many rows are kept over all hubs.
const shelfRows = 200_000

type kept struct {
	planID string
	plan   bridge.Plan
	sum    bridge.Report // the counts alone
	rows   bool
	// verdicts counts the rows of each verdict.
	verdicts map[bridge.Verdict]int
}

// of gives the hub's current plan with its counts, rows only when asked for;
// false when it was never planned.
func (p *planShelf) of(ctx context.Context, tx *storage.Tx, hub bridge.Hub, rows bool) (kept, bool, error) {
	id, ok, err := tx.CurrentPlanID(ctx, hub.ID)
	if err != nil || !ok {
		return kept{}, false, err
	}
	p.mu.Lock()
	k, ok := p.sums[hub.ID]
	p.mu.Unlock()
	if ok && k.planID == id && (k.rows || !rows) {
		return k, true, nil
	}
	plan, ok, err := tx.CurrentPlan(ctx, hub.ID)
	if err != nil || !ok {
		return kept{}, false, err
	}
	plan.Desired = nil
	k = kept{planID: id, plan: plan, rows: true, sum: bridge.MakeReport(bridge.World{Now: tx.Now(), Hub: hub}, plan)}
	k.sum.Rows, k.sum.Checks = nil, nil
	k.verdicts = map[bridge.Verdict]int{}
	for _, r := range plan.Rows {
		k.verdicts[verdictOf(r)]++
	}
	pressingFirst(k.plan.Rows)
	p.put(hub.ID, k)
	return k, true, nil
}

// pressingFirst puts first what somebody has to look at, and last what is fine;
// rows alike stay in the order of the plan.
func pressingFirst(rows []bridge.Row) {
	slices.SortStableFunc(rows, func(a, b bridge.Row) int {
		return cmp.Compare(slices.Index(verdicts, verdictOf(a)), slices.Index(verdicts, verdictOf(b)))
	})
}

// put keeps a plan, and drops the rows of those that nobody has asked for lately.
func (p *planShelf) put(hubID string, k kept) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sums == nil {
		p.sums = map[string]kept{}
	}
	p.sums[hubID] = k
	order := []string{}
	for _, id := range p.order {
		if id != hubID {
			order = append(order, id)
		}
	}
	p.order = append(order, hubID)
	total := 0
	for _, id := range p.order {
		total += len(p.sums[id].plan.Rows)
	}
	for len(p.order) > 1 && total > shelfRows {
		id := p.order[0]
		old := p.sums[id]
		total -= len(old.plan.Rows)
		old.plan.Rows, old.rows = nil, false
		p.sums[id] = old
		p.order = p.order[1:]
	}
}
