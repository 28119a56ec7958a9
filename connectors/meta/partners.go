package meta

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
)

var _ connectors.Partners = (*Connector)(nil)

// Side says which way assets are shared with a partner, in Meta's words.
type Side string

// The sides. A business may be on both.
const (
	Agency Side = "agency" // it has access to our assets
	Client Side = "client" // it gave us access to its own
)

// Partner is another business with what is shared, and which way.
type Partner struct {
	bridge.PartnerBusiness
	Side Side
}

// businessRow is a Business as a list of partners shows it, or as an asset lists
// those that it is shared with.
type businessRow struct {
	ID        ident    `json:"id"`
	Name      string   `json:"name"`
	Permitted []string `json:"permitted_tasks"` // what the business may hand out to its own people
}

func (r businessRow) key() string { return string(r.ID) }

// Partners lists the businesses that ours shares assets with, either way, each
// with what is shared and with which tasks. What could not be read is said in
// the Error of every partner that it may concern. Who works for a partner is not
// visible to us, only what the partner as a whole may do.
func (c *Connector) Partners(ctx context.Context) ([]Partner, error) {
	agencies, err := c.PartnerBusinesses(ctx)
	if err != nil {
		return nil, err
	}
	var all []Partner
	for _, b := range agencies {
		assets, err := c.SharedWith(ctx, b.BusinessID)
		switch e, unread := errors.AsType[*unreadAssets](err); {
		case unread:
			b.Error = e.Error()
		case connectors.KindOf(err) == connectors.KindNotFound:
			continue // it has ended meanwhile
		case err != nil:
			return nil, err
		}
		b.Assets = assets
		all = append(all, Partner{b, Agency})
	}
	clients, err := c.clients(ctx)
	return append(all, clients...), err
}

// PartnerBusinesses implements connectors.Partners: the agencies, businesses
// that have access to our assets. Those that only gave us access are no partners
// in that sense; Partners has them.
func (c *Connector) PartnerBusinesses(ctx context.Context) ([]bridge.PartnerBusiness, error) {
	rows, err := c.businesses(ctx, "agencies")
	var all []bridge.PartnerBusiness
	for _, r := range rows {
		all = append(all, bridge.PartnerBusiness{BusinessID: string(r.ID), Name: r.Name})
	}
	return all, err
}

func (c *Connector) businesses(ctx context.Context, edge string) ([]businessRow, error) {
	var all []businessRow
	query := url.Values{"fields": {"id,name"}}
	for r, err := range listing[businessRow](ctx, c, onBusiness(edge), "/"+c.business+"/"+edge, query, nil) {
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(all, func(b businessRow) bool { return b.ID == r.ID }) {
			all = append(all, r)
		}
	}
	return all, nil
}

// SharedWith implements connectors.Partners. Only an asset says whom it is
// shared with, so all of our own are asked; the answer holds for every partner
// and is kept for some minutes. Beside an error there may be assets: those that
// could be read.
func (c *Connector) SharedWith(ctx context.Context, partnerID string) ([]bridge.SharedAsset, error) {
	rows, err := c.businesses(ctx, "agencies")
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(rows, func(r businessRow) bool { return string(r.ID) == partnerID }) {
		return nil, no(onBusiness("agencies"), connectors.KindNotFound, bridge.PlatformNotFound, "", "business %q has no access to assets of the portfolio", partnerID)
	}
	s, err := c.sharing(ctx)
	if err != nil {
		return nil, err
	}
	if s.unread != nil {
		err = s.unread
	}
	return s.with[partnerID], err
}

// sharing is what our own assets say of whom they are shared with.
type sharing struct {
	at     time.Time
	with   map[string][]bridge.SharedAsset // by partner
	unread *unreadAssets
}

// sharingKept is how long one look at every asset will do.
const sharingKept = 10 * time.Minute

// unreadAssets are assets that do not say whom they are shared with.
type unreadAssets struct {
	why    *connectors.Error // of the first
	assets []string
}

func (e *unreadAssets) Error() string {
	shown := e.assets[:min(len(e.assets), 5)]
	more := ""
	if n := len(e.assets) - len(shown); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("whom %s%s are shared with cannot be read: %s", strings.Join(shown, ", "), more, cmp.Or(e.why.Next, e.why.Error()))
}

func (e *unreadAssets) Unwrap() []error { return []error{connectors.ErrPartial, e.why} }

func (c *Connector) sharing(ctx context.Context) (*sharing, error) {
	c.mu.Lock()
	s := c.shared
	c.mu.Unlock()
	if s != nil && c.now().Sub(s.at) < sharingKept {
		return s, nil
	}
	s = &sharing{at: c.now(), with: map[string][]bridge.SharedAsset{}}
	for _, k := range assetKinds {
		if !k.shared {
			continue
		}
		for r, err := range c.assetEdge(ctx, k, k.owned, nil) {
			if err != nil {
				return nil, err
			}
			d := r.details(k.Kind)
			d.Owner = ""
			err := c.agenciesOf(ctx, k, d, s.with)
			if e, ok := errors.AsType[*connectors.Error](err); ok && (denied(err) || e.Kind == connectors.KindNotFound) {
				if s.unread == nil {
					s.unread = &unreadAssets{why: e}
				}
				s.unread.assets = append(s.unread.assets, d.String())
			} else if err != nil {
				return nil, err
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shared = s
	return s, nil
}

// agenciesOf adds an asset to each business that it is shared with.
func (c *Connector) agenciesOf(ctx context.Context, k assetKind, d bridge.AssetDetails, with map[string][]bridge.SharedAsset) error {
	found := map[string][]string{}
	err := c.as(ctx, k, d.Asset, opAgencies, func(as *Connector) error {
		clear(found)
		query := url.Values{"fields": {"id,name,permitted_tasks"}}
		for r, err := range listing[businessRow](ctx, as, opAgencies, "/"+k.nodeID(d.Asset)+"/agencies", query, nil) {
			if err != nil {
				return err
			}
			found[string(r.ID)] = r.Permitted
		}
		return nil
	})
	if err != nil {
		return k.sayHow(d.Asset, err)
	}
	for id, tasks := range found {
		with[id] = append(with[id], bridge.SharedAsset{AssetDetails: d, Roles: k.Whole(tasks)})
	}
	return nil
}

// clients are the businesses that gave us access, by what they gave.
func (c *Connector) clients(ctx context.Context) ([]Partner, error) {
	rows, err := c.businesses(ctx, "clients")
	if err != nil {
		return nil, err
	}
	var all []Partner
	of := map[string]int{}
	place := func(id, name string) *Partner {
		i, ok := of[id]
		if !ok {
			i = len(all)
			of[id] = i
			all = append(all, Partner{bridge.PartnerBusiness{BusinessID: id, Name: name}, Client})
		}
		return &all[i]
	}
	for _, r := range rows {
		place(string(r.ID), r.Name)
	}
	for _, k := range assetKinds {
		given, err := c.given(ctx, k)
		if err != nil {
			return nil, err
		}
		for _, r := range given {
			p := place(string(r.Owner.ID), cmp.Or(r.Owner.Name, "Meta does not say whose"))
			p.Assets = append(p.Assets, bridge.SharedAsset{AssetDetails: r.details(k.Kind), Roles: k.Whole(r.Permitted)})
		}
	}
	return all, nil
}

// given are the assets of a kind that others share with us. That an edge tells
// permitted_tasks is in a guide and not in SPEC: where it will not, the rest does.
func (c *Connector) given(ctx context.Context, k assetKind) (all []assetRow, err error) {
	more := []string{"permitted_tasks"}
	if !k.permitted {
		more = nil
	}
	for ; ; more = nil {
		all, err = nil, nil
		for r, rerr := range c.assetEdge(ctx, k, k.client, more) {
			if err = rerr; err == nil {
				all = append(all, r)
			}
		}
		if connectors.KindOf(err) != connectors.KindRefused || more == nil {
			return all, err
		}
	}
}
