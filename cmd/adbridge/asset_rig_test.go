package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/storage"
)

// Two ad accounts stand on each hub: the rules name the first, nobody the second.
var (
	ttAccounts = []string{"7216184256936150001", "7216184256936150002"}
	fbAccounts = []string{"23842000000001", "23842000000002"}
)

// assetJourney is a journey on a hub that has ad accounts.
type assetJourney struct {
	*journey
	one, other bridge.Asset
	less, more []string // roles on an ad account, in the platform's words
	all        []string // as another admin may give them
}

// assetsOnBoth runs a journey with ad accounts on each platform, at the same time.
func assetsOnBoth(t *testing.T, there []seat, f func(t *testing.T, j *assetJourney)) {
	t.Parallel()
	for _, platform := range []string{"tiktok", "meta"} {
		t.Run(platform, func(t *testing.T) {
			t.Parallel()
			f(t, withAccounts(newJourney(t, platform, there), there))
		})
	}
}

// withAccounts puts the ad accounts on both platforms, before a hub is connected.
func withAccounts(j *journey, there []seat) *assetJourney {
	j.t.Helper()
	tt, fb := ttWorldOf(there), fbWorldOf(there)
	for i, id := range ttAccounts {
		tt.BusinessCenters[0].Assets = append(tt.BusinessCenters[0].Assets, tiktoksim.Asset{AssetType: "ADVERTISER", AssetID: id, Name: fmt.Sprintf("Account %d", i+1)})
		fb.Businesses[0].AdAccounts = append(fb.Businesses[0].AdAccounts, metasim.Asset{ID: "act_" + fbAccounts[i], Name: fmt.Sprintf("Account %d", i+1)})
	}
	j.ok(j.tiktok.Reset(tt))
	j.ok(j.meta.Reset(fb))
	a := &assetJourney{journey: j, less: []string{"ANALYST"}, more: []string{"OPERATOR"}, all: []string{"ADMIN"},
		one: bridge.Asset{Kind: "advertiser", ID: ttAccounts[0]}, other: bridge.Asset{Kind: "advertiser", ID: ttAccounts[1]}}
	if j.platform() == "meta" {
		a.less, a.more, a.all = []string{"ANALYZE"}, []string{"ADVERTISE", "ANALYZE"}, []string{"ADVERTISE", "ANALYZE", "MANAGE"}
		a.one, a.other = bridge.Asset{Kind: "ad_account", ID: fbAccounts[0]}, bridge.Asset{Kind: "ad_account", ID: fbAccounts[1]}
	}
	return a
}

// gives adds a rule that also gives access to the first ad account.
func (j *assetJourney) gives(group string, roles ...string) bridge.Rule {
	j.t.Helper()
	r, err := reconcile.AddRule(context.Background(), j.app.DB, bridge.Rule{GroupName: group, Role: bridge.Collaborator,
		Assets: []bridge.AssetAccess{{Asset: j.one, Roles: roles}}}, "h", "test")
	j.ok(err)
	return r
}

// withBuyersRule begins with these people in Staff, who have accepted, and a rule
// that gives Buyers roles on the ad account.
func (j *assetJourney) withBuyersRule(roles []string, staff ...string) {
	j.t.Helper()
	j.opens()
	j.gives("Buyers", roles...)
	j.onboard("Staff", staff...)
}

// access is what someone has on an ad account, by the platform's own books.
func (j *assetJourney) access(email string, asset bridge.Asset) []string {
	j.t.Helper()
	if j.platform() == "meta" {
		roster, err := j.meta.People(metaBiz)
		j.ok(err)
		p, _ := roster.Person(email)
		for _, a := range j.meta.World().Businesses[0].AdAccounts {
			for _, x := range a.Assigned {
				if a.ID == "act_"+asset.ID && x.User == p.ID {
					return slices.Sorted(slices.Values(x.Tasks))
				}
			}
		}
		return nil
	}
	for _, m := range j.tiktok.Members(bcEU) {
		for _, g := range m.Assets {
			if strings.EqualFold(m.Email, email) && g.AssetID == asset.ID {
				return []string{g.AdvertiserRole}
			}
		}
	}
	return nil
}

// has checks someone's access to the first ad account.
func (j *assetJourney) has(email string, roles ...string) {
	j.t.Helper()
	if got := j.access(email, j.one); !slices.Equal(got, roles) {
		j.t.Errorf("%s has %q on the ad account, want %q", email, got, roles)
	}
}

// foreign is someone else giving access, none to take it away.
func (j *assetJourney) foreign(email string, asset bridge.Asset, roles ...string) {
	j.t.Helper()
	switch {
	case j.platform() == "meta":
		j.ok(j.meta.Assign(metasim.Deed{Business: metaBiz, By: chiefs[0], Asset: "act_" + asset.ID, User: email, Tasks: roles}))
	case len(roles) == 0:
		j.ok(j.tiktok.Unassign(bcEU, email, "ADVERTISER", asset.ID))
	default:
		j.ok(j.tiktok.Assign(bcEU, email, tiktoksim.Grant{AssetType: "ADVERTISER", AssetID: asset.ID, AdvertiserRole: roles[0]}))
	}
}

// assetOps are the platforms' names of the calls that give and take access.
func (j *assetJourney) assetOps() (assign, unassign string) {
	if j.platform() == "meta" {
		return "POST assigned_users", "DELETE assigned_users"
	}
	return "bc/asset/assign", "bc/asset/unassign"
}

// assetWrites counts the calls that gave or took access.
func (j *assetJourney) assetWrites() (assigned, unassigned int) {
	assign, unassign := j.assetOps()
	count := func(op string) {
		switch op {
		case assign:
			assigned++
		case unassign:
			unassigned++
		}
	}
	if j.platform() == "meta" {
		for _, r := range j.meta.Requests() {
			count(r.Op)
		}
		return assigned, unassigned
	}
	for _, r := range j.tiktok.Requests() {
		count(r.Op)
	}
	return assigned, unassigned
}

// peopleReads counts the calls that asked who is on the hub and who has access
// to an ad account, and the latter alone. Partners are read beside them.
func (j *assetJourney) peopleReads() (all, ofAssets int) {
	j.t.Helper()
	for _, op := range j.ops() {
		switch op {
		case "bc/member/get", "GET business_users", "GET pending_users", "GET system_users":
			all++
		case "bc/asset/member/get", "GET assigned_users":
			all++
			ofAssets++
		}
	}
	if ofAssets > 2 { // of the one that a rule names, in pages of twenty
		j.t.Errorf("%d calls to read the people of one ad account", ofAssets)
	}
	return all, ofAssets
}

// tripAsset makes the next calls that give or take access go wrong.
func (j *assetJourney) tripAsset(how string, times int) {
	j.t.Helper()
	assign, unassign := j.assetOps()
	for _, op := range []string{assign, unassign} {
		if j.platform() == "meta" {
			f := metasim.Fault{Op: op, Times: times}
			switch how {
			case "reset before":
				f.Kind = metasim.FaultResetBefore
			case "reset after":
				f.Kind = metasim.FaultResetAfter
			case "500 after":
				f.Kind, f.Status, f.After = metasim.FaultHTML, http.StatusInternalServerError, true
			}
			j.meta.Faults.Add(f)
			continue
		}
		f := tiktoksim.Fault{Op: op, Times: times}
		switch how {
		case "reset before":
			f.Kind = tiktoksim.ResetBefore
		case "reset after":
			f.Kind = tiktoksim.ResetAfter
		case "500 after":
			f.Kind, f.Status, f.AfterEffect = tiktoksim.HTTPStatus, http.StatusInternalServerError, true
		}
		j.tiktok.Faults.Add(f)
	}
}

// tripRead makes the reading of an asset's people go wrong.
func (j *assetJourney) tripRead(how string, times int) {
	j.t.Helper()
	if j.platform() == "meta" {
		f := metasim.Fault{Op: "GET assigned_users", Times: max(times, 0), Kind: metasim.FaultHTML, Status: http.StatusBadGateway}
		if how == "throttled" {
			f.Kind, f.Error = metasim.FaultError, &metasim.GraphError{Message: "(#4) Application request limit reached", Type: "OAuthException", Code: 4, Transient: true}
		}
		j.meta.Faults.Add(f)
		return
	}
	f := tiktoksim.Fault{Op: "bc/asset/member/get", Times: times, Kind: tiktoksim.HTTPStatus, Status: http.StatusBadGateway}
	if how == "throttled" {
		f.Kind, f.Code, f.Message = tiktoksim.Envelope, 40100, "Too many requests. Requests made exceed the limit of QPS"
	}
	j.tiktok.Faults.Add(f)
}

// lane is the hub's schedule.
func (j *assetJourney) lane() (lane storage.Lane) {
	j.t.Helper()
	ctx := context.Background()
	j.ok(j.app.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		lane, err = tx.Lane(ctx, j.state().ID)
		return err
	}))
	return lane
}

// step is what the plan says of someone and the first ad account.
func (j *assetJourney) step(email string) bridge.AssetStep {
	j.t.Helper()
	for _, s := range j.row(email).Assets {
		if s.Asset == j.one {
			return s
		}
	}
	return bridge.AssetStep{}
}

// says checks verdict and reason of a person's step.
func (j *assetJourney) says(email string, verdict bridge.Verdict, reason bridge.Code) {
	j.t.Helper()
	if s := j.step(email); s.Verdict != verdict || reason != "" && s.Reason != reason {
		j.t.Errorf("%s: the plan says %s of the ad account (%s, %s), want %s (%s)", email, s.Verdict, s.Reason, s.Detail, verdict, reason)
	}
}

// assetTasks are the tasks for assets that ever were, newest first.
func (j *assetJourney) assetTasks() (tasks []bridge.Task) {
	j.t.Helper()
	ctx := context.Background()
	j.ok(j.app.DB.Read(ctx, func(tx *storage.Tx) error {
		all, err := tx.Tasks(ctx, storage.TaskFilter{})
		for _, t := range all {
			if t.Action == bridge.Assign || t.Action == bridge.Unassign {
				tasks = append(tasks, t)
			}
		}
		return err
	}))
	return tasks
}

// onlyRule is the id of the hub's one rule.
func (j *assetJourney) onlyRule() (id string) {
	j.t.Helper()
	ctx := context.Background()
	j.ok(j.app.DB.Read(ctx, func(tx *storage.Tx) error {
		rules, err := tx.Rules(ctx, "")
		if err == nil && len(rules) == 1 {
			id = rules[0].ID
		}
		return err
	}))
	if id == "" {
		j.t.Fatal("there is not one rule")
	}
	return id
}

// until waits for something that lanes bring about.
func (j *assetJourney) until(what string, so func() bool) {
	j.t.Helper()
	until(j.t, 45*time.Second, what, func() (bool, string) { return so(), fmt.Sprintf("%+v", j.assetTasks()) })
	j.quiet()
}

// text is what a command says; that changes are pending is no failure.
func (j *assetJourney) text(args ...string) string {
	j.t.Helper()
	out, errs, code := j.adbridge(args...)
	if code != exitDone && code != exitChanges && code != exitHeld {
		j.t.Fatalf("adbridge %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// ops are the calls that the platform has seen.
func (j *assetJourney) ops() (ops []string) {
	for _, r := range j.meta.Requests() {
		ops = append(ops, r.Op)
	}
	for _, r := range j.tiktok.Requests() {
		ops = append(ops, r.Op)
	}
	return ops
}
