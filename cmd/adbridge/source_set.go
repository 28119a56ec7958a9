package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/scim"
	"adbridge/storage"
)

// sourceView is a source as scripts see it.
type sourceView struct {
	bridge.Source
	BaseURL       string            `json:"base_url"`
	TokenEndpoint string            `json:"token_endpoint,omitempty"`
	Settings      map[string]string `json:"settings"`
}

func (c *cli) viewSource(s bridge.Source, a bridge.Admission) sourceView {
	v := sourceView{Source: s, BaseURL: c.baseURL(), Settings: map[string]string{}}
	for _, setting := range reconcile.AdmissionSettings {
		v.Settings[setting.Key] = setting.Get(a)
	}
	if a.WIF.Issuer != "" {
		v.TokenEndpoint = c.config.PublicURL + scim.TokenPath
	}
	return v
}

func (v sourceView) write(w io.Writer) error {
	fmt.Fprintf(w, "source %s (%s), domains %s, last call %s\n  SCIM base URL   %s\n", v.Name, v.Kind, strings.Join(v.Domains, ","), when(v.LastSeen), v.BaseURL)
	if v.TokenEndpoint != "" {
		fmt.Fprintf(w, "  token endpoint  %s\n", v.TokenEndpoint)
	}
	fmt.Fprintln(w)
	return table(w, "SETTING VALUE MEANING", func(row func(...any)) {
		for _, s := range reconcile.AdmissionSettings {
			row(s.Key, v.Settings[s.Key], s.Meaning)
		}
	})
}

func (c *cli) sourceShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a source, its addresses, and who may call for it",
		Example: "  adbridge source show okta-main",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.read(cmd.Context(), func(_ *App, tx *storage.Tx) error {
				s, a, err := admission(cmd.Context(), tx, args[0])
				if err != nil {
					return err
				}
				v := c.viewSource(s, a)
				return c.show(v, v.write)
			})
		},
	}
}

func admission(ctx context.Context, tx *storage.Tx, name string) (bridge.Source, bridge.Admission, error) {
	s, err := tx.Source(ctx, name)
	if err != nil {
		return s, bridge.Admission{}, wrong("`adbridge source list` shows the sources", "source %q: %w", name, err)
	}
	a, err := tx.Admission(ctx, s.ID)
	return s, a, err
}

func (c *cli) sourceSet() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set NAME KEY=VALUE…",
		Short: "Say who may call for a source: addresses, an issuer of JWTs, Entra without a secret",
		Long: `Every source has its tokens (adbridge source token). Besides these it may
  - take calls from some addresses only (ip-allow; behind a proxy see serve --trusted-proxy);
  - trust the JWTs of an OpenID provider (jwt-…), as Entra sends them when its Secret Token is left blank;
  - have the assertions of Entra's Workload Identity Federation exchanged for tokens of an hour (wif-…).
An empty value takes a setting away. It takes effect within a second.`,
		Example: `  adbridge source set okta-main ip-allow=192.0.2.0/24,198.51.100.7
  adbridge source set entra jwt-issuer=https://sts.windows.net/TENANT/ jwt-subject=OBJECT-ID
  adbridge source set entra wif-issuer=https://login.microsoftonline.com/TENANT/v2.0 wif-audience=api://APP wif-subject=OBJECT-ID`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			values := map[string]string{}
			for _, kv := range args[1:] {
				key, value, ok := strings.Cut(kv, "=")
				if !ok {
					return wrong("write it as KEY=VALUE; `adbridge source show` lists the keys", "%q has no =", kv)
				}
				values[strings.TrimSpace(key)] = value
			}
			return c.app(cmd.Context(), func(app *App) error {
				s, a, err := reconcile.SetAdmission(cmd.Context(), app.DB, args[0], c.by, values)
				if err != nil {
					return &usageError{err: err, next: "correct it; `adbridge source show " + args[0] + "` explains every setting"}
				}
				v := c.viewSource(s, a)
				return c.show(v, v.write)
			})
		},
	}
	return cmd
}
