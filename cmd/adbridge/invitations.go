package main

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/storage"
)

// invitationView is an invitation with its person and its age.
type invitationView struct {
	bridge.Invitation
	Hub      string `json:"hub"`
	UserName string `json:"user_name,omitempty"`
	Days     int    `json:"days"`  // since it was sent
	Stale    bool   `json:"stale"` // open for longer than stale-invitation-days
}

func (c *cli) invitations() *cobra.Command {
	var all, stale bool
	cmd := &cobra.Command{
		Use:   "invitations [HUB] [--stale] [--all]",
		Short: "List invitations that nobody has answered, and those that came to nothing",
		Long: `Lists the open invitations and the last one of everyone who declined or let it lapse and is not on the hub,
with how often they were asked. --stale keeps those that have been open for longer than the hub's
stale-invitation-days; --all shows every invitation ever sent. An open invitation is no access.

Exit code 2: some are stale.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return c.app(ctx, func(app *App) error {
				hubs, err := app.hubs(ctx, args)
				if err != nil {
					return err
				}
				views := []invitationView{}
				err = app.DB.Read(ctx, func(tx *storage.Tx) error {
					for _, h := range hubs {
						more, err := viewInvitations(ctx, tx, h, all)
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
				if stale {
					views = slices.DeleteFunc(views, func(v invitationView) bool { return !v.Stale })
				}
				if slices.ContainsFunc(views, func(v invitationView) bool { return v.Stale }) {
					c.exit = exitChanges
				}
				return c.show(views, func(w io.Writer) error {
					return table(w, "HUB PERSON ADDRESS ROLE STATE ATTEMPT SENT DAYS STALE", func(row func(...any)) {
						for _, v := range views {
							old := ""
							if v.Stale {
								old = "stale"
							}
							row(v.Hub, orDash(v.UserName), v.Email, v.Role.Word(), v.State, v.Attempt, when(v.SentAt), v.Days, old)
						}
					})
				})
			})
		},
	}
	cmd.Flags().BoolVar(&stale, "stale", false, "only those open for longer than stale-invitation-days")
	cmd.Flags().BoolVar(&all, "all", false, "every invitation ever sent")
	return cmd
}

func viewInvitations(ctx context.Context, tx *storage.Tx, hub bridge.Hub, all bool) ([]invitationView, error) {
	list, err := tx.Invitations(ctx, hub.ID)
	if err != nil {
		return nil, err
	}
	members, err := tx.Members(ctx, hub.ID, false)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, m := range members {
		if m.Presence == bridge.Active {
			there[m.PersonID] = true
		}
	}
	last := map[string]string{} // person → their last invitation
	var ids []string
	slices.SortStableFunc(list, func(a, b bridge.Invitation) int { return a.SentAt.Compare(b.SentAt) })
	for _, i := range list {
		last[i.PersonID] = i.ID
		ids = append(ids, i.PersonID)
	}
	names, err := userNames(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	var views []invitationView
	for _, i := range list {
		unanswered := (i.State.Lapsed() || i.State == bridge.InvitationDeclined) && last[i.PersonID] == i.ID && !there[i.PersonID]
		if !all && !i.State.Open() && !unanswered {
			continue
		}
		age := tx.Now().Sub(i.SentAt)
		views = append(views, invitationView{Invitation: i, Hub: hub.Slug, UserName: names[i.PersonID], Days: int(age / (24 * time.Hour)),
			Stale: i.State.Open() && age > time.Duration(hub.Settings.StaleInvitationDays)*24*time.Hour})
	}
	return views, nil
}
