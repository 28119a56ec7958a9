package meta

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

var _ connectors.Assets = (*Connector)(nil)

// assetRow is an asset as an edge of a business lists it.
type assetRow struct {
	ID        nodeIdent `json:"id"`
	AccountID ident     `json:"account_id"`
	Name      string    `json:"name"`
	IGName    string    `json:"ig_username"`
	Owner     struct {
		ID   ident  `json:"id"`
		Name string `json:"name"`
	} `json:"owner_business"`
	Permitted []string `json:"permitted_tasks"`
}

func (r assetRow) key() string { return string(r.ID) }

// nodeIdent is the id of a node, which for an ad account has a prefix.
type nodeIdent string

func (i *nodeIdent) UnmarshalJSON(b []byte) error {
	var bare ident
	text := strings.Replace(string(b), `"`+accountPrefix, `"`, 1)
	if err := bare.UnmarshalJSON([]byte(text)); err != nil {
		return err
	}
	*i = nodeIdent(bare)
	return nil
}

func (r assetRow) details(kind string) bridge.AssetDetails {
	d := bridge.AssetDetails{Asset: bridge.Asset{Kind: kind, ID: string(r.ID)}, Name: r.Name, Owner: r.Owner.Name}
	if d.Name == "" && r.IGName != "" {
		d.Name = r.IGName
	}
	if d.Owner == "" {
		d.Owner = string(r.Owner.ID)
	}
	return d
}

// Assets implements connectors.Assets: what the portfolio owns, then what other
// businesses share with it. Whoever is no admin is shown a part, without a word
// (HELP: basic access sees its own assets); so it is made sure that we are.
func (c *Connector) Assets(ctx context.Context, kind string) iter.Seq2[bridge.AssetDetails, error] {
	return func(yield func(bridge.AssetDetails, error) bool) {
		k, ok := assetKindOf(kind)
		if !ok {
			yield(bridge.AssetDetails{}, unknownKind(onBusiness("assets"), kind))
			return
		}
		if _, _, err := c.readMachines(ctx); err != nil {
			yield(bridge.AssetDetails{}, err)
			return
		}
		shown := map[nodeIdent]bool{}
		for _, edge := range []string{k.owned, k.client} {
			for r, err := range c.assetEdge(ctx, k, edge, nil) {
				if err != nil {
					yield(bridge.AssetDetails{}, err)
					return
				}
				if shown[r.ID] {
					continue
				}
				shown[r.ID] = true
				d := r.details(k.Kind)
				if string(r.Owner.ID) == c.business || edge == k.owned {
					d.Owner = ""
				}
				if !yield(d, nil) {
					return
				}
			}
		}
	}
}

// assetEdge lists the assets behind one edge of the business.
func (c *Connector) assetEdge(ctx context.Context, k assetKind, edge string, more []string) iter.Seq2[assetRow, error] {
	fields := append(slices.Concat([]string{"id"}, k.fields), more...)
	if k.owner != "" {
		fields = append(fields, k.owner+"{id,name}")
	}
	query := url.Values{"fields": {strings.Join(fields, ",")}}
	return listing[assetRow](ctx, c, onBusiness(edge), "/"+c.business+"/"+edge, query, nil)
}

// assigned is an AssignedUser. It never has an address, whatever is asked.
type assigned struct {
	ID    ident    `json:"id"`
	Name  string   `json:"name"`
	Type  string   `json:"user_type"` // values not documented
	Tasks []string `json:"tasks"`
}

func (a assigned) key() string { return string(a.ID) }

// AssetUsers implements connectors.Assets: everyone of our portfolio on the
// asset, with all that their tasks bring, whether Meta unpacks them or not.
// System users are no people and left out.
func (c *Connector) AssetUsers(ctx context.Context, asset bridge.Asset, _ []string) iter.Seq2[bridge.AssetUser, error] {
	return func(yield func(bridge.AssetUser, error) bool) {
		users, err := c.assetUsers(ctx, asset)
		for _, u := range users {
			if !yield(u, nil) {
				return
			}
		}
		if err != nil {
			yield(bridge.AssetUser{}, err)
		}
	}
}

func (c *Connector) assetUsers(ctx context.Context, asset bridge.Asset) ([]bridge.AssetUser, error) {
	k, asset, err := known(opAssigned, asset)
	if err != nil {
		return nil, err
	}
	machines, err := c.machineIDs(ctx)
	if err != nil {
		return nil, err
	}
	var users []bridge.AssetUser
	read := func(as *Connector) error {
		users = nil
		ids := map[ident]bool{}
		query := url.Values{"business": {c.business}, "fields": {"id,name,user_type,tasks"}}
		for a, err := range listing[assigned](ctx, as, opAssigned, "/"+k.nodeID(asset)+"/assigned_users", query, nil) {
			if err != nil {
				return err
			}
			if ids[a.ID] || machines[string(a.ID)] || strings.Contains(strings.ToUpper(a.Type), "SYSTEM") {
				continue
			}
			ids[a.ID] = true
			if len(a.Tasks) == 0 {
				// Left out is what is empty, and what we may not see [GUIDE]; it cannot be told apart.
				return no(opAssigned, connectors.KindMalformed, bridge.PlatformMalformed, "", "%s is on %s %s, and Meta does not say with which tasks", a.ID, k.Noun, asset.ID)
			}
			users = append(users, bridge.AssetUser{PlatformID: string(a.ID), Name: a.Name, Roles: k.Whole(a.Tasks)})
		}
		return nil
	}
	err = c.as(ctx, k, asset, opAssigned, read)
	if connectors.KindOf(err) == connectors.KindNotFound {
		err = cmp.Or(c.reach(ctx), err)
	}
	return users, k.sayHow(asset, err)
}

// reach is an error where we may not see people at all: the token has ended, or
// its account is no admin any more. What is out of our reach, Meta says, does
// not exist (100/33).
func (c *Connector) reach(ctx context.Context) error {
	_, _, err := c.readMachines(ctx)
	if k := connectors.KindOf(err); k == connectors.KindForbidden || k == connectors.KindToken {
		return err
	}
	return nil
}

// Assign implements connectors.Assets. What is posted takes the place of the
// tasks that the person has (GUIDE, ad accounts).
func (c *Connector) Assign(ctx context.Context, who connectors.Subject, to bridge.AssetAccess) (connectors.Receipt, error) {
	var receipt connectors.Receipt
	k, asset, err := known(opAssign, to.Asset)
	if err != nil {
		return receipt, err
	}
	o := opAssign
	if len(to.Roles) == 0 {
		return receipt, no(o, connectors.KindRefused, bridge.PlatformRefused, "", "no task to give on %s %s; to take all access away, unassign", k.Noun, asset.ID)
	}
	for _, task := range to.Roles {
		if !slices.Contains(k.Roles, task) {
			return receipt, no(o, connectors.KindRefused, bridge.PlatformRefused,
				"Change the person's access in Business Settings: what is posted takes the place of all tasks, and this one adbridge does not know.",
				"%q is no task on a %s that adbridge knows; it knows %s", task, k.Noun, strings.Join(k.Roles, ", "))
		}
	}
	if err := c.assignable(ctx, o, who); err != nil {
		return receipt, err
	}
	tasks, err := json.Marshal(to.Roles)
	if err != nil {
		return receipt, fmt.Errorf("tasks: %w", err)
	}
	err = c.as(ctx, k, asset, o, func(as *Connector) (err error) {
		receipt, err = as.write(ctx, o, "/"+k.nodeID(asset)+"/assigned_users", url.Values{"user": {who.PlatformID}, "tasks": {string(tasks)}})
		return err
	})
	return receipt, k.sayHow(asset, c.noAccess(ctx, k, asset, who, true, err))
}

// Unassign implements connectors.Assets.
func (c *Connector) Unassign(ctx context.Context, who connectors.Subject, asset bridge.Asset) (connectors.Receipt, error) {
	var receipt connectors.Receipt
	k, asset, err := known(opUnassign, asset)
	if err != nil {
		return receipt, err
	}
	o := opUnassign
	if !k.Revocable {
		return receipt, no(o, connectors.KindRefused, bridge.PlatformRefused, "Take the access away in Business Settings, or remove the person from the portfolio.",
			"Meta offers no way to take someone off a %s", k.Noun)
	}
	if err := c.assignable(ctx, o, who); err != nil {
		return receipt, err
	}
	err = c.as(ctx, k, asset, o, func(as *Connector) (err error) {
		receipt, err = as.write(ctx, o, "/"+k.nodeID(asset)+"/assigned_users", url.Values{"user": {who.PlatformID}})
		return err
	})
	return receipt, k.sayHow(asset, c.noAccess(ctx, k, asset, who, false, err))
}

// assignable is an error for whoever cannot be given assets: without a member's
// id, and system users, whose access is other people's software.
func (c *Connector) assignable(ctx context.Context, o op, who connectors.Subject) error {
	if who.PlatformID == "" {
		return no(o, connectors.KindRefused, bridge.PlatformRefused, "", "assets are given by a member's id, which is not known; whoever is only invited has none yet")
	}
	return c.person(ctx, o, who)
}

// noAccess finds out what 100 means about someone on an asset: no member any
// more, no access any more, or an asset that is gone or out of our reach. Only a
// list that was read says that access is gone.
func (c *Connector) noAccess(ctx context.Context, k assetKind, asset bridge.Asset, who connectors.Subject, give bool, err error) error {
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok || e.Code != 100 {
		return err
	}
	if err := c.reach(ctx); err != nil {
		return err
	}
	users, rerr := c.assetUsers(ctx, asset)
	listed := slices.ContainsFunc(users, func(u bridge.AssetUser) bool { return u.PlatformID == who.PlatformID })
	switch {
	case give && connectors.KindOf(rerr) == connectors.KindNotFound:
		return become(e, connectors.KindNotFound, bridge.PlatformNotFound, "") // the asset: nothing was given
	case give:
		if m, merr := c.member(ctx, who.PlatformID); merr == nil && m == nil {
			return become(e, connectors.KindNotFound, bridge.PlatformNotFound, "")
		}
	case rerr == nil && !listed:
		return become(e, connectors.KindNotFound, bridge.PlatformNotFound, "")
	}
	return outOfReach(e)
}

// known finds the kind of an asset, and its id without a prefix.
func known(o op, asset bridge.Asset) (assetKind, bridge.Asset, error) {
	k, ok := assetKindOf(asset.Kind)
	if !ok {
		return k, asset, unknownKind(o, asset.Kind)
	}
	asset.ID = strings.TrimPrefix(asset.ID, k.Prefix)
	if !isID(asset.ID) {
		return k, asset, no(o, connectors.KindRefused, bridge.PlatformRefused, "", "%q is not the id of a %s on Meta; it has digits only", asset.ID, k.Noun)
	}
	return k, asset, nil
}

func unknownKind(o op, kind string) error {
	names := make([]string, len(assetKinds))
	for i, k := range assetKinds {
		names[i] = k.Kind
	}
	return no(o, connectors.KindRefused, bridge.PlatformRefused, "", "Meta has no kind of asset %q; use %s", kind, strings.Join(names, ", "))
}

// sayHow adds to a no about an asset what would make it a yes.
func (k assetKind) sayHow(asset bridge.Asset, err error) error {
	e, ok := errors.AsType[*connectors.Error](err)
	switch {
	case !ok || e.Op == opMachines.name: // that is about the hub, and says so
	case e.Kind == connectors.KindForbidden && (e.Next == "" || e.Next == checkHub):
		e.Next = fmt.Sprintf("Check that the token has the permission %s, and that its system user has full control of the %s %s (Business settings, System users, Assign assets).",
			k.scope, k.Noun, asset.ID)
	case e.Kind == connectors.KindNotFound && e.Next == "" && e.SubCode == 33:
		e.Next = fmt.Sprintf("If it should be there: check the id %s of the %s, and that the portfolio owns it or has it shared with it.", asset.ID, k.Noun)
	}
	return err
}
