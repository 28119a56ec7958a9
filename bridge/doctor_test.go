package bridge

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var doctorNow = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// healthy is a source that everything has happened to, of a kind.
func healthy(kind SourceKind) SourceFacts {
	f := SourceFacts{Now: doctorNow, LastGap: time.Hour, Firsts: map[First]time.Time{},
		Source:    Source{ID: "s", Name: "main", Kind: kind, CreatedAt: doctorNow.Add(-90 * 24 * time.Hour), LastSeen: doctorNow.Add(-10 * time.Minute)},
		Directory: DirectoryFacts{Users: 40, Groups: 4, Settled: 4, Members: true, Inactive: true}}
	for i, s := range checklist {
		f.Firsts[s.what] = doctorNow.Add(time.Duration(i-80*24) * time.Hour)
	}
	return f
}

func sample(n int, examples ...string) Sample {
	return Sample{Count: n, At: doctorNow, Examples: examples}
}

func refused(reason RefusalReason, ago time.Duration) Refusal {
	return Refusal{SourceID: "s", Reason: reason, At: doctorNow.Add(-ago), Times: 3, Caller: "192.0.2.1", Detail: "why"}
}

func TestTheDoctorKnowsEachAilment(t *testing.T) {
	met := map[Code]bool{}
	for _, c := range []struct {
		name    string
		kind    SourceKind
		ail     func(*SourceFacts)
		code    Code // "": nothing is found
		problem bool
		words   []string
	}{
		{"healthy Okta", Okta, func(*SourceFacts) {}, "", false, nil},
		{"healthy Entra", Entra, func(*SourceFacts) {}, "", false, nil},
		{"one group for both", Okta, func(f *SourceFacts) {
			f.Directory.Everyone, f.Directory.InNoGroup = "TikTok EU", sample(1, "bo@corp.example")
		}, DoctorSameGroup, false, []string{"TikTok EU", "bo@corp.example", "Push Groups"}},
		{"one group for both is Okta's trouble alone", Entra, func(f *SourceFacts) { f.Directory.Everyone = "TikTok EU" }, "", false, nil},
		{"groups without users", Entra, func(f *SourceFacts) { f.Directory.Users = 0 }, DoctorNoUsers, true, []string{"groups (4)", "Mappings"}},
		{"members never sent", Okta, func(f *SourceFacts) { f.Directory.Members = false }, DoctorNoMembers, true, []string{"nobody is in a group", "Push now"}},
		{"members never sent", Entra, func(f *SourceFacts) { f.Directory.Members = false }, DoctorNoMembers, true, []string{"Restart provisioning", "nested"}},
		{"members who may be on their way", Okta, func(f *SourceFacts) { f.Directory.Settled, f.Directory.Members = 0, false }, "", false, nil},
		{"an empty group", Entra, func(f *SourceFacts) { f.Directory.EmptyGroups = sample(1, "Ads") }, DoctorEmptyGroup, false, []string{"Ads"}},
		{"members who never came", Okta, func(f *SourceFacts) { f.Directory.UnknownMembers = sample(5, "x in Ads") }, DoctorUnknownMembers, true, []string{"x in Ads and 4 more", "assign"}},
		{"nobody to invite", Entra, func(f *SourceFacts) { f.Directory.NoAddress = sample(2, "jdoe") }, DoctorUserName, true, []string{"be invited", "jdoe", "userPrincipalName"}},
		{"names and addresses", Okta, func(f *SourceFacts) { f.Directory.NotEmail = sample(2, "jdoe") }, DoctorUserName, false, []string{"Application username format"}},
		{"no active", Entra, func(f *SourceFacts) { f.Traffic.NoActive, f.Traffic.Creates = sample(2, "a@x"), 9 }, DoctorNoActive, true, []string{"2 of the last 9", "IsSoftDeleted"}},
		{"no active", Okta, func(f *SourceFacts) { f.Traffic.NoActive, f.Traffic.Creates = sample(2, "a@x"), 9 }, DoctorNoActive, true, []string{"Deactivate Users"}},
		{"other letters", Entra, func(f *SourceFacts) { f.Traffic.LetterCase = sample(1, `"ANA@x" is "ana@x" here`) }, DoctorLetterCase, true, []string{"ANA@x", "ToLower"}},
		{"one externalId twice", Entra, func(f *SourceFacts) { f.Directory.OneExternalID = sample(1, "ana.b@x and ana@x") }, DoctorOneExternalID, true, []string{"ana.b@x and ana@x", "objectId"}},
		{"one name twice", Entra, func(f *SourceFacts) { f.Directory.SameName = sample(1, `"Ads"`) }, DoctorLetterCase, false, []string{"Ads", "rename"}},
		{"text for booleans", Entra, func(f *SourceFacts) { f.Traffic.StringBooleans = sample(1, `"active":"False"`) }, DoctorStringBooleans, false, []string{"aadOptscim062020"}},
		{"a wrong base URL", Okta, func(f *SourceFacts) { f.Traffic.WrongPaths = sample(2, "GET /Users/Users") }, DoctorWrongPath, true, []string{"/Users/Users", "SCIM connector base URL"}},
		{"a clock", Entra, func(f *SourceFacts) { f.Refusals = []Refusal{refused(RefusedClock, 0)} }, DoctorClock, true, []string{"NTP"}},
		{"a token that has ended", Entra, func(f *SourceFacts) { f.Refusals = []Refusal{refused(RefusedExpired, 0)} }, DoctorTokenExpired, true, []string{"3 times", "source token main --add", "quarantine"}},
		{"a token that had ended", Okta, func(f *SourceFacts) { f.Refusals = []Refusal{refused(RefusedExpired, time.Hour)} }, DoctorTokenExpired, false, nil},
		{"a revoked token", Okta, func(f *SourceFacts) { f.Refusals = []Refusal{refused(RefusedRevoked, 0)} }, DoctorTokenRefused, true, []string{"Test Connector"}},
		{"another's signature", Entra, func(f *SourceFacts) { f.Refusals = []Refusal{refused(RefusedUnsigned, 0)} }, DoctorTokenRefused, true, []string{"source show main"}},
		{"an address", Entra, func(f *SourceFacts) { f.Refusals = []Refusal{refused(RefusedAddress, 0)} }, DoctorAddress, true, []string{"AzureActiveDirectory", "--trusted-proxy"}},
		{"a stranger, while nobody has called yet", Okta, func(f *SourceFacts) {
			f.Source.LastSeen = time.Time{}
			f.Refusals = []Refusal{{Reason: RefusedUnknown, At: doctorNow, Times: 1, Caller: "192.0.2.1", Detail: "why"}}
		}, DoctorTokenRefused, false, []string{"192.0.2.1"}},
		{"a stranger, later", Okta, func(f *SourceFacts) {
			f.Refusals = []Refusal{{Reason: RefusedUnknown, At: doctorNow, Times: 1, Caller: "192.0.2.1", Detail: "why"}}
		}, "", false, nil},
		{"a token that ends soon", Okta, func(f *SourceFacts) { f.TokenName, f.TokenEnds = "first", doctorNow.Add(5*24*time.Hour) }, DoctorTokenEnds, false, []string{"first", "5 days"}},
		{"a token that ends some day", Okta, func(f *SourceFacts) { f.TokenEnds = doctorNow.Add(50 * 24 * time.Hour) }, "", false, nil},
		{"Entra, silent for three cycles", Entra, func(f *SourceFacts) { f.Source.LastSeen = doctorNow.Add(-121 * time.Minute) }, SourceSilent, true, []string{"quarantine"}},
		{"Entra, late", Entra, func(f *SourceFacts) { f.Source.LastSeen = doctorNow.Add(-119 * time.Minute) }, "", false, nil},
		{"Okta, which calls daily, silent", Okta, func(f *SourceFacts) {
			f.LastGap, f.Source.LastSeen = 24*time.Hour, doctorNow.Add(-73*time.Hour)
		}, SourceSilent, true, []string{"3 days", "Dashboard"}},
		{"Okta, which calls hourly, quiet for a night", Okta, func(f *SourceFacts) { f.Source.LastSeen = doctorNow.Add(-14 * time.Hour) }, "", false, nil},
		{"Okta, whose interval nobody knows", Okta, func(f *SourceFacts) {
			f.LastGap, f.Source.LastSeen = 0, doctorNow.Add(-900*time.Hour)
		}, "", false, nil},
		{"throttled", Entra, func(f *SourceFacts) { f.Traffic.Throttled = sample(9) }, DoctorThrottled, false, []string{"9 requests", "Retry-After"}},
		{"refused", Okta, func(f *SourceFacts) { f.Traffic.Refused = sample(1, "POST /Users (400): emails") }, DoctorRefused, true, []string{"1 request ", "emails", "source log main"}},
		{"our fault", Entra, func(f *SourceFacts) { f.Traffic.Faults = sample(1, "GET /Users (500): x") }, DoctorFault, true, []string{"request id"}},
	} {
		f := healthy(c.kind)
		c.ail(&f)
		d := Diagnose(f)
		if c.code == "" {
			if len(d.Findings) > 0 {
				t.Errorf("%s: found %+v", c.name, d.Findings)
			}
			continue
		}
		met[c.code] = true
		if len(d.Findings) != 1 || d.Findings[0].Code != c.code || d.Findings[0].Problem != c.problem || d.Well() == c.problem {
			t.Errorf("%s: found %+v, want %s", c.name, d.Findings, c.code)
			continue
		}
		text := d.Findings[0].Detail + " → " + d.Findings[0].Fix
		for _, w := range c.words {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is not in %q", c.name, w, text)
			}
		}
		if d.Findings[0].Fix == "" || strings.Contains(text, "NAME") || strings.Contains(text, "%!") {
			t.Errorf("%s: %q", c.name, text)
		}
	}
	for c, name := range codesInSource(t) {
		if strings.HasPrefix(string(c), "doctor.") && !met[c] {
			t.Errorf("no case brings %s (%s) about", name, c)
		}
	}
}

func TestTheChecklistSaysWhatToPressNext(t *testing.T) {
	for _, kind := range []SourceKind{Okta, Entra, Other} {
		d := Diagnose(SourceFacts{Now: doctorNow, Source: Source{Name: "main", Kind: kind}})
		if d.Finished() || !d.Well() || len(d.Checklist) != 6 {
			t.Fatalf("%s: %+v", kind, d)
		}
		for _, c := range d.Checklist {
			if c.Done || c.Next == "" {
				t.Errorf("%s: %+v", kind, c)
			}
		}
	}
	if d := Diagnose(healthy(Okta)); !d.Finished() || d.Checklist[3].At.IsZero() {
		t.Errorf("%+v", d.Checklist)
	}
	// What the log has forgotten, the directory still shows.
	f := healthy(Okta)
	f.Firsts = nil
	if d := Diagnose(f); !d.Finished() {
		t.Errorf("%+v", d.Checklist)
	}
}

func TestProblemsComeBeforeHints(t *testing.T) {
	f := healthy(Entra)
	f.Traffic.StringBooleans, f.Traffic.Refused = sample(1, "x"), sample(1, "y")
	d := Diagnose(f)
	if len(d.Findings) != 2 || !d.Findings[0].Problem || d.Findings[1].Problem {
		t.Errorf("%+v", d.Findings)
	}
}

func TestFirstsOfARequest(t *testing.T) {
	for _, c := range []struct {
		e    Exchange
		want []First
	}{
		{Exchange{Method: "GET", Target: "/Users?count=2", Status: 200}, []First{FirstTest}},
		{Exchange{Method: "GET", Target: "/Users/1", Status: 404}, nil},
		{Exchange{Method: "POST", Target: "/Users", Status: 201, Changed: "created User ana"}, []First{FirstUser}},
		{Exchange{Method: "POST", Target: "/Users", Status: 409, Changed: ""}, nil},
		{Exchange{Method: "POST", Target: "/Groups", Status: 201, Changed: "created Group Ads"}, []First{FirstGroup}},
		{Exchange{Method: "POST", Target: "/Groups", Status: 201, Changed: "created Group Ads with 3 members"}, []First{FirstGroup, FirstMembership}},
		{Exchange{Method: "PATCH", Target: "/Groups/1", Status: 204, Changed: "added 1 to Group Ads"}, []First{FirstMembership}},
		{Exchange{Method: "PUT", Target: "/Groups/1", Status: 200, Changed: "set the 2 members of Group Ads"}, []First{FirstMembership}},
		{Exchange{Method: "PATCH", Target: "/Groups/1", Status: 204, Changed: "removed 1 from Group Ads"}, nil},
		{Exchange{Method: "PATCH", Target: "/Users/1", Status: 200, Changed: "changed active, title of User ana", Body: `{"value":"False"}`}, []First{FirstDeactivation}},
		{Exchange{Method: "PATCH", Target: "/Users/1", Status: 200, Changed: "changed active of User ana", Body: `{"value":true}`}, nil},
		{Exchange{Method: "PATCH", Target: "/Users/1", Status: 200, Changed: "changed title of User ana", Body: `false`}, nil},
		{Exchange{Method: "DELETE", Target: "/Users/1", Status: 204, Changed: "deleted User 1"}, []First{FirstDeactivation}},
	} {
		c.e.SourceID = "s"
		want := slices.Sorted(slices.Values(append(c.want, FirstCall)))
		got := FirstsOf(c.e)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s %s %d %q: got %v, want %v", c.e.Method, c.e.Target, c.e.Status, c.e.Changed, got, want)
		}
	}
	for _, e := range []Exchange{{Status: 200}, {SourceID: "s", Status: 401}, {SourceID: "s", Status: 201, TokenLabel: TrialLabel + "x", Changed: "created User a"}} {
		if got := FirstsOf(e); got != nil {
			t.Errorf("%+v: got %v", e, got)
		}
	}
}
