package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"adbridge/bridge"
	"adbridge/scim/idpsim"
)

// TestEveryCommandExplainsItself: each has help that shows how, and --json.
func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	for _, cmd := range leaves((&cli{}).root()) {
		if cmd.Short == "" || cmd.Long == "" && cmd.Example == "" {
			t.Errorf("%s: its help has neither an explanation nor an example", cmd.CommandPath())
		}
		if cmd.Flag("json") == nil && cmd.InheritedFlags().Lookup("json") == nil {
			t.Errorf("%s has no --json", cmd.CommandPath())
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s says nothing about itself", cmd.CommandPath(), f.Name)
			}
		})
	}
}

// TestAnswersAreWhatScriptsRelyOn holds the fields, the arrays and the times
// of the JSON answers.
func TestAnswersAreWhatScriptsRelyOn(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktokWorld(), metaWorld())
	s.inProcess = true
	for _, list := range [][]string{{"source", "list"}, {"hub", "list"}, {"rule", "list"}, {"tasks"}, {"plan"}, {"pull"}} {
		out, errs, code := s.adbridge(append(list, "--json")...)
		if strings.TrimSpace(out) != "[]" || code != exitDone {
			t.Errorf("%v with nothing there: exit code %d, %q %s", list, code, out, errs)
		}
	}
	var src map[string]any
	s.must(&src, "source", "add", "okta-main", "--kind", "okta", "--domain", lumen)
	for key, form := range map[string]string{"name": "^okta-main$", "kind": "^okta$", "base_url": `^http://.*/scim/v2$`, "token": `^\S{20,}$`} {
		if v, _ := src[key].(string); !regexp.MustCompile(form).MatchString(v) {
			t.Errorf("source add: %s is %q, want %s", key, v, form)
		}
	}
	var hub map[string]any
	s.must(&hub, "hub", "add", "eu", "--platform", "tiktok", "--business-id", "https://business.tiktok.com/manage/overview?org_id="+bcEU,
		"--api-url", s.ttURL, "--token-file", s.secret("t", ttToken), "--app-id", ttApp)
	for key, want := range map[string]string{"slug": "eu", "platform": "tiktok", "business_id": bcEU, "mode": "observe"} {
		if hub[key] != want {
			t.Errorf("hub add: %s is %v, want %s", key, hub[key], want)
		}
	}
	s.must(nil, "rule", "add", "--group", "Staff", "--hub", "eu", "--role", "collaborator")
	for _, list := range [][]string{{"source", "list"}, {"source", "token", "okta-main"}, {"hub", "list"}, {"rule", "list"}, {"pull", "eu"}, {"members", "eu"}, {"reasons"}, {"plan"}, {"hub", "show", "eu"}, {"report", "eu"}} {
		out, errs, code := s.adbridge(append(list, "--json")...)
		if code == exitError {
			t.Errorf("%v: %s", list, errs)
			continue
		}
		var v any
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Errorf("%v: %v in %s", list, err, out)
			continue
		}
		if all, isList := v.([]any); len(list) == 2 && list[1] == "list" && (!isList || len(all) != 1) {
			t.Errorf("%v answers %s", list, out)
		}
		eachTime(v, "", func(at, s string) {
			if when, err := time.Parse(time.RFC3339Nano, s); err != nil || when.Location() != time.UTC || !strings.HasSuffix(s, "Z") {
				t.Errorf("%v: %s is %q, not a time of RFC 3339 in UTC", list, at, s)
			}
		})
	}
}

var timeLike = regexp.MustCompile(`^\d{4}-\d\d-\d\d`)

// eachTime finds everything in an answer that looks like a time.
func eachTime(v any, at string, f func(at, s string)) {
	switch v := v.(type) {
	case string:
		if timeLike.MatchString(v) {
			f(at, v)
		}
	case []any:
		for _, x := range v {
			eachTime(x, at+"[]", f)
		}
	case map[string]any:
		for k, x := range v {
			eachTime(x, at+"."+k, f)
		}
	}
}

// TestExitCodesTellScriptsWhatIsLeft: 0 nothing to do, 2 pending, 3 held, 1 an error.
func TestExitCodesTellScriptsWhatIsLeft(t *testing.T) {
	t.Parallel()
	who := at(lumen, "lia.one", "lia.two", "lia.three", "lia.four", "lia.five")
	j := newJourney(t, "meta", company(seats(bridge.Collaborator, who...)...))
	j.hub("observe")
	exit := func(want int, args ...string) {
		t.Helper()
		if out, errs, code := j.adbridge(args...); code != want {
			t.Errorf("adbridge %v: exit code %d, want %d\n%s%s", args, code, want, out, errs)
		}
	}
	exit(exitDone, "plan", "h")
	j.rule("Staff", "collaborator")
	j.people("new.one@" + lumen)
	j.people(who...)
	j.group("Staff", append(slices.Clone(who), "new.one@"+lumen)...)
	j.quiet()
	exit(exitChanges, "plan", "h")
	j.pull()
	exit(exitChanges, "report", "h")
	j.set("max-adds=0")
	j.mode("full")
	exit(exitHeld, "plan", "h")
	exit(exitError, "plan", "nowhere")
	out, errs, code := j.adbridge("plan", "nowhere", "--json")
	var e struct {
		Error struct{ Code, Message, Next string }
	}
	if err := json.Unmarshal([]byte(errs), &e); err != nil || out != "" || code != exitError || e.Error.Code != "not_found" || !strings.Contains(e.Error.Message, `"nowhere"`) || e.Error.Next == "" {
		t.Errorf("an error in JSON: %v, exit code %d, %q on stdout, %s", err, code, out, errs)
	}
}

// TestCommandsTakeEffectInARunningServer: beside a server on the same file,
// within two seconds.
func TestCommandsTakeEffectInARunningServer(t *testing.T) {
	t.Parallel()
	who := "mia.soon@" + lumen
	s := newStage(t, ttWorldOf(company()), fbWorldOf(company()))
	s.inProcess = true // the commands; the server is a process of its own
	srv := s.serve()
	src := s.source("okta", "okta")
	j := &journey{stage: s, side: fbSide{t, s.meta}, url: srv.url, ids: map[string]string{}}
	j.idp = &idpsim.Okta{BaseURL: srv.url + "/scim/v2", Token: src.Token}
	s.connectHub("h", "meta", metaBiz, "full")
	j.people(who)
	j.group("Staff", who)
	soon := func(what string, cond func() bool) {
		t.Helper()
		begin := time.Now()
		until(t, 10*time.Second, what, func() (bool, string) { return cond(), "" })
		if took := time.Since(begin); took > 2*time.Second+slack {
			t.Errorf("%s took %s", what, took)
		}
	}
	s.must(nil, "rule", "add", "--group", "Staff", "--hub", "h", "--role", "collaborator")
	soon("a rule reaches the platform", func() bool { _, invited := j.shown(who); return invited })
	s.must(nil, "hub", "pause", "h", "--reason", "a test")
	j.deactivate(who)
	var v hubView
	s.must(&v, "hub", "show", "h")
	if v.State != bridge.Paused {
		t.Errorf("the hub is %s", v.State)
	}
	writes := j.written("")
	s.must(nil, "hub", "resume", "h")
	soon("a resumed hub goes on", func() bool { _, invited := j.shown(who); return !invited })
	if n := j.written("") - writes; n != 1 {
		t.Errorf("%d writes after the pause, want the one cancellation", n)
	}
	s.must(nil, "hub", "mode", "h", "observe")
	j.ok(j.idp.Reactivate(context.Background(), j.ids[who]))
	s.must(nil, "hub", "mode", "h", "full", "--yes")
	soon("a mode reaches the platform", func() bool { _, invited := j.shown(who); return invited })

	var more newSource
	s.must(&more, "source", "token", "okta", "--add", "--label", "second")
	if code, body := j.scim("GET", "/Users", ""); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	s.must(nil, "source", "token", "okta", "--revoke", "first")
	soon("a revoked token is refused", func() bool { code, _ := j.scim("GET", "/Users", ""); return code == 401 })
	j.idp.Token = more.Token
	if code, body := j.scim("GET", "/Users", ""); code != 200 {
		t.Errorf("the other token: %d %s", code, body)
	}
}

// slack is what a machine that runs other tests as well may take longer.
const slack = 2 * time.Second

// TestServeStopsCleanlyWhileRequestsRun: one line when it is ready, health
// checks, and SIGTERM lets a request that has begun come to its end.
func TestServeStopsCleanlyWhileRequestsRun(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktokWorld(), metaWorld())
	s.inProcess = true
	src := s.source("okta", "okta")
	cmd := s.command(context.Background(), "serve", "--listen", "127.0.0.1:0")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs said
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	r := bufio.NewReader(stdout)
	line, err := r.ReadString('\n')
	addr := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(line)
	if err != nil || addr == "" {
		t.Fatalf("the line is %q, %v\n%s", line, err, &errs)
	}
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ready"} {
		resp, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || strings.TrimSpace(string(b)) != want {
			t.Errorf("%s: %d %q", path, resp.StatusCode, b)
		}
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"late@corp.example"}`
	fmt.Fprintf(conn, "POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nAuthorization: Bearer %s\r\nContent-Type: application/scim+json\r\nContent-Length: %d\r\n\r\n", src.Token, len(body))
	answer := bufio.NewReader(conn)
	if line, err := answer.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the request has not begun: %q, %v", line, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, 10*time.Second, "no new connection is taken", func() (bool, string) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err != nil, ""
	})
	fmt.Fprint(conn, body)
	_, _ = answer.ReadString('\n') // the blank line after 100
	resp, err := http.ReadResponse(answer, nil)
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Errorf("the request that had begun: %v %v", resp, err)
	}
	conn.Close()
	rest, _ := io.ReadAll(r)
	if len(strings.TrimSpace(string(rest))) > 0 {
		t.Errorf("more than one line: %q", rest)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, &errs)
	}
}

// TestConfigurationComesFromFlagsThenEnvironmentThenFile names all faults at
// once, and an unknown key with its line.
func TestConfigurationComesFromFlagsThenEnvironmentThenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "adbridge.yaml")
	write := func(s string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("listen: file.example:1\nlog_level: warn\ndb: file.db\n")
	t.Setenv("ADBRIDGE_LISTEN", "env.example:2")
	t.Setenv("ADBRIDGE_DB", "env.db")
	c := Config{DB: "flag.db"}
	if err := c.load(file); err != nil {
		t.Fatal(err)
	}
	if c.DB != "flag.db" || c.Listen != "env.example:2" || c.LogLevel != "warn" || c.LogFormat != defaultLogFormat {
		t.Errorf("%+v", c)
	}
	t.Setenv("ADBRIDGE_LISTEN", "nowhere")
	t.Setenv("ADBRIDGE_LOG_LEVEL", "loud")
	write("log_format: xml\npublic_url: 'not an address'\n")
	c = Config{}
	err := c.load(file)
	for _, field := range []string{"listen", "log-level", "log-format", "public-url"} {
		if err == nil || !strings.Contains(err.Error(), field+":") {
			t.Errorf("%s is not among the faults: %v", field, err)
		}
	}
	write("listen: 127.0.0.1:1\nlisten_on: 80\n")
	c = Config{}
	if err = c.load(file); err == nil || !strings.Contains(err.Error(), "listen_on") || !strings.Contains(err.Error(), "2") {
		t.Errorf("an unknown key: %v", err)
	}
}
