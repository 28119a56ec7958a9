package meta

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/meta/metasim"
)

// ops are all operations, reads and writes.
var ops = []op{
	opToken, opMe, opPermissions, opMyPeople, opMachine, opBusiness, opMembers, opPending, opMachines, opMember, opRequest,
	opInvite, opSetPending, opCancel, opSetRole, opRemove,
	opAssigned, opAssign, opUnassign, opAgencies, opPageToken, onBusiness("owned_ad_accounts"),
}

// TestEveryDocumentedCodeSaysWhatToDo goes through every code that the public
// sources name for these operations, with the subcodes seen.
func TestEveryDocumentedCodeSaysWhatToDo(t *testing.T) {
	type want struct{ read, write connectors.Kind }
	same := func(k connectors.Kind) want { return want{k, k} }
	cases := map[[2]int]want{
		{1, 0}: {connectors.KindTransient, connectors.KindUnknown}, {2, 0}: {connectors.KindTransient, connectors.KindUnknown},
		{3, 0}: same(connectors.KindForbidden), {10, 0}: same(connectors.KindForbidden), {10, 2859030}: same(connectors.KindForbidden),
		{4, 0}: same(connectors.KindThrottled), {17, 0}: same(connectors.KindThrottled), {32, 0}: same(connectors.KindThrottled),
		{341, 0}: same(connectors.KindThrottled), {613, 0}: same(connectors.KindThrottled), {613, 1996}: same(connectors.KindThrottled),
		{613, 1487742}: same(connectors.KindThrottled), {80004, 2446079}: same(connectors.KindThrottled),
		{100, 0}: same(connectors.KindRefused), {102, 0}: same(connectors.KindToken), {104, 0}: same(connectors.KindForbidden),
		{200, 0}: same(connectors.KindForbidden), {200, 2655040}: same(connectors.KindForbidden), {294, 0}: same(connectors.KindForbidden),
		{299, 0}: same(connectors.KindForbidden), {368, 0}: same(connectors.KindBlocked), {370, 0}: same(connectors.KindRefused),
		{415, 0}: same(connectors.KindHuman), {415, 2859009}: same(connectors.KindHuman), {457, 0}: same(connectors.KindHuman),
		{2620, 0}: same(connectors.KindRefused), {2635, 0}: same(connectors.KindForbidden), {3914, 0}: same(connectors.KindLastAdmin),
		{3949, 0}: same(connectors.KindCapacity), {3965, 0}: same(connectors.KindCapacity), {104001, 0}: same(connectors.KindForbidden),
		{110, 0}: same(connectors.KindNotFound),
	}
	for _, code := range []int{80000, 80001, 80002, 80003, 80004, 80005, 80006, 80008, 80009, 80014} {
		cases[[2]int{code, 0}] = same(connectors.KindThrottled)
	}
	for _, sub := range []int{0, 458, 459, 460, 463, 464, 467, 492} {
		cases[[2]int{190, sub}] = same(connectors.KindToken)
	}
	for code, w := range cases {
		for _, o := range ops {
			kind := w.read
			if o.class.has(writes) {
				kind = w.write
			}
			if o.class.has(invites) && (code[0] == 17 || code[0] == 613) {
				kind = connectors.KindQuota
			}
			v := judge(o, code[0], code[1], false)
			if v.kind != kind {
				t.Errorf("%s %d/%d: %s, want %s", o.name, code[0], code[1], v.kind, kind)
			}
			if r := bridge.ReasonOf(v.reason); r.Meaning == string(v.reason) || r.Next == "" || v.reason == bridge.PlatformUnexpected {
				t.Errorf("%s %d/%d: reason %q tells nobody anything", o.name, code[0], code[1], v.reason)
			}
		}
	}
	// 100/33 is about what the call is addressed to.
	for _, o := range ops {
		kind, reason := connectors.KindNotFound, bridge.PlatformNotFound
		if o.class.has(toBusiness) {
			kind, reason = connectors.KindForbidden, bridge.PlatformBusinessNotFound
		}
		if v := judge(o, 100, 33, false); v.kind != kind || v.reason != reason {
			t.Errorf("%s 100/33: %s, %s", o.name, v.kind, v.reason)
		}
	}
}

// TestALimitOfOneAssetSaysSo, so that one busy ad account holds up nothing else;
// the limits of the app and of the token are everybody's.
func TestALimitOfOneAssetSaysSo(t *testing.T) {
	for code, one := range map[[2]int]bool{
		{4, 0}: false, {17, 0}: false, {341, 0}: false, {613, 0}: false, {613, 1996}: false,
		{32, 0}: true, {613, 1487742}: true, {80000, 0}: true, {80004, 2446079}: true, {80014, 0}: true,
	} {
		h := startHub(t, setting{}, crowd(3))
		for _, o := range []op{opAssigned, opMembers} {
			h.Faults.Add(metasim.Fault{Op: o.name, Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "slow down", Code: code[0], Subcode: code[1]}})
		}
		c := h.connect()
		for _, err := range c.AssetUsers(t.Context(), bridge.Asset{Kind: "ad_account", ID: "1"}, nil) {
			if e := wantKind(t, "users", err, connectors.KindThrottled, bridge.PlatformThrottled); e.OneAsset != one {
				t.Errorf("%v: of one asset: %t", code, e.OneAsset)
			}
		}
		if code == [2]int{4, 0} || code == [2]int{341, 0} {
			continue // the budget keeps us from asking more
		}
		for _, err := range c.Members(t.Context(), func(int) {}) {
			if e := wantKind(t, "members", err, connectors.KindThrottled, bridge.PlatformThrottled); e.OneAsset {
				t.Errorf("%v of people counts as the limit of an asset", code)
			}
		}
	}
}

// TestCodesNobodyDocumentsAreANo unless Meta calls them transient; and then a
// write may have happened.
func TestCodesNobodyDocumentsAreANo(t *testing.T) {
	for _, c := range []struct {
		o         op
		code      int
		transient bool
		want      connectors.Kind
	}{
		{opSetRole, 987654, false, connectors.KindRefused},
		{opSetRole, 987654, true, connectors.KindUnknown},
		{opMembers, 987654, true, connectors.KindTransient},
		{opInvite, 10, true, connectors.KindUnknown},
		{opMembers, 200, true, connectors.KindTransient},
		{opMembers, 190, true, connectors.KindToken}, // a dead token is not brought back by waiting
		{opRemove, 3914, true, connectors.KindLastAdmin},
		{opRemove, 368, true, connectors.KindBlocked},
	} {
		if v := judge(c.o, c.code, 0, c.transient); v.kind != c.want {
			t.Errorf("%s %d transient=%v: %s, want %s", c.o.name, c.code, c.transient, v.kind, c.want)
		}
	}
}

// TestErrorsSayWhatToDo sends errors through the simulator, where only code and
// message may be relied on, and follows each to the error that callers see.
func TestErrorsSayWhatToDo(t *testing.T) {
	for _, sw := range []metasim.Switches{{}, {ErrorDetail: "bare", HTTPStatus: "always_400"}} {
		for code, want := range map[int]connectors.Kind{
			2: connectors.KindUnknown, 4: connectors.KindThrottled, 102: connectors.KindToken, 190: connectors.KindToken, 200: connectors.KindForbidden,
			368: connectors.KindBlocked, 415: connectors.KindHuman, 457: connectors.KindHuman, 3914: connectors.KindLastAdmin, 80004: connectors.KindThrottled,
		} {
			h := startHub(t, setting{switches: sw}, crowd(3))
			c := h.connect()
			for _, o := range []op{opInvite, opSetPending, opCancel, opSetRole, opRemove} {
				h.Faults.Add(metasim.Fault{Op: o.name, Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "words of Meta", Code: code}})
			}
			for name, err := range allWrites(t, c) {
				e := wantKind(t, fmt.Sprintf("%s, code %d", name, code), err, want, "")
				if e.Code != code || e.Message != "words of Meta" || e.RequestID == "" || e.Op != name {
					t.Errorf("%s, code %d: %+v", name, code, e)
				}
			}
			if _, writes := h.counts(); writes != 5 {
				t.Errorf("code %d: %d writes, want each once", code, writes)
			}
		}
	}
}

func (h *hub) counts() (reads, writes int) {
	for _, r := range h.Requests() {
		if r.Write {
			writes++
		} else {
			reads++
		}
	}
	return reads, writes
}

// allWrites tries each write once.
func allWrites(t *testing.T, c *Connector) map[string]error {
	ctx := t.Context()
	return map[string]error{
		opInvite.name:     of(c.Invite(ctx, []string{"new@example.com"}, bridge.Collaborator)),
		opSetPending.name: of(c.SetRole(ctx, connectors.Subject{InvitationID: "770000000000003"}, bridge.Owner)),
		opCancel.name:     of(c.Cancel(ctx, connectors.Subject{InvitationID: "770000000000004"})),
		opSetRole.name:    of(c.SetRole(ctx, connectors.Subject{PlatformID: "310000000000001"}, bridge.Owner)),
		opRemove.name:     of(c.Remove(ctx, connectors.Subject{PlatformID: "310000000000002"})),
	}
}

// TestAYesThatWaitsForAnotherAdmin is not done, and says who has to act.
func TestAYesThatWaitsForAnotherAdmin(t *testing.T) {
	h := startHub(t, setting{switches: metasim.Switches{Approval: "always"}}, crowd(3))
	before := len(h.Truth())
	for name, err := range allWrites(t, h.connect()) {
		wantKind(t, name, err, connectors.KindHuman, bridge.PlatformHumanStep)
	}
	if len(h.Truth()) != before {
		t.Fatal("something was done")
	}
	h = startHub(t, setting{switches: metasim.Switches{Approval: "removals"}}, crowd(3))
	for name, err := range allWrites(t, h.connect()) {
		if name == opRemove.name || name == opCancel.name {
			wantKind(t, name, err, connectors.KindHuman, bridge.PlatformHumanStep)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTwoFactorNeedsAHuman whoever the token belongs to.
func TestTwoFactorNeedsAHuman(t *testing.T) {
	h := startHub(t, setting{switches: metasim.Switches{TwoFactor: "always"}}, crowd(3))
	for name, err := range allWrites(t, h.connect()) {
		wantKind(t, name, err, connectors.KindHuman, bridge.PlatformHumanStep)
	}
}

// TestInvitationsCoolDownForADay whichever code Meta says it with, and nothing
// else does.
func TestInvitationsCoolDownForADay(t *testing.T) {
	for _, code := range []int{17, 613} {
		h := startHub(t, setting{switches: metasim.Switches{InviteQuotaCode: code}}, crowd(3))
		h.SetLimits(metasim.Limits{InvitesPerDay: 1})
		c := h.connect()
		if _, err := c.Invite(t.Context(), []string{"first@example.com"}, bridge.Collaborator); err != nil {
			t.Fatal(err)
		}
		_, err := c.Invite(t.Context(), []string{"second@example.com"}, bridge.Collaborator)
		if e := wantKind(t, "invite", err, connectors.KindQuota, bridge.PlatformInviteQuota); e.RetryAfter != 24*time.Hour {
			t.Errorf("code %d: come back after %v", code, e.RetryAfter)
		}
		if _, err := c.Remove(t.Context(), connectors.Subject{PlatformID: "310000000000001"}); err != nil {
			t.Errorf("code %d: a removal waits for the invitation quota: %v", code, err)
		}
		h.Advance(24 * time.Hour)
		if _, err := c.Invite(t.Context(), []string{"second@example.com"}, bridge.Collaborator); err != nil {
			t.Errorf("code %d, a day later: %v", code, err)
		}
	}
}

// TestASystemUserThatIsTooYoungWaits rather than fails, whether Meta refuses
// only changes or reads as well, and whether it names the subcode.
func TestASystemUserThatIsTooYoungWaits(t *testing.T) {
	for _, sw := range []metasim.Switches{{}, {NewSystemReads: "error"}, {ErrorDetail: "bare"}} {
		w := world(setting{}, crowd(3))
		w.Businesses[0].SystemUsers[0].CreatedTime = start.Add(-6*24*time.Hour - 20*time.Hour)
		h := serve(t, setting{switches: sw}, w)
		c := h.connect()
		for name, err := range allWrites(t, c) {
			e := wantKind(t, name, err, connectors.KindTooEarly, bridge.PlatformTooEarly)
			if e.RetryAfter != 4*time.Hour {
				t.Errorf("%+v: %s: come back after %v, and it is over in four hours", sw, name, e.RetryAfter)
			}
		}
		h.Advance(5 * time.Hour)
		for name, err := range allWrites(t, c) {
			if err != nil {
				t.Errorf("%+v: %s when it is old enough: %v", sw, name, err)
			}
		}
	}
	// A day old: asked again before the week is over, for nobody promises the week.
	w := world(setting{}, nil)
	w.Businesses[0].SystemUsers[0].CreatedTime = start.Add(-24 * time.Hour)
	_, err := serve(t, setting{}, w).connect().Invite(t.Context(), []string{"new@example.com"}, bridge.Owner)
	if e := wantKind(t, "invite", err, connectors.KindTooEarly, ""); e.RetryAfter != 6*time.Hour {
		t.Errorf("come back after %v", e.RetryAfter)
	}
}

// TestNotAllowedIsNotTooEarlyForAnOldSystemUser, nor for an app that is not claimed.
func TestNotAllowedIsNotTooEarlyForAnOldSystemUser(t *testing.T) {
	h := startHub(t, setting{}, crowd(3))
	h.Faults.Add(metasim.Fault{Op: "POST business_users", Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "no", Code: 10, Subcode: 2859030}})
	_, err := h.connect().Invite(t.Context(), []string{"new@example.com"}, bridge.Owner)
	wantKind(t, "invite", err, connectors.KindForbidden, bridge.PlatformForbidden)

	w := world(setting{}, crowd(3))
	w.Apps[0].ClaimedBy = []string{foreignBusiness}
	w.Businesses[0].SystemUsers[0].CreatedTime = start.Add(-time.Hour)
	for _, how := range []string{"application", "permission", "not_found"} {
		h := serve(t, setting{switches: metasim.Switches{AppNotClaimed: how}}, w)
		_, err := list(t, h.connect())
		wantKind(t, how, err, connectors.KindForbidden, "")
	}
}

// TestAnswersThatAreNotAYes: what comes under HTTP 200 is read, and a write
// whose answer is no answer may have happened.
func TestAnswersThatAreNotAYes(t *testing.T) {
	for body, want := range map[string]connectors.Kind{
		`{"success":true}`: "", `{"success":"true"}`: "", `true`: "", `{"id":"123"}`: "", `{"id":99999999999999999999}`: "", ` {"success":1} `: "",
		`{"success":false}`: connectors.KindUnknown, `{"success":"false"}`: connectors.KindUnknown, `false`: connectors.KindUnknown,
		`{"success":true,"requires_admin_approval":true}`: connectors.KindHuman, `{"requires_admin_approval":"true"}`: connectors.KindHuman,
		`Service Unavailable`: connectors.KindUnknown, ``: connectors.KindUnknown, `null`: connectors.KindUnknown, `{}`: connectors.KindUnknown, `[]`: connectors.KindUnknown,
		`{"success":null}`: connectors.KindUnknown, `{"success":"maybe"}`: connectors.KindUnknown, `{"id":"../me"}`: connectors.KindUnknown, `"true"`: connectors.KindUnknown,
		`{"error":{"message":"no","code":3914}}`: connectors.KindLastAdmin, `{"success":true,"error":{"message":"no","code":200}}`: connectors.KindForbidden,
		`{"error":"words"}`: connectors.KindUnknown, `{"error":{"message":"no code"}}`: connectors.KindUnknown,
		`{"error":{"message":7,"code":368,"error_subcode":"x","error_data":"{\"blame_field_specs\":[[\"role\"]]}"}}`: connectors.KindBlocked,
	} {
		c, s := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
			if r.Method == http.MethodGet {
				return 0, nil, ""
			}
			return 200, nil, body
		})
		_, err := c.Remove(t.Context(), connectors.Subject{PlatformID: "123"})
		if got := connectors.KindOf(err); got != want || want == "" && err != nil {
			t.Errorf("%s: %q (%v), want %q", body, got, err, want)
		}
		if s.writes() != 1 {
			t.Errorf("%s: written %d times", body, s.writes())
		}
	}
}

// TestMetasOwnWordsReachTheReader, those for a person and the fields blamed too.
func TestMetasOwnWordsReachTheReader(t *testing.T) {
	c, _ := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
		if r.Method == http.MethodGet {
			return 0, nil, ""
		}
		return 400, nil, `{"error":{"message":"Invalid parameter","code":200,"error_user_title":"Too Long","error_user_msg":"Shorten ` + token + ` it.",
			"error_data":{"blame_field_specs":[["email"]]},"fbtrace_id":"AtRace"}}`
	})
	_, err := c.Remove(t.Context(), connectors.Subject{PlatformID: "123"})
	e := wantKind(t, "remove", err, connectors.KindForbidden, "")
	if e.Message != "Invalid parameter (Too Long: Shorten [secret] it.) [email]" || e.RequestID != "AtRace" || e.Next == "" {
		t.Errorf("%+v", e)
	}
}
