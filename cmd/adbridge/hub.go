package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/connectors/scimtarget"
	"adbridge/storage"
)

func (c *cli) hub() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hub",
		Short: "The Business Centers and business portfolios that people are on",
		Long: `A hub is one TikTok Business Center or one Meta business portfolio. A new hub starts in the mode
observe: it is read every day and reported on, and nothing on it is changed until you choose another mode.`,
	}
	cmd.AddCommand(c.hubAdd(), c.hubList(), c.hubShow(), c.hubMode(), c.hubSet(), c.hubPause(), c.hubResume(), c.hubConnect(), c.hubRemove(),
		c.hubDoctor(), c.hubAssets(), c.hubPartners(), c.hubCalls(), c.hubChanges(), c.hubBudget())
	return cmd
}

// hubView is a hub as scripts see it.
type hubView struct {
	ID           string            `json:"id"`
	Slug         string            `json:"slug"`
	Platform     bridge.Platform   `json:"platform"`
	BusinessID   string            `json:"business_id"`
	BusinessName string            `json:"business_name"`
	PartnerOf    string            `json:"partner_of,omitempty"` // id of the hub of ours
	Mode         bridge.Mode       `json:"mode"`
	State        bridge.HubState   `json:"state"`
	Halt         *bridge.Halt      `json:"halt,omitempty"`
	ActsAs       string            `json:"acts_as,omitempty"`
	APIURL       string            `json:"api_url,omitempty"`
	AppID        string            `json:"app_id,omitempty"`
	CreatedAt    time.Time         `json:"created_at"`
	LastPull     *bridge.Pull      `json:"last_pull,omitempty"`
	Preflight    *bridge.Preflight `json:"preflight,omitempty"`
	Settings     map[string]string `json:"settings,omitempty"`
}

func viewHub(h bridge.Hub) hubView {
	return hubView{ID: h.ID, Slug: h.Slug, Platform: h.Platform, BusinessID: h.BusinessID, BusinessName: h.BusinessName,
		PartnerOf: h.PartnerOf, Mode: h.Mode, State: h.State(), Halt: h.Halt, ActsAs: h.SelfName, APIURL: h.APIURL, AppID: h.AppID, CreatedAt: h.CreatedAt}
}

// access are the flags that name the credentials of a hub.
type access struct {
	tokenFile, appID, appSecretFile string
}

func (a *access) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.tokenFile, "token-file", "", "`file` with the platform's access token; - reads it from standard input")
	cmd.Flags().StringVar(&a.appID, "app-id", "", "id of the developer app that the token belongs to")
	cmd.Flags().StringVar(&a.appSecretFile, "app-secret-file", "", "`file` with the app's secret (Meta: sends appsecret_proof)")
}

// credentials reads the files; the token is left out where it is asked for.
func (c *cli) credentials(a access, asked bool) (cred storage.Credentials, err error) {
	if !asked {
		if a.tokenFile == "" {
			return cred, wrong("give --token-file FILE, or --token-file - to read it from standard input; a token does not belong on a command line", "token-file: it is missing")
		}
		if cred.Token, err = c.secretFile("token-file", a.tokenFile); err != nil {
			return cred, err
		}
	}
	if a.appSecretFile != "" {
		if cred.AppSecret, err = c.secretFile("app-secret-file", a.appSecretFile); err != nil {
			return cred, err
		}
	}
	return cred, nil
}

func (c *cli) secretFile(flag, file string) (bridge.Secret, error) {
	var b []byte
	var err error
	if file == "-" {
		b, err = io.ReadAll(io.LimitReader(c.in, 64<<10))
	} else {
		b, err = os.ReadFile(file)
	}
	if err != nil {
		return bridge.Secret{}, wrong("name a file that can be read", "%s: %w", flag, err)
	}
	s := strings.TrimSpace(string(b))
	if s == "" || strings.ContainsAny(s, " \n\t") {
		return bridge.Secret{}, wrong("put the credential alone into it, on one line", "%s: %s does not hold one credential", flag, file)
	}
	return bridge.NewSecret(s), nil
}

var digits = regexp.MustCompile(`^[0-9]{5,25}$`)

// businessID reads an id, or takes it from the address of the platform's own
// page. A SCIM target is known by the address itself.
func businessID(p bridge.Platform, s string) (string, error) {
	if p == bridge.SCIM {
		id, err := scimtarget.BusinessID(s)
		if err != nil {
			return "", wrong("copy the SCIM base URL from the product's provisioning settings", "%w", err)
		}
		return id, nil
	}
	if digits.MatchString(s) {
		return s, nil
	}
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		for _, key := range []string{"org_id", "bc_id", "business_id"} {
			if id := u.Query().Get(key); digits.MatchString(id) {
				return id, nil
			}
		}
		for part := range strings.SplitSeq(u.Path, "/") {
			if digits.MatchString(part) {
				return part, nil
			}
		}
	}
	return "", wrong("give the number from the platform's settings page, or that page's address", "business-id: %q is neither an id (digits only) nor an address that holds one", s)
}

func apiURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return "", wrong("give scheme, host and port alone, such as http://127.0.0.1:9801; the platform's path is kept", "api-url: %q is not such an address", s)
	}
	return u.Scheme + "://" + u.Host, nil
}

// check asks the platform about a hub before anything is saved.
func (c *cli) check(ctx context.Context, app *App, hub bridge.Hub, cred storage.Credentials) (connectors.Connection, error) {
	conn, err := app.Connect(hub, cred, c.hear)
	if err != nil {
		return connectors.Connection{}, err
	}
	found, err := conn.Check(ctx)
	if err != nil {
		return found, fmt.Errorf("%w; nothing was saved", err)
	}
	if hub.PartnerOf != "" {
		found = found.LookOnly()
	}
	var blocking []error
	for _, f := range found.Findings {
		if f.Blocking {
			blocking = append(blocking, wrong(f.Next, "%s: %s (%s)", f.Code, f.Detail, f.Next))
		} else if !c.json {
			fmt.Fprintf(c.err, "note: %s: %s\n  → %s\n", f.Code, f.Detail, f.Next)
		}
	}
	if len(blocking) == 1 {
		return found, blocking[0]
	}
	return found, errors.Join(blocking...)
}

func (c *cli) hubAdd() *cobra.Command {
	var platform, business, api, partnerOf string
	var a access
	var z authorization
	cmd := &cobra.Command{
		Use:   "add SLUG --platform tiktok|meta|scim --business-id ID|URL --token-file FILE",
		Short: "Connect a hub; the token and the business are checked before anything is saved",
		Long: `Asks the platform whether the token works, reaches the business and may manage its people, and
saves the hub only then, with the token sealed. The hub starts in the mode observe and is read at once.
docs/tiktok.md, docs/meta.md and docs/scim-target.md say where the token and the business id come from.

With --authorize, TikTok's own page asks the service account instead, and the token comes from there. It is
shown who was connected. --business-id may be left out if the account is Admin of one Business Center alone.

With --partner-of, the business is a partner's with whom a hub of yours shares assets. It is connected to look
only: its token can never be used for a change, and of its people only those are kept who reach what you share.`,
		Example: `  adbridge hub add eu --platform tiktok --business-id 7012345678901234567 --token-file tiktok.token
  adbridge hub add meta --platform meta --business-id 102030405060 --token-file - < meta.token
  adbridge hub add crm --platform scim --business-id https://crm.example.com/scim/v2 --token-file crm.token
  adbridge hub add eu --platform tiktok --authorize 'https://business-api.tiktok.com/portal/auth?app_id=…' --app-secret-file app.secret
  adbridge hub add agency --platform tiktok --business-id 7087654321098765432 --token-file agency.token --partner-of eu`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if err := reconcile.CheckSlug("slug", args[0]); err != nil {
				return wrong("choose a short name such as eu or meta-brand", "%w", err)
			}
			p, err := bridge.ParsePlatform(platform)
			if err != nil {
				return wrong("give --platform tiktok, meta or scim", "platform: %w", err)
			}
			hub := bridge.Hub{Slug: args[0], Platform: p, AppID: a.appID}
			ask, err := z.given(p, a, false)
			if err != nil {
				return err
			}
			if hub.BusinessID, err = businessID(p, business); err != nil && (business != "" || !ask) {
				return err
			}
			if hub.APIURL, err = apiURL(api); err != nil {
				return err
			}
			cred, err := c.credentials(a, ask)
			if err != nil {
				return err
			}
			return c.app(ctx, func(app *App) error {
				if err := slugFree(ctx, app, hub.Slug); err != nil {
					return err
				}
				if partnerOf != "" {
					if err := c.monitorOf(ctx, app, &hub, partnerOf); err != nil {
						return err
					}
				}
				if ask {
					if cred, err = c.authorize(ctx, app, &hub, z, cred.AppSecret); err != nil {
						return err
					}
				}
				found, hub, err := c.addHub(ctx, app, hub, cred)
				if err != nil {
					if ask {
						c.discard(ctx, app, hub, found, cred)
					}
					return err
				}
				if err := c.record(ctx, app, hub); err != nil {
					return err
				}
				return c.show(viewHub(hub), say("%s", connected(hub, actingAs(app.platforms[hub.Platform].traits, found), partnerOf)))
			})
		},
	}
	cmd.Flags().StringVar(&platform, "platform", "", "tiktok, meta or scim")
	cmd.Flags().StringVar(&business, "business-id", "", "id of the Business Center or portfolio, or the `address` of its page; of a SCIM target the base URL of its endpoint")
	cmd.Flags().StringVar(&api, "api-url", "", "scheme, host and port that replace the platform's own, for a simulator or a proxy")
	cmd.Flags().StringVar(&partnerOf, "partner-of", "", "the `HUB` of yours that shares assets with this business: it is connected to look only")
	a.flags(cmd)
	z.flags(cmd)
	return cmd
}

// offerClaim tells the operator how to say whose the account is that the token
// acts as, whatever its address.
func offerClaim(hub bridge.Hub) string {
	if hub.SelfID == "" {
		return ""
	}
	return fmt.Sprintf("If %s is someone's own account, say whose: adbridge match %s --self PERSON. It is never changed either way.\n", orDash(hub.SelfName), hub.Slug)
}

// slugFree asks before the platform is bothered.
func slugFree(ctx context.Context, app *App, slug string) error {
	return app.DB.Read(ctx, func(tx *storage.Tx) error {
		h, err := tx.Hub(ctx, slug)
		if errors.Is(err, bridge.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("slug %q: hub %s has it: %w", slug, h.BusinessName, bridge.ErrExists)
	})
}

func (c *cli) hubList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the hubs and what each is doing",
		Example: "  adbridge hub list --json | jq -r '.[] | select(.state != \"enforcing\") | .slug'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return c.read(ctx, func(_ *App, tx *storage.Tx) error {
				hubs, err := tx.Hubs(ctx)
				if err != nil {
					return err
				}
				views := make([]hubView, len(hubs))
				for i, h := range hubs {
					views[i] = viewHub(h)
					if p, ok, err := tx.LastPull(ctx, h.ID, false); err != nil {
						return err
					} else if ok {
						views[i].LastPull = &p
					}
				}
				return c.show(views, func(w io.Writer) error {
					return table(w, "SLUG PLATFORM BUSINESS NAME MODE STATE LAST-PULL", func(row func(...any)) {
						for _, v := range views {
							last := "never"
							if v.LastPull != nil {
								last = when(v.LastPull.StartedAt)
								if v.LastPull.Error != "" {
									last += " failed"
								}
							}
							mode := string(v.Mode)
							if v.PartnerOf != "" {
								mode += " (partner)"
							}
							row(v.Slug, v.Platform, v.BusinessID, v.BusinessName, mode, v.State, last)
						}
					})
				})
			})
		},
	}
}

func (c *cli) hubShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show HUB",
		Short:   "Show a hub with all its settings, their meaning and default",
		Example: "  adbridge hub show eu",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return c.read(ctx, func(_ *App, tx *storage.Tx) error {
				h, err := tx.Hub(ctx, args[0])
				if err != nil {
					return fmt.Errorf("hub %q: %w", args[0], err)
				}
				v := viewHub(h)
				v.Settings = map[string]string{}
				for _, s := range bridge.SettingTable {
					v.Settings[s.Key] = h.Settings.Get(s.Key)
				}
				if p, ok, err := tx.LastPull(ctx, h.ID, false); err != nil {
					return err
				} else if ok {
					v.LastPull = &p
				}
				if p, ok, err := tx.Preflight(ctx, h.ID); err != nil {
					return err
				} else if ok {
					v.Preflight = &p
				}
				return c.show(v, func(w io.Writer) error { return writeHub(w, v, h) })
			})
		},
	}
}

func writeHub(w io.Writer, v hubView, h bridge.Hub) error {
	fmt.Fprintf(w, "%s  %s %s (%s)\n  mode %s, %s", v.Slug, v.Platform, v.BusinessName, v.BusinessID, v.Mode, v.State)
	if h.Halt != nil {
		r := bridge.ReasonOf(h.Halt.Reason)
		fmt.Fprintf(w, " since %s: %s\n  %s (%s)\n  who acts: %s, next: %s", when(h.Halt.Since), h.Halt.Reason, r.Meaning, h.Halt.Note, r.Actor, r.Next)
	}
	fmt.Fprintf(w, "\n  acts as %s\n", v.ActsAs)
	if h.PartnerOf != "" {
		fmt.Fprintf(w, "  a partner's business, connected to look only: of its people those are kept who reach what you share\n")
	}
	if v.LastPull != nil {
		fmt.Fprintf(w, "  last pull %s, %d members, complete: %t %s\n", when(v.LastPull.StartedAt), v.LastPull.Members, v.LastPull.Complete, v.LastPull.Error)
	}
	if p := v.Preflight; p != nil {
		fmt.Fprintf(w, "  preconditions on %s: %d met, %d missing (adbridge hub doctor %s)\n", when(p.At), p.Count(bridge.Met), p.Count(bridge.Missing), v.Slug)
	}
	fmt.Fprintln(w)
	return table(w, "SETTING VALUE DEFAULT MEANING", func(row func(...any)) {
		for _, s := range bridge.SettingTable {
			row(s.Key, h.Settings.Get(s.Key), s.Default, s.Meaning)
		}
	})
}

func (c *cli) hubSet() *cobra.Command {
	return &cobra.Command{
		Use:     "set HUB KEY=VALUE…",
		Short:   "Change guards and windows of a hub; `hub show` lists them all",
		Example: "  adbridge hub set eu settle-window=1h max-removals-percent=10",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.app(cmd.Context(), func(app *App) error {
				hub, err := reconcile.ChangeHub(cmd.Context(), app.DB, args[0], c.by, audit.HubSet, func(h *bridge.Hub) (map[string]any, error) {
					return setAll(h, args[1:])
				})
				if err != nil {
					return err
				}
				return c.show(viewHub(hub), say("hub %s: %s\n", hub.Slug, strings.Join(args[1:], ", ")))
			})
		},
	}
}

// setAll sets every pair or none, and names all that are wrong.
func setAll(h *bridge.Hub, pairs []string) (map[string]any, error) {
	detail := map[string]any{}
	var faults []error
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			faults = append(faults, fmt.Errorf("%q is not KEY=VALUE", pair))
			continue
		}
		before := h.Settings.Get(key)
		if err := h.Settings.Set(key, value); err != nil {
			faults = append(faults, err)
			continue
		}
		detail[key] = map[string]any{"before": before, "after": h.Settings.Get(key)}
	}
	if len(faults) > 0 {
		return nil, wrong("`adbridge hub show` lists every setting with its meaning and default; nothing was changed", "%w", errors.Join(faults...))
	}
	return detail, nil
}
