package apply

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// outage makes the bench's database refuse every event, as one does whose disk
// is full, until mend is called.
type outage struct {
	b    *bench
	raw  *sql.DB
	once sync.Once
}

func newOutage(b *bench) *outage {
	raw, err := sql.Open("sqlite", strings.TrimPrefix(b.db.String(), "sqlite "))
	b.ok(err)
	b.t.Cleanup(func() { raw.Close() })
	return &outage{b: b, raw: raw}
}

func (o *outage) exec(query string, args ...any) {
	o.b.t.Helper()
	_, err := o.raw.Exec(query, args...)
	o.b.ok(err)
}

func (o *outage) begin() {
	o.b.t.Helper()
	o.exec(`CREATE TRIGGER outage BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
}

func (o *outage) mend() { o.once.Do(func() { o.exec(`DROP TRIGGER outage`) }) }

// tries does something the n-th time that the worker says that it could not write.
type tries struct {
	n  int
	at map[int]func()
}

// Run implements zerolog.Hook.
func (x *tries) Run(_ *zerolog.Event, _ zerolog.Level, message string) {
	if strings.Contains(message, "not on record yet") {
		x.n++
		if do := x.at[x.n]; do != nil {
			do()
		}
	}
}

// scribe hears every write that the platform answers, and does something once it
// has answered and before anybody can write that down.
type scribe struct {
	n        int
	ids      []string // of the requests, the platform's
	answered func(n int)
}

// scribed is the bench with a scribe on the way to the platform, and with a
// connector that asks before each write.
func scribed(t *testing.T) (*bench, *scribe) {
	b, s := newBench(t), &scribe{}
	b.net.answered = func(r *http.Request, resp *http.Response) {
		if r.Method == http.MethodGet {
			return
		}
		s.n++
		s.ids = append(s.ids, resp.Header.Get("X-Fb-Trace-Id"))
		if s.answered != nil {
			s.answered(s.n)
		}
	}
	b.worker.DialAsking = func(_ context.Context, _ string, hear func(connectors.Call), ask func(context.Context) error) (connectors.Connector, error) {
		return b.dial(hear, ask)
	}
	return b, s
}

// assigning is that bench with access to be given.
func assigning(t *testing.T) (*bench, *scribe) {
	b, s := scribed(t)
	b.plan()
	return b, s
}

// inviting is that bench with an invitation of Ana's that has expired, so that it
// is to be cancelled and sent again, which are two writes.
func inviting(t *testing.T) (*bench, *scribe) {
	b, s := scribed(t)
	b.absent()
	b.plan()
	b.next()
	b.next()
	b.is(bridge.Confirmed, "", false, invited)
	b.ok(b.sim.Expire(portfolio, "ana@corp.example"))
	b.pull()
	b.pass(31 * 24 * time.Hour)
	b.pull()
	if x := b.task(); x.Action != bridge.ReInvite {
		t.Fatalf("the newest task is %+v", x)
	}
	b.sim.ResetRequests()
	*s = scribe{}
	return b, s
}

// trail is what the audit trail has of calls for the newest task: what was begun,
// what was answered, and of what no answer was recorded.
func (b *bench) trail() (begun, answered, lost []audit.Event) {
	b.t.Helper()
	task := b.task().ID
	storagetest.Read(b.t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		for e, err := range tx.Events(ctx, storage.EventFilter{HubID: b.hub.ID}) {
			switch {
			case err != nil:
				return err
			case e.Task != task:
			case e.Action == audit.TaskStarted:
				begun = append(begun, e)
			case e.Action == audit.PlatformCall && e.Detail["write"] == true:
				answered = append(answered, e)
			case e.Action == audit.PlatformUnrecorded:
				lost = append(lost, e)
			}
		}
		return nil
	})
	return begun, answered, lost
}

// times are the times by which the events name their calls.
func times(events []audit.Event) (out []string) {
	for _, e := range events {
		out = append(out, fmt.Sprint(e.Detail["begun"]))
	}
	return out
}

// TestAWriteIsOnRecordOnceTheDatabaseTakesItAgain: the database fails right after
// the platform's answer. The lane waits for it, though its lease lapses, and then
// both the call and what came of it are on record: nothing has to be found out.
func TestAWriteIsOnRecordOnceTheDatabaseTakesItAgain(t *testing.T) {
	t.Parallel()
	b, s := assigning(t)
	o := newOutage(b)
	s.answered = func(int) { o.begin() }
	x := &tries{at: map[int]func(){
		1: func() { o.exec(`UPDATE lanes SET held_until = 1`) },
		2: o.mend,
	}}
	b.worker.Log = zerolog.New(nil).Hook(x)
	b.next()
	if x.n < 2 {
		t.Fatalf("the database failed %d tries; the test has shown nothing", x.n)
	}
	b.is(bridge.Accepted, "", false, assigns)
	begun, answered, lost := b.trail()
	if len(answered) != 1 || answered[0].Detail["request_id"] != s.ids[0] || !slices.Equal(times(begun), times(answered)) || len(lost) > 0 {
		t.Errorf("begun %v, on record %+v, lost %v", times(begun), answered, lost)
	}
}

// TestAWriteIsOnRecordThoughTheLaneWasTakenInAnOutage: what became of it is the
// new holder's to find out, and nobody says that its answer was lost.
func TestAWriteIsOnRecordThoughTheLaneWasTakenInAnOutage(t *testing.T) {
	t.Parallel()
	b, s := assigning(t)
	o := newOutage(b)
	s.answered = func(int) { o.begin() }
	b.worker.Log = zerolog.New(nil).Hook(&tries{at: map[int]func(){1: func() {
		o.exec(`UPDATE lanes SET holder = 'another', token = token + 1`)
		o.mend()
	}}})
	if _, err := b.worker.Next(t.Context(), b.lease); !errors.Is(err, bridge.ErrConflict) {
		t.Fatalf("whoever lost the lane is told %v", err)
	}
	b.lease.Holder, b.lease.Token = "another", b.lease.Token+1
	b.next()
	b.is(bridge.Confirmed, "", false, assigns)
	begun, answered, lost := b.trail()
	if len(answered) != 1 || !slices.Equal(times(begun), times(answered)) || len(lost) > 0 {
		t.Errorf("begun %v, on record %v, lost %v", times(begun), times(answered), times(lost))
	}
}

// TestALostAnswerIsAnEventOfItsOwn: the process ends while the database does not
// take the record. Whoever settles the change says, once, which call it was whose
// answer is nowhere, and what the change is taken for now.
func TestALostAnswerIsAnEventOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, has := range map[string]bool{"it was done": true, "it was not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, s := assigning(t)
			o := newOutage(b)
			ctx, kill := context.WithCancel(t.Context())
			s.answered = func(int) {
				o.begin()
				if !has {
					b.byHand()
				}
			}
			b.worker.Log = zerolog.New(nil).Hook(&tries{at: map[int]func(){1: kill}})
			if _, err := b.worker.Next(ctx, b.lease); err == nil {
				t.Fatal("nobody was told that the call is not on record")
			}
			o.mend()
			s.answered = nil
			b.worker.Log = zerolog.Nop()
			b.next()
			begun, answered, lost := b.trail()
			want := map[bool]string{true: audit.TaskConfirmed, false: audit.TaskNotDone}[has]
			if len(answered) != 0 || len(lost) != 1 || !slices.Equal(times(begun), times(lost)) || lost[0].Detail["then"] != want || lost[0].Task != b.task().ID {
				t.Fatalf("begun %v, on record %v, lost %+v, want the same call lost and %s", times(begun), times(answered), lost, want)
			}
			for b.next() {
			}
			begun, answered, lost = b.trail()
			if len(lost) != 1 || len(begun) != len(answered)+1 {
				t.Errorf("in the end %d were begun, %d are on record, %d lost", len(begun), len(answered), len(lost))
			}
		})
	}
}

// TestEachWriteOfOneChangeIsAnnounced: a change that takes two calls, with a
// process that dies after the second, leaves the first on record and the second
// as lost. A write that cannot be announced does not leave.
func TestEachWriteOfOneChangeIsAnnounced(t *testing.T) {
	t.Parallel()
	b, s := inviting(t)
	o := newOutage(b)
	ctx, kill := context.WithCancel(t.Context())
	s.answered = func(n int) {
		if n == 2 {
			o.begin()
			kill()
		}
	}
	if _, err := b.worker.Next(ctx, b.lease); err == nil {
		t.Fatal("nobody was told that the call is not on record")
	}
	o.mend()
	b.next()
	begun, answered, lost := b.trail()
	if len(begun) != 2 || !slices.Equal(times(begun), append(times(answered), times(lost)...)) || answered[0].Detail["request_id"] != s.ids[0] {
		t.Errorf("begun %v, on record %v, lost %v", times(begun), times(answered), times(lost))
	}

	b, s = inviting(t)
	o = newOutage(b)
	s.answered = func(int) { o.begin() }
	b.worker.Log = zerolog.New(nil).Hook(&tries{at: map[int]func(){1: o.mend}})
	b.next()
	if s.n != 1 {
		t.Errorf("%d writes left, though the second could not be announced", s.n)
	}
	b.is(bridge.TaskWait, bridge.PlatformUnreachable, false, "cancel")
	if begun, answered, lost := b.trail(); len(begun) != 1 || !slices.Equal(times(begun), times(answered)) || len(lost) > 0 {
		t.Errorf("begun %v, on record %v, lost %v", times(begun), times(answered), times(lost))
	}
}

// TestAWriteCutOffByTheEndIsOnRecord: the process is told to end while it waits
// for an answer. Nothing is found out any more, and the call is on record all the
// same, unanswered; after the restart nobody says that more than that was lost.
func TestAWriteCutOffByTheEndIsOnRecord(t *testing.T) {
	t.Parallel()
	b, s := assigning(t)
	ctx, end := context.WithCancel(t.Context())
	s.answered = func(int) { end() }
	if _, err := b.worker.Next(ctx, b.lease); !errors.Is(err, context.Canceled) {
		t.Fatalf("the end came as %v", err)
	}
	begun, answered, _ := b.trail()
	if len(answered) != 1 || !slices.Equal(times(begun), times(answered)) {
		t.Errorf("begun %v, on record %v", times(begun), times(answered))
	}
	b.next()
	b.is(bridge.Confirmed, "", false, assigns)
	if _, answered, lost := b.trail(); len(answered) != 1 || len(lost) > 0 {
		t.Errorf("on record %v, lost %v", times(answered), times(lost))
	}
}
