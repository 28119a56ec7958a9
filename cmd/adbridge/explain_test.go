package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
)

// TestExplainAnswersForThoseWhoNeverArrived: why was this person not
// provisioned? Because no rule names a group of theirs, because they are in
// none, because the request was refused, or because nobody was ever sent.
func TestExplainAnswersForThoseWhoNeverArrived(t *testing.T) {
	t.Parallel()
	s, srv, src := sourceStage(t, "other")
	send := func(path, body string, want int) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.url+"/scim/v2"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+src.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != want {
			t.Fatalf("%s: %d %s", path, resp.StatusCode, b)
		}
		var made struct{ ID string }
		_ = json.Unmarshal(b, &made)
		return made.ID
	}
	ana := send("/Users", `{"userName":"ana@corp.example","active":true}`, 201)
	bo := send("/Users", `{"userName":"bo@corp.example","active":true}`, 201)
	send("/Users", `{"userName":"cy@corp.example","active":true}`, 201)
	send("/Users", `{"displayName":"Dee, dee@corp.example"}`, 400)
	send("/Groups", `{"displayName":"Finance","members":[{"value":"`+ana+`"},{"value":"`+bo+`"}]}`, 201)
	for _, c := range []struct {
		who  string
		code int
		says []string
	}{
		{"ana@corp.example", exitDone, []string{"ana@corp.example is in the directory and in Finance, but no rule of any hub names any of these groups", "adbridge rule add --help (hub admin)",
			"main knows ana@corp.example as ana@corp.example, active", "created a user", "a group of several people at once: created Group Finance with 2 members"}},
		{"cy@corp.example", exitDone, []string{"cy@corp.example is in the directory and in no group", "(identity team)"}},
		{"dee@corp.example", exitError, []string{`person "dee@corp.example"`, "a request of the identity provider that names them was refused", "POST /Users was answered 400: userName is required", "→", "adbridge source log --status failed"}},
		{"eli@corp.example", exitError, []string{`person "eli@corp.example"`, "no identity provider has sent anybody known so", "→", "assign the person to the app"}},
	} {
		until(t, 10*time.Second, "the provisioning log, which is written behind the requests", func() (bool, string) {
			out, errs, code := s.adbridge("explain", c.who)
			if code != c.code {
				t.Fatalf("%s: exit code %d: %s %s", c.who, code, out, errs)
			}
			for _, must := range c.says {
				if !strings.Contains(out+errs, must) {
					return false, "missing " + must + " in\n" + out + errs
				}
			}
			return true, ""
		})
	}
	var found []bridge.Explanation
	s.must(&found, "explain", "ana@corp.example")
	if len(found) != 1 || found[0].Hub != "" || found[0].Who != bridge.HubAdmin || len(found[0].Steps) != 2 {
		t.Errorf("as JSON: %+v", found)
	}
}
