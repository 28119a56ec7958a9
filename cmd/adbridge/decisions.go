package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/storage"
)

// decisionView is a decision with the names of whom it is about.
type decisionView struct {
	bridge.Decision
	Hub      string `json:"hub"`
	Member   string `json:"member,omitempty"`
	UserName string `json:"user_name,omitempty"`
	State    string `json:"state"` // in force, review due, lapsed, undone
}

func (c *cli) decisions() *cobra.Command {
	var all bool
	var kind string
	cmd := &cobra.Command{
		Use:   "decisions [HUB] [--kind exempt] [--all]",
		Short: "List what people decided: who, about whom, why, until when",
		Long: `Lists matches, exemptions, adoptions, protections, approvals, rejections, overrides, timed grants and
confirmations that are in force, and exemptions whose review is due. --all adds what has lapsed or was undone.
` + "`adbridge undo ID`" + ` takes one back.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return c.app(ctx, func(app *App) error {
				hubs, err := app.hubs(ctx, args)
				if err != nil {
					return err
				}
				views := []decisionView{}
				err = app.DB.Read(ctx, func(tx *storage.Tx) error {
					for _, h := range hubs {
						more, err := viewDecisions(ctx, tx, h, bridge.DecisionKind(kind), all)
						if err != nil {
							return err
						}
						views = append(views, more...)
					}
					return nil
				})
				if err != nil {
					return err
				}
				return c.show(views, func(w io.Writer) error {
					return table(w, "ID HUB KIND ABOUT STATE UNTIL BY AT REASON", func(row func(...any)) {
						for _, v := range views {
							until := "-"
							if !v.Until.IsZero() {
								until = when(v.Until)
							}
							row(v.ID, v.Hub, v.Kind, orDash(v.about()), v.State, until, v.By, when(v.At), orDash(v.Reason))
						}
					})
				})
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also what has lapsed or was undone")
	cmd.Flags().StringVar(&kind, "kind", "", "only match, not-match, exempt, adopt, protect, approve, reject, override, grant, claim or confirm")
	return cmd
}

// about says in a few words whom or what a decision is about.
func (v decisionView) about() string {
	var parts []string
	for _, s := range []string{v.Member, v.UserName, v.Role.Word(), v.Subject} {
		if s != "" && !(s == v.Role.Word() && v.Role == bridge.NoRole) {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

func viewDecisions(ctx context.Context, tx *storage.Tx, hub bridge.Hub, kind bridge.DecisionKind, all bool) ([]decisionView, error) {
	list, err := tx.Decisions(ctx, hub.ID, true)
	if err != nil {
		return nil, err
	}
	var people []string
	for _, d := range list {
		people = append(people, d.PersonID)
	}
	names, err := userNames(ctx, tx, people)
	if err != nil {
		return nil, err
	}
	var views []decisionView
	for _, d := range list {
		v := decisionView{Decision: d, Hub: hub.Slug, UserName: names[d.PersonID], State: decisionState(d, tx.Now())}
		if kind != "" && d.Kind != kind || !all && (v.State == "lapsed" || v.State == "undone") {
			continue
		}
		if d.MemberID != "" {
			m, err := tx.Member(ctx, d.MemberID)
			if err != nil {
				return nil, err
			}
			v.Member = m.Name
			if m.Email != "" {
				v.Member = strings.TrimSpace(m.Name + " <" + m.Email + ">")
			}
		}
		views = append(views, v)
	}
	return views, nil
}

func decisionState(d bridge.Decision, now time.Time) string {
	switch {
	case !d.UndoneAt.IsZero():
		return "undone"
	case d.Holds(now):
		return "in force"
	case d.Kind == bridge.DecideExempt:
		return "review due"
	}
	return "lapsed"
}

// userNames names people by id.
func userNames(ctx context.Context, tx *storage.Tx, ids []string) (map[string]string, error) {
	people, err := tx.People(ctx, ids)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, p := range people {
		names[p.ID] = p.UserName
	}
	return names, nil
}
