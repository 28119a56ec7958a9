package web

import (
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// browser is someone who looks at the pages.
type browser struct {
	t    testing.TB
	url  string
	http *http.Client
}

// serve serves the pages and gives a browser that nobody has signed in.
func serve(t testing.TB, o Options) *browser {
	t.Helper()
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return newBrowser(t, server.URL)
}

func newBrowser(t testing.TB, url string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, url, &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// signIn follows a link as a person does.
func (b *browser) signIn(o Options) {
	b.t.Helper()
	link, err := SignInLink(b.t.Context(), o.DB, b.url, "ana@corp.example", time.Hour)
	if err != nil {
		b.t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		b.t.Fatal(err)
	}
	a := b.post("/sign-in", url.Values{"token": {u.Query().Get("token")}})
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/" {
		b.t.Fatalf("signing in answers %d to %q", a.status, a.header.Get("Location"))
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.url)
	return b.do(req)
}

func (b *browser) do(req *http.Request) answer {
	b.t.Helper()
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

// page gets a page and holds it to what every page must be.
func (b *browser) page(path string, status int) answer {
	b.t.Helper()
	a := b.get(path)
	if a.status != status {
		b.t.Errorf("GET %s: %d, want %d\n%s", path, a.status, status, text(a.body))
	}
	switch {
	case a.header.Get("Content-Disposition") != "": // a file, not a page of ours
		noSecret(b.t, path, a)
	case strings.HasPrefix(a.header.Get("Content-Type"), "text/html"):
		sound(b.t, path, a)
	}
	return a
}

// shows fails for each text that the page does not have, whatever the letter case.
func (a answer) shows(t *testing.T, what string, texts ...string) {
	t.Helper()
	page := text(a.body)
	for _, s := range texts {
		if !strings.Contains(strings.ToLower(page), strings.ToLower(s)) {
			t.Errorf("%s does not show %q:\n%s", what, s, page)
		}
	}
}

var (
	tag     = regexp.MustCompile(`(?s)<[^>]*>`)
	spaces  = regexp.MustCompile(`\s+`)
	handler = regexp.MustCompile(`(?i)\son[a-z]+\s*=`)
)

// text is what a page says, without its tags.
func text(body string) string {
	body = tag.ReplaceAllString(body, " ")
	body = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&amp;", "&", "\u00a0", " ").Replace(body)
	return strings.TrimSpace(spaces.ReplaceAllString(body, " "))
}

// sound holds a page to what every page must be: whole, named, of one heading,
// without script, style or secret, with a label at each field.
func sound(t testing.TB, path string, a answer) {
	t.Helper()
	noSecret(t, path, a)
	for _, bad := range []string{"<script", " style=", "<style", "javascript:", "<nil>", "%!", "ZgotmplZ", "0001-01-01", "1 Jan 0001"} {
		if strings.Contains(a.body, bad) {
			t.Errorf("%s has %q in it", path, bad)
		}
	}
	d := xml.NewDecoder(strings.NewReader(a.body))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	count := map[string]int{}
	var open []string
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("%s is not whole: %v", path, err)
			return
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			name := tok.Name.Local
			count[name]++
			if name == "input" || name == "select" {
				if attr(tok, "type") != "hidden" && !slices.Contains(open, "label") {
					t.Errorf("%s: a field %q without a label", path, attr(tok, "name"))
				}
			}
			if name == "th" && attr(tok, "scope") == "" {
				t.Errorf("%s: a table heading without scope", path)
			}
			if name == "time" {
				if _, err := time.Parse(time.RFC3339, attr(tok, "datetime")); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
			for _, x := range tok.Attr {
				if handler.MatchString(" " + x.Name.Local + "=") {
					t.Errorf("%s: the attribute %s wants a script", path, x.Name.Local)
				}
			}
			open = append(open, name)
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
	if len(open) != 0 {
		t.Errorf("%s leaves %v open", path, open)
	}
	for _, name := range []string{"html", "title", "main", "h1"} {
		if count[name] != 1 {
			t.Errorf("%s has %d of <%s>", path, count[name], name)
		}
	}
}

// noSecret fails when a secret is in what was answered.
func noSecret(t testing.TB, path string, a answer) {
	t.Helper()
	for _, secret := range []string{canaryToken, canaryAppSecret, canaryScim, hex.EncodeToString(hashOf(canaryScim))} {
		if strings.Contains(a.body, secret) {
			t.Errorf("%s shows the secret %s", path, secret)
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

var link = regexp.MustCompile(`(?:href|src)="([^"]*)"`)

// links are the addresses on a page, as a browser would follow them.
func links(t testing.TB, from, body string) []string {
	t.Helper()
	base, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range link.FindAllStringSubmatch(body, -1) {
		u, err := base.Parse(strings.NewReplacer("&amp;", "&", "&#43;", "+").Replace(m[1]))
		if err != nil {
			t.Errorf("%s: the link %q cannot be read: %v", from, m[1], err)
			continue
		}
		if u.Host != "" {
			t.Errorf("%s leads away, to %s", from, u)
			continue
		}
		out = append(out, u.String())
	}
	return out
}
