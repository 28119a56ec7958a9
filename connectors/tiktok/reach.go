package tiktok

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
)

// reach is what people have of the kinds of asset whose people TikTok does not
// list. One answer names all that a person has of a kind, so a pull, which asks
// for one asset after the other, reads each person once and not once an asset.
type reach struct {
	mu      sync.Mutex
	kinds   map[string]*reached
	changes int // of access, by us: what was read before one is read again
}

// reached is what was read of one kind: by user id and asset id, the roles.
type reached struct {
	until  time.Time
	people map[string]map[string][]string
}

// pullPause is how long after one asset the next is asked for at the latest, for
// the two to be one reading.
const pullPause = time.Minute

// take hands over what was read last, if that was just now; nobody else has it
// until it is put back.
func (r *reach) take(kind string, now time.Time) (*reached, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	had := r.kinds[kind]
	delete(r.kinds, kind)
	if had == nil || now.After(had.until) {
		had = &reached{people: map[string]map[string][]string{}}
	}
	return had, r.changes
}

func (r *reach) put(kind string, had *reached, changes int, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes != changes {
		return
	}
	if r.kinds == nil {
		r.kinds = map[string]*reached{}
	}
	had.until = now.Add(pullPause)
	r.kinds[kind] = had
}

func (r *reach) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes++
	clear(r.kinds)
}

// usersOneByOne asks each person; one alone is always asked anew. Who is no
// member any more has no access.
func (c *Connector) usersOneByOne(ctx context.Context, asset bridge.Asset, whom []string) ([]bridge.AssetUser, error) {
	had, changes := &reached{people: map[string]map[string][]string{}}, 0
	if len(whom) > 1 {
		had, changes = c.reach.take(asset.Kind, c.now())
		defer func() { c.reach.put(asset.Kind, had, changes, c.now()) }()
	}
	var users []bridge.AssetUser
	for i, id := range whom {
		if id == "" || slices.Contains(whom[:i], id) {
			continue
		}
		if _, read := had.people[id]; !read {
			all, err := c.reachOf(ctx, id, asset.Kind)
			if err != nil {
				return nil, err
			}
			had.people[id] = all
		}
		roles, has := had.people[id][asset.ID]
		switch {
		case has && len(roles) == 0:
			return nil, c.roleless("bc/asset/get", asset, id)
		case has:
			users = append(users, bridge.AssetUser{PlatformID: id, Roles: roles})
		}
	}
	return users, nil
}

// reachOf is all that one person has of a kind.
func (c *Connector) reachOf(ctx context.Context, userID, kind string) (map[string][]string, error) {
	rows, err := c.held(userID, kind).all(ctx, c, nil)
	if err = c.unlessGone(ctx, err, userID); err != nil {
		return nil, err
	}
	all := map[string][]string{}
	for _, r := range rows {
		all[string(r.AssetID)] = r.roles(kind)
	}
	return all, nil
}

// unlessGone is why a person's access could not be read; none if they are no member
// any more, and so have none.
func (c *Connector) unlessGone(ctx context.Context, err error, userID string) error {
	err = c.explain(ctx, err, func(no *connectors.Error) error {
		r, err := c.byID(ctx, connectors.Subject{PlatformID: userID})
		return absentOr(no, r != nil, err)
	})
	if connectors.KindOf(err) == connectors.KindNotFound {
		return nil
	}
	return err
}

// held lists the assets of a kind that a person has access to.
func (c *Connector) held(userID, kind string) listing[assetRow] {
	return listing[assetRow]{
		op: "bc/asset/get", noun: "asset", size: assetPage, id: assetRow.id,
		query: url.Values{"asset_type": {kinds[kind].typ}, "filtering": {filtering{UserID: userID}.query()}},
	}
}

// has is one person's access to an asset now: none if they have none.
func (c *Connector) has(ctx context.Context, userID string, asset bridge.Asset) ([]string, error) {
	r, err := c.held(userID, asset.Kind).find(ctx, c, func(r assetRow) bool { return string(r.AssetID) == asset.ID })
	if r == nil || err != nil {
		return nil, err
	}
	roles := r.roles(asset.Kind)
	if len(roles) == 0 {
		return nil, c.roleless("bc/asset/get", asset, userID)
	}
	return roles, nil
}

// roleless: access of which TikTok does not say what it is proves nothing.
func (c *Connector) roleless(op string, asset bridge.Asset, userID string) error {
	return c.refused(op, connectors.KindMalformed, bridge.PlatformMalformed, fmt.Sprintf("%s lists user %s without a role", asset, userID), "")
}
