package metasim

import (
	"slices"
	"testing"
	"time"
)

func TestListsShowDefaultFieldsOnlyUnlessAsked(t *testing.T) {
	b := newBench(t)
	row := b.call("GET", "/"+biz+"/business_users").ok().data()[0]
	if row["id"] != admin || row["name"] != "Grace Hopper" || row["role"] != "ADMIN" || row["email"] != nil || row["business"] == nil {
		t.Errorf("default fields: %v", row)
	}
	r := b.call("GET", "/"+biz+"/business_users", "fields=id,name,email,pending_email,role,title,two_fac_status,finance_permission,tasks,business_role_request{id}", "limit=100", "summary=total_count").ok()
	if r.str("data.0.email") != "grace@corp.example" || r.str("data.0.two_fac_status") != "on" || r.str("data.0.finance_permission") != "EDITOR" || r.at("summary.total_count") != 2.0 {
		t.Errorf("asked fields: %s", r.text)
	}
	if r.at("data.1.two_fac_status") != nil || r.at("data.1.pending_email") != nil {
		t.Errorf("empty fields must be left out: %s", r.text)
	}
	if r.str("data.1.name") != "Ada Lovelace" || r.str("data.1.title") != "Analyst" || r.at("paging.next") != nil || r.str("paging.cursors.after") == "" {
		t.Errorf("second row and paging: %s", r.text)
	}
	r = b.call("GET", "/"+biz+"/business_users", "fields=email").ok()
	if r.str("data.0.id") != admin || r.at("data.0.name") != nil {
		t.Errorf("only the chosen fields and id: %s", r.text)
	}
}

func TestInvitationBecomesMemberUnderAnotherId(t *testing.T) {
	b := newBench(t)
	id := b.call("POST", "/"+biz+"/business_users", "email=new@corp.example", "role=EMPLOYEE").ok().str("id")
	p := b.call("GET", "/"+biz+"/pending_users", "email=new@corp.example").ok()
	if p.str("data.0.id") != id || p.str("data.0.status") != "PENDING" || p.str("data.0.role") != "EMPLOYEE" || len(p.data()) != 1 {
		t.Fatalf("pending: %s", p.text)
	}
	member, err := b.Accept(biz, "new@corp.example", AcceptAs{Email: "home@else.example", Name: "New Person"})
	b.must(err)
	if member.ID == id {
		t.Error("the member kept the role request's id")
	}
	if n := len(b.call("GET", "/"+biz+"/pending_users", "email=new@corp.example").ok().data()); n != 0 {
		t.Errorf("%d still pending", n)
	}
	m := b.call("GET", "/"+member.ID, "fields=email,name,role,business_role_request{id,email,status}").ok()
	if m.str("email") != "home@else.example" || m.str("business_role_request.id") != id || m.str("business_role_request.email") != "new@corp.example" {
		t.Errorf("member: %s", m.text)
	}
	if n, err := b.Invitations(biz); err != nil || n["new@corp.example"] != 1 {
		t.Errorf("invitations sent: %v %v", n, err)
	}
}

func TestLastAdminStays(t *testing.T) {
	b := newBench(t)
	b.call("DELETE", "/"+admin).fails(3914, 0)
	b.call("POST", "/"+admin, "role=EMPLOYEE").fails(3914, 0)
	b.call("POST", "/"+worker, "role=ADMIN").ok()
	b.call("DELETE", "/"+admin).ok()
	b.call("DELETE", "/"+admin).fails(100, 33)
	if got := b.roster().People; len(got) != 1 || got[0].ID != worker || got[0].Role != "ADMIN" {
		t.Errorf("left: %v", got)
	}
}

func TestSpecialRolesReadBackAsBaseRole(t *testing.T) {
	b := newBench(t)
	if b.call("POST", "/"+worker, "role=FINANCE_ANALYST").ok().at("success") != true {
		t.Error("an update answers success")
	}
	r := b.call("GET", "/"+worker, "fields=role,finance_permission,tasks").ok()
	if r.str("role") != "EMPLOYEE" || r.str("finance_permission") != "ANALYST" {
		t.Errorf("read back: %s", r.text)
	}
	b.call("POST", "/"+worker, `tasks=['MANAGE','DEVELOPER']`).ok()
	p, _ := b.roster().Person("ada@corp.example")
	if p.Role != "ADMIN" || p.FinancePermission != "" || !slices.Equal(p.Tasks, []string{"DEVELOPER"}) {
		t.Errorf("tasks replace: %+v", p)
	}
}

func TestYoungAdminSystemUserMayNotChangePeople(t *testing.T) {
	b := newBench(t, func(o *Options) { o.World.Businesses[0].SystemUsers[0].CreatedTime = start.Add(-6 * day) })
	b.call("GET", "/"+biz+"/business_users").ok()
	r := b.call("POST", "/"+biz+"/business_users", "email=new@corp.example").fails(10, 2859030)
	if r.status != 403 || r.at("error.is_transient") != false || r.str("error.error_user_title") != "This Action Is Not Allowed" {
		t.Errorf("envelope: %d %s", r.status, r.text)
	}
	b.call("POST", "/"+worker, "role=ADMIN").fails(10, 2859030)
	b.call("DELETE", "/778899001122").fails(10, 2859030)
	b.clock.add(25 * time.Hour)
	b.call("POST", "/"+biz+"/business_users", "email=new@corp.example").ok()
}
