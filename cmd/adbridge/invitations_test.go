package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/storage"
)

// expire lets an open invitation run out on the platform.
func (j *journey) expire(email string) {
	j.t.Helper()
	if j.platform() == "tiktok" {
		// A lapsed row that stays looks like an open one, and becomes a finding by its age.
		j.ok(j.tiktok.SetSwitches(tiktoksim.Switches{Masking: "none", ExpiredRow: "goes"}))
		j.ok(j.tiktok.Expire(bcEU, email))
	} else {
		j.ok(j.meta.Expire(metaBiz, email))
	}
}

// later moves everything that is known of the hub's invitations back in time,
// which is what a wait looks like to the plan.
func (j *journey) later(by time.Duration) {
	j.t.Helper()
	ctx := context.Background()
	j.ok(j.app.DB.Write(ctx, func(tx *storage.Tx) error {
		hub, err := tx.Hub(ctx, "h")
		if err != nil {
			return err
		}
		list, err := tx.Invitations(ctx, hub.ID)
		if err != nil {
			return err
		}
		for i := range list {
			for _, at := range []*time.Time{&list[i].SentAt, &list[i].SeenAt, &list[i].EndedAt, &list[i].NextTry} {
				if !at.IsZero() {
					*at = at.Add(-by)
				}
			}
		}
		if err := tx.PutInvitations(ctx, list); err != nil {
			return err
		}
		return tx.MarkDirty(ctx, hub.ID)
	}))
	j.quiet()
}

// TestLapsedInvitationIsRepeatedThreeTimesAndThenAPersonDecides: the pauses grow,
// the attempts end, and one approval is one more invitation.
func TestLapsedInvitationIsRepeatedThreeTimesAndThenAPersonDecides(t *testing.T) {
	who := "ida.spaet@" + lumen
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.withInvited(who)
		for n, pause := range []time.Duration{26 * time.Hour, 74 * time.Hour} {
			j.expire(who)
			j.pull()
			j.planned(who, bridge.Waiting, bridge.InviteBackoff)
			if got := j.sent(who); got != n+1 {
				t.Fatalf("%d invitations before the pause of attempt %d", got, n+1)
			}
			j.later(pause - 4*time.Hour)
			j.planned(who, bridge.Waiting, bridge.InviteBackoff)
			j.later(4 * time.Hour)
			j.invited(who, bridge.Collaborator)
			if got := j.sent(who); got != n+2 {
				t.Fatalf("%d invitations after %s", got, pause)
			}
		}
		j.expire(who)
		for range 3 {
			j.pull()
			j.later(30 * 24 * time.Hour)
		}
		if got := j.sent(who); got != 3 {
			t.Fatalf("%d invitations, invite-attempts is 3", got)
		}
		j.planned(who, bridge.NeedsPerson, bridge.InviteAttempts)
		var none []invitationView
		j.must(&none, "invitations", "h")
		if len(none) != 1 || !none[0].State.Lapsed() || none[0].Attempt != 3 {
			t.Errorf("the list of invitations that came to nothing: %+v", none)
		}
		j.must(nil, "approve", "h", j.row(who).Key, "--reason", "she asks for it")
		j.quiet()
		j.invited(who, bridge.Collaborator)
		j.accept(who)
		j.is(who, bridge.Collaborator)
		j.planned(who, bridge.Fine, "")
		if got := j.sent(who); got != 4 {
			t.Errorf("%d invitations after one approval", got)
		}
	})
}

// TestInvitationThatNobodyAnswersBecomesAFinding: it is listed as stale, it is
// no access, and the role that was wanted meanwhile is there on acceptance.
func TestInvitationThatNobodyAnswersBecomesAFinding(t *testing.T) {
	who := "jan.langsam@" + lumen
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.opens()
		j.rule("Leads", "owner")
		j.people(who)
		j.group("Staff", who)
		j.quiet()
		j.pull()
		out, errs, code := j.here(nil, "invitations", "--stale")
		if code != exitDone {
			t.Fatalf("a young invitation: exit code %d\n%s%s", code, out, errs)
		}
		j.later(20 * 24 * time.Hour)
		j.planned(who, bridge.Waiting, bridge.InviteStale)
		if out, _, code = j.here(nil, "invitations", "--stale"); code != exitChanges {
			t.Errorf("an invitation of 20 days: exit code %d\n%s", code, out)
		}
		plan, _ := j.plan()
		for _, r := range plan.Rows {
			if r.Email == who && r.Presence == bridge.Active {
				t.Errorf("the open invitation counts as access: %+v", r)
			}
		}
		j.group("Leads", who)
		j.quiet()
		j.accept(who)
		j.quiet()
		j.is(who, bridge.Owner)
		j.pull()
		j.planned(who, bridge.Fine, "")
		if again := j.repeats(); len(again) > 0 {
			t.Errorf("invited while invited: %v", again)
		}
	})
}

// TestAcceptanceUnderAnotherAddressIsNoStranger: the account is recognised by
// the invitation where the platform numbers them, or a person is asked; nobody
// is invited twice, and nobody is removed for it.
func TestAcceptanceUnderAnotherAddressIsNoStranger(t *testing.T) {
	who, private := "kai.privat@"+lumen, "kai@home.example"
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.withInvited(who)
		j.pull()
		if j.platform() == "tiktok" {
			_, err := j.tiktok.Accept(bcEU, who, tiktoksim.AcceptAs{Email: private, Name: "Kai P"})
			j.ok(err)
		} else {
			_, err := j.meta.Accept(metaBiz, who, metasim.AcceptAs{Email: private, Name: "Kai P"})
			j.ok(err)
		}
		j.pull()
		j.pull()
		if got := j.sent(who); got != 1 {
			t.Errorf("%d invitations", got)
		}
		j.is(private, bridge.Collaborator)
		if r := j.row(who); r.Verdict == bridge.Fine {
			return // recognised
		}
		// Not recognised for sure: the account is a suggestion, and an alias settles it.
		j.must(nil, "alias", "add", who, private, "--reason", "she told us")
		j.quiet()
		j.pull()
		j.planned(who, bridge.Fine, "")
		j.is(private, bridge.Collaborator)
	})
}

// TestAcceptanceUnderAnotherAddressBeforeAnyReadingIsNoStranger: the invitation
// was never seen open, so its number is not known. Meta still tells where it was
// sent, and who leaves does not keep the access.
func TestAcceptanceUnderAnotherAddressBeforeAnyReadingIsNoStranger(t *testing.T) {
	t.Parallel()
	who, private, stays := "mia.schnell@"+lumen, "mia@home.example", "nora.bleibt@"+lumen
	j := newJourney(t, "meta", company())
	j.hub("full", "propagation-delay=10m") // the reading back is still to come
	j.rule("Staff", "collaborator")
	j.people(who, stays)
	j.group("Staff", who, stays)
	j.quiet()
	_, err := j.meta.Accept(metaBiz, who, metasim.AcceptAs{Email: private, Name: "M. S."})
	j.ok(err)
	j.set("propagation-delay=0s")
	j.pull()
	j.planned(who, bridge.Fine, "")
	j.leave("Staff", who)
	j.quiet()
	if role, invited := j.shown(private); role != bridge.NoRole || invited {
		t.Errorf("who left is %s still (invited: %t)", role.Word(), invited)
	}
	if got := j.sent(who); got != 1 {
		t.Errorf("%d invitations", got)
	}
}

// TestAnInvitationIsToldWhole: from the yes of the platform to the acceptance,
// for whoever looks at the list, and for the person themselves.
func TestAnInvitationIsToldWhole(t *testing.T) {
	ida, jan := "ida.neu@"+lumen, "jan.neu@"+lumen
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.withInvited(ida, jan)
		of := func(args ...string) invitationView {
			t.Helper()
			var list []invitationView
			j.must(&list, append([]string{"invitations", "h", "--person", ida}, args...)...)
			if len(list) != 1 {
				t.Fatalf("%v: %+v", args, list)
			}
			return list[0]
		}
		platform := bridge.Platform(j.platform()).Word()
		v := of()
		if v.State != bridge.InvitationSent && v.State != bridge.InvitationPending || v.Email != ida || v.UserName != ida || v.Role != bridge.Collaborator ||
			v.Attempt != 1 || v.Attempts != 3 || v.SentAt.IsZero() || !strings.HasPrefix(v.Tell, "Accept the e-mail from "+platform+" that was sent to "+ida) {
			t.Errorf("just sent: %+v", v)
		}
		j.pull()
		if v = of(); v.State != bridge.InvitationPending || v.SeenAt.IsZero() || v.Stale || strings.Contains(v.Tell, "can be accepted until") == (j.platform() == "tiktok") {
			t.Errorf("seen: %+v", v)
		}
		j.expire(ida)
		j.pull()
		if v = of(); !v.State.Lapsed() || v.EndedAt.IsZero() || v.NextTry.IsZero() || !strings.Contains(v.Tell, "Another comes after") {
			t.Errorf("lapsed: %+v", v)
		}
		out, errs, code := j.adbridge("invitations", "h")
		for _, want := range []string{"TELL-THE-PERSON", "1/3", ida, jan, "Another comes after", "Accept the e-mail from " + platform} {
			if code != exitDone || !strings.Contains(out, want) {
				t.Errorf("exit code %d, %q is not in\n%s%s", code, want, out, errs)
			}
		}
		if out, _, _ := j.adbridge("explain", ida); !strings.Contains(out, "seen pending on") || !strings.Contains(out, "tell the person: The invitation sent to "+ida) {
			t.Errorf("the explanation:\n%s", out)
		}
		j.accept(jan)
		var all []invitationView
		j.must(&all, "invitations", "--all", "--person", jan)
		if len(all) != 1 || all[0].State != bridge.InvitationAccepted || !strings.HasPrefix(all[0].Tell, "You have accepted") {
			t.Errorf("accepted: %+v", all)
		}
	})
}
