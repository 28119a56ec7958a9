package connectors

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"adbridge/bridge"
)

// Checklist holds every precondition of a platform, in the order in which a
// person meets them. All are unknown until something is found out.
type Checklist struct{ items []bridge.Precondition }

// NewChecklist begins with nothing known.
func NewChecklist(all []bridge.Precondition) *Checklist {
	l := &Checklist{items: slices.Clone(all)}
	for i := range l.items {
		l.items[i].State = bridge.NotKnown
	}
	return l
}

func (l *Checklist) at(code string) *bridge.Precondition {
	i := slices.IndexFunc(l.items, func(p bridge.Precondition) bool { return p.Code == code })
	if i < 0 {
		panic("connectors: precondition " + code + " is not in the platform's list")
	}
	return &l.items[i]
}

// OK notes that a precondition is met.
func (l *Checklist) OK(code, format string, args ...any) { l.set(code, bridge.Met, format, args...) }

// Until notes that it is met up to a time.
func (l *Checklist) Until(code string, end time.Time, format string, args ...any) {
	l.set(code, bridge.Met, format, args...).Until = end
}

// Waiting notes that it will be met at a time, by itself.
func (l *Checklist) Waiting(code string, at time.Time, format string, args ...any) {
	l.set(code, bridge.NotYet, format, args...).Until = at
}

// Missing notes that it is not met. What this very case differs in (the next
// step, the reason, whether it blocks) may be changed in what is returned.
func (l *Checklist) Missing(code, format string, args ...any) *bridge.Precondition {
	return l.set(code, bridge.Missing, format, args...)
}

// Unknown notes why it cannot be told.
func (l *Checklist) Unknown(code, format string, args ...any) {
	l.set(code, bridge.NotKnown, format, args...)
}

func (l *Checklist) set(code string, state bridge.PreconditionState, format string, args ...any) *bridge.Precondition {
	p := l.at(code)
	p.State, p.Detail = state, fmt.Sprintf(format, args...)
	return p
}

// Blocked says whether something without which nothing works is missing.
func (l *Checklist) Blocked() bool {
	return slices.ContainsFunc(l.items, func(p bridge.Precondition) bool { return p.Blocking && p.State == bridge.Missing })
}

// All are the preconditions as they stand.
func (l *Checklist) All() []bridge.Precondition { return slices.Clone(l.items) }

// Findings are those that have a reason code and are not met, or end soon; what
// blocks comes first.
func (l *Checklist) Findings(now time.Time) []Finding {
	var out []Finding
	for _, p := range l.items {
		ends := p.State == bridge.Met && !p.Until.IsZero() && p.Until.Sub(now) < bridge.RemindBefore
		if p.Reason == "" || !ends && p.State != bridge.Missing && p.State != bridge.NotYet {
			continue
		}
		f := Finding{Code: p.Reason, Detail: p.Detail, Next: cmp.Or(p.Next, bridge.ReasonOf(p.Reason).Next), Blocking: p.Blocking && p.State == bridge.Missing}
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return rank(a) - rank(b) })
	return out
}

// LookOnly is what was found without what only changes need: for a hub on which
// there are none.
func (c Connection) LookOnly() Connection {
	c.Checks, c.Findings = slices.Clone(c.Checks), slices.Clone(c.Findings)
	c.Checks = slices.DeleteFunc(c.Checks, func(p bridge.Precondition) bool {
		if !p.ForChanges {
			return false
		}
		c.Findings = slices.DeleteFunc(c.Findings, func(f Finding) bool { return f.Code == p.Reason && f.Detail == p.Detail })
		return true
	})
	return c
}

func rank(f Finding) int {
	if f.Blocking {
		return 0
	}
	return 1
}
