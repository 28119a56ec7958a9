package bridge

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// simAccess is who truly has access to the assets of a platform, and which of it
// came by a call of ours.
type simAccess struct {
	has    map[Asset]map[string][]string // by platform id
	byUs   map[Asset]map[string][]string
	broken map[Asset]bool // cannot be read just now
	empty  map[Asset]int  // 1: the next reading shows nobody, and says that it is whole; 2: that was so once
}

func (s *simAccess) put(a Asset, id string, roles []string, us bool) {
	if s.has[a] == nil {
		s.has[a], s.byUs[a] = map[string][]string{}, map[string][]string{}
	}
	was, ours := s.has[a][id], shared(s.byUs[a][id], roles)
	if us {
		ours = append(ours, without(roles, was)...)
	}
	s.has[a][id], s.byUs[a][id] = roles, ours
	if len(roles) == 0 {
		delete(s.has[a], id)
		delete(s.byUs[a], id)
	}
}

// gone takes everything from someone who left the hub.
func (s *simAccess) gone(id string) {
	for a := range s.has {
		delete(s.has[a], id)
		delete(s.byUs[a], id)
	}
}

func (s *simAccess) users(a Asset) []AssetUser {
	var out []AssetUser
	for id, roles := range s.has[a] {
		out = append(out, AssetUser{PlatformID: id, Roles: slices.Clone(roles)})
	}
	slices.SortFunc(out, func(a, b AssetUser) int { return strings.Compare(a.PlatformID, b.PlatformID) })
	return out
}

// listings reads what a pull has to read.
func (l *lane) listings() []AssetListing {
	var out []AssetListing
	for _, a := range ManagedAssets(l.world()) {
		x := AssetListing{Asset: a, Complete: true, Users: append(l.hub.access.users(a), AssetUser{PlatformID: "stranger", Roles: []string{"ANALYST"}})}
		if l.hub.access.broken[a] {
			x.Complete, x.Error, x.Users = false, "page 2: HTTP 500", x.Users[:1]
		}
		if l.hub.access.empty[a] == 1 {
			l.hub.access.empty[a], x.Users = 2, nil
		}
		out = append(out, x)
	}
	return out
}

// stepTask leaves the task of a step, as bridge/reconcile does.
func (l *lane) stepTask(r Row, s AssetStep) Task {
	t := l.taskOf(r)
	t.Key, t.Action, t.From, t.To, t.Asset, t.Roles = s.Key, s.Action, NoRole, NoRole, s.Asset, s.To
	t.Ours = shared(s.To, slices.Concat(s.Desired, s.Applied))
	t.Reason, t.Cause, t.Order, t.Decision = s.Reason, s.Cause, s.Order, s.Decision
	return t
}

// recordAccess keeps what a task for an asset made true.
func (l *lane) recordAccess(t Task) {
	if m := l.member(t.MemberID); m != nil && m.Presence == Active {
		m.put(MemberAsset{Asset: t.Asset, Roles: t.Roles, Applied: t.Ours, AppliedAt: l.w.Now})
	}
}

var historyAssets = []Asset{{"ad_account", "1"}, {"ad_account", "2"}, {"finance", ""}, {"page", "9"}}

// access draws roles on an asset that the platform has.
func (h *hist) access() (AssetAccess, bool) {
	a := rapid.SampledFrom(h.assets).Draw(h.t, "asset")
	k, ok := h.w.Traits.Asset(a.Kind)
	if !ok {
		return AssetAccess{}, false
	}
	x := AssetAccess{Asset: a, Roles: []string{rapid.SampledFrom(k.Roles).Draw(h.t, "access")}}
	if k.Many && rapid.Bool().Draw(h.t, "more") {
		x.Roles = append(x.Roles, rapid.SampledFrom(k.Roles).Draw(h.t, "access"))
	}
	x.Roles = k.Whole(x.Roles)
	return x, true
}

// newAccess gives the rules assets, and some people access to them by hand.
func (h *hist) newAccess() {
	h.hub.access = &simAccess{has: map[Asset]map[string][]string{}, byUs: map[Asset]map[string][]string{}, broken: map[Asset]bool{}, empty: map[Asset]int{}}
	h.w.Traits.Assets = manyRoles
	if h.hub.masked {
		h.w.Traits.Assets = oneRole
	}
	h.w.Hub.Settings.MaxAssetRemovalsMin = rapid.IntRange(0, 3).Draw(h.t, "asset-removals-min")
	for i := range h.w.Rules {
		for range rapid.IntRange(0, 2).Draw(h.t, "assets") {
			h.name(&h.w.Rules[i])
		}
	}
}

// name lets a rule give access to one more asset.
func (h *hist) name(r *Rule) {
	a, ok := h.access()
	if ok && !slices.ContainsFunc(r.Assets, func(x AssetAccess) bool { return x.Asset == a.Asset }) {
		r.Assets = append(slices.Clone(r.Assets), a)
	}
}

// happenOnAssets lets someone else do something to assets.
func (h *hist) happenOnAssets() {
	switch rapid.IntRange(0, 9).Draw(h.t, "on assets") {
	case 2, 4, 8: // someone gives or takes access by hand
		a, ok := h.access()
		row := h.row(func(r *simRow) bool { return r.presence == Active })
		if !ok || row == nil {
			return
		}
		if rapid.IntRange(0, 2).Draw(h.t, "take") == 0 {
			a.Roles = nil
		}
		h.hub.access.put(a.Asset, row.id, a.Roles, false)
	case 1, 3: // a rule gives one more, or one of its assets is forgotten
		r := &h.w.Rules[rapid.IntRange(0, len(h.w.Rules)-1).Draw(h.t, "rule")]
		if len(r.Assets) > 0 && rapid.Bool().Draw(h.t, "forget") {
			r.Assets = r.Assets[1:]
		} else {
			h.name(r)
		}
	case 0, 5: // someone leaves one group
		if n := len(h.w.Memberships); n > 0 {
			i := rapid.IntRange(0, n-1).Draw(h.t, "membership")
			h.w.Memberships = slices.Delete(slices.Clone(h.w.Memberships), i, i+1)
		}
	case 6:
		h.hub.access.broken[rapid.SampledFrom(h.assets).Draw(h.t, "asset")] = true
	case 9:
		if a := rapid.SampledFrom(h.assets).Draw(h.t, "asset"); h.hub.access.empty[a] == 0 {
			h.hub.access.empty[a] = 1
		}
	case 7:
		clear(h.hub.access.broken)
	}
}

// judgeAccess checks what a plan says of assets by the record and by counting:
// only what a rule wants becomes ours, and what goes without a word is few.
func (h *hist) judgeAccess(w World, p Plan) {
	all, taken := 0, 0
	was := map[string]*Member{}
	for i := range w.Members {
		m := &w.Members[i]
		was[m.ID] = m
		for _, a := range m.Assets {
			if len(a.Applied) > 0 && m.Presence == Active && m.Ownership.Ours() {
				all++
			}
		}
	}
	steps := map[string]AssetStep{}
	for _, r := range p.Rows {
		for _, s := range r.Assets {
			steps[r.MemberID+s.Asset.String()] = s
			k, _ := w.Traits.Asset(s.Kind)
			if s.Leaves() && !k.Covers(s.To, s.Observed) && s.Decision == "" {
				taken++
			}
		}
	}
	for _, m := range p.Members {
		for _, a := range m.Assets {
			before, _ := was[m.ID].on(a.Asset)
			if s := steps[m.ID+a.Asset.String()]; len(without(a.Applied, slices.Concat(before.Applied, s.Desired))) > 0 {
				h.t.Fatalf("%s becomes ours on %s although %s is wanted\n%s", rolesText(a.Applied), a.Asset, rolesText(s.Desired), h.text())
			}
			if !m.Ownership.Ours() && len(a.Applied) > len(before.Applied) {
				h.t.Fatalf("access of a member that is not ours became ours: %+v\n%s", m, h.text())
			}
		}
	}
	// What the plan adopts counts with what is ours.
	for _, m := range p.Members {
		for _, a := range m.Assets {
			if before, _ := was[m.ID].on(a.Asset); len(before.Applied) == 0 && len(a.Applied) > 0 {
				all++
			}
		}
	}
	if limit := max(w.Hub.Settings.MaxAssetRemovalsMin, all*w.Hub.Settings.MaxAssetRemovals/100); taken > limit {
		h.t.Fatalf("%d of %d accesses would go without anybody's word, limit %d\n%s", taken, all, limit, planText(p))
	}
}

// carryStep does the task of one step as a worker does: recheck, read the asset,
// call, record. It may die after the call.
func (h *hist) carryStep(r Row, s AssetStep) bool {
	t := h.stepTask(r, s)
	w := h.world()
	if ok, _, _ := Recheck(w, t); !ok {
		return false
	}
	m := h.member(t.MemberID)
	known, _ := h.w.Traits.access(m, t.Asset)
	now := h.hub.access.has[t.Asset][t.PlatformID]
	if ShowsAsset(t, h.hub.access.users(t.Asset)) {
		h.recordAccess(t)
		return false
	}
	if !sameRoles(known, now) {
		return false // changed since it was read: the hub is read again first
	}
	if !h.mayTouch(t) {
		h.t.Fatalf("property 1: %s on a member that is not ours to change\n%s", t.Key, h.text())
	}
	applied, _ := m.on(t.Asset)
	foreign := without(now, h.hub.access.byUs[t.Asset][t.PlatformID])
	k, _ := h.w.Traits.Asset(t.Asset.Kind)
	lost := without(foreign, t.Roles)
	raised := !k.Many && k.Covers(t.Roles, now) // the higher role takes the place of the lower one
	if taken := without(lost, applied.Applied); len(taken) > 0 && !raised && !h.approved(t) && len(applied.Applied) == 0 {
		h.t.Fatalf("%s takes %s away, which someone else gave and no rule wanted\n%s", t.Key, rolesText(taken), h.text())
	}
	if taken := without(lost, applied.Applied); k.Many && len(taken) > 0 && !h.approved(t) {
		h.t.Fatalf("%s writes %s over, which someone else gave\n%s", t.Key, rolesText(taken), h.text())
	}
	if !k.Revocable && t.Action == Unassign {
		h.t.Fatalf("%s cannot be done there", t.Key)
	}
	h.hub.do(t)
	h.log = append(h.log, change{at: h.w.Now, task: t, approved: h.approved(t), decision: s.Decision, takes: !k.Covers(t.Roles, now)})
	h.assetsWithin24h(w)
	t.State, t.AboutToAt = Running, h.w.Now
	if rapid.IntRange(0, 7).Draw(h.t, "die") == 0 {
		h.w.Open = append(slices.Clone(h.w.Open), t)
		return true
	}
	h.record(t)
	return true
}

// assetsWithin24h checks after every change of access that no more was taken away
// within 24 hours than may go, of what there was.
func (h *hist) assetsWithin24h(w World) {
	last := h.log[len(h.log)-1]
	if !last.takes || last.approved || last.decision != "" {
		return
	}
	n, all := 0, 0
	for _, c := range h.log {
		if c.takes && !c.at.Before(w.Now.Add(-24*time.Hour)) {
			n++
		}
	}
	for _, m := range w.Members {
		for _, a := range m.Assets {
			if len(a.Applied) > 0 && m.Presence == Active && m.Ownership.Ours() {
				all++
			}
		}
	}
	if limit := max(w.Hub.Settings.MaxAssetRemovalsMin, (all+n-1)*w.Hub.Settings.MaxAssetRemovals24h/100); n > limit {
		h.t.Fatalf("%d accesses to assets were taken away within 24 hours, of %d; limit %d\n%s", n, all+n-1, limit, h.text())
	}
}

// restOnAssets checks at rest that what is said to be in order truly is.
func (h *hist) restOnAssets(p Plan) {
	for _, r := range p.Rows {
		for _, s := range r.Assets {
			if s.Leaves() {
				h.t.Fatalf("property 3: %s is still to be done at rest: %s\n%s", s.Key, planText(p), h.text())
			}
			given := h.hub.access.byUs[s.Asset][r.PlatformID]
			if len(given) > 0 && s.Reason == AssetForeign && r.Ownership.Ours() && r.Situation != SitSecondAccount && sameRoles(given, h.hub.access.has[s.Asset][r.PlatformID]) {
				h.t.Fatalf("%s on %s of %s came from us, nobody wants it, and it is said to be somebody else's\n%s%s", rolesText(given), s.Asset, r.Name, planText(p), h.text())
			}
			if s.Verdict != Fine || len(s.Desired) == 0 || s.Reason != "" || h.hub.find(r.PlatformID) == nil {
				continue
			}
			if now := h.hub.access.has[s.Asset][r.PlatformID]; !sameRoles(now, s.Desired) {
				h.t.Fatalf("property 3: %s of %s is said to be in sync and is %s\n%s%s", s.Asset, r.Name, rolesText(now), planText(p), h.text())
			}
		}
	}
}

// TestRandomHistoriesOfAssets lets people come, and then rules, groups and other
// people change who has access to what, with a plan carried out after each time.
func TestRandomHistoriesOfAssets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHist(t)
		h.round(24 * 60)
		for range rapid.IntRange(2, 10).Draw(t, "rounds") {
			h.step++
			for range rapid.IntRange(1, 3).Draw(t, "changes") {
				h.happenOnAssets()
			}
			if rapid.IntRange(0, 3).Draw(t, "also") == 3 {
				h.happen()
			}
			h.round(rapid.SampledFrom([]int{31, 1, 10, 1500}).Draw(t, "minutes"))
		}
		h.converge()
	})
}

// round lets time go by and people accept, reads the hub, and does what is planned.
func (h *hist) round(minutes int) {
	h.w.Now = h.w.Now.Add(time.Duration(minutes) * time.Minute)
	h.settle()
	for _, r := range h.hub.rows {
		if r.presence == Invited {
			name := ""
			if p := h.byEmail(r.sentTo); p != nil {
				name = p.DisplayName
			}
			h.hub.accept(r, r.sentTo, name)
		}
	}
	if rapid.IntRange(0, 3).Draw(h.t, "unread") < 3 {
		h.pull(-1)
	}
	if rapid.Bool().Draw(h.t, "approve") {
		h.approve()
	}
	h.work(false)
}
