package metasim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPendingUsersShowWhatTheReferenceLists(t *testing.T) {
	b := newBench(t)
	r := b.pending(1)
	row := r.data()[0]
	if len(row) != 4 || row["id"] != "778899001122" || row["email"] != "some@email.com" || row["role"] != "EMPLOYEE" || row["status"] != "PENDING" {
		t.Errorf("defaults: %v", row)
	}
	r = b.pending(1, "fields=id,email,role,status,owner,created_by{id,name},updated_by,created_time,updated_time,expiration_time,finance_role,invited_user_type,invite_link,expiry_time,ip_role,tasks")
	if r.str("data.0.owner.id") != biz || r.str("data.0.owner.name") != "Generic Emporium" || r.str("data.0.created_by.name") != "Reporting server" ||
		r.str("data.0.created_time") != "2026-11-20T10:00:00+0000" || r.str("data.0.expiration_time") != "2026-12-20T10:00:00+0000" || r.at("data.0.finance_role") != nil {
		t.Error(r.text)
	}
	id := b.call("POST", "/"+biz+"/business_users", "email=x@corp.example", "role=FINANCE_ANALYST", `invited_user_type=["MWA"]`).ok().str("id")
	r = b.call("GET", "/"+id, "fields=role,finance_role,invited_user_type,invite_link,tasks").ok()
	if r.str("role") != "EMPLOYEE" || r.str("finance_role") != "ANALYST" || r.str("invited_user_type.0") != "MWA" || !strings.HasPrefix(r.str("invite_link"), "https://") {
		t.Error(r.text)
	}
}

func TestRoleRequestsAreChangedAndCancelled(t *testing.T) {
	b := newBench(t)
	if r := b.call("POST", "/778899001122", "role=ADMIN").ok(); r.str("id") != "778899001122" {
		t.Error("an update of a role request answers its id:", r.text)
	}
	if r := b.call("GET", "/778899001122", "fields=role,updated_by{id}").ok(); r.str("role") != "ADMIN" || r.str("updated_by.id") != hub {
		t.Error(r.text)
	}
	if r := b.call("DELETE", "/778899001122").ok(); r.at("success") != true {
		t.Error(r.text)
	}
	b.pending(0)
	b.call("POST", "/778899001122", "role=ADMIN").fails(100, 33)
	if _, err := b.Accept(biz, "some@email.com", AcceptAs{}); err == nil {
		t.Error("a cancelled invitation was accepted")
	}
	b.invite("some@email.com").ok() // again, which spends quota and makes a new id
	b.sentTo("some@email.com", 1)
}

func TestInvitationsExpireByTheClock(t *testing.T) {
	b := newBench(t, switched(func(w *Switches) { w.Lifetime = Duration(72 * time.Hour) }))
	id := b.invite("new@corp.example").ok().str("id")
	b.clock.add(72*time.Hour - time.Second)
	if r := b.pending(1, "email=new@corp.example"); r.str("data.0.status") != "PENDING" {
		t.Error(r.text)
	}
	b.clock.add(time.Second)
	if r := b.pending(1, "email=new@corp.example"); r.str("data.0.status") != "EXPIRED" {
		t.Error(r.text)
	}
	b.call("POST", "/"+id, "role=ADMIN").fails(100, 0)
	if _, err := b.Accept(biz, "new@corp.example", AcceptAs{}); err == nil {
		t.Error("an expired invitation was accepted")
	}
	again := b.invite("new@corp.example").ok().str("id")
	if again == id {
		t.Error("the same id again")
	}
	if r := b.pending(2, "email=new@corp.example"); r.str("data.0.status") != "EXPIRED" || r.str("data.1.status") != "PENDING" {
		t.Error("the old one stays listed:", r.text)
	}
	sent, err := b.Sent(biz)
	b.must(err)
	if len(sent) != 2 || sent[1].Overlap || sent[1].Request != again || sent[1].By != hub {
		t.Errorf("%+v", sent)
	}
}

func TestAcceptedInvitationIsNoLongerPendingButReadable(t *testing.T) {
	b := newBench(t)
	p, err := b.Accept(biz, "778899001122", AcceptAs{Name: "Some One", EmailHidden: true, TwoFacStatus: "off"}) // by id
	b.must(err)
	b.pending(0)
	if r := b.call("GET", "/778899001122").ok(); r.str("status") != "ACCEPTED" {
		t.Error(r.text)
	}
	b.call("DELETE", "/778899001122").fails(100, 33)
	if r := b.call("GET", "/"+p.ID, "fields=name,email,two_fac_status").ok(); r.str("name") != "Some One" || r.at("email") != nil || r.str("two_fac_status") != "off" {
		t.Error(r.text)
	}
	b.must(b.RemovePerson(biz, p.ID))
	b.invite("some@email.com").ok()
}

func TestPeopleAcceptByThemselves(t *testing.T) {
	b := newBench(t)
	b.AutoAccept(&AutoAccept{After: Duration(time.Hour), Only: func(a string) bool { return strings.HasSuffix(a, "@corp.example") }})
	b.invite("a@corp.example").ok()
	b.invite("a@other.example").ok()
	b.clock.add(59 * time.Minute)
	b.pending(3)
	b.clock.add(time.Minute)
	b.pending(2)
	if _, ok := b.roster().Person("a@corp.example"); !ok {
		t.Error("nobody accepted")
	}
	b.AutoAccept(nil)
	b.invite("b@corp.example").ok()
	b.clock.add(2 * time.Hour)
	b.pending(3)
}

func TestOtherAdminsActBehindOurBack(t *testing.T) {
	b := newBench(t)
	id, err := b.AddPerson(biz, Person{Email: "x@corp.example", Name: "X", Role: "ADMIN"})
	b.must(err)
	b.must(b.SetRole(biz, "x@corp.example", "EMPLOYEE"))
	b.must(b.SetRole(biz, worker, "FINANCE_EDITOR"))
	if r := b.call("GET", "/"+id, "fields=role").ok(); r.str("role") != "EMPLOYEE" {
		t.Error(r.text)
	}
	req, err := b.Invite(biz, "y@corp.example", "ADMIN")
	b.must(err)
	if r := b.call("GET", "/"+req).ok(); r.str("role") != "ADMIN" {
		t.Error(r.text)
	}
	b.must(b.Withdraw(biz, "y@corp.example"))
	b.call("GET", "/"+req).fails(100, 33)
	b.must(b.RemovePerson(biz, id))
	b.call("GET", "/"+id).fails(100, 33)
	for what, err := range map[string]error{
		"last admin removed": b.RemovePerson(biz, admin), "last admin demoted": b.SetRole(biz, admin, "EMPLOYEE"),
		"no such person": b.RemovePerson(biz, "nobody"), "no such business": b.Decline("1", "x"), "no such role": b.SetRole(biz, admin, "CHIEF"),
		"nobody invited": b.Expire(biz, "nobody@x.example"),
	} {
		if err == nil {
			t.Error(what)
		}
	}
	if _, err := b.AddPerson(biz, Person{ID: admin, Role: "ADMIN"}); err == nil {
		t.Error("an id was used twice")
	}
	if _, err := b.Invite(biz, "ada@corp.example", "ADMIN"); err == nil {
		t.Error("a member was invited")
	}
}

func TestChangedAddressWaitsForVerification(t *testing.T) {
	b := newBench(t)
	b.call("POST", "/"+worker, "email=ada@new.example", "first_name=Augusta", "title=Countess", "skip_verification_email=true").ok()
	r := b.call("GET", "/"+worker, "fields=email,pending_email,name,first_name,last_name,title").ok()
	if r.str("email") != "ada@corp.example" || r.str("pending_email") != "ada@new.example" || r.str("name") != "Augusta Lovelace" || r.str("title") != "Countess" {
		t.Error(r.text)
	}
	b.call("POST", "/"+worker, "clear_pending_email=true").ok()
	if r := b.call("GET", "/"+worker, "fields=pending_email").ok(); r.at("pending_email") != nil {
		t.Error(r.text)
	}
}

func TestQuotasOfPeopleAndAddresses(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Limits = Limits{People: 3, InvitesPerAddress: 1} })
	b.invite("a@x.example").ok()
	q, _ := b.roster().Invited("a@x.example")
	b.call("DELETE", "/"+q.ID).ok()
	if r := b.invite("A@x.example").fails(100, 0); !strings.Contains(r.text, "You have sent too many invitations to the email address") {
		t.Error(r.text)
	}
	b.crowd(1)
	b.invite("b@x.example").fails(100, 0)
}

func TestAnsweredInvitationIgnoresAnApprovalThatComesLater(t *testing.T) {
	b := newBench(t, switched(func(w *Switches) { w.Approval = "always" }))
	b.waits(b.call("POST", "/778899001122", "role=ADMIN"))
	p, err := b.Accept(biz, "some@email.com", AcceptAs{})
	b.must(err)
	b.Approve()
	b.pending(0)
	if got, _ := b.roster().Person("some@email.com"); got.Role != "EMPLOYEE" || got.ID != p.ID {
		t.Errorf("%+v", got)
	}
}

func TestIdsAreLongNumericStrings(t *testing.T) {
	b := newBench(t)
	var ids []string
	for _, e := range []string{"a", "b", "c"} {
		ids = append(ids, b.invite(e+"@x.example").ok().str("id"))
	}
	for _, id := range ids {
		if !isDigits(id) || len(id) < 17 { // beyond 2^53
			t.Errorf("id %q", id)
		}
	}
	if slices.Sort(ids); len(slices.Compact(ids)) != 3 {
		t.Error("an id came twice")
	}
}
