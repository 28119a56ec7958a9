package main

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"adbridge/web"
)

func (c *cli) signIn() *cobra.Command {
	var as string
	var life time.Duration
	cmd := &cobra.Command{
		Use:   "sign-in",
		Short: "Make a link that signs somebody in to the pages, once",
		Long: `Makes a sign-in link for the pages of the server that runs on this database. Give each person one of
their own: the audit trail names who signed in. Whoever has the link can use it, once; the sign-in then
lasts twelve hours and shows everything.`,
		Example: `  adbridge sign-in
  adbridge sign-in --as tom@corp.example --for 2h`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if life < time.Minute || life > 7*24*time.Hour {
				return wrong("give --for between 1m and 168h", "for: %s is not a time for a sign-in link", life)
			}
			return c.app(cmd.Context(), func(app *App) error {
				who := cmp.Or(as, c.by)
				link, err := web.SignInLink(cmd.Context(), app.DB, app.Config.PublicURL, who, life)
				if err != nil {
					return err
				}
				until := time.Now().Add(life).UTC()
				return c.show(map[string]any{"sign_in": link, "as": who, "until": until},
					say("%s can sign in once, until %s, at %s\n", who, until.Format("2006-01-02 15:04 MST"), link))
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "`name` under which the audit trail knows who signs in (default: who runs this command)")
	cmd.Flags().DurationVar(&life, "for", 24*time.Hour, "how long the link works")
	return cmd
}
