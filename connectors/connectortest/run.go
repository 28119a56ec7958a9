package connectortest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
)

// Run holds a connector to all claims.
func Run(t *testing.T, h Harness) {
	for _, c := range []struct {
		claim string
		run   func(*testing.T, Harness)
	}{
		{"CheckSaysWhomTheTokenActsAs", checkSelf},
		{"CheckRefusesABusinessThatIsNotOurs", checkForeign},
		{"CheckSaysThatTheAccountIsNoAdmin", checkDemoted},
		{"MembersListsEveryoneOnce", listAll},
		{"MembersListsWhoeverStaysWhileOthersLeave", listMoving},
		{"MembersIsNeverTakenForWholeWhenAPageFails", listPartial},
		{"ReadsSurviveOneFault", readHeals},
		{"ReadsChangeNothing", readsOnly},
		{"FindKnowsMembersAndInvitedByAddress", findEmail},
		{"FindKnowsAMemberById", findID},
		{"FindShowsNobodyForAStranger", findNobody},
		{"InvitationShowsUp", inviteShows},
		{"InvitingABatchInvitesEach", inviteBatch},
		{"InvitingTwiceSendsOneInvitation", inviteTwice},
		{"InvitingAMemberChangesNothing", inviteMember},
		{"InvitingBadInputCallsNobody", inviteBad},
		{"CancelWithdrawsTheInvitation", cancel},
		{"CancelNeverRemovesAMember", cancelAccepted},
		{"SetRoleRaisesAndLowers", setRole},
		{"SetRoleOfAnInvitation", setPendingRole},
		{"RemoveTakesOneMemberOff", remove},
		{"AbsentMembersAreNotFound", absent},
		{"WritesAreNeverRepeatedAndSayWhenNobodyKnows", unknown},
		{"ThrottledWritesSayWhenToComeBack", throttled},
		{"ThrottledReadsSayWhenToComeBack", throttledRead},
		{"WritesThatNeverLeftAreTransient", unreachable},
		{"ARevokedTokenStopsEverything", revoked},
		{"WithoutTheAdminRoleEverythingIsForbidden", forbidden},
		{"RedirectsAreNotFollowed", redirected},
		{"ACancelledContextEndsACall", cancelled},
		{"ABudgetAtRestLetsNothingThrough", budgetPaused},
		{"ManyCallersAtOnce", concurrent},
	} {
		t.Run(c.claim, func(t *testing.T) {
			t.Parallel()
			c.run(t, h)
		})
	}
}

func member(i int, role bridge.Role) Person {
	return Person{Email: fmt.Sprintf("member%03d@example.com", i), Name: fmt.Sprintf("Member %03d", i), Role: role, Presence: bridge.Active}
}

func invited(email string) Person {
	return Person{Email: email, Role: bridge.Collaborator, Presence: bridge.Invited}
}

// crowd is more than two pages of any platform's small pages, with invitations
// that share a mask with each other and with members.
func crowd(n int) []Person {
	var all []Person
	for i := range n {
		role := bridge.Collaborator
		if i%17 == 3 {
			role = bridge.Owner
		}
		all = append(all, member(i, role))
	}
	for _, e := range []string{"dana@example.org", "dora@example.org", "dxra@example.org", "zoe@example.net", "memberXX1@example.com"} {
		all = append(all, invited(e))
	}
	return all
}

func checkSelf(t *testing.T, h Harness) {
	b := h.start(t, crowd(3)...)
	con, err := b.Check(t.Context())
	b.must("check", err)
	if con.BusinessID != b.Config().BusinessID || con.BusinessName == "" {
		t.Errorf("business %q %q, want %q and a name", con.BusinessID, con.BusinessName, b.Config().BusinessID)
	}
	if con.SelfID != b.SelfID() || con.SelfName == "" || con.SelfRole != bridge.Owner {
		t.Errorf("acts as %q %q (%v), want %q, a name and Owner", con.SelfID, con.SelfName, con.SelfRole, b.SelfID())
	}
	for _, f := range con.Findings {
		if f.Blocking {
			t.Errorf("a working hub is blocked: %+v", f)
		}
	}
}

func checkForeign(t *testing.T, h Harness) {
	hub := h.Start(t, nil)
	id := hub.OtherBusiness()
	b := h.startWith(t, nil, func(c *connectors.Config) { c.BusinessID = id })
	con, err := b.Check(t.Context())
	b.blocked(con, err)
}

func checkDemoted(t *testing.T, h Harness) {
	b := h.start(t, member(1, bridge.Owner))
	b.Demote()
	b.Settle()
	con, err := b.Check(t.Context())
	b.blocked(con, err)
}

// blocked: a finding that blocks and says what to do, or a no of that kind.
func (b *bench) blocked(con connectors.Connection, err error) {
	b.t.Helper()
	if err != nil {
		b.kind("check", err, connectors.KindForbidden, connectors.KindNotFound)
		return
	}
	for _, f := range con.Findings {
		if f.Blocking {
			if f.Code == "" || f.Detail == "" || f.Next == "" {
				b.t.Errorf("a finding without code, detail or next step: %+v", f)
			}
			return
		}
	}
	b.t.Errorf("nothing blocks the hub: %+v", con)
}

func listAll(t *testing.T, h Harness) {
	b := h.start(t, crowd(47)...)
	var totals []int
	var all []bridge.Seen
	for s, err := range b.Members(t.Context(), func(n int) { totals = append(totals, n) }) {
		b.must("list", err)
		all = append(all, s)
	}
	ids := map[string]bridge.Seen{}
	open := 0
	for _, s := range all {
		switch s.Presence {
		case bridge.Active:
			if s.PlatformID == "" || ids[s.PlatformID].PlatformID != "" {
				t.Errorf("a member without an id, or listed twice: %+v", s)
			}
			ids[s.PlatformID] = s
		case bridge.Invited:
			open++
			if s.Email == "" {
				t.Errorf("an invitation without an address: %+v", s)
			}
		default:
			t.Errorf("listed as %q: %+v", s.Presence, s)
		}
		if s.Masked != strings.Contains(s.Email, "*") {
			t.Errorf("masked=%v for %q", s.Masked, s.Email)
		}
	}
	wantOpen, wantMembers := 0, 0
	for _, p := range b.Truth() {
		if p.Presence == bridge.Invited {
			wantOpen++
			continue
		}
		wantMembers++
		if s := ids[p.PlatformID]; s.Role != p.Role || s.Kind != bridge.Human && p.PlatformID != b.SelfID() || s.Access.Role == "" || s.Name != p.Name && p.Name != "" {
			t.Errorf("%s is listed as %+v, want role %s", p.Email, s, p.Role)
		}
	}
	if len(ids) != wantMembers || open != wantOpen {
		t.Errorf("listed %d members and %d invitations, want %d and %d", len(ids), open, wantMembers, wantOpen)
	}
	if len(totals) > 0 && totals[len(totals)-1] > len(all) {
		t.Errorf("the platform announced %v rows, %d were listed", totals, len(all))
	}
}

// listMoving removes one of the first members while later pages are still to
// be read: what follows moves up, and must not be lost between two pages.
func listMoving(t *testing.T, h Harness) {
	b := h.start(t, crowd(60)...)
	leaver := ""
	for _, p := range b.Truth() {
		if p.Presence == bridge.Active && p.PlatformID != b.SelfID() {
			leaver = p.PlatformID
			break
		}
	}
	var once sync.Once
	pages := 0
	b.watch.hook(func(_ int, r *http.Request) *http.Response {
		if b.Listing(r) {
			if pages++; pages == 2 {
				once.Do(func() { b.Leave(leaver); b.Settle() })
			}
		}
		return nil
	})
	listed := map[string]bool{}
	for _, s := range b.everyone() {
		listed[s.PlatformID] = true
	}
	for _, p := range b.Truth() {
		if p.Presence == bridge.Active && !listed[p.PlatformID] {
			t.Errorf("%s stayed and is not listed", p.Email)
		}
	}
	if pages < 2 {
		t.Fatalf("the listing took %d pages; the claim needs two", pages)
	}
}

func listPartial(t *testing.T, h Harness) {
	for _, how := range []Break{ServerError, ResetBefore, Truncated, HalfJSON} {
		b := h.start(t, crowd(60)...)
		b.Break(Fault{Op: List, Break: how, Skip: 1, Times: -1})
		all, err := b.members()
		if err == nil {
			t.Errorf("%s: the listing ended politely after %d rows", how, len(all))
			continue
		}
		b.kind(string(how), err, connectors.KindTransient, connectors.KindMalformed)
		b.Mend()
		if n := len(b.everyone()); n != len(b.Truth()) {
			t.Errorf("%s: mended, it lists %d rows of %d", how, n, len(b.Truth()))
		}
	}
}

func readHeals(t *testing.T, h Harness) {
	for _, how := range []Break{ServerError, ResetBefore, Truncated, HalfJSON} {
		b := h.start(t, crowd(30)...)
		b.Break(Fault{Op: List, Break: how, Skip: 1})
		if n := len(b.everyone()); n != len(b.Truth()) {
			t.Errorf("%s: %d rows of %d", how, n, len(b.Truth()))
		}
	}
}

func readsOnly(t *testing.T, h Harness) {
	b := h.start(t, crowd(5)...)
	before := b.Truth()
	_, err := b.Check(t.Context())
	b.must("check", err)
	b.everyone()
	b.find(connectors.Subject{Email: "dana@example.org"})
	b.find(connectors.Subject{PlatformID: b.SelfID()})
	if _, writes := b.watch.counts(); writes != 0 || !slices.Equal(before, b.Truth()) {
		t.Errorf("reading made %d writes", writes)
	}
}

func findEmail(t *testing.T, h Harness) {
	b := h.start(t, crowd(30)...)
	for range 2 { // the second time with what the first has taught
		for _, p := range []Person{member(7, bridge.Collaborator), invited("dora@example.org"), invited("zoe@example.net"), member(3, bridge.Owner)} {
			hit := false
			for _, s := range b.find(connectors.Subject{Email: strings.ToUpper(p.Email[:1]) + p.Email[1:]}) {
				hit = hit || s.Presence == p.Presence && s.Role == p.Role && (p.Presence == bridge.Invited || s.PlatformID == b.person(p.Email).PlatformID)
			}
			if !hit && b.shows(p) {
				t.Errorf("%s (%s) is not found by address", p.Email, p.Presence)
			}
		}
	}
}

// shows says whether the platform shows an address of p at all, masked or not.
func (b *bench) shows(p Person) bool {
	for _, s := range b.everyone() {
		if s.Presence == p.Presence && (p.Presence == bridge.Invited || s.PlatformID == b.person(p.Email).PlatformID) && s.Email != "" {
			return true
		}
	}
	return false
}

func findID(t *testing.T, h Harness) {
	b := h.start(t, crowd(30)...)
	for _, email := range []string{member(0, "").Email, member(29, "").Email} {
		p := b.person(email)
		got := b.find(connectors.Subject{PlatformID: p.PlatformID, Name: p.Name, Email: p.Email})
		if len(got) != 1 || got[0].PlatformID != p.PlatformID || got[0].Role != p.Role || got[0].Presence != bridge.Active {
			t.Errorf("%s is found as %+v", email, got)
		}
	}
}

func findNobody(t *testing.T, h Harness) {
	b := h.start(t, crowd(30)...)
	for range 2 {
		if got := b.find(connectors.Subject{Email: "nobody.at.all@example.org"}); len(got) != 0 {
			t.Errorf("a stranger's address is found as %+v", got)
		}
		gone := b.person(member(9, "").Email)
		if gone != nil {
			b.Leave(gone.PlatformID)
			b.Settle()
			defer func() {
				if got := b.find(connectors.Subject{PlatformID: gone.PlatformID, Name: gone.Name, Email: gone.Email}); len(got) != 0 {
					t.Errorf("who left is found by id as %+v", got)
				}
			}()
		}
		b.find(connectors.Subject{Email: "dana@example.org"})
	}
}

func inviteShows(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	for _, role := range []bridge.Role{bridge.Collaborator, bridge.Owner} {
		email := string(role) + ".new@example.com"
		receipt, err := b.Invite(t.Context(), []string{email}, role)
		b.must("invite", err)
		if receipt.RequestID == "" {
			t.Errorf("no request id on the receipt")
		}
		p := b.person(email)
		if p == nil || p.Presence != bridge.Invited || p.Role != role || b.Sent(email) != 1 {
			t.Fatalf("after the yes, %s is %+v with %d e-mails", email, p, b.Sent(email))
		}
		b.Settle()
		got := b.find(connectors.Subject{Email: email})
		if !slices.ContainsFunc(got, func(s bridge.Seen) bool { return s.Presence == bridge.Invited && s.Role == role }) {
			t.Errorf("the invitation of %s is found as %+v", email, got)
		}
		b.must("accept", b.Accept(email))
		b.Settle()
		got = b.find(connectors.Subject{PlatformID: b.person(email).PlatformID})
		if len(got) != 1 || got[0].Presence != bridge.Active || got[0].Role != role {
			t.Errorf("%s has accepted and is found as %+v", email, got)
		}
	}
}

func inviteBatch(t *testing.T, h Harness) {
	b := h.start(t)
	var emails []string
	for i := range max(1, b.Traits().InviteBatch) {
		emails = append(emails, fmt.Sprintf("batch%02d@example.com", i))
	}
	_, err := b.Invite(t.Context(), emails, bridge.Collaborator)
	b.must("invite", err)
	for _, e := range emails {
		if p := b.person(e); p == nil || p.Role != bridge.Collaborator {
			t.Errorf("%s is %+v", e, p)
		}
	}
	if _, writes := b.watch.counts(); writes != 1 {
		t.Errorf("a batch took %d writes", writes)
	}
	_, err = b.Invite(t.Context(), append(emails, "one.more@example.com"), bridge.Collaborator)
	b.kind("a batch too large", err, connectors.KindRefused)
	if _, writes := b.watch.counts(); writes != 1 || b.person("one.more@example.com") != nil {
		t.Errorf("a batch too large left the machine")
	}
}

func inviteTwice(t *testing.T, h Harness) {
	b := h.start(t)
	const email = "twice@example.com"
	_, err := b.Invite(t.Context(), []string{email}, bridge.Collaborator)
	b.must("invite", err)
	b.Settle()
	_, err = b.Invite(t.Context(), []string{email}, bridge.Collaborator)
	b.kind("invite again", err, "", connectors.KindExists)
	if p := b.person(email); p == nil || p.Presence != bridge.Invited || b.Sent(email) != 1 {
		t.Errorf("invited twice: %+v, %d e-mails", p, b.Sent(email))
	}
}

func inviteMember(t *testing.T, h Harness) {
	b := h.start(t, member(1, bridge.Owner), member(2, bridge.Collaborator))
	before := b.Truth()
	_, err := b.Invite(t.Context(), []string{member(1, "").Email}, bridge.Collaborator)
	b.kind("invite a member", err, "", connectors.KindExists, connectors.KindRefused)
	if !slices.Equal(before, b.Truth()) {
		t.Errorf("inviting a member changed the hub: %+v", b.Truth())
	}
}

func inviteBad(t *testing.T, h Harness) {
	b := h.start(t)
	for _, emails := range [][]string{nil, {""}, {"not an address"}, {"ok@example.com", "Ana <ana@example.com>"}, {"d**a@example.com"}} {
		_, err := b.Invite(t.Context(), emails, bridge.Collaborator)
		b.kind(fmt.Sprintf("invite %q", emails), err, connectors.KindRefused)
	}
	_, err := b.Invite(t.Context(), []string{"ok@example.com"}, bridge.OtherRole)
	b.kind("invite as other", err, connectors.KindRefused)
	for _, err := range []error{
		second(b.Remove(t.Context(), connectors.Subject{})), second(b.Cancel(t.Context(), connectors.Subject{})),
		second(b.SetRole(t.Context(), connectors.Subject{}, bridge.Owner)), second(b.Find(t.Context(), connectors.Subject{})),
	} {
		b.kind("a call about nobody", err, connectors.KindRefused)
	}
	if n, _ := b.watch.counts(); n != 0 {
		t.Errorf("%d requests left", n)
	}
}

func second[T any](_ T, err error) error { return err }

func cancel(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	who := b.invitation("dora@example.org")
	_, err := b.Cancel(t.Context(), who)
	b.must("cancel", err)
	if b.person("dora@example.org") != nil || b.person("dana@example.org") == nil || b.person("dxra@example.org") == nil {
		t.Errorf("after cancelling dora's invitation: %+v", b.Truth())
	}
	b.Settle()
	_, err = b.Cancel(t.Context(), who)
	b.absent("cancel again", err)
	if b.person("dana@example.org") == nil || b.person("dxra@example.org") == nil {
		t.Errorf("cancelling again hit someone else: %+v", b.Truth())
	}
}

// absent: not found, or a yes where the platform does not tell.
func (b *bench) absent(what string, err error) {
	b.t.Helper()
	if b.h.SilentAbsence {
		b.kind(what, err, "", connectors.KindNotFound)
		return
	}
	b.kind(what, err, connectors.KindNotFound)
}

func cancelAccepted(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	who := b.invitation("zoe@example.net")
	b.must("accept", b.Accept("zoe@example.net"))
	b.Settle()
	_, err := b.Cancel(t.Context(), who)
	b.kind("cancel what was accepted", err, connectors.KindNotFound, connectors.KindRefused)
	if p := b.person("zoe@example.net"); p == nil || p.Presence != bridge.Active {
		t.Errorf("zoe had accepted, and is %+v after the cancellation", p)
	}
}

func setRole(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	p := b.person(member(5, "").Email)
	who := connectors.Subject{PlatformID: p.PlatformID, Email: p.Email, Name: p.Name}
	before := b.Truth()
	for _, role := range []bridge.Role{bridge.Owner, bridge.Collaborator} {
		_, err := b.SetRole(t.Context(), who, role)
		b.must("set role", err)
		if got := b.person(p.Email); got == nil || got.Role != role {
			t.Fatalf("after the yes: %+v", got)
		}
		b.Settle()
		if got := b.find(who); len(got) != 1 || got[0].Role != role {
			t.Errorf("found as %+v", got)
		}
		_, err = b.SetRole(t.Context(), who, role)
		b.kind("the role that it has", err, "", connectors.KindExists)
	}
	if !slices.Equal(before, b.Truth()) {
		t.Errorf("raising and lowering one changed others")
	}
	_, err := b.SetRole(t.Context(), who, bridge.OtherRole)
	b.kind("set role other", err, connectors.KindRefused)
}

func setPendingRole(t *testing.T, h Harness) {
	b := h.start(t, crowd(5)...)
	who := b.invitation("zoe@example.net")
	_, writes := b.watch.counts()
	_, err := b.SetRole(t.Context(), who, bridge.Owner)
	if b.Traits().ChangePending {
		b.must("set role", err)
		if p := b.person("zoe@example.net"); p.Role != bridge.Owner || p.Presence != bridge.Invited || b.Sent("zoe@example.net") > 1 {
			t.Errorf("the invitation is %+v", p)
		}
		return
	}
	b.kind("set role", err, connectors.KindRefused)
	if _, now := b.watch.counts(); now != writes {
		t.Errorf("a change that cannot be left the machine")
	}
}

func remove(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	p := b.person(member(5, "").Email)
	n := len(b.Truth())
	_, err := b.Remove(t.Context(), connectors.Subject{PlatformID: p.PlatformID, Email: p.Email, Name: p.Name})
	b.must("remove", err)
	if b.person(p.Email) != nil || len(b.Truth()) != n-1 {
		t.Errorf("after the yes %d of %d are left", len(b.Truth()), n)
	}
	b.Settle()
	_, err = b.Remove(t.Context(), connectors.Subject{PlatformID: p.PlatformID, Email: p.Email, Name: p.Name})
	b.absent("remove again", err)
	if len(b.Truth()) != n-1 {
		t.Errorf("removing again hit someone else")
	}
}

func absent(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	p := b.person(member(5, "").Email)
	b.Leave(p.PlatformID)
	b.Settle()
	before := b.Truth()
	who := connectors.Subject{PlatformID: p.PlatformID, Email: p.Email, Name: p.Name}
	_, err := b.SetRole(t.Context(), who, bridge.Owner)
	b.kind("set role", err, connectors.KindNotFound)
	_, err = b.Remove(t.Context(), who)
	b.absent("remove", err)
	if !slices.Equal(before, b.Truth()) {
		t.Errorf("the hub changed")
	}
}

// change is each kind of write, with how to see it done.
type change struct {
	op   Op
	run  func(b *bench) error
	done func(b *bench) bool
}

func changes(b *bench) []change {
	raised, removed := b.person(member(5, "").Email), b.person(member(6, "").Email)
	open := b.invitation("dora@example.org")
	ctx := b.t.Context()
	return []change{
		{Invite, func(b *bench) error { return second(b.Invite(ctx, []string{"new@example.com"}, bridge.Collaborator)) },
			func(b *bench) bool { return b.person("new@example.com") != nil }},
		{Cancel, func(b *bench) error { return second(b.Cancel(ctx, open)) },
			func(b *bench) bool { return b.person("dora@example.org") == nil }},
		{SetRole, func(b *bench) error {
			return second(b.SetRole(ctx, connectors.Subject{PlatformID: raised.PlatformID}, bridge.Owner))
		}, func(b *bench) bool { return b.person(raised.Email).Role == bridge.Owner }},
		{Remove, func(b *bench) error {
			return second(b.Remove(ctx, connectors.Subject{PlatformID: removed.PlatformID}))
		}, func(b *bench) bool { return b.person(removed.Email) == nil }},
	}
}

func unknown(t *testing.T, h Harness) {
	for i := range 4 {
		for _, how := range []Break{ResetBefore, ResetAfter, Truncated, HalfJSON, ServerError} {
			b := h.start(t, crowd(25)...)
			c := changes(b)[i]
			_, before := b.watch.counts()
			b.Break(Fault{Op: c.op, Break: how})
			err := c.run(b)
			b.kind(fmt.Sprintf("%s, %s", c.op, how), err, connectors.KindUnknown)
			if _, now := b.watch.counts(); now-before != 1 {
				t.Errorf("%s, %s: the write was sent %d times", c.op, how, now-before)
			}
			if done := c.done(b); done != how.effect() {
				t.Errorf("%s, %s: done is %v", c.op, how, done)
			}
			b.settles(c, how)
		}
	}
}

// settles: a read tells what became of it, and it can be done if it was not.
func (b *bench) settles(c change, how Break) {
	b.t.Helper()
	b.Mend()
	b.Settle()
	if c.op == Invite {
		found := slices.ContainsFunc(b.find(connectors.Subject{Email: "new@example.com"}), func(s bridge.Seen) bool { return s.Presence == bridge.Invited })
		if found != how.effect() {
			b.t.Errorf("%s, %s: a read shows it: %v", c.op, how, found)
		}
	}
	if !how.effect() {
		b.must("again", c.run(b))
		if !c.done(b) {
			b.t.Errorf("%s, %s: not done even the second time", c.op, how)
		}
	}
}

func throttled(t *testing.T, h Harness) {
	for i := range 4 {
		b := h.start(t, crowd(25)...)
		c := changes(b)[i]
		_, before := b.watch.counts()
		b.Break(Fault{Op: c.op, Break: Throttle})
		err := c.run(b)
		b.comesBack(string(c.op), err)
		if _, now := b.watch.counts(); now-before != 1 || c.done(b) {
			t.Errorf("%s: throttled, and sent %d times, done %v", c.op, now-before, c.done(b))
		}
	}
}

func (b *bench) comesBack(what string, err error) {
	b.t.Helper()
	b.kind(what, err, connectors.KindThrottled)
	if e, _ := errors.AsType[*connectors.Error](err); e.RetryAfter <= 0 {
		b.t.Errorf("%s: throttled without saying for how long", what)
	}
}

func throttledRead(t *testing.T, h Harness) {
	b := h.start(t, crowd(60)...)
	b.Break(Fault{Op: List, Break: Throttle, Skip: 1, Times: -1})
	_, err := b.members()
	b.comesBack("list", err)
}

func unreachable(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	all := changes(b)
	b.watch.hook(nil)
	dead := h.startWith(t, nil, func(c *connectors.Config) {
		w := c.Transport.(*watch)
		// Nobody listens on a reserved port of this machine.
		c.APIURL, w.home = "http://127.0.0.1:1", "http://127.0.0.1:1"
	})
	for _, c := range all[:1] {
		dead.kind(string(c.op), c.run(dead), connectors.KindTransient)
	}
	_, err := dead.Remove(t.Context(), connectors.Subject{PlatformID: b.SelfID()})
	dead.kind("remove", err, connectors.KindTransient)
	_, err = dead.members()
	dead.kind("list", err, connectors.KindTransient)
}

func revoked(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	all := changes(b)
	b.RevokeToken()
	b.refusesAll(all, connectors.KindToken)
	_, err := b.Check(t.Context())
	b.kind("check", err, connectors.KindToken)
}

func forbidden(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	all := changes(b)
	b.Demote()
	b.Settle()
	b.refusesAll(all, connectors.KindForbidden)
}

func (b *bench) refusesAll(all []change, want connectors.Kind) {
	b.t.Helper()
	before := b.Truth()
	_, err := b.members()
	b.kind("list", err, want)
	_, err = b.Find(b.t.Context(), connectors.Subject{Email: "dana@example.org"})
	b.kind("find", err, want)
	for _, c := range all {
		b.kind(string(c.op), c.run(b), want)
	}
	if !slices.Equal(before, b.Truth()) {
		b.t.Errorf("something changed")
	}
}

func redirected(t *testing.T, h Harness) {
	b := h.start(t, crowd(5)...)
	all := changes(b)
	b.watch.hook(func(int, *http.Request) *http.Response {
		return page(http.StatusTemporaryRedirect, http.Header{"Location": {"https://elsewhere.example/collect"}}, "")
	})
	_, err := b.members()
	b.kind("list", err, connectors.KindMalformed, connectors.KindTransient)
	b.watch.hook(func(_ int, r *http.Request) *http.Response {
		if r.Method == http.MethodGet {
			return nil // what a connector reads before it writes
		}
		return page(http.StatusTemporaryRedirect, http.Header{"Location": {"https://elsewhere.example/collect"}}, "")
	})
	b.kind("invite", all[0].run(b), connectors.KindUnknown)
}

func cancelled(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	gone, stop := context.WithCancel(t.Context())
	stop()
	n, _ := b.watch.counts()
	_, err := b.Invite(gone, []string{"new@example.com"}, bridge.Collaborator)
	if !errors.Is(b.watch.keep(err), context.Canceled) || b.person("new@example.com") != nil {
		t.Errorf("invite without a context: %v", err)
	}
	for _, err := range b.Members(gone, nil) {
		if !errors.Is(b.watch.keep(err), context.Canceled) {
			t.Errorf("list without a context: %v", err)
		}
	}
	if now, _ := b.watch.counts(); now != n {
		t.Errorf("%d requests left without a context", now-n)
	}

	began := time.Now()
	b.Break(Fault{Op: List, Break: Slow, Times: -1})
	soon, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	var last error
	for _, err := range b.Members(soon, nil) {
		last = err
	}
	if !errors.Is(b.watch.keep(last), context.DeadlineExceeded) {
		t.Errorf("a listing cut off: %v", last)
	}
	b.Mend()
	b.Break(Fault{Op: Invite, Break: Slow})
	soon, stop = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	_, err = b.Invite(soon, []string{"new@example.com"}, bridge.Collaborator)
	b.kind("an invitation cut off", err, connectors.KindUnknown)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("cutting off took %v", took)
	}
}

func budgetPaused(t *testing.T, h Harness) {
	budget := connectors.NewBudget(connectors.Window{Name: "minute", Per: time.Minute, Limit: 600})
	b := h.startWith(t, crowd(5), func(c *connectors.Config) { c.Budget = budget })
	b.everyone()
	budget.PauseUntil(time.Now().Add(time.Hour))
	n, _ := b.watch.counts()
	_, err := b.members()
	b.comesBack("list", err)
	_, err = b.Invite(t.Context(), []string{"new@example.com"}, bridge.Collaborator)
	b.comesBack("invite", err)
	if now, _ := b.watch.counts(); now != n {
		t.Errorf("%d requests left while the budget rests", now-n)
	}
	if levels, until := budget.Levels(); levels[0].Left != 600-n || until.IsZero() {
		t.Errorf("after %d requests the budget shows %+v, paused until %v", n, levels, until)
	}
}

func concurrent(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	p := b.person(member(5, "").Email)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			_, err := b.Invite(t.Context(), []string{fmt.Sprintf("at.once%d@example.com", i)}, bridge.Collaborator)
			if b.watch.keep(err) != nil {
				t.Errorf("invite: %v", err)
			}
		})
		wg.Go(func() {
			if _, err := b.Find(t.Context(), connectors.Subject{Email: "dana@example.org"}); b.watch.keep(err) != nil {
				t.Errorf("find: %v", err)
			}
		})
	}
	wg.Go(func() {
		_, err := b.SetRole(t.Context(), connectors.Subject{PlatformID: p.PlatformID}, bridge.Owner)
		if b.watch.keep(err) != nil {
			t.Errorf("set role: %v", err)
		}
	})
	wg.Wait()
	b.Settle()
	for i := range 6 {
		if b.person(fmt.Sprintf("at.once%d@example.com", i)) == nil {
			t.Errorf("invitation %d is lost", i)
		}
	}
	if got := b.person(p.Email); got.Role != bridge.Owner {
		t.Errorf("the raise is lost: %+v", got)
	}
	if n := len(b.everyone()); n != len(b.Truth()) {
		t.Errorf("%d rows of %d", n, len(b.Truth()))
	}
}
