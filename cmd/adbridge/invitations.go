package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

// invitationView is an invitation with its person, and what they are told.
type invitationView = reconcile.InvitationLine

func (c *cli) invitations() *cobra.Command {
	var all, stale bool
	var person string
	cmd := &cobra.Command{
		Use:   "invitations [HUB] [--stale] [--all] [--person WHO]",
		Short: "List invitations that nobody has answered, and those that came to nothing",
		Long: `Lists the open invitations and the last one of everyone who declined or let it lapse and is not on the hub:
address and role, where it stands (sent, pending once a read shows it, accepted, declined, expired, vanished,
cancelled), which attempt of how many it is, when it was sent, seen and ended, when the next one goes out by
itself, and what to tell the person. An open one that went to an address which is none of the person's any
more says so: adbridge plan tells how to have it sent to the other. --stale keeps those that have been open for longer than the hub's
stale-invitation-days; --all shows every invitation ever sent. An open invitation is no access.

Exit code 2: some are stale.`,
		Example: "  adbridge invitations eu --stale\n  adbridge invitations --person ana@corp.example --all",
		Args:    cobra.MaximumNArgs(1),
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
						more, err := reconcile.InvitationLines(ctx, tx, h, app.platforms[h.Platform].traits, all)
						if err != nil {
							return err
						}
						views = append(views, more...)
					}
					if person == "" {
						return nil
					}
					who, err := onePerson(ctx, tx, person)
					views = slices.DeleteFunc(views, func(v invitationView) bool { return v.PersonID != who.ID })
					return err
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
				return c.show(views, func(w io.Writer) error { return writeInvitations(w, views) })
			})
		},
	}
	cmd.Flags().BoolVar(&stale, "stale", false, "only those open for longer than stale-invitation-days")
	cmd.Flags().BoolVar(&all, "all", false, "every invitation ever sent")
	cmd.Flags().StringVar(&person, "person", "", "only those of this person: userName, e-mail, SCIM id or externalId")
	return cmd
}

func writeInvitations(w io.Writer, views []invitationView) error {
	at := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return when(t)
	}
	return table(w, "HUB PERSON ADDRESS ROLE STATE ATTEMPT SENT SEEN ENDED NEXT DAYS LOOK TELL-THE-PERSON", func(row func(...any)) {
		for _, v := range views {
			old := "-"
			switch {
			case v.AddressNow != "":
				old = "old address"
			case v.Stale:
				old = "stale"
			}
			row(v.Hub, orDash(v.UserName), v.Email, v.Role.Word(), v.State, fmt.Sprintf("%d/%d", v.Attempt, v.Attempts),
				at(v.SentAt), at(v.SeenAt), at(v.EndedAt), at(v.NextTry), v.Days, old, v.Tell)
		}
	})
}
