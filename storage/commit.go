package storage

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// A batch ends after so many functions or so much time: other processes write
// to the same file and must not wait long.
const (
	batchMax  = 128
	batchTime = 5 * time.Millisecond
)

var errClosed = errors.New("the database is closed")

// lite is SQLite: one connection that writes, owned by one goroutine, and a
// pool of connections that can only read.
type lite struct {
	db      *DB
	queue   chan *job
	readers chan *liteConn
	writer  *liteConn
	version int64 // data_version last seen: moves when another process commits

	stop    chan struct{}
	stopped chan struct{}
	mu      sync.RWMutex // held for reading while a job is queued, for writing to close
	closed  bool
	conns   []*liteConn
}

// job is one function waiting for the writer.
type job struct {
	ctx   context.Context
	fn    func(*Tx) error
	state atomic.Int32 // jobWaiting → jobTaken or jobLeft
	done  chan struct{}
	err   error
	panic any // what fn panicked with; thrown again where Write was called
	wake  bool
}

const (
	jobWaiting = iota
	jobTaken
	jobLeft
)

func openLite(db *DB, dsn string) (*lite, error) {
	n := db.opts.ReadConns
	if n == 0 {
		n = max(4, 2*runtime.GOMAXPROCS(0))
	}
	l := &lite{db: db, queue: make(chan *job, batchMax), readers: make(chan *liteConn, n),
		stop: make(chan struct{}), stopped: make(chan struct{})}
	var err error
	if l.writer, err = l.connect(dsn, true); err != nil {
		return nil, err
	}
	for range n {
		c, err := l.connect(dsn, false)
		if err != nil {
			return nil, errors.Join(err, l.closeConns())
		}
		l.readers <- c
	}
	if err := l.writer.row(context.Background(), "PRAGMA data_version", nil).Scan(&l.version); err != nil {
		return nil, errors.Join(err, l.closeConns())
	}
	go l.loop()
	return l, nil
}

func (l *lite) connect(dsn string, write bool) (*liteConn, error) {
	conn, err := l.db.pool.Driver().Open(dsn)
	if err != nil {
		return nil, err
	}
	c := &liteConn{conn: conn, write: write, stmts: map[string]*liteStmt{}}
	if !write {
		if err := c.plain("PRAGMA query_only = on"); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	l.mu.Lock()
	l.conns = append(l.conns, c)
	l.mu.Unlock()
	return c, nil
}

func (l *lite) close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	close(l.stop)
	<-l.stopped
	for range cap(l.readers) { // wait for the reads under way
		<-l.readers
	}
	return l.closeConns()
}

func (l *lite) closeConns() error {
	var errs []error
	for _, c := range l.conns {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// read runs fn in a transaction on one of the reading connections.
func (l *lite) read(ctx context.Context, fn func(runner) error) error {
	return l.lookup(ctx, func(r runner) error {
		c := r.(*liteConn)
		if err := c.plain("BEGIN"); err != nil {
			return l.db.explain(err)
		}
		defer c.plain("ROLLBACK") // a read has nothing to keep
		return fn(c)
	})
}

// lookup runs fn on one of the reading connections.
func (l *lite) lookup(ctx context.Context, fn func(runner) error) error {
	l.mu.RLock()
	closed := l.closed
	l.mu.RUnlock()
	if closed {
		return errClosed
	}
	var c *liteConn
	select {
	case c = <-l.readers:
	default:
		select {
		case c = <-l.readers:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.stop:
			return errClosed
		}
	}
	defer func() { l.readers <- c }()
	return fn(c)
}

// write queues fn and waits until it is committed, has failed, or will never run.
func (l *lite) write(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := l.enqueue(j); err != nil {
		return err
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		if j.state.CompareAndSwap(jobWaiting, jobLeft) {
			return ctx.Err()
		}
		<-j.done // it runs already: its outcome is what counts
	}
	if j.panic != nil {
		panic(j.panic)
	}
	return j.err
}

func (l *lite) enqueue(j *job) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return errClosed
	}
	select {
	case l.queue <- j:
		return nil
	case <-j.ctx.Done():
		return j.ctx.Err()
	}
}

// loop is the writer. It also looks once a second whether another process
// wrote: data_version, read on the connection that makes all our own commits,
// moves only with those of others.
func (l *lite) loop() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case j := <-l.queue:
			l.batch(j)
		case <-tick.C:
			l.poll()
		case <-l.stop:
			for {
				select {
				case j := <-l.queue: // accepted before the close
					l.batch(j)
					continue
				default:
				}
				close(l.stopped)
				return
			}
		}
	}
}

func (l *lite) poll() {
	var v int64
	if err := l.writer.row(context.Background(), "PRAGMA data_version", nil).Scan(&v); err != nil {
		l.db.opts.Log.Warn().Err(err).Str("op", "watch").Msg("ask SQLite for its data version")
		return
	}
	if v != l.version {
		l.version = v
		l.db.watch.wakeAll()
	}
}

// seen takes the data version as known.
func (l *lite) seen(tx *Tx) error {
	return tx.row(context.Background(), "PRAGMA data_version").Scan(&l.version)
}

// batch runs the first job and all that wait behind it in one transaction.
func (l *lite) batch(first *job) {
	begun := time.Now()
	if err := l.writer.plain("BEGIN IMMEDIATE"); err != nil {
		// Whoever waits now would wait as long for the same answer.
		// Counted before the first is answered: what comes after tries for itself.
		err = l.db.explain(err)
		waiting := len(l.queue)
		l.answer(first, err)
		for range waiting {
			l.answer(<-l.queue, err)
		}
		return
	}
	var ran []*job
	var broken error
	whole := false
	defer func() {
		if whole {
			return
		}
		// A function ended this goroutine (t.FailNow does): nobody's work is
		// committed, everybody is told, and a new goroutine goes on.
		l.writer.plain("ROLLBACK")
		for _, j := range ran {
			j.err = errors.New("commit: a function given to Write ended its goroutine")
			close(j.done)
		}
		go l.loop()
	}()
	for j := first; j != nil && broken == nil; {
		if l.take(j) {
			ran = append(ran, j)
			broken = l.savepoint(j)
		}
		j = nil
		if len(ran) < batchMax && time.Since(begun) < batchTime {
			select {
			case j = <-l.queue:
			default:
			}
		}
	}
	whole = true
	err := broken
	if err == nil {
		err = l.writer.plain("COMMIT")
	}
	if err != nil {
		l.writer.plain("ROLLBACK") // fails when SQLite has rolled back itself
		err = fmt.Errorf("commit: %w", l.db.explain(err))
	}
	wake := false
	for _, j := range ran {
		if err != nil && j.err == nil && j.panic == nil {
			j.err = err
		}
		wake = wake || j.wake && j.err == nil
		close(j.done)
	}
	if wake {
		l.db.wake()
	}
}

// take claims a job; false when its caller has left.
func (l *lite) take(j *job) bool {
	if !j.state.CompareAndSwap(jobWaiting, jobTaken) {
		return false
	}
	if err := j.ctx.Err(); err != nil {
		j.err = err
		close(j.done)
		return false
	}
	return true
}

func (l *lite) answer(j *job, err error) {
	if j.state.CompareAndSwap(jobWaiting, jobTaken) {
		j.err = err
		close(j.done)
	}
}

// savepoint runs one job so that its failure undoes nothing of the others. It
// gives an error when the whole transaction is lost: SQLite rolls back by
// itself when the disk is full or cannot be written.
func (l *lite) savepoint(j *job) error {
	if err := l.writer.plain("SAVEPOINT job"); err != nil {
		return err
	}
	tx := l.db.begin(l.writer)
	l.call(j, tx)
	if j.err != nil || j.panic != nil {
		if err := l.writer.plain("ROLLBACK TO job"); err != nil {
			return err
		}
	} else {
		j.wake = tx.wake
	}
	return l.writer.plain("RELEASE job")
}

// call runs fn and catches its panic.
func (l *lite) call(j *job, tx *Tx) {
	defer func() {
		if p := recover(); p != nil {
			j.panic = p
			l.db.opts.Log.Error().Str("op", "write").Bytes("stack", debug.Stack()).Msg("a function given to Write panicked")
		}
	}()
	j.err = j.fn(tx)
}
