package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// step is one asset in a row on its way through the planner.
type step struct {
	*AssetStep
	it       *item
	kind     AssetKind
	since    time.Time // a rejection must be younger
	shown    time.Time // and an approval must be younger than this too
	concerns int       // those whom the change of the wish was seen to concern at once
	approved bool
}

// assets makes the steps of every row: one for each asset that the rules want
// for the person or that the member has access to, among those that any rule
// names or anybody has from us. Access comes after acceptance and is only ever
// given to, changed on and taken from members that are ours.
func (p *planner) assets() {
	p.managed = managed(p.w)
	if len(p.managed) == 0 {
		return
	}
	p.read, p.lost = map[Asset]bool{}, map[Asset]bool{}
	for _, r := range p.w.Pull.Assets {
		p.read[r.Asset], p.lost[r.Asset] = r.Error == "", r.missing()
	}
	p.doubts = slices.DeleteFunc(slices.Clone(p.w.Open), func(t Task) bool { return !t.Doubtful() || t.Asset == Asset{} })
	for _, it := range p.items {
		for _, d := range p.assetsOf(it) {
			k, ok := p.w.Traits.Asset(d.Kind)
			if !ok {
				continue // findings says so
			}
			s := AssetStep{Asset: d.Asset, Desired: d.Roles, Verdict: Fine, Since: d.Since, Cause: d.Cause, Why: d.Why}
			var shown time.Time
			if it.m != nil {
				s.Observed, s.Applied = p.w.Traits.access(it.m, d.Asset)
				shown = p.w.Traits.shownSince(it.m, d.Asset)
			}
			if len(s.Desired)+len(s.Observed)+len(s.Applied) == 0 && !p.doubted(it, d.Asset) {
				continue
			}
			it.Assets = append(it.Assets, s)
			p.steps = append(p.steps, &step{it: it, kind: k, since: d.Since, shown: shown, concerns: d.Concerns})
		}
	}
	n := 0
	for _, it := range p.items {
		for i := range it.Assets {
			p.steps[n].AssetStep = &it.Assets[i]
			n++
		}
	}
	for _, s := range p.steps {
		p.step(s)
		s.Key = s.key()
	}
	p.assetWord()
	p.assetMode()
	p.assetUnderWay()
	p.assetGuards()
	p.roleFirst()
}

// assetsOf lists what a row's steps are about, in order. What is wanted for a
// human with two accounts is wanted on the one that is managed.
func (p *planner) assetsOf(it *item) []DesiredAsset {
	var out []DesiredAsset
	if it.h != nil && !it.second() {
		out = slices.Clone(it.h.assets)
	}
	if it.m == nil {
		return out
	}
	add := func(a Asset) {
		if p.managed[a] && !slices.ContainsFunc(out, func(d DesiredAsset) bool { return d.Asset == a }) {
			out = append(out, DesiredAsset{AssetAccess: AssetAccess{Asset: a}})
		}
	}
	for _, a := range it.m.Assets {
		add(a.Asset)
	}
	for _, a := range p.w.Traits.SeenAssets(it.m.Seen) {
		add(a.Asset)
	}
	for _, t := range p.doubts {
		if t.MemberID == it.m.ID {
			add(t.Asset)
		}
	}
	slices.SortFunc(out, func(a, b DesiredAsset) int { return compareAssets(a.Asset, b.Asset) })
	return out
}

// doubted says that nobody could read for days what became of a change of the
// row's access to an asset: whatever the record says, there may be some.
func (p *planner) doubted(it *item, a Asset) bool {
	return it.m != nil && slices.ContainsFunc(p.doubts, func(t Task) bool { return t.MemberID == it.m.ID && t.Asset == a })
}

// second says that the row is another account of a human whose first is managed.
func (it *item) second() bool {
	return it.h != nil && it.m != nil && len(it.h.members) > 0 && it.m != it.h.members[0] && it.h.role != NoRole
}

// key is the stable name of subject, asset and action.
func (s *step) key() string {
	action, subject := "keep", s.it.PersonID
	if s.Action != Nothing {
		action = string(s.Action)
	}
	if s.it.MemberID != "" {
		subject = s.it.MemberID
	}
	return action + "/" + subject + "/" + s.Asset.String()
}

// act wants access changed: to these roles, none to take it away.
func (s *step) act(to []string) {
	s.Action, s.Order = Assign, placeAssign
	if len(to) == 0 {
		s.Action, s.Order = Unassign, placeUnassign
	}
	s.To = slices.Sorted(slices.Values(to))
	s.is(Do, cmp.Or(s.Cause, AssetDrift), "")
}

// takesAway says that the member would have less on the asset than now.
func (s *step) takesAway() bool { return s.Action != Nothing && !s.kind.Covers(s.To, s.Observed) }

// step classifies one asset of one row.
func (p *planner) step(s *step) {
	it := s.it
	if it.m == nil || it.Presence != Active {
		switch {
		case len(s.Desired) > 0:
			s.is(Waiting, AssetAcceptance, "")
		case len(s.Observed) > 0:
			s.Reason = AssetForeign // what someone else's invitation carries
		}
		return
	}
	if code := p.touchable(it.m); code != "" {
		p.leaveAlone(s, code)
		return
	}
	switch {
	case it.m.PersonID == "" || it.h == nil || it.second():
		p.nobodys(s)
	case it.Action == Remove && it.Verdict != Suppressed:
		p.withMember(s)
	case !it.m.Ownership.Ours() && !p.willAdopt(it):
		p.notOurs(s)
	case p.lost[s.Asset]:
		p.missingAsset(s)
	case !s.kind.Seen && !p.read[s.Asset] || p.never():
		p.unread(s)
	case len(s.Desired) > 0:
		p.wantedAsset(s)
	default:
		p.unwantedAsset(s)
	}
}

// withMember is an asset of someone who is to leave the hub. It is gone with the
// membership, and not before: where the removal is held or has failed, the
// access stays and is said to. A removal that somebody forbade ends nothing, so
// that such a step is one like those of any member.
func (p *planner) withMember(s *step) {
	s.Reason = AssetWithMember
	if v := s.it.Verdict; (v == Held || v == NeedsPerson) && len(s.Observed) > 0 {
		s.is(Waiting, AssetWithMember, fmt.Sprintf("the removal is %s: %s", v, s.it.Reason))
	}
}

// nobodys is an asset of a member who is nobody's, or somebody's second account.
// What came from us is left for a person to see; the rest is not ours.
func (p *planner) nobodys(s *step) {
	s.Reason = AssetForeign
	if len(s.Applied) > 0 && len(s.Observed) > 0 {
		s.is(NeedsPerson, cmp.Or(s.it.Reason, AssetNotOurs), "given by adbridge: "+rolesText(s.Applied))
	}
}

func (p *planner) never() bool { return p.w.Pull.ID == "" && p.w.Pull.StartedAt.IsZero() }

// willAdopt says that the plan makes the member ours, or would in another mode.
func (p *planner) willAdopt(it *item) bool {
	return it.Situation == SitMatched && it.Action == Adopt || it.Situation == SitRaise
}

// leaveAlone is an asset of a member that is never touched. If the wish differs,
// the step says what was blocked.
func (p *planner) leaveAlone(s *step, code Code) {
	s.Reason = code
	switch {
	case len(s.Desired) > 0 && !s.kind.Covers(s.Observed, s.Desired):
		s.is(Suppressed, code, "wanted, left as it is")
	case len(s.Desired) == 0 && len(s.Applied) > 0 && len(s.Observed) > 0:
		s.is(Suppressed, code, "not wanted any more, left as it is")
	}
}

// notOurs is an asset of a member that is not ours.
func (p *planner) notOurs(s *step) {
	switch {
	case len(s.Desired) == 0 && len(s.Applied) > 0 && len(s.Observed) > 0:
		s.is(NeedsPerson, AssetNotOurs, "given by adbridge: "+rolesText(s.Applied))
	case len(s.Desired) == 0:
		s.Reason = AssetForeign
	case s.kind.Covers(s.Observed, s.Desired):
		s.Reason = AssetNotOurs
	case s.it.Verdict == NeedsPerson:
		s.is(NeedsPerson, s.it.Reason, "")
	default:
		s.is(Suppressed, AssetNotOurs, "")
	}
}

// unread is an asset of which the last pull says nothing: it is new to the
// rules, or could not be read. What is given is given in place of what is there,
// so not even that may go on.
func (p *planner) unread(s *step) {
	switch {
	case len(s.Desired) == 0 && len(s.Applied) == 0:
		s.Reason = AssetForeign
	case !sameRoles(s.Desired, s.Observed):
		s.is(Waiting, AssetUnread, "")
	}
}

// missingAsset is an asset that the platform does not show to the hub. While a
// rule names it for the member, a person has to look. Once none does, what we
// gave on it is let go when a second pull does not find it either, since it may
// never be read again.
func (p *planner) missingAsset(s *step) {
	mode := p.w.Hub.Mode
	x, known := s.it.m.on(s.Asset)
	switch {
	case len(s.Desired) > 0:
		s.is(NeedsPerson, PlatformAssetNotFound, "")
	case len(s.Applied) == 0:
		s.Reason = AssetForeign
	case !known || x.MissingAt.IsZero() || !x.MissingAt.Before(p.w.Pull.StartedAt) || mode == ModeObserve || mode == "":
		s.is(Waiting, PlatformAssetNotFound, "it is let go if the next pull does not find it either")
	default:
		s.Reason, s.Detail = PlatformAssetNotFound, "let go, not found since "+x.MissingAt.UTC().Format(time.DateTime)
		x.Roles, x.Applied, s.Applied = nil, nil, nil
		s.it.m.put(x)
	}
}

// wantedAsset classifies an asset that the rules want for a member of ours.
func (p *planner) wantedAsset(s *step) {
	k := s.kind
	lowered := without(s.Applied, s.Desired) // what we gave and is not wanted any more
	lower := k.Rank(s.Applied) > k.Rank(s.Desired)
	to := s.Desired
	if k.Many {
		// Roles of a set that we never gave stay beside those that are wanted, and
		// with them what they bring.
		to = k.Join(to, without(s.Observed, s.Applied))
		lower = len(shared(lowered, s.Observed)) > 0 && !sameRoles(to, s.Observed)
	}
	switch {
	case sameRoles(s.Desired, s.Observed):
		p.keepUp(s)
	case !k.Covers(s.Observed, s.Desired):
		if grown := k.Join(to, s.Observed); k.Many && !k.Covers(to, s.Observed) && (p.w.Hub.Mode == ModeAddOnly || p.settling(s)) {
			to = grown // what goes, goes later
		}
		s.act(to)
		if len(s.Observed) == 0 && len(s.Applied) > 0 {
			s.is(Do, AssetTakenAway, "")
		}
	case lower:
		s.act(to)
		p.settleAsset(s)
	default:
		if k.Many || len(s.Applied) > 0 {
			p.keepUp(s) // what is wanted of it is ours, what is more is not
		}
		s.act(s.Desired)
		v := NeedsPerson
		if p.set.RevertDrift {
			v = Held
		}
		s.is(v, AssetDrift, fmt.Sprintf("%s on the asset, %s wanted", rolesText(s.Observed), rolesText(s.Desired)))
	}
}

// keepUp puts what is wanted and there on record as ours: the middle of the
// three-way diff. Access that was there before a rule wanted it is taken over
// where members are.
func (p *planner) keepUp(s *step) {
	mode := p.w.Hub.Mode
	if mode == ModeObserve || mode == "" || sameRoles(s.Applied, s.Desired) || !s.it.m.Ownership.Ours() {
		return
	}
	if len(s.Applied) == 0 && (mode == ModeAddOnly || p.w.Hub.Halt != nil) {
		return
	}
	ours := s.Desired
	if s.kind.Many { // what others gave may bring what we gave once
		ours = s.kind.Join(ours, shared(s.Applied, s.Observed))
	}
	if sameRoles(s.Applied, ours) {
		return
	}
	x, _ := s.it.m.on(s.Asset)
	x.Roles, x.Applied, s.Applied = s.Observed, ours, ours
	s.it.m.put(x)
}

// unwantedAsset classifies access of a member of ours that no rule wants.
func (p *planner) unwantedAsset(s *step) {
	var rest []string // not ours, with what it brings
	if s.kind.Many {
		rest = s.kind.Whole(without(s.Observed, s.Applied))
	}
	switch {
	case len(s.Applied) == 0:
		s.Reason = AssetForeign
	case sameRoles(rest, s.Observed) && len(shared(s.Applied, s.Observed)) > 0:
		// What others gave brings ours. It stays on record, since theirs may go
		// again and leave it behind.
		s.Reason = AssetForeign
	case sameRoles(rest, s.Observed):
		// Someone took ours away already: once a second pull shows it so, it is ours
		// no more. One pull that shows an asset empty must not make us forget what
		// we gave.
		s.Reason = AssetForeign
		if len(s.Observed) == 0 {
			s.Reason = AssetTakenAway
		}
		x, _ := s.it.m.on(s.Asset)
		if x.SeenAt.Before(p.w.Pull.StartedAt) && p.w.Hub.Mode != ModeObserve && p.w.Hub.Mode != "" {
			x.Roles, x.Applied = s.Observed, nil
			s.it.m.put(x)
			s.Applied = nil
		}
	default:
		s.act(rest)
		if p.settleAsset(s); s.Verdict == Do && s.Action == Unassign && !s.kind.Revocable {
			s.Action, s.To, s.Order = Nothing, nil, 0
			s.is(NeedsPerson, AssetByHand, "")
		}
	}
}

// settling says that the wish for the asset changed within the settle window.
// As with roles, who has left the company does not wait for its end, and no grant.
func (p *planner) settling(s *step) bool { return settles(p.w.Now, p.set, s.it.h, s.Since, s.Cause) }

func settles(now time.Time, set Settings, h *human, since time.Time, cause Code) bool {
	return now.Before(since.Add(set.SettleWindow)) && !h.leaver() && cause != CauseGrantEnded
}

// settleAsset lets taking access away wait for the end of the settle window.
func (p *planner) settleAsset(s *step) {
	if s.takesAway() && p.settling(s) {
		s.is(Waiting, WaitSettle, ReasonOf(s.Cause).Meaning)
		s.Until = s.Since.Add(p.set.SettleWindow)
	}
}

func rolesText(roles []string) string {
	if len(roles) == 0 {
		return "none"
	}
	return strings.Join(roles, "+")
}
