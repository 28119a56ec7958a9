package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
	"adbridge/storage"
)

// callView is one exchange with a platform, as the audit trail has it.
type callView struct {
	At         time.Time `json:"at"`
	Op         string    `json:"op"`
	Method     string    `json:"method"`
	Path       string    `json:"path"`
	Write      bool      `json:"write"`
	Status     int64     `json:"status"`
	Code       int64     `json:"code"`
	SubCode    int64     `json:"sub_code,omitempty"`
	Message    string    `json:"message,omitempty"`
	Error      string    `json:"error,omitempty"`
	RequestID  string    `json:"request_id,omitempty"`
	TookMS     int64     `json:"took_ms"`
	BudgetLeft int64     `json:"budget_left,omitempty"`
	Task       string    `json:"task,omitempty"`
	Pull       string    `json:"pull,omitempty"`
}

func viewCall(e audit.Event) callView {
	text := func(key string) string { s, _ := e.Detail[key].(string); return s }
	number := func(key string) int64 {
		n, _ := e.Detail[key].(json.Number)
		i, _ := n.Int64()
		return i
	}
	v := callView{At: e.At, Op: text("op"), Method: text("method"), Path: text("path"), Status: number("status"), Code: number("code"),
		SubCode: number("sub_code"), Message: text("message"), Error: text("error"), RequestID: text("request_id"),
		TookMS: number("ms"), BudgetLeft: number("budget_left"), Task: e.Task, Pull: e.Pull}
	v.Write, _ = e.Detail["write"].(bool)
	if at, err := time.Parse(time.RFC3339Nano, text("started_at")); err == nil {
		v.At = at
	}
	return v
}

// failed says whether the platform said no, or nothing.
func (v callView) failed() bool {
	return v.Error != "" || v.Code != 0 || v.Status < 200 || v.Status > 299
}

func (c *cli) hubCalls() *cobra.Command {
	var since string
	var errorsOnly bool
	var limit int
	cmd := &cobra.Command{
		Use:   "calls HUB [--since 2h|DAY] [--errors]",
		Short: "List every call made to a hub's platform, newest first, with the platform's request ids",
		Long: `Each exchange with the platform is on record in the audit trail: endpoint, how long it took, HTTP status,
the platform's code and request id (support asks for it), and what was left of the app's longest budget.
No token or secret is in it. A call appears once the pull or task that it is part of has gone a step further.`,
		Example: "  adbridge hub calls eu --since 24h --errors",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if limit < 1 {
				return wrong("give --limit 1 or more", "limit: %d", limit)
			}
			return c.read(ctx, func(_ *App, tx *storage.Tx) error {
				from, err := ago("since", since, tx.Now())
				if err != nil {
					return err
				}
				hub, err := tx.Hub(ctx, args[0])
				if err != nil {
					return fmt.Errorf("hub %q: %w", args[0], err)
				}
				var calls []callView
				for e, err := range tx.Events(ctx, storage.EventFilter{HubID: hub.ID, Action: audit.PlatformCall, Since: from, Newest: true}) {
					if err != nil {
						return err
					}
					v := viewCall(e)
					if errorsOnly && !v.failed() {
						continue
					}
					if calls = append(calls, v); len(calls) == limit {
						break
					}
				}
				return c.show(calls, func(w io.Writer) error { return writeCalls(w, calls) })
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "a time ago (2h) or a day (2026-12-31)")
	cmd.Flags().BoolVar(&errorsOnly, "errors", false, "only those that the platform refused or did not answer")
	cmd.Flags().IntVar(&limit, "limit", 200, "at most so many")
	return cmd
}

func writeCalls(w io.Writer, calls []callView) error {
	return table(w, "TIME ENDPOINT STATUS CODE TOOK LEFT REQUEST-ID MESSAGE", func(row func(...any)) {
		for _, v := range calls {
			code := fmt.Sprint(v.Code)
			if v.SubCode != 0 {
				code += fmt.Sprintf("/%d", v.SubCode)
			}
			left := "-"
			if v.BudgetLeft != 0 {
				left = fmt.Sprint(v.BudgetLeft)
			}
			row(v.At.Format("2006-01-02T15:04:05.000Z"), v.Op, v.Status, code, time.Duration(v.TookMS)*time.Millisecond, left,
				cmp.Or(v.RequestID, "-"), cmp.Or(v.Message, v.Error))
		}
	})
}

// ago reads a time ago ("2h"), or a day or time; "" is the beginning.
func ago(field, s string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	return date(field, s)
}

// budgetView is what one platform app may call and has called.
type budgetView struct {
	Platform    bridge.Platform `json:"platform"`
	AppID       string          `json:"app_id,omitempty"`
	APIURL      string          `json:"api_url,omitempty"`
	Hubs        []string        `json:"hubs"`
	Windows     []windowView    `json:"windows"`
	PausedUntil time.Time       `json:"paused_until,omitzero"` // the platform said so
	saidView

	name string // of the budget
	ids  []string
}

type windowView struct {
	Name  string `json:"name"`
	Limit int    `json:"limit,omitempty"` // absent: the platform publishes none
	Used  int    `json:"used"`
	Left  int    `json:"left,omitempty"`
}

func (c *cli) hubBudget() *cobra.Command {
	return &cobra.Command{
		Use:   "budget",
		Short: "Show what each platform app may call, and what its hubs have called",
		Long: `TikTok limits the calls of a developer app over all of its Business Centers; hubs of one --app-id share that,
and so do all servers and commands on this database: they book their calls here before they make them. What is used
is what they have booked in this calendar minute and day (UTC). Calls that other programs make with the same app are not
known here. Meta publishes no such numbers: its hubs show the calls on record, of the last minute and of the day, and
what Meta itself said last, in percent, of each limit of the app, a business or an ad account; adbridge pauses when Meta
says so. A used-up quota of invitations is shown with its end.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return c.read(ctx, func(app *App, tx *storage.Tx) error {
				views, err := app.budgetViews(ctx, tx)
				if err != nil {
					return err
				}
				return c.show(views, func(w io.Writer) error { return writeBudgets(w, views, tx.Now()) })
			})
		},
	}
}

// budgetViews groups the hubs by the budget that they share and shows how each stands.
func (a *App) budgetViews(ctx context.Context, tx *storage.Tx) ([]budgetView, error) {
	hubs, err := tx.Hubs(ctx)
	if err != nil {
		return nil, err
	}
	var views []budgetView
	for _, h := range hubs {
		cred, err := tx.Credentials(ctx, h.ID)
		if err != nil {
			return nil, err
		}
		name := budgetName(h, cred)
		i := slices.IndexFunc(views, func(v budgetView) bool { return v.Platform == h.Platform && v.name == name })
		if i < 0 {
			i = len(views)
			views = append(views, budgetView{Platform: h.Platform, AppID: h.AppID, APIURL: h.APIURL, name: name})
		}
		views[i].Hubs, views[i].ids = append(views[i].Hubs, h.Slug), append(views[i].ids, h.ID)
	}
	for i := range views {
		if err := a.fillBudget(ctx, tx, &views[i]); err != nil {
			return nil, err
		}
	}
	return views, nil
}

// recorded are the stretches of time that calls on record are counted in where
// the platform publishes no limits.
var recorded = []connectors.Window{{Name: "minute", Per: time.Minute}, {Name: "day", Per: 24 * time.Hour}}

func (a *App) fillBudget(ctx context.Context, tx *storage.Tx, v *budgetView) error {
	var booked connectors.Ledger
	now, err := tx.Budget(ctx, v.Platform, v.name, &booked)
	if err != nil {
		return err
	}
	if booked.Paused.After(now) {
		v.PausedUntil = booked.Paused
	}
	if v.saidView, err = platformSaid(ctx, tx, v.Hubs, v.ids); err != nil {
		return err
	}
	windows := a.budgets.WindowsOf(v.Platform, v.name)
	for _, l := range booked.Levels(now, windows) {
		if l.Per >= time.Minute { // a second is over before anyone has read it
			v.Windows = append(v.Windows, windowView{l.Name, l.Limit, l.Used, l.Left})
		}
	}
	if len(windows) > 0 {
		return nil
	}
	for _, w := range recorded {
		used, err := tx.CountCalls(ctx, windowStart(w, tx.Now()), v.ids...)
		if err != nil {
			return err
		}
		v.Windows = append(v.Windows, windowView{Name: w.Name, Used: used})
	}
	return nil
}

func windowStart(w connectors.Window, now time.Time) time.Time {
	if w.Per >= 24*time.Hour {
		return now.UTC().Truncate(w.Per)
	}
	return now.Add(-w.Per)
}

func writeBudgets(w io.Writer, views []budgetView, now time.Time) error {
	err := table(w, "PLATFORM APP WINDOW LIMIT USED LEFT PAUSED HUBS", func(row func(...any)) {
		for _, v := range views {
			paused := "-"
			if !v.PausedUntil.IsZero() {
				paused = "until " + v.PausedUntil.Format(time.RFC3339)
			}
			for _, win := range v.Windows {
				limit, left := "unknown", "unknown"
				if win.Limit > 0 {
					limit, left = fmt.Sprint(win.Limit), fmt.Sprint(win.Left)
				}
				row(v.Platform, cmp.Or(v.AppID, "(not given)"), win.Name, limit, win.Used, left, paused, v.Hubs)
			}
		}
	})
	for _, v := range views {
		if err == nil {
			err = writeSaid(w, v.AppID, v.saidView, now)
		}
	}
	return err
}
