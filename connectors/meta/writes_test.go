package meta

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/meta/metasim"
)

// TestNobodyIsInvitedWhoIsOnTheHub whatever case, list or field the address is in.
func TestNobodyIsInvitedWhoIsOnTheHub(t *testing.T) {
	for _, sw := range []metasim.Switches{
		{InvitePending: "same_id", InviteMember: "ok"}, {EmailFilter: "fold"}, {EmailCase: "lowercased"}, {EmailFilter: "exact", EmailCase: "preserved"},
	} {
		w := world(setting{}, crowd(30))
		b := &w.Businesses[0]
		b.People = append(b.People, metasim.Person{ID: "301", Email: "old@corp.example", PendingEmail: "Changing@corp.example", Name: "Changing", Role: "EMPLOYEE"})
		b.Pending = append(b.Pending, metasim.RoleRequest{ID: "701", Email: "Mixed.Case@Corp.example", Role: "ADMIN", CreatedTime: start})
		h := serve(t, setting{switches: sw}, w)
		if _, err := h.Sim.Accept(ourBusiness, "zoe@example.net", metasim.AcceptAs{Email: "zoe@home.example"}); err != nil {
			t.Fatal(err)
		}
		c := h.connect()
		for _, email := range []string{"MEMBER029@example.com", "mixed.case@corp.example", "changing@corp.example", "zoe@home.example", "Zoe@Example.net", " dana@example.org "} {
			_, err := c.Invite(t.Context(), []string{email}, bridge.Collaborator)
			if e := wantKind(t, email, err, connectors.KindExists, bridge.PlatformExists); !strings.Contains(e.Message, strings.TrimSpace(email)) {
				t.Errorf("%s: %q does not say who", email, e.Message)
			}
		}
		if _, writes := h.counts(); writes != 0 {
			t.Errorf("%+v: %d invitations left", sw, writes)
		}
	}
}

// TestAnEndedInvitationDoesNotKeepAnyoneOut.
func TestAnEndedInvitationDoesNotKeepAnyoneOut(t *testing.T) {
	h := startHub(t, setting{}, crowd(3))
	h.ok(h.Decline(ourBusiness, "dana@example.org"))
	h.ok(h.Expire(ourBusiness, "dora@example.org"))
	for _, email := range []string{"dana@example.org", "dora@example.org"} {
		if _, err := h.connect().Invite(t.Context(), []string{email}, bridge.Collaborator); err != nil {
			t.Errorf("%s: %v", email, err)
		}
		found, err := h.connect().Find(t.Context(), connectors.Subject{Email: email})
		if err != nil || len(found) != 1 || found[0].Presence != bridge.Invited {
			t.Errorf("%s is found as %+v, %v", email, found, err)
		}
	}
}

// TestWhoeverWasQuickerIsFoundOut: someone else invites between our look and
// our invitation, and Meta's no has no code for it.
func TestWhoeverWasQuickerIsFoundOut(t *testing.T) {
	h := startHub(t, setting{switches: metasim.Switches{ErrorDetail: "bare"}}, crowd(3))
	c := h.connect(func(cfg *connectors.Config) {
		cfg.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				_, err := h.Sim.Invite(ourBusiness, "new@example.com", "EMPLOYEE")
				h.ok(err)
			}
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	_, err := c.Invite(t.Context(), []string{"new@example.com"}, bridge.Collaborator)
	wantKind(t, "invite", err, connectors.KindExists, bridge.PlatformExists)
	if h.Sent("new@example.com") != 1 {
		t.Errorf("%d invitations", h.Sent("new@example.com"))
	}

	// The same code for something else stays a no.
	h = startHub(t, setting{}, nil)
	h.SetLimits(metasim.Limits{People: 1})
	_, err = h.connect().Invite(t.Context(), []string{"new@example.com"}, bridge.Collaborator)
	wantKind(t, "invite", err, connectors.KindRefused, bridge.PlatformRefused)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestSystemUsersAreNeverTouched, and nothing leaves when we cannot tell.
func TestSystemUsersAreNeverTouched(t *testing.T) {
	h := startHub(t, setting{}, crowd(3))
	c := h.connect()
	_, err := c.Remove(t.Context(), connectors.Subject{PlatformID: selfID})
	wantKind(t, "remove", err, connectors.KindRefused, bridge.SitProtected)
	_, err = c.SetRole(t.Context(), connectors.Subject{PlatformID: selfID}, bridge.Collaborator)
	wantKind(t, "set role", err, connectors.KindRefused, bridge.SitProtected)

	h.Faults.Add(metasim.Fault{Op: "GET system_users", Kind: metasim.FaultHTML})
	_, err = h.connect().Remove(t.Context(), connectors.Subject{PlatformID: "310000000000001"})
	wantKind(t, "remove", err, connectors.KindTransient, "")
	if _, writes := h.counts(); writes != 0 {
		t.Errorf("%d writes left", writes)
	}
}

// TestGoneAndNotPermittedAreToldApart although Meta says the same of both.
func TestGoneAndNotPermittedAreToldApart(t *testing.T) {
	for _, detail := range []string{"full", "bare"} {
		h := startHub(t, setting{switches: metasim.Switches{ErrorDetail: detail}}, crowd(3))
		c := h.connect()
		no := &metasim.GraphError{Message: "Unsupported delete request", Type: "GraphMethodException", Code: 100, Subcode: 33}
		for _, o := range []op{opRemove, opSetRole, opCancel, opSetPending} {
			h.Faults.Add(metasim.Fault{Op: o.name, Kind: metasim.FaultError, Error: no, Times: 1})
		}
		want, reason := connectors.KindForbidden, bridge.PlatformForbidden
		if detail == "bare" { // 100 alone is an invalid parameter, too
			want, reason = connectors.KindRefused, bridge.PlatformRefused
		}
		for name, err := range allWrites(t, c) {
			if name != opInvite.name {
				wantKind(t, detail+" "+name, err, want, reason)
			}
		}
		h.Leave("310000000000001")
		h.Leave("310000000000002")
		h.ok(h.Withdraw(ourBusiness, "dana@example.org"))
		h.ok(h.Withdraw(ourBusiness, "dora@example.org"))
		for name, err := range allWrites(t, c) {
			if name != opInvite.name {
				wantKind(t, detail+" "+name, err, connectors.KindNotFound, bridge.PlatformNotFound)
			}
		}
	}
}

// TestWhatMetaCannotShowStaysOpen: when the look at a 100/33 fails too, the
// caller is told what Meta said and has to read.
func TestWhatMetaCannotShowStaysOpen(t *testing.T) {
	h := startHub(t, setting{}, crowd(3))
	h.Leave("310000000000002")
	h.Faults.Add(metasim.Fault{Op: "GET business_user", Kind: metasim.FaultHTML})
	c := h.connect()
	_, err := c.Remove(t.Context(), connectors.Subject{PlatformID: "310000000000002"})
	wantKind(t, "remove", err, connectors.KindNotFound, bridge.PlatformNotFound)
}

// TestFindBelievesTheLists over an id that shows nothing.
func TestFindBelievesTheLists(t *testing.T) {
	h := startHub(t, setting{}, crowd(30))
	h.Faults.Add(metasim.Fault{Op: "GET business_user", Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "no", Code: 100, Subcode: 33}})
	c := h.connect()
	who := connectors.Subject{PlatformID: "310000000000029"}
	if found, err := c.Find(t.Context(), who); err != nil || len(found) != 1 || found[0].Email != "member029@example.com" {
		t.Errorf("who is listed is found as %+v, %v", found, err)
	}
	h.Leave(who.PlatformID)
	if found, err := c.Find(t.Context(), who); err != nil || len(found) > 0 {
		t.Errorf("who left is found as %+v, %v", found, err)
	}
	h.Faults.Add(metasim.Fault{Op: "GET business_users", Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "no", Code: 200}})
	_, err := c.Find(t.Context(), who)
	wantKind(t, "find without the lists", err, connectors.KindForbidden, "")
	h.Mend()
	if found, err := c.Find(t.Context(), connectors.Subject{PlatformID: selfID}); err != nil || len(found) != 1 || found[0].Kind != bridge.SystemUser {
		t.Errorf("a system user is found as %+v, %v", found, err)
	}
}

// TestFindDoesNotShowAnotherBusinesssMember although its id can be read.
func TestFindDoesNotShowAnotherBusinesssMember(t *testing.T) {
	c, _ := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
		if r.URL.Path == "/v26.0/123" {
			return 200, nil, `{"id":"123","name":"Theirs","role":"ADMIN","business":{"id":"` + foreignBusiness + `"}}`
		}
		return 0, nil, ""
	})
	if found, err := c.Find(t.Context(), connectors.Subject{PlatformID: "123"}); err != nil || len(found) > 0 {
		t.Errorf("found %+v, %v", found, err)
	}
}

// TestFindFollowsAnInvitationToItsEnd by the invitation's id alone.
func TestFindFollowsAnInvitationToItsEnd(t *testing.T) {
	h := startHub(t, setting{}, crowd(3))
	c := h.connect()
	find := func() []bridge.Seen {
		found, err := c.Find(t.Context(), connectors.Subject{InvitationID: "770000000000003"})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if f := find(); len(f) != 1 || f[0].Presence != bridge.Invited || f[0].Email != "dana@example.org" {
		t.Errorf("open: %+v", f)
	}
	h.ok(h.Decline(ourBusiness, "dana@example.org"))
	if f := find(); len(f) != 1 || f[0].Presence != bridge.Declined {
		t.Errorf("declined: %+v", f)
	}
	h = startHub(t, setting{}, crowd(3))
	c = h.connect()
	p, err := h.Sim.Accept(ourBusiness, "dana@example.org", metasim.AcceptAs{Email: "dana@home.example"})
	h.ok(err)
	if f := find(); len(f) != 1 || f[0].Presence != bridge.Active || f[0].PlatformID != p.ID {
		t.Errorf("accepted: %+v", f)
	}
	h = startHub(t, setting{}, crowd(3))
	c = h.connect()
	h.ok(h.Withdraw(ourBusiness, "dana@example.org"))
	if f := find(); len(f) != 0 {
		t.Errorf("withdrawn: %+v", f)
	}
}

// TestIdsAreNotPaths: what comes from a database or a person is held to be an id.
func TestIdsAreNotPaths(t *testing.T) {
	c, s := scripted(t, func(*http.Request, url.Values) (int, http.Header, string) { return 0, nil, "" })
	for _, id := range []string{"me", "../me", "1/../2", "1?role=ADMIN", "-1", "0", " 1", "１２"} {
		for name, err := range map[string]error{
			"find":    of(c.Find(t.Context(), connectors.Subject{PlatformID: id})),
			"cancel":  of(c.Cancel(t.Context(), connectors.Subject{InvitationID: id})),
			"remove":  of(c.Remove(t.Context(), connectors.Subject{PlatformID: id})),
			"role":    of(c.SetRole(t.Context(), connectors.Subject{PlatformID: id}, bridge.Owner)),
			"pending": of(c.SetRole(t.Context(), connectors.Subject{InvitationID: id}, bridge.Owner)),
		} {
			wantKind(t, name+" "+id, err, connectors.KindRefused, "")
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("%d requests left", len(s.asked))
	}
}

// TestOpenRefusesBadInput before anything is called, and says what to write.
func TestOpenRefusesBadInput(t *testing.T) {
	good := connectors.Config{BusinessID: ourBusiness, Token: bridge.NewSecret("t0ken")}
	for name, c := range map[string]struct {
		change  func(*connectors.Config)
		options Options
		says    string
	}{
		"no business":     {func(c *connectors.Config) { c.BusinessID = "" }, Options{}, "business-id"},
		"a name":          {func(c *connectors.Config) { c.BusinessID = "Emporium" }, Options{}, "digits"},
		"another address": {func(c *connectors.Config) { c.BusinessID = "https://business.facebook.com/overview" }, Options{}, "business_id"},
		"no token":        {func(c *connectors.Config) { c.Token = bridge.Secret{} }, Options{}, "token"},
		"a bad host":      {func(c *connectors.Config) { c.APIURL = "graph" }, Options{}, "api-url"},
		"a bad version":   {nil, Options{Version: "26"}, "v26.0"},
		"no version":      {nil, Options{Version: "v0.0/.."}, "v26.0"},
	} {
		cfg := good
		if c.change != nil {
			c.change(&cfg)
		}
		if _, err := c.options.Open(cfg); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good.BusinessID = "https://business.facebook.com/settings/people?business_id=" + ourBusiness + "&tab=x"
	c, err := Open(good)
	if err != nil || c.(*Connector).business != ourBusiness || c.(*Connector).rest.Base().String() != "https://graph.facebook.com/v26.0" {
		t.Errorf("an address is not taken: %v", err)
	}
}

// TestAPendingRoleIsChangedInPlace: no second e-mail, by id or by address; and
// an invitation that is over is none.
func TestAPendingRoleIsChangedInPlace(t *testing.T) {
	for _, detail := range []string{"full", "bare"} {
		h := startHub(t, setting{switches: metasim.Switches{ErrorDetail: detail, SameRole: "error"}}, crowd(3))
		c := h.connect()
		for _, who := range []connectors.Subject{{InvitationID: "770000000000003"}, {Email: "DORA@example.org"}} {
			if _, err := c.SetRole(t.Context(), who, bridge.Owner); err != nil {
				t.Fatal(err)
			}
			_, err := c.SetRole(t.Context(), who, bridge.Owner)
			if err != nil { // it takes the same again, or says that it is so
				wantKind(t, "again", err, connectors.KindExists, bridge.PlatformExists)
			}
			found, err := c.Find(t.Context(), who)
			if err != nil || len(found) != 1 || found[0].Role != bridge.Owner || found[0].Presence != bridge.Invited || h.Sent(found[0].Email) != 0 {
				t.Errorf("%+v: %+v, %v", who, found, err)
			}
		}
		h.ok(h.Decline(ourBusiness, "dana@example.org"))
		_, err := c.SetRole(t.Context(), connectors.Subject{InvitationID: "770000000000003"}, bridge.Collaborator)
		wantKind(t, "declined", err, connectors.KindNotFound, bridge.PlatformNotFound)
		_, err = c.SetRole(t.Context(), connectors.Subject{Email: "dana@example.org"}, bridge.Collaborator)
		wantKind(t, "declined, by address", err, connectors.KindNotFound, bridge.PlatformNotFound)
		_, err = c.Cancel(t.Context(), connectors.Subject{Email: "nobody@example.org"})
		wantKind(t, "cancel nobody's", err, connectors.KindNotFound, bridge.PlatformNotFound)
	}
}

// TestARoleThatIsSoAlreadyIsNotRefused where Meta says no to it.
func TestARoleThatIsSoAlreadyIsNotRefused(t *testing.T) {
	h := startHub(t, setting{switches: metasim.Switches{SameRole: "error"}}, crowd(3))
	_, err := h.connect().SetRole(t.Context(), connectors.Subject{PlatformID: "310000000000001"}, bridge.Collaborator)
	wantKind(t, "the same role", err, connectors.KindExists, bridge.PlatformExists)
}

// TestTheLastAdminStays: Meta's own guard is told as what it is.
func TestTheLastAdminStays(t *testing.T) {
	for _, counts := range []string{"people", "people_and_system_users"} {
		h := startHub(t, setting{switches: metasim.Switches{LastAdmin: counts}}, crowd(3))
		c := h.connect()
		_, demoted := c.SetRole(t.Context(), connectors.Subject{PlatformID: personID}, bridge.Collaborator)
		if counts != "people" {
			if demoted != nil {
				t.Error(demoted)
			}
			continue
		}
		wantKind(t, "lower", demoted, connectors.KindLastAdmin, bridge.PlatformLastAdmin)
		_, err := c.Remove(t.Context(), connectors.Subject{PlatformID: personID})
		wantKind(t, "remove", err, connectors.KindLastAdmin, bridge.PlatformLastAdmin)
	}
}

// TestTraitsAreMetas.
func TestTraitsAreMetas(t *testing.T) {
	h := startHub(t, setting{options: Options{PageSize: 40}}, nil)
	tr := h.connect().Traits()
	if tr.Platform != bridge.Meta || tr.InviteBatch != 1 || !tr.ChangePending || tr.MaskedEmails || tr.MemberCap != 0 || tr.AdminCap != 0 ||
		tr.PageSize != 40 || Traits().PageSize != 100 || tr.Native[bridge.Owner] != "ADMIN" || tr.Native[bridge.Collaborator] != "EMPLOYEE" {
		t.Errorf("%+v", tr)
	}
}
