package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"adbridge/bridge/audit"
	"adbridge/storage"
)

// saidView is what a platform said of the limits of one app's hubs.
type saidView struct {
	Usage         []usageView `json:"usage,omitempty"`
	NoInvitations []quotaView `json:"no_invitations,omitempty"`
}

// platformSaid reads what the platform said to these hubs.
func platformSaid(ctx context.Context, tx *storage.Tx, slugs, ids []string) (v saidView, err error) {
	if v.Usage, err = usageSeen(ctx, tx, slugs, ids); err != nil {
		return v, err
	}
	v.NoInvitations, err = quotas(ctx, tx, slugs, ids)
	return v, err
}

// usageView is what a platform said last of one of its limits.
type usageView struct {
	Limit   string    `json:"limit"`
	Percent float64   `json:"percent"`
	FreeAt  time.Time `json:"free_at,omitzero"` // where it is used up: when the platform lets calls through again
	At      time.Time `json:"at"`               // of the call that was answered so
	Hub     string    `json:"hub"`
}

// What is looked through for usage: limits are counted over an hour at most,
// and what was said a day ago is history.
const (
	usageSpan  = 24 * time.Hour
	usageCalls = 2000
)

// usageSeen is what the platform said last of each of its limits, in answers to
// these hubs' calls, the fullest first.
func usageSeen(ctx context.Context, tx *storage.Tx, slugs, ids []string) ([]usageView, error) {
	last := map[string]usageView{}
	for i, id := range ids {
		f := storage.EventFilter{HubID: id, Action: audit.PlatformCall, Since: tx.Now().Add(-usageSpan), Newest: true, Limit: usageCalls}
		for e, err := range tx.Events(ctx, f) {
			if err != nil {
				return nil, err
			}
			for _, u := range usageOf(e) {
				u.Hub = slugs[i]
				if was, ok := last[u.Limit]; !ok || u.At.After(was.At) {
					last[u.Limit] = u
				}
			}
		}
	}
	var all []usageView
	for _, u := range last {
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b usageView) int {
		return cmp.Or(cmp.Compare(b.Percent, a.Percent), cmp.Compare(a.Limit, b.Limit))
	})
	return all, nil
}

// usageOf reads what a call on record says of limits.
func usageOf(e audit.Event) (all []usageView) {
	at := viewCall(e).At
	list, _ := e.Detail["usage"].([]any)
	for _, one := range list {
		m, _ := one.(map[string]any)
		limit, _ := m["limit"].(string)
		number := func(key string) float64 {
			n, _ := m[key].(json.Number)
			f, _ := n.Float64()
			return f
		}
		u := usageView{Limit: limit, Percent: number("percent"), At: at}
		if s := number("free_in_s"); s > 0 {
			u.FreeAt = at.Add(time.Duration(s * float64(time.Second)))
		}
		if limit != "" {
			all = append(all, u)
		}
	}
	return all
}

// quotaView is a hub whose invitations wait for the platform's quota.
type quotaView struct {
	Hub   string    `json:"hub"`
	Until time.Time `json:"until"`
}

// quotas are the hubs among these whose quota of invitations is used up.
func quotas(ctx context.Context, tx *storage.Tx, slugs, ids []string) (all []quotaView, err error) {
	for i, id := range ids {
		lane, err := tx.Lane(ctx, id)
		if err != nil {
			return nil, err
		}
		if lane.InviteAfter.After(tx.Now()) {
			all = append(all, quotaView{slugs[i], lane.InviteAfter})
		}
	}
	return all, nil
}

// writeSaid writes what was said of one app's limits, if anything was.
func writeSaid(w io.Writer, app string, v saidView, now time.Time) error {
	for _, q := range v.NoInvitations {
		fmt.Fprintf(w, "%s: the platform's quota of invitations is used up; none is sent for another %s, until %s.\n",
			q.Hub, q.Until.Sub(now).Round(time.Minute), q.Until.UTC().Format(time.RFC3339))
	}
	if len(v.Usage) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nThe platform's own word about app %s, last seen:\n", cmp.Or(app, "(not given)"))
	return table(w, "LIMIT USED FREE-AGAIN SEEN HUB", func(row func(...any)) {
		for _, u := range v.Usage {
			free := "-"
			if !u.FreeAt.IsZero() {
				free = u.FreeAt.UTC().Format(time.RFC3339)
			}
			row(u.Limit, fmt.Sprintf("%g%%", u.Percent), free, u.At.UTC().Format(time.RFC3339), u.Hub)
		}
	})
}
