package metasim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// switchChecks hold, for each value of each switch, what a caller then sees.
var switchChecks = map[string]func(t *testing.T, b *bench){
	"invite_id=role_request": func(t *testing.T, b *bench) {
		id := b.invite("new@corp.example").ok().str("id")
		if q, _ := b.roster().Invited("new@corp.example"); q.ID != id {
			t.Errorf("answered %s, the role request is %s", id, q.ID)
		}
	},
	"invite_id=unrelated": func(t *testing.T, b *bench) {
		id := b.invite("new@corp.example").ok().str("id")
		if q, _ := b.roster().Invited("new@corp.example"); q.ID == id || id == "" {
			t.Errorf("answered %q, the role request is %s", id, q.ID)
		}
		b.call("GET", "/"+id).fails(100, 33)
	},
	"invite_pending=error": func(t *testing.T, b *bench) {
		r := b.invite("Some@Email.com").fails(100, 1752042)
		if !strings.Contains(r.str("error.error_user_msg"), "already invited") {
			t.Error(r.text)
		}
		b.sentTo("some@email.com", 0)
	},
	"invite_pending=same_id": func(t *testing.T, b *bench) {
		if r := b.invite("some@email.com").ok(); r.str("id") != "778899001122" {
			t.Error(r.text)
		}
		b.sentTo("some@email.com", 0)
	},
	"invite_member=error": func(t *testing.T, b *bench) { b.invite("ADA@corp.example").fails(100, 0) },
	"invite_member=ok": func(t *testing.T, b *bench) {
		if r := b.invite("ada@corp.example").ok(); r.str("id") != worker {
			t.Error(r.text)
		}
		b.sentTo("ada@corp.example", 0)
	},
	"role_omitted=EMPLOYEE": func(t *testing.T, b *bench) { b.omittedRole("EMPLOYEE") },
	"role_omitted=DEFAULT":  func(t *testing.T, b *bench) { b.omittedRole("DEFAULT") },
	"invitation_end=status": func(t *testing.T, b *bench) {
		b.clock.add(31 * day)
		if r := b.call("GET", "/778899001122", "fields=status").ok(); r.str("status") != "EXPIRED" {
			t.Error(r.text)
		}
	},
	"invitation_end=leaves": func(t *testing.T, b *bench) {
		b.clock.add(31 * day)
		b.call("GET", "/778899001122").fails(100, 33)
		b.pending(0)
	},
	"ended_invitations=listed": func(t *testing.T, b *bench) {
		b.must(b.Decline(biz, "some@email.com"))
		if r := b.pending(1); r.str("data.0.status") != "DECLINED" {
			t.Error(r.text)
		}
	},
	"ended_invitations=hidden": func(t *testing.T, b *bench) {
		b.must(b.Decline(biz, "some@email.com"))
		b.pending(0)
		if r := b.call("GET", "/778899001122").ok(); r.str("status") != "DECLINED" {
			t.Error(r.text)
		}
	},
	"email_filter=exact": func(t *testing.T, b *bench) { b.pending(0, "email=Some@email.com") },
	"email_filter=fold":  func(t *testing.T, b *bench) { b.pending(1, "email=Some@email.com") },
	"email_case=preserved": func(t *testing.T, b *bench) {
		b.invite("New@Corp.example").ok()
		b.pending(1, "email=New@Corp.example")
	},
	"email_case=lowercased": func(t *testing.T, b *bench) {
		b.invite("New@Corp.example").ok()
		b.pending(1, "email=new@corp.example")
	},
	"invite_quota=cooldown": func(t *testing.T, b *bench) {
		b.SetLimits(Limits{InvitesPerDay: 2})
		b.invite("a@x.example").ok()
		b.invite("b@x.example").ok()
		b.clock.add(23 * time.Hour)
		b.invite("c@x.example").fails(17, 0)
		b.clock.add(2 * time.Hour) // the first two are 25 hours old, the refusal is 2
		b.invite("c@x.example").fails(17, 0)
		b.clock.add(22 * time.Hour)
		b.invite("c@x.example").ok()
	},
	"invite_quota=rolling": func(t *testing.T, b *bench) {
		b.SetLimits(Limits{InvitesPerDay: 2})
		b.invite("a@x.example").ok()
		b.invite("b@x.example").ok()
		b.clock.add(23 * time.Hour)
		b.invite("c@x.example").fails(17, 0)
		b.clock.add(2 * time.Hour)
		b.invite("c@x.example").ok()
	},
	"accepted=set": func(t *testing.T, b *bench) {
		p, err := b.Accept(biz, "some@email.com", AcceptAs{})
		b.must(err)
		if r := b.call("GET", "/"+p.ID, "fields=business_role_request{id,email}").ok(); r.str("business_role_request.email") != "some@email.com" {
			t.Error(r.text)
		}
	},
	"accepted=absent": func(t *testing.T, b *bench) {
		p, err := b.Accept(biz, "some@email.com", AcceptAs{})
		b.must(err)
		if r := b.call("GET", "/"+p.ID, "fields=business_role_request{id,email}").ok(); r.at("business_role_request") != nil {
			t.Error(r.text)
		}
	},
	"role_readback=base": func(t *testing.T, b *bench) { b.readback("EMPLOYEE") },
	"role_readback=raw":  func(t *testing.T, b *bench) { b.readback("FINANCE_EDITOR") },
	"special_role=accept": func(t *testing.T, b *bench) {
		b.call("POST", "/"+worker, "role=DEVELOPER").ok()
		if p, _ := b.roster().Person("ada@corp.example"); !slices.Contains(p.Tasks, "DEVELOPER") || p.Role != "EMPLOYEE" {
			t.Errorf("%+v", p)
		}
	},
	"special_role=refuse": func(t *testing.T, b *bench) { b.call("POST", "/"+worker, "role=DEVELOPER").fails(100, 0) },
	"special_on_base=keep": func(t *testing.T, b *bench) {
		b.call("POST", "/"+worker, "role=ADMIN").ok()
		b.call("POST", "/"+worker, "role=FINANCE_ANALYST").ok()
		if p, _ := b.roster().Person("ada@corp.example"); p.Role != "ADMIN" || p.FinancePermission != "ANALYST" {
			t.Errorf("%+v", p)
		}
	},
	"special_on_base=strip": func(t *testing.T, b *bench) {
		b.call("POST", "/"+worker, "role=ADMIN").ok()
		b.call("POST", "/"+worker, "role=FINANCE_ANALYST").ok()
		if p, _ := b.roster().Person("ada@corp.example"); p.Role != "EMPLOYEE" || p.FinancePermission != "ANALYST" {
			t.Errorf("%+v", p)
		}
		b.call("POST", "/"+admin, "role=FINANCE_ANALYST").fails(3914, 0)
	},
	"base_role=keep": func(t *testing.T, b *bench) {
		b.call("POST", "/"+admin, "role=ADMIN").ok()
		if p, _ := b.roster().Person("grace@corp.example"); p.FinancePermission != "EDITOR" {
			t.Errorf("%+v", p)
		}
	},
	"base_role=clear": func(t *testing.T, b *bench) {
		b.call("POST", "/"+admin, "role=ADMIN").ok()
		if p, _ := b.roster().Person("grace@corp.example"); p.FinancePermission != "" {
			t.Errorf("%+v", p)
		}
	},
	"tasks=honoured": func(t *testing.T, b *bench) {
		b.call("POST", "/"+worker, `tasks=["MANAGE","FINANCE_VIEW"]`).ok()
		if p, _ := b.roster().Person("ada@corp.example"); p.Role != "ADMIN" || p.FinancePermission != "ANALYST" {
			t.Errorf("%+v", p)
		}
	},
	"tasks=ignored": func(t *testing.T, b *bench) {
		b.call("POST", "/"+worker, `tasks=["MANAGE","FINANCE_VIEW"]`).ok()
		if p, _ := b.roster().Person("ada@corp.example"); p.Role != "EMPLOYEE" || p.FinancePermission != "" {
			t.Errorf("%+v", p)
		}
	},
	"same_role=success": func(t *testing.T, b *bench) { b.call("POST", "/"+worker, "role=EMPLOYEE").ok() },
	"same_role=error":   func(t *testing.T, b *bench) { b.call("POST", "/"+worker, "role=EMPLOYEE").fails(100, 0) },
	"delete_twice=error": func(t *testing.T, b *bench) {
		b.call("DELETE", "/"+worker).ok()
		b.call("DELETE", "/"+worker).fails(100, 33)
		b.call("DELETE", "/778899001122").ok()
		b.call("DELETE", "/778899001122").fails(100, 33)
	},
	"delete_twice=success": func(t *testing.T, b *bench) {
		b.call("DELETE", "/"+worker).ok()
		b.call("DELETE", "/"+worker).ok()
		b.call("DELETE", "/778899001122").ok()
		b.call("DELETE", "/778899001122").ok()
		b.call("DELETE", "/12345").fails(100, 33) // was never anything
	},
	"self=success": func(t *testing.T, b *bench) {
		b.must(b.SetRole(biz, worker, "ADMIN"))
		b.as("EAAgrace").call("DELETE", "/"+admin).ok()
	},
	"self=error": func(t *testing.T, b *bench) {
		b.must(b.SetRole(biz, worker, "ADMIN"))
		b.as("EAAgrace").call("DELETE", "/"+admin).fails(100, 0)
		b.call("DELETE", "/"+admin).ok()
	},
	"last_admin=people":                  func(t *testing.T, b *bench) { b.call("DELETE", "/"+admin).fails(3914, 0) },
	"last_admin=people_and_system_users": func(t *testing.T, b *bench) { b.call("DELETE", "/"+admin).ok() },
	"email_missing=omitted": func(t *testing.T, b *bench) {
		b.must(b.EditPerson(biz, worker, func(p *Person) { p.EmailHidden = true }))
		if r := b.call("GET", "/"+worker, "fields=email,pending_email").ok(); r.at("email") != nil || r.at("pending_email") != nil {
			t.Error(r.text)
		}
	},
	"email_missing=pending_email": func(t *testing.T, b *bench) {
		b.must(b.EditPerson(biz, worker, func(p *Person) { p.EmailHidden = true }))
		if r := b.call("GET", "/"+worker, "fields=email,pending_email").ok(); r.at("email") != nil || r.str("pending_email") != "ada@corp.example" {
			t.Error(r.text)
		}
	},
	"reinvited=gone": func(t *testing.T, b *bench) {
		if n := b.returning(); n != 0 {
			t.Errorf("%d assignments came back", n)
		}
	},
	"reinvited=restored": func(t *testing.T, b *bench) {
		if n := b.returning(); n != 1 {
			t.Errorf("%d assignments came back, want 1", n)
		}
	},
	"approval=never": func(t *testing.T, b *bench) {
		b.call("DELETE", "/"+worker).ok()
		if len(b.roster().People) != 1 {
			t.Error("still there")
		}
	},
	"approval=removals": func(t *testing.T, b *bench) {
		b.invite("new@corp.example").ok()
		b.sentTo("new@corp.example", 1)
		b.waits(b.call("DELETE", "/"+worker))
		if len(b.roster().People) != 2 {
			t.Error("removed without approval")
		}
		if got := b.Approve(); len(got) != 1 || len(b.roster().People) != 1 {
			t.Errorf("approved %v, left %v", got, b.roster().People)
		}
	},
	"approval=always": func(t *testing.T, b *bench) {
		b.waits(b.invite("new@corp.example"))
		b.waits(b.call("POST", "/"+worker, "role=ADMIN"))
		b.waits(b.call("POST", "/778899001122", "role=ADMIN"))
		b.waits(b.call("DELETE", "/778899001122"))
		b.sentTo("new@corp.example", 0)
		b.Approve()
		b.sentTo("new@corp.example", 1)
		if p, _ := b.roster().Person("ada@corp.example"); p.Role != "ADMIN" {
			t.Errorf("%+v", p)
		}
	},
	"employee_sees=admins":  func(t *testing.T, b *bench) { b.seen(1) },
	"employee_sees=all":     func(t *testing.T, b *bench) { b.seen(2) },
	"employee_sees=refused": func(t *testing.T, b *bench) { b.as("EAAreader").call("GET", "/"+biz+"/business_users").fails(200, 0) },
	"new_system_user=error": func(t *testing.T, b *bench) { b.young(); b.invite("new@corp.example").fails(10, 2859030) },
	"new_system_user=policy": func(t *testing.T, b *bench) {
		b.young()
		b.invite("new@corp.example").fails(368, 0)
	},
	"new_system_user=allowed": func(t *testing.T, b *bench) { b.young(); b.invite("new@corp.example").ok() },
	"new_system_reads=allowed": func(t *testing.T, b *bench) {
		b.young()
		b.call("GET", "/"+biz+"/business_users").ok()
	},
	"new_system_reads=error": func(t *testing.T, b *bench) {
		b.young()
		b.call("GET", "/"+biz+"/business_users").fails(10, 2859030)
	},
	"app_not_claimed=application": func(t *testing.T, b *bench) { b.as("EAAother").call("GET", "/"+biz+"/business_users").fails(10, 0) },
	"app_not_claimed=permission":  func(t *testing.T, b *bench) { b.as("EAAother").call("GET", "/"+biz+"/business_users").fails(200, 0) },
	"app_not_claimed=not_found":   func(t *testing.T, b *bench) { b.as("EAAother").call("GET", "/"+biz+"/business_users").fails(100, 33) },
	"two_factor=users": func(t *testing.T, b *bench) {
		b.call("POST", "/"+biz, "two_factor_type=admin_required").ok()
		b.as("EAAgrace").call("POST", "/"+worker, "role=ADMIN").fails(415, 2859009)
		b.call("POST", "/"+worker, "role=ADMIN").ok()
	},
	"two_factor=never": func(t *testing.T, b *bench) {
		b.call("POST", "/"+biz, "two_factor_type=all_required").ok()
		b.as("EAAgrace").call("POST", "/"+worker, "role=ADMIN").ok()
	},
	"two_factor=always": func(t *testing.T, b *bench) { b.call("POST", "/"+worker, "role=ADMIN").fails(415, 2859009) },
	"data_access=error": func(t *testing.T, b *bench) {
		b.must(b.AddToken(Token{Token: "EAAstale", App: appID, SystemUser: hub, Scopes: allScopes(), DataAccessExpiresAt: start}))
		b.as("EAAstale").call("GET", "/me").fails(190, 0)
	},
	"data_access=ignored": func(t *testing.T, b *bench) {
		b.must(b.AddToken(Token{Token: "EAAstale", App: appID, SystemUser: hub, Scopes: allScopes(), DataAccessExpiresAt: start}))
		b.as("EAAstale").call("GET", "/me").ok()
	},
	"http_status=by_code":    func(t *testing.T, b *bench) { b.statuses(403, 500, 400) },
	"http_status=always_400": func(t *testing.T, b *bench) { b.statuses(400, 400, 400) },
	"error_detail=full": func(t *testing.T, b *bench) {
		if r := b.call("GET", "/1").fails(100, 33); r.str("error.type") != "GraphMethodException" || r.str("error.fbtrace_id") == "" {
			t.Error(r.text)
		}
	},
	"error_detail=bare": func(t *testing.T, b *bench) {
		if e, _ := b.call("GET", "/1").at("error").(map[string]any); len(e) != 2 || e["code"] != 100.0 || e["message"] == nil {
			t.Error(e)
		}
	},
	"legacy_params=error": func(t *testing.T, b *bench) {
		for _, p := range []string{"pretty=1", "debug=all", "date_format=U"} {
			b.call("GET", "/me", p).fails(100, 0)
		}
		b.call("GET", "/", "ids=1,2").fails(100, 0)
	},
	"legacy_params=ignored":  func(t *testing.T, b *bench) { b.call("GET", "/me", "pretty=1", "debug=all").ok() },
	"unknown_params=error":   func(t *testing.T, b *bench) { b.call("GET", "/me", "feilds=id").fails(100, 0) },
	"unknown_params=ignored": func(t *testing.T, b *bench) { b.call("GET", "/me", "feilds=id").ok() },
	"unversioned=app": func(t *testing.T, b *bench) {
		b.must(b.EditApp(appID, func(a *App) { a.APIVersion = "v25.0" }))
		if r := b.raw("GET", b.srv.URL+"/me", "", nil).ok(); r.header.Get("Facebook-Api-Version") != "v25.0" {
			t.Error(r.header)
		}
	},
	"unversioned=error": func(t *testing.T, b *bench) { b.raw("GET", b.srv.URL+"/me", "", nil).fails(2635, 0) },
	"expired_version=upgrade": func(t *testing.T, b *bench) {
		r := b.raw("GET", b.srv.URL+"/v20.0/me", "", nil).ok()
		if !strings.Contains(r.header.Get("X-Ad-Api-Version-Warning"), "auto-upgraded to v21.0") {
			t.Error(r.header)
		}
	},
	"expired_version=error": func(t *testing.T, b *bench) { b.raw("GET", b.srv.URL+"/v9.0/me", "", nil).fails(2635, 0) },
	"page_too_big=cap": func(t *testing.T, b *bench) {
		b.crowd(150)
		if n := len(b.call("GET", "/"+biz+"/business_users", "limit=1000").ok().data()); n != 100 {
			t.Errorf("%d rows, want the silent cap of 100", n)
		}
	},
	"page_too_big=reduce": func(t *testing.T, b *bench) {
		if r := b.call("GET", "/"+biz+"/business_users", "limit=101").fails(1, 0); r.status != 500 || !strings.Contains(r.text, "reduce the amount of data") {
			t.Error(r.text)
		}
		b.call("GET", "/"+biz+"/business_users", "limit=100").ok()
	},
	"empty_pages=never":    func(t *testing.T, b *bench) { b.crowd(4); b.walked([]int{2, 2, 2}) },
	"empty_pages=between":  func(t *testing.T, b *bench) { b.crowd(4); b.walked([]int{2, 0, 2, 0, 2}) },
	"empty_pages=trailing": func(t *testing.T, b *bench) { b.crowd(4); b.walked([]int{2, 2, 2, 0}) },
	"dead_cursor=error": func(t *testing.T, b *bench) {
		b.crowd(4)
		r := b.call("GET", "/"+biz+"/business_users", "limit=2").ok()
		b.call("DELETE", "/"+worker).ok()
		b.raw("GET", r.str("paging.next"), "", nil).fails(100, 0)
	},
	"dead_cursor=continue": func(t *testing.T, b *bench) {
		b.crowd(4)
		r := b.call("GET", "/"+biz+"/business_users", "limit=2").ok()
		b.call("DELETE", "/"+worker).ok()
		if n := len(b.raw("GET", r.str("paging.next"), "", nil).ok().data()); n != 2 {
			t.Errorf("%d rows after a dead cursor", n)
		}
	},
	"accounts_paging=offset": func(t *testing.T, b *bench) {
		r := b.call("GET", "/me/accounts", "limit=1").ok()
		if next := r.str("paging.next"); !strings.Contains(next, "offset=1") || !strings.Contains(next, "__after_id=") {
			t.Error(r.text)
		}
		if r := b.raw("GET", r.str("paging.next"), "", nil).ok(); r.str("data.0.name") != "Blog" || r.at("paging.next") != nil {
			t.Error(r.text)
		}
	},
	"accounts_paging=cursor": func(t *testing.T, b *bench) {
		r := b.call("GET", "/me/accounts", "limit=1").ok()
		if r := b.raw("GET", r.str("paging.next"), "", nil).ok(); r.str("data.0.name") != "Blog" || r.str("paging.cursors.after") == "" {
			t.Error(r.text)
		}
	},
	"rate_bucket=app": func(t *testing.T, b *bench) {
		r := b.throttled(4, 0)
		if u := r.header.Get("X-App-Usage"); !strings.Contains(u, `"call_count":100`) {
			t.Error(u)
		}
		b.as("EAAreader").call("GET", "/me").fails(4, 0) // the whole app
	},
	"rate_bucket=user": func(t *testing.T, b *bench) {
		b.throttled(17, 0)
		b.as("EAAreader").call("GET", "/me").ok()
	},
	"rate_bucket=business": func(t *testing.T, b *bench) {
		r := b.throttled(80004, 2446079)
		var usage map[string][]map[string]any
		if err := json.Unmarshal([]byte(r.header.Get("X-Business-Use-Case-Usage")), &usage); err != nil || len(usage[biz]) != 1 || usage[biz][0]["estimated_time_to_regain_access"] != 60.0 {
			t.Error(r.header)
		}
	},
	"assigned_tasks=unpacked": func(t *testing.T, b *bench) { b.tasksOnAccount([]string{"MANAGE", "ADVERTISE", "ANALYZE"}) },
	"assigned_tasks=raw":      func(t *testing.T, b *bench) { b.tasksOnAccount([]string{"MANAGE"}) },
	"assigned_email=omitted": func(t *testing.T, b *bench) {
		if r := b.call("GET", "/act_600000000000001/assigned_users", "business="+biz, "fields=id,email").ok(); r.at("data.0.email") != nil {
			t.Error(r.text)
		}
	},
	"assigned_email=error": func(t *testing.T, b *bench) {
		b.call("GET", "/act_600000000000001/assigned_users", "business="+biz, "fields=id,email").fails(100, 0)
	},
	"user_type=omitted": func(t *testing.T, b *bench) { b.userType("") },
	"user_type=named":   func(t *testing.T, b *bench) { b.userType("BUSINESS_USER") },
	"pixel_assign=spec": func(t *testing.T, b *bench) {
		b.call("POST", "/600000000000004/assigned_users", "user="+worker, `tasks=["EDIT"]`).ok()
	},
	"pixel_assign=reference": func(t *testing.T, b *bench) {
		b.call("POST", "/600000000000004/assigned_users", "user="+worker, `tasks=["EDIT"]`).fails(100, 33)
	},
	"group_delete=guide": func(t *testing.T, b *bench) {
		b.call("DELETE", "/600000000000007").ok()
		b.call("DELETE", "/600000000000007").fails(100, 33)
	},
	"group_delete=spec": func(t *testing.T, b *bench) { b.call("DELETE", "/600000000000007").fails(100, 33) },
	"partner_approval=never": func(t *testing.T, b *bench) {
		if r := b.share().ok(); r.at("requires_admin_approval") != nil {
			t.Error(r.text)
		}
	},
	"partner_approval=always": func(t *testing.T, b *bench) {
		b.waits(b.share())
		if n := len(b.as("EAAagency").call("GET", "/200000000000002/client_product_catalogs").ok().data()); n != 0 {
			t.Error("shared without approval")
		}
		b.Approve()
		if n := len(b.as("EAAagency").call("GET", "/200000000000002/client_product_catalogs").ok().data()); n != 1 {
			t.Error("not shared after approval")
		}
	},
}

func TestEveryValueOfEverySwitchShows(t *testing.T) {
	for name, values := range Alternatives() {
		for _, v := range values {
			t.Run(name+"="+v, func(t *testing.T) {
				check := switchChecks[name+"="+v]
				if check == nil {
					t.Fatal("no check for this value")
				}
				check(t, newBench(t, func(o *Options) {
					o.World.Apps[0].ClaimedBy = append(o.World.Apps[0].ClaimedBy, "200000000000002")
					if err := o.Switches.Set(name, v); err != nil {
						t.Fatal(err)
					}
				}))
			})
		}
	}
}

func TestSwitchesNotMeantAreRefused(t *testing.T) {
	for _, w := range []Switches{{InviteID: "x"}, {InviteQuotaCode: 18}, {EmailPercent: 101}, {PageCap: -1}, {Lifetime: -1}} {
		if _, err := New(Options{World: world(), Switches: w}); err == nil {
			t.Errorf("%+v was taken", w)
		}
	}
	if DefaultSwitches() != func() Switches { w, _ := Switches{}.filled(); return w }() || DefaultSwitches().Lifetime != Duration(30*day) {
		t.Error("the zero value is not the default")
	}
	if new(Switches).Set("nope", "x") == nil {
		t.Error("an unknown switch was set")
	}
}

func TestEmailPercentHidesTheSameAddressesEachTime(t *testing.T) {
	b := newBench(t, switched(func(w *Switches) { w.EmailPercent = 40 }))
	b.crowd(200)
	count := func() (n int, text string) {
		for _, after := 0, ""; ; {
			r := b.call("GET", "/"+biz+"/business_users", "fields=email", "limit=100", "after="+after).ok()
			for _, d := range r.data() {
				if d["email"] == nil {
					n++
				}
			}
			text += r.text
			if after = r.str("paging.cursors.after"); r.at("paging.next") == nil {
				return n, text
			}
		}
	}
	n, first := count()
	if _, again := count(); first != again {
		t.Error("another read hides others")
	}
	if n < 50 || n > 110 {
		t.Errorf("%d of 202 hidden, want about 40 percent", n)
	}
}

func TestListsLagBehindWritesForThePropagationTime(t *testing.T) {
	b := newBench(t, switched(func(w *Switches) { w.Propagation = Duration(time.Minute) }))
	id := b.invite("new@corp.example").ok().str("id")
	b.call("POST", "/"+worker, "role=ADMIN").ok()
	b.call("DELETE", "/"+admin).ok()
	b.pending(1)
	b.call("GET", "/"+id).ok() // the node is there at once
	r := b.call("GET", "/"+biz+"/business_users").ok()
	if len(r.data()) != 2 || r.str("data.1.role") != "EMPLOYEE" {
		t.Errorf("the list is ahead: %s", r.text)
	}
	b.call("GET", "/"+admin).fails(100, 33)
	b.clock.add(time.Minute)
	b.pending(2)
	if r := b.call("GET", "/"+biz+"/business_users").ok(); len(r.data()) != 1 || r.str("data.0.role") != "ADMIN" {
		t.Errorf("the list is late: %s", r.text)
	}
}

func TestInviteQuotaCodeIsASwitch(t *testing.T) {
	b := newBench(t, switched(func(w *Switches) { w.InviteQuotaCode = 613 }), func(o *Options) { o.Limits.InvitesPerDay = 1 })
	b.invite("a@x.example").ok()
	r := b.invite("b@x.example").fails(613, 0)
	if !strings.Contains(r.str("error.message"), "Calls to this api have exceeded the rate limit") {
		t.Error(r.text)
	}
	b.sentTo("b@x.example", 0)
}
