package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/storage"
)

const anAdAccount = "act_202020202020202"

// withAccount gives the journey's portfolio an ad account, before it is connected.
func (j *journey) withAccount() {
	j.t.Helper()
	w := j.meta.World()
	w.Businesses[0].AdAccounts = []metasim.Asset{{ID: anAdAccount, Name: "Oak Ads"}}
	j.ok(j.meta.Reset(w))
}

// foreignDeed is another admin doing something to someone that the platform logs.
func (j *journey) foreignDeed(email string) {
	j.t.Helper()
	if j.platform() == "tiktok" {
		j.foreignRole(email, bridge.Owner)
		return
	}
	j.ok(j.meta.Assign(metasim.Deed{Business: metaBiz, By: chiefs[0], Asset: anAdAccount, User: email, Tasks: []string{"MANAGE"}}))
}

// changes are what `adbridge hub changes` shows.
func (j *journey) changes(args ...string) (v changesView) {
	j.t.Helper()
	j.must(&v, append([]string{"hub", "changes", "h"}, args...)...)
	return v
}

// loggedEvents are the lines of the platform's log in the audit trail.
func (j *journey) loggedEvents() (events []audit.Event) {
	j.t.Helper()
	j.ok(j.app.DB.Read(j.t.Context(), func(tx *storage.Tx) error {
		for e, err := range tx.Events(j.t.Context(), storage.EventFilter{Action: audit.PlatformLogged}) {
			if err != nil {
				return err
			}
			events = append(events, e)
		}
		return nil
	}))
	return events
}

// TestWhoDidItOnThePlatformIsTold: another admin changes something behind our
// back; the log that the platform keeps says who, in the list, on the person's
// explanation and in the audit trail; and a second reading adds nothing.
func TestWhoDidItOnThePlatformIsTold(t *testing.T) {
	onBoth(t, company(), func(t *testing.T, j *journey) {
		ana, ben := "ana@"+lumen, "ben@"+lumen
		j.withAccount()
		j.hub("full")
		j.rule("Ads", "collaborator")
		j.onboard("Ads", ana, ben)
		j.is(ana, bridge.Collaborator)
		if v := j.changes(); !v.Reading.TriedAt.IsZero() || len(v.Changes) != 0 || v.Holds == "" {
			t.Fatalf("before any reading: %+v", v)
		}
		j.foreignDeed(ana)
		j.pull()
		if j.platform() == "tiktok" {
			j.planned(ana, bridge.NeedsPerson, bridge.DriftRaised)
		}

		v := j.changes("--now")
		i := slices.IndexFunc(v.Changes, func(c bridge.PlatformChange) bool {
			return strings.Contains(strings.ToLower(c.Text), "ana") && slices.Contains([]string{nameOf(chiefs[0]), nameOf(chiefs[1])}, c.ActorName)
		})
		if i < 0 || v.Reading.Error != "" || v.Reading.Added != len(v.Changes) {
			t.Fatalf("nobody is told to have done it: %+v", v)
		}
		deed := v.Changes[i]
		if j.platform() == "tiktok" && (deed.MemberID == "" || deed.Kind != "USER") || deed.ActorID == "" || deed.At.IsZero() {
			t.Errorf("%+v", deed)
		}

		// The list by person, the words, and the explanation.
		if of := j.changes("--person", ana); !slices.ContainsFunc(of.Changes, func(c bridge.PlatformChange) bool { return c.ID == deed.ID }) {
			t.Errorf("the lines about %s: %+v", ana, of.Changes)
		}
		if of := j.changes("--person", strangers[0]); len(of.Changes) != 0 {
			t.Errorf("the lines about a stranger: %+v", of.Changes)
		}
		if of := j.changes("--since", "2099-01-01"); len(of.Changes) != 0 {
			t.Errorf("the lines of the next century: %+v", of.Changes)
		}
		text, errs, _ := j.adbridge("hub", "changes", "h")
		if !strings.Contains(text, deed.ActorName) || !strings.Contains(text, "was read on") {
			t.Errorf("%s%s", text, errs)
		}
		text, errs, _ = j.adbridge("explain", ana)
		if want := "the platform's log: " + deed.ActorName + " – "; !strings.Contains(text, want) || !strings.Contains(text, "What the platform's own log says") {
			t.Errorf("%q is not in\n%s%s", want, text, errs)
		}

		// A second reading adds nothing, and each line is one event.
		again := j.changes("--now")
		if again.Reading.Added != 0 || len(again.Changes) != len(v.Changes) {
			t.Errorf("the second reading added %d lines", again.Reading.Added)
		}
		events := j.loggedEvents()
		if len(events) != len(v.Changes) {
			t.Fatalf("%d events of %d lines", len(events), len(v.Changes))
		}
		for _, e := range events {
			if e.Actor != "platform:"+j.platform() || e.Hub == "" || e.Detail["text"] == "" || e.Detail["logged_at"] == nil || e.Subject == "" {
				t.Errorf("%+v", e)
			}
		}
		// Nothing is decided by it.
		if j.platform() == "tiktok" {
			j.planned(ana, bridge.NeedsPerson, bridge.DriftRaised)
			j.is(ana, bridge.Owner)
		}
	})
}

// TestALogThatNamesNobodyIsToldAsMaybe: how TikTok words its lines is not
// documented, and an admin finds the one who did it all the same.
func TestALogThatNamesNobodyIsToldAsMaybe(t *testing.T) {
	t.Parallel()
	j := newJourney(t, "tiktok", company())
	j.ok(j.tiktok.SetSwitches(tiktoksim.Switches{Masking: "none", ActivityText: "bare"}))
	j.hub("full")
	j.rule("Ads", "collaborator")
	j.onboard("Ads", "ana@"+lumen)
	j.pull()
	j.foreignDeed("ana@" + lumen)
	j.pull()
	j.changes("--now")
	text, errs, _ := j.adbridge("explain", "ana@"+lumen)
	if !strings.Contains(text, "maybe about active as Collaborator, then active as Owner: the platform's log: ") {
		t.Errorf("%s%s", text, errs)
	}
}

// TestALogThatMayNotBeReadStopsNothing: the pull is complete, the command says
// what is missing, the doctor has it as a finding, and nothing is alarmed.
func TestALogThatMayNotBeReadStopsNothing(t *testing.T) {
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.withAccount()
		if j.platform() == "tiktok" {
			j.ok(j.tiktok.SetScopes(ttToken, slices.DeleteFunc(tiktoksim.PeopleScopes(), func(s int64) bool { return s == tiktoksim.ScopeChangeLog })...))
		} else {
			w := j.meta.World()
			w.Tokens[0].Scopes = []string{"business_management", "pages_show_list", "pages_read_engagement"}
			j.ok(j.meta.Reset(w))
		}
		j.hub("full")
		j.rule("Ads", "collaborator")
		j.onboard("Ads", "ana@"+lumen)
		j.is("ana@"+lumen, bridge.Collaborator)

		out, errs, code := j.adbridge("hub", "changes", "h", "--now", "--json")
		var v changesView
		if err := json.Unmarshal([]byte(out), &v); err != nil || code != exitError || v.Reading.Reason != bridge.PlatformLogUnread || v.Reading.Error == "" || !v.Reading.RetryAt.IsZero() {
			t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
		}
		j.pull() // complete
		if hub := j.state(); hub.Halt != nil {
			t.Errorf("the hub stopped: %+v", hub.Halt)
		}
		var look bridge.Preflight
		j.must(&look, "hub", "doctor", "h")
		need := map[string]string{"tiktok": "scope-change-log", "meta": "scope-history"}[j.platform()]
		if p := precondition(t, look, need); p.State != bridge.Missing || p.Reason != bridge.PlatformLogUnread || p.Next == "" {
			t.Errorf("%+v", p)
		}
		plan, _ := j.plan()
		if slices.ContainsFunc(plan.Alarms, func(a bridge.Alarm) bool { return a.Reason == bridge.PlatformLogUnread }) {
			t.Errorf("every plan alarms it: %v", plan.Alarms)
		}
		if text, _, _ := j.adbridge("explain", "ana@"+lumen); !strings.Contains(text, "the platform's log could not be read") || !strings.Contains(text, string(bridge.PlatformLogUnread)) {
			t.Errorf("the explanation does not say so:\n%s", text)
		}
	})
}

// TestAReadingThatBreaksOffIsGoneOnWith: what came is kept, it is tried again
// within the hour, and in the end each line is there once.
func TestAReadingThatBreaksOffIsGoneOnWith(t *testing.T) {
	t.Parallel()
	j := newJourney(t, "tiktok", company())
	j.hub("observe")
	j.tiktok.Advance(-70 * time.Second) // the log tells lines apart by the second
	for i := range 70 {                 // a page holds 50
		j.tiktok.Advance(time.Second)
		j.foreignRole(strangers[0], []bridge.Role{bridge.Owner, bridge.Collaborator}[i%2])
	}
	j.tiktok.Faults.Add(tiktoksim.Fault{Op: "changelog/get", Skip: 1, Times: 20, Kind: tiktoksim.HTTPStatus, Status: 502})
	out, errs, code := j.adbridge("hub", "changes", "h", "--now", "--json", "--limit", "1000")
	var v changesView
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != exitError || v.Reading.Error == "" || !v.Reading.ReadTo.IsZero() || len(v.Changes) != 50 {
		t.Fatalf("exit code %d, %v, %d lines\n%s", code, err, len(v.Changes), errs)
	}
	if wait := v.Reading.RetryAt.Sub(v.Reading.TriedAt); wait != time.Hour {
		t.Errorf("tried again after %s", wait)
	}
	j.tiktok.Faults.Clear()
	v = j.changes("--now", "--limit", "1000")
	lines := map[string]int{}
	for _, c := range v.Changes {
		lines[fmt.Sprint(c.At, c.Text)]++
	}
	if len(v.Changes) != 70 || len(lines) != 70 || v.Reading.Added != 20 || v.Reading.ReadTo.IsZero() {
		t.Errorf("%d lines, %d of them different, %d new: %+v", len(v.Changes), len(lines), v.Reading.Added, v.Reading)
	}
}

// TestASlowLogHoldsUpNothing: a leaver is removed and a pull completes while the
// log does not answer; and a server that stops meanwhile reads it again later.
func TestASlowLogHoldsUpNothing(t *testing.T) {
	t.Parallel()
	j := newJourney(t, "tiktok", company())
	j.hub("full")
	j.rule("Ads", "collaborator")
	j.onboard("Ads", "ana@"+lumen)
	j.tiktok.ResetRequests()
	j.tiktok.Faults.Add(tiktoksim.Fault{Op: "changelog/get", Times: 100, Kind: tiktoksim.SlowBefore, Delay: time.Minute})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	type outcome struct {
		reading bridge.LogReading
		err     error
	}
	ended := make(chan outcome, 1)
	hub := j.state().ID
	go func() {
		r, err := j.app.Importer.Import(ctx, hub)
		ended <- outcome{r, err}
	}()
	j.deactivate("ana@" + lumen)
	j.quiet()
	j.is("ana@"+lumen, bridge.NoRole)
	j.pull()
	select {
	case o := <-ended:
		t.Fatalf("the log was read before: %+v", o)
	default:
	}
	stop()
	o := <-ended
	if o.err != nil || o.reading.Error != "" || !o.reading.ReadTo.IsZero() || !o.reading.RetryAt.Equal(o.reading.TriedAt) {
		t.Errorf("%+v", o)
	}
	j.tiktok.Faults.Clear()
	j.ok(j.app.Importer.ImportDue(t.Context()))
	if v := j.changes(); v.Reading.ReadTo.IsZero() || len(v.Changes) == 0 {
		t.Errorf("%+v", v)
	}
}

// TestALineThatShowsLateIsNotMissed: how soon a log shows a change is not
// documented, so each reading goes back a day before the last.
func TestALineThatShowsLateIsNotMissed(t *testing.T) {
	t.Parallel()
	j := newJourney(t, "tiktok", company())
	j.ok(j.tiktok.SetSwitches(tiktoksim.Switches{Masking: "none", ChangelogDelay: time.Hour}))
	j.hub("observe")
	j.foreignDeed(strangers[0])
	if v := j.changes("--now"); v.Reading.Added != 0 || v.Reading.ReadTo.IsZero() {
		t.Fatalf("%+v", v)
	}
	j.tiktok.Advance(2 * time.Hour)
	v := j.changes("--now")
	if v.Reading.Added != 1 || len(v.Changes) != 1 || !v.Changes[0].At.Before(v.Reading.TriedAt) {
		t.Errorf("%+v", v)
	}
}

// TestTheLogsOfTheAdAccountsThatRulesNameAreRead, and those of no others.
func TestTheLogsOfTheAdAccountsThatRulesNameAreRead(t *testing.T) {
	t.Parallel()
	j := newJourney(t, "meta", company())
	w := j.meta.World()
	other := "act_303030303030303"
	w.Businesses[0].AdAccounts = []metasim.Asset{{ID: anAdAccount, Name: "Oak Ads"}, {ID: other, Name: "Oak Old Ads"}}
	j.ok(j.meta.Reset(w))
	j.hub("observe")
	for _, account := range []string{anAdAccount, other} {
		j.ok(j.meta.Assign(metasim.Deed{Business: metaBiz, By: chiefs[0], Asset: account, User: strangers[0], Tasks: []string{"ANALYZE"}}))
	}
	if v := j.changes("--now"); len(v.Changes) != 2 {
		t.Fatalf("without a rule: %+v", v.Changes)
	}
	j.must(nil, "rule", "add", "--group", "Ads", "--hub", "h", "--role", "collaborator", "--asset", "ad_account:"+strings.TrimPrefix(anAdAccount, "act_")+"=analyze")
	j.quiet()
	j.meta.ResetRequests()
	j.changes("--now")
	var read []string
	for _, r := range j.meta.Requests() {
		if r.Op == "GET activities" {
			read = append(read, r.Path)
		}
	}
	if len(read) != 1 || !strings.Contains(read[0], anAdAccount) {
		t.Errorf("read: %v", read)
	}
}

// TestAnAccountWhoseLogCannotBeReadIsWaitedFor: the next reading goes back to
// where its lines are missing, and takes in none of the others' again.
func TestAnAccountWhoseLogCannotBeReadIsWaitedFor(t *testing.T) {
	t.Parallel()
	j := newJourney(t, "meta", company())
	w := j.meta.World()
	w.Businesses[0].AdAccounts = []metasim.Asset{{ID: anAdAccount, Name: "Oak Ads"}, {ID: "act_303030303030303", Name: "Oak Old Ads"}}
	j.ok(j.meta.Reset(w))
	j.hub("observe")
	for _, account := range []string{anAdAccount, "act_303030303030303"} {
		j.ok(j.meta.Assign(metasim.Deed{Business: metaBiz, By: chiefs[0], Asset: account, User: strangers[0], Tasks: []string{"ANALYZE"}}))
	}
	j.meta.Faults.Add(metasim.Fault{Op: "GET activities", Skip: 1, Times: 1, Kind: metasim.FaultError,
		Error: &metasim.GraphError{Message: "(#200) Permissions error", Type: "OAuthException", Code: 200}})
	v := j.changes("--now")
	if len(v.Changes) != 1 || len(v.Reading.Missed) != 1 || time.Since(v.Reading.ReadTo) < 6*24*time.Hour {
		t.Fatalf("%d lines, %+v", len(v.Changes), v.Reading)
	}
	if v = j.changes("--now"); len(v.Changes) != 2 || v.Reading.Added != 1 || len(v.Reading.Missed) != 0 || time.Since(v.Reading.ReadTo) > time.Hour {
		t.Errorf("%d lines, %+v", len(v.Changes), v.Reading)
	}
}

// TestLogsAreReadAfterPullsByOneServer: some minutes after a complete pull, once,
// and not of a hub that is paused.
func TestLogsAreReadAfterPullsByOneServer(t *testing.T) {
	t.Parallel()
	j := newJourney(t, "tiktok", company())
	j.hub("observe")
	j.foreignRole(strangers[0], bridge.Owner)
	j.pull()
	j.tiktok.ResetRequests()
	ahead := time.Duration(0)
	later, err := storage.Open(t.Context(), storage.Options{URL: j.db, Key: j.app.keys, Now: func() time.Time { return time.Now().Add(ahead) }})
	j.ok(err)
	defer later.Close()
	one := reconcile.Importer{DB: later, Dial: j.app.Dial, Log: zerolog.Nop()}
	reads := func() (n int) {
		t.Helper()
		j.ok(one.ImportDue(t.Context()))
		for _, r := range j.tiktok.Requests() {
			if r.Op == "changelog/get" {
				n++
			}
		}
		return n
	}
	if n := reads(); n != 0 {
		t.Fatalf("%d reads at once after the pull, before what follows from it", n)
	}
	j.must(nil, "hub", "pause", "h", "--reason", "holidays")
	ahead = 10 * time.Minute
	if n := reads(); n != 0 {
		t.Fatalf("%d reads of a paused hub", n)
	}
	j.must(nil, "hub", "resume", "h")
	if n := reads(); n != 1 {
		t.Fatalf("%d reads after a pull", n)
	}
	if n := reads(); n != 1 {
		t.Fatalf("%d reads after one pull", n)
	}
	if events := j.loggedEvents(); len(events) != 1 {
		t.Errorf("%d lines", len(events))
	}
}

// TestThePartnersLogIsNoneOfOurs: what happens in the business of a partner
// stays there, whoever asks.
func TestThePartnersLogIsNoneOfOurs(t *testing.T) {
	t.Parallel()
	app, _, _ := newHandler(t, Config{})
	partner := bridge.Hub{ID: "theirs", Slug: "theirs", Platform: bridge.TikTok, BusinessID: "2", PartnerOf: "ours", Mode: bridge.ModeObserve, Settings: bridge.DefaultSettings()}
	err := app.DB.Write(t.Context(), func(tx *storage.Tx) error {
		ours := bridge.Hub{ID: "ours", Slug: "ours", Platform: bridge.TikTok, BusinessID: "1", Mode: bridge.ModeObserve, Settings: bridge.DefaultSettings()}
		if err := tx.CreateHub(t.Context(), ours, storage.Credentials{}); err != nil {
			return err
		}
		if err := tx.CreateHub(t.Context(), partner, storage.Credentials{}); err != nil {
			return err
		}
		p := bridge.Pull{ID: "p", HubID: partner.ID, StartedAt: tx.Now().Add(-time.Hour), Complete: true}
		if err := tx.StartPull(t.Context(), p); err != nil {
			return err
		}
		p.EndedAt = p.StartedAt.Add(time.Minute)
		return tx.EndPull(t.Context(), p)
	})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	i := reconcile.Importer{DB: app.DB, Log: zerolog.Nop(), Dial: func(context.Context, string, func(connectors.Call)) (connectors.Connector, error) {
		asked++
		return nil, errors.New("asked")
	}}
	if err := i.ImportDue(t.Context()); err != nil || asked != 0 {
		t.Errorf("asked %d times, %v", asked, err)
	}
	if _, err := i.Import(t.Context(), partner.ID); err == nil || !strings.Contains(err.Error(), "its log is not read") || asked != 0 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}

// TestOldLinesOfPlatformLogsAreForgotten: after more than a year, and long
// after any reading goes back so far; the events stay.
func TestOldLinesOfPlatformLogsAreForgotten(t *testing.T) {
	t.Parallel()
	app, _, _ := newHandler(t, Config{})
	now := time.Now().UTC()
	j := storage.PlatformChangeFilter{HubID: "h"}
	err := app.DB.Write(t.Context(), func(tx *storage.Tx) error {
		if err := tx.CreateHub(t.Context(), bridge.Hub{ID: "h", Slug: "h", Platform: bridge.TikTok, BusinessID: "1", Mode: bridge.ModeObserve, Settings: bridge.DefaultSettings()}, storage.Credentials{}); err != nil {
			return err
		}
		for i := range 450 {
			if _, err := tx.AddPlatformChanges(t.Context(), bridge.PlatformChange{HubID: "h", At: now.Add(-time.Duration(i) * 24 * time.Hour), Text: "x"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := purgeOnce(t.Context(), app.DB, 0, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		err := app.DB.Read(t.Context(), func(tx *storage.Tx) error {
			list, err := tx.PlatformChanges(t.Context(), j)
			if len(list) != 400 {
				t.Errorf("%d lines are kept", len(list))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
