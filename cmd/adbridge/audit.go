package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge/audit"
	"adbridge/storage"
)

func (c *cli) audit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Export the audit trail, and prove that an export is whole",
		Long: `Every SCIM change, decision, plan, task and platform call is an event. Each event carries the hash of the
one before it, the end of the chain is signed, and so is every export: docs/audit.md has the format.`,
	}
	cmd.AddCommand(c.auditExport(), c.auditVerify(), c.auditKey())
	return cmd
}

// exportOptions say what an export holds.
type exportOptions struct {
	format       string
	since, until time.Time
}

// filter names what an export leaves out. Events are chained in the order in
// which they were committed, which at the edges of a time need not be the
// order of their times: what lies between may have gaps.
func (o exportOptions) filter() string {
	var parts []string
	if !o.since.IsZero() {
		parts = append(parts, "since "+when(o.since))
	}
	if !o.until.IsZero() {
		parts = append(parts, "until "+when(o.until))
	}
	return strings.Join(parts, " ")
}

func (c *cli) auditExport() *cobra.Command {
	var o exportOptions
	var since, until, out string
	cmd := &cobra.Command{
		Use:   "export --format jsonl|csv [--since DAY] [--until DAY] [--out FILE]",
		Short: "Write the audit trail, with a signed last line",
		Example: `  adbridge audit export --format jsonl --out audit.jsonl
  adbridge audit export --format csv --since 2026-03-01 --until 2026-04-01 > march.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.format != "jsonl" && o.format != "csv" {
				return wrong("give --format jsonl or csv", "format: %q is not known", o.format)
			}
			if o.since, err = date("since", since); err != nil {
				return err
			}
			if o.until, err = date("until", until); err != nil {
				return err
			}
			if !o.until.IsZero() && !o.since.Before(o.until) {
				return wrong("--until is the first moment that is left out; it must be after --since", "until: %s is not after %s", until, since)
			}
			return c.app(cmd.Context(), func(app *App) error {
				if out == "" || out == "-" {
					return app.exportAudit(cmd.Context(), c.out, o)
				}
				return app.exportFile(cmd.Context(), out, o)
			})
		},
	}
	cmd.Flags().StringVar(&o.format, "format", "jsonl", "jsonl or csv")
	cmd.Flags().StringVar(&since, "since", "", "from this day or time on (UTC)")
	cmd.Flags().StringVar(&until, "until", "", "before this day or time (UTC)")
	cmd.Flags().StringVar(&out, "out", "", "`file` to write (default: standard output)")
	return cmd
}

// exportFile writes an export whole or not at all.
func (a *App) exportFile(ctx context.Context, file string, o exportOptions) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".adbridge-export-*")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	err = a.exportAudit(ctx, f, o)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("export to %s: %w", file, err), os.Remove(f.Name()))
	}
	return nil
}

// exportAudit seals what has happened so far and streams it, with a trailer
// signed by the server's key.
func (a *App) exportAudit(ctx context.Context, w io.Writer, o exportOptions) error {
	for n := sealMost; n == sealMost; {
		var err error
		if n, err = sealSome(ctx, a.DB); err != nil {
			return fmt.Errorf("seal the audit trail: %w", err)
		}
	}
	var key ed25519.PrivateKey
	err := a.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if key, err = tx.SigningKey(ctx); err != nil {
			return err
		}
		return tx.AddEvents(ctx, audit.Event{Actor: audit.ActorBridge, Action: audit.AuditExported, Subject: o.format,
			Detail: map[string]any{"since": o.since, "until": o.until}})
	})
	if err != nil {
		return err
	}
	x := audit.Export{Key: key, MadeAt: a.DB.Now(), Since: o.since, Until: o.until, Filter: o.filter()}
	write := audit.WriteJSONL
	if o.format == "csv" {
		write = audit.WriteCSV
	}
	// No transaction is held while a slow reader takes it in: SQLite's log would grow all the while.
	_, err = write(w, a.DB.Events(ctx, storage.EventFilter{Since: o.since, Until: o.until}), x)
	return err
}

func (c *cli) auditVerify() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "verify FILE [--key FINGERPRINT]",
		Short: "Find an edited, deleted, inserted, reordered or cut-off line; needs no database",
		Long: `Reads an export and says whether it is whole, naming the first line that is not. --key demands the
signature of the server you know (` + "`adbridge audit key`" + ` shows its fingerprint): without it, someone
who can write files could have made a whole one of their own. Exit code 0: whole; 1: not.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return wrong("name a file that audit export wrote", "file: %w", err)
			}
			defer f.Close()
			verify := audit.Verify
			if key != "" {
				verify = func(r io.Reader) (audit.Verdict, error) { return audit.VerifyBy(r, key) }
			}
			v, err := verify(f)
			if err != nil {
				return err
			}
			if !v.Whole {
				c.exit = exitError
			}
			return c.show(v, say("%s\n", verdictText(v)))
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "fingerprint of the key that must have signed it")
	return cmd
}

// verifyAudit verifies an export and says so in a sentence; a file that is
// not whole is an error.
func verifyAudit(r io.Reader) (string, error) {
	v, err := audit.Verify(r)
	if err == nil && !v.Whole {
		err = errors.New(verdictText(v))
	}
	return verdictText(v), err
}

func verdictText(v audit.Verdict) string {
	switch {
	case v.Problem != nil && v.Problem.Line > 0:
		return fmt.Sprintf("NOT whole: line %d: %s", v.Problem.Line, v.Problem.What)
	case v.Problem != nil:
		return "NOT whole: " + v.Problem.What
	case !v.Whole:
		return fmt.Sprintf("NOT whole: %d events fit together, but there is no last line that says where the file ends", v.Events)
	}
	s := fmt.Sprintf("whole: %d events, %d to %d, each follows from the one before", v.Events, v.FirstSeq, v.LastSeq)
	if v.Signed {
		s += ", signed by key " + v.Key
	}
	return s
}

func (c *cli) auditKey() *cobra.Command {
	return &cobra.Command{
		Use:     "key",
		Short:   "Show the fingerprint of the key that signs exports",
		Example: `  adbridge audit verify audit.jsonl --key "$(adbridge audit key)"`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return c.app(ctx, func(app *App) error {
				var key ed25519.PrivateKey
				err := app.DB.Write(ctx, func(tx *storage.Tx) (err error) {
					key, err = tx.SigningKey(ctx)
					return err
				})
				if err != nil {
					return err
				}
				print := audit.FingerprintOf(key)
				return c.show(map[string]string{"key": print}, say("%s\n", print))
			})
		},
	}
}
