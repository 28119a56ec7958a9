package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

func (c *cli) source() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "source",
		Short: "The identity providers that push people and groups here",
		Long: `A source is one IdP connection: its people and groups are its own, and its bearer token
says which source a SCIM request belongs to.`,
	}
	cmd.AddCommand(c.sourceAdd(), c.sourceList(), c.sourceShow(), c.sourceSet(), c.sourceToken(), c.sourceDoctor(), c.sourceLog(), c.sourceTest())
	return cmd
}

// newSource is what `source add` answers; scripts rely on it.
type newSource struct {
	Name    string            `json:"name"`
	Kind    bridge.SourceKind `json:"kind"`
	Domains []string          `json:"domains"`
	BaseURL string            `json:"base_url"`
	Token   string            `json:"token"`
}

func (c *cli) baseURL() string { return c.config.PublicURL + "/scim/v2" }

func (c *cli) sourceAdd() *cobra.Command {
	var kind string
	var domains []string
	cmd := &cobra.Command{
		Use:   "add NAME --kind okta|entra|other --domain corp.example",
		Short: "Connect an identity provider; prints the SCIM base URL and the token once",
		Long: `Makes a source and its first token. The token is shown once and kept only as a hash: paste it
into the IdP now (docs/okta.md, docs/entra.md). --domain names the corporate e-mail domains;
people with other addresses count as guests in reports. Without it everyone counts as corporate.`,
		Example: "  adbridge source add okta-main --kind okta --domain corp.example",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			k, err := bridge.ParseSourceKind(kind)
			if err != nil {
				return wrong("give --kind okta, entra or other", "kind: %w", err)
			}
			for i, d := range domains {
				domains[i] = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(d), "@"))
				if !strings.Contains(domains[i], ".") || strings.ContainsAny(domains[i], "@/ ") {
					return wrong("give a domain such as corp.example", "domain: %q is not an e-mail domain", d)
				}
			}
			return c.app(cmd.Context(), func(app *App) error {
				s, token, err := reconcile.AddSource(cmd.Context(), app.DB, bridge.Source{Name: args[0], Kind: k, Domains: domains}, "first", c.by)
				if err != nil {
					return err
				}
				made := newSource{s.Name, s.Kind, s.Domains, c.baseURL(), token.Reveal()}
				return c.show(made, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "source %s is ready\n\n  SCIM base URL  %s\n  bearer token   %s\n\nThe token is not shown again. Paste both into the IdP: docs/%s.md says where.\n",
						s.Name, made.BaseURL, made.Token, guide(k))
					return err
				})
			})
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "okta, entra or other")
	cmd.Flags().StringSliceVar(&domains, "domain", nil, "corporate e-mail `domain`, may be repeated")
	return cmd
}

func guide(k bridge.SourceKind) string {
	if k == bridge.Other {
		return "okta"
	}
	return string(k)
}

func (c *cli) sourceList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the sources, and when each last called",
		Example: "  adbridge source list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.read(cmd.Context(), func(_ *App, tx *storage.Tx) error {
				sources, err := tx.Sources(cmd.Context())
				if err != nil {
					return err
				}
				return c.show(sources, func(w io.Writer) error {
					return table(w, "NAME KIND DOMAINS LAST-SEEN", func(row func(...any)) {
						for _, s := range sources {
							row(s.Name, s.Kind, strings.Join(s.Domains, ","), when(s.LastSeen))
						}
					})
				})
			})
		},
	}
}

// when shows a time, or that there was none.
func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

// tokenView is a token as it is listed; the token itself is known to nobody.
type tokenView struct {
	ID           string    `json:"id"`
	Label        string    `json:"label"`
	ReadOnly     bool      `json:"read_only"`
	CreatedAt    time.Time `json:"created_at"`
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	RevokedAt    time.Time `json:"revoked_at,omitzero"`
	LastUsedAt   time.Time `json:"last_used_at,omitzero"`
	LastUsedFrom string    `json:"last_used_from,omitempty"`
}

func (c *cli) sourceToken() *cobra.Command {
	var add, readOnly bool
	var label, revoke string
	var expires time.Duration
	cmd := &cobra.Command{
		Use:   "token NAME [--add [--label L] [--expires 8760h] [--read-only]] [--revoke ID|LABEL]",
		Short: "List, add or revoke the tokens of a source",
		Long: `Without a flag, lists the source's tokens. To rotate without an outage: --add a second one,
paste it into the IdP, see it used here, then --revoke the first. Revoking takes effect within a second.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if add && revoke != "" {
				return wrong("add the new token first, revoke the old one when the IdP uses the new", "give --add or --revoke, not both")
			}
			return c.app(ctx, func(app *App) error {
				switch {
				case add:
					t := storage.Token{Label: label, ReadOnly: readOnly}
					if expires > 0 {
						t.ExpiresAt = time.Now().Add(expires).UTC()
					}
					s, token, err := reconcile.AddToken(ctx, app.DB, args[0], t, c.by)
					if err != nil {
						return err
					}
					made := newSource{s.Name, s.Kind, s.Domains, c.baseURL(), token.Reveal()}
					return c.show(made, func(w io.Writer) error {
						_, err := fmt.Fprintf(w, "another token for source %s, shown once:\n\n  %s\n", s.Name, made.Token)
						return err
					})
				case revoke != "":
					if err := reconcile.RevokeToken(ctx, app.DB, args[0], revoke, c.by); err != nil {
						return err
					}
					return c.show(map[string]string{"revoked": revoke}, say("token %s of source %s is revoked\n", revoke, args[0]))
				}
				return app.DB.Read(ctx, func(tx *storage.Tx) error { return c.listTokens(tx, cmd, args[0]) })
			})
		},
	}
	cmd.Flags().BoolVar(&add, "add", false, "make another token")
	cmd.Flags().StringVar(&label, "label", "", "name of the new token")
	cmd.Flags().DurationVar(&expires, "expires", 0, "the new token ends after so long; 0 = never (Entra quarantines a job whose token ends)")
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "the new token may read only")
	cmd.Flags().StringVar(&revoke, "revoke", "", "end this token")
	return cmd
}

func (c *cli) listTokens(tx *storage.Tx, cmd *cobra.Command, name string) error {
	ctx := cmd.Context()
	s, err := tx.Source(ctx, name)
	if err != nil {
		return err
	}
	tokens, err := tx.Tokens(ctx, s.ID)
	if err != nil {
		return err
	}
	views := make([]tokenView, 0, len(tokens))
	for _, t := range tokens {
		if t.Issued && !t.Holds(tx.Now()) { // one an hour
			continue
		}
		views = append(views, tokenView{t.ID, t.Label, t.ReadOnly, t.CreatedAt, t.ExpiresAt, t.RevokedAt, t.LastUsedAt, t.LastUsedFrom})
	}
	slices.SortFunc(views, func(a, b tokenView) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return c.show(views, func(w io.Writer) error {
		return table(w, "ID LABEL SCOPE CREATED LAST-USED FROM ENDS", func(row func(...any)) {
			for _, t := range views {
				scope, ends := "read-write", when(t.ExpiresAt)
				if t.ReadOnly {
					scope = "read-only"
				}
				if !t.RevokedAt.IsZero() {
					ends = "revoked " + when(t.RevokedAt)
				}
				row(t.ID, t.Label, scope, when(t.CreatedAt), when(t.LastUsedAt), t.LastUsedFrom, ends)
			}
		})
	})
}

// say writes one sentence.
func say(format string, args ...any) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := fmt.Fprintf(w, format, args...)
		return err
	}
}
