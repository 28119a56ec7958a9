package bridge

import (
	"strings"
	"testing"
)

const giving = `
source okta domain=corp.example
group users name=users
group us name=us
rule r1 users collaborator ad_account:1=operator
rule r2 us collaborator
person ana users
member m ana
wished ana since=-9d by=r1/users
wants ana ad_account:1 roles=OPERATOR since=-9d by=r1/users
person ben us
member b ben
wished ben since=-9d by=r2/us
access b ad_account:1 roles=OPERATOR applied=OPERATOR
wants ben ad_account:1 since=-2h cause=wish.left-groups by=r1/users
`

const setOfRoles = `
hub platform=meta
source okta domain=corp.example
group users name=users
rule r1 users collaborator page:9=analyze
person ana users
member m ana
wished ana since=-9d by=r1/users
access m page:9 roles=ANALYZE+MANAGE+MODERATE applied=ANALYZE+MODERATE
wants ana page:9 roles=ANALYZE since=-2h cause=wish.unmapped by=r1/users
`

// TestRecheckOfAccessRightBeforeTheCall: what changed between the plan and the call.
func TestRecheckOfAccessRightBeforeTheCall(t *testing.T) {
	ad := Asset{"ad_account", "1"}
	assign := Task{ID: "t", Key: "assign/m/ad_account:1", Action: Assign, MemberID: "m", PersonID: "ana", PlatformID: "n-m", Asset: ad, Roles: []string{"OPERATOR"}}
	take := Task{ID: "t", Key: "unassign/b/ad_account:1", Action: Unassign, MemberID: "b", PersonID: "ben", PlatformID: "n-b", Asset: ad}
	approved := take
	approved.Decision = "d"
	lower := Task{ID: "t", Key: "assign/m/page:9", Action: Assign, MemberID: "m", PersonID: "ana", PlatformID: "n-m", Asset: Asset{"page", "9"}, Roles: []string{"ANALYZE", "MANAGE"}}
	for _, c := range []struct {
		name  string
		task  Task
		world string
		want  Code
	}{
		{"still so", assign, giving, ""},
		{"still not wanted", take, giving, ""},
		{"still more than wanted", lower, setOfRoles, ""},
		{"a leaver who stays keeps what others gave", Task{Key: "assign/m/page:9", Action: Assign, MemberID: "m", PersonID: "ana", PlatformID: "n-m", Asset: Asset{"page", "9"}, Roles: []string{"MANAGE"}},
			strings.NewReplacer("person ana users", "person ana active=no", "wished ana since=-9d by=r1/users", "wished ana role=none since=-1m cause=wish.deactivated",
				"page:9 roles=ANALYZE since=-2h cause=wish.unmapped", "page:9 since=-1m cause=wish.deactivated").Replace(setOfRoles), ""},
		{"out of the group", assign, strings.Replace(giving, "person ana users", "person ana us", 1), TaskNotWanted},
		{"a leaver meanwhile", assign, strings.Replace(giving, "person ana users", "person ana users active=no", 1), TaskNotWanted},
		{"more is wanted", assign, strings.Replace(giving, "=operator", "=admin", 1), TaskNotWanted},
		{"less is wanted", assign, strings.Replace(giving, "=operator", "=analyst", 1), TaskNotWanted},
		{"wanted again", take, strings.Replace(giving, "person ben us", "person ben us users", 1), TaskNotWanted},
		{"not wanted since just now", take, strings.Replace(giving, "since=-2h cause=wish.left-groups", "since=-5m cause=wish.left-groups", 1), WaitSettle},
		{"not wanted since just now, approved", approved, strings.Replace(giving, "since=-2h cause=wish.left-groups", "since=-5m cause=wish.left-groups", 1) +
			"decision d approve subject=unassign/b/ad_account:1 at=-1m", ""},
		{"approved for what was there before", approved, strings.Replace(giving, "since=-2h cause=wish.left-groups", "since=-5m cause=wish.left-groups", 1) +
			"access b ad_account:1 roles=ADMIN applied=OPERATOR since=-30s\ndecision d approve subject=unassign/b/ad_account:1 at=-1m", WaitSettle},
		{"its approval was taken back", approved, giving + "decision d approve subject=unassign/b/ad_account:1 undone=-1m", TaskNotWanted},
		{"rejected when it was wanted otherwise", take, giving + "decision d reject subject=unassign/b/ad_account:1 at=-3h", ""},
		{"rejected meanwhile", take, giving + "decision d reject subject=unassign/b/ad_account:1", DecisionRejected},
		{"exempt meanwhile", take, giving + "decision d exempt member=b", OwnExempt},
		{"protected meanwhile", assign, giving + "decision d protect member=m", GuardProtected},
		{"not ours", assign, strings.Replace(giving, "member m ana", "member m ana own=foreign", 1), OwnForeign},
		{"only invited", assign, strings.Replace(giving, "member m ana", "member m ana presence=invited", 1), TaskNotWanted},
		{"gone by itself", take, strings.Replace(giving, "member b ben", "member b ben presence=gone", 1), TaskAlreadySo},
		{"given by hand meanwhile", assign, giving + "access m ad_account:1 roles=OPERATOR", TaskAlreadySo},
		{"more given by hand meanwhile", assign, giving + "access m ad_account:1 roles=ADMIN", AssetDrift},
		{"taken away by hand meanwhile", take, giving + "access b ad_account:1 applied=OPERATOR", TaskAlreadySo},
		{"not ours to take", take, giving + "access b ad_account:1 roles=OPERATOR", AssetForeign},
		{"another role of the set given by hand", lower, strings.Replace(setOfRoles, "applied=ANALYZE+MODERATE", "applied=ANALYZE+MODERATE\naccess m page:9 roles=ANALYZE+MANAGE+MODERATE+OTHER applied=ANALYZE+MODERATE", 1), TaskNotWanted},
		{"a role of the set taken by hand", lower, setOfRoles + "access m page:9 roles=ANALYZE+MODERATE applied=ANALYZE+MODERATE", TaskNotWanted},
		{"the asset is not read", assign, giving + "unread ad_account:1", AssetUnread},
		{"the asset could not be read", take, giving + `unread ad_account:1 error="HTTP 500"`, AssetUnread},
		{"the day is used up", take, giving + "history assets=3", GuardAssets24h},
		{"the day is used up, and giving goes on", assign, giving + "history assets=3", ""},
		{"the day is used up, approved", approved, giving + "history assets=3\ndecision d approve subject=unassign/b/ad_account:1 at=-1m", ""},
		{"the day is used up, overridden", take, giving + "history assets=3\ndecision d override subject=guard.asset-removals-24h until=1h", ""},
		{"the picture is too old to take", take, giving + "pull at=-30h", PullStale},
		{"the picture is old, and giving goes on", assign, giving + "pull at=-30h", ""},
		{"the hub is paused", assign, giving + "hub halt=paused", HubPaused},
		{"back in observe", assign, giving + "hub mode=observe", HubObserving},
		{"add-only still gives", assign, giving + "hub mode=add-only", ""},
		{"add-only lowers nothing", lower, strings.Replace(setOfRoles, "platform=meta", "platform=meta mode=add-only", 1), HubMode},
		{"no-remove takes nothing away", take, giving + "hub mode=no-remove", HubMode},
		{"another business answers", assign, giving + "pull business=other", PullWrongBusiness},
		{"a kind that is not known", Task{Key: "assign/m/pixel:1", Action: Assign, MemberID: "m", Asset: Asset{"pixel", "1"}, Roles: []string{"EDIT"}}, giving, AssetUnknownKind},
		{"nobody knows the member", Task{Key: "assign/x/ad_account:1", Action: Assign, MemberID: "x", Asset: ad, Roles: []string{"OPERATOR"}}, giving, PlatformNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			ok, code, detail := Recheck(world(t, c.world), c.task)
			if ok != (c.want == "") || code != c.want {
				t.Errorf("got %v %s (%s), want %q", ok, code, detail, c.want)
			}
		})
	}
}

// TestManagedAssetsAreThoseToRead: what rules name and what is ours, not what
// comes with the members or what only others gave.
func TestManagedAssetsAreThoseToRead(t *testing.T) {
	w := world(t, giving+`
rule r3 us collaborator finance=analyst pixel:9=edit
access m ad_account:2 roles=ADMIN
access b ad_account:3 roles=ANALYST applied=ANALYST
member g cem presence=gone
access g ad_account:4 roles=ANALYST applied=ANALYST
task t1 assign/m/ad_account:5 member=m roles=ADMIN
`)
	var got []string
	for _, a := range ManagedAssets(w) {
		got = append(got, a.String())
	}
	if s := strings.Join(got, " "); s != "ad_account:1 ad_account:3 ad_account:5" {
		t.Errorf("%s", s)
	}
}

func TestShowsAsset(t *testing.T) {
	assign := Task{Action: Assign, PlatformID: "7", Roles: []string{"ANALYZE", "MANAGE"}}
	take := Task{Action: Unassign, PlatformID: "7"}
	user := func(id string, roles ...string) AssetUser { return AssetUser{PlatformID: id, Roles: roles} }
	for _, c := range []struct {
		name  string
		task  Task
		users []AssetUser
		want  bool
	}{
		{"exactly so", assign, []AssetUser{user("6"), user("7", "MANAGE", "ANALYZE")}, true},
		{"in two rows", assign, []AssetUser{user("7", "MANAGE"), user("7", "ANALYZE")}, true},
		{"less", assign, []AssetUser{user("7", "ANALYZE")}, false},
		{"more, as before a lowering", assign, []AssetUser{user("7", "ANALYZE", "MANAGE", "MODERATE")}, false},
		{"someone else's", assign, []AssetUser{user("8", "ANALYZE", "MANAGE")}, false},
		{"nobody", assign, nil, false},
		{"still there", take, []AssetUser{user("7", "ANALYZE")}, false},
		{"gone", take, []AssetUser{user("8", "ANALYZE")}, true},
		{"a role, not an asset", Task{Action: SetRole, PlatformID: "7"}, nil, false},
		{"nobody to look for", Task{Action: Assign, Roles: []string{"ANALYZE"}}, []AssetUser{user("", "ANALYZE")}, false},
	} {
		if got := ShowsAsset(c.task, c.users); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestStepsComeInTheOrderOfDoing: giving before taking, whoever it is about.
func TestStepsComeInTheOrderOfDoing(t *testing.T) {
	w := world(t, giving+"person abe us\nmember a abe\nwished abe by=r2/us\naccess a ad_account:1 roles=OPERATOR applied=OPERATOR\nwants abe ad_account:1 since=-2h cause=wish.left-groups by=r1/users\n")
	var got []string
	for r, s := range MakePlan(w).Steps() {
		got = append(got, r.Name+" "+string(s.Action))
	}
	if s := strings.Join(got, ", "); s != "Ana assign, Abe unassign, Ben unassign" {
		t.Error(s)
	}
	for range MakePlan(w).Steps() {
		break // stopping early is fine
	}
}
