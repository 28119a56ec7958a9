package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
)

// TestNoSecretIsToldAnywhere plants secrets wherever adbridge meets them, lets
// it work and fail, and then looks for them in all that it ever said.
func TestNoSecretIsToldAnywhere(t *testing.T) {
	t.Parallel()
	const (
		jwt      = "eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOiJqd3QifQ.canary-signature-of-a-jwt"
		password = "canary-password-of-a-person"
		wrongOne = "canary-token-that-opens-nothing"
		badTT    = "canary-platform-token-that-is-refused"
	)
	j := newJourney(t, "meta", company())
	canaries := map[string]string{"TikTok's token": ttToken, "Meta's token": fbToken, "the app secret": fbSecret, "the SCIM token": j.idp.Token,
		"a JWT": jwt, "a password": password, "a SCIM token that is refused": wrongOne, "a platform token that is refused": badTT}
	heard := map[string]string{} // where → what was said
	cli := func(args ...string) {
		t.Helper()
		out, errs, _ := j.adbridge(args...)
		heard["adbridge "+strings.Join(args, " ")] = out + errs
	}
	j.connectHub("h", "meta", metaBiz, "full")
	j.connectHub("tt", "tiktok", bcEU, "full")
	for _, args := range [][]string{
		{"hub", "add", "bad", "--platform", "tiktok", "--business-id", "7055555555555555555", "--api-url", j.ttURL, "--token-file", j.secret("bad", badTT)},
		{"hub", "add", "bad", "--platform", "meta", "--business-id", "55555555555", "--api-url", j.metaURL, "--token-file", j.secret("bad2", badTT), "--app-secret-file", j.secret("k", fbSecret)},
		{"rule", "add", "--group", "Staff", "--hub", "h", "--role", "collaborator"}, {"rule", "add", "--group", "Staff", "--hub", "tt", "--role", "collaborator"},
	} {
		cli(args...)
	}

	// A busy time with errors of every kind.
	scim := func(token, method, path, body string) {
		t.Helper()
		req, err := http.NewRequest(method, j.url+"/scim/v2"+path, strings.NewReader(body))
		j.ok(err)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/scim+json")
		resp, err := http.DefaultClient.Do(req)
		j.ok(err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		j.ok(err)
		heard[method+" "+path+" "+body[:min(len(body), 20)]] += string(b)
	}
	user := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"pw@` + lumen + `","active":true,"password":"` + password + `","emails":[{"value":"pw@` + lumen + `"}]}`
	scim(j.idp.Token, "POST", "/Users", user)
	scim(j.idp.Token, "POST", "/Users", user)                                                      // refused: there is one
	scim(j.idp.Token, "POST", "/Users", strings.Replace(user, `"active":true`, `"active":[1]`, 1)) // refused: no boolean
	scim(j.idp.Token, "POST", "/Users", `{"password":"`+password)                                  // refused: broken
	scim(j.idp.Token, "GET", `/Users?filter=password+eq+"`+password+`"`, "")                       // refused: nobody may search for it
	scim(wrongOne, "GET", "/Users", "")
	scim(jwt, "GET", "/Users", "")
	who := at(lumen, "rita.one", "rolf.two", "ruth.three")
	j.people(who...)
	j.group("Staff", who...)
	id := j.ids[who[0]]
	scim(j.idp.Token, "PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"password","value":"`+password+`"}]}`)
	scim(j.idp.Token, "PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"password":"`+password+`","displayName":"Rita"}}]}`)
	j.quiet()
	j.meta.Faults.Add(metasim.Fault{Op: "*", Kind: metasim.FaultHTML, Status: 500, Times: 3, Body: "<p>your token was " + fbToken + " and your proof " + fbSecret})
	j.meta.Faults.Add(metasim.Fault{Op: "*", Kind: metasim.FaultError, Times: 2, Error: &metasim.GraphError{Message: "Malformed access token " + fbToken, Type: "OAuthException", Code: 1}})
	j.meta.Faults.Add(metasim.Fault{Op: "*", Kind: metasim.FaultResetBefore, Times: 2})
	j.tiktok.Faults.Add(tiktoksim.Fault{Kind: tiktoksim.Envelope, Code: 40002, Message: "no permission for " + ttToken, Times: 2})
	j.tiktok.Faults.Add(tiktoksim.Fault{Kind: tiktoksim.ResetBefore, Times: 2})
	j.deactivate(who...)
	j.quiet()
	j.timePasses()
	j.quiet()
	if err := j.tiktok.RevokeToken(ttToken); err != nil {
		t.Fatal(err)
	}
	cli("pull", "tt")
	cli("hub", "connect", "tt", "--token-file", j.secret("again", ttToken), "--json")
	cli("pull", "h", "--json")

	for _, args := range [][]string{
		{"source", "list"}, {"source", "token", "okta"}, {"hub", "list"}, {"hub", "show", "h"}, {"hub", "show", "tt"}, {"rule", "list"}, {"plan", "--all"},
		{"members", "h"}, {"members", "tt"}, {"tasks", "--all"}, {"explain", who[0]}, {"explain", "pw@" + lumen}, {"audit", "export"}, {"audit", "export", "--format", "csv"}, {"audit", "key"},
		{"report", "h"}, {"report", "h", "--format", "html"}, {"report", "h", "--format", "csv"}, {"report", "tt", "--format", "json"}, {"version"}, {"migrate"}, {"reasons"},
	} {
		cli(args...)
		cli(append(args, "--json")...)
	}
	j.pages(heard)
	j.end() // so that all is written

	heard["the server's log, at debug"] = j.log.String()
	if !strings.Contains(heard["the server's log, at debug"], `"level":"debug"`) && !strings.Contains(heard["the server's log, at debug"], `"level":"warn"`) {
		t.Error("the server said nothing; the test has shown nothing")
	}
	for table, lines := range dump(t, j.db) {
		heard["table "+table] = strings.Join(lines, "\n")
	}
	files, err := filepath.Glob(j.db + "*")
	j.ok(err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		j.ok(err)
		heard["file "+filepath.Base(f)] = string(b)
	}
	key, err := os.ReadFile(filepath.Join(j.dir, "adbridge.key"))
	j.ok(err)
	canaries["the sealing key"] = string(bytes.TrimSpace(key))
	if info, err := os.Stat(filepath.Join(j.dir, "adbridge.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v %v", info.Mode(), err)
	}
	for where, what := range heard {
		for name, canary := range canaries {
			if i := strings.Index(what, canary); i >= 0 {
				t.Errorf("%s is told in %s: …%q…", name, where, what[max(0, i-80):min(len(what), i+len(canary)+20)])
			}
		}
	}
	if trail := heard["adbridge audit export"]; !strings.Contains(trail, "Malformed access token") || !strings.Contains(trail, "no permission for") {
		t.Error("the platforms' words that quote a token are not on record at all; the test has shown nothing about them")
	}
	if len(heard) < 80 || !strings.Contains(heard["table users"]+heard["table persons"]+heard["table people"], who[0]) {
		t.Errorf("only %d places were looked into", len(heard))
	}
}

// pages reads every page that a link leads to, signed in.
func (j *journey) pages(heard map[string]string) {
	j.t.Helper()
	jar, err := cookiejar.New(nil)
	j.ok(err)
	client := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	var made struct {
		SignIn string `json:"sign_in"`
		As     string `json:"as"`
	}
	j.must(&made, "sign-in", "--as", "tom.wirth@"+lumen, "--for", "1h")
	_, token, _ := strings.Cut(made.SignIn, "?token=")
	get := func(url string) string {
		resp, err := client.Get(url)
		j.ok(err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		j.ok(err)
		return string(b)
	}
	get(j.url + "/sign-in?token=" + token)
	resp, err := client.Post(j.url+"/sign-in", "application/x-www-form-urlencoded", strings.NewReader("token="+token))
	j.ok(err)
	resp.Body.Close()
	j.says(exitDone, []string{"audit", "export", "--format", "jsonl"}, "session.signed-in", made.As)
	seen, todo := map[string]bool{}, []string{"/", "/hubs/h", "/hubs/tt"}
	for len(todo) > 0 && len(seen) < 150 {
		path := todo[0]
		todo = todo[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		body := get(j.url + path)
		heard["page "+path] = body
		for part := range strings.SplitSeq(body, `href="`) {
			if href, _, ok := strings.Cut(part, `"`); ok && strings.HasPrefix(href, "/") && !strings.HasPrefix(href, "/assets") {
				todo = append(todo, strings.ReplaceAll(href, "&amp;", "&"))
			}
		}
	}
	if !strings.Contains(heard["page /"], "Oak Brands") && !strings.Contains(heard["page /hubs/h"], "Oak Brands") {
		j.t.Errorf("the pages were not seen signed in: %.300s", heard["page /"])
	}
}
