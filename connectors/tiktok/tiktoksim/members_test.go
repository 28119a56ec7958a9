package tiktoksim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestInvitationLifeFromInviteToRemoval(t *testing.T) {
	b := start(t, Options{})
	r := b.ok(b.post("bc/member/invite", invitation("jane@example.com")))
	if string(r.Data) != "{}" {
		t.Errorf("invite answers %s, want no result per address", r.Data)
	}
	want := []string{"BOUND d**a@example.com", "BOUND b***t@example.com", "PENDING n****e@example.com", "PENDING j**e@example.com"}
	if d := cmp.Diff(want, b.emails("")); d != "" {
		t.Fatal(d)
	}
	m := b.acceptAs("jane@example.com", AcceptAs{Email: "jane.private@example.net", Name: "Jane"})
	want[3] = "BOUND j**********e@example.net"
	if d := cmp.Diff(want, b.emails("")); d != "" {
		t.Fatal(d)
	}
	b.ok(b.post("bc/member/update", `{"bc_id":"`+testBC+`","user_id":"`+m.UserID+`","user_role":"ADMIN","user_name":"Jane D","ext_user_role":{"finance_role":"ANALYST"}}`))
	if got := b.member("jane.private@example.net"); got.Role != "ADMIN" || got.FinanceRole != "ANALYST" || got.Name != "Jane D" {
		t.Fatalf("after update: %+v", got)
	}
	b.ok(b.post("bc/member/delete", `{"bc_id":"`+testBC+`","user_id":"`+m.UserID+`"}`))
	if b.member("jane.private@example.net") != nil {
		t.Fatal("still a member after delete")
	}
	inv := b.InvitationLog(testBC)
	if last := inv[len(inv)-1]; b.Invitations(testBC)["jane@example.com"] != 1 || last.Outcome != "accepted" || last.UserID != m.UserID || last.By != adaID {
		t.Errorf("invitations: %+v", inv)
	}
	b.ok(b.post("bc/member/invite", invitation("jane.private@example.net")))
	if again := b.acceptAs("jane.private@example.net", AcceptAs{}); again.UserID != m.UserID {
		t.Errorf("the same account came back as %s, was %s", again.UserID, m.UserID)
	}
}

func TestRepeatedInvitationIsASilentNoOp(t *testing.T) {
	b := start(t, Options{})
	b.ok(b.post("bc/member/invite", `{"bc_id":"`+testBC+`","emails":["Newbie@Example.com","ben.t@example.com","x@example.com","X@example.com"],"user_role":"ADMIN"}`))
	if m := b.member("newbie@example.com"); m.Role != "STANDARD" {
		t.Errorf("the repeat changed the role: %+v", m)
	}
	if n := b.Invitations(testBC); n["newbie@example.com"] != 1 || n["x@example.com"] != 1 || n["ben.t@example.com"] != 0 {
		t.Errorf("e-mails sent: %v", n)
	}
	if got := b.Repeats(testBC); len(got) != 2 || got[0].Status != "PENDING" || got[1].Status != "BOUND" {
		t.Errorf("repeats: %+v", got)
	}
}

func TestRevokingNeedsTheRealAddress(t *testing.T) {
	b := start(t, Options{})
	b.want(b.post("bc/member/delete", `{"bc_id":"`+testBC+`","user_email":"n****e@example.com"}`), 40002, "not a member")
	b.want(b.post("bc/member/delete", `{"bc_id":"`+testBC+`"}`), 40002, "Missing required field(s): user_id or user_email.")
	b.want(b.post("bc/member/delete", `{"bc_id":"`+testBC+`","user_id":"`+benID+`","user_email":"newbie@example.com"}`), 40002, "same time")
	b.ok(b.post("bc/member/delete", `{"bc_id":"`+testBC+`","user_email":"NEWBIE@example.com"}`))
	if b.member("newbie@example.com") != nil || b.InvitationLog(testBC)[0].Outcome != "revoked" {
		t.Error("the invitation is still open")
	}
	if _, err := b.Accept(testBC, "newbie@example.com", AcceptAs{}); err == nil {
		t.Error("a revoked invitation was accepted")
	}
}

func TestCapsOfAdminsAndMembers(t *testing.T) {
	b := start(t, Options{MaxAdmins: 2, MaxMembers: 5})
	b.ok(b.post("bc/member/invite", `{"bc_id":"`+testBC+`","emails":["a@example.com"],"user_role":"ADMIN"}`))
	b.want(b.post("bc/member/invite", `{"bc_id":"`+testBC+`","emails":["c@example.com"],"user_role":"ADMIN"}`), 40002, "limit 2")
	b.want(b.post("bc/member/update", `{"bc_id":"`+testBC+`","user_id":"`+benID+`","user_role":"ADMIN"}`), 40002, "limit 2")
	b.want(b.post("bc/member/invite", invitation("c@example.com", "d@example.com")), 40002, "limit 5")
	b.ok(b.post("bc/member/invite", invitation("c@example.com")))
	b.acceptAs("a@example.com", AcceptAs{}) // a taken seat is not taken twice
	documented := New(Options{})
	if documented.opts.MaxAdmins != 20 || documented.opts.MaxMembers != 4000 {
		t.Errorf("caps %d and %d, documented are 20 and 4,000", documented.opts.MaxAdmins, documented.opts.MaxMembers)
	}
}

func TestWhatPeopleDoForThemselves(t *testing.T) {
	b := start(t, Options{})
	b.ok(b.post("bc/member/invite", invitation("a@example.com", "c@example.com", "d@example.com")))
	b.AutoAcceptIf(time.Minute, func(e string) (AcceptAs, bool) {
		return AcceptAs{Email: strings.Replace(e, "@example.com", "@private.example", 1)}, e != "c@example.com"
	})
	b.Advance(59 * time.Second)
	if n := len(b.emails(`filtering={"relation_status":"PENDING"}`)); n != 4 {
		t.Errorf("%d pending before the time, want 4", n)
	}
	b.Advance(time.Second)
	want := []string{"PENDING c@example.com"}
	if d := cmp.Diff(want, b.emails(`filtering={"relation_status":"PENDING"}`)); d != "" {
		t.Error(d)
	}
	if b.member("newbie@private.example") == nil {
		t.Error("the predicate's address was not taken")
	}
	b.AutoAccept(0)
	b.emails("")
	if m := b.member("c@example.com"); m.Status != "BOUND" {
		t.Errorf("with everybody accepting: %+v", m)
	}
	b.AutoAccept(-1)
	b.ok(b.post("bc/member/invite", invitation("e@example.com")))
	b.Advance(time.Hour)
	b.emails("")
	if m := b.member("e@example.com"); m.Status != "PENDING" {
		t.Errorf("accepted although nobody does any more: %+v", m)
	}
	b.try(b.Decline(testBC, "e@example.com"))
	if d := cmp.Diff([]string{"REJECTED e@example.com"}, b.emails(`filtering={"relation_status":"REJECTED"}`)); d != "" {
		t.Error(d)
	}
	if _, err := b.Accept(testBC, "e@example.com", AcceptAs{}); err == nil {
		t.Error("a declined invitation was accepted")
	}
	if _, err := b.Accept(testBC, "nobody@example.com", AcceptAs{}); err == nil {
		t.Error("somebody accepted without an invitation")
	}
}

func TestAcceptingUnderTheAddressOfAMemberIsRefused(t *testing.T) {
	b := start(t, Options{})
	if _, err := b.Accept(testBC, "newbie@example.com", AcceptAs{Email: "ben.t@example.com"}); err == nil {
		t.Error("a member joined twice")
	}
	if b.member("newbie@example.com") == nil {
		t.Error("the invitation went")
	}
}

func TestForeignAdminsActBehindTheBridge(t *testing.T) {
	b := start(t, Options{})
	m, err := b.AddMember(testBC, Member{Email: "eve@example.com", Name: "Eve", Role: "ADMIN", Assets: []Grant{{AssetType: "ADVERTISER", AssetID: account1, AdvertiserRole: "ADMIN"}}})
	b.try(err)
	if m.UserID == "" || m.Status != "BOUND" || b.Invitations(testBC)["eve@example.com"] != 0 || len(b.member("eve@example.com").Assets) != 1 {
		t.Errorf("added %+v", m)
	}
	_, err = b.AddMember(testBC, Member{Email: "fay@example.com", Status: "PENDING"})
	b.try(err)
	b.try(b.SetRole(testBC, benID, "ADMIN"))
	b.try(b.SetFinanceRole(testBC, adaID, ""))
	b.try(b.SetEmail(benID, "ben@new.example"))
	b.try(b.Assign(testBC, benID, Grant{AssetType: "CATALOG", AssetID: catalog1, CatalogRole: "AD_PROMOTE"}))
	b.try(b.Unassign(testBC, benID, "ADVERTISER", account1))
	ben := b.member("ben@new.example")
	if ben == nil || ben.Role != "ADMIN" || b.member("dana@example.com").FinanceRole != "" || cmp.Diff([]Grant{{AssetType: "CATALOG", AssetID: catalog1, CatalogRole: "AD_PROMOTE"}}, ben.Assets) != "" {
		t.Errorf("after foreign changes: %+v", b.Members(testBC))
	}
	b.try(b.RemoveMember(testBC, "fay@example.com"))
	b.try(b.RemoveMember(testBC, benID))
	b.try(b.RemoveMember(testBC, m.UserID))
	if len(b.LostAdmins()) != 0 {
		t.Error("an admin is left")
	}
	b.try(b.RemoveMember(testBC, adaID))
	if len(b.LostAdmins()[testBC]) != 1 {
		t.Errorf("lost admins: %v", b.LostAdmins())
	}
	b.want(b.get("bc/member/get", "bc_id="+testBC), 40001, "")
	for _, err := range []error{b.SetRole(testBC, benID, "ADMIN"), b.SetRole(testBC, benID, "BOSS"), b.RemoveMember("1", benID), b.SetEmail(adaID, "cy@agency.example"), b.SetFinanceRole(testBC, adaID, "BOSS")} {
		if err == nil {
			t.Error("an impossible change was taken")
		}
	}
}

func TestRemovalTakesAssetsAndGroupsAlong(t *testing.T) {
	b := start(t, Options{})
	g := b.group()
	b.ok(b.post("bc/member/delete", `{"bc_id":"`+testBC+`","user_id":"`+benID+`"}`))
	for _, acc := range []string{account1, account2} {
		if l := data[listed](b, b.get("bc/asset/member/get", "bc_id="+testBC+"&asset_type=ADVERTISER&asset_id="+acc)).List; len(l) != 0 {
			t.Errorf("still reaches %s: %v", acc, l)
		}
	}
	if n := len(b.Groups(testBC)[0].Members); n != 0 {
		t.Errorf("group %s still has %d members", g, n)
	}
	b.want(b.must(b.getAs(benToken, "bc/asset/get", "bc_id="+testBC+"&asset_type=ADVERTISER")), 40001, "")
	if l := data[listed](b, b.must(b.getAs(benToken, "bc/get", ""))).List; len(l) != 0 {
		t.Errorf("bc/get still lists %v", l)
	}
}

func TestPagesAreCompleteAndCutAsAsked(t *testing.T) {
	b := start(t, Options{})
	fill(42)(b)
	seen := map[string]bool{}
	for p := 1; p <= 4; p++ {
		r := data[listed](b, b.get("bc/member/get", fmt.Sprintf("bc_id=%s&page=%d&page_size=20", testBC, p)))
		if r.PageInfo != (pageInfo{p, 20, 45, 3}) {
			t.Errorf("page_info %+v", r.PageInfo)
		}
		for _, m := range r.List {
			seen[fmt.Sprint(m)] = true
		}
		if want := []int{20, 20, 5, 0}[p-1]; len(r.List) != want {
			t.Errorf("page %d has %d rows, want %d", p, len(r.List), want)
		}
	}
	if r := data[listed](b, b.get("bc/member/get", "bc_id="+testBC)); len(r.List) != 10 || r.PageInfo.PageSize != 10 {
		t.Errorf("default page: %+v", r.PageInfo)
	}
	if got := b.emails(`filtering={"user_role":"ADMIN","relation_status":"BOUND","keyword":"dan"}`); len(got) != 1 {
		t.Errorf("filtered: %v", got)
	}
}

func TestAddressesAreMaskedAsDocumented(t *testing.T) {
	for in, want := range map[string]string{
		"user@example.com": "u**r@example.com", "janee@example.org": "j***e@example.org",
		"abc@x.example": "a*c@x.example", "ab@x.example": "ab@x.example", "müller@x.example": "m****r@x.example",
	} {
		if got := maskEmail(in, "keep"); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
	w := testWorld()
	no := false
	w.BusinessCenters[0].Members[1].Masked = &no
	b := start(t, Options{World: w})
	if got := b.emails("")[1]; got != "BOUND ben.t@example.com" {
		t.Errorf("the row's own setting is lost: %s", got)
	}
}

func TestFiftyThousandMembersAreReadInPages(t *testing.T) {
	w := testWorld()
	for i := range 50_000 {
		w.BusinessCenters[0].Members = append(w.BusinessCenters[0].Members, Member{UserID: fmt.Sprint(7_100_000_000_000_000_000 + int64(i)), Email: fmt.Sprintf("user.%d@example.com", i), Name: fmt.Sprint("User ", i)})
	}
	b := start(t, Options{World: w, LogLimit: 100})
	seen := map[any]bool{}
	for p := 1; ; p++ {
		r := data[listed](b, b.get("bc/member/get", fmt.Sprintf("bc_id=%s&page=%d&page_size=20", testBC, p)))
		for _, m := range r.List {
			seen[m["user_id"]] = true
		}
		if p >= r.PageInfo.TotalPage {
			break
		}
	}
	if len(seen) != 50_003 {
		t.Errorf("read %d members, want 50,003 (one id is null)", len(seen))
	}
	if n := len(b.Requests()); n > 100 {
		t.Errorf("the log grew to %d", n)
	}
}
