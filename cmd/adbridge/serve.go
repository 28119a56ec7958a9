package main

import (
	"net"
	"time"

	"github.com/spf13/cobra"

	"adbridge/web"
)

func (c *cli) serve() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the SCIM server, the planner and workers, and the pages",
		Long: `Runs everything in one process, on SQLite (default adbridge.db) or PostgreSQL. Several
servers may share one PostgreSQL database: each hub is worked by one of them at a time.

When it is ready it prints one line: the address, and a link that signs you in to the pages,
once, within a day. SIGTERM stops it cleanly.

  adbridge serve --listen :8080 --public-url https://scim.corp.example
  adbridge serve --db postgres://adbridge:…@db.corp.example/adbridge

/healthz says that the process lives, /readyz that it can serve.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			app, err := NewApp(ctx, c.config, c.logger())
			if err != nil {
				return err
			}
			defer app.Close()
			return app.Serve(ctx, func(addr net.Addr) error {
				link, err := web.SignInLink(ctx, app.DB, app.Config.PublicURL, c.by, 24*time.Hour)
				if err != nil {
					return err
				}
				return c.show(map[string]string{"listening": addr.String(), "public_url": app.Config.PublicURL, "sign_in": link},
					say("adbridge is ready on %s; SCIM at %s/scim/v2; sign in once, within a day, at %s\n", addr, app.Config.PublicURL, link))
			})
		},
	}
	cmd.Flags().StringVar(&c.config.Listen, "listen", "", "host:port to listen on (ADBRIDGE_LISTEN, default "+defaultListen+")")
	cmd.Flags().StringVar(&c.config.ScimRate, "scim-rate", "", "requests a second of one source, and how many at once; 0 = no limit (ADBRIDGE_SCIM_RATE, default "+defaultScimRate+")")
	cmd.Flags().StringVar(&c.config.TrustedProxy, "trusted-proxy", "", "`CIDRs` of the proxies whose X-Forwarded-For is believed; without it the direct peer is the caller (ADBRIDGE_TRUSTED_PROXY)")
	cmd.Flags().StringVar(&c.config.LogRetention, "log-retention", "", "how long the provisioning log keeps a request; 0 = for ever (ADBRIDGE_LOG_RETENTION, default "+defaultRetention+")")
	cmd.Flags().StringVar(&c.config.HistoryRetention, "history-retention", "", "how long plans, pulls and reports are kept, at least 31d; 0 = for ever (ADBRIDGE_HISTORY_RETENTION, default "+defaultHistory+")")
	return cmd
}
