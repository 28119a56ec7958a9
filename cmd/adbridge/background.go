package main

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

const (
	sealEvery       = 250 * time.Millisecond // how far the seal may be behind the events
	sealMost        = 100                    // events in one sealing: requests wait behind it
	checkpointEvery = time.Minute            // signed ends of the chain
)

// seal chains the audit events just behind the writers, and signs the end of
// the chain from time to time. What is left when it stops, the next seals.
func seal(ctx context.Context, db *storage.DB, log zerolog.Logger) {
	tick := time.NewTicker(sealEvery)
	defer tick.Stop()
	var signed time.Time
	fresh := false
	for {
		n, err := sealSome(ctx, db)
		fresh = fresh || n > 0
		if err == nil && fresh && time.Since(signed) > checkpointEvery {
			if err = checkpoint(ctx, db); err == nil {
				signed, fresh = time.Now(), false
			}
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, bridge.ErrConflict) {
			log.Error().Err(err).Msg("seal the audit trail; it goes on by itself")
		}
		if n == sealMost {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sealSome seals what there is, if anything.
func sealSome(ctx context.Context, db *storage.DB) (n int, err error) {
	var some bool
	err = db.Read(ctx, func(tx *storage.Tx) error {
		some, err = tx.Unsealed(ctx)
		return err
	})
	if err != nil || !some {
		return 0, err
	}
	err = db.Write(ctx, func(tx *storage.Tx) error {
		n, err = tx.SealEvents(ctx, sealMost)
		return err
	})
	return n, err
}

func checkpoint(ctx context.Context, db *storage.DB) error {
	return db.Write(ctx, func(tx *storage.Tx) error {
		_, _, err := tx.Checkpoint(ctx, 1, 0)
		return err
	})
}

// preflightEvery is how often it is looked whether a hub's daily look at its
// preconditions is due.
const preflightEvery = time.Minute

// lookDaily looks at the preconditions of every hub once a day.
func (a *App) lookDaily(ctx context.Context) {
	tick := time.NewTicker(preflightEvery)
	defer tick.Stop()
	for {
		if err := a.Inspector.LookAtDue(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error().Err(err).Msg("look at the preconditions of the hubs; it is tried again in a minute")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// logEvery is how often it is looked whether the log of a hub's platform is to be read.
const logEvery = 30 * time.Second

// readLogs reads what the platforms logged of who changed what, after each pull.
func (a *App) readLogs(ctx context.Context) {
	tick := time.NewTicker(logEvery)
	defer tick.Stop()
	for {
		if err := a.Importer.ImportDue(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error().Err(err).Msg("read the logs of the platforms; it is tried again in half a minute")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

const (
	exchangeQueue = 10_000                 // exchanges waiting to be written
	exchangeEvery = 200 * time.Millisecond // how long one may wait
	exchangeMost  = 100                    // written at once: requests wait behind it
	// Requests of nobody whom we know: one in so long beyond a burst. What they
	// were refused for is counted in the audit trail.
	strangerEvery, strangerBurst = 100 * time.Millisecond, 200
)

// exchangeLog keeps the provisioning log behind the requests, so that it never
// slows one down. It is for operators: past its queue it loses entries and
// says how many. The audit trail never does.
type exchangeLog struct {
	db        *storage.DB
	log       zerolog.Logger
	queue     chan bridge.Exchange
	lost      chan struct{}
	strangers *rate.Limiter
}

func newExchangeLog(db *storage.DB, log zerolog.Logger) *exchangeLog {
	return &exchangeLog{db: db, log: log, queue: make(chan bridge.Exchange, exchangeQueue), lost: make(chan struct{}, exchangeQueue),
		strangers: rate.NewLimiter(rate.Every(strangerEvery), strangerBurst)}
}

// Exchange queues one.
func (e *exchangeLog) Exchange(_ context.Context, x bridge.Exchange) {
	if x.SourceID == "" && !e.strangers.Allow() {
		return
	}
	select {
	case e.queue <- x:
	default:
		select {
		case e.lost <- struct{}{}:
		default:
		}
	}
}

// run writes until ctx ends, then what is queued.
func (e *exchangeLog) run(ctx context.Context) {
	tick := time.NewTicker(exchangeEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		e.write(context.WithoutCancel(ctx))
	}
}

func (e *exchangeLog) write(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		var batch []bridge.Exchange
		for len(batch) < exchangeMost && len(e.queue) > 0 {
			batch = append(batch, <-e.queue)
		}
		if lost := len(e.lost); lost > 0 {
			for range lost {
				<-e.lost
			}
			e.log.Warn().Int("lost", lost).Msg("the provisioning log could not keep up; the requests themselves are not affected")
		}
		if len(batch) == 0 {
			return
		}
		err := e.db.Write(ctx, func(tx *storage.Tx) error { return tx.AddExchanges(ctx, batch...) })
		if err != nil {
			e.log.Error().Err(err).Int("lost", len(batch)).Msg("write the provisioning log")
			return
		}
	}
}

// flushRefusals puts on record each minute whom a flood has had counted, and
// the rest at the end.
func flushRefusals(ctx context.Context, callers *reconcile.Callers) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			callers.Flush(ctx, true)
			return
		case <-tick.C:
			callers.Flush(ctx, false)
		}
	}
}

// bindEvery is how long a reference waits at most for a person who is there.
const bindEvery = time.Hour

// bindWaiting binds, at the start and every hour, the references to people that a
// server left waiting, which was killed or had lost the database.
func bindWaiting(ctx context.Context, db *storage.DB, log zerolog.Logger) {
	tick := time.NewTicker(bindEvery)
	defer tick.Stop()
	d := reconcile.Directory{DB: db, Log: log}
	for {
		if n, err := d.BindWaiting(ctx); err != nil && ctx.Err() == nil {
			log.Error().Err(err).Msg("bind the memberships that wait for people who are there; it is tried again in an hour")
		} else if n > 0 {
			log.Info().Int("people", n).Msg("bound memberships that waited for people who are there")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

const (
	purgeEvery = time.Hour
	purgeMost  = 200                   // lines in one transaction: requests wait behind it
	purgePause = 20 * time.Millisecond // so that others write meanwhile
	// issuedKept is how long a token that the token endpoint issued is kept
	// after its end, for whoever asks what it was.
	issuedKept = 7 * 24 * time.Hour
)

// purge forgets what need not be kept: lines of the provisioning log and plans,
// pulls and reports past their time (0: none), tokens that ended by themselves, and
// what platforms logged long ago. Several servers may do it at once.
func purge(ctx context.Context, db *storage.DB, keep, history time.Duration, log zerolog.Logger) {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		if n, err := purgeOnce(ctx, db, keep, time.Now()); err != nil && ctx.Err() == nil {
			log.Error().Err(err).Msg("purge the provisioning log; it is tried again in an hour")
		} else if n > 0 {
			log.Info().Int("lines", n).Msg("purged the provisioning log")
		}
		if history > 0 {
			if n, err := purgeHistory(ctx, db, db.Now().Add(-history)); err != nil && ctx.Err() == nil {
				log.Error().Err(err).Msg("purge old plans, pulls and reports; it is tried again in an hour")
			} else if n > 0 {
				log.Info().Int("rows", n).Msg("purged old plans, pulls and reports")
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// purgeOnce forgets all that is due, a little at a time.
func purgeOnce(ctx context.Context, db *storage.DB, keep time.Duration, now time.Time) (total int, err error) {
	if err := db.Write(ctx, func(tx *storage.Tx) error {
		_, err := tx.PurgeTokens(ctx, now.Add(-issuedKept), purgeMost)
		return err
	}); err != nil {
		return 0, err
	}
	if _, err := purgeAll(ctx, db, func(tx *storage.Tx) (int, error) {
		return tx.PurgePlatformChanges(ctx, now.Add(-reconcile.LogKept), purgeMost)
	}); err != nil || keep <= 0 {
		return 0, err
	}
	return purgeAll(ctx, db, func(tx *storage.Tx) (int, error) { return tx.PurgeExchanges(ctx, now.Add(-keep), purgeMost) })
}

// purgeAll forgets a little at a time, until there is nothing more.
func purgeAll(ctx context.Context, db *storage.DB, some func(*storage.Tx) (int, error)) (total int, err error) {
	for {
		n := 0
		err := db.Write(ctx, func(tx *storage.Tx) (err error) { n, err = some(tx); return err })
		total += n
		if err != nil || n < purgeMost {
			return total, err
		}
		pause(ctx, purgePause)
	}
}

// purgeHistory forgets the plans, pulls and reports of all hubs that are older and
// needed for nothing, a little at a time. What went is in the audit trail.
func purgeHistory(ctx context.Context, db *storage.DB, before time.Time) (total int, err error) {
	var hubs []bridge.Hub
	if err := db.Read(ctx, func(tx *storage.Tx) error { hubs, err = tx.EveryHub(ctx); return err }); err != nil {
		return 0, err
	}
	for _, hub := range hubs {
		var old storage.OldHistory
		if err := db.Read(ctx, func(tx *storage.Tx) error { old, err = tx.OldHistory(ctx, hub.ID, before); return err }); err != nil {
			return total, err
		}
		for !old.None() && ctx.Err() == nil {
			var left storage.OldHistory
			var gone storage.Purged
			err := db.Write(ctx, func(tx *storage.Tx) (err error) {
				left = old
				if gone, err = tx.PurgeHistory(ctx, hub.ID, before, &left, purgeMost); err != nil || gone.Sum() == 0 {
					return err
				}
				return tx.AddEvents(ctx, audit.Event{Actor: audit.ActorBridge, Action: audit.HistoryPurged, Hub: hub.ID, Subject: hub.Slug,
					Detail: map[string]any{"before": before, "gone": gone}})
			})
			if err != nil {
				return total, err
			}
			old, total = left, total+gone.Sum()
			pause(ctx, purgePause)
		}
	}
	return total, nil
}
