package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/storage"
)

// memberView is a member with the person it is bound to.
type memberView struct {
	bridge.Member
	Standing bridge.Standing `json:"standing,omitempty"`
	UserName string          `json:"user_name,omitempty"`
	Reason   bridge.Code     `json:"reason,omitempty"`
}

func (c *cli) members() *cobra.Command {
	var standing string
	cmd := &cobra.Command{
		Use:     "members HUB [--standing unmatched|disputed|…]",
		Short:   "List who is on a hub or invited to it, and who each is",
		Example: "  adbridge members eu --standing unmatched",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return c.app(ctx, func(app *App) error {
				hubs, err := app.hubs(ctx, args)
				if err != nil {
					return err
				}
				world, plan, err := app.Planner.Preview(ctx, hubs[0].ID)
				if err != nil {
					return err
				}
				views := viewMembers(world, plan, bridge.Standing(standing))
				return c.show(views, func(w io.Writer) error {
					if hubs[0].PartnerOf != "" {
						return writeReach(w, views)
					}
					return table(w, "MEMBER STANDING PRESENCE ROLE OWNERSHIP NAME E-MAIL PERSON", func(row func(...any)) {
						for _, m := range views {
							row(m.ID, m.Standing, m.Presence, m.Role.Word(), m.Ownership, orDash(m.Name), orDash(m.Email), orDash(m.UserName))
						}
					})
				})
			})
		},
	}
	cmd.Flags().StringVar(&standing, "standing", "", "only onboarded, guest, unmatched, disputed, exempt, protected or partner")
	return cmd
}

func viewMembers(w bridge.World, p bridge.Plan, only bridge.Standing) []memberView {
	people := map[string]string{}
	for _, x := range w.People {
		people[x.ID] = x.UserName
	}
	rows := map[string]bridge.Row{}
	for _, r := range p.Rows {
		rows[r.MemberID] = r
	}
	views := []memberView{}
	for _, m := range w.Members {
		r := rows[m.ID]
		if m.Presence == bridge.Gone || only != "" && r.Standing != only {
			continue
		}
		views = append(views, memberView{m, r.Standing, people[m.PersonID], r.Reason})
	}
	return views
}

func (c *cli) tasks() *cobra.Command {
	var hub string
	var all bool
	cmd := &cobra.Command{
		Use:   "tasks [--hub SLUG] [--all]",
		Short: "List changes on their way, and what each waits for",
		Example: `  adbridge tasks --hub eu
  adbridge tasks --all --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return c.read(ctx, func(_ *App, tx *storage.Tx) error {
				f := storage.TaskFilter{}
				if hub != "" {
					h, err := tx.Hub(ctx, hub)
					if err != nil {
						return fmt.Errorf("hub %q: %w", hub, err)
					}
					f.HubID = h.ID
				}
				if !all {
					f.States = []bridge.TaskState{bridge.Ready, bridge.Running, bridge.TaskWait, bridge.Accepted, bridge.TaskHeld}
				}
				tasks, err := tx.TasksShown(ctx, f)
				if err != nil {
					return err
				}
				for _, t := range tasks {
					if t.State == bridge.TaskHeld {
						c.exit = exitHeld
					} else if !t.State.Ended() {
						c.exit = max(c.exit, exitChanges)
					}
				}
				return c.show(tasks, func(w io.Writer) error {
					return table(w, "ID STATE ACTION WHO TO TRIES REASON NOT-BEFORE", func(row func(...any)) {
						for _, t := range tasks {
							who := t.Email
							if who == "" {
								who = t.Name
							}
							row(t.ID, t.State, t.Action, who, taskTo(t), t.Attempt, orDash(string(t.Reason)), orDash(stamp(t)))
						}
					})
				})
			})
		},
	}
	cmd.Flags().StringVar(&hub, "hub", "", "only of this hub")
	cmd.Flags().BoolVar(&all, "all", false, "also those that have ended")
	return cmd
}

// taskTo is what a task is to bring about: a role on the hub, or roles on an asset.
func taskTo(t bridge.Task) string {
	switch t.Action {
	case bridge.Assign:
		return bridge.AssetAccess{Asset: t.Asset, Roles: t.Roles}.String()
	case bridge.Unassign:
		return t.Asset.String() + "=none"
	}
	return t.To.Word()
}

func stamp(t bridge.Task) string {
	if t.NotBefore.IsZero() {
		return ""
	}
	return when(t.NotBefore)
}
