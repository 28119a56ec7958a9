package tiktok

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/connectortest"
	"adbridge/connectors/tiktok/tiktoksim"
)

// admins are n more beside the hub's own two.
func admins(n int) []connectortest.Person {
	people := active(n)
	for i := range people {
		people[i].Role = bridge.Owner
	}
	return people
}

func refusal(t *testing.T, what string, err error, kind connectors.Kind, reason bridge.Code) {
	t.Helper()
	if connectors.KindOf(err) != kind || connectors.ReasonOf(err) != reason {
		t.Errorf("%s: %v with reason %s, want %s with %s", what, err, connectors.ReasonOf(err), kind, reason)
	}
}

func TestTheTwentyFirstAdminIsACapNotAMystery(t *testing.T) {
	for _, wording := range []string{"known", "bare"} {
		h := startHub(t, tiktoksim.Switches{Wording: wording}, append(admins(18), connectortest.Person{Email: "one@example.org", Role: bridge.Collaborator, Presence: bridge.Active}))
		c := open1(t, h)
		_, err := c.Invite(t.Context(), []string{"new@example.org"}, bridge.Owner)
		refusal(t, "invite", err, connectors.KindCapacity, bridge.PlatformCapacity)
		_, err = c.SetRole(t.Context(), connectors.Subject{PlatformID: "6900000000000000018"}, bridge.Owner)
		refusal(t, "raise", err, connectors.KindCapacity, bridge.PlatformCapacity)
		if _, err = c.Invite(t.Context(), []string{"new@example.org"}, bridge.Collaborator); err != nil {
			t.Errorf("a Collaborator still fits: %v", err)
		}
	}
}

func TestTheLastAdminIsSaidToBeTheLast(t *testing.T) {
	for _, permission := range []string{"40001", "40002"} {
		h := startHub(t, tiktoksim.Switches{Permission: permission}, active(3))
		h.ok(h.RemoveMember(ourBC, "6816184256936150023"))
		c := open1(t, h)
		_, err := c.Remove(t.Context(), connectors.Subject{PlatformID: selfID})
		refusal(t, "remove", err, connectors.KindLastAdmin, bridge.PlatformLastAdmin)
		_, err = c.SetRole(t.Context(), connectors.Subject{PlatformID: selfID}, bridge.Collaborator)
		refusal(t, "lower", err, connectors.KindLastAdmin, bridge.PlatformLastAdmin)
	}
}

func TestWhatIsSoAlreadyIsNotAFailure(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{InviteBound: "error", InviteRejected: "error", SameValue: "refused"}, append(active(3), pending("dana@example.org")...))
	c := open1(t, h)
	_, err := c.Invite(t.Context(), []string{"person0001@example.com"}, bridge.Collaborator)
	refusal(t, "invite a member", err, connectors.KindExists, bridge.PlatformExists)
	_, err = c.SetRole(t.Context(), connectors.Subject{PlatformID: "6900000000000000001"}, bridge.Collaborator)
	refusal(t, "the role it has", err, connectors.KindExists, bridge.PlatformExists)
	h.ok(h.Decline(ourBC, "dana@example.org"))
	_, err = c.Invite(t.Context(), []string{"dana@example.org"}, bridge.Collaborator)
	refusal(t, "invite who declined", err, connectors.KindRefused, bridge.InviteDeclined)
	_, err = c.Invite(t.Context(), []string{"fresh@example.org", "person0001@example.com"}, bridge.Collaborator)
	refusal(t, "a batch with a member", err, connectors.KindRefused, bridge.PlatformRefused)
}

func TestADeclinedInvitationCanBeClearedAndSentAgain(t *testing.T) {
	for _, setting := range tiktoksim.EverySwitch() {
		if setting.Switches.Rejected == "hidden" {
			continue // nobody can know that there is something to clear
		}
		h := startHub(t, setting.Switches, append(active(25), pending("dana@example.org")...))
		h.ok(h.Decline(ourBC, "dana@example.org"))
		h.Settle()
		c := open1(t, h)
		if _, err := c.Cancel(t.Context(), connectors.Subject{Email: "dana@example.org"}); err != nil {
			t.Errorf("%s: clear: %v", setting.Name, err)
			continue
		}
		if _, err := c.Invite(t.Context(), []string{"dana@example.org"}, bridge.Owner); err != nil || h.Sent("dana@example.org") != 2 {
			t.Errorf("%s: again: %v, %d e-mails", setting.Name, err, h.Sent("dana@example.org"))
		}
	}
}

func TestAPartialYesIsUnknown(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{OverQuota: "partial"}, admins(17))
	_, err := open1(t, h).Invite(t.Context(), []string{"a1@example.org", "a2@example.org"}, bridge.Owner)
	refusal(t, "two admins where one fits", err, connectors.KindUnknown, bridge.PlatformUnknownOutcome)
	if h.Sent("a1@example.org")+h.Sent("a2@example.org") != 1 {
		t.Fatal("the claim needs one of two invited")
	}
}

func TestAMaskedAddressCancelsNobody(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, pending("dana@example.org", "dora@example.org"))
	c := open1(t, h)
	_, err := c.Cancel(t.Context(), connectors.Subject{Email: "d**a@example.org"})
	refusal(t, "cancel", err, connectors.KindRefused, bridge.PlatformAddressUnknown)
	if h.Calls("") != 0 {
		t.Errorf("%d calls", h.Calls(""))
	}
}

// TestARefusalNobodyCouldExplainIsNotFinal: the read that would explain it
// fails; held for good would be wrong, and so would "gone".
func TestARefusalNobodyCouldExplainIsNotFinal(t *testing.T) {
	for _, code := range []int{40002, 40007} {
		h := startHub(t, tiktoksim.Switches{}, active(3))
		c := open1(t, h)
		h.Faults.Add(tiktoksim.Fault{Op: "bc/member/delete", Kind: tiktoksim.Envelope, Code: code})
		h.Faults.Add(tiktoksim.Fault{Op: "bc/member/get", Kind: tiktoksim.HTTPStatus, Status: 502, Times: -1})
		_, err := c.Remove(t.Context(), connectors.Subject{PlatformID: "6900000000000000001"})
		if k := connectors.KindOf(err); k != connectors.KindTransient {
			t.Errorf("code %d: %v", code, err)
		}
		h.Mend()
		if _, err := c.Remove(t.Context(), connectors.Subject{PlatformID: "6900000000000000001"}); err != nil {
			t.Errorf("code %d, mended: %v", code, err)
		}
	}
}

// TestNotFoundIsBelievedOnlyWhenTheListAgrees: TikTok says that the member
// does not exist, and lists it.
func TestNotFoundIsBelievedOnlyWhenTheListAgrees(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, active(3))
	h.Faults.Add(tiktoksim.Fault{Op: "bc/member/delete", Kind: tiktoksim.Envelope, Code: 40007})
	_, err := open1(t, h).Remove(t.Context(), connectors.Subject{PlatformID: "6900000000000000001"})
	refusal(t, "remove", err, connectors.KindTransient, bridge.PlatformUnreachable)
}

func TestAMissingScopeIsNamed(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, active(3))
	c := open1(t, h)
	h.ok(h.SetScopes(token, tiktoksim.ScopeReadBC))
	_, err := c.Invite(t.Context(), []string{"new@example.org"}, bridge.Collaborator)
	refusal(t, "invite", err, connectors.KindForbidden, bridge.PlatformScopeMissing)
	if !strings.Contains(err.(*connectors.Error).Next, "156") {
		t.Errorf("next step: %q", err.(*connectors.Error).Next)
	}
	for _, err := range c.Members(t.Context(), nil) {
		refusal(t, "list", err, connectors.KindForbidden, bridge.PlatformScopeMissing)
	}
	con, err := c.Check(t.Context())
	if err != nil || len(con.Findings) != 1 || con.Findings[0].Code != bridge.PlatformScopeMissing || !con.Findings[0].Blocking || !strings.Contains(con.Findings[0].Next, "156") {
		t.Errorf("check without 156: %+v, %v", con.Findings, err)
	}
	h.ok(h.SetScopes(token, tiktoksim.ScopeBCMember))
	con, err = c.Check(t.Context())
	if err != nil || len(con.Findings) != 1 || con.Findings[0].Code != bridge.PlatformScopeMissing || !strings.Contains(con.Findings[0].Next, "150") {
		t.Errorf("check without 150: %+v, %v", con.Findings, err)
	}
}

func TestCheckSeesABusinessCenterUnderPenalty(t *testing.T) {
	for status, blocks := range map[string]bool{"ENABLE": false, "PUNISH": true, "DENY": true, "REVIEWING": true} {
		h := startHub(t, tiktoksim.Switches{}, nil)
		w := h.World()
		i := slices.IndexFunc(w.BusinessCenters, func(b tiktoksim.BusinessCenter) bool { return b.BCID == ourBC })
		w.BusinessCenters[i].Status = status
		h.ok(h.Reset(w))
		con, err := open1(t, h).Check(t.Context())
		if err != nil || (len(con.Findings) == 1 && con.Findings[0].Code == bridge.PlatformBusinessInactive && con.Findings[0].Blocking) != blocks {
			t.Errorf("%s: %+v, %v", status, con.Findings, err)
		}
	}
}

// TestCheckSaysWhenItCannotTellItsOwnAccount: core_user_id is another id space,
// and two admins look like the token's account.
func TestCheckSaysWhenItCannotTellItsOwnAccount(t *testing.T) {
	twin := connectortest.Person{Email: "bxxdge@example.com", Name: "Bridge Account", Role: bridge.Owner, Presence: bridge.Active}
	h := startHub(t, tiktoksim.Switches{CoreUserID: "other"}, []connectortest.Person{twin})
	con, err := open1(t, h).Check(t.Context())
	if err != nil || len(con.Findings) != 1 || con.Findings[0].Code != bridge.GuardSelf || con.Findings[0].Blocking {
		t.Errorf("with a twin: %+v, %v", con, err)
	}
	twin.Name = "Somebody Else"
	h = startHub(t, tiktoksim.Switches{CoreUserID: "other"}, []connectortest.Person{twin})
	if con, err = open1(t, h).Check(t.Context()); err != nil || con.SelfID != selfID || len(con.Findings) != 0 {
		t.Errorf("told apart by name: %+v, %v", con, err)
	}
}

// TestEveryWordingOfAThrottleIsUnderstood: two calls a second, and a list of
// three pages.
func TestEveryWordingOfAThrottleIsUnderstood(t *testing.T) {
	for _, code := range []string{"40100", "40016", "40000"} {
		clk := new(clock)
		h := startHub(t, tiktoksim.Switches{LimitCode: code}, active(60))
		sim := tiktoksim.New(tiktoksim.Options{World: h.World(), Now: clk.now, QPS: 2, Switches: h.Switches()})
		h = serve(t, sim)
		c := open1(t, h, func(cfg *connectors.Config) {
			cfg.Now, cfg.Sleep = clk.now, clk.sleep
			cfg.Budget = connectors.NewBudgetClock(clk.now, clk.sleep) // the tier is not what we were told
		})
		if n := len(all(t, c)); n != 62 {
			t.Errorf("%s: %d members", code, n)
		}
		refused := 0
		for _, r := range sim.Requests() {
			if fmt.Sprint(r.Code) == code {
				refused++
			}
		}
		if refused == 0 || refused > 3 {
			t.Errorf("%s: throttled %d times", code, refused)
		}
	}
}

func TestBusinessIDComesBareOrFromTheAddressBar(t *testing.T) {
	for in, want := range map[string]string{
		"7012345678901234567": "7012345678901234567", " 1659674186450949\n": "1659674186450949",
		"https://business.tiktok.com/manage/overview?org_id=7012345678901234567&x=1": "7012345678901234567",
		"https://business.tiktok.com/manage/overview":                                "", "": "", "acme": "", "-5": "", "+5": "", "1e3": "", "99999999999999999999": "",
	} {
		got, err := BusinessID(in)
		if got != want || (err == nil) != (want != "") || err != nil && !strings.Contains(err.Error(), "business-id") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestOpenNamesWhatIsMissing(t *testing.T) {
	good := connectors.Config{BusinessID: ourBC, Token: bridge.NewSecret(token)}
	if _, err := Open(good); err != nil {
		t.Error(err)
	}
	for says, change := range map[string]func(*connectors.Config){
		"business-id": func(c *connectors.Config) { c.BusinessID = "x" },
		"token":       func(c *connectors.Config) { c.Token = bridge.Secret{} },
		"api-url":     func(c *connectors.Config) { c.APIURL = "localhost:9801" },
	} {
		c := good
		change(&c)
		if _, err := Open(c); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func TestOneCallInvitesFiftyWithRoleFinanceRoleAndAdAccounts(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{InviteAssetIDs: "required", UnknownFields: "refused"}, nil)
	c := open1(t, h)
	access := func(kind, id, role string) bridge.AssetAccess {
		return bridge.AssetAccess{Asset: bridge.Asset{Kind: kind, ID: id}, Roles: []string{role}}
	}
	with := []bridge.AssetAccess{access(financeKind, "", "ANALYST")}
	for i := range inviteAssets {
		with = append(with, access(advertiser, advertiserID(i), "OPERATOR"))
	}
	emails := make([]string, inviteBatch)
	for i := range emails {
		emails[i] = fmt.Sprintf("crew%02d@example.org", i)
	}
	if _, err := c.Invite(t.Context(), emails, bridge.Owner, with...); err == nil {
		t.Fatal("fifty admins were invited where twenty fit")
	}
	if _, err := c.Invite(t.Context(), emails, bridge.Collaborator, with...); err != nil {
		t.Fatal(err)
	}
	h.ok(h.Accept(emails[49]))
	for _, m := range h.Members(ourBC) {
		if m.Email != emails[49] {
			continue
		}
		if m.Role != "STANDARD" || m.FinanceRole != "ANALYST" || len(m.Assets) != inviteAssets || m.Assets[49].AdvertiserRole != "OPERATOR" {
			t.Errorf("accepted as %+v", m)
		}
	}
	for what, bad := range map[string][]bridge.AssetAccess{
		"a 51st ad account":          append(slices.Clone(with), access(advertiser, advertiserID(50), "OPERATOR")),
		"two roles on ad accounts":   {access(advertiser, advertiserID(0), "OPERATOR"), access(advertiser, advertiserID(1), "ADMIN")},
		"two finance roles":          {access(financeKind, "", "ANALYST"), access(financeKind, "", "MANAGER")},
		"an ad account twice":        {access(advertiser, advertiserID(0), "ADMIN"), access(advertiser, advertiserID(0), "ADMIN")},
		"a catalog with the account": {access(advertiser, advertiserID(0), "ADMIN"), access(catalog, catalogID, "ADMIN")},
	} {
		_, err := c.Invite(t.Context(), []string{"one@example.org"}, bridge.Collaborator, bad...)
		refusal(t, what, err, connectors.KindRefused, bridge.PlatformRefused)
	}
	if h.Sent("one@example.org") != 0 {
		t.Error("an invitation left with less than was asked for")
	}
}

func TestAnInvitationWithAnAccountThatIsNotOursNamesIt(t *testing.T) {
	for _, permission := range []string{"40001", "40002"} {
		h := startHub(t, tiktoksim.Switches{Permission: permission, Wording: "bare"}, nil)
		_, err := open1(t, h).Invite(t.Context(), []string{"one@example.org"}, bridge.Collaborator,
			bridge.AssetAccess{Asset: bridge.Asset{Kind: advertiser, ID: advertiserID(0)}, Roles: []string{"ADMIN"}},
			bridge.AssetAccess{Asset: bridge.Asset{Kind: advertiser, ID: offeredID}, Roles: []string{"ADMIN"}})
		refusal(t, permission, err, connectors.KindNotFound, bridge.PlatformAssetNotFound)
		if !strings.Contains(err.Error(), offeredID) || h.Sent("one@example.org") != 0 {
			t.Errorf("%v, %d e-mails", err, h.Sent("one@example.org"))
		}
	}
}

// TestALookThatIsForbiddenRefusesNoChange: before an invitation is withdrawn, and
// before a TikTok account's roles are changed, TikTok is asked what is there. A no
// to that is none to the change, which was not sent.
func TestALookThatIsForbiddenRefusesNoChange(t *testing.T) {
	for _, code := range []int{40001, 40002} {
		h := startHub(t, tiktoksim.Switches{}, append(active(3), pending("dana@example.org")...))
		c := open1(t, h)
		changes := map[string]func() error{
			"bc/member/get": func() error {
				_, err := c.Cancel(t.Context(), connectors.Subject{Email: "dana@example.org"})
				return err
			},
			"bc/asset/get": func() error {
				_, err := c.Assign(t.Context(), connectors.Subject{PlatformID: "6900000000000000001"},
					bridge.AssetAccess{Asset: bridge.Asset{Kind: ttAccount, ID: ttAccountID}, Roles: []string{"LIVE"}})
				return err
			},
		}
		for op, change := range changes {
			h.Faults.Add(tiktoksim.Fault{Op: op, Kind: tiktoksim.Envelope, Code: code, Times: -1})
			err := change()
			if e, ok := errors.AsType[*connectors.Error](err); !ok || !e.Unsent {
				t.Errorf("%d to %s: %v is not marked as unsent", code, op, err)
			}
			h.Mend()
			for _, r := range h.Requests() {
				if r.Method != http.MethodGet {
					t.Errorf("%d to %s: %s %s was sent", code, op, r.Method, r.Path)
				}
			}
		}
	}
}
