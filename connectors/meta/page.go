package meta

import (
	"context"
	"errors"
	"net/url"

	"adbridge/bridge"
	"adbridge/connectors"
)

// pageToken is a page as we ask for it: its token is given to those who manage
// it (REF, page assigned_users), and left out for others.
type pageToken struct {
	ID    ident  `json:"id"`
	Token string `json:"access_token"`
}

func (p *pageToken) whole() error { return needID(p.ID) }

// as lets something be done on an asset as Meta wants it: pages only let their
// own token at their people. Page tokens are held in memory and nowhere else.
func (c *Connector) as(ctx context.Context, k assetKind, asset bridge.Asset, o op, do func(*Connector) error) error {
	if !k.byPage {
		return do(c)
	}
	p, err := c.page(ctx, k, asset.ID)
	if err != nil {
		return err
	}
	err = do(p)
	if connectors.KindOf(err) != connectors.KindToken {
		return err
	}
	// The page's token has ended. If ours has too, asking for another says so;
	// a page's end must not be taken for the hub's.
	c.mu.Lock()
	if c.pages[asset.ID] == p {
		delete(c.pages, asset.ID)
	}
	c.mu.Unlock()
	fresh, perr := c.page(ctx, k, asset.ID)
	if perr != nil {
		return perr
	}
	if e, ok := errors.AsType[*connectors.Error](err); ok {
		if fresh.token.Reveal() == p.token.Reveal() {
			return become(e, connectors.KindForbidden, bridge.PlatformForbidden, managePage)
		}
		if o.class.has(writes) {
			return become(e, connectors.KindTransient, bridge.PlatformUnreachable, "Nothing: the page has a new token, and it is tried again with that.")
		}
	}
	if err = do(fresh); connectors.KindOf(err) == connectors.KindToken {
		e, _ := errors.AsType[*connectors.Error](err)
		return become(e, connectors.KindForbidden, bridge.PlatformForbidden, managePage)
	}
	return err
}

const managePage = "Give the token's system user full control of the page (Business settings, System users, Assign assets), and the token the permissions " +
	"pages_show_list, pages_read_engagement and pages_manage_metadata."

// page is the connector that speaks with a page's own token.
func (c *Connector) page(ctx context.Context, k assetKind, id string) (*Connector, error) {
	c.mu.Lock()
	p := c.pages[id]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	var got pageToken
	if err := c.get(ctx, opPageToken, "/"+id, url.Values{"fields": {"id,access_token"}}, &got); err != nil {
		return nil, err
	}
	switch {
	case string(got.ID) != id:
		return nil, no(opPageToken, connectors.KindMalformed, bridge.PlatformMalformed, "", "page %s was asked for and %s answered", id, got.ID)
	case got.Token == "":
		return nil, no(opPageToken, connectors.KindForbidden, bridge.PlatformForbidden, managePage, "Meta gives no token of the %s %s to the hub's system user", k.Noun, id)
	}
	p = &Connector{
		business: c.business, pageSize: c.pageSize, appID: c.appID, secret: c.secret, now: c.now, sleep: c.sleep,
		cfg: c.cfg, version: c.version, upgraded: c.upgraded, own: c,
	}
	if err := p.speak(bridge.NewSecret(got.Token), c.token.Reveal(), c.proof); err != nil {
		return nil, no(opPageToken, connectors.KindRefused, bridge.PlatformRefused, "", "%s", c.rest.Redact(err.Error()))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages == nil {
		c.pages = map[string]*Connector{}
	}
	c.pages[id] = p
	return p, nil
}
