package tiktoksim

import (
	"testing"

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
	m, err := b.Accept(testBC, "jane@example.com", AcceptAs{Email: "jane.private@example.net", Name: "Jane"})
	if err != nil {
		t.Fatal(err)
	}
	want[3] = "BOUND j**********e@example.net"
	if d := cmp.Diff(want, b.emails("")); d != "" {
		t.Fatal(d)
	}
	b.ok(b.post("bc/member/update", `{"bc_id":"`+testBC+`","user_id":"`+m.UserID+`","user_role":"ADMIN","ext_user_role":{"finance_role":"ANALYST"}}`))
	if got := b.member("jane.private@example.net"); got.Role != "ADMIN" || got.FinanceRole != "ANALYST" {
		t.Fatalf("after update: %+v", got)
	}
	b.ok(b.post("bc/member/delete", `{"bc_id":"`+testBC+`","user_id":"`+m.UserID+`"}`))
	if b.member("jane.private@example.net") != nil {
		t.Fatal("still a member after delete")
	}
	if n := b.Invitations(testBC)["jane@example.com"]; n != 1 {
		t.Errorf("%d e-mails sent, want 1", n)
	}
}
