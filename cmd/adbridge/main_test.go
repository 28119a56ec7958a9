package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
)

// beBinary makes the test binary behave as adbridge itself, so that a test can
// start, kill and restart it as a process without building it again.
const beBinary = "ADBRIDGE_TEST_BE_BINARY"

func TestMain(m *testing.M) {
	if os.Getenv(beBinary) == "1" {
		os.Unsetenv(beBinary)
		main()
		return
	}
	os.Exit(m.Run())
}

// stage is adbridge's surroundings in a test: a folder for its database and
// the simulated platforms, which outlive the process under test.
type stage struct {
	t       *testing.T
	dir     string
	tiktok  *tiktoksim.Sim
	meta    *metasim.Sim
	ttURL   string
	metaURL string
	db      string // --db
	env     []string

	inProcess bool // commands run here; no process is started for them
}

// newStage sets the demo company's platforms up, without rate limits.
func newStage(t *testing.T, tt tiktoksim.World, fb metasim.World) *stage {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir()}
	s.db = filepath.Join(s.dir, "adbridge.db")
	s.tiktok = tiktoksim.New(tiktoksim.Options{World: tt, QPS: -1, QPM: -1, QPD: -1})
	var err error
	if s.meta, err = metasim.New(metasim.Options{World: fb, Limits: metasim.Limits{InvitesPerDay: -1, CallsPerHour: -1}}); err != nil {
		t.Fatal(err)
	}
	s.ttURL, s.metaURL = serveTest(t, s.tiktok), serveTest(t, s.meta)
	return s
}

func serveTest(t testing.TB, h http.Handler) string {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// command is adbridge as a process, beside whatever server runs.
func (s *stage) command(ctx context.Context, args ...string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Dir = s.dir
	cmd.Env = append(append(os.Environ(), beBinary+"=1", "ADBRIDGE_DB="+s.db, "ADBRIDGE_KEY_FILE="+filepath.Join(s.dir, "adbridge.key"), "ADBRIDGE_LOG_LEVEL=warn", "ADBRIDGE_SCIM_RATE=0"), s.env...)
	return cmd
}

// adbridge runs one command to its end.
func (s *stage) adbridge(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	if s.inProcess {
		return s.here(strings.NewReader(""), args...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := s.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		s.t.Fatalf("adbridge %s: %v\n%s%s", strings.Join(args, " "), ctx.Err(), &out, &errs)
	}
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		s.t.Fatalf("adbridge %s: %v", strings.Join(args, " "), err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must runs a command that is to end well, and decodes its JSON.
func (s *stage) must(into any, args ...string) {
	s.t.Helper()
	out, errs, code := s.adbridge(append(args, "--json")...)
	if code != exitDone {
		s.t.Fatalf("adbridge %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		s.t.Fatalf("adbridge %s: %v in %s", strings.Join(args, " "), err, out)
	}
}

// secret writes a credential file.
func (s *stage) secret(name, value string) string {
	s.t.Helper()
	file := filepath.Join(s.dir, name)
	if err := os.WriteFile(file, []byte(value+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

// server is a running `adbridge serve`.
type server struct {
	cmd    *exec.Cmd
	url    string
	stderr *said
	done   chan error
}

// serve starts a server on a port of its own and waits until it is ready.
func (s *stage) serve(args ...string) *server {
	s.t.Helper()
	cmd := s.command(context.Background(), append([]string{"serve", "--listen", "127.0.0.1:0", "--json"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	srv := &server{cmd: cmd, stderr: &said{}, done: make(chan error, 1)}
	cmd.Stderr = srv.stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		r := bufio.NewReader(out)
		var said struct {
			Listening string `json:"listening"`
		}
		_ = json.NewDecoder(r).Decode(&said)
		ready <- said.Listening
		_, _ = io.Copy(io.Discard, r)
		srv.done <- cmd.Wait()
	}()
	select {
	case addr := <-ready:
		if addr == "" {
			s.t.Fatalf("adbridge serve: %v\n%s", <-srv.done, srv.stderr)
		}
		srv.url = "http://" + addr
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		s.t.Fatalf("adbridge serve was not ready within a minute\n%s", srv.stderr)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if s.t.Failed() && srv.stderr.String() != "" {
			s.t.Logf("the server said:\n%s", tail(srv.stderr.String()))
		}
	})
	return srv
}

// kill ends the server as a power cut would.
func (srv *server) kill() {
	_ = srv.cmd.Process.Kill()
	<-srv.done
}

// connect adds the two sources' tokens, hubs in a mode, with windows that a
// test can wait for.
func (s *stage) connectHub(slug, platform, business, mode string, settings ...string) {
	s.t.Helper()
	url, args := s.ttURL, []string{"--token-file", s.secret("tiktok.token", ttToken), "--app-id", ttApp}
	if platform == "meta" {
		url, args = s.metaURL, []string{"--token-file", s.secret("meta.token", fbToken), "--app-id", metaApp, "--app-secret-file", s.secret("meta.secret", fbSecret)}
	}
	s.must(nil, append([]string{"hub", "add", slug, "--platform", platform, "--business-id", business, "--api-url", url}, args...)...)
	s.must(nil, append([]string{"hub", "set", slug, "settle-window=0s", "propagation-delay=0s"}, settings...)...)
	if mode != "observe" {
		s.must(nil, "hub", "mode", slug, mode, "--yes")
	}
}

func (s *stage) source(name, kind string) newSource {
	s.t.Helper()
	var made newSource
	s.must(&made, "source", "add", name, "--kind", kind)
	return made
}

// until waits for a condition that another process brings about.
func until(t *testing.T, within time.Duration, what string, cond func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		ok, why := cond()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %s", what, within, why)
		}
		<-time.After(20 * time.Millisecond)
	}
}
