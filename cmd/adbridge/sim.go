package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
)

// Where the simulators listen unless told otherwise.
const (
	tiktokSimListen = "127.0.0.1:9801"
	metaSimListen   = "127.0.0.1:9802"
	scimSimListen   = "127.0.0.1:9803"
)

func (c *cli) sim() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Run a simulated TikTok, Meta or SCIM target, to rehearse on",
		Long: `The simulators know people, invitations, roles, tokens, limits and errors as the platforms document them,
and start from a world file. What people and foreign admins do, faults, the clock, and the answers to what
the platforms leave open are set below /_sim/ while it runs; GET /_sim/ lists it all.`,
		Example: `  adbridge sim example tiktok > world.json
  adbridge sim tiktok --world world.json --auto-accept 5s --switch masking=some`,
	}
	cmd.AddCommand(c.simRun(bridge.TikTok, tiktokSimListen, newTikTokSim), c.simRun(bridge.Meta, metaSimListen, newMetaSim),
		c.simRun(bridge.SCIM, scimSimListen, newSCIMSim), c.simExample())
	return cmd
}

// simOptions are what every simulator takes.
type simOptions struct {
	world      string
	listen     string
	accept     time.Duration
	switches   []string
	seed       int64
	unlimited  bool
	acceptsNow bool // --auto-accept was given: 0s is at once
}

// simHub is a business of a world with a token that manages it.
type simHub struct {
	BusinessID string `json:"business_id"`
	Name       string `json:"name"`
	Token      string `json:"token"`
	AppID      string `json:"app_id,omitempty"`
	AppSecret  string `json:"app_secret,omitempty"`
}

type newSim func(simOptions) (http.Handler, []simHub, error)

func (c *cli) simRun(p bridge.Platform, listen string, start newSim) *cobra.Command {
	var o simOptions
	cmd := &cobra.Command{
		Use:   string(p) + " [--world FILE] [--listen HOST:PORT]",
		Short: "Run a simulated " + p.Word() + " until it is stopped",
		Long: `Without --world it starts with the demo company's; ` + "`adbridge sim example`" + ` writes that as a file.
It prints a command to connect each business that a token of the world manages.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.acceptsNow = cmd.Flags().Changed("auto-accept")
			sim, hubs, err := start(o)
			if err != nil {
				return err
			}
			l, err := net.Listen("tcp", o.listen)
			if err != nil {
				return wrong("choose another address with --listen", "listen: %w", err)
			}
			at := "http://" + l.Addr().String()
			if err := c.show(map[string]any{"platform": p, "listening": l.Addr().String(), "api_url": at, "hubs": hubs}, func(w io.Writer) error {
				fmt.Fprintf(w, "simulated %s on %s; its controls: %s/_sim/\n", p.Word(), at, at)
				for i, h := range hubs {
					app := ""
					if h.AppID != "" {
						app = " --app-id " + h.AppID
					}
					fmt.Fprintf(w, "\n# %s\nprintf %%s '%s' | adbridge hub add sim-%s-%d --platform %s --api-url %s --business-id %s%s --token-file -\n",
						h.Name, h.Token, p, i+1, p, at, h.BusinessID, app)
				}
				return nil
			}); err != nil {
				return errors.Join(err, l.Close())
			}
			return serveUntil(cmd.Context(), l, sim)
		},
	}
	cmd.Flags().StringVar(&o.world, "world", "", "JSON `file` with the people, businesses, apps and tokens to start from")
	cmd.Flags().StringVar(&o.listen, "listen", listen, "host:port to listen on")
	cmd.Flags().DurationVar(&o.accept, "auto-accept", 0, "let invited people accept after this time; not at all unless given")
	cmd.Flags().StringArrayVar(&o.switches, "switch", nil, "`name=value` of an answer that the platform's documents leave open; may be repeated")
	cmd.Flags().Int64Var(&o.seed, "seed", 0, "of ids, tokens and random faults")
	cmd.Flags().BoolVar(&o.unlimited, "no-limits", false, "no rate limits and no invitation quota")
	return cmd
}

// serveUntil serves until ctx ends.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// loadWorld reads a world file, or takes the example where none is named.
func loadWorld[W any](file string, example func() W, load func(io.Reader) (W, error)) (W, error) {
	if file == "" {
		return example(), nil
	}
	var none W
	f, err := os.Open(file)
	if err != nil {
		return none, wrong("name a world file; `adbridge sim example` writes one", "world: %w", err)
	}
	defer f.Close()
	w, err := load(f)
	if err != nil {
		return none, wrong("mend the file; `adbridge sim example` writes one that works", "%s: %w", file, err)
	}
	return w, nil
}

func newTikTokSim(o simOptions) (http.Handler, []simHub, error) {
	w, err := loadWorld(o.world, tiktokWorld, tiktoksim.LoadWorld)
	if err != nil {
		return nil, nil, err
	}
	opts := tiktoksim.Options{World: w, Seed: o.seed}
	if err := setSwitches(&opts.Switches, o.switches); err != nil {
		return nil, nil, err
	}
	if o.unlimited {
		opts.QPS, opts.QPM, opts.QPD = -1, -1, -1
	}
	sim := tiktoksim.New(opts)
	if o.acceptsNow {
		sim.AutoAccept(o.accept)
	}
	var hubs []simHub
	for _, b := range w.BusinessCenters {
		for _, t := range w.Tokens {
			if slices.ContainsFunc(b.Members, func(m tiktoksim.Member) bool { return m.UserID == t.User && m.Role == "ADMIN" }) {
				h := simHub{BusinessID: b.BCID, Name: b.Name, Token: t.Token, AppID: t.AppID}
				for _, a := range w.Apps {
					if a.AppID == t.AppID {
						h.AppSecret = a.Secret
					}
				}
				hubs = append(hubs, h)
				break
			}
		}
	}
	return sim, hubs, nil
}

func newMetaSim(o simOptions) (http.Handler, []simHub, error) {
	w, err := loadWorld(o.world, metaWorld, metasim.LoadWorld)
	if err != nil {
		return nil, nil, err
	}
	opts := metasim.Options{World: w, Seed: o.seed}
	if err := setSwitches(&opts.Switches, o.switches); err != nil {
		return nil, nil, err
	}
	if o.unlimited {
		opts.Limits = metasim.Limits{InvitesPerDay: -1, CallsPerHour: -1}
	}
	if o.acceptsNow {
		opts.Accept = &metasim.AutoAccept{After: metasim.Duration(o.accept)}
	}
	sim, err := metasim.New(opts)
	if err != nil {
		return nil, nil, wrong("GET /_sim/switches of a running simulator lists the switches and their values", "%w", err)
	}
	var hubs []simHub
	for _, b := range w.Businesses {
		for _, t := range w.Tokens {
			if slices.ContainsFunc(b.SystemUsers, func(s metasim.SystemUser) bool { return s.ID == t.SystemUser && s.Role == "ADMIN" }) {
				h := simHub{BusinessID: b.ID, Name: b.Name, Token: t.Token, AppID: t.App}
				for _, a := range w.Apps {
					if a.ID == t.App {
						h.AppSecret = a.Secret
					}
				}
				hubs = append(hubs, h)
				break
			}
		}
	}
	return sim, hubs, nil
}

// setSwitches sets each name=value, by the names that /_sim/switches shows.
func setSwitches(into any, pairs []string) error {
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return wrong("write it as --switch masking=some", "switch: %q is not name=value", pair)
		}
		err := setSwitch(into, name, value)
		if _, number := errors.AsType[*json.UnmarshalTypeError](err); number && json.Valid([]byte(value)) {
			err = setSwitch(into, name, json.RawMessage(value))
		}
		if err != nil {
			return wrong("GET /_sim/switches of a running simulator lists the switches and their values", "switch %s: %w", pair, err)
		}
	}
	return nil
}

func setSwitch(into any, name string, value any) error {
	b, err := json.Marshal(map[string]any{name: value})
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func (c *cli) simExample() *cobra.Command {
	return &cobra.Command{
		Use:     "example tiktok|meta|scim",
		Short:   "Write an example world: the demo company's",
		Example: "  adbridge sim example meta > world.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var w any
			switch bridge.Platform(args[0]) {
			case bridge.TikTok:
				w = tiktokWorld()
			case bridge.Meta:
				w = metaWorld()
			case bridge.SCIM:
				w = scimWorld()
			default:
				return wrong("give tiktok, meta or scim", "platform: there is no simulator of %q", args[0])
			}
			enc := json.NewEncoder(c.out)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			return enc.Encode(w)
		},
	}
}
