package web

import (
	"context"
	"net/http"
	"strings"

	"adbridge/bridge"
	"adbridge/storage"
)

// hubsPage is the first page: every hub as a card, and the sources.
type hubsPage struct {
	frame
	Q       string
	Cards   []hubCard
	Total   int // hubs that fit the search
	Pager   pager
	Sources []bridge.Source
}

// hubCard is a hub at a glance.
type hubCard struct {
	Hub     bridge.Hub
	State   stateOf
	Planned bool
	Sum     bridge.PlanCounts // of the current plan
	Bar     []segment
	Calls   []verdictCount // what is to be done, or waits for someone
	Alarms  []bridge.Alarm
	Pull    bridge.Pull // the last complete one
	Pulled  bool
	Broken  *bridge.Pull // a later one that was not complete
	Tasks   int          // on their way
	Stuck   int          // held
}

// stateOf is what a hub is doing, and why, in words.
type stateOf struct {
	State bridge.HubState
	Code  bridge.Code // "" when there is nothing to explain
	Halt  *bridge.Halt
}

func hubState(h bridge.Hub) stateOf {
	s := stateOf{State: h.State(), Halt: h.Halt}
	switch {
	case h.Halt != nil:
		s.Code = h.Halt.Reason
	case s.State == bridge.Observing:
		s.Code = bridge.HubObserving
	}
	return s
}

// segment is a part of the bar that shows who is on a hub.
type segment struct {
	Standing bridge.Standing
	Count    int
	At, Wide float64 // of 100
}

func barOf(o bridge.ObservedCount) []segment {
	var bar []segment
	at := 0.0
	for _, c := range standingCounts(o) {
		if c.Count == 0 {
			continue
		}
		wide := 100 * float64(c.Count) / float64(o.Total)
		bar = append(bar, segment{c.Standing, c.Count, at, wide})
		at += wide
	}
	return bar
}

type standingCount struct {
	Standing bridge.Standing
	Count    int
}

func standingCounts(o bridge.ObservedCount) []standingCount {
	return []standingCount{{bridge.StandOnboarded, o.Onboarded}, {bridge.StandGuest, o.Guest}, {bridge.StandUnmatched, o.Unmatched},
		{bridge.StandDisputed, o.Disputed}, {bridge.StandExempt, o.Exempt}, {bridge.StandProtected, o.Protected}, {bridge.StandPartner, o.Partner}}
}

// verdictCount is how many rows of a plan have a verdict.
type verdictCount struct {
	Verdict bridge.Verdict
	Count   int
}

const hubsOnAPage = 50

func (s *site) hubs(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	p := &hubsPage{frame: frame{Title: "Hubs", Section: "hubs"}, Q: strings.TrimSpace(r.FormValue("q"))}
	all, err := tx.Hubs(ctx)
	if err != nil {
		return nil, err
	}
	var hubs []bridge.Hub
	for _, h := range all {
		if containsFold(p.Q, h.Slug, h.BusinessName, h.BusinessID, string(h.Platform)) {
			hubs = append(hubs, h)
		}
	}
	p.Total = len(hubs)
	from, to, pager, err := pageOf(r, len(hubs), hubsOnAPage)
	if err != nil {
		return nil, err
	}
	p.Pager = pager
	for _, h := range hubs[from:to] {
		card, err := s.card(ctx, tx, h)
		if err != nil {
			return nil, err
		}
		p.Cards = append(p.Cards, card)
	}
	p.Sources, err = tx.Sources(ctx)
	return p, err
}

// card looks at one hub.
func (s *site) card(ctx context.Context, tx *storage.Tx, h bridge.Hub) (hubCard, error) {
	c := hubCard{Hub: h, State: hubState(h)}
	var err error
	if c.Sum, c.Alarms, c.Planned, err = tx.CurrentCounts(ctx, h.ID); err != nil {
		return c, err
	}
	c.Bar = barOf(c.Sum.Observed)
	for _, v := range bridge.Verdicts {
		if n := c.Sum.Pressing[v]; n > 0 && v != bridge.Fine {
			c.Calls = append(c.Calls, verdictCount{v, n})
		}
	}
	if c.Pull, c.Pulled, err = tx.LastPull(ctx, h.ID, true); err != nil {
		return c, err
	}
	last, any, err := tx.LastPull(ctx, h.ID, false)
	if err != nil {
		return c, err
	}
	if any && !last.Complete && !last.EndedAt.IsZero() {
		c.Broken = &last
	}
	open, err := tx.CountOpenTasks(ctx, h.ID)
	for state, n := range open {
		if state == bridge.TaskHeld {
			c.Stuck += n
		} else {
			c.Tasks += n
		}
	}
	return c, err
}

// Silent says that a source should have called by now.
func (p *hubsPage) Silent(src bridge.Source) bool {
	return src.Silent(p.Now, 0)
}
