package bridge

import (
	"strings"
	"testing"
)

const leaving = `
source okta domain=corp.example
group users name="TikTok Users"
group owners name="TikTok Owners"
rule r1 "TikTok Users" collaborator
rule r2 "TikTok Owners" owner
member boss1 role=owner own=foreign email=boss1@corp.example
member boss2 role=owner own=foreign email=boss2@corp.example
person ben users
member b ben
person ana active=no
wished ana role=none since=-2h cause=wish.deactivated by=r1/users of=collaborator
member m ana
person eve owners
`

// TestRecheckRightBeforeTheCall: what changed between the plan and the call.
func TestRecheckRightBeforeTheCall(t *testing.T) {
	remove := Task{ID: "t", Key: "remove/m", Action: Remove, MemberID: "m", PersonID: "ana", PlatformID: "n-m", From: Collaborator, Cause: SitLeaver}
	resting := remove
	resting.Decision = "d"
	removeBoss := Task{ID: "t", Key: "remove/m", Action: Remove, MemberID: "m", PersonID: "ana", PlatformID: "n-m", From: Owner, Cause: SitLeaver}
	invite := Task{ID: "t", Key: "invite/eve/owner", Action: Invite, PersonID: "eve", Email: "eve@corp.example", To: Owner, Cause: SitMissing}
	raise := Task{ID: "t", Key: "set-role/b/owner", Action: SetRole, MemberID: "b", PersonID: "ben", PlatformID: "n-b", From: Collaborator, To: Owner, Cause: SitRaise}
	admin := strings.NewReplacer("member m ana", "member m ana role=owner")
	for _, c := range []struct {
		name  string
		task  Task
		world string
		want  Code
	}{
		{"still so", remove, leaving, ""},
		{"invitation still wanted", invite, leaving, ""},
		{"active again", remove, strings.Replace(leaving, "person ana active=no", "person ana users", 1), TaskNotWanted},
		{"merely out of the groups now", remove, strings.NewReplacer("person ana active=no", "person ana").Replace(leaving), WaitSettle},
		{"exempt meanwhile", remove, leaving + "decision d exempt member=m", OwnExempt},
		{"protected meanwhile", remove, leaving + "set protected=ana@corp.example", GuardProtected},
		{"required meanwhile", remove, leaving + "set required-admins=ana@corp.example", GuardRequiredAdmin},
		{"rejected when they had only left a group", remove, leaving + "decision d reject subject=remove/m at=-3h", ""},
		{"rejected meanwhile", remove, leaving + "decision d reject subject=remove/m", DecisionRejected},
		{"its approval holds", resting, leaving + "decision d approve subject=remove/m", ""},
		{"its approval was taken back", resting, leaving + "decision d approve subject=remove/m undone=-1m", TaskNotWanted},
		{"its approval lapsed", resting, leaving + "decision d approve subject=remove/m until=-1m", TaskNotWanted},
		{"its approval was renewed", resting, leaving + "decision d approve subject=remove/m until=-1m\ndecision e approve subject=remove/m", ""},
		{"its override holds", resting, leaving + "decision d override subject=guard.removals-per-run until=1h", ""},
		{"its override lapsed", resting, leaving + "decision d override subject=guard.removals-per-run until=-1m", TaskNotWanted},
		{"matched to someone who is wanted", remove, leaving + "decision d match member=m person=ben", TaskNotWanted},
		{"is the token's own account", remove, leaving + "hub self=n-m", GuardSelf},
		{"not ours any more", remove, strings.Replace(leaving, "member m ana", "member m ana own=foreign", 1), OwnForeign},
		{"gone by itself", remove, strings.Replace(leaving, "member m ana", "member m ana presence=gone", 1), TaskAlreadySo},
		{"the hub is paused", remove, leaving + "hub halt=paused", HubPaused},
		{"back in observe", remove, leaving + "hub mode=observe", HubObserving},
		{"the mode forbids it now", remove, leaving + "hub mode=no-remove", HubMode},
		{"the picture is too old", remove, leaving + "pull at=-30h", PullStale},
		{"another business answers", remove, leaving + "pull business=other", PullWrongBusiness},
		{"the day is used up", remove, leaving + "history removals=3 population=5", GuardRemovals24h},
		{"the day is used up, approved", remove, leaving + "history removals=3 population=5\ndecision d approve subject=remove/m", ""},
		{"others are being removed", remove, leaving + "set max-removals-min=1\nhistory population=5\ntask o remove/b member=b person=ben", GuardRemovals24h},
		{"one of three admins", removeBoss, admin.Replace(leaving), ""},
		{"one of two admins", removeBoss, strings.NewReplacer("member m ana", "member m ana role=owner", "member boss1 role=owner", "member boss1 role=collaborator").Replace(leaving), GuardMinAdmins},
		{"one of two admins, approved", removeBoss, strings.NewReplacer("member m ana", "member m ana role=owner", "member boss1 role=owner", "member boss1 role=collaborator").Replace(leaving) +
			"decision d approve subject=remove/m", ""},
		{"another admin is on the way out", removeBoss, admin.Replace(leaving) + "task o remove/boss1 member=boss1 from=owner", GuardMinAdmins},
		{"the last admin, approved", removeBoss, strings.NewReplacer("member m ana", "member m ana role=owner", "role=owner own=foreign", "role=collaborator own=foreign").Replace(leaving) +
			"decision d approve subject=remove/m", GuardLastAdmin},
		{"raised by hand since the plan", remove, strings.NewReplacer("member m ana", "member m ana role=owner applied=collaborator", "role=owner own=foreign", "role=collaborator own=foreign").Replace(leaving), GuardLastAdmin},
		{"joined meanwhile", invite, leaving + "member e eve role=owner", TaskAlreadySo},
		{"invited meanwhile", invite, leaving + "invitation i eve role=owner", TaskAlreadySo},
		{"another role is wanted", invite, strings.Replace(leaving, "person eve owners", "person eve users", 1), TaskNotWanted},
		{"no seat for an admin", invite, leaving + "hub admin-cap=2", GuardAdminCap},
		{"no seat", invite, leaving + "hub member-cap=4", GuardMemberCap},
		{"not wanted as admin any more", raise, leaving, TaskNotWanted},
		{"raised already", raise, strings.NewReplacer("member b ben", "member b ben role=owner", "person ben users", "person ben owners").Replace(leaving), TaskAlreadySo},
		{"nobody knows the member", Task{Key: "remove/x", Action: Remove, MemberID: "x", PersonID: "x", From: Collaborator}, leaving, PlatformNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			ok, code, detail := Recheck(world(t, c.world), c.task)
			if ok != (c.want == "") || code != c.want {
				t.Errorf("got %v %s (%s), want %q", ok, code, detail, c.want)
			}
		})
	}
}

// TestRecheckAgreesWithThePlan: what a plan would do passes the recheck on
// the world it was made from.
func TestRecheckAgreesWithThePlan(t *testing.T) {
	for name, w := range worlds(t) {
		p := MakePlan(w)
		done := w
		done.Members = append([]Member(nil), w.Members...)
		done.take(Observed{Members: p.Members})
		done.Desired = p.Desired
		for _, r := range p.Rows {
			if !r.Leaves() || r.TaskID != "" || r.Decision != "" && r.Reason != DecisionApproved {
				continue
			}
			task := Task{ID: "t", Key: r.Key, Action: r.Action, PersonID: r.PersonID, MemberID: r.MemberID, PlatformID: r.PlatformID, Email: r.Email, From: r.From, To: r.To, Cause: r.Situation}
			if ok, code, detail := Recheck(done, task); !ok {
				t.Errorf("%s: the plan does %s, the recheck says %s (%s)", name, r.Key, code, detail)
			}
		}
		for r, s := range p.Steps() {
			if s.TaskID != "" || s.Decision != "" && s.Reason != DecisionApproved {
				continue
			}
			task := Task{ID: "t", Key: s.Key, Action: s.Action, PersonID: r.PersonID, MemberID: r.MemberID, PlatformID: r.PlatformID, Asset: s.Asset, Roles: s.To}
			if ok, code, detail := Recheck(done, task); !ok {
				t.Errorf("%s: the plan does %s, the recheck says %s (%s)", name, s.Key, code, detail)
			}
		}
	}
}
