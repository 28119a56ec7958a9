package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"reflect"
	"strings"
	"text/tabwriter"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
)

// The exit codes that scripts rely on.
const (
	exitDone    = 0 // nothing to do, or done
	exitError   = 1
	exitChanges = 2 // changes are pending
	exitHeld    = 3 // a guard holds changes back
)

// cli is one run of the command line.
type cli struct {
	in       io.Reader
	out, err io.Writer
	config   Config
	file     string // --config
	json     bool
	by       string // who acts, for the audit trail
	began    bool   // the command line was read
	exit     int
	heard    []connectors.Call // made for a hub that is being connected
}

// root is the command tree.
func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "adbridge",
		Short: "Bridge an identity provider to ad platforms: SCIM in, roles on TikTok and Meta out",
		Long: `adbridge is a SCIM 2.0 server that Okta or Entra ID push people and groups to.
Rules say which group has which role (owner or collaborator) on which hub (a TikTok
Business Center or a Meta business portfolio); adbridge invites, changes and removes
people there, and every day compares what each platform shows with the directory.

A first day:
  adbridge serve &                                              # SCIM server, pages, workers
  adbridge source add okta-main --kind okta --domain corp.example
  adbridge hub add eu --platform tiktok --business-id 7012345678901234567 --token-file token.txt
  adbridge rule add --group "TikTok EU Owners" --hub eu --role owner
  adbridge report eu                                            # what is there, and what would change
  adbridge hub mode eu full                                     # let it act

Exit codes: 0 nothing to do, 2 changes pending, 3 held by a guard, 1 an error.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return c.load() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return wrong(fmt.Sprintf("`%s --help` shows the flags", cmd.CommandPath()), "%w", err)
	})
	c.config.flags(root.PersistentFlags(), &c.file)
	root.PersistentFlags().BoolVar(&c.json, "json", false, "answer in JSON, errors too")
	root.PersistentFlags().StringVar(&c.by, "by", "", "who acts, for the audit trail (default: the signed-in user)")
	root.AddCommand(c.commands()...)
	return root
}

func (c *cli) load() error {
	c.began = true
	if c.by == "" {
		c.by = "cli"
		if u, err := user.Current(); err == nil && u.Username != "" {
			c.by = u.Username
		}
	}
	if err := c.config.load(c.file); err != nil {
		return &usageError{err: err, next: "mend the configuration named above and run the command again"}
	}
	return nil
}

// logger logs to stderr, so that stdout is the answer alone.
func (c *cli) logger() zerolog.Logger {
	level, _ := zerolog.ParseLevel(c.config.LogLevel)
	var w io.Writer = c.err
	if c.config.LogFormat == "text" {
		w = zerolog.ConsoleWriter{Out: c.err, NoColor: os.Getenv("NO_COLOR") != ""}
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// app opens the database for a command beside the server.
func (c *cli) app(ctx context.Context, do func(*App) error) error {
	log := c.logger()
	if c.config.LogLevel == defaultLogLevel { // a command's own words are enough
		log = log.Level(zerolog.WarnLevel)
	}
	app, err := NewApp(ctx, c.config, log)
	if err != nil {
		return err
	}
	return errors.Join(do(app), app.Close())
}

// read runs a reading transaction on the database.
func (c *cli) read(ctx context.Context, do func(*App, *storage.Tx) error) error {
	return c.app(ctx, func(app *App) error {
		return app.DB.Read(ctx, func(tx *storage.Tx) error { return do(app, tx) })
	})
}

// show answers with v as JSON, or with what text writes.
func (c *cli) show(v any, text func(io.Writer) error) error {
	if !c.json {
		var b strings.Builder // others' words are in it
		err := text(&b)
		_, werr := io.WriteString(c.out, bridge.PlainText(b.String()))
		return errors.Join(err, werr)
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice && r.IsNil() {
		v = []any{} // a list is an array, also when it is empty
	}
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// table writes rows under a head, in columns.
func table(w io.Writer, head string, rows func(row func(cells ...any))) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.ReplaceAll(head, " ", "\t"))
	rows(func(cells ...any) {
		for i, cell := range cells {
			if i > 0 {
				fmt.Fprint(tw, "\t")
			}
			fmt.Fprint(tw, bridge.Plain(fmt.Sprint(cell)))
		}
		fmt.Fprintln(tw)
	})
	return tw.Flush()
}

// usageError is a fault of what was asked, with its fix.
type usageError struct {
	err  error
	next string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// wrong makes a usage error: what is wrong with which field, and what to do.
func wrong(next, format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...), next: next}
}

// fail shows an error: what happened, and what to do next.
func (c *cli) fail(err error) {
	code, next := classify(err)
	if !c.json {
		fmt.Fprintf(c.err, "adbridge: %s\n", bridge.PlainText(err.Error()))
		if next != "" {
			fmt.Fprintf(c.err, "  → %s\n", bridge.PlainText(next))
		}
		return
	}
	enc := json.NewEncoder(c.err)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(map[string]any{"error": map[string]string{"code": code, "message": err.Error(), "next": next}})
}

// classify gives an error its stable code and the next step.
func classify(err error) (code, next string) {
	if e, ok := errors.AsType[*connectors.Error](err); ok {
		return string(connectors.ReasonOf(e)), nextByHand(e)
	}
	if e, ok := errors.AsType[*usageError](err); ok {
		return "usage", e.next
	}
	switch {
	case errors.Is(err, bridge.ErrNotFound):
		return "not_found", "check the name; the list command of the same noun shows what there is"
	case errors.Is(err, bridge.ErrExists):
		return "exists", "choose another name, or change what is there"
	case errors.Is(err, bridge.ErrConflict):
		return "conflict", "someone else changed it meanwhile; look at it and try again"
	case errors.Is(err, storage.ErrSealed):
		return "sealed", "`adbridge key status` shows which keys are at hand and what each one sealed"
	case errors.Is(err, context.Canceled):
		return "cancelled", ""
	}
	return "error", "run the command again; if it goes on, the log of the server says more"
}
