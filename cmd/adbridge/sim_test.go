package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
)

// simSaid is the first line of a simulator.
type simSaid struct {
	Listening string   `json:"listening"`
	APIURL    string   `json:"api_url"`
	Hubs      []simHub `json:"hubs"`
}

// startSim runs a simulator as a process on a port of its own.
func (s *stage) startSim(args ...string) simSaid {
	s.t.Helper()
	cmd := s.command(context.Background(), append([]string{"sim"}, append(args, "--listen", "127.0.0.1:0", "--json")...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	said := make(chan simSaid, 1)
	go func() {
		var v simSaid
		_ = json.NewDecoder(bufio.NewReader(out)).Decode(&v)
		said <- v
	}()
	select {
	case v := <-said:
		if v.APIURL == "" {
			s.t.Fatalf("adbridge sim %s said nothing", strings.Join(args, " "))
		}
		return v
	case <-time.After(time.Minute):
		s.t.Fatalf("adbridge sim %s did not begin within a minute", strings.Join(args, " "))
	}
	return simSaid{}
}

// TestSimulatorsAreProgramsThatHubsConnectTo: with what a simulator prints, a
// hub is connected and read, and invited people accept by themselves.
func TestSimulatorsAreProgramsThatHubsConnectTo(t *testing.T) {
	t.Parallel()
	worlds, err := filepath.Abs("../../testdata/worlds")
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(t, tiktoksim.World{}, metasim.World{})
	tt, err := loadWorld(filepath.Join(worlds, "tiktok.json"), nil, tiktoksim.LoadWorld)
	if err != nil {
		t.Fatal(err)
	}
	fb, err := loadWorld(filepath.Join(worlds, "meta.json"), nil, metasim.LoadWorld)
	if err != nil {
		t.Fatal(err)
	}
	biz := fb.Businesses[0]
	for _, c := range []struct {
		platform, sw string
		members      int
	}{{"tiktok", "page_size_over=clamp", len(tt.BusinessCenters[0].Members)}, {"meta", "page_cap=5", len(biz.People) + len(biz.Pending) + len(biz.SystemUsers)}} {
		said := s.startSim(c.platform, "--world", filepath.Join(worlds, c.platform+".json"), "--switch", c.sw, "--auto-accept", "0s", "--no-limits")
		if len(said.Hubs) == 0 {
			t.Fatalf("%s: no hub to connect in %+v", c.platform, said)
		}
		h := said.Hubs[0]
		s.must(nil, "hub", "add", c.platform, "--platform", c.platform, "--business-id", h.BusinessID, "--api-url", said.APIURL,
			"--app-id", h.AppID, "--token-file", s.secret("sim.token", h.Token))
		var pulls []bridge.Pull
		s.must(&pulls, "pull", c.platform)
		if len(pulls) != 1 || !pulls[0].Complete || pulls[0].Members != c.members {
			t.Errorf("%s: %+v", c.platform, pulls)
		}
		resp, err := http.Get(said.APIURL + "/_sim/switches")
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: the controls: %v %v", c.platform, resp, err)
		}
		defer resp.Body.Close()
		var have map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&have); err != nil {
			t.Fatal(err)
		}
		if inner, ok := have["switches"].(map[string]any); ok {
			have = inner
		}
		name, value, _ := strings.Cut(c.sw, "=")
		if got, _ := json.Marshal(have[name]); strings.Trim(string(got), `"`) != value {
			t.Errorf("%s: switch %s is %s", c.platform, name, got)
		}
	}
}

var timeOfDay = regexp.MustCompile(`"20[0-9]{2}-[0-9TZ:.+-]+"`)

// TestExampleWorldsAreTheDemoCompanys: the world files of the repository are
// what `sim example` writes, but for the times.
func TestExampleWorldsAreTheDemoCompanys(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktoksim.World{}, metasim.World{})
	for _, p := range []string{"tiktok", "meta", "scim"} {
		out, errs, code := s.adbridge("sim", "example", p)
		if code != exitDone {
			t.Fatal(errs)
		}
		want, err := os.ReadFile("../../testdata/worlds/" + p + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if timeOfDay.ReplaceAllString(out, "T") != timeOfDay.ReplaceAllString(string(want), "T") {
			t.Errorf("testdata/worlds/%s.json is not what adbridge sim example %s writes", p, p)
		}
	}
}

// TestSimRefusesWhatItDoesNotUnderstand, and says where to look.
func TestSimRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktoksim.World{}, metasim.World{})
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"misspelt key":         {[]string{"tiktok", "--world", s.secret("bad.json", `{"business_centres":[]}`)}, "business_centres"},
		"contradictory":        {[]string{"meta", "--world", s.secret("bad2.json", `{"businesses":[{"id":"12","name":""}]}`)}, "name is empty"},
		"no such file":         {[]string{"meta", "--world", "nowhere.json"}, "nowhere.json"},
		"no such switch":       {[]string{"tiktok", "--switch", "colour=red"}, "colour"},
		"no such value":        {[]string{"tiktok", "--switch", "masking=maybe"}, "all, some, none"},
		"no such value, Meta":  {[]string{"meta", "--switch", "tasks=maybe"}, "tasks"},
		"not a pair":           {[]string{"meta", "--switch", "tasks"}, "name=value"},
		"nobody's simulator":   {[]string{"example", "myspace"}, "myspace"},
		"a port that is taken": {[]string{"meta", "--listen", strings.TrimPrefix(s.metaURL, "http://")}, "--listen"},
	} {
		_, errs, code := s.adbridge(append([]string{"sim"}, c.args...)...)
		if code != exitError || !strings.Contains(errs, c.says) || !strings.Contains(errs, "→") {
			t.Errorf("%s: exit code %d: %s", name, code, errs)
		}
	}
}
