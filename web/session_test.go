package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge/audit"
	"adbridge/storage"
)

func tokenOf(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("token")
}

func signInLink(t *testing.T, o Options, ttl time.Duration) string {
	t.Helper()
	link, err := SignInLink(t.Context(), o.DB, o.PublicURL, "ana@corp.example", ttl)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// TestLookingAtASignInLinkDoesNotUseItUp: mail scanners follow links.
func TestLookingAtASignInLinkDoesNotUseItUp(t *testing.T) {
	_, o := newSite(t, here)
	b := serve(t, o)
	link := signInLink(t, o, time.Hour)
	if !strings.HasPrefix(link, here+"/sign-in?token=") {
		t.Errorf("the link is %s", link)
	}
	path := strings.TrimPrefix(link, here)
	for range 3 {
		a := b.page(path, http.StatusOK)
		a.shows(t, "the link", "It is used up when you press the button")
		if a.header.Get("Set-Cookie") != "" {
			t.Error("looking at the link signs in")
		}
	}
	if a := b.post("/sign-in", url.Values{"token": {tokenOf(t, link)}}); a.status != http.StatusSeeOther {
		t.Errorf("pressing the button: %d", a.status)
	}
	b.page("/", http.StatusOK).shows(t, "the first page", "ana@corp.example")
}

func TestASignInLinkOpensOnceAndInTime(t *testing.T) {
	_, o := newSite(t, here)
	first, second := serve(t, o), serve(t, o)
	token := tokenOf(t, signInLink(t, o, time.Hour))
	if a := first.post("/sign-in", url.Values{"token": {token}}); a.status != http.StatusSeeOther {
		t.Fatalf("the first: %d", a.status)
	}
	late := tokenOf(t, signInLink(t, o, -time.Second))
	for name, value := range map[string]string{"a used link": token, "a late link": late, "a made-up link": "AAAA", "no link": ""} {
		a := second.post("/sign-in", url.Values{"token": {value}})
		if a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, cookie %q", name, a.status, a.header.Get("Set-Cookie"))
		}
		a.shows(t, name, "Each link signs in once", "Who acts", "Next")
	}
	if a := second.get("/"); a.status != http.StatusSeeOther {
		t.Errorf("the second is in: %d", a.status)
	}
}

func TestTheCookieIsOutOfReach(t *testing.T) {
	for publicURL, want := range map[string]struct {
		name   string
		secure bool
	}{here: {plainCookie, false}, "https://scim.corp.example": {secureCookie, true}} {
		_, o := newSite(t, publicURL)
		b := serve(t, o)
		a := b.post("/sign-in", url.Values{"token": {tokenOf(t, signInLink(t, o, time.Hour))}})
		c, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
		if err != nil {
			t.Fatal(err)
		}
		if c.Name != want.name || c.Secure != want.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 26 {
			t.Errorf("%s: the cookie is %s", publicURL, a.header.Get("Set-Cookie"))
		}
	}
}

func TestSigningInAndOutIsOnRecord(t *testing.T) {
	db, o := newSite(t, here)
	b := serve(t, o)
	b.signIn(o)
	cookies := b.http.Jar.Cookies(mustURL(t, b.url))
	if a := b.post("/sign-out", nil); a.status != http.StatusSeeOther || a.header.Get("Location") != "/sign-in" {
		t.Errorf("signing out: %d", a.status)
	}
	b.http.Jar.SetCookies(mustURL(t, b.url), cookies) // who kept the cookie
	if a := b.get("/"); a.status != http.StatusSeeOther {
		t.Errorf("the session outlives the signing out: %d", a.status)
	}
	if a := b.post("/sign-out", nil); a.status != http.StatusSeeOther {
		t.Errorf("signing out twice: %d", a.status)
	}
	var actions []string
	err := db.Read(t.Context(), func(tx *storage.Tx) error {
		for e, err := range tx.Events(t.Context(), storage.EventFilter{Action: "session."}) {
			if err != nil {
				return err
			}
			if e.Actor != audit.ActorAdmin("ana@corp.example") || e.Subject != "ana@corp.example" || e.Detail["from"] != "127.0.0.1" {
				t.Errorf("the event is %+v", e)
			}
			actions = append(actions, e.Action)
		}
		return nil
	})
	if want := []string{audit.SignedIn, audit.SignedOut}; err != nil || !slices.Equal(actions, want) {
		t.Errorf("on record is %v, %v; want %v", actions, err, want)
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestAFormOfAnotherSiteDoesNothing: neither signing someone in nor out.
func TestAFormOfAnotherSiteDoesNothing(t *testing.T) {
	_, o := newSite(t, here)
	b := serve(t, o)
	b.signIn(o)
	token := tokenOf(t, signInLink(t, o, time.Hour))
	for path, form := range map[string]url.Values{"/sign-out": nil, "/sign-in": {"token": {token}}} {
		for name, headers := range map[string]map[string]string{
			"another origin":   {"Origin": "https://evil.example"},
			"a cross-site one": {"Sec-Fetch-Site": "cross-site"},
			"no origin at all": {"Origin": "null"},
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+path, strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for k, v := range headers {
				req.Header.Set(k, v)
			}
			a := b.do(req)
			if a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" {
				t.Errorf("POST %s from %s: %d", path, name, a.status)
			}
			a.shows(t, name, "Nothing was done", "Who acts")
		}
	}
	b.page("/", http.StatusOK)
	other := serve(t, o)
	if a := other.post("/sign-in", url.Values{"token": {token}}); a.status != http.StatusSeeOther {
		t.Errorf("the refused form used the link up: %d", a.status)
	}
}

// TestThePublicAddressIsTrustedBehindAProxy: a proxy that rewrites Host must
// not lock people out.
func TestThePublicAddressIsTrustedBehindAProxy(t *testing.T) {
	_, o := newSite(t, "https://scim.corp.example")
	b := serve(t, o)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/sign-in",
		strings.NewReader(url.Values{"token": {tokenOf(t, signInLink(t, o, time.Hour))}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://scim.corp.example")
	if a := b.do(req); a.status != http.StatusSeeOther {
		t.Errorf("%d: %s", a.status, text(a.body))
	}
}

func TestPagesRefuseAnAddressThatIsNone(t *testing.T) {
	_, o := newSite(t, here)
	for _, bad := range []string{"", "scim.corp.example", "ftp://x.example", "://"} {
		o.PublicURL = bad
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "https://scim.corp.example") {
			t.Errorf("public URL %q: %v", bad, err)
		}
	}
}
