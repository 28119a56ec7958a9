package scim

import (
	"strings"
	"testing"

	"adbridge/bridge"
)

// TestALeaverIsLetGoHoweverLongAValueIs: an address or name longer than can be
// looked up by was taken once, and identity providers send it with everything.
func TestALeaverIsLetGoHoweverLongAValueIs(t *testing.T) {
	long := func(of string) string { return of + strings.Repeat("x", maxIndexed) }
	whole := func(userName, externalID, displayName, email, active string) string {
		return `{"schemas":["` + userURN + `"],"userName":"` + userName + `","externalId":"` + externalID + `","displayName":"` + displayName +
			`","emails":[{"type":"work","value":"` + email + `"}],"active":` + active + `}`
	}
	stored := whole(long("u"), long("e"), long("d"), long("m"), "true")
	for _, c := range []struct{ name, method, body string }{
		{"a PUT that repeats them", "PUT", strings.Replace(stored, `"active":true`, `"active":false`, 1)},
		{"a PUT with others", "PUT", whole(long("U"), long("E"), long("D"), long("M"), "false")},
		{"a PATCH that repeats them", "PATCH", patch(`{"op":"replace","value":` + strings.Replace(stored, `"active":true`, `"active":false`, 1) + `}`)},
		{"a PATCH with others beside it", "PATCH", patch(`{"op":"replace","path":"displayName","value":"` + long("D") + `"},
			{"op":"replace","path":"emails[type eq \"work\"].value","value":"` + long("M") + `"},{"op":"Replace","path":"active","value":"False"}`)},
		{"a PATCH that takes one out", "PATCH", patch(`{"op":"remove","path":"externalId"},{"op":"replace","path":"active","value":false}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			id := r.stored("ben", stored)
			r.do(c.method, "/Users/"+id, c.body).want(200).has("active", false).has("userName", long("u")).has("emails|0|value", long("m"))
			if u := r.dir.users[id]; u.Active || u.UserName != long("u") || u.Emails[0] != long("m") {
				t.Errorf("kept is %q, active %t", u.UserName[:1]+u.Emails[0][:1], u.Active)
			}
		})
	}
}

// stored makes a user whose attributes no request could bring in any more.
func (r *rig) stored(name, body string) string {
	r.t.Helper()
	id := r.user(name)
	u := r.dir.users[id]
	u.Attributes = val(r.t, body).(map[string]any)
	delete(u.Attributes, "schemas")
	r.dir.users[id] = userOf(u)
	return id
}

// TestWhatIsTooLongIsRefusedOnlyWhereItIsNew: what is stored stays and can be
// taken out, by its own name or as it is.
func TestWhatIsTooLongIsRefusedOnlyWhereItIsNew(t *testing.T) {
	long := strings.Repeat("x", maxIndexed+1)
	stored := `{"userName":"ben","displayName":"` + long + `","externalId":"` + long + `","emails":[{"type":"work","value":"` + long + `"}]}`
	body := func(displayName, externalID, email string) string {
		return `{"userName":"ben","title":"Buyer","displayName":"` + displayName + `","externalId":"` + externalID + `","emails":[{"type":"home","value":"` + email + `"}]}`
	}
	r := newRig(t)
	id := r.stored("ben", stored)
	r.do("PUT", "/Users/"+id, body(long, long, long)).want(200).has("title", "Buyer").has("emails|0|type", "home")
	r.do("PATCH", "/Users/"+id, patch(`{"op":"replace","value":`+body(long, long, long)+`}`)).want(200)
	for name, sent := range map[string]string{"displayName": body(long+"y", long, long), "externalId": body(long, long+"y", long), "emails.value": body(long, long, long+"y")} {
		r.do("PUT", "/Users/"+id, sent).refused(400, "invalidValue", name, "1024")
		r.do("PATCH", "/Users/"+id, patch(`{"op":"replace","value":`+sent+`}`)).refused(400, "invalidValue", name, "1024")
	}
	r.do("PATCH", "/Users/"+id, patch(`{"op":"remove","path":"emails","value":[{"value":"`+long+`"}]}`)).want(200)
	if u := r.dir.users[id]; len(u.Emails) != 0 {
		t.Errorf("%d addresses are left", len(u.Emails))
	}
	r.do("PATCH", "/Users/"+id, patch(`{"op":"add","path":"emails[value eq \"`+long[1:]+`y\"].type","value":"work"}`)).refused(400, "invalidValue", "emails.value")
	r.do("PATCH", "/Users/"+id, patch(`{"op":"remove","path":"displayName"},{"op":"remove","path":"externalId"}`)).want(200).has("displayName", nil)
}

// TestAGroupLosesMembersHoweverLongItsNameIs: a rename that comes with them is
// not made then, and the provisioning log says so.
func TestAGroupLosesMembersHoweverLongItsNameIs(t *testing.T) {
	long := strings.Repeat("x", maxIndexed+1)
	for name, send := range map[string]func(r *rig, group, stays string){
		"PUT": func(r *rig, group, stays string) {
			r.do("PUT", "/Groups/"+group, `{"displayName":"`+long+`","members":[{"value":"`+stays+`"}]}`).want(200).has("displayName", "Ads")
		},
		"PATCH": func(r *rig, group, stays string) {
			r.do("PATCH", "/Groups/"+group, patch(`{"op":"replace","value":{"displayName":"`+long+`"}},{"op":"replace","path":"members","value":[{"value":"`+stays+`"}]}`)).want(204)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			stays, goes := r.user("ana"), r.user("ben")
			group := r.newGroup("Ads", stays, goes)
			send(r, group, stays)
			if have := r.members(group); len(have) != 1 || have[0] != stays {
				t.Errorf("members are %v", have)
			}
			if x := r.log.last(); !strings.Contains(strings.Join(x.Repaired, "; "), "displayName is left as it was") {
				t.Errorf("the provisioning log says %q", x.Repaired)
			}
			r.do("PATCH", "/Groups/"+group, patch(`{"op":"replace","path":"displayName","value":"`+long+`"}`)).refused(400, "invalidValue", "displayName")
			g := r.dir.groups[group]
			g.Attributes["displayName"] = long
			r.dir.groups[group] = groupOf(g)
			r.do("PUT", "/Groups/"+group, `{"displayName":"`+long+`","externalId":"g1"}`).want(200).has("externalId", "g1")
		})
	}
}

// TestAMemberIsTakenOutHoweverLongTheirReferenceIs: one was taken once.
func TestAMemberIsTakenOutHoweverLongTheirReferenceIs(t *testing.T) {
	long := strings.Repeat("x", maxID+1)
	r := newRig(t)
	group := r.newGroup("Ads")
	r.dir.rows[group], r.dir.has[group] = []bridge.MemberRef{{Value: long}}, map[string]bool{long: true}
	r.do("PATCH", "/Groups/"+group, patch(`{"op":"add","path":"members","value":[{"value":"`+long+`y"}]}`)).refused(400, "invalidValue", "members")
	r.do("PATCH", "/Groups/"+group, patch(`{"op":"remove","path":"members","value":[{"value":"`+long+`"}]}`)).want(204)
	if have := r.members(group); len(have) != 0 {
		t.Errorf("%d members are left", len(have))
	}
}
