package storagetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("memberships/types", testMemberTypes) }

// testMemberTypes: a member who is known is what they are, whatever the IdP
// says; of others there is only the IdP's word.
func testMemberTypes(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	ana, inner := User(t, db, src.ID, "ana", nil), Group(t, db, src.ID, "Inner")
	people := bridge.MemberRef{Value: ana.ID, Type: "User", Display: "A"}
	group := bridge.MemberRef{Value: inner.ID, Type: "Group"}
	wrongPerson, wrongGroup := bridge.MemberRef{Value: ana.ID, Type: "Group", Display: "A"}, bridge.MemberRef{Value: inner.ID, Type: "User"}
	unknown := bridge.MemberRef{Value: "zz", Type: "Group"}
	for _, c := range []struct {
		name  string
		steps []bridge.MemberChange
		want  []bridge.MemberRef
	}{
		{"a person said to be a group", []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{wrongPerson}}}, []bridge.MemberRef{people}},
		{"a group said to be a person", []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{wrongGroup}}}, []bridge.MemberRef{group}},
		{"both, and one nobody knows", []bridge.MemberChange{{Op: bridge.ReplaceMembers, Refs: []bridge.MemberRef{wrongPerson, wrongGroup, unknown}}}, []bridge.MemberRef{people, group, unknown}},
		{"said anew of one who is there", []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{people}}, {Op: bridge.AddMembers, Refs: []bridge.MemberRef{wrongPerson}}}, []bridge.MemberRef{people}},
		{"said rightly", []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{people, group}}}, []bridge.MemberRef{people, group}},
	} {
		g := Group(t, db, src.ID, c.name)
		change(t, db, g.ID, c.steps...)
		if diff := cmp.Diff(c.want, members(t, db, g.ID)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, diff)
		}
	}
}
