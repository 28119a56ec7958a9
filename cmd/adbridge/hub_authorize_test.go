package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
)

// authorizing runs a command that shows a link, lets act do what the person
// does with it, and waits for the end.
func (s *stage) authorizing(act func(link string, in io.Writer), args ...string) (out, errs string, code int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := s.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout = &stdout
	said, err := cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		stderr.WriteString(lines.Text() + "\n")
		if link := strings.TrimSpace(lines.Text()); strings.HasPrefix(link, "http") {
			act(link, in)
		}
	}
	_ = cmd.Wait()
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

func freeRedirect(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String() + "/tiktok"
}

// visit is a browser: it follows where the page leads.
func visit(t *testing.T, link string) (status int, at *url.URL) {
	t.Helper()
	resp, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Request.URL
}

// TestAHubIsConnectedByTikToksOwnPage: a stranger's answer is refused and waited
// past, the account's is taken once; another account is refused and its token
// ended; and the hub's removal ends the token at TikTok.
func TestAHubIsConnectedByTikToksOwnPage(t *testing.T) {
	w := tiktokWorld()
	w.Users = append(w.Users, tiktoksim.User{CoreUserID: "6816184256936159999", Email: "stranger@inbox.example", DisplayName: "Stranger"})
	s := newStage(t, w, metasim.World{})
	page := func(user string) string {
		return s.ttURL + "/portal/auth?app_id=" + ttApp + "&user=" + url.QueryEscape(user)
	}
	secret, redirect := s.secret("app.secret", w.Apps[0].Secret), freeRedirect(t)
	add := func(user string, more ...string) (string, string, int) {
		return s.authorizing(func(link string, _ io.Writer) {
			if status, _ := visit(t, redirect+"?auth_code=stolen&state=guessed"); status != http.StatusBadRequest {
				t.Errorf("an answer with another state: %d", status)
			}
			if status, at := visit(t, link); status != http.StatusOK || at.Query().Get("auth_code") == "" {
				t.Errorf("the account's answer: %d at %s", status, at)
			}
		}, append([]string{"hub", "add", "eu", "--platform", "tiktok", "--api-url", s.ttURL, "--authorize", page(user),
			"--app-secret-file", secret, "--redirect", redirect}, more...)...)
	}
	live := func() (n int) {
		for _, t := range s.tiktok.World().Tokens {
			if !t.Revoked && t.Token != ttToken {
				n++
			}
		}
		return n
	}

	_, errs, code := add("stranger@inbox.example", "--business-id", bcEU)
	if code != exitError || !strings.Contains(errs, "Stranger") || !strings.Contains(errs, "revoked at TikTok") || live() != 0 {
		t.Errorf("a stranger: exit code %d, %d tokens left\n%s", code, live(), errs)
	}
	_, errs, code = add("automation@" + lumen)
	if code != exitError || !strings.Contains(errs, bcUS) || !strings.Contains(errs, "--business-id") || live() != 0 {
		t.Errorf("Admin of two: exit code %d\n%s", code, errs)
	}
	out, errs, code := add("automation@"+lumen, "--business-id", bcEU)
	if code != exitDone || !regexp.MustCompile(`acting as Lumen Automation <a\*+n@lumen\.example>, ADMIN there`).MatchString(out) || !strings.Contains(out, "Lumen Europe") || live() != 1 {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	for _, secret := range []string{w.Apps[0].Secret, "auth_code="} {
		if strings.Contains(out+errs, secret) {
			t.Errorf("%q is on the screen:\n%s%s", secret, out, errs)
		}
	}
	var calls []callView
	s.must(&calls, "hub", "calls", "eu")
	made := map[string]bool{}
	for _, v := range calls {
		made[v.Op] = true
	}
	if !made["oauth2/access_token"] || !made["user/info"] || !made["bc/get"] {
		t.Errorf("the calls of connecting are not on record: %v", made)
	}
	var hub hubView
	if s.must(&hub, "hub", "show", "eu"); hub.AppID != ttApp {
		t.Errorf("the app is %q", hub.AppID)
	}

	// Another account of the same Business Center: an Admin too, yet not ours.
	_, errs, code = s.authorizing(func(link string, _ io.Writer) { visit(t, link) },
		"hub", "connect", "eu", "--authorize", page("ana.silva@"+lumen), "--redirect", redirect)
	if code != exitError || !strings.Contains(errs, "Ana Silva") || !strings.Contains(errs, "--other-account") || live() != 1 {
		t.Errorf("another account: exit code %d, %d tokens\n%s", code, live(), errs)
	}
	// The same account again, by a redirect of somewhere else: the address is pasted.
	_, errs, code = s.authorizing(func(link string, in io.Writer) {
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		authCode, err := s.tiktok.Authorize(ttApp, "automation@"+lumen)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(in, "https://corp.example/back?auth_code="+authCode+"&state="+u.Query().Get("state")+"\n")
	}, "hub", "connect", "eu", "--authorize", page(""), "--redirect", "https://corp.example/back")
	if code != exitDone || live() != 2 {
		t.Errorf("pasted: exit code %d, %d tokens\n%s", code, live(), errs)
	}

	// A second hub on the same account keeps the token alive; alone, it ends.
	s.connectHub("us", "tiktok", bcUS, "observe")
	if _, errs, code := s.adbridge("hub", "remove", "eu", "--yes", "--revoke"); code != exitError || !strings.Contains(errs, "us") || live() != 2 {
		t.Errorf("with a second hub: exit code %d\n%s", code, errs)
	}
	s.must(nil, "hub", "remove", "us", "--yes")
	s.must(nil, "hub", "remove", "eu", "--yes", "--revoke")
	if live() != 1 { // the first one, which was replaced
		t.Errorf("%d tokens live after the hub is gone", live())
	}
}

// TestAuthorizingEndsWithAReason, also when nobody answers.
func TestAuthorizingEndsWithAReason(t *testing.T) {
	w := tiktokWorld()
	s := newStage(t, w, metaWorld())
	page := s.ttURL + "/portal/auth?app_id=" + ttApp
	secret, redirect := s.secret("app.secret", w.Apps[0].Secret), freeRedirect(t)
	s.connectHub("oak", "meta", metaBiz, "observe")
	base := []string{"hub", "add", "eu", "--platform", "tiktok", "--business-id", bcEU, "--api-url", s.ttURL, "--redirect", redirect}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"nobody answers":  {append(base, "--authorize", page, "--app-secret-file", secret, "--wait", "50ms"), "nothing came back"},
		"declined":        {append(base, "--authorize", page+"&deny=1", "--app-secret-file", secret), "declined"},
		"no secret":       {append(base, "--authorize", page), "app-secret-file"},
		"two tokens":      {append(base, "--authorize", page, "--app-secret-file", secret, "--token-file", secret), "token-file"},
		"another's page":  {append(base, "--authorize", "https://evil.example/portal/auth?app_id=7", "--app-secret-file", secret), "evil.example"},
		"another app":     {append(base, "--authorize", page, "--app-secret-file", secret, "--app-id", "7"), "--app-id"},
		"Meta":            {[]string{"hub", "connect", "oak", "--authorize", page}, "token-file"},
		"Meta's removal":  {[]string{"hub", "remove", "oak", "--yes", "--revoke"}, "Business settings"},
		"the wrong place": {append(base, "--authorize", page, "--app-secret-file", secret, "--redirect", s.ttURL), "--redirect"},
	} {
		_, errs, code := s.authorizing(func(link string, _ io.Writer) {
			if name == "declined" {
				visit(t, link)
			}
		}, c.args...)
		if code != exitError || !strings.Contains(errs, c.says) {
			t.Errorf("%s: exit code %d\n%s", name, code, errs)
		}
	}
	var hubs []hubView
	if s.must(&hubs, "hub", "list"); len(hubs) != 1 || hubs[0].Platform != bridge.Meta {
		t.Errorf("%+v", hubs)
	}
}
