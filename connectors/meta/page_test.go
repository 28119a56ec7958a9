package meta

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/meta/metasim"
)

var shop = one[1].Asset

// ofPage are the tokens that Meta made for the page.
func (h *hub) ofPage() (tokens []string) {
	for _, tok := range h.World().Tokens {
		if tok.Page == shop.ID {
			tokens = append(tokens, tok.Token)
		}
	}
	return tokens
}

// TestPagesAreSpokenToWithTheirOwnToken, which is asked for once, carries a
// proof of its own, and shows nowhere.
func TestPagesAreSpokenToWithTheirOwnToken(t *testing.T) {
	h := startHub(t, setting{}, crowd(5))
	s := &recorder{}
	var seen strings.Builder
	c := h.connect(func(cfg *connectors.Config) {
		cfg.Transport = s
		cfg.OnCall = func(call connectors.Call) { json.NewEncoder(&seen).Encode(call) }
	})
	h.Faults.Add(metasim.Fault{Op: opAssign.name, Kind: metasim.FaultError, Skip: 1, Error: &metasim.GraphError{Message: "no good: leak", Code: 200}})
	for _, err := range []error{give(t, c, ada, shop, "ANALYZE"), give(t, c, bob, shop, "ANALYZE"), take(t, c, ada, shop)} {
		fmt.Fprintf(&seen, "%v %+v\n", err, err)
	}
	on(t, c, shop)
	tokens := h.ofPage()
	if len(tokens) != 1 {
		t.Fatalf("%d tokens of the page", len(tokens))
	}
	asked := 0
	for _, a := range s.asked {
		where := a.query
		if a.method == http.MethodPost {
			where = a.form
		}
		want := token
		if strings.HasSuffix(a.path, "/"+shop.ID+"/assigned_users") {
			want = tokens[0]
			asked++
		}
		if got := a.header.Get("Authorization"); got != "Bearer "+want || where.Get("appsecret_proof") != proof(bridge.NewSecret(appSecret), bridge.NewSecret(want)) {
			t.Errorf("%s %s: %s, %s", a.method, a.path, got, where.Get("appsecret_proof"))
		}
	}
	if asked < 4 {
		t.Errorf("only %d requests", asked)
	}
	for _, secret := range h.Secrets() {
		if strings.Contains(seen.String(), secret) {
			t.Error("a secret shows in a call or an error")
		}
	}
}

// TestAPageTokenThatLeaksIsHidden wherever Meta repeats it.
func TestAPageTokenThatLeaksIsHidden(t *testing.T) {
	h := startHub(t, setting{}, crowd(5))
	c := h.connect()
	on(t, c, shop)
	tok := h.ofPage()[0]
	h.Faults.Add(metasim.Fault{Op: opAssign.name, Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "odd token " + tok + " of " + token, Code: 200}})
	e := wantKind(t, "assign", give(t, c, ada, shop, "ANALYZE"), connectors.KindForbidden, "")
	if strings.Contains(e.Message, tok) || strings.Contains(e.Message, token) {
		t.Error(e.Message)
	}
}

// TestAPageTokenThatEndsIsNotTheEndOfTheHub: another is asked for. A read goes
// on with it; a change is left to the next try.
func TestAPageTokenThatEndsIsNotTheEndOfTheHub(t *testing.T) {
	h := startHub(t, setting{}, crowd(5))
	c := h.connect()
	if err := give(t, c, ada, shop, "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	revoke := func() {
		for _, tok := range h.ofPage() {
			h.ok(h.Sim.RevokeToken(tok, 467))
		}
	}
	revoke()
	if got := on(t, c, shop); len(got) != 1 {
		t.Errorf("%v", got)
	}
	revoke()
	h.ResetRequests()
	wantKind(t, "a change", give(t, c, bob, shop, "ANALYZE"), connectors.KindTransient, bridge.PlatformUnreachable)
	if _, writes := h.counts(); writes != 1 {
		t.Errorf("written %d times", writes)
	}
	if err := give(t, c, bob, shop, "ANALYZE"); err != nil || len(h.truth(shop)) != 3 {
		t.Errorf("%v %v", err, h.truth(shop))
	}
	// Our own token is another matter.
	revoke()
	h.RevokeToken()
	wantKind(t, "ours", onErr(t, c, shop), connectors.KindToken, bridge.PlatformTokenRevoked)
}

// TestAPageTokenThatNeverWorksIsAMatterOfThePage.
func TestAPageTokenThatNeverWorksIsAMatterOfThePage(t *testing.T) {
	h := startHub(t, setting{}, crowd(5))
	c := h.connect()
	for _, o := range []op{opAssigned, opAssign} {
		h.Faults.Add(metasim.Fault{Op: o.name, Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "no", Code: 190}})
	}
	for _, err := range []error{onErr(t, c, shop), give(t, c, ada, shop, "ANALYZE")} {
		e := wantKind(t, "the page", err, connectors.KindForbidden, bridge.PlatformForbidden)
		if connectors.HaltFor(err, start) != nil || !strings.Contains(e.Next, "pages_manage_metadata") {
			t.Errorf("%+v", e)
		}
	}
}

// TestAPageThatIsNotManagedSaysWhoHasToBePutOnIt.
func TestAPageThatIsNotManagedSaysWhoHasToBePutOnIt(t *testing.T) {
	w := world(setting{}, crowd(5))
	w.Businesses[0].Pages[0].Assigned = nil
	c := serve(t, setting{}, w).connect()
	for _, err := range []error{onErr(t, c, shop), give(t, c, ada, shop, "ANALYZE"), take(t, c, ada, shop)} {
		e := wantKind(t, "the page", err, connectors.KindForbidden, bridge.PlatformForbidden)
		if !strings.Contains(e.Next, "full control of the page") || connectors.HaltFor(err, start) != nil {
			t.Errorf("%+v", e)
		}
	}
	none, err := c.page(t.Context(), assetKinds[1], "999")
	if e, ok := errors.AsType[*connectors.Error](err); none != nil || !ok || e.Kind != connectors.KindNotFound {
		t.Errorf("%v", err)
	}
}
