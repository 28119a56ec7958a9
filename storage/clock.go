package storage

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	clockEvery = time.Minute     // how often the machine's clock is held against PostgreSQL's
	clockApart = 5 * time.Second // so far apart a person should set the machine's clock
)

// clock tells the time of transactions. On PostgreSQL that is the time of the
// database server: leases, waits and expiries are compared between servers
// whose machines may not agree. It is reckoned from the machine's clock and
// what that was last found to be behind by, so that no transaction has to ask.
type clock struct {
	machine func() time.Time
	behind  atomic.Int64 // nanoseconds; the machine's clock is ahead when negative
}

func (c *clock) now() time.Time {
	return c.machine().Add(time.Duration(c.behind.Load())).UTC().Truncate(time.Microsecond)
}

// setClock holds the machine's clock against PostgreSQL's. Of three answers the
// quickest counts: it is right to half the time that it took.
func (db *DB) setClock(ctx context.Context) error {
	var quickest, behind time.Duration
	for try := range 3 {
		var theirs int64
		asked := db.clock.machine()
		if err := db.pool.QueryRowContext(ctx, "SELECT "+db.dialect.clock()).Scan(&theirs); err != nil {
			return fmt.Errorf("ask PostgreSQL for the time: %w", err)
		}
		took := db.clock.machine().Sub(asked)
		if try == 0 || took < quickest {
			quickest, behind = took, time.UnixMicro(theirs).Sub(asked.Add(took/2))
		}
	}
	was := time.Duration(db.clock.behind.Swap(int64(behind)))
	if behind.Abs() >= clockApart && was.Abs() < clockApart {
		db.opts.Log.Warn().Dur("behind", behind).Str("op", "clock").
			Msg("this machine's clock and PostgreSQL's are apart; adbridge goes by PostgreSQL's, but tokens that expire are judged by this one: set the clock, by NTP for instance")
	}
	return nil
}

// keepClock sets the clock again until ctx ends.
func (db *DB) keepClock(ctx context.Context) {
	for pause(ctx, clockEvery) {
		if err := db.setClock(ctx); err != nil && ctx.Err() == nil {
			db.opts.Log.Warn().Err(err).Str("op", "clock").Msg("the machine's clock goes on as last set")
		}
	}
}
