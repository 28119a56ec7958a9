package web

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const here = "http://127.0.0.1:8080"

var idInPath = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)

// TestEveryLinkOfEveryPageLeadsSomewhere walks all pages from the first one on.
func TestEveryLinkOfEveryPageLeadsSomewhere(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	ids := map[string]string{} // of the place in a page that a link leads to
	seen, queue := map[string]bool{"/": true}, []string{"/"}
	kinds := map[string]int{}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		a := b.page(at, http.StatusOK)
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		kinds[idInPath.ReplaceAllString(u.Path, "ID")]++
		ids[at] = a.body
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || a.header.Get("Content-Disposition") != "" {
			continue
		}
		for _, l := range links(t, at, a.body) {
			l, place, _ := strings.Cut(l, "#")
			if place != "" && (l == at || strings.HasPrefix(l, "/reasons")) {
				target := ids[l]
				if target == "" {
					target = b.get(l).body
					ids[l] = target
				}
				if !strings.Contains(target, `id="`+place+`"`) {
					t.Errorf("%s leads to %s, which has no place %q", at, l, place)
				}
			}
			if !seen[l] {
				seen[l] = true
				queue = append(queue, l)
			}
		}
	}
	want := []string{"/", "/assets/mark.svg", "/assets/style.css", "/events", "/events/download", "/hubs/meta-oak", "/hubs/tiktok-eu", "/hubs/tiktok-eu/members/ID",
		"/hubs/tiktok-eu/members/ID/why", "/people/ID/why/tiktok-eu", "/hubs/tiktok-eu/pulls", "/hubs/tiktok-eu/changes", "/hubs/tiktok-eu/invitations", "/hubs/tiktok-eu/report", "/hubs/tiktok-eu/report/download", "/hubs/tiktok-eu/reports", "/hubs/tiktok-eu/reports/ID",
		"/hubs/tiktok-eu/reports/ID/download", "/hubs/tiktok-eu/rules", "/hubs/tiktok-eu/settings", "/hubs/tiktok-us", "/people", "/people/ID",
		"/provisioning", "/provisioning/ID", "/reasons", "/sources/okta-main", "/tasks"}
	for _, k := range want {
		if kinds[k] == 0 {
			t.Errorf("no link leads to %s; found %v", k, slices.Sorted(maps.Keys(kinds)))
		}
	}
}

// everyPath is an address of every page.
func everyPath() []string {
	return []string{"/", "/hubs/tiktok-eu", "/hubs/tiktok-eu/rules", "/hubs/tiktok-eu/settings", "/hubs/tiktok-eu/pulls", "/hubs/tiktok-eu/changes", "/hubs/tiktok-eu/invitations", "/hubs/tiktok-eu/report",
		"/hubs/tiktok-eu/reports", "/hubs/tiktok-eu/reports/x", "/hubs/tiktok-eu/members/x", "/hubs/tiktok-eu/report/download?format=csv", "/hubs/tiktok-eu/reports/x/download?format=json",
		"/tasks", "/people", "/people/x", "/people/x/why/tiktok-eu", "/hubs/tiktok-eu/members/x/why", "/events", "/events/download?format=jsonl", "/provisioning", "/provisioning/x", "/reasons", "/sources/x", "/nowhere"}
}

func TestEveryPageNeedsASession(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	for _, path := range everyPath() {
		a := b.get(path)
		if a.status != http.StatusSeeOther || a.header.Get("Location") != "/sign-in" {
			t.Errorf("GET %s without a session: %d to %q", path, a.status, a.header.Get("Location"))
		}
		if strings.Contains(a.body, "Lumen") || strings.Contains(a.body, "Silva") {
			t.Errorf("GET %s without a session shows something", path)
		}
	}
	for _, path := range []string{"/sign-in", "/assets/mark.svg"} {
		if a := b.page(path, http.StatusOK); strings.Contains(a.body, "Lumen") {
			t.Errorf("%s shows something to who is not signed in", path)
		}
	}
}

func TestEveryPageIsThereWhenThereIsNothing(t *testing.T) {
	_, o := newSite(t, here)
	b := serve(t, o)
	b.signIn(o)
	for path, says := range map[string]string{
		"/": "No hub is connected yet", "/tasks": "No change is in such a state", "/people": "No identity provider is connected yet",
		"/people?q=nobody@corp.example": "Nobody has the id", "/events?action=hub.": "No event fits", "/provisioning": "No request fits", "/reasons": "guard.min-admins",
	} {
		b.page(path, http.StatusOK).shows(t, path, says)
	}
}

func TestAHubWithoutPullPlanOrReportSaysSo(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	for path, says := range map[string]string{
		"/hubs/meta-oak": "Not planned yet", "/hubs/meta-oak/report": "There is no report yet", "/hubs/meta-oak/reports": "There is no report yet",
		"/hubs/meta-oak/pulls": "The hub has not been read yet", "/hubs/meta-oak/changes": "It has not been read yet", "/hubs/meta-oak/invitations": "No invitation is open", "/hubs/meta-oak/invitations?show=all": "has not invited anyone", "/hubs/meta-oak/rules": "Nobody has decided anything",
	} {
		b.page(path, http.StatusOK).shows(t, path, says)
	}
	b.page("/hubs/meta-oak/report/download?format=csv", http.StatusNotFound).shows(t, "download", "has no report yet")
}

// TestWhatIsWrongIsSaidInWords: what happened, who acts, what next.
func TestWhatIsWrongIsSaidInWords(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"/nowhere":                  {404, "There is no page at /nowhere."},
		"/hubs/none":                {404, `There is no hub "none"`},
		"/hubs/tiktok-eu/members/x": {404, `There is no member "x" on the hub tiktok-eu`},
		"/hubs/tiktok-eu/reports/x": {404, "has no report with the id x"},
		"/hubs/tiktok-eu/report/download?format=exe": {400, `no format "exe"`},
		"/people/x":                     {404, "There is no person with the id x"},
		"/people/x/why/tiktok-eu":       {404, "There is no person with the id x"},
		"/hubs/tiktok-eu/members/x/why": {404, "There is no member"},
		"/provisioning/x":               {404, "There is no request with the id x"},
		"/hubs/tiktok-eu?standing=bad":  {400, `The filter "bad" is not known here`},
		"/hubs/tiktok-eu?page=0":        {400, `There is no page "0"`},
		"/tasks?state=bad":              {400, `The filter "bad"`},
		"/tasks?hub=none":               {404, "There is no hub none"},
		"/tasks?person=x":               {404, "There is no person x"},
		"/events?since=yesterday":       {400, `since: "yesterday" is not a time`},
		"/events?person=nobody":         {404, "Nobody has the id, userName or address nobody"},
		"/events?before=x":              {404, "not there"},
		"/events/download?format=exe":   {400, `no format "exe"`},
		"/provisioning?status=9xx":      {400, `The filter "9xx"`},
		"/provisioning?source=none":     {400, `The filter "none"`},
	} {
		a := b.page(path, want.status)
		a.shows(t, path, want.says, "Who acts", "Next")
		if want.status < 500 && strings.Contains(a.body, "Reference") {
			t.Errorf("%s has a reference, as if it were our fault", path)
		}
	}
	if a := b.post("/tasks", nil); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST /tasks: %d, Allow %q", a.status, a.header.Get("Allow"))
	}
}

func TestADatabaseThatFailsGivesAPageWithoutItsWords(t *testing.T) {
	db, o := newSite(t, here)
	b := serve(t, o)
	b.signIn(o)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/events", "/events/download?format=jsonl"} {
		a := b.page(path, http.StatusInternalServerError)
		a.shows(t, path, "Nothing was changed", "Whoever runs adbridge", "Reference")
		if strings.Contains(a.body, "sql") || strings.Contains(a.body, "closed") {
			t.Errorf("%s shows the database's own words:\n%s", path, text(a.body))
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	_, o := newSite(t, here)
	b := serve(t, o)
	b.signIn(o)
	for _, path := range []string{"/", "/sign-in", "/nowhere", "/events/download?format=jsonl", "/assets/style.css"} {
		h := b.get(path).header
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
	}
	var style string
	for _, l := range links(t, "/", b.get("/").body) {
		if strings.HasPrefix(l, "/assets/style.css") {
			style = l
		}
	}
	if h := b.page(style, http.StatusOK).header; !strings.Contains(h.Get("Cache-Control"), "immutable") || h.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%s: %v", style, h)
	}
}

// TestTheDoctorOfASourceHasAPage: the checklist, what it finds, and the tokens
// by their labels alone.
func TestTheDoctorOfASourceHasAPage(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	b.page("/sources/entra-oak", http.StatusOK).shows(t, "/sources/entra-oak", "Setting up", "What the doctor finds", "No token opens this source")
	b.page("/sources/nobody", http.StatusNotFound).shows(t, "/sources/nobody", "There is no source")
}
