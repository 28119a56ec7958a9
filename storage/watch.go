package storage

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is the PostgreSQL channel on which the replicas wake each other.
const channel = "adbridge"

// notifyEvery keeps a busy server from notifying at each commit: the wake-ups
// of so much time become one.
const notifyEvery = 50 * time.Millisecond

// watchers are those who want to know that something has changed.
type watchers struct {
	mu     sync.Mutex
	set    map[chan struct{}]struct{}
	db     *DB
	config *pgx.ConnConfig // PostgreSQL
	kick   chan struct{}   // a commit wants the others notified
	cancel context.CancelFunc
	wait   sync.WaitGroup
	once   sync.Once
}

func (w *watchers) init(db *DB, config *pgx.ConnConfig) {
	w.db, w.config = db, config
	w.set = map[chan struct{}]struct{}{}
	w.kick = make(chan struct{}, 1)
	if config == nil {
		return
	}
	var ctx context.Context
	ctx, w.cancel = context.WithCancel(context.Background())
	w.wait.Go(func() { w.notify(ctx) })
	if db.opts.Now == nil {
		w.wait.Go(func() { db.keepClock(ctx) })
	}
}

func (w *watchers) close() {
	if w.cancel != nil {
		w.cancel()
		w.wait.Wait()
	}
}

// Watch gives a channel on which a value waits after something has changed:
// a commit in this process that asked for it with Tx.Wake, a commit of another
// process. Several changes may be one value; a value may be a false alarm.
func (db *DB) Watch() (wake <-chan struct{}, stop func()) {
	w := &db.watch
	c := make(chan struct{}, 1)
	w.mu.Lock()
	w.set[c] = struct{}{}
	w.mu.Unlock()
	if w.config != nil {
		w.once.Do(func() {
			ctx, cancel := context.WithCancel(context.Background())
			stopNotify := w.cancel
			w.cancel = func() { cancel(); stopNotify() }
			w.wait.Go(func() { w.listen(ctx) })
			w.wait.Go(func() { w.poll(ctx) })
		})
	}
	return c, func() {
		w.mu.Lock()
		delete(w.set, c)
		w.mu.Unlock()
	}
}

// wake tells this process at once and the others soon.
func (db *DB) wake() {
	db.watch.wakeAll()
	select {
	case db.watch.kick <- struct{}{}:
	default:
	}
}

func (w *watchers) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.set {
		select {
		case c <- struct{}{}:
		default: // one is waiting already
		}
	}
}

// notify sends NOTIFY outside the transactions that want it: inside, it would
// make all commits of the database wait for each other.
func (w *watchers) notify(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.kick:
		}
		if _, err := w.db.pool.ExecContext(ctx, "NOTIFY "+channel); err != nil && ctx.Err() == nil {
			w.db.opts.Log.Warn().Err(err).Str("op", "notify").Msg("other replicas learn of the change by their poll")
		}
		if !pause(ctx, notifyEvery) {
			return
		}
	}
}

// listen waits for NOTIFY on a connection of its own and makes a new one when
// it breaks.
func (w *watchers) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := w.listenOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		w.db.opts.Log.Warn().Err(err).Str("op", "listen").Msg("listening to PostgreSQL broke off; the poll goes on")
		pause(ctx, 2*time.Second)
	}
}

func (w *watchers) listenOnce(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, w.config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	w.wakeAll() // for what was missed before
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		w.wakeAll()
	}
}

// poll is the safety net below listen: a notification is lost when its sender
// dies between commit and NOTIFY. The next transaction number moves with every
// transaction that wrote.
func (w *watchers) poll(ctx context.Context) {
	var last string
	for pause(ctx, time.Second) {
		var now string
		if err := w.db.pool.QueryRowContext(ctx,
			"SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT)").Scan(&now); err != nil {
			continue // what is wrong shows in every other statement too
		}
		if last != "" && now != last {
			w.wakeAll()
		}
		last = now
	}
}

// pause waits; false when the context has ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
