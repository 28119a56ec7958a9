package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/scim/idpsim"
	"adbridge/storage"
)

// What `source test` makes is known by these, and only what bears them is deleted.
const (
	trialUser   = "adbridge-test-"
	trialDomain = "@adbridge-test.invalid" // RFC 2606: nobody gets mail there
	trialGroup  = "adbridge-test "
	trialAge    = 10 * time.Minute // no test lasts so long
)

func (c *cli) sourceTest() *cobra.Command {
	var as, base, tokenFile string
	cmd := &cobra.Command{
		Use:   "test [NAME] --as okta|entra [--url U --token-file F]",
		Short: "Play an identity provider against a running server, with throw-away people",
		Long: `Does what Okta or Entra ID do when a team sets them up: the connection test, then the life of two people
and a group, from their creation to their deletion, and says at each step what the identity provider
would see. What it makes is called ` + trialUser + `… and is deleted at the end, also after a failure; no rule can
mean it. With NAME it calls this adbridge under --public-url, with a token that it makes and revokes; with
--url and --token-file any SCIM server.

Exit codes: 0 every step went well, 1 one did not.`,
		Example: `  adbridge source test okta-main
  adbridge source test --as entra --url https://scim.corp.example/scim/v2 --token-file token.txt`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if len(args) == 0 {
				if base == "" || tokenFile == "" || as == "" {
					return wrong("give the NAME of a source, or --as, --url and --token-file", "there is nobody to play")
				}
				token, err := c.secretFile("token-file", tokenFile)
				if err != nil {
					return err
				}
				return c.try(ctx, bridge.SourceKind(as), base, token.Reveal())
			}
			if tokenFile != "" {
				return wrong("leave --token-file away: for a source of this adbridge a token is made", "give NAME or --token-file, not both")
			}
			return c.app(ctx, func(app *App) error {
				s, token, err := reconcile.AddToken(ctx, app.DB, args[0], storage.Token{Label: bridge.TrialLabel + trialID(), ExpiresAt: time.Now().Add(time.Hour).UTC()}, c.by)
				if err != nil {
					return err
				}
				kind := s.Kind
				if as != "" {
					kind = bridge.SourceKind(as)
				}
				if base == "" {
					base = c.baseURL()
				}
				err = c.try(ctx, kind, base, token.Reveal())
				end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
				defer cancel()
				return errors.Join(err, app.DB.Write(end, func(tx *storage.Tx) error { return reconcile.EndToken(end, tx, s, token, c.by) }))
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "okta or entra (default: the kind of the source)")
	cmd.Flags().StringVar(&base, "url", "", "SCIM base `URL` (default: --public-url with /scim/v2)")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "`file` with the bearer token; - reads it from standard input")
	return cmd
}

func trialID() string { return strings.ToLower(rand.Text()[:8]) }

// trialStep is what a step showed.
type trialStep struct {
	Step   string `json:"step"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// try plays the life of two people and a group.
func (c *cli) try(ctx context.Context, kind bridge.SourceKind, base, token string) error {
	base, _, _ = strings.Cut(strings.TrimRight(base, "/"), "?")
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return wrong("give the SCIM base URL, such as https://scim.corp.example/scim/v2", "url: %q is not an address", base)
	}
	t := &trial{base: base, token: token, id: trialID(), client: &http.Client{Timeout: time.Minute}}
	switch kind {
	case bridge.Okta:
		t.idp = &idpsim.Okta{BaseURL: base, Token: token, Client: t.client}
	case bridge.Entra:
		t.idp = &idpsim.Entra{BaseURL: base, Token: token, Client: t.client}
	default:
		return wrong("give --as okta or --as entra", "as: %q cannot be played", kind)
	}
	if !c.json {
		fmt.Fprintf(c.out, "%s plays against %s\n\n", t.idp.Name(), base)
		t.said = func(s trialStep) {
			mark := "ok    "
			if !s.OK {
				mark = "FAILED"
			}
			fmt.Fprintf(c.out, "  %s  %s\n", mark, s.Step)
			if s.Detail != "" {
				fmt.Fprintf(c.out, "          %s\n", s.Detail)
			}
		}
	}
	well := t.play(ctx)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // also when someone pressed Ctrl-C
	defer cancel()
	well = t.step("delete what the test made", func() (string, error) { return t.sweep(end, true) }) && well
	if !well {
		c.exit = exitError
	}
	return c.show(t.steps, func(w io.Writer) error {
		if !well {
			_, err := fmt.Fprintln(w, "\nnot every step went well")
			return err
		}
		_, err := fmt.Fprintf(w, "\n%s would be content\n", t.idp.Name())
		return err
	})
}

// trial is an identity provider played against a server.
type trial struct {
	idp         idpsim.IdP
	base, token string
	id          string
	client      *http.Client
	said        func(trialStep)
	steps       []trialStep
}

// step does one thing and says what came of it.
func (t *trial) step(name string, do func() (string, error)) bool {
	detail, err := do()
	s := trialStep{Step: name, OK: err == nil, Detail: detail}
	if err != nil {
		s.Detail = err.Error()
	}
	t.steps = append(t.steps, s)
	if t.said != nil {
		t.said(s)
	}
	return s.OK
}

// play goes on until a step fails: what comes after needs what came before.
func (t *trial) play(ctx context.Context) bool {
	user := func(letter, family string) idpsim.User {
		name := trialUser + t.id + "-" + letter + trialDomain
		return idpsim.User{UserName: name, Email: name, GivenName: "Test", FamilyName: family, DisplayName: "Test " + family}
	}
	first, second := user("a", "First"), user("b", "Second")
	group := idpsim.Group{DisplayName: trialGroup + t.id}
	var a, b, g string
	for _, s := range []struct {
		name string
		do   func() (string, error)
	}{
		{"test the connection", func() (string, error) { return "", t.idp.TestConnection(ctx) }},
		{"delete what an earlier test left", func() (string, error) { return t.sweep(ctx, false) }},
		{"create a person", func() (_ string, err error) {
			a, err = t.idp.CreateUser(ctx, first)
			return "linked to id " + a, err
		}},
		{"assign the person again: found by name and linked, not created twice", func() (string, error) {
			again, err := t.idp.CreateUser(ctx, first)
			if err == nil && again != a {
				err = fmt.Errorf("the server made a second user, %s beside %s", again, a)
			}
			return "", err
		}},
		{"create another person", func() (_ string, err error) {
			b, err = t.idp.CreateUser(ctx, second)
			return "linked to id " + b, err
		}},
		{"change the profile", func() (string, error) {
			first.DisplayName = "Test Changed"
			if err := t.idp.UpdateUser(ctx, a, first); err != nil {
				return "", err
			}
			return "", t.shows(ctx, "/Users/"+a, "displayName", "Test Changed")
		}},
		{"push a group with the person in it", func() (_ string, err error) {
			group.Members = []string{a}
			if g, err = t.idp.PushGroup(ctx, group); err != nil {
				return "", err
			}
			return "linked to id " + g, t.members(ctx, g, a)
		}},
		{"add the other person to the group", func() (string, error) {
			if err := t.idp.AddMembers(ctx, g, b); err != nil {
				return "", err
			}
			return "", t.members(ctx, g, a, b)
		}},
		{"take the first person out of the group", func() (string, error) {
			if err := t.idp.RemoveMembers(ctx, g, a); err != nil {
				return "", err
			}
			return "", t.members(ctx, g, b)
		}},
		{"rename the group", func() (string, error) {
			name := group.DisplayName + " renamed"
			if err := t.idp.RenameGroup(ctx, g, name); err != nil {
				return "", err
			}
			return "", t.shows(ctx, "/Groups/"+g, "displayName", name)
		}},
		{"deactivate the person", func() (string, error) {
			if err := t.idp.Deactivate(ctx, a); err != nil {
				return "", err
			}
			return "still there, inactive", t.shows(ctx, "/Users/"+a, "active", false)
		}},
		{"reactivate the person", func() (string, error) {
			if err := t.idp.Reactivate(ctx, a); err != nil {
				return "", err
			}
			return "", t.shows(ctx, "/Users/"+a, "active", true)
		}},
		{"delete the group", func() (string, error) {
			if err := t.idp.DeleteGroup(ctx, g); err != nil {
				return "", err
			}
			return "", t.gone(ctx, "/Groups/"+g)
		}},
	} {
		if !t.step(s.name, s.do) {
			return false
		}
	}
	return true
}

// send makes a request that no identity provider makes: a look, or a deletion.
func (t *trial) send(ctx context.Context, method, path string) (int, map[string]any, error) {
	req, err := http.NewRequestWithContext(ctx, method, t.base+path, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+t.token)
	req.Header.Set("Accept", "application/scim+json")
	resp, err := t.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return resp.StatusCode, nil, err
	}
	var body map[string]any
	if len(b) > 0 {
		err = json.Unmarshal(b, &body)
	}
	return resp.StatusCode, body, err
}

func (t *trial) get(ctx context.Context, path string) (map[string]any, error) {
	status, body, err := t.send(ctx, http.MethodGet, path)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("GET %s answered %d: %v", path, status, body["detail"])
	}
	return body, err
}

func (t *trial) shows(ctx context.Context, path, attribute string, want any) error {
	body, err := t.get(ctx, path)
	if err == nil && body[attribute] != want {
		err = fmt.Errorf("the server said yes, but %s has %s %v and not %v", path, attribute, body[attribute], want)
	}
	return err
}

func (t *trial) members(ctx context.Context, group string, want ...string) error {
	body, err := t.get(ctx, "/Groups/"+group)
	if err != nil {
		return err
	}
	list, _ := body["members"].([]any)
	have := map[string]bool{}
	for _, m := range list {
		if m, ok := m.(map[string]any); ok {
			id, _ := m["value"].(string)
			have[id] = true
		}
	}
	for _, id := range want {
		if !have[id] {
			return fmt.Errorf("the server said yes, but %s is not in the group", id)
		}
	}
	if len(list) != len(want) {
		return fmt.Errorf("the server said yes, but the group has %d members and not %d", len(list), len(want))
	}
	return nil
}

func (t *trial) gone(ctx context.Context, path string) error {
	status, _, err := t.send(ctx, http.MethodGet, path)
	if err == nil && status != http.StatusNotFound {
		err = fmt.Errorf("GET %s answered %d, not 404", path, status)
	}
	return err
}

// sweep deletes the users and groups that this test has made, or those of
// earlier ones that were cut off: what is younger may belong to a test that is
// going on beside this one.
func (t *trial) sweep(ctx context.Context, own bool) (string, error) {
	n := 0
	for _, k := range []struct {
		path, attribute, prefix, suffix string
	}{{"/Groups", "displayName", trialGroup, ""}, {"/Users", "userName", trialUser, trialDomain}} {
		body, err := t.get(ctx, k.path+"?filter="+url.QueryEscape(k.attribute+` sw "`+k.prefix+`"`)+"&count=100")
		if err != nil {
			return "", err
		}
		list, _ := body["Resources"].([]any)
		for _, r := range list {
			r, _ := r.(map[string]any)
			id, _ := r["id"].(string)
			name, _ := r[k.attribute].(string)
			// Another server may not know sw and answer with everybody.
			if id == "" || !strings.HasPrefix(name, k.prefix) || !strings.HasSuffix(name, k.suffix) {
				continue
			}
			meta, _ := r["meta"].(map[string]any)
			created, _ := meta["created"].(string)
			at, err := time.Parse(time.RFC3339, created)
			if mine := strings.HasPrefix(name, k.prefix+t.id); own != mine || !own && (err != nil || time.Since(at) < trialAge) {
				continue
			}
			path := k.path + "/" + url.PathEscape(id)
			status, body, err := t.send(ctx, http.MethodDelete, path)
			if err == nil && status != http.StatusNoContent && status != http.StatusNotFound {
				err = fmt.Errorf("DELETE %s answered %d: %v", path, status, body["detail"])
			}
			if err != nil {
				return "", fmt.Errorf("%s %q is left over: %w", strings.TrimSuffix(k.path[1:], "s"), name, err)
			}
			n++
		}
	}
	return fmt.Sprintf("%d deleted", n), nil
}
