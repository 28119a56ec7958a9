package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
)

// TestBadInputNamesFieldAndFixAndChangesNothing: each fault has a sentence of
// its own, exits with 1, and leaves every table as it was.
func TestBadInputNamesFieldAndFixAndChangesNothing(t *testing.T) {
	t.Parallel()
	tt, fb := ttWorldOf(company()), fbWorldOf(company(seat{"una.employee@" + elsewhere, bridge.Collaborator}))
	tt.Tokens = append(tt.Tokens, tiktoksim.Token{Token: "tt-without-scopes-000000", AppID: ttApp, User: tt.Tokens[0].User, Scopes: []int64{tiktoksim.ScopeAdsManagement}})
	tt.Users = append(tt.Users, tiktoksim.User{CoreUserID: "6816184256936159999", Email: "plain@" + elsewhere, DisplayName: "Plain"})
	tt.BusinessCenters[0].Members = append(tt.BusinessCenters[0].Members, tiktoksim.Member{UserID: "6816184256936159999", Email: "plain@" + elsewhere, Name: "Plain", Role: "STANDARD"})
	tt.Tokens = append(tt.Tokens, tiktoksim.Token{Token: "tt-of-a-standard-member", AppID: ttApp, User: "6816184256936159999"})
	fb.Tokens = append(fb.Tokens, metasim.Token{Token: "EAAB-without-scopes", App: metaApp, SystemUser: "1000081799813", Scopes: []string{"ads_management"}},
		metasim.Token{Token: "EAAB-of-an-employee", App: metaApp, SystemUser: "1000081799814", Scopes: fb.Tokens[0].Scopes})
	fb.Businesses[0].SystemUsers[1].Apps = []string{metaApp}
	s := newStage(t, tt, fb)
	s.inProcess = true
	if err := s.tiktok.SetSwitches(tiktoksim.Switches{Masking: "none"}); err != nil {
		t.Fatal(err)
	}
	s.connectHub("eu", "tiktok", bcEU, "observe")
	s.source("okta", "okta")
	s.must(nil, "rule", "add", "--group", "Not there yet", "--hub", "eu", "--role", "owner") // a group may arrive later
	s.must(nil, "pull", "eu")

	ttFile, fbFile, fbKey := s.secret("tt", ttToken), s.secret("fb", fbToken), s.secret("key", fbSecret)
	empty, two := s.secret("empty", ""), s.secret("two", "one two")
	edited := s.secret("audit.jsonl", `{"seq":1}`)
	add := func(platform, business, token string, more ...string) []string {
		url := s.ttURL
		if platform == "meta" {
			url = s.metaURL
		}
		return append([]string{"hub", "add", "other", "--platform", platform, "--business-id", business, "--token-file", token, "--api-url", url}, more...)
	}
	give := func(asset string) []string {
		return []string{"rule", "add", "--group", "G", "--hub", "eu", "--role", "owner", "--asset", asset}
	}
	cases := []struct {
		name string
		args []string
		says []string // in message or next, folded
	}{
		{"wrong business of TikTok", add("tiktok", "7999999999999999999", ttFile, "--app-id", ttApp), []string{"7999999999999999999"}},
		{"wrong business of Meta", add("meta", "999999999999999", fbFile, "--app-id", metaApp, "--app-secret-file", fbKey), []string{"business"}},
		{"business that is no number", add("tiktok", "my-company", ttFile), []string{"business-id", "my-company", "digits"}},
		{"TikTok token without the scope", add("tiktok", bcEU, s.secret("t2", "tt-without-scopes-000000"), "--app-id", ttApp), []string{"permission"}},
		{"Meta token without the scope", add("meta", metaBiz, s.secret("f2", "EAAB-without-scopes"), "--app-id", metaApp, "--app-secret-file", fbKey), []string{"business_management"}},
		{"TikTok token of no admin", add("tiktok", bcEU, s.secret("t3", "tt-of-a-standard-member"), "--app-id", ttApp), []string{"admin"}},
		{"Meta token of no admin", add("meta", metaBiz, s.secret("f3", "EAAB-of-an-employee"), "--app-id", metaApp, "--app-secret-file", fbKey), []string{"admin"}},
		{"token that is wrong", add("tiktok", bcEU, s.secret("t4", "never-given-out")), []string{"token"}},
		{"token file that is not there", add("tiktok", bcEU, filepath.Join(s.dir, "nowhere.token")), []string{"token-file", "nowhere.token"}},
		{"token file that is empty", add("tiktok", bcEU, empty), []string{"token-file", "credential"}},
		{"token file with two words", add("tiktok", bcEU, two), []string{"token-file", "one line"}},
		{"no token file", []string{"hub", "add", "other", "--platform", "tiktok", "--business-id", bcEU}, []string{"token-file", "missing"}},
		{"secret file that is not there", add("meta", metaBiz, fbFile, "--app-secret-file", "nowhere"), []string{"app-secret-file"}},
		{"unknown platform", add("myspace", bcEU, ttFile), []string{"platform", "myspace", "tiktok, meta or scim"}},
		{"api-url with a path", []string{"hub", "add", "other", "--platform", "tiktok", "--business-id", bcEU, "--token-file", ttFile, "--api-url", s.ttURL + "/v1.3"}, []string{"api-url", "scheme, host and port"}},
		{"api-url where nobody is", []string{"hub", "add", "other", "--platform", "tiktok", "--business-id", bcEU, "--token-file", ttFile, "--api-url", "http://127.0.0.1:1"}, []string{"refused"}},
		{"bad slug", append([]string{"hub", "add", "My Hub"}, add("tiktok", bcEU, ttFile)[3:]...), []string{"slug", "lower-case"}},
		{"duplicate slug", append([]string{"hub", "add", "eu"}, add("tiktok", bcEU, ttFile)[3:]...), []string{"slug", `"eu"`, "another"}},
		{"duplicate business", add("tiktok", bcEU, ttFile, "--app-id", ttApp), []string{"business_id", bcEU, `"eu"`}},
		{"duplicate source", []string{"source", "add", "okta", "--kind", "okta"}, []string{"name", `"okta"`, "another"}},
		{"bad kind", []string{"source", "add", "x", "--kind", "ldap"}, []string{"kind", "ldap", "okta, entra or other"}},
		{"bad domain", []string{"source", "add", "x", "--kind", "okta", "--domain", "corp"}, []string{"domain", "corp.example"}},
		{"unknown source", []string{"source", "token", "nobody"}, []string{"nobody"}},
		{"unknown kind of asset", give("page:1=admin"), []string{"asset", "page", "advertiser", "hub assets"}},
		{"unknown role on an asset", give("advertiser:1=boss"), []string{"asset", "boss", "analyst, operator, admin"}},
		{"asset without an id", give("advertiser=operator"), []string{"asset", "id", "advertiser:ID"}},
		{"id of what has none", give("finance:1=analyst"), []string{"asset", "finance=ROLE"}},
		{"two roles where there is one", give("advertiser:1=operator+admin"), []string{"asset", "one role", "admin, operator"}},
		{"asset without a role", give("advertiser:1"), []string{"asset", "KIND:ID=ROLE"}},
		{"other assets of a rule there is", []string{"rule", "add", "--group", "Not there yet", "--hub", "eu", "--role", "owner", "--asset", "advertiser:1=operator"}, []string{"other assets", "rule set"}},
		{"assets of an unknown rule", []string{"rule", "set", "nowhere", "--no-assets"}, []string{"nowhere", "rule list"}},
		{"assets of a rule, but which", []string{"rule", "set", "nowhere"}, []string{"asset", "--no-assets"}},
		{"unknown kind to list", []string{"hub", "assets", "eu", "--kind", "page"}, []string{"kind", "page", "advertiser"}},
		{"users of an unknown kind", []string{"hub", "assets", "eu", "--users", "page:1"}, []string{"users", "page", "advertiser"}},
		{"groups and kind", []string{"hub", "assets", "eu", "--groups", "--kind", "advertiser"}, []string{"groups", "kind"}},
		{"users and kind", []string{"hub", "assets", "eu", "--users", "advertiser:1", "--kind", "advertiser"}, []string{"kind", "users"}},
		{"unknown source of a rule", []string{"rule", "add", "--group", "G", "--hub", "eu", "--role", "owner", "--source", "nobody"}, []string{"source", "nobody", "source list"}},
		{"rule without a group", []string{"rule", "add", "--hub", "eu", "--role", "owner"}, []string{"group", "missing"}},
		{"rule for no hub", []string{"rule", "add", "--group", "G", "--hub", "nowhere", "--role", "owner"}, []string{"hub", "nowhere", "hub list"}},
		{"bad role", []string{"rule", "add", "--group", "G", "--hub", "eu", "--role", "king"}, []string{"role", "king", "owner or collaborator"}},
		{"the same rule", []string{"rule", "add", "--group", "not there YET", "--hub", "eu", "--role", "owner"}, []string{"says so already"}},
		{"unknown rule", []string{"rule", "remove", "nothing"}, []string{"rule", "nothing", "rule list"}},
		{"unknown hub", []string{"hub", "show", "nowhere"}, []string{"hub", "nowhere", "list"}},
		{"unknown hub to pause", []string{"hub", "pause", "nowhere", "--reason", "x"}, []string{"hub", "nowhere", "list"}},
		{"pause without a reason", []string{"hub", "pause", "eu"}, []string{"reason", "missing"}},
		{"bad mode", []string{"hub", "mode", "eu", "loud"}, []string{"mode", "loud", "observe"}},
		{"unknown setting", []string{"hub", "set", "eu", "colour=red"}, []string{"colour", "hub show"}},
		{"bad duration", []string{"hub", "set", "eu", "settle-window=soon"}, []string{"settle-window", "soon"}},
		{"duration too long", []string{"hub", "set", "eu", "settle-window=9h"}, []string{"settle-window", "4h"}},
		{"bad percent", []string{"hub", "set", "eu", "max-removals-percent=200"}, []string{"max-removals-percent", "100"}},
		{"one setting right, one wrong", []string{"hub", "set", "eu", "min-admins=3", "max-adds=-1"}, []string{"max-adds"}},
		{"no setting at all", []string{"hub", "set", "eu", "min-admins"}, []string{"min-admins", "KEY=VALUE"}},
		{"removal without --yes", []string{"hub", "remove", "eu"}, []string{"--yes"}},
		{"unknown member", []string{"exempt", "eu", "ghost@corp.example", "--reason", "x"}, []string{"member", "ghost@corp.example", "members"}},
		{"exempt without a reason", []string{"exempt", "eu", strangers[0]}, []string{"reason", "missing"}},
		{"bad date", []string{"exempt", "eu", strangers[0], "--reason", "x", "--until", "tomorrow"}, []string{"until", "tomorrow", "2026-12-31"}},
		{"date in the past", []string{"exempt", "eu", strangers[0], "--reason", "x", "--until", "2020-01-01"}, []string{"until", "past"}},
		{"unknown person", []string{"match", "eu", strangers[0], "ghost@corp.example"}, []string{"person", "ghost@corp.example"}},
		{"unknown person to explain", []string{"explain", "ghost@corp.example"}, []string{"person", "ghost@corp.example"}},
		{"bad role of a grant", []string{"grant", "eu", "x", "--role", "king", "--reason", "x"}, []string{"role", "king", "owner or collaborator"}},
		{"approve what is not planned", []string{"approve", "eu", "remove/x", "--reason", "x"}, []string{"remove/x", "plan"}},
		{"override of no guard", []string{"override", "eu", "guard.of-honour", "--reason", "x"}, []string{"guard.of-honour"}},
		{"override of a guard that nothing lifts", []string{"override", "eu", "guard.last-admin", "--reason", "x"}, []string{"no override lifts guard.last-admin", "someone else an admin first"}},
		{"override of what is no guard", []string{"override", "eu", "wish.left-groups", "--reason", "x"}, []string{"wish.left-groups", "not a guard"}},
		{"override for too long", []string{"override", "eu", "guard.removals-per-run", "--for", "999h", "--reason", "x"}, []string{"for", "168h"}},
		{"sign-in link for too long", []string{"sign-in", "--for", "999h"}, []string{"for", "168h"}},
		{"unknown decision", []string{"undo", "nothing"}, []string{"nothing"}},
		{"unknown task", []string{"release", "nothing"}, []string{"task", "nothing", "tasks"}},
		{"unknown code", []string{"reasons", "guard.of-honour"}, []string{"guard.of-honour"}},
		{"bad report format", []string{"report", "eu", "--format", "pdf"}, []string{"format", "pdf", "text, html, csv or json"}},
		{"bad day of a report", []string{"report", "eu", "--at", "yesterday"}, []string{"at", "yesterday"}},
		{"bad export format", []string{"audit", "export", "--format", "xml"}, []string{"format", "xml", "jsonl or csv"}},
		{"export that ends before it begins", []string{"audit", "export", "--since", "2026-02-01", "--until", "2026-01-01"}, []string{"until", "2026-01-01"}},
		{"verify a file that is not there", []string{"audit", "verify", "nowhere.jsonl"}, []string{"file", "nowhere.jsonl"}},
		{"unknown flag", []string{"hub", "list", "--colour"}, []string{"--colour"}},
		{"unknown command", []string{"hubs"}, []string{"hubs"}},
		{"too few words", []string{"hub", "show"}, []string{"1 arg"}},
	}
	before := dump(t, s.db, "budgets") // calls count, whatever came of them
	seen := map[string]string{}
	for _, c := range cases {
		out, errs, code := s.adbridge(append(c.args, "--json")...)
		var e struct {
			Error struct{ Code, Message, Next string }
		}
		if err := json.Unmarshal([]byte(errs), &e); err != nil || code != exitError {
			t.Errorf("%s: exit code %d, %v: %s%s", c.name, code, err, out, errs)
			continue
		}
		said := strings.ToLower(e.Error.Message + "\n" + e.Error.Next)
		for _, want := range c.says {
			if !strings.Contains(said, strings.ToLower(want)) {
				t.Errorf("%s: %q is not in: %s", c.name, want, errs)
			}
		}
		if e.Error.Next == "" || e.Error.Code == "" || e.Error.Code == "error" {
			t.Errorf("%s: code %q, next %q: %s", c.name, e.Error.Code, e.Error.Next, e.Error.Message)
		}
		fault := strings.Join(c.says, " ") // the same fault of another command may say the same
		if other, again := seen[e.Error.Message]; again && other != fault {
			t.Errorf("%s says the same as another fault: %s", c.name, e.Error.Message)
		}
		seen[e.Error.Message] = fault
		if out != "" {
			t.Errorf("%s: an error, and yet an answer: %s", c.name, out)
		}
	}
	if diff := cmp.Diff(before, dump(t, s.db, "budgets")); diff != "" {
		t.Errorf("what was refused changed something:\n%s", diff)
	}
	out, _, code := s.adbridge("audit", "verify", edited)
	if code != exitError || !strings.Contains(out, "NOT whole") {
		t.Errorf("an edited export: exit code %d, %s", code, out)
	}
}

// TestDatabasesThatCannotBeOpenedSayWhy has the faults of --db, and of a port
// that is taken.
func TestDatabasesThatCannotBeOpenedSayWhy(t *testing.T) {
	t.Parallel()
	s := newStage(t, ttWorldOf(nil), fbWorldOf(nil))
	s.inProcess = true
	s.must(nil, "hub", "list")
	good := s.db
	refused := func(name, db string, says []string, args ...string) {
		t.Helper()
		s.db = db
		_, errs, code := s.adbridge(append(args, "--json")...)
		for _, want := range says {
			if code != exitError || !strings.Contains(strings.ToLower(errs), want) {
				t.Errorf("%s: exit code %d, want %q in %s", name, code, want, errs)
			}
		}
	}
	text := s.secret("notes.txt", strings.Repeat("this is no database ", 300))
	refused("a file that is no database", text, []string{"not a database"}, "hub", "list")
	if b, err := os.ReadFile(text); err != nil || !strings.HasPrefix(string(b), "this is no database") {
		t.Errorf("the file was changed: %v", err)
	}
	refused("a folder", s.dir, []string{"folder"}, "hub", "list")
	refused("nobody at PostgreSQL's port", "postgres://a:sesame-canary@127.0.0.1:1/x", []string{"refused", "127.0.0.1"}, "hub", "list")
	if _, errs, _ := s.adbridge("hub", "list"); strings.Contains(errs, "sesame-canary") {
		t.Errorf("the password is in the error: %s", errs)
	}
	refused("a PostgreSQL URL that cannot be read", "postgres://a:p%ss@x/y", []string{"postgres://"}, "hub", "list")

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	refused("a busy port", good, []string{"in use", "--listen"}, "serve", "--listen", taken.Addr().String())
	refused("a bad address", good, []string{"listen", "host:port"}, "serve", "--listen", "nonsense")

	db, err := sql.Open("sqlite", good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(context.Background(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	before := dump(t, good)
	for _, args := range [][]string{{"hub", "list"}, {"serve", "--listen", "127.0.0.1:0"}, {"migrate"}} {
		refused("a newer database", good, []string{"999", "upgrade adbridge"}, args...)
	}
	if diff := cmp.Diff(before, dump(t, good)); diff != "" {
		t.Errorf("a newer database was changed:\n%s", diff)
	}
}
