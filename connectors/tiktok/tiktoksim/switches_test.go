package tiktoksim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// probe is something to do whose outcome the switch decides.
type probe struct {
	do       func(b *bench) string
	dflt, on string
}

func codeOf(r reply) string { return fmt.Sprint(r.Code) }

func post(op, body string) func(*bench) string {
	return func(b *bench) string { return codeOf(b.post(op, strings.ReplaceAll(body, "BC", testBC))) }
}

func get(op, query string) func(*bench) string {
	return func(b *bench) string { return codeOf(b.get(op, strings.ReplaceAll(query, "BC", testBC))) }
}

// listing joins what members the list shows.
func listing(query string) func(*bench) string {
	return func(b *bench) string { return strings.Join(b.emails(query), " ") }
}

func after(first func(*bench), then func(*bench) string) func(*bench) string {
	return func(b *bench) string { first(b); return then(b) }
}

func (b *bench) try(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func decline(b *bench) { b.try(b.Decline(testBC, "newbie@example.com")) }
func joinJane(b *bench) {
	b.ok(b.post("bc/member/invite", invitation("jane@example.com")))
	b.acceptAs("jane@example.com", AcceptAs{})
}

func (b *bench) acceptAs(email string, as AcceptAs) Member {
	b.t.Helper()
	m, err := b.Accept(testBC, email, as)
	b.try(err)
	return m
}

func count(email string) func(*bench) string {
	return func(b *bench) string { return fmt.Sprint(b.Invitations(testBC)[email]) }
}

func invited(email string) func(*bench) string {
	return func(b *bench) string {
		r := b.post("bc/member/invite", invitation(email))
		return codeOf(r) + " " + count(email)(b)
	}
}

const newcomers = "BOUND d**a@example.com BOUND b***t@example.com PENDING n****e@example.com"

var probes = map[string]probe{
	"page_size_over=clamp": {get("bc/member/get", "bc_id=BC&page_size=21"), "40002", "0"},
	"masking=some":         {listing(""), newcomers, "BOUND d**a@example.com BOUND ben.t@example.com PENDING n****e@example.com"},
	"masking=none":         {listing(""), newcomers, "BOUND dana@example.com BOUND ben.t@example.com PENDING newbie@example.com"},
	"short_mask=first":     {short, "ab@example.com a@example.com", "a*@example.com a@example.com"},
	"short_mask=stars":     {short, "ab@example.com a@example.com", "**@example.com *@example.com"},
	"rejected=filtered": {after(decline, func(b *bench) string {
		return fmt.Sprint(len(b.emails("")), len(b.emails(`filtering={"relation_status":"REJECTED"}`)))
	}),
		"3 1", "2 1"},
	"rejected=hidden": {after(decline, func(b *bench) string {
		return fmt.Sprint(len(b.emails("")), len(b.emails(`filtering={"relation_status":"REJECTED"}`)))
	}),
		"3 1", "2 0"},
	"pending_user_id=set": {func(b *bench) string {
		l := data[listed](b, b.get("bc/member/get", "bc_id="+testBC)).List
		return fmt.Sprint(l[2]["user_id"] == nil)
	}, "true", "false"},
	"order=newest":              {listing(""), newcomers, "PENDING n****e@example.com BOUND b***t@example.com BOUND d**a@example.com"},
	"keyword=fuzzy":             {keywords, "dana@example.com:1 ana@:0 d**a:0", "dana@example.com:1 ana@:1 d**a:0"},
	"keyword=masked":            {keywords, "dana@example.com:1 ana@:0 d**a:0", "dana@example.com:0 ana@:0 d**a:1"},
	"keyword=ignored":           {keywords, "dana@example.com:1 ana@:0 d**a:0", "dana@example.com:3 ana@:3 d**a:3"},
	"invite_role=optional":      {post("bc/member/invite", `{"bc_id":"BC","emails":["x@example.com"]}`), "40002", "0"},
	"invite_asset_ids=required": {post("bc/member/invite", invitation("x@example.com")), "0", "40002"},
	"invite_bound=error":        {invited("dana@example.com"), "0 0", "40002 0"},
	"invite_rejected=error":     {after(decline, invited("newbie@example.com")), "0 1", "40002 1"},
	"invite_rejected=invited":   {after(decline, invited("newbie@example.com")), "0 1", "0 2"},
	"invite_consumed=ignored": {after(func(b *bench) { b.acceptAs("newbie@example.com", AcceptAs{Email: "n@private.example"}) }, invited("newbie@example.com")),
		"0 2", "0 1"},
	"invalid_email=partial": {func(b *bench) string {
		r := b.post("bc/member/invite", invitation("x@example.com", "not an address"))
		return codeOf(r) + " " + count("x@example.com")(b)
	}, "40002 0", "20001 1"},
	"expired_row=goes": {after(func(b *bench) { b.try(b.Expire(testBC, "newbie@example.com")) }, listing("")), newcomers, strings.TrimSuffix(newcomers, " PENDING n****e@example.com")},
	"accept_other=refused": {func(b *bench) string {
		_, err := b.Accept(testBC, "newbie@example.com", AcceptAs{Email: "n@private.example"})
		return fmt.Sprint(err == nil)
	}, "true", "false"},
	"pending_counts=no": {after(fill(3998), func(b *bench) string { return codeOf(b.post("bc/member/invite", invitation("x@example.com"))) }), "40002", "0"},
	"over_quota=partial": {after(fill(3996), func(b *bench) string {
		r := b.post("bc/member/invite", invitation("x@example.com", "y@example.com"))
		return fmt.Sprint(r.Code, " ", len(b.Members(testBC)))
	}), "40002 3999", "20001 4000"},
	"delete_absent=40007":      {post("bc/member/delete", `{"bc_id":"BC","user_id":"6816184256936159999"}`), "40002", "40007"},
	"delete_absent=ok":         {post("bc/member/delete", `{"bc_id":"BC","user_email":"who@example.com"}`), "40002", "0"},
	"delete_mismatch=accepted": {post("bc/member/delete", `{"bc_id":"BC","user_email":"ben.t@example.com"}`), "40002", "0"},
	"last_admin=allowed":       {post("bc/member/update", `{"bc_id":"BC","user_id":"`+adaID+`","user_role":"STANDARD"}`), "40002", "0"},
	"self=refused": {after(func(b *bench) { b.try(b.SetRole(testBC, benID, "ADMIN")) },
		post("bc/member/delete", `{"bc_id":"BC","user_id":"`+adaID+`"}`)), "0", "40002"},
	"finance_clear=ignored": {clearing, "40002 40002 40002 MANAGER", "0 0 0 MANAGER"},
	"finance_clear=cleared": {clearing, "40002 40002 40002 MANAGER", "0 0 0 "},
	"same_value=refused":    {post("bc/member/update", `{"bc_id":"BC","user_id":"`+benID+`","user_role":"STANDARD"}`), "0", "40002"},
	"role_change_keeps=nothing": {after(func(b *bench) {
		b.ok(b.post("bc/member/update", `{"bc_id":"`+testBC+`","user_id":"`+benID+`","user_role":"ADMIN"}`))
	},
		func(b *bench) string { return fmt.Sprint(len(b.member("ben.t@example.com").Assets)) }), "1", "0"},
	"removal_leaves=groups": {after(func(b *bench) {
		b.group()
		b.ok(b.post("bc/member/delete", `{"bc_id":"`+testBC+`","user_id":"`+benID+`"}`))
	}, func(b *bench) string { return fmt.Sprint(len(b.Groups(testBC)[0].Members)) }), "0", "1"},
	"accepts=portal":   {accepting, "40002 40002 0", "0 40002 0"},
	"accepts=gateway":  {accepting, "40002 40002 0", "40002 0 40001"},
	"reassign=refused": {post("bc/asset/assign", `{"bc_id":"BC","user_id":"`+benID+`","asset_type":"ADVERTISER","asset_id":"`+account1+`","advertiser_role":"ADMIN"}`), "0", "40002"},
	"account_roles=added": {after(func(b *bench) {
		b.ok(b.post("bc/asset/assign", assign("TT_ACCOUNT", ttacct1, `,"tt_account_roles":["POST","LIVE"]`)))
		b.ok(b.post("bc/asset/assign", assign("TT_ACCOUNT", ttacct1, `,"tt_account_roles":["DIRECT_MESSAGE"]`)))
	}, func(b *bench) string {
		q := "bc_id=" + testBC + `&asset_type=TT_ACCOUNT&filtering={"user_id":"` + benID + `"}`
		return fmt.Sprint(data[listed](b, b.get("bc/asset/get", q)).List[0]["tt_account_roles"])
	}), "[DIRECT_MESSAGE]", "[DIRECT_MESSAGE LIVE POST]"},
	"unassign_absent=ok": {post("bc/asset/unassign", `{"bc_id":"BC","user_id":"`+benID+`","asset_type":"ADVERTISER","asset_id":"`+account2+`"}`), "40002", "0"},
	"pending_assets=listed": {after(func(b *bench) {
		b.ok(b.post("bc/member/invite", `{"bc_id":"`+testBC+`","emails":["x@example.com"],"user_role":"STANDARD","asset_ids":["`+account2+`"]}`))
	}, func(b *bench) string {
		return fmt.Sprint(len(data[listed](b, b.get("bc/asset/member/get", "bc_id="+testBC+"&asset_type=ADVERTISER&asset_id="+account2)).List))
	}), "0", "1"},
	"group_shape=array": {func(b *bench) string {
		r := b.get("bc/asset_group/get", "bc_id="+testBC+"&query_entity=MEMBER&asset_group_id="+b.group())
		return string(data[map[string]json.RawMessage](b, r)["asset_group"][:1])
	}, "{", "["},
	"partner_add=approval": {after(func(b *bench) {
		b.ok(b.post("bc/partner/add", `{"bc_id":"`+testBC+`","partner_id":"`+otherBC+`","asset_type":"ADVERTISER","asset_ids":["`+account1+`"]}`))
	}, func(b *bench) string {
		return fmt.Sprint(len(data[listed](b, b.get("bc/partner/get", "bc_id="+testBC)).List))
	}), "1", "0"},
	"changelog=member": {func(b *bench) string { return codeOf(b.must(b.getAs(benToken, "changelog/get", "bc_id="+testBC))) }, "40001", "0"},
	"activity_text=bare": {after(func(b *bench) { b.ok(b.post("bc/member/invite", invitation("jane@example.com"))) }, func(b *bench) string {
		return fmt.Sprint(strings.Contains(b.get("changelog/get", "bc_id="+testBC).raw, "j**e@example.com"))
	}), "true", "false"},
	"foreign_bc=denied":      {get("bc/get", "bc_id="+otherBC), "0", "40001"},
	"user_info_id=id":        {whoami("id"), "false", "true"},
	"core_user_id=other":     {func(b *bench) string { return fmt.Sprint(strings.Contains(b.get("user/info", "").raw, adaID)) }, "true", "false"},
	"older_tokens=revoked":   {after(func(b *bench) { _, err := b.MintToken(testApp, adaID); b.try(err) }, get("user/info", "")), "0", "40105"},
	"no_advertisers=refused": {func(b *bench) string { _, err := b.Authorize(testApp, adaID); return fmt.Sprint(err == nil) }, "true", "false"},
	"unknown_fields=refused": {post("bc/member/delete", `{"bc_id":"BC","user_id":"`+benID+`","reason":"left"}`), "0", "40002"},
	"null_fields=absent":     {post("bc/member/delete", `{"bc_id":"BC","user_id":"`+benID+`","user_email":null}`), "40002", "0"},
	"permission=40002":       {func(b *bench) string { return codeOf(b.must(b.getAs(benToken, "bc/member/get", "bc_id="+testBC))) }, "40001", "40002"},
	"error_data=absent":      {func(b *bench) string { return string(b.get("bc/member/get", "").Data) }, "{}", ""},
	"wording=bare":           {func(b *bench) string { return b.get("bc/member/get", "").Message }, "Missing required field(s): bc_id.", "Request failed."},
	"unknown_path=40008":     {func(b *bench) string { r := b.get("bc/members/get", ""); return fmt.Sprint(r.status, r.Code) }, "404 0", "200 40008"},
	"wrong_method=404":       {func(b *bench) string { return fmt.Sprint(b.get("bc/member/invite", "").status) }, "405", "404"},
	"limit_per=endpoint":     {limited(9, get("user/info", "")), "40100", "0"},
	"limit_window=sliding":   {limited(10, func(b *bench) string { b.Advance(950 * time.Millisecond); return codeOf(b.get("bc/get", "")) }), "0", "40100"},
	"limit_code=40016":       {limited(10, get("bc/get", "")), "40100", "40016"},
	"limit_code=40000":       {limited(10, get("bc/get", "")), "40100", "40000"},
	"invite_ttl=168h": {func(b *bench) string {
		b.Advance(169 * time.Hour)
		b.emails("")
		_, err := b.Accept(testBC, "newbie@example.com", AcceptAs{})
		return fmt.Sprint(err == nil)
	}, "true", "false"},
	"rejected_for=24h": {after(decline, func(b *bench) string { b.Advance(25 * time.Hour); return fmt.Sprint(len(b.emails(""))) }), "3", "2"},
	"propagation=3s": {after(joinJane, func(b *bench) string {
		early := len(b.emails(""))
		b.Advance(3 * time.Second)
		return fmt.Sprint(early, len(b.emails("")), len(b.Members(testBC)))
	}), "4 4 4", "3 4 4"},
	"qpm_pause=-1s": {func(b *bench) string {
		for range 20 {
			b.get("bc/get", "")
			b.Advance(200 * time.Millisecond)
		}
		b.Advance(time.Minute)
		return codeOf(b.get("bc/get", ""))
	}, "40100", "0"},
	"changelog_keeps=24h": {after(joinJane, func(b *bench) string {
		type log struct{ Changelog_list []any }
		b.Advance(25 * time.Hour)
		return fmt.Sprint(len(data[log](b, b.get("changelog/get", "bc_id="+testBC)).Changelog_list))
	}), "2", "0"},
	"rule_code=40001": {post("bc/member/delete", `{"bc_id":"BC","user_id":"`+adaID+`"}`), "40002", "40001"},
	"rule_code=40700": {post("bc/member/delete", `{"bc_id":"BC","user_email":"ben.t@example.com"}`), "40002", "40700"},
	"changelog_delay=1m": {after(joinJane, func(b *bench) string {
		type log struct{ Changelog_list []any }
		return fmt.Sprint(len(data[log](b, b.get("changelog/get", "bc_id="+testBC)).Changelog_list))
	}), "2", "0"},
}

func short(b *bench) string {
	b.ok(b.post("bc/member/invite", invitation("ab@example.com", "a@example.com")))
	var all []string
	for _, e := range b.emails("")[3:] {
		all = append(all, strings.TrimPrefix(e, "PENDING "))
	}
	return strings.Join(all, " ")
}

func keywords(b *bench) string {
	var all []string
	for _, w := range []string{"dana@example.com", "ana@", "d**a"} {
		all = append(all, fmt.Sprintf("%s:%d", w, len(b.emails(`filtering={"keyword":"`+w+`"}`))))
	}
	return strings.Join(all, " ")
}

// fill brings the Business Center to its two members, its invitation and n more invitations.
func fill(n int) func(*bench) {
	return func(b *bench) {
		w := b.World()
		m := &w.BusinessCenters[0].Members
		for i := range n {
			*m = append(*m, Member{Email: fmt.Sprintf("p%d@example.com", i), Status: "PENDING"})
		}
		b.try(b.Reset(w))
	}
}

func clearing(b *bench) string {
	var codes []string
	for _, v := range []string{`{"finance_role":null}`, `{"finance_role":""}`, `{}`} {
		codes = append(codes, codeOf(b.post("bc/member/update", `{"bc_id":"`+testBC+`","user_id":"`+adaID+`","ext_user_role":`+v+`}`)))
	}
	return strings.Join(append(codes, b.member("dana@example.com").FinanceRole), " ")
}

// accepting tries a value only the portal knows, one only the gateway knows,
// and a parameter only the gateway knows.
func accepting(b *bench) string {
	b.ok(b.post("bc/partner/add", `{"bc_id":"`+testBC+`","partner_id":"`+otherBC+`","asset_type":"ADVERTISER"}`))
	return strings.Join([]string{
		codeOf(b.get("bc/partner/asset/get", "bc_id="+testBC+"&partner_id="+otherBC+"&share_type=SHARED&asset_type=PIXEL")),
		codeOf(b.get("bc/partner/asset/get", "bc_id="+testBC+"&partner_id="+otherBC+"&share_type=SHARED&asset_type=DOMAIN")),
		codeOf(b.get("bc/member/get", "bc_id="+testBC+"&child_bc_id=1")),
	}, " ")
}

func whoami(field string) func(*bench) string {
	return func(b *bench) string {
		_, ok := data[map[string]any](b, b.get("user/info", ""))[field]
		return fmt.Sprint(ok)
	}
}

// limited uses up n calls of the second first.
func limited(n int, then func(*bench) string) func(*bench) string {
	return func(b *bench) string {
		b.Advance(100 * time.Millisecond)
		for range n {
			b.get("bc/get", "")
		}
		b.get("bc/get", "bc_id="+testBC)
		return then(b)
	}
}

func (b *bench) group() string {
	b.t.Helper()
	r := b.post("bc/asset_group/create", `{"bc_id":"`+testBC+`","asset_group_name":"EMEA","assets":[{"asset_id":"`+account2+`"}],
		"members":[{"member_id":"`+benID+`","asset_roles":{"ADVERTISER":"ADVERTISER_ROLE_ANALYST"}}]}`)
	return data[map[string]string](b, r)["asset_group_id"]
}

func TestEverySwitchChangesWhatItSays(t *testing.T) {
	for _, set := range EverySwitch() {
		t.Run(set.Name, func(t *testing.T) {
			p, ok := probes[set.Name]
			if !ok {
				t.Fatal("no probe for this setting")
			}
			for _, c := range []struct {
				sw   Switches
				want string
			}{{Switches{}, p.dflt}, {set.Switches, p.on}} {
				o := Options{Switches: c.sw}
				if name, _, _ := strings.Cut(set.Name, "_"); name == "limit" {
					o.QPS, o.QPM, o.QPD = 10, 600, -1
				}
				if strings.HasPrefix(set.Name, "qpm") {
					o.QPS, o.QPM, o.QPD = -1, 10, -1
				}
				if got := p.do(start(t, o)); got != c.want {
					t.Errorf("with %v: got %q, want %q", c.sw == Switches{}, got, c.want)
				}
			}
			if p.dflt == p.on {
				t.Error("the probe tells nothing")
			}
		})
	}
}

func TestSwitchesReadPartsAndRefuseUnknownChoices(t *testing.T) {
	sw := DefaultSwitches()
	sw.Masking = "some"
	if err := json.Unmarshal([]byte(`{"rejected":"hidden","propagation":"1m30s"}`), &sw); err != nil {
		t.Fatal(err)
	}
	if sw.Masking != "some" || sw.Rejected != "hidden" || sw.Propagation != 90*time.Second {
		t.Errorf("got %+v", sw)
	}
	out, err := json.Marshal(sw)
	var back Switches
	if err != nil || json.Unmarshal(out, &back) != nil || back != sw {
		t.Errorf("%s does not read back", out)
	}
	for _, bad := range []string{`{"masking":"sometimes"}`, `{"maskign":"some"}`, `{"propagation":"-3s"}`, `{"propagation":3}`} {
		if json.Unmarshal([]byte(bad), &sw) == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	names := []string{}
	for _, s := range EverySwitch() {
		if err := s.Switches.Validate(); err != nil {
			t.Error(err)
		}
		names = append(names, s.Name)
	}
	if slices.Sort(names); len(slices.Compact(names)) != len(EverySwitch()) {
		t.Error("a setting occurs twice")
	}
}
