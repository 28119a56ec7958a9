package main

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/connectors/meta"
	"adbridge/connectors/tiktok/tiktoksim"
)

// TestAnAppHasTheLimitsOfItsTier: its own, else the one named for all.
func TestAnAppHasTheLimitsOfItsTier(t *testing.T) {
	t.Parallel()
	c := Config{DB: t.TempDir() + "/adbridge.db", TikTokTier: "advanced, 71600=ultimate"}
	app, err := NewApp(t.Context(), c, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	for key, want := range map[string]int{"/71600": 4_320_000, "http://127.0.0.1:9801/71600": 4_320_000, "/71601": 1_728_000, "/token-ab12": 1_728_000} {
		if got := app.budgets.Of(bridge.TikTok, key).Left(); got != want {
			t.Errorf("app %s may make %d calls a day, want %d", key, got, want)
		}
	}
	if levels, _ := app.budgets.Of(bridge.Meta, "/71600").Levels(); len(levels) != 0 {
		t.Errorf("Meta publishes no limits: %v", levels)
	}
}

// TestThePlatformsConfigurationIsCheckedAtTheStart, and its words are obeyed.
func TestThePlatformsConfigurationIsCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktoksim.World{}, metaWorld())
	for flag, says := range map[string]string{
		"--tiktok-tier=golden":       "basic, advanced, premium, ultimate",
		"--tiktok-tier=mine=basic":   "mine",
		"--tiktok-tier=basic,1234=x": "x",
		"--meta-api-version=26":      meta.Version,
		"--meta-api-version=v26":     "meta-api-version",
	} {
		if _, errs, code := s.adbridge("hub", "list", flag); code != exitError || !strings.Contains(errs, says) {
			t.Errorf("%s: exit code %d: %s", flag, code, errs)
		}
	}
	s.env = append(s.env, "ADBRIDGE_META_API_VERSION=v25.0")
	s.connectHub("oak", "meta", metaBiz, "observe")
	for _, r := range s.meta.Requests() {
		if r.Version != "v25.0" {
			t.Errorf("%s %s in version %s", r.Method, r.Path, r.Version)
		}
	}
	s.env = append(s.env, "ADBRIDGE_META_API_VERSION=v20.0") // ended: Meta answers with a newer one
	var p bridge.Preflight
	s.must(&p, "hub", "doctor", "oak")
	if x := precondition(t, p, "api-version"); x.State != bridge.Missing || x.Reason != bridge.PlatformVersionEnded || !strings.Contains(x.Detail, "auto-upgraded") {
		t.Errorf("%+v", x)
	}
}
