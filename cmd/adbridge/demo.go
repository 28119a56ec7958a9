package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/scim/idpsim"
	"adbridge/storage"
	"adbridge/web"
)

func (c *cli) demo() *cobra.Command {
	var once bool
	var dir string
	cmd := &cobra.Command{
		Use:   "demo [--once]",
		Short: "See it all run: simulated TikTok, Meta, Okta and Entra ID around the real thing",
		Long: `Starts adbridge on a SQLite database in a temporary folder, a TikTok and a Meta simulator with the
people of a small company, and plays an Okta and an Entra ID provisioning session against it: people,
groups, a mover, a leaver, a rename, a mass removal that a guard holds and an admin approves.

It goes on running until you stop it, so that you can look around. --once checks on the simulated
platforms that every step had its effect, prints the report of every hub, exports the audit trail,
verifies it, and ends with exit code 0; a step without its effect ends it with 1 and the reason.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &demo{cli: c, once: once, dir: dir}
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "play it, check it, and end")
	cmd.Flags().StringVar(&dir, "dir", "", "`folder` for the database and the exports (default: a new temporary one)")
	cmd.Flags().StringVar(&c.config.Listen, "listen", "", "host:port of the server (default "+defaultListen+", or any free port)")
	return cmd
}

// whatToLookAt ends the story of a demo that goes on.
const whatToLookAt = `
It goes on running; stop it with Ctrl-C. Sign in with the link at the top, then look at

  %[1]s/hubs/tiktok-eu              who is on a hub, who ought to be, and why
  %[1]s/hubs/tiktok-us/report       the reconciliation report; its counts add up
  %[1]s/people?q=julia              a mover: from Collaborator to Owner, step by step
  %[1]s/events                      the audit trail, sealed

or, in another terminal, with ADBRIDGE_DB=%[2]s ADBRIDGE_KEY_FILE=%[3]s:

  adbridge explain kofi.mensah@lumen.example      why was he removed?
  adbridge hub assets tiktok-eu --users advertiser:7216184256936150001
  adbridge members tiktok-eu --standing unmatched
  adbridge audit export --out audit.jsonl && adbridge audit verify audit.jsonl`

// demo is one run of the demonstration.
type demo struct {
	*cli
	once   bool
	dir    string
	app    *App
	tiktok *tiktoksim.Sim
	meta   *metasim.Sim
	hubs   map[string]bridge.Hub
	okta   *idpsim.Okta
	entra  *idpsim.Entra
}

func (d *demo) run(ctx context.Context) (err error) {
	if d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "adbridge-demo-"); err != nil {
			return err
		}
	} else if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopped, err := d.start(ctx)
	if err != nil {
		return err
	}
	defer func() {
		cancel()
		err = errors.Join(err, <-stopped, d.app.Close())
	}()
	if err := d.play(ctx); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if d.once {
		return d.conclude(ctx)
	}
	d.say(whatToLookAt, d.config.PublicURL, d.config.DB, d.config.KeyFile)
	<-ctx.Done()
	return nil
}

// start brings up the platforms and adbridge itself.
func (d *demo) start(ctx context.Context) (stopped <-chan error, err error) {
	d.tiktok = tiktoksim.New(tiktoksim.Options{World: tiktokWorld()})
	if d.meta, err = metasim.New(metasim.Options{World: metaWorld()}); err != nil {
		return nil, err
	}
	d.tiktok.AutoAccept(time.Second)
	d.meta.AutoAccept(&metasim.AutoAccept{After: metasim.Duration(time.Second)})
	ttURL, err := serveSim(ctx, d.tiktok)
	if err != nil {
		return nil, err
	}
	metaURL, err := serveSim(ctx, d.meta)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", d.config.Listen)
	if err != nil { // the usual port is taken: any other will do here
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, err
		}
	}
	d.config.DB, d.config.KeyFile = filepath.Join(d.dir, "adbridge.db"), filepath.Join(d.dir, "adbridge.key")
	d.config.PublicURL = publicURL(listener.Addr().String())
	log := d.logger()
	if d.config.LogLevel == defaultLogLevel {
		log = log.Level(3) // errors only: the story is the output
	}
	if d.app, err = NewApp(ctx, d.config, log); err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	up := make(chan struct{})
	go func() {
		done <- d.app.ServeOn(ctx, listener, func(net.Addr) error { close(up); return nil })
	}()
	select {
	case <-up:
	case err := <-done:
		return nil, err
	}
	return done, d.connect(ctx, ttURL, metaURL)
}

// serveSim gives a simulator an address of its own until ctx ends.
func serveSim(ctx context.Context, sim http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return "http://" + l.Addr().String(), nil
}

// connect adds the hubs and sources, as an operator would, and says where
// everything is.
func (d *demo) connect(ctx context.Context, ttURL, metaURL string) error {
	d.hubs = map[string]bridge.Hub{}
	tt, fb := bridge.NewSecret(ttToken), bridge.NewSecret(fbToken)
	for _, h := range []struct {
		hub  bridge.Hub
		cred storage.Credentials
	}{
		{bridge.Hub{Slug: "tiktok-eu", Platform: bridge.TikTok, BusinessID: bcEU, APIURL: ttURL, AppID: ttApp}, storage.Credentials{Token: tt}},
		{bridge.Hub{Slug: "tiktok-us", Platform: bridge.TikTok, BusinessID: bcUS, APIURL: ttURL, AppID: ttApp}, storage.Credentials{Token: tt}},
		{bridge.Hub{Slug: "meta-oak", Platform: bridge.Meta, BusinessID: metaBiz, APIURL: metaURL, AppID: metaApp}, storage.Credentials{Token: fb, AppSecret: bridge.NewSecret(fbSecret)}},
	} {
		found, err := d.check(ctx, d.app, h.hub, h.cred)
		if err != nil {
			return err
		}
		hub, err := reconcile.AddHub(ctx, d.app.DB, h.hub, h.cred, found, d.by)
		if err != nil {
			return err
		}
		d.hubs[hub.Slug] = hub
		// A demo cannot wait half an hour to see who moved.
		if _, err := reconcile.ChangeHub(ctx, d.app.DB, hub.ID, d.by, audit.HubSet, func(h *bridge.Hub) (map[string]any, error) {
			return setAll(h, []string{"settle-window=2s", "propagation-delay=0s"})
		}); err != nil {
			return err
		}
	}
	base := d.baseURL()
	okta, oktaToken, err := reconcile.AddSource(ctx, d.app.DB, bridge.Source{Name: "okta-lumen", Kind: bridge.Okta, Domains: []string{lumen}}, "first", d.by)
	if err != nil {
		return err
	}
	entra, entraToken, err := reconcile.AddSource(ctx, d.app.DB, bridge.Source{Name: "entra-oak", Kind: bridge.Entra, Domains: []string{oak}}, "first", d.by)
	if err != nil {
		return err
	}
	d.okta = &idpsim.Okta{BaseURL: base, Token: oktaToken.Reveal()}
	d.entra = &idpsim.Entra{BaseURL: base, Token: entraToken.Reveal()}
	link, err := web.SignInLink(ctx, d.app.DB, d.config.PublicURL, d.by, 24*time.Hour)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.out, `adbridge demo

  open            %s
  SCIM base URL   %s
  tokens          %s  %s
                  %s  %s
  TikTok          %s/open_api/v1.3   (its controls: %s/_sim/)
  Meta            %s/v26.0           (its controls: %s/_sim/)

`, link, base, okta.Name, oktaToken.Reveal(), entra.Name, entraToken.Reveal(), ttURL, ttURL, metaURL, metaURL)
	return err
}

// say prints a line of progress.
func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// conclude checks the platforms, prints the reports, and exports and verifies
// the audit trail.
func (d *demo) conclude(ctx context.Context) error {
	if err := d.verifyPlatforms(); err != nil {
		return err
	}
	d.say("\nEvery step had its effect on the simulated platforms.\n")
	for _, slug := range []string{"tiktok-eu", "tiktok-us", "meta-oak"} {
		if err := d.app.writeReport(ctx, d.hubs[slug].ID, "text", d.out); err != nil {
			return err
		}
		fmt.Fprintln(d.out)
	}
	file := filepath.Join(d.dir, "audit.jsonl")
	verdict, err := d.exportAndVerify(ctx, file)
	if err != nil {
		return err
	}
	d.say("audit trail: %s\n%s", file, verdict)
	return nil
}

// exportAndVerify writes the audit trail to a file and checks the file.
func (d *demo) exportAndVerify(ctx context.Context, file string) (string, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	err = d.app.exportAudit(ctx, f, exportOptions{format: "jsonl"})
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	in, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer in.Close()
	return verifyAudit(in)
}
