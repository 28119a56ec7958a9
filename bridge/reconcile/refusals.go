package reconcile

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// refusals are the callers turned away and not yet on record. The first of a
// kind goes on record at once; of a flood the rest is counted and follows as
// one event a minute, and beyond a few kinds a minute all together as one.
// Nothing a stranger sends can fill the audit trail.
type refusals struct {
	mu     sync.Mutex
	kinds  map[refusalKind]*refusalCount
	budget *rate.Limiter
}

const (
	refusalEvery = time.Minute
	refusalKinds = 1000 // kept apart
	refusalBurst = 30   // events at once; then one in ten seconds
)

// refusalKind is what one event may sum up. Without a reason it is everything
// that went beyond the budget.
type refusalKind struct {
	reason            bridge.RefusalReason
	source, label, ip string
}

type refusalCount struct {
	last  bridge.Refusal
	times int64 // not on record yet
	noted time.Time
}

// note counts a refusal, and gives what is to be put on record now.
func (f *refusals) note(k refusalKind, detail string, now time.Time) (bridge.Refusal, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kinds == nil {
		f.kinds, f.budget = map[refusalKind]*refusalCount{}, rate.NewLimiter(rate.Every(10*time.Second), refusalBurst)
	}
	actual := k
	one := f.kinds[k]
	if one == nil {
		if len(f.kinds) >= refusalKinds || !f.budget.AllowN(now, 1) {
			k = refusalKind{}
			if one = f.kinds[k]; one == nil {
				one = &refusalCount{noted: now} // waits for its minute
			}
		} else {
			one = &refusalCount{}
		}
		f.kinds[k] = one
	}
	one.times++
	one.last = bridge.Refusal{SourceID: actual.source, Reason: actual.reason, At: now, Caller: actual.ip, Label: actual.label, Detail: detail}
	if now.Sub(one.noted) < refusalEvery {
		return bridge.Refusal{}, false
	}
	return one.take(now), true
}

func (c *refusalCount) take(now time.Time) bridge.Refusal {
	out := c.last
	out.Times, c.times, c.noted = c.times, 0, now
	return out
}

// due takes what has waited for its minute, and forgets kinds that have ended.
func (f *refusals) due(now time.Time, all bool) (out []bridge.Refusal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, one := range f.kinds {
		switch {
		case one.times > 0 && (all || now.Sub(one.noted) >= refusalEvery):
			out = append(out, one.take(now))
		case one.times == 0 && now.Sub(one.noted) >= refusalEvery:
			delete(f.kinds, k)
		}
	}
	slices.SortFunc(out, func(a, b bridge.Refusal) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Caller, b.Caller)) })
	return out
}

// refused puts a refusal on record, or counts it. The caller is refused
// whatever becomes of the record.
func (c *Callers) refused(ctx context.Context, r *Refused, from string) {
	k := refusalKind{reason: r.Reason, source: r.Source.ID, label: r.Label, ip: from}
	if one, ok := c.refusals.note(k, r.Why, c.Now()); ok {
		c.record(ctx, one)
	}
}

// Flush puts the refusals on record that have been counted for a minute; with
// all, every one. A server calls it each minute, and when it ends.
func (c *Callers) Flush(ctx context.Context, all bool) {
	c.record(ctx, c.refusals.due(c.Now(), all)...)
}

func (c *Callers) record(ctx context.Context, list ...bridge.Refusal) {
	if len(list) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := c.DB.Write(ctx, func(tx *storage.Tx) error {
		for _, r := range list {
			actor, subject := "nobody", r.Caller
			if r.SourceID != "" {
				s, err := tx.Source(ctx, r.SourceID)
				if err != nil {
					return err
				}
				actor, subject = audit.ActorSource(s.Name, r.Label), s.Name
			}
			if err := tx.AddEvents(ctx, audit.Event{Actor: actor, Action: audit.TokenRefused, Source: r.SourceID, Subject: subject,
				Detail: map[string]any{"reason": r.Reason, "from": r.Caller, "times": r.Times, "detail": r.Detail}}); err != nil {
				return err
			}
			if err := tx.AddRefusal(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.Log.Error().Err(err).Int("refusals", len(list)).Msg("put refused callers on record")
	}
}
