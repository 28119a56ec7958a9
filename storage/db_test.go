package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

var errTest = errors.New("on purpose")

// addUser makes a function for Write.
func addUser(ctx context.Context, sourceID, userName string) func(*storage.Tx) error {
	return func(tx *storage.Tx) error {
		return tx.InsertUser(ctx, storagetest.MakeUser(tx, sourceID, userName, nil))
	}
}

func userNames(t *testing.T, db *storage.DB, sourceID string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		page, err := tx.Users(ctx, sourceID, bridge.Query{Limit: 10_000})
		for _, u := range page.Items {
			out[u.UserName] = true
		}
		return err
	})
	return out
}

// hold keeps the writer busy until release is called, so that the writes that
// follow share the next transaction.
func hold(t *testing.T, db *storage.DB) (release func()) {
	t.Helper()
	began, end := make(chan struct{}), make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		if err := db.Write(context.Background(), func(*storage.Tx) error { close(began); <-end; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-began
	return func() { close(end); done.Wait() }
}

func TestAFailedWriteUndoesOnlyItself(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		src := storagetest.Source(t, db, "okta")
		release := hold(t, db)
		var all sync.WaitGroup
		for i := range 30 {
			all.Go(func() {
				defer func() {
					if p := recover(); (p != nil) != (i%3 == 2) {
						t.Errorf("write %d: panic %v", i, p)
					} else if p != nil && p != "thrown" {
						t.Errorf("write %d: panic %v, want what the function threw", i, p)
					}
				}()
				err := db.Write(ctx, func(tx *storage.Tx) error {
					if err := addUser(ctx, src.ID, fmt.Sprintf("u%d", i))(tx); err != nil {
						return err
					}
					switch i % 3 {
					case 1:
						return errTest
					case 2:
						panic("thrown")
					}
					return nil
				})
				if want := i%3 == 1; errors.Is(err, errTest) != want || !want && err != nil {
					t.Errorf("write %d: %v", i, err)
				}
			})
		}
		release()
		all.Wait()
		got := userNames(t, db, src.ID)
		for i := range 30 {
			if name := fmt.Sprintf("u%d", i); got[name] != (i%3 == 0) {
				t.Errorf("%s is there: %t", name, got[name])
			}
		}
	})
}

func TestAWriteCancelledBeforeItRunsDoesNotRun(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t, storagetest.SQLite(t))
	release := hold(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	ran, answer := false, make(chan error)
	go func() { answer <- db.Write(ctx, func(*storage.Tx) error { ran = true; return nil }) }()
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) { // while the writer is still held
		t.Errorf("got %v, want canceled", err)
	}
	release()
	storagetest.Write(t, db, func(context.Context, *storage.Tx) error { return nil })
	if ran {
		t.Error("it ran all the same")
	}
}

// A caller who hangs up in the middle of a statement must not roll back what
// others wrote in the same transaction.
func TestACallerWhoHangsUpHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		src := storagetest.Source(t, db, "okta")
		var all sync.WaitGroup
		for i := range 100 {
			ctx, cancel := context.WithCancel(context.Background())
			all.Go(func() {
				err := db.Write(ctx, func(tx *storage.Tx) error {
					if i%2 == 1 {
						cancel()
					}
					return addUser(ctx, src.ID, fmt.Sprintf("u%d", i))(tx)
				})
				if (err == nil) != (i%2 == 0) {
					t.Errorf("write %d: %v", i, err)
				}
			})
			defer cancel()
		}
		all.Wait()
		if got := userNames(t, db, src.ID); len(got) != 50 {
			t.Errorf("%d users, want 50", len(got))
		}
	})
}

func TestAReadSeesOneSnapshot(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		src := storagetest.Source(t, db, "okta")
		storagetest.User(t, db, src.ID, "before", nil)
		storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			count := func() int {
				page, err := tx.Users(ctx, src.ID, bridge.Query{Total: true})
				if err != nil {
					t.Fatal(err)
				}
				return page.Total
			}
			first := count()
			if err := db.Write(ctx, addUser(ctx, src.ID, "meanwhile")); err != nil {
				return err
			}
			if again := count(); first != 1 || again != 1 {
				t.Errorf("%d users, then %d: want 1 and 1", first, again)
			}
			if err := tx.CreateSource(ctx, bridge.Source{ID: "x", Name: "x"}); err == nil {
				t.Error("a read may not write")
			}
			return nil
		})
	})
}

func TestTimeAndIdsOfATransaction(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		now := time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.FixedZone("x", 3600))
		db := storagetest.Open(t, url, func(o *storage.Options) { o.Now = func() time.Time { return now } })
		storagetest.Write(t, db, func(_ context.Context, tx *storage.Tx) error {
			if want := "2026-05-06 06:08:09.123456 +0000 UTC"; tx.Now().String() != want {
				t.Errorf("now %s, want %s", tx.Now(), want)
			}
			for last, i := "", 0; i < 1000; i++ {
				id := tx.NewID()
				if id <= last {
					t.Fatalf("id %s after %s: ids must grow", id, last)
				}
				last = id
			}
			return nil
		})
	})
}

func woken(c <-chan struct{}, within time.Duration) bool {
	select {
	case <-c:
		return true
	case <-time.After(within):
		return false
	}
}

func TestWakeReachesThisProcessAndOthers(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		here, there := storagetest.Open(t, url), storagetest.Open(t, url)
		near, stop := here.Watch()
		defer stop()
		far, stop2 := there.Watch()
		defer stop2()
		for woken(far, 1500*time.Millisecond) || woken(near, time.Millisecond) { // of the beginning
		}
		storagetest.Write(t, here, func(_ context.Context, tx *storage.Tx) error { tx.Wake(); return nil })
		if !woken(near, time.Second) {
			t.Error("not woken in the process that wrote")
		}
		src := storagetest.Source(t, here, "okta") // another process is woken by any commit
		if !woken(far, 3*time.Second) {
			t.Error("not woken in another process")
		}
		err := here.Write(t.Context(), func(tx *storage.Tx) error { tx.Wake(); return errTest })
		if err != errTest || src.ID == "" {
			t.Fatal(err)
		}
	})
}

func TestAFailedWriteWakesNobody(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t, storagetest.SQLite(t))
	wake, stop := db.Watch()
	defer stop()
	if err := db.Write(t.Context(), func(tx *storage.Tx) error { tx.Wake(); return errTest }); err != errTest {
		t.Fatal(err)
	}
	storagetest.Write(t, db, func(context.Context, *storage.Tx) error { return nil }) // its own commit is no news either
	if woken(wake, 1500*time.Millisecond) {
		t.Error("woken though nothing has changed")
	}
}

func TestWhatIsCommittedOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		db := storagetest.Open(t, url)
		src := storagetest.Source(t, db, "okta")
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Write(t.Context(), func(*storage.Tx) error { return nil }); err == nil {
			t.Error("a closed database takes no writes")
		}
		again := storagetest.Open(t, url)
		storagetest.Read(t, again, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.Source(ctx, src.ID)
			return err
		})
	})
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.db")
	if err := os.WriteFile(junk, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // then closed: nobody answers there
	if err != nil {
		t.Fatal(err)
	}
	dead := l.Addr().String()
	l.Close()
	for _, c := range []struct{ url, want string }{
		{"mysql://root@localhost/x", `scheme "mysql" is not known; use a file path, sqlite:PATH, or postgres://`},
		{"sqlite:", "names no file"},
		{":memory:", "names no file"},
		{filepath.Join(dir, "no", "such.db"), "there is no folder " + filepath.Join(dir, "no")},
		{dir, "is a folder; give the path of a file"},
		{"sqlite:" + junk, "is not an SQLite database"},
		{"postgres://ana:s3cret@" + dead + "/adbridge", "PostgreSQL at 127.0.0.1/adbridge does not answer"},
		{"postgres://ana:s3cret@%zz/adbridge", "percent-encoded"},
	} {
		db, err := storage.Open(t.Context(), storage.Options{URL: c.url})
		if err == nil {
			db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v\nwant it to say %q, and no password", c.url, err, c.want)
		}
	}
}

func TestTheDatabaseFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a %20?b#c.db")
	storagetest.Open(t, path)
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: want 0600", st, err)
	}
}

// raw runs SQL past the storage package, as another program would.
func raw(t *testing.T, url, query string) {
	t.Helper()
	var err error
	if strings.HasPrefix(url, "postgres:") {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(t.Context(), url); err == nil {
			_, err = conn.Exec(t.Context(), query)
			conn.Close(t.Context())
		}
	} else {
		var db *sql.DB
		if db, err = sql.Open("sqlite", url); err == nil {
			_, err = db.ExecContext(t.Context(), query)
			db.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestANewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		if err := storagetest.Open(t, url).Close(); err != nil {
			t.Fatal(err)
		}
		raw(t, url, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9001, TRUE)`)
		_, err := storage.Open(t.Context(), storage.Options{URL: url, AutoMigrate: true})
		var v *storage.VersionError
		if !errors.As(err, &v) || v.Have != 9001 || !strings.Contains(err.Error(), "9001") || !strings.Contains(err.Error(), "upgrade adbridge") {
			t.Errorf("got %v, want an error that names version 9001 and says to upgrade adbridge", err)
		}
	})
}

func TestAnOlderDatabaseWaitsForMigrate(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		db := storagetest.Open(t, url, func(o *storage.Options) { o.AutoMigrate = false })
		err := db.Write(t.Context(), func(*storage.Tx) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "run adbridge migrate") {
			t.Errorf("got %v, want to be told to run adbridge migrate", err)
		}
		from, to, err := db.Migrate(t.Context())
		if err != nil || from != 0 || to < 1 {
			t.Fatalf("migrated from %d to %d: %v", from, to, err)
		}
		storagetest.Source(t, db, "okta")
		have, want, err := db.Version(t.Context())
		if err != nil || have != want || have != to {
			t.Errorf("version %d of %d, %v", have, want, err)
		}
	})
}

func TestManyProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				db, err := storage.Open(context.Background(), storage.Options{URL: url, AutoMigrate: true})
				if err != nil {
					t.Error(err)
					return
				}
				db.Close()
			})
		}
		all.Wait()
	})
}

func TestALockedDatabaseSaysSo(t *testing.T) {
	t.Parallel() // it waits for SQLite's ten seconds
	path := storagetest.SQLite(t)
	db := storagetest.Open(t, path)
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(*storage.Tx) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "is locked by another process") {
		t.Errorf("got %v, want to be told of the lock", err)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	storagetest.Source(t, db, "okta") // and all is well again
}

// Two processes on one SQLite file: neither loses a write.
func TestTwoProcessesShareOneFile(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		dbs := []*storage.DB{storagetest.Open(t, url), storagetest.Open(t, url)}
		src := storagetest.Source(t, dbs[0], "okta")
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for j := range 25 {
					ctx := context.Background()
					if err := dbs[i%2].Write(ctx, addUser(ctx, src.ID, fmt.Sprintf("u%d-%d", i, j))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if got := userNames(t, dbs[0], src.ID); len(got) != 200 {
			t.Errorf("%d users, want 200", len(got))
		}
	})
}
