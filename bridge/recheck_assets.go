package bridge

import (
	"fmt"
	"time"
)

// asset asks again about a task that gives access to an asset or takes it away:
// is the member still accepted and ours, is the access still wanted so, does the
// hub's mode still allow it, and is the picture of the asset fresh.
func (r *recheck) asset() (Code, string) {
	t := r.t
	if t.Action != Assign && t.Action != Unassign {
		return "", ""
	}
	k, ok := r.w.Traits.Asset(t.Asset.Kind)
	switch {
	case !ok:
		return AssetUnknownKind, t.Asset.String()
	case r.m == nil:
		return PlatformNotFound, "the member is not on record"
	case r.m.Presence != Active && t.Action == Unassign:
		return TaskAlreadySo, "the member is not on the hub any more"
	case r.m.Presence != Active:
		return TaskNotWanted, "the member is not on the hub"
	case !r.m.Ownership.Ours() && r.decided.member[r.m.ID].Kind != DecideAdopt:
		return OwnForeign, ""
	case t.Action == Unassign && !k.Revocable:
		return AssetByHand, ""
	}
	observed, applied := r.w.Traits.access(r.m, t.Asset)
	takes := !k.Covers(t.Roles, observed)
	if code, detail := r.assetWanted(k, observed, applied, takes); code != "" {
		return code, detail
	}
	if !r.w.Hub.Mode.AllowsAsset(t.Action, takes) {
		return HubMode, "the hub is in " + string(r.w.Hub.Mode)
	}
	if code, detail := r.assetPicture(k, takes); code != "" || !takes || r.approved {
		return code, detail
	}
	return r.assets24h()
}

// assets24h looks at what went of access to assets within 24 hours.
func (r *recheck) assets24h() (Code, string) {
	used := r.w.History.AssetRemovals
	if _, lifted := r.decided.override[GuardAssets24h]; lifted || r.t.Decision != "" { // an override of the run, in force: see word
		return "", ""
	}
	given := accessesGiven(func(yield func(*Member) bool) {
		for i := range r.w.Members {
			if !yield(&r.w.Members[i]) {
				return
			}
		}
	})
	if r.w.Hubwide != nil {
		given = r.w.Hubwide.Given
	}
	limit, detail := assetLimit24h(r.set, given, used)
	if used >= limit {
		return GuardAssets24h, detail
	}
	return "", ""
}

// assetWanted looks at the wish for the asset as it is now.
func (r *recheck) assetWanted(k AssetKind, observed, applied []string, takes bool) (Code, string) {
	t, want := r.t, DesiredAsset{}
	if r.h != nil {
		for _, d := range r.h.assets {
			if d.Asset == t.Asset {
				want = d
			}
		}
	}
	extra := without(observed, applied) // not ours, and to be kept where roles are a set
	if k.Many {
		extra = k.Whole(extra)
	}
	kept := k.Many && len(without(t.Roles, want.Roles)) > 0 && k.Covers(observed, without(t.Roles, want.Roles))
	changed := rolesText(want.Roles) + " is wanted now"
	switch {
	case sameRoles(observed, t.Roles):
		return TaskAlreadySo, rolesText(observed)
	case r.h == nil:
		return TaskNotWanted, "the person is not wanted on the hub"
	case t.Action == Unassign && len(want.Roles) > 0:
		return TaskNotWanted, changed
	case t.Action == Unassign && len(applied) == 0:
		return AssetForeign, ""
	case t.Action == Unassign && k.Many && len(extra) > 0:
		return TaskNotWanted, rolesText(extra) + " is there and is not ours to take away"
	case t.Action == Assign && len(want.Roles) == 0 && !(len(applied) > 0 && sameRoles(t.Roles, extra)):
		return TaskNotWanted, changed
	case t.Action == Assign && len(want.Roles) > 0 && !sameRoles(t.Roles, want.Roles) && !(kept && k.Covers(t.Roles, want.Roles)):
		return TaskNotWanted, changed
	}
	if _, ok, _ := r.decided.approved(t.Key, later(want.Since, r.w.Traits.shownSince(r.m, t.Asset)), false); ok {
		r.approved = true
		return "", ""
	}
	if takes && settles(r.w.Now, r.set, r.h, want.Since, want.Cause) {
		return WaitSettle, "since " + want.Since.UTC().Format(time.DateTime)
	}
	// What someone else gave beside is never written over: the next plan keeps it.
	if lost := without(extra, t.Roles); k.Many && len(lost) > 0 {
		return TaskNotWanted, fmt.Sprintf("%s was given by someone else since", rolesText(lost))
	}
	if !k.Many && t.Action == Assign && takes && k.Rank(applied) <= k.Rank(want.Roles) {
		return AssetDrift, rolesText(observed) + " was given by someone else"
	}
	return "", ""
}

// assetPicture looks at how old the picture of the asset is.
func (r *recheck) assetPicture(k AssetKind, takes bool) (Code, string) {
	read := k.Seen && !r.w.Pull.StartedAt.IsZero()
	for _, a := range r.w.Pull.Assets {
		read = read || a.Asset == r.t.Asset && a.Error == ""
	}
	if !read {
		return AssetUnread, ""
	}
	_, lifted := r.decided.override[PullStale]
	if takes && !lifted && r.w.Now.Sub(r.w.Pull.StartedAt) > r.set.PullMaxAge {
		return PullStale, "read on " + r.w.Pull.StartedAt.UTC().Format(time.DateTime)
	}
	return "", ""
}
