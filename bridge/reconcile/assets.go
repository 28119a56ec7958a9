package reconcile

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
	"adbridge/storage"
)

// manyFailures in a row end the asking: the platform is not well.
const manyFailures = 3

// listAssets reads every managed asset, after the members. One that cannot be
// read, or is at a limit of its own, leaves the pull as it is, and nothing is
// concluded about that asset. What stops the hub, or asks the whole of it to slow
// down, ends the pull.
func (p Puller) listAssets(ctx context.Context, conn connectors.Connector, hub bridge.Hub, l *Listing) error {
	w := bridge.World{Hub: hub, Traits: p.Traits(hub.Platform)}
	given, ok := conn.(connectors.Assets)
	if !ok || len(w.Traits.Assets) == 0 {
		return nil
	}
	var last bridge.Pull
	err := p.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		if w.Rules, err = tx.Rules(ctx, hub.ID); err != nil {
			return err
		}
		if w.Members, err = tx.MembersWithAssets(ctx, hub.ID); err != nil {
			return err
		}
		if w.Open, err = tx.OpenTasks(ctx, hub.ID); err != nil {
			return err
		}
		last, _, err = tx.LastPull(ctx, hub.ID, true)
		return err
	})
	if err != nil {
		return err
	}
	managed := bridge.ManagedAssets(w)
	var whom []string
	if len(managed) > 0 {
		whom = accepted(l.Seen.All())
	}
	failures := 0
	var cause error
	for _, asset := range managed {
		if failures < manyFailures {
			var one bridge.AssetListing
			one, cause = listAsset(ctx, given, asset, whom)
			if endsPull(ctx, cause) {
				return cause
			}
			l.Assets = append(l.Assets, one)
		} else {
			l.Assets = append(l.Assets, bridge.AssetListing{Asset: asset, Error: "not asked, since others could not be read: " + cause.Error(), Reason: connectors.ReasonOf(cause)})
		}
		switch connectors.KindOf(cause) {
		case "":
			failures = 0
		case connectors.KindTransient, connectors.KindThrottled:
			failures++
		}
	}
	return nameAssets(ctx, given, last, l.Assets)
}

// accepted are the platform ids of everyone who can have access to an asset.
func accepted(seen iter.Seq2[int, bridge.Seen]) []string {
	var out []string
	for _, s := range seen {
		if s.Presence == bridge.Active && s.PlatformID != "" {
			out = append(out, s.PlatformID)
		}
	}
	return out
}

func listAsset(ctx context.Context, given connectors.Assets, asset bridge.Asset, whom []string) (bridge.AssetListing, error) {
	l := bridge.AssetListing{Asset: asset, Info: bridge.AssetDetails{Asset: asset}}
	for user, err := range given.AssetUsers(ctx, asset, whom) {
		if err != nil {
			l.Error, l.Reason = err.Error(), connectors.ReasonOf(err)
			return l, err
		}
		l.Users = append(l.Users, user)
	}
	l.Complete = true
	return l, nil
}

// endsPull says that an error is not about one asset.
func endsPull(ctx context.Context, err error) bool {
	e, ok := errors.AsType[*connectors.Error](err)
	if ok {
		switch e.Kind {
		case connectors.KindToken, connectors.KindBlocked, connectors.KindHuman:
			return true
		case connectors.KindThrottled:
			return !e.OneAsset
		}
	}
	return err != nil && (ctx.Err() != nil || connectors.KindOf(err) == "")
}

// AssetsMissing says that an asset could not be read that the next reading may
// show. One that is gone, or kept from us, is left to the daily pull.
func (l Listing) AssetsMissing() bool {
	return slices.ContainsFunc(l.Assets, func(a bridge.AssetListing) bool { return !a.Complete && !lasting(a.Reason) })
}

// lasting says that an asset will not be shown before someone does something.
func lasting(reason bridge.Code) bool {
	switch reason {
	case bridge.PlatformNotFound, bridge.PlatformAssetNotFound, bridge.PlatformRefused, bridge.PlatformForbidden, bridge.PlatformScopeMissing, bridge.PlatformNotAdmin:
		return true
	}
	return false
}

// nameAssets says what the assets are called, as the pull before knew it, and
// else as the platform lists them. A name is no reason for a pull to fail.
func nameAssets(ctx context.Context, given connectors.Assets, last bridge.Pull, listings []bridge.AssetListing) error {
	known := map[bridge.Asset]bridge.AssetDetails{}
	for _, r := range last.Assets {
		known[r.Asset] = r.AssetDetails
	}
	wanted := map[string]int{} // by kind
	for i := range listings {
		l := &listings[i]
		if d := known[l.Asset]; d.Name != "" {
			l.Info = d
		} else if l.Complete {
			wanted[l.Kind]++
		}
	}
	for kind, n := range wanted {
		for d, err := range given.Assets(ctx, kind) {
			if endsPull(ctx, err) {
				return err
			}
			if err != nil {
				break
			}
			if i := slices.IndexFunc(listings, func(l bridge.AssetListing) bool { return l.Asset == d.Asset }); i >= 0 && listings[i].Info.Name == "" {
				listings[i].Info = d
				if n--; n == 0 {
					break
				}
			}
		}
	}
	return nil
}

// assetUsers are those whom the listing shows on the task's asset: of a kind
// that the members' rows show, out of those kept. False: the listing cannot tell.
func assetUsers(t bridge.Task, o bridge.Observation) ([]bridge.AssetUser, bool) {
	if k, ok := o.Traits.Asset(t.Asset.Kind); ok && k.Seen {
		var users []bridge.AssetUser
		for _, s := range o.Seen {
			for _, a := range o.Traits.SeenAssets(s) {
				if s.Presence == bridge.Active && a.Asset == t.Asset {
					users = append(users, bridge.AssetUser{PlatformID: s.PlatformID, Name: s.Name, Roles: a.Roles})
				}
			}
		}
		return users, true
	}
	for _, a := range o.Assets {
		if a.Asset == t.Asset && a.Complete {
			return a.Users, true
		}
	}
	return nil, false
}

// byAbsence says that a judgement rests on what a listing does not show.
func byAbsence(t bridge.Task, shown bool) bool {
	switch t.Action {
	case bridge.Remove, bridge.Cancel, bridge.Unassign:
		return shown
	}
	return !shown
}

// lists says that the listing shows the task's member.
func (l *Listing) lists(t bridge.Task) bool { return len(l.Seen.Find(t.PlatformID)) > 0 }

// leaveUnread takes an accepted task on whose outcome the listing does not tell.
// Where the asset is gone, nobody can say what became of the access: a person
// has to. Else it is read back later: in an hour, and then as long after as nobody
// could tell, up to a day, since each time may take a whole pull.
func (l Listing) leaveUnread(ctx context.Context, tx *storage.Tx, t bridge.Task) ([]audit.Event, error) {
	i := slices.IndexFunc(l.Assets, func(a bridge.AssetListing) bool { return a.Asset == t.Asset })
	if i >= 0 && (l.Assets[i].Reason == bridge.PlatformNotFound || l.Assets[i].Reason == bridge.PlatformAssetNotFound) {
		t.State, t.Reason, t.Detail, t.EndedAt = bridge.TaskHeld, l.Assets[i].Reason, l.Assets[i].Error, tx.Now()
		e := storage.TaskEvent(t, audit.TaskHeld, map[string]any{"pull": l.Pull.ID, "reason": t.Reason, "detail": t.Detail})
		return []audit.Event{e}, tx.UpdateTask(ctx, t)
	}
	t.NotBefore = tx.Now().Add(min(max(tx.Now().Sub(t.AboutToAt), time.Hour), 24*time.Hour))
	return nil, tx.UpdateTask(ctx, t)
}

// shows says whether a listing shows an accepted task's effect; ok is false
// where it cannot tell.
func shows(t bridge.Task, o bridge.Observation) (shown, ok bool) {
	if t.Asset == (bridge.Asset{}) {
		seen, others := bridge.Fitting(t, o.Seen, o.Members, o.Invitations)
		shown, _ = bridge.Shows(t, seen, others)
		return shown, true
	}
	users, ok := assetUsers(t, o)
	return ok && bridge.ShowsAsset(t, users), ok
}

// accessChange says how a member's access to assets differs, asset by asset;
// nothing where it does not.
func accessChange(was, m bridge.Member) []string {
	before, after := rolesOn(was), rolesOn(m)
	var out []string
	for a, roles := range after {
		if before[a] != roles {
			out = append(out, a.String()+": "+cmp.Or(before[a], "none")+" → "+roles)
		}
	}
	for a, roles := range before {
		if after[a] == "" {
			out = append(out, a.String()+": "+roles+" → none")
		}
	}
	slices.Sort(out)
	return out
}

func rolesOn(m bridge.Member) map[bridge.Asset]string {
	out := map[bridge.Asset]string{}
	for _, a := range m.Assets {
		if len(a.Roles) > 0 {
			out[a.Asset] = strings.Join(a.Roles, "+")
		}
	}
	return out
}
