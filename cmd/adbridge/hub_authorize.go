package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/tiktok"
	"adbridge/storage"
)

const (
	defaultRedirect = "http://localhost:9809/tiktok"
	revokeTimeout   = 15 * time.Second
)

// authorization is a token got by asking the account's owner in the browser,
// instead of from a file.
type authorization struct {
	url      string // pasted from the app's page
	redirect string
	wait     time.Duration
}

func (z *authorization) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&z.url, "authorize", "", "TikTok: the Advertiser authorization `URL` of the app, instead of a token file; needs --app-secret-file")
	cmd.Flags().StringVar(&z.redirect, "redirect", defaultRedirect, "with --authorize: a redirect `URL` registered on the app; one on localhost is listened on, for another you paste the address that the browser ends at")
	cmd.Flags().DurationVar(&z.wait, "wait", 15*time.Minute, "with --authorize: how long to wait for the answer")
}

// given says whether a token is to be asked for; it may not come twice.
func (z *authorization) given(p bridge.Platform, a access, secretKnown bool) (bool, error) {
	switch {
	case z.url == "":
		return false, nil
	case p != bridge.TikTok:
		return false, wrong("give --token-file; docs/meta.md says how a system user's token is made", "authorize: %s has no such page", p)
	case a.tokenFile != "":
		return false, wrong("give one of the two", "authorize: there is a --token-file, too")
	case a.appSecretFile == "" && !secretKnown:
		return false, wrong("give --app-secret-file: a code becomes a token only with the app's secret", "app-secret-file: it is missing")
	}
	return true, nil
}

// authorize leads an account's owner to TikTok's page and turns the code that
// comes back into a token. The hub gets the app that the page is of.
func (c *cli) authorize(ctx context.Context, app *App, hub *bridge.Hub, z authorization, secret bridge.Secret) (storage.Credentials, error) {
	cred := storage.Credentials{AppSecret: secret}
	state := rand.Text()
	link, appID, err := tiktok.AuthorizationURL(z.url, z.redirect, state)
	if err != nil {
		return cred, wrong("copy the URL from My Apps > App Detail at business-api.tiktok.com", "authorize: %w", err)
	}
	if hub.AppID != "" && hub.AppID != appID {
		return cred, wrong("give the authorization URL of that app, or its --app-id", "authorize: the URL is of app %s, and the app is %s", appID, hub.AppID)
	}
	hub.AppID = appID
	waiting, cancel := context.WithTimeout(ctx, z.wait)
	defer cancel()
	code, err := c.authCode(waiting, z.redirect, link, state)
	if errors.Is(err, context.DeadlineExceeded) {
		err = wrong("run the command again and confirm on TikTok's page", "authorize: nothing came back within %s", z.wait)
	}
	if err != nil {
		return cred, err
	}
	grant, err := tiktok.Exchange(ctx, app.tiktokConfig(*hub, cred, c.hear), code)
	if err != nil {
		return cred, err
	}
	cred.Token = grant.Token
	return cred, nil
}

// tiktokConfig is what TikTok's calls outside a Business Center are made with.
func (a *App) tiktokConfig(hub bridge.Hub, cred storage.Credentials, onCall func(connectors.Call)) connectors.Config {
	return connectors.Config{
		APIURL: hub.APIURL, AppID: hub.AppID, AppSecret: cred.AppSecret, Token: cred.Token,
		Budget: a.budgets.Of(hub.Platform, budgetName(hub, cred)), OnCall: onCall,
	}
}

// authCode shows the link and waits for what TikTok sends back: to an address
// of this machine, or by the person who pastes it.
func (c *cli) authCode(ctx context.Context, redirect, link, state string) (bridge.Secret, error) {
	back, err := url.Parse(redirect)
	if err != nil {
		return bridge.Secret{}, wrong("give a URL", "redirect: %w", err)
	}
	show := func() {
		fmt.Fprintf(c.err, "Open this address as the service account, and confirm:\n\n  %s\n\n", link)
	}
	if !loopback(back.Hostname()) || back.Scheme != "http" {
		show()
		fmt.Fprintln(c.err, "Then paste here the whole address that the browser ended at, and press Enter.")
		return c.pasted(ctx, state)
	}
	l, err := net.Listen("tcp", back.Host)
	if err != nil {
		return bridge.Secret{}, wrong("register another redirect URL on the app and give it with --redirect", "redirect: %w", err)
	}
	show()
	return awaitCode(ctx, l, back.Path, state)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// pasted reads the address that the browser ended at.
func (c *cli) pasted(ctx context.Context, state string) (bridge.Secret, error) {
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(io.LimitReader(c.in, 64<<10)).ReadString('\n')
		read <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return bridge.Secret{}, ctx.Err()
	case got := <-read:
		u, err := url.Parse(strings.TrimSpace(got.text))
		if err != nil || u.RawQuery == "" {
			return bridge.Secret{}, wrong("paste the whole address, with auth_code=… and state=…", "authorize: that is not an address with a code")
		}
		code, err := tiktok.AuthCode(u.Query(), state)
		if err != nil {
			return code, wrong("run the command again", "authorize: %w", err)
		}
		return code, nil
	}
}

// awaitCode takes the one answer that has our state. Others are refused and
// waited past: anyone on this machine can call a local address.
func awaitCode(ctx context.Context, l net.Listener, path, state string) (bridge.Secret, error) {
	type answer struct {
		code bridge.Secret
		err  error
	}
	got := make(chan answer, 1)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Referrer-Policy", "no-referrer")
		if r.Method != http.MethodGet || strings.Trim(r.URL.Path, "/") != strings.Trim(path, "/") {
			http.Error(w, "not here", http.StatusNotFound)
			return
		}
		code, err := tiktok.AuthCode(r.URL.Query(), state)
		if err != nil && r.URL.Query().Get("state") != state {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		select {
		case got <- answer{code, err}:
			_, _ = io.WriteString(w, "TikTok's answer has arrived; go on in the terminal. You may close this page.\n")
		default:
			http.Error(w, "an answer has arrived before", http.StatusGone)
		}
	})
	go func() { _ = server.Serve(l) }()
	// Let the page be written before the listener goes.
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(end) != nil {
			_ = server.Close()
		}
	}()
	select {
	case <-ctx.Done():
		return bridge.Secret{}, ctx.Err()
	case a := <-got:
		if a.err != nil {
			return a.code, wrong("run the command again", "authorize: %w", a.err)
		}
		return a.code, nil
	}
}

// chooseCenter is the Business Center that the account is Admin of, if there is
// one alone.
func (c *cli) chooseCenter(ctx context.Context, app *App, hub bridge.Hub, cred storage.Credentials) (string, error) {
	all, err := tiktok.Businesses(ctx, app.tiktokConfig(hub, cred, c.hear))
	if err != nil {
		return "", err
	}
	var ours []string
	for _, b := range all {
		fmt.Fprintf(c.err, "Business Center %s %q: %s, %s\n", b.ID, b.Name, b.Role.Word(), b.Status)
		if b.Role == bridge.Owner {
			ours = append(ours, b.ID)
		}
	}
	if len(ours) != 1 {
		return "", wrong("run the command again with the --business-id of one of those listed", "business-id: the account is Admin of %d Business Centers", len(ours))
	}
	return ours[0], nil
}

// revoke ends a token at TikTok.
func (a *App) revoke(ctx context.Context, hub bridge.Hub, cred storage.Credentials, onCall func(connectors.Call)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTimeout)
	defer cancel()
	return tiktok.Revoke(ctx, a.tiktokConfig(hub, cred, onCall))
}

// discard ends a token that was got and is not kept: nobody could end it later.
// Whether a second token of the same account shares the first one's fate is not
// documented, so with another hub on that app and account it is left alone.
func (c *cli) discard(ctx context.Context, app *App, hub bridge.Hub, found connectors.Connection, cred storage.Credentials) {
	sharing, err := app.sharing(ctx, hub, found.SelfID, cred)
	switch {
	case err == nil && len(sharing) > 0:
		fmt.Fprintf(c.err, "The token that was just made is not kept. It was not revoked, for the sake of %s; it has no end of its own.\n", strings.Join(sharing, ", "))
		return
	case err == nil:
		err = app.revoke(ctx, hub, cred, c.hear)
	}
	if err != nil {
		fmt.Fprintf(c.err, "The token that was just made is not kept, and could not be revoked: %v\n  → Revoke the app's access in the account's settings at TikTok.\n", err)
		return
	}
	fmt.Fprintln(c.err, "The token that was just made is not kept; it was revoked at TikTok.")
}

// sharing are the other hubs that may depend on a token: they have the same
// one, or one of the same app and account.
func (a *App) sharing(ctx context.Context, hub bridge.Hub, selfID string, cred storage.Credentials) (slugs []string, err error) {
	err = a.DB.Read(ctx, func(tx *storage.Tx) error {
		hubs, err := tx.Hubs(ctx)
		if err != nil {
			return err
		}
		for _, h := range hubs {
			if h.Platform != hub.Platform || h.APIURL != hub.APIURL {
				continue
			}
			theirs, err := tx.Credentials(ctx, h.ID)
			if err != nil {
				return err
			}
			same := theirs.Token.Reveal() == cred.Token.Reveal()
			if h.ID != hub.ID && (same || h.AppID == hub.AppID && selfID != "" && h.SelfID == selfID) {
				slugs = append(slugs, h.Slug)
			}
		}
		return nil
	})
	return slugs, err
}
