package meta

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
)

// noMember finds out what 100 means about a member: an id that shows nothing
// is gone or not permitted, and so the reader has to look at the lists; a member
// who is shown may be as wanted already, or out of our reach.
func (c *Connector) noMember(ctx context.Context, id string, wanted bridge.Role, err error) error {
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok || e.Code != 100 {
		return err
	}
	m, rerr := c.member(ctx, id)
	switch {
	case rerr != nil:
		return e // as it stands: the caller reads
	case m == nil:
		return become(e, connectors.KindNotFound, bridge.PlatformNotFound, "")
	case wanted != "" && roleOf(m.Role) == wanted:
		return become(e, connectors.KindExists, bridge.PlatformExists, "")
	}
	return outOfReach(e)
}

// noRequest is noMember for an invitation. One that is open no more is no
// invitation any more.
func (c *Connector) noRequest(ctx context.Context, id string, wanted bridge.Role, err error) error {
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok || e.Code != 100 {
		return err
	}
	r, rerr := c.request(ctx, id)
	switch {
	case rerr != nil:
		return e
	case r == nil || !r.open():
		return become(e, connectors.KindNotFound, bridge.PlatformNotFound, "")
	case wanted != "" && roleOf(r.Role) == wanted:
		return become(e, connectors.KindExists, bridge.PlatformExists, "")
	}
	return outOfReach(e)
}

func outOfReach(e *connectors.Error) *connectors.Error {
	if e.Kind == connectors.KindNotFound {
		return become(e, connectors.KindForbidden, bridge.PlatformForbidden, checkHub)
	}
	return e
}

func become(e *connectors.Error, kind connectors.Kind, reason bridge.Code, next string) *connectors.Error {
	e.Kind, e.Reason, e.Next = kind, reason, next
	return e
}

// youth is how long Meta may keep a new admin system user from changing
// people. No page of Meta's says so; those who connect portfolios do, and the
// error seen is 10/2859030 (I).
const youth = 7 * 24 * time.Hour

const (
	notAllowed = 2859030       // "This Action Is Not Allowed"
	askAgain   = 6 * time.Hour // while young: it may be over sooner
)

// explain tells a system user that is too young from an app that may not. Only
// where Meta leaves the subcode out does plain 10 on a change count too.
func (c *Connector) explain(ctx context.Context, o op, err error) error {
	if c.own != nil {
		return c.own.explain(ctx, o, err)
	}
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok || e.Kind != connectors.KindForbidden || e.Code != 10 || !o.class.has(people) && !o.class.has(onAsset|writes) {
		return err
	}
	if e.SubCode != notAllowed && !(e.SubCode == 0 && o.class.has(writes)) {
		return err
	}
	born, rerr := c.birth(ctx)
	left := born.Add(youth).Sub(c.now())
	if rerr != nil || born.IsZero() || left <= 0 {
		return err
	}
	become(e, connectors.KindTooEarly, bridge.PlatformTooEarly,
		fmt.Sprintf("The system user was made on %s. Meta may refuse changes of people until %s; it is tried again by itself.", day(born), day(born.Add(youth))))
	e.RetryAfter = min(left, askAgain)
	return e
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// birth is when the system user that the token acts as was made; zero where
// that cannot be told.
func (c *Connector) birth(ctx context.Context) (time.Time, error) {
	c.mu.Lock()
	born := c.born
	c.mu.Unlock()
	if !born.IsZero() {
		return born, nil
	}
	var me machine
	if err := c.get(ctx, opMe, "/me", url.Values{"fields": {"id,name"}}, &me); err != nil {
		return time.Time{}, err
	}
	return c.birthOf(ctx, string(me.ID))
}

func (c *Connector) birthOf(ctx context.Context, id string) (time.Time, error) {
	var m machine
	if err := c.get(ctx, opMachine, "/"+id, url.Values{"fields": {"id,created_time"}}, &m); err != nil {
		return time.Time{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.born = m.Created.Time
	return c.born, nil
}
