package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
)

// promises are words that only what is done again by itself may say.
var promises = []string{"by itself", "by themselves", "tried again", "next reading", "settled by reading", "release the change"}

func promised(text string) string {
	if _, end, ok := strings.Cut(text, "It broke off: "); ok { // before it stand the preconditions, of which some speak of tasks
		text = end
	}
	for _, p := range promises {
		if strings.Contains(text, p) {
			return p
		}
	}
	return ""
}

// TestCommandsPromiseNothing: where the platform is down, a command says what a
// person has to do, and whether anything was saved.
func TestCommandsPromiseNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktokWorld(), metaWorld())
	s.inProcess = true
	s.connectHub("eu", "tiktok", bcEU, "observe")
	s.connectHub("oak", "meta", metaBiz, "observe")
	token := filepath.Join(s.dir, "token")
	if err := os.WriteFile(token, []byte("canary-of-a-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	for slug, platform := range map[string]string{"one": "tiktok", "two": "meta"} {
		business := map[string]string{"tiktok": bcUS, "meta": "998877665544"}[platform]
		_, errs, code := s.adbridge("hub", "add", slug, "--platform", platform, "--business-id", business, "--token-file", token, "--api-url", "http://127.0.0.1:1")
		if code != exitError || promised(errs) != "" || !strings.Contains(errs, "nothing was saved") || !strings.Contains(errs, "run the command again") {
			t.Errorf("hub add on %s, exit code %d: %s", platform, code, errs)
		}
		out, errs, code := s.adbridge("hub", "doctor", "--platform", platform, "--business-id", business, "--token-file", token, "--api-url", "http://127.0.0.1:1")
		if code != exitError || promised(out+errs) != "" || !strings.Contains(out, "run the command again") {
			t.Errorf("hub doctor on %s, exit code %d: %s%s", platform, code, out, errs)
		}
	}
	var hubs []hubView
	if s.must(&hubs, "hub", "list"); len(hubs) != 2 {
		t.Errorf("%d hubs were saved", len(hubs)-2)
	}
	s.tiktok.Faults.Add(tiktoksim.Fault{Kind: tiktoksim.HTTPStatus, Status: http.StatusBadGateway, Times: -1})
	s.meta.Faults.Add(metasim.Fault{Op: "*", Kind: metasim.FaultHTML, Status: http.StatusBadGateway})
	for _, args := range [][]string{
		{"hub", "doctor", "eu"}, {"hub", "doctor", "oak"}, {"hub", "assets", "eu", "--groups"}, {"hub", "assets", "oak", "--users", "ad_account:1"},
		{"hub", "connect", "eu", "--token-file", token}, {"hub", "connect", "oak", "--token-file", token},
		{"explain", "automation@" + lumen, "--live"}, {"hub", "changes", "eu", "--now"},
	} {
		out, errs, code := s.adbridge(args...)
		if code != exitError || promised(out+errs) != "" || !strings.Contains(out+errs, "→") {
			t.Errorf("%v: exit code %d, promises %q:\n%s%s", args, code, promised(out+errs), out, errs)
		}
		if args[1] == "connect" && !strings.Contains(errs, "nothing was saved") {
			t.Errorf("%v: %s", args, errs)
		}
	}
}

// TestEveryPromiseOfAPlatformHasWordsForCommands keeps byHand whole.
func TestEveryPromiseOfAPlatformHasWordsForCommands(t *testing.T) {
	t.Parallel()
	for _, r := range bridge.Reasons() {
		if !strings.HasPrefix(string(r.Code), "platform.") || promised(r.Next) == "" {
			continue
		}
		switch r.Code {
		case bridge.PlatformNotConfirmed, bridge.PlatformReadingsDiffer, bridge.PlatformOutcomeUnread: // only tasks come to that
			continue
		}
		if byHand[r.Code] == "" {
			t.Errorf("%s promises %q, and commands have no words of their own", r.Code, r.Next)
		}
	}
	for code, next := range byHand {
		if promised(next) != "" {
			t.Errorf("%s: %q", code, next)
		}
	}
}
