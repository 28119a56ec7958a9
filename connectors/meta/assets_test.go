package meta

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/meta/metasim"
)

// one is an asset of each kind that the hub's business has, with a task that is
// little and one that is much on it.
var one = []struct {
	bridge.Asset
	little, much string
}{
	{bridge.Asset{Kind: "ad_account", ID: ourAccount}, "ANALYZE", "MANAGE"},
	{bridge.Asset{Kind: "page", ID: "600000000000002"}, "ANALYZE", "MANAGE"},
	{bridge.Asset{Kind: "catalog", ID: "600000000000003"}, "ADVERTISE", "MANAGE"},
	{bridge.Asset{Kind: "pixel", ID: "600000000000004"}, "ANALYZE", "EDIT"},
	{bridge.Asset{Kind: "instagram", ID: "600000000000005"}, "ANALYZE", "CONTENT"},
	{bridge.Asset{Kind: "whatsapp", ID: "600000000000006"}, "VIEW_COST", "MANAGE"},
}

const (
	ada = "310000000000001"
	bob = "310000000000002"
)

// on lists who has access to an asset, by id, as the connector tells.
func on(t *testing.T, c *Connector, asset bridge.Asset) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	for u, err := range c.AssetUsers(t.Context(), asset, nil) {
		if err != nil {
			t.Fatalf("%s: %v", asset, err)
		}
		if _, twice := got[u.PlatformID]; twice || u.PlatformID == "" {
			t.Fatalf("%s: %+v twice or nobody", asset, u)
		}
		got[u.PlatformID] = u.Roles
	}
	return got
}

func onErr(t *testing.T, c *Connector, asset bridge.Asset) error {
	t.Helper()
	var failed error
	for _, err := range c.AssetUsers(t.Context(), asset, nil) {
		if failed != nil {
			t.Fatal("the listing goes on after its error")
		}
		failed = err
	}
	return failed
}

// truth is what an asset's people are set to on the platform.
func (h *hub) truth(asset bridge.Asset) map[string][]string {
	h.t.Helper()
	for _, a := range assets(h.World().Businesses[0])[asset.Kind] {
		if strings.TrimPrefix(a.ID, "act_") == asset.ID {
			set := map[string][]string{}
			for _, as := range a.Assigned {
				set[as.User] = as.Tasks
			}
			return set
		}
	}
	h.t.Fatalf("no asset %s", asset)
	return nil
}

func give(t *testing.T, c *Connector, id string, asset bridge.Asset, roles ...string) error {
	t.Helper()
	_, err := c.Assign(t.Context(), connectors.Subject{PlatformID: id}, bridge.AssetAccess{Asset: asset, Roles: roles})
	return err
}

func take(t *testing.T, c *Connector, id string, asset bridge.Asset) error {
	t.Helper()
	_, err := c.Unassign(t.Context(), connectors.Subject{PlatformID: id}, asset)
	return err
}

// TestAccessToAssetsIsGivenAndTakenUnderEverySwitch, of every kind: what is
// given takes the place of what was there, others keep theirs, system users are
// nobody, and what is gone is said to be.
func TestAccessToAssetsIsGivenAndTakenUnderEverySwitch(t *testing.T) {
	for _, s := range settings(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			h := startHub(t, s, crowd(5))
			c := h.connect()
			for _, a := range one {
				k, _ := c.Traits().Asset(a.Kind)
				self := on(t, c, a.Asset)
				if delete(self, personID); len(self) > 0 {
					t.Fatalf("%s: %v before anyone is given it", a.Asset, self)
				}
				err := give(t, c, ada, a.Asset, a.much)
				if a.Kind == "pixel" && s.switches.PixelAssign == "reference" {
					if e := wantKind(t, a.String(), err, connectors.KindForbidden, bridge.PlatformForbidden); e.Next == "" || len(h.truth(a.Asset)) > 0 {
						t.Errorf("%+v, %v", e, h.truth(a.Asset))
					}
					continue
				}
				for _, err := range []error{err, give(t, c, bob, a.Asset, a.much), give(t, c, ada, a.Asset, a.little)} {
					if err != nil {
						t.Fatalf("%s: %v", a.Asset, err)
					}
				}
				if got := h.truth(a.Asset); !slices.Equal(got[ada], []string{a.little}) || !slices.Equal(got[bob], []string{a.much}) {
					t.Fatalf("%s is %v", a.Asset, got)
				}
				h.Settle()
				got := on(t, c, a.Asset)
				if delete(got, personID); len(got) != 2 || !slices.Equal(got[ada], k.Whole([]string{a.little})) || !slices.Equal(got[bob], k.Whole([]string{a.much})) {
					t.Errorf("%s shows %v", a.Asset, got)
				}
				if !k.Revocable {
					before := len(h.Requests())
					if e := wantKind(t, a.String(), take(t, c, bob, a.Asset), connectors.KindRefused, bridge.PlatformRefused); e.Next == "" || len(h.Requests()) > before {
						t.Errorf("%+v after %d requests", e, len(h.Requests())-before)
					}
					continue
				}
				if err := take(t, c, bob, a.Asset); err != nil {
					t.Fatalf("%s: %v", a.Asset, err)
				}
				if got := h.truth(a.Asset); got[bob] != nil || !slices.Equal(got[ada], []string{a.little}) {
					t.Errorf("%s is %v", a.Asset, got)
				}
				h.Settle()
				if err := take(t, c, bob, a.Asset); s.switches.DeleteTwice != "success" {
					wantKind(t, "taken twice", err, connectors.KindNotFound, bridge.PlatformNotFound)
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestUnpackedTasksAreNoDrift: whatever tasks a rule names, what the platform
// shows once they are given reads the same, whether it unpacks tasks or not, and
// whether they were given in the rule's words or by another admin in fewer.
func TestUnpackedTasksAreNoDrift(t *testing.T) {
	for _, unpacks := range metasim.Alternatives()["assigned_tasks"] {
		h := startHub(t, setting{switches: metasim.Switches{AssignedTasks: unpacks}}, crowd(5))
		c := h.connect()
		for _, a := range one {
			k, _ := c.Traits().Asset(a.Kind)
			for _, role := range k.Roles {
				rule, err := c.Traits().ParseAssetAccess(a.Asset.String() + "=" + strings.ToLower(role))
				if err != nil {
					t.Fatal(err)
				}
				for _, err := range []error{give(t, c, ada, a.Asset, rule.Roles...), give(t, c, bob, a.Asset, role)} {
					if err != nil {
						t.Fatalf("%s: %v", rule, err)
					}
				}
				got := on(t, c, a.Asset)
				if !slices.Equal(got[ada], rule.Roles) || !slices.Equal(got[bob], rule.Roles) {
					t.Errorf("%s (%s): the rule wants %v and it shows %v", rule, unpacks, rule.Roles, got)
				}
			}
		}
	}
}

// TestTasksThatMetaAddedAreShownAndNotGiven: they count in a comparison, and
// giving is left to a person, since a list without them would take them away.
func TestTasksThatMetaAddedAreShownAndNotGiven(t *testing.T) {
	c, s := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
		if strings.HasSuffix(r.URL.Path, "/assigned_users") {
			return 200, nil, `{"data":[{"id":"1","tasks":["AI_ASSIST","ADVERTISE"]}]}`
		}
		return 0, nil, ""
	})
	if got := on(t, c, one[0].Asset); !slices.Equal(got["1"], []string{"ADVERTISE", "AI_ASSIST", "ANALYZE"}) {
		t.Errorf("%v", got)
	}
	e := wantKind(t, "assign", give(t, c, "1", one[0].Asset, "AI_ASSIST", "ANALYZE"), connectors.KindRefused, bridge.PlatformRefused)
	if s.writes() > 0 || !strings.Contains(e.Message, "AI_ASSIST") || !strings.Contains(e.Next, "Business Settings") {
		t.Errorf("%d writes, %+v", s.writes(), e)
	}
}

// TestAnAdAccountHasOneName, with act_ or without, and Meta is asked for its node.
func TestAnAdAccountHasOneName(t *testing.T) {
	h := startHub(t, setting{}, crowd(5))
	c := h.connect()
	for _, id := range []string{ourAccount, "act_" + ourAccount} {
		asset := bridge.Asset{Kind: "ad_account", ID: id}
		if err := give(t, c, ada, asset, "ADVERTISE"); err != nil || len(on(t, c, asset)) != 1 {
			t.Errorf("%s: %v", id, err)
		}
		if err := take(t, c, ada, asset); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, r := range h.Requests() {
		if strings.HasSuffix(r.Op, "assigned_users") && r.Path != "/act_"+ourAccount+"/assigned_users" {
			t.Errorf("%s %s", r.Op, r.Path)
		}
	}
	var ids []string
	for a, err := range c.Assets(t.Context(), "ad_account") {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.String())
	}
	if !slices.Equal(ids, []string{"ad_account:" + ourAccount}) {
		t.Errorf("%v", ids)
	}
}

// TestAssetsAreOursAndThoseSharedWithUs, each once and over all pages, with
// whose they are.
func TestAssetsAreOursAndThoseSharedWithUs(t *testing.T) {
	s := setting{switches: metasim.Switches{EmptyPages: "between"}}
	w := world(s, nil)
	for i := range 45 {
		w.Businesses[0].AdAccounts = append(w.Businesses[0].AdAccounts, metasim.Asset{ID: fmt.Sprint("act_", 610000000000000+i), Name: fmt.Sprint("Account ", i)})
	}
	share := []metasim.Share{{Business: ourBusiness, Tasks: []string{"ANALYZE"}}}
	w.Businesses[1].AdAccounts = []metasim.Asset{
		{ID: "act_620000000000001", Name: "Theirs", Agencies: share}, {ID: "act_620000000000002", Name: "Not ours to see"},
	}
	w.Businesses[1].Instagram = []metasim.Asset{{ID: "620000000000003", Username: "agency", Agencies: share}}
	c := serve(t, s, w).connect()
	for kind, want := range map[string][]bridge.AssetDetails{
		"ad_account": {
			{Asset: one[0].Asset, Name: "Brand"}, {Asset: bridge.Asset{Kind: "ad_account", ID: "610000000000044"}, Name: "Account 44"},
			{Asset: bridge.Asset{Kind: "ad_account", ID: "620000000000001"}, Name: "Theirs", Owner: "Agency"},
		},
		"page": {{Asset: one[1].Asset, Name: "Shop"}}, "catalog": {{Asset: one[2].Asset, Name: "Goods"}}, "pixel": {{Asset: one[3].Asset, Name: "Web"}},
		"instagram": {{Asset: one[4].Asset, Name: "generic"}, {Asset: bridge.Asset{Kind: "instagram", ID: "620000000000003"}, Name: "agency"}},
		"whatsapp":  {{Asset: one[5].Asset, Name: "Help desk"}},
	} {
		var got []bridge.AssetDetails
		for a, err := range c.Assets(t.Context(), kind) {
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if slices.Contains(got, a) {
				t.Errorf("%v twice", a)
			}
			got = append(got, a)
		}
		n := len(want)
		if kind == "ad_account" {
			n = 47
		}
		for _, a := range want {
			if !slices.Contains(got, a) || len(got) != n {
				t.Errorf("%s: %v (%d) has no %v", kind, got, len(got), a)
			}
		}
	}
	for _, err := range c.Assets(t.Context(), "newspaper") {
		if e := wantKind(t, "newspaper", err, connectors.KindRefused, ""); !strings.Contains(e.Message, "ad_account, page, catalog") {
			t.Error(e.Message)
		}
	}
}

// TestWhoIsOnAnAssetIsReadToItsEndOrNotAtAll.
func TestWhoIsOnAnAssetIsReadToItsEndOrNotAtAll(t *testing.T) {
	for _, sw := range []metasim.Switches{{}, {EmptyPages: "between"}, {PageCap: 3, PageTooBig: "reduce"}, {PageCap: 7}} {
		s := setting{switches: sw}
		w := world(s, crowd(50))
		for i := range 50 {
			w.Businesses[0].AdAccounts[0].Assigned = append(w.Businesses[0].AdAccounts[0].Assigned, metasim.Assignment{User: fmt.Sprint(310000000000000 + i), Tasks: []string{"ADVERTISE"}})
		}
		h := serve(t, s, w)
		c := h.connect()
		if got := on(t, c, one[0].Asset); len(got) != 50 {
			t.Errorf("%+v: %d of 50", sw, len(got))
		}
		h.Faults.Add(metasim.Fault{Op: "GET assigned_users", Kind: metasim.FaultForeignNext, Skip: 1})
		wantKind(t, "a link to another host", onErr(t, c, one[0].Asset), connectors.KindMalformed, bridge.PlatformMalformed)
		h.Mend()
		h.Faults.Add(metasim.Fault{Op: "GET assigned_users", Kind: metasim.FaultNextLoop, Skip: 1})
		wantKind(t, "a loop", onErr(t, c, one[0].Asset), connectors.KindMalformed, bridge.PlatformMalformed)
		h.Mend()
		h.Faults.Add(metasim.Fault{Op: "GET assigned_users", Kind: metasim.FaultHTML, Skip: 2})
		wantKind(t, "an outage", onErr(t, c, one[0].Asset), connectors.KindTransient, bridge.PlatformUnreachable)
	}
	// Someone without tasks has none, or some that are not shown: who knows.
	for _, row := range []string{`{"id":"1","name":"x"}`, `{"id":"1","tasks":[]}`, `{"tasks":["MANAGE"]}`} {
		c, _ := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
			if strings.HasSuffix(r.URL.Path, "/assigned_users") {
				return 200, nil, `{"data":[` + row + `]}`
			}
			return 0, nil, ""
		})
		wantKind(t, row, onErr(t, c, one[0].Asset), connectors.KindMalformed, bridge.PlatformMalformed)
	}
}

// TestSystemUsersOnAnAssetAreNobody, and never given anything.
func TestSystemUsersOnAnAssetAreNobody(t *testing.T) {
	for _, named := range metasim.Alternatives()["user_type"] {
		h := startHub(t, setting{switches: metasim.Switches{UserType: named}}, crowd(2))
		c := h.connect()
		for _, a := range one[:2] {
			if len(h.truth(a.Asset)) != 1 || len(on(t, c, a.Asset)) != 0 {
				t.Errorf("%s: %v is %v", a.Asset, on(t, c, a.Asset), h.truth(a.Asset))
			}
			for _, err := range []error{give(t, c, selfID, a.Asset, "MANAGE"), take(t, c, selfID, a.Asset)} {
				wantKind(t, "a system user", err, connectors.KindRefused, bridge.SitProtected)
			}
		}
		if _, writes := h.counts(); writes > 0 {
			t.Error("something was written")
		}
	}
}

// TestOnlyMembersAreGivenAssets.
func TestOnlyMembersAreGivenAssets(t *testing.T) {
	h := startHub(t, setting{}, crowd(5))
	c := h.connect()
	for what, bad := range map[string]struct {
		who   connectors.Subject
		asset bridge.Asset
		roles []string
	}{
		"an invitation":  {connectors.Subject{InvitationID: "770000000000005", Email: "zoe@example.net"}, one[0].Asset, []string{"ANALYZE"}},
		"an odd id":      {connectors.Subject{PlatformID: "1/2"}, one[0].Asset, []string{"ANALYZE"}},
		"no task":        {connectors.Subject{PlatformID: ada}, one[0].Asset, nil},
		"an empty task":  {connectors.Subject{PlatformID: ada}, one[0].Asset, []string{""}},
		"an odd kind":    {connectors.Subject{PlatformID: ada}, bridge.Asset{Kind: "finance"}, []string{"ANALYZE"}},
		"no asset":       {connectors.Subject{PlatformID: ada}, bridge.Asset{Kind: "page"}, []string{"ANALYZE"}},
		"an odd asset":   {connectors.Subject{PlatformID: ada}, bridge.Asset{Kind: "page", ID: "me/accounts?x"}, []string{"ANALYZE"}},
		"another's form": {connectors.Subject{PlatformID: ada}, bridge.Asset{Kind: "page", ID: "act_" + ourAccount}, []string{"ANALYZE"}},
	} {
		_, err := c.Assign(t.Context(), bad.who, bridge.AssetAccess{Asset: bad.asset, Roles: bad.roles})
		wantKind(t, what, err, connectors.KindRefused, "")
	}
	if _, writes := h.counts(); writes > 0 {
		t.Error("something was written")
	}
	wantKind(t, "who was removed", give(t, c, "319999999999999", one[0].Asset, "ANALYZE"), connectors.KindNotFound, bridge.PlatformNotFound)
	wantKind(t, "a partner's person", give(t, c, "300000000000009", one[0].Asset, "ANALYZE"), connectors.KindNotFound, bridge.PlatformNotFound)
	e := wantKind(t, "no such account", give(t, c, ada, bridge.Asset{Kind: "ad_account", ID: "999"}, "ANALYZE"), connectors.KindNotFound, bridge.PlatformNotFound)
	if !strings.Contains(e.Next, "check the id 999 of the ad account") {
		t.Error(e.Next)
	}
}

// TestAccessIsGoneOnlyWhereAListSaysSo: 100/33 means gone or not permitted.
func TestAccessIsGoneOnlyWhereAListSaysSo(t *testing.T) {
	for what, c := range map[string]struct {
		status int
		list   string
		want   connectors.Kind
	}{
		"still listed":      {200, `{"data":[{"id":"` + ada + `","tasks":["ANALYZE"]}]}`, connectors.KindForbidden},
		"listed no more":    {200, `{"data":[{"id":"` + bob + `","tasks":["ANALYZE"]}]}`, connectors.KindNotFound},
		"nobody is":         {200, `{"data":[]}`, connectors.KindNotFound},
		"the list is no go": {400, graph(100, 33), connectors.KindForbidden},
		"the list is out":   {500, `<html>`, connectors.KindForbidden},
	} {
		conn, s := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
			switch {
			case r.Method == http.MethodDelete:
				return 400, nil, graph(100, 33)
			case strings.HasSuffix(r.URL.Path, "/assigned_users"):
				return c.status, nil, c.list
			}
			return 0, nil, ""
		})
		wantKind(t, what, take(t, conn, ada, one[0].Asset), c.want, "")
		if s.writes() != 1 {
			t.Errorf("%s: written %d times", what, s.writes())
		}
	}
}

// TestChangesOfAccessAreSentOnceAndSayWhatBecameOfThem.
func TestChangesOfAccessAreSentOnceAndSayWhatBecameOfThem(t *testing.T) {
	graphErr := func(code, sub int) metasim.Fault {
		return metasim.Fault{Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "words", Code: code, Subcode: sub}}
	}
	for what, c := range map[string]struct {
		fault metasim.Fault
		want  connectors.Kind
	}{
		"the answer is lost":   {metasim.Fault{Kind: metasim.FaultResetAfter}, connectors.KindUnknown},
		"the answer is cut":    {metasim.Fault{Kind: metasim.FaultTruncate}, connectors.KindUnknown},
		"not a word":           {metasim.Fault{Kind: metasim.FaultEmptyBody}, connectors.KindUnknown},
		"success: false":       {metasim.Fault{Kind: metasim.FaultNotSuccess}, connectors.KindUnknown},
		"unknown error":        {graphErr(1, 0), connectors.KindUnknown},
		"too many calls":       {graphErr(80004, 2446079), connectors.KindThrottled},
		"no quota of invites":  {graphErr(17, 0), connectors.KindThrottled},
		"may not":              {graphErr(200, 0), connectors.KindForbidden},
		"an account's own no":  {graphErr(2620, 0), connectors.KindRefused},
		"abusive":              {graphErr(368, 0), connectors.KindBlocked},
		"a second factor":      {graphErr(415, 2859009), connectors.KindHuman},
		"a token that is dead": {graphErr(190, 460), connectors.KindToken},
	} {
		h := startHub(t, setting{}, crowd(5))
		conn := h.connect()
		if err := give(t, conn, bob, one[2].Asset, "ADVERTISE"); err != nil {
			t.Fatal(err)
		}
		h.ResetRequests()
		for _, o := range []op{opAssign, opUnassign} {
			f := c.fault
			f.Op, f.Times = o.name, 1
			h.Faults.Add(f)
		}
		wantKind(t, what, give(t, conn, ada, one[2].Asset, "ADVERTISE"), c.want, "")
		wantKind(t, what, take(t, conn, bob, one[2].Asset), c.want, "")
		if _, writes := h.counts(); writes != 2 {
			t.Errorf("%s: %d writes, want each once", what, writes)
		}
	}
}

// TestAYoungSystemUserWaitsToGiveAssetsToo.
func TestAYoungSystemUserWaitsToGiveAssetsToo(t *testing.T) {
	w := world(setting{}, crowd(5))
	w.Businesses[0].SystemUsers[0].CreatedTime = start.Add(-6 * 24 * time.Hour)
	h := serve(t, setting{}, w)
	h.Faults.Add(metasim.Fault{Op: opAssign.name, Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "no", Code: 10, Subcode: 2859030}})
	for _, a := range one[:2] { // a page's own token does not hide whose it is
		wantKind(t, a.String(), give(t, h.connect(), ada, a.Asset, "ANALYZE"), connectors.KindTooEarly, bridge.PlatformTooEarly)
	}
}

// TestAssetsThatTheTokenMayNotReachSayWhichPermissionIsMissing.
func TestAssetsThatTheTokenMayNotReachSayWhichPermissionIsMissing(t *testing.T) {
	w := world(setting{}, crowd(5))
	w.Tokens[0].Scopes = []string{"business_management", "pages_show_list"}
	h := serve(t, setting{}, w)
	c := h.connect()
	for i, scope := range []string{"ads_management", "pages_manage_metadata", "catalog_management", "", "", "whatsapp_business_management"} {
		if scope == "" {
			continue
		}
		for _, err := range []error{onErr(t, c, one[i].Asset), give(t, c, ada, one[i].Asset, one[i].little)} {
			if e := wantKind(t, one[i].String(), err, connectors.KindForbidden, bridge.PlatformForbidden); !strings.Contains(e.Next, scope) {
				t.Errorf("%s: %s", one[i].Asset, e.Next)
			}
		}
	}
	con, err := c.Check(t.Context())
	i := slices.IndexFunc(con.Checks, func(p bridge.Precondition) bool { return p.Code == needScopesAssets })
	if err != nil || con.Checks[i].State != bridge.Missing || !strings.Contains(con.Checks[i].Detail, "whatsapp_business_management (WhatsApp Business account)") {
		t.Errorf("%v %+v", err, con.Checks[i])
	}
	for _, f := range con.Findings {
		if strings.Contains(f.Detail, "catalog_management") {
			t.Errorf("a hub without rules for assets is told off: %+v", f)
		}
	}
}

// TestAnAssetOutOfReachIsNotTakenForGone: to an account that is no admin any
// more, Meta says of assets that they do not exist.
func TestAnAssetOutOfReachIsNotTakenForGone(t *testing.T) {
	for _, s := range []setting{{}, {asUser: true}} {
		h := startHub(t, s, crowd(5))
		c := h.connect()
		for _, a := range one {
			on(t, c, a.Asset)
		}
		h.Demote()
		for _, a := range one {
			e := wantKind(t, "people of "+a.String(), onErr(t, c, a.Asset), connectors.KindForbidden, bridge.PlatformForbidden)
			if e.Op == opMachines.name && e.Next != checkHub {
				t.Errorf("%s: the account is no admin, and what to do is %q", a.Asset, e.Next)
			}
			wantKind(t, "assign "+a.String(), give(t, c, ada, a.Asset, a.little), connectors.KindForbidden, bridge.PlatformForbidden)
		}
		if err := onErr(t, h.connect(), bridge.Asset{Kind: "catalog", ID: "999"}); connectors.KindOf(err) != connectors.KindForbidden {
			t.Errorf("%v", err)
		}
	}
}
