package apply

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
	"adbridge/storage"
)

func ofAsset(t bridge.Task) bool { return t.Action == bridge.Assign || t.Action == bridge.Unassign }

// callAsset makes the call of a task for an asset.
func (w Worker) callAsset(ctx context.Context, b *batch, who connectors.Subject) (connectors.Receipt, error) {
	given, err := assetsOf(b)
	if err != nil {
		return connectors.Receipt{}, err
	}
	t := b.task()
	if t.Action == bridge.Unassign {
		return given.Unassign(ctx, who, t.Asset)
	}
	return given.Assign(ctx, who, bridge.AssetAccess{Asset: t.Asset, Roles: t.Roles})
}

func assetsOf(b *batch) (connectors.Assets, error) {
	if given, ok := b.conn.(connectors.Assets); ok {
		return given, nil
	}
	return nil, &connectors.Error{Kind: connectors.KindRefused, Platform: b.hub.Platform, Op: string(b.task().Action),
		Message: "adbridge gives no access to assets there", Reason: bridge.PlatformRefused}
}

// usersNow asks the platform who has access to the task's asset: at least
// the member that the task is about, if they have any.
func usersNow(ctx context.Context, b *batch) ([]bridge.AssetUser, error) {
	given, err := assetsOf(b)
	if err != nil {
		return nil, err
	}
	var users []bridge.AssetUser
	for user, err := range given.AssetUsers(ctx, b.task().Asset, []string{b.task().PlatformID}) {
		if err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	return users, nil
}

// rereadAfter is how long a change waits for the hub to be read again, before
// the asset is looked at once more.
const rereadAfter = 30 * time.Second

// fresh is who has access to an asset, read right before a call.
type fresh struct {
	began time.Time
	users []bridge.AssetUser
	err   error
}

// freshAccess judges by what was read of the asset right before a call that
// replaces what someone has on it. Nothing is called where it is so already; and
// where someone else has changed it since the hub was read, the call would undo
// that unseen, so that the hub is read and planned again first. False: nothing is
// left to do.
func (w Worker) freshAccess(ctx context.Context, b *batch, world bridge.World, shown fresh) (bool, error) {
	t := b.task()
	users, err := shown.users, shown.err
	switch {
	case lostAsset(*t, err):
		return false, w.lost(ctx, b, err)
	case err != nil:
		return false, w.unread(ctx, b, world, err)
	case bridge.ShowsAsset(*t, users) && t.Action == bridge.Unassign:
		return false, w.goneAlready(ctx, b)
	case bridge.ShowsAsset(*t, users):
		return false, w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
			t.State = bridge.Confirmed
			if err := recordAccess(ctx, tx, t, tx.Now()); err != nil {
				return "", nil, err
			}
			return audit.TaskConfirmed, map[string]any{"by": "reading right before the call, which was not needed"}, nil
		})
	}
	k, _ := b.traits.Asset(t.Asset.Kind)
	known, young := knownAccess(world, *t, b.traits, shown.began.Add(-b.hub.Propagation(b.traits)))
	now := k.Whole(rolesIn(users, t.PlatformID))
	if young || slices.Equal(now, k.Whole(known)) {
		return true, nil
	}
	return false, w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		if err := tx.AskPull(ctx, b.hub.ID); err != nil {
			return "", nil, err
		}
		shows := "the platform shows " + cmp.Or(strings.Join(now, "+"), "no access") + " on " + t.Asset.String() + " now"
		if t.Contradicted++; t.Contradicted >= contradictions { // reading the hub once more does not end it
			t.State, t.Reason = bridge.TaskHeld, bridge.PlatformReadingsDiffer
			t.Detail = shows + ", and " + cmp.Or(strings.Join(known, "+"), "none") + " when the whole hub is read"
			return audit.TaskHeld, map[string]any{"reason": t.Reason, "detail": t.Detail}, nil
		}
		t.State, t.Reason, t.NotBefore = bridge.TaskWait, bridge.TaskNotWanted, tx.Now().Add(rereadAfter)
		t.Detail = shows + "; the hub is read again first"
		return audit.TaskWaiting, map[string]any{"reason": t.Reason, "detail": t.Detail, "until": t.NotBefore}, nil
	})
}

// goneAlready takes access that is to go, and that a reading does not show, for
// gone only once a second reading does not show it either, as if the platform
// had said yes: on one empty answer the access would be nobody's of ours from
// then on, and stay.
func (w Worker) goneAlready(ctx context.Context, b *batch) error {
	return w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		now := tx.Now()
		t.State, t.AnsweredAt, t.NotBefore = bridge.Accepted, now, now.Add(b.hub.Propagation(b.traits))
		if err := recordAccess(ctx, tx, t, now); err != nil {
			return "", nil, err
		}
		return audit.TaskWaiting, map[string]any{"by": "reading right before the call, which shows no access; it is read once more", "until": t.NotBefore}, nil
	})
}

// unread puts a task off whose asset could not be read right before the call.
// What is wrong with one asset, or is its own limit, is no reason for the rest of
// the hub to wait: a leaver's removal goes on. The hub is read whole once, so
// that the plan says what cannot be read.
func (w Worker) unread(ctx context.Context, b *batch, world bridge.World, cause error) error {
	var e *connectors.Error
	switch {
	case !errors.As(cause, &e):
		return cause
	case connectors.HaltFor(e, time.Time{}) != nil:
		return w.halted(ctx, b, e)
	case ofHub(e):
		return w.later(ctx, b, e)
	}
	return w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		if world.Pull.StartedAt.Before(t.CreatedAt) {
			if err := tx.AskPull(ctx, b.hub.ID); err != nil {
				return "", nil, err
			}
		}
		t.State, t.Reason, t.Detail = bridge.TaskWait, bridge.AssetUnread, e.Message
		// As long as it has been owed, so that the pauses double: who has just accepted
		// may not be known everywhere yet.
		wait := min(max(tx.Now().Sub(t.CreatedAt), rereadAfter), pullWithin)
		t.NotBefore = tx.Now().Add(max(wait, e.RetryAfter))
		return audit.TaskWaiting, map[string]any{"reason": t.Reason, "until": t.NotBefore, "request_id": e.RequestID, "error": e.Error()}, aside(ctx, tx, *t)
	})
}

// ofHub says that the whole hub has to wait, whatever the call was about.
func ofHub(e *connectors.Error) bool {
	switch e.Kind {
	case connectors.KindThrottled:
		return !e.OneAsset
	case connectors.KindTooEarly, connectors.KindQuota:
		return true
	}
	return false
}

// aside lets what else is to be done on a task's asset wait as long as the task.
func aside(ctx context.Context, tx *storage.Tx, put bridge.Task) error {
	open, err := tx.OpenTasks(ctx, put.HubID)
	if err != nil {
		return err
	}
	for _, t := range open {
		if t.ID == put.ID || t.Asset != put.Asset || t.State != bridge.Ready && t.State != bridge.TaskWait || !t.NotBefore.Before(put.NotBefore) {
			continue
		}
		t.State, t.Reason, t.Detail, t.NotBefore = put.State, put.Reason, put.Detail, put.NotBefore
		if err := tx.UpdateTask(ctx, t); err != nil {
			return err
		}
		if err := tx.AddEvents(ctx, storage.TaskEvent(t, audit.TaskWaiting, map[string]any{"reason": t.Reason, "until": t.NotBefore})); err != nil {
			return err
		}
	}
	return nil
}

// lostAsset says that a read failed because the task's asset is not there.
func lostAsset(t bridge.Task, err error) bool {
	return ofAsset(t) && connectors.KindOf(err) == connectors.KindNotFound
}

// lost holds a task whose asset or member the platform does not show: whether
// the access is gone with it nobody can say. If it is the member who went, the
// next reading says so, and the task ends with the wish.
func (w Worker) lost(ctx context.Context, b *batch, cause error) error {
	var e *connectors.Error
	errors.As(cause, &e)
	return w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		if err := tx.AskPull(ctx, b.hub.ID); err != nil {
			return "", nil, err
		}
		t.State, t.Reason, t.Detail = bridge.TaskHeld, connectors.ReasonOf(e), e.Message
		return audit.TaskHeld, map[string]any{"reason": t.Reason, "request_id": e.RequestID, "error": e.Error()}, nil
	})
}

// knownAccess is what the record says of the member on the task's asset. It is
// young where our own last write there came after what a reading shows. Access
// that a member's row shows by itself is in no list before it is ours.
func knownAccess(world bridge.World, t bridge.Task, traits bridge.Traits, shows time.Time) (roles []string, young bool) {
	for _, m := range world.Members {
		if m.ID != t.MemberID {
			continue
		}
		for _, a := range m.Assets {
			if a.Asset == t.Asset {
				return a.Roles, shows.Before(a.AppliedAt)
			}
		}
		for _, a := range traits.SeenAssets(m.Seen) {
			if a.Asset == t.Asset {
				return a.Roles, false
			}
		}
	}
	return nil, false
}

// memberGone ends a task for an asset whose member is not on the hub any more:
// what they had there went with them, and there is nothing left to read.
func (w Worker) memberGone(ctx context.Context, b *batch) (gone bool, err error) {
	t := b.task()
	if !ofAsset(*t) {
		return false, nil
	}
	err = w.DB.Read(ctx, func(tx *storage.Tx) error {
		m, err := tx.Member(ctx, t.MemberID)
		if gone = errors.Is(err, bridge.ErrNotFound); gone {
			return nil
		}
		gone = err == nil && m.Presence == bridge.Gone
		return err
	})
	if err != nil || !gone {
		return false, err
	}
	return true, w.finish(ctx, b, func(_ context.Context, _ *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		t.State, t.Reason, t.Detail = bridge.Superseded, bridge.TaskAlreadySo, "the member is gone"
		return audit.TaskSuperseded, map[string]any{"reason": t.Reason, "detail": t.Detail}, nil
	})
}

func rolesIn(users []bridge.AssetUser, platformID string) []string {
	var roles []string
	for _, u := range users {
		if u.PlatformID == platformID {
			roles = append(roles, u.Roles...)
		}
	}
	return roles
}

// recordAccess writes into the member's row what a task for an asset made true
// at a time.
func recordAccess(ctx context.Context, tx *storage.Tx, t *bridge.Task, at time.Time) error {
	m, err := tx.Member(ctx, t.MemberID)
	if errors.Is(err, bridge.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	a := accessOf(&m, t.Asset)
	if a.AppliedAt.After(at) {
		return nil // a later write of ours has overtaken this one
	}
	if t.State == bridge.Accepted { // what is ours on the platform's word alone may have to be taken back
		a.Had = a.Applied
	}
	a.Roles, a.Applied, a.AppliedAt = t.Roles, t.Ours, at
	return tx.PutMembers(ctx, []bridge.Member{m})
}

// accessOf is how the member stands with an asset, in a list of their own.
func accessOf(m *bridge.Member, asset bridge.Asset) *bridge.MemberAsset {
	m.Assets = slices.Clone(m.Assets)
	on := func(a bridge.MemberAsset) bool { return a.Asset == asset }
	if !slices.ContainsFunc(m.Assets, on) {
		m.Assets = append(m.Assets, bridge.MemberAsset{Asset: asset})
		slices.SortFunc(m.Assets, func(a, b bridge.MemberAsset) int {
			return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
		})
	}
	return &m.Assets[slices.IndexFunc(m.Assets, on)]
}
