package connectortest

import (
	"fmt"
	"slices"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
)

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
		if p == nil || p.Presence != b.fresh() || p.Role != role || b.Sent(email) != b.mails() {
			t.Fatalf("after the yes, %s is %+v with %d e-mails", email, p, b.Sent(email))
		}
		b.Settle()
		got := b.find(connectors.Subject{Email: email})
		if !slices.ContainsFunc(got, func(s bridge.Seen) bool { return s.Presence == b.fresh() && s.Role == role }) {
			t.Errorf("the invitation of %s is found as %+v", email, got)
		}
		if !b.Traits().NoInvitations {
			b.must("accept", b.Accept(email))
			b.Settle()
		}
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
	if _, writes := b.watch.counts(); writes != h.writes(Invite) {
		t.Errorf("a batch took %d writes", writes)
	}
	_, err = b.Invite(t.Context(), append(emails, "one.more@example.com"), bridge.Collaborator)
	b.kind("a batch too large", err, connectors.KindRefused)
	if _, writes := b.watch.counts(); writes != h.writes(Invite) || b.person("one.more@example.com") != nil {
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
	if p := b.person(email); p == nil || p.Presence != b.fresh() || b.Sent(email) != b.mails() {
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
	if b.Traits().NoInvitations { // dora is a member, and whoever cancels does not mean to remove one
		b.kind("cancel", err, connectors.KindNotFound)
		if b.person("dora@example.org") == nil {
			t.Errorf("cancelling removed a member")
		}
		return
	}
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
	if !b.Traits().NoInvitations {
		b.must("accept", b.Accept("zoe@example.net"))
		b.Settle()
	}
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
