package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
	"adbridge/connectors/tiktok/tiktoksim"
)

// The agency is a partner of Lumen's Business Center in Europe, with people of
// its own of whom most have nothing to do with us.
const (
	bcAgency      = "7055555555555555555"
	bcStranger    = "7066666666666666666"
	agencyToken   = "tiktok-token-of-the-monitor"
	agencyJunior  = "tiktok-token-of-a-junior-of-the-agency"
	strangerToken = "tiktok-token-of-a-stranger"

	adOne, adTwo, adSecret = "6917610070750527401", "6917610070750527402", "6917610070750527403"
	catalogOne             = "6917610070750527501"
	agencysOwn             = "6917610070750527901"
)

// The people of the agency who reach what Lumen shares, and those who do not.
var (
	reaching  = at(agency, "rita.quill", "rob.zander")
	unrelated = []string{"wanda.unrelated@" + agency, "xaver.unrelated@private.example", "yolanda.unrelated@" + agency}
)

type agencyStage struct {
	*stage
	id map[string]string // user ids by address
}

// newAgency has hub eu connected; the agency shares nothing of its own.
func newAgency(t *testing.T) *agencyStage {
	t.Helper()
	w := tiktokWorld()
	s := &agencyStage{id: map[string]string{}}
	n := &ids{next: 6816184256936190000}
	member := func(role, email string) tiktoksim.Member {
		plain := false
		m := tiktoksim.Member{UserID: n.take(), Email: email, Name: nameOf(email), Role: role, Masked: &plain}
		s.id[email] = m.UserID
		return m
	}
	theirs := []tiktoksim.Member{member("ADMIN", "monitor@"+agency), member("ADMIN", "boss@"+agency), member("STANDARD", "junior@"+agency)}
	for _, e := range slices.Concat(reaching, unrelated) {
		theirs = append(theirs, member("STANDARD", e))
	}
	theirs = append(theirs, tiktoksim.Member{Email: "invited.unrelated@" + agency, Status: "PENDING"})
	asset := func(typ, id, name string) tiktoksim.Asset {
		return tiktoksim.Asset{AssetType: typ, AssetID: id, Name: name}
	}
	eu := &w.BusinessCenters[0]
	eu.Assets = append(eu.Assets, asset("ADVERTISER", adOne, "Lumen DE"), asset("ADVERTISER", adTwo, "Lumen FR"), asset("ADVERTISER", adSecret, "Lumen internal"), asset("CATALOG", catalogOne, "Lumen shop"))
	eu.Partners = []tiktoksim.Partner{{BCID: bcAgency, Sharing: []tiktoksim.Shared{
		{AssetType: "ADVERTISER", AssetID: adOne, AdvertiserRole: "OPERATOR"}, {AssetType: "ADVERTISER", AssetID: adTwo, AdvertiserRole: "ANALYST"},
		{AssetType: "CATALOG", AssetID: catalogOne, CatalogRole: "AD_PROMOTE"}}}}
	w.BusinessCenters = append(w.BusinessCenters,
		tiktoksim.BusinessCenter{BCID: bcAgency, Name: "Northwind Agency", Members: theirs, Assets: []tiktoksim.Asset{asset("ADVERTISER", agencysOwn, "Another client")}},
		tiktoksim.BusinessCenter{BCID: bcStranger, Name: "Somebody", Members: []tiktoksim.Member{member("ADMIN", "chief@somebody.example")}})
	w.Tokens = append(w.Tokens,
		tiktoksim.Token{Token: agencyToken, AppID: ttApp, User: s.id["monitor@"+agency]},
		tiktoksim.Token{Token: agencyJunior, AppID: ttApp, User: s.id["junior@"+agency]},
		tiktoksim.Token{Token: strangerToken, AppID: ttApp, User: s.id["chief@somebody.example"]})
	s.stage = newStage(t, w, metaWorld())
	s.inProcess = true
	s.gives(reaching[0], "ADVERTISER", adOne, "OPERATOR")
	s.gives(reaching[1], "ADVERTISER", adTwo, "ANALYST")
	s.gives(reaching[1], "CATALOG", catalogOne, "AD_PROMOTE")
	s.gives(unrelated[0], "ADVERTISER", agencysOwn, "ADMIN")
	s.connectHub("eu", "tiktok", bcEU, "observe")
	return s
}

// gives is the agency giving one of its people access to an asset.
func (s *agencyStage) gives(email, typ, id, role string) {
	s.t.Helper()
	g := tiktoksim.Grant{AssetType: typ, AssetID: id, AdvertiserRole: role}
	if typ == "CATALOG" {
		g.AdvertiserRole, g.CatalogRole = "", role
	}
	if err := s.tiktok.Assign(bcAgency, email, g); err != nil {
		s.t.Fatal(err)
	}
}

// asOurs is a colleague changing something in our Business Center.
func (s *agencyStage) asOurs(op, body string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.ttURL+"/open_api/v1.3/"+op+"/", strings.NewReader(`{"bc_id":"`+bcEU+`",`+body+`}`))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Access-Token", ttToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || !bytes.Contains(b, []byte(`"code":0`)) {
		s.t.Fatalf("%s: %v %s", op, err, b)
	}
}

func (s *agencyStage) addArgs(slug, business, token, of string) []string {
	return []string{"hub", "add", slug, "--platform", "tiktok", "--business-id", business, "--token-file", s.secret(token, token),
		"--app-id", ttApp, "--app-secret-file", s.secret("app.secret", "demo-tiktok-app-secret"), "--api-url", s.ttURL, "--partner-of", of}
}

func (s *agencyStage) connectAgency() {
	s.t.Helper()
	s.must(nil, s.addArgs("agency", bcAgency, agencyToken, "eu")...)
}

// reads pulls a hub.
func (s *agencyStage) reads(slug string) {
	s.t.Helper()
	s.must(nil, "pull", slug)
}

// reach is what the members of hub agency reach, by address (name where there is none).
func (s *agencyStage) reach() map[string]string {
	s.t.Helper()
	var views []memberView
	s.must(&views, "members", "agency")
	out := map[string]string{}
	for _, m := range views {
		if m.Kind != bridge.PartnerMember || m.Ownership != bridge.Partner || m.Standing != bridge.StandPartner {
			s.t.Errorf("%s is kept as %s, %s, %s", m.Email, m.Kind, m.Ownership, m.Standing)
		}
		var assets []string
		for _, a := range m.Assets {
			assets = append(assets, bridge.AssetAccess{Asset: a.Asset, Roles: a.Roles}.String())
		}
		out[cmpOr(m.Email, m.Name)] = strings.Join(assets, " ")
	}
	return out
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (s *agencyStage) wantReach(want map[string]string) {
	s.t.Helper()
	if got := s.reach(); !mapsEqual(got, want) {
		s.t.Errorf("got  %v\nwant %v", got, want)
	}
}

func mapsEqual(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return true
}

// TestPartnersPeopleWhoReachWhatWeShareAreShownAndNobodyElseIsKept: the whole
// journey, and not a byte of the agency's other people in anything on disk.
func TestPartnersPeopleWhoReachWhatWeShareAreShownAndNobodyElseIsKept(t *testing.T) {
	t.Parallel()
	s := newAgency(t)
	s.connectAgency()
	s.reads("agency")
	s.reads("eu")
	want := map[string]string{reaching[0]: "advertiser:" + adOne + "=OPERATOR", reaching[1]: "advertiser:" + adTwo + "=ANALYST catalog:" + catalogOne + "=AD_PROMOTE"}
	s.wantReach(want)

	// Someone comes to reach an asset, someone ceases to, someone's access grows.
	s.gives(unrelated[2], "ADVERTISER", adTwo, "ANALYST")
	s.gives(reaching[0], "ADVERTISER", adTwo, "ANALYST")
	if err := s.tiktok.Unassign(bcAgency, reaching[1], "ADVERTISER", adTwo); err != nil {
		t.Fatal(err)
	}
	s.reads("agency")
	want[unrelated[2]] = "advertiser:" + adTwo + "=ANALYST"
	want[reaching[0]] += " advertiser:" + adTwo + "=ANALYST"
	want[reaching[1]] = "catalog:" + catalogOne + "=AD_PROMOTE"
	s.wantReach(want)

	var report bridge.Report
	s.must(&report, "report", "agency")
	if report.Observed.Partner != 3 || report.Observed.Total != 3 || !report.AddsUp() || report.PartnerOf != "eu" || len(report.Alarms) != 0 {
		t.Errorf("%+v\n%+v", report.Observed, report)
	}
	for _, r := range report.Rows {
		if r.Verdict != bridge.Fine || r.Action != bridge.Nothing || len(r.Assets) == 0 {
			t.Errorf("%+v", r)
		}
	}
	if out, errs, _ := s.adbridge("members", "agency"); !strings.Contains(out, "Collaborator  advertiser:"+adOne+"=OPERATOR, advertiser:"+adTwo+"=ANALYST") {
		t.Errorf("%s%s", out, errs)
	}
	for _, format := range []string{"text", "html", "csv", "json"} {
		out, errs, code := s.adbridge("report", "agency", "--format", format)
		for _, what := range []string{reaching[0], adOne, "OPERATOR", catalogOne} {
			if code != exitDone || !strings.Contains(out, what) {
				t.Errorf("%s: exit code %d, %q is not in\n%s%s", format, code, what, out, errs)
			}
		}
	}
	s.adbridge("audit", "export", "--format", "jsonl", "--out", filepath.Join(s.dir, "audit.jsonl"))
	for _, who := range append(slices.Clone(unrelated[:2]), "invited.unrelated@"+agency, "junior@"+agency, "boss@"+agency) {
		for _, word := range []string{who, nameOf(who), s.id[who]} {
			if file := s.fileWith(word); word != "" && word != "Boss" && word != "Junior" && file != "" {
				t.Errorf("%q is kept in %s", word, file)
			}
		}
	}
	if s.fileWith(reaching[0]) == "" || s.fileWith(s.id[unrelated[2]]) == "" {
		t.Error("the search finds not even those who are kept: it proves nothing")
	}
	if n := s.tiktok.Writes(); n != 0 {
		t.Errorf("%d writes reached TikTok", n)
	}
	var calls []callView
	s.must(&calls, "hub", "calls", "agency")
	if !slices.ContainsFunc(calls, func(c callView) bool {
		return c.Op == "bc/asset/member/get" && c.RequestID != "" && !strings.Contains(c.Path, "?")
	}) {
		t.Errorf("the calls to the partner's Business Center are not on its record: %+v", calls)
	}
	if s.must(&calls, "hub", "calls", "eu"); !slices.ContainsFunc(calls, func(c callView) bool { return c.Op == "bc/partner/asset/get" }) {
		t.Error("what was asked of our own is not on its record")
	}
}

// fileWith names a file of the stage's that holds a text; "" for none.
func (s *agencyStage) fileWith(text string) string {
	s.t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(s.dir, e.Name()))
		if err == nil && bytes.Contains(b, []byte(text)) {
			return e.Name()
		}
	}
	return ""
}

// TestTheHubThatSharesSaysWhoLooksAtItsPartners: a line for each partner, with
// and without a monitor, and events for what changes.
func TestTheHubThatSharesSaysWhoLooksAtItsPartners(t *testing.T) {
	t.Parallel()
	s := newAgency(t)
	said := func(args ...string) string {
		t.Helper()
		out, errs, code := s.adbridge(args...)
		if code != exitDone && code != exitChanges && code != exitHeld {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
		return out
	}
	s.reads("eu")
	for _, args := range [][]string{{"hub", "partners", "eu"}, {"report", "eu"}, {"report", "eu", "--format", "html"}} {
		if out := said(args...); !strings.Contains(out, "Northwind Agency ("+bcAgency+"): 3 assets shared; no monitor account: their people are not visible") {
			t.Errorf("%v:\n%s", args, out)
		}
	}
	s.connectAgency()
	s.reads("agency")
	s.reads("eu")
	for _, args := range [][]string{{"hub", "partners", "eu"}, {"report", "eu"}} {
		if out := said(args...); !strings.Contains(out, "3 assets shared; hub agency showed 2 people of theirs on ") {
			t.Errorf("%v:\n%s", args, out)
		}
	}
	var v partnersView
	s.must(&v, "hub", "partners", "eu")
	if len(v.List) != 1 || len(v.List[0].Assets) != 3 || v.List[0].Assets[0].String() == "" || v.Lines[0].Monitor != "agency" || v.Lines[0].People != 2 {
		t.Errorf("%+v", v)
	}
	if out := said("hub", "partners", "eu"); !strings.Contains(out, "advertiser:"+adOne+"=OPERATOR  Lumen DE") {
		t.Error(out)
	}
	// Less is shared; then nothing, as the partnership ends.
	s.asOurs("bc/partner/asset/delete", `"partner_id":"`+bcAgency+`","asset_type":"ADVERTISER","asset_ids":["`+adTwo+`"]`)
	s.reads("agency")
	s.wantReach(map[string]string{reaching[0]: "advertiser:" + adOne + "=OPERATOR", reaching[1]: "catalog:" + catalogOne + "=AD_PROMOTE"})
	s.asOurs("bc/partner/delete", `"partner_id":"`+bcAgency+`"`)
	s.reads("agency")
	s.wantReach(map[string]string{})
	var report bridge.Report
	s.must(&report, "report", "agency")
	if len(report.Alarms) != 1 || report.Alarms[0].Reason != bridge.PartnerEnded {
		t.Errorf("%+v", report.Alarms)
	}
	s.reads("eu")
	if out := said("hub", "partners", "eu"); !strings.Contains(out, bcAgency+": 0 assets shared; hub agency showed 0 people") || !strings.Contains(out, "no partner of the hub any more") {
		t.Error(out)
	}
	for action, most := range map[string]int{audit.PartnerSeen: 1, audit.PartnerChanged: 1, audit.PartnerGone: 1, audit.PartnerRead: 3} {
		if n := s.events(action); n != most {
			t.Errorf("%d events %s, want %d", n, action, most)
		}
	}
}

// events counts what is on record by an action.
func (s *agencyStage) events(action string) int {
	s.t.Helper()
	out, errs, code := s.adbridge("audit", "export", "--format", "jsonl")
	if code != exitDone {
		s.t.Fatalf("audit export: exit code %d\n%s", code, errs)
	}
	return strings.Count(out, `"action":"`+action+`"`)
}

// TestConnectingAPartnerSaysWhatIsWrong: each with words, and nothing saved.
func TestConnectingAPartnerSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newAgency(t)
	for what, c := range map[string]struct {
		args  []string
		words []string
	}{
		"no partner":         {s.addArgs("x", bcStranger, strangerToken, "eu"), []string{bcStranger + " is no partner of hub eu", "Northwind Agency (" + bcAgency + ")"}},
		"our own":            {s.addArgs("x", bcEU, ttToken, "eu"), []string{"is the business of hub eu itself"}},
		"no admin there":     {s.addArgs("x", bcAgency, agencyJunior, "eu"), []string{"only an ADMIN", "make this account an Admin"}},
		"our token":          {s.addArgs("x", bcAgency, ttToken, "eu"), []string{"is not one of those that Lumen Automation is a member of"}},
		"no such hub":        {s.addArgs("x", bcAgency, agencyToken, "nowhere"), []string{"partner-of", "nowhere", "hub list"}},
		"another platform":   {[]string{"hub", "add", "x", "--platform", "meta", "--business-id", "102030405060799", "--token-file", s.secret("m", fbToken), "--partner-of", "eu"}, []string{"same platform"}},
		"mode of the future": {[]string{"hub", "partners", "nowhere"}, []string{"nowhere"}},
	} {
		out, errs, code := s.adbridge(c.args...)
		if code == exitDone {
			t.Errorf("%s: it went through\n%s", what, out)
		}
		for _, w := range c.words {
			if !strings.Contains(errs, w) {
				t.Errorf("%s: %q is not in\n%s", what, w, errs)
			}
		}
	}
	var hubs []hubView
	if s.must(&hubs, "hub", "list"); len(hubs) != 1 {
		t.Errorf("%+v", hubs)
	}
	s.connectAgency()
	for what, c := range map[string]struct {
		args  []string
		words []string
	}{
		"a mode":            {[]string{"hub", "mode", "agency", "full", "--yes"}, []string{"connected to look only", "stays in the mode observe"}},
		"a mode, dry":       {[]string{"hub", "mode", "agency", "add-only", "--dry"}, []string{"connected to look only"}},
		"a rule":            {[]string{"rule", "add", "--hub", "agency", "--group", "Agency", "--role", "owner"}, []string{"no rule can give a role on it"}},
		"a rule, previewed": {[]string{"rule", "add", "--hub", "agency", "--group", "Agency", "--role", "owner", "--preview"}, []string{"no rule can give a role on it"}},
		"its partner":       {s.addArgs("x", bcStranger, strangerToken, "agency"), []string{"connected to look only", "it has no partners here"}},
		"its partners":      {[]string{"hub", "partners", "agency"}, []string{"it has no partners here"}},
		"the hub it is for": {[]string{"hub", "remove", "eu", "--yes"}, []string{"hub eu has partners whose people agency shows"}},
	} {
		out, errs, code := s.adbridge(c.args...)
		if code == exitDone {
			t.Errorf("%s: it went through\n%s", what, out)
		}
		for _, w := range c.words {
			if !strings.Contains(errs, w) {
				t.Errorf("%s: %q is not in\n%s", what, w, errs)
			}
		}
	}
	if n := s.tiktok.Writes(); n != 0 {
		t.Errorf("%d writes reached TikTok", n)
	}
}

// TestAPartnersIncompleteReadingConcludesNothing: whatever breaks, those who
// are known stay as they are, and nobody else comes in.
func TestAPartnersIncompleteReadingConcludesNothing(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]tiktoksim.Fault{
		"the list of what we share breaks off": {Op: "bc/partner/asset/get", Kind: tiktoksim.HTTPStatus, Status: 500, Times: -1},
		"the list of their people breaks off":  {Op: "bc/member/get", Kind: tiktoksim.HTTPStatus, Status: 500, Times: -1},
		"an asset's people break off":          {Op: "bc/asset/member/get", Kind: tiktoksim.HTTPStatus, Status: 500, Times: -1, Skip: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAgency(t)
			s.connectAgency()
			s.reads("agency")
			known := s.reach()
			s.gives(unrelated[2], "ADVERTISER", adOne, "ANALYST")
			if err := s.tiktok.Unassign(bcAgency, reaching[0], "ADVERTISER", adOne); err != nil {
				t.Fatal(err)
			}
			s.tiktok.Faults.Add(f)
			if out, errs, code := s.adbridge("pull", "agency"); code != exitError {
				t.Fatalf("exit code %d\n%s%s", code, out, errs)
			}
			s.wantReach(known)
			if file := s.fileWith(unrelated[2]); file != "" {
				t.Errorf("whom the broken reading showed is in %s", file)
			}
			var hub hubView
			if s.must(&hub, "hub", "show", "agency"); hub.Halt != nil {
				t.Errorf("the hub is halted: %+v", hub.Halt)
			}
			s.tiktok.Faults.Clear()
			s.reads("agency")
			s.wantReach(map[string]string{reaching[1]: known[reaching[1]], unrelated[2]: "advertiser:" + adOne + "=ANALYST"})
		})
	}
	t.Run("one asset is refused", func(t *testing.T) {
		t.Parallel()
		s := newAgency(t)
		s.connectAgency()
		s.reads("agency")
		known := s.reach()
		// What a Business Center that has not accepted an asset yet is told.
		s.tiktok.Faults.Add(tiktoksim.Fault{Op: "bc/asset/member/get", Kind: tiktoksim.Envelope, Code: 40002, Message: "You don't have permission to the asset", Times: 1})
		s.gives(unrelated[2], "CATALOG", catalogOne, "AD_PROMOTE")
		s.reads("agency")
		known[unrelated[2]] = "catalog:" + catalogOne + "=AD_PROMOTE"
		s.wantReach(known)
		var report bridge.Report
		s.must(&report, "report", "agency")
		if !slices.ContainsFunc(report.Alarms, func(a bridge.Alarm) bool { return a.Reason == bridge.AssetUnreadable }) {
			t.Errorf("nothing is said of the asset: %+v", report.Alarms)
		}
	})
}

// TestAssetsOfAPartnerAreNotListed: most of its people do not concern us.
func TestAssetsOfAPartnerAreNotListed(t *testing.T) {
	t.Parallel()
	s := newAgency(t)
	s.connectAgency()
	for _, args := range [][]string{{"hub", "assets", "agency"}, {"hub", "assets", "agency", "--users", "catalog:" + catalogOne}} {
		out, errs, code := s.adbridge(args...)
		if code != exitError || out != "" || !strings.Contains(errs, "adbridge members agency") {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
	}
}

// TestTheConnectionToAPartnerRefusesEveryChange as the app opens it, whoever
// asks: the token's account could make every one of them.
func TestTheConnectionToAPartnerRefusesEveryChange(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := newAgency(t)
	s.connectAgency()
	app, err := NewApp(ctx, Config{DB: s.db, KeyFile: filepath.Join(s.dir, "adbridge.key")}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	hubs, err := app.hubs(ctx, []string{"agency"})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := app.Dial(ctx, hubs[0].ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	who := connectors.Subject{PlatformID: s.id[reaching[0]], Email: reaching[0]}
	asset := bridge.Asset{Kind: "advertiser", ID: adOne}
	assets := conn.(connectors.Assets)
	for what, change := range map[string]func() (connectors.Receipt, error){
		"invite": func() (connectors.Receipt, error) {
			return conn.Invite(ctx, []string{"new@corp.example"}, bridge.Owner)
		},
		"cancel": func() (connectors.Receipt, error) {
			return conn.Cancel(ctx, connectors.Subject{Email: "invited.unrelated@" + agency})
		},
		"set role": func() (connectors.Receipt, error) { return conn.SetRole(ctx, who, bridge.Owner) },
		"remove":   func() (connectors.Receipt, error) { return conn.Remove(ctx, who) },
		"assign": func() (connectors.Receipt, error) {
			return assets.Assign(ctx, who, bridge.AssetAccess{Asset: asset, Roles: []string{"ADMIN"}})
		},
		"unassign": func() (connectors.Receipt, error) { return assets.Unassign(ctx, who, asset) },
	} {
		if _, err := change(); connectors.KindOf(err) != connectors.KindForbidden || connectors.ReasonOf(err) != bridge.HubReadOnly {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n := s.tiktok.Writes(); n != 0 {
		t.Errorf("%d writes reached TikTok", n)
	}
	// Nor is anyone searched for there.
	s.reads("agency")
	var views []memberView
	s.must(&views, "members", "agency")
	asked := len(s.tiktok.Requests())
	if err := app.Puller.Live(ctx, hubs[0].ID, &bridge.Explanation{Asked: reaching[0], Members: []string{views[0].ID}}); err != nil || len(s.tiktok.Requests()) != asked {
		t.Errorf("explain --live asked the partner's Business Center %d times, %v", len(s.tiktok.Requests())-asked, err)
	}
	for _, args := range [][]string{{"hub", "changes", "agency", "--now"}, {"hub", "assets", "agency", "--users", "advertiser:" + adOne}} {
		if out, errs, code := s.adbridge(args...); code == exitDone || !strings.Contains(errs, "connected to look only") {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
	}
}

// TestDoctorOfAMonitorLooksFromBothSides, and leaves out what only changes need.
func TestDoctorOfAMonitorLooksFromBothSides(t *testing.T) {
	t.Parallel()
	s := newAgency(t)
	s.connectAgency()
	var p bridge.Preflight
	s.must(&p, "hub", "doctor", "agency")
	for _, code := range []string{"look-only", "partner", "shared-assets", "token", "admin"} {
		if x := precondition(t, p, code); x.State != bridge.Met {
			t.Errorf("%+v", x)
		}
	}
	if slices.ContainsFunc(p.Checks, func(c bridge.Precondition) bool { return c.Code == "room-for-members" || c.Code == "other-admins" }) {
		t.Errorf("%+v", p.Checks)
	}
	s.asOurs("bc/partner/delete", `"partner_id":"`+bcAgency+`"`)
	s.must(&p, "hub", "doctor", "agency")
	if x := precondition(t, p, "partner"); x.State != bridge.Missing || x.Reason != bridge.PartnerEnded || !strings.Contains(x.Detail, "eu") {
		t.Errorf("%+v", x)
	}
	if err := s.tiktok.RevokeToken(ttToken); err != nil {
		t.Fatal(err)
	}
	s.must(&p, "hub", "doctor", "agency")
	if x := precondition(t, p, "partner"); x.State != bridge.NotKnown || !strings.Contains(x.Detail, "hub eu") {
		t.Errorf("%+v", x)
	}
	if out, errs, code := s.adbridge("pull", "agency"); code != exitError {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	var hub hubView
	if s.must(&hub, "hub", "show", "agency"); hub.Halt != nil {
		t.Errorf("our own token's end halts the partner's hub: %+v", hub.Halt)
	}
	if n := s.tiktok.Calls("oauth2/revoke_token"); n != 0 {
		t.Fatalf("%d tokens revoked so far", n)
	}
	s.must(nil, "hub", "remove", "agency", "--yes", "--revoke")
	if n := s.tiktok.Calls("oauth2/revoke_token"); n != 1 {
		t.Errorf("%d tokens revoked", n)
	}
	if s.must(nil, "hub", "remove", "eu", "--yes"); s.fileWith("remove that first") != "" {
		t.Error("it is refused though the monitor is gone")
	}
}
