package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

func (c *cli) sourceDoctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor NAME",
		Short: "Say how far the set-up of a source is, what is wrong with what it sends, and how to mend it",
		Long: `Goes through the checklist of a new source, and through what its identity provider has sent in the last
seven days. Each finding has its fix in the words of the identity provider's own pages. A hint does no
harm; a problem keeps people from being provisioned.

Exit codes: 0 all is well, 2 the checklist is not finished, 1 there is a problem.`,
		Example: "  adbridge source doctor okta-main",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.read(cmd.Context(), func(_ *App, tx *storage.Tx) error {
				d, err := reconcile.Doctor(cmd.Context(), tx, args[0])
				if errors.Is(err, bridge.ErrNotFound) {
					return wrong("`adbridge source list` shows the sources", "%w", err)
				}
				if err != nil {
					return err
				}
				switch {
				case !d.Well():
					c.exit = exitError
				case !d.Finished():
					c.exit = exitChanges
				}
				return c.show(d, func(w io.Writer) error { return writeDiagnosis(w, d) })
			})
		},
	}
}

func writeDiagnosis(w io.Writer, d bridge.Diagnosis) error {
	fmt.Fprintf(w, "source %s (%s), last call %s\n\n", d.Source, d.Kind, when(d.LastSeen))
	for _, c := range d.Checklist {
		switch {
		case !c.Done:
			fmt.Fprintf(w, "  [ ] %s\n        next: %s\n", c.Title, c.Next)
		case c.At.IsZero():
			fmt.Fprintf(w, "  [x] %s\n", c.Title)
		default:
			fmt.Fprintf(w, "  [x] %-24s %s\n", c.Title, when(c.At))
		}
	}
	if len(d.Findings) == 0 {
		_, err := fmt.Fprintln(w, "\nnothing is wrong with what it sends")
		return err
	}
	for _, f := range d.Findings {
		weight := "hint"
		if f.Problem {
			weight = "PROBLEM"
		}
		at := ""
		if !f.At.IsZero() {
			at = ", last on " + when(f.At)
		}
		fmt.Fprintf(w, "\n%s  %s%s\n  %s\n  → %s\n", weight, f.Code, at, f.Detail, f.Fix)
	}
	return nil
}
