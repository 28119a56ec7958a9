package storagetest

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"adbridge/storage"
)

// cluster is the PostgreSQL of this test process.
type cluster struct {
	dir  string
	err  error
	hold io.Closer // the pipe to the watching shell; were it collected, the cluster would end
}

var (
	theCluster = sync.OnceValue(startCluster)
	databases  atomic.Int64
	absent     = "PostgreSQL is not installed"
)

// Postgres gives the URL of a new, empty database; ok is false when PostgreSQL
// is not installed. The database is dropped when the test ends.
func Postgres(tb testing.TB) (url string, ok bool) {
	tb.Helper()
	if !installed(tb) {
		return "", false
	}
	return newDatabase(tb, ""), true
}

// installed says whether PostgreSQL is here. Where it is required, its absence
// ends the test.
func installed(tb testing.TB) bool {
	tb.Helper()
	if bin("postgres") != "" && bin("initdb") != "" {
		return true
	}
	if os.Getenv("ADBRIDGE_TEST_POSTGRES") == "require" {
		tb.Fatalf("%s, and ADBRIDGE_TEST_POSTGRES=require", absent)
	}
	return false
}

// migrated is a database that every migrated one is copied from, which is a
// good deal quicker than migrating each.
var migrated = sync.OnceValues(func() (string, error) {
	c := theCluster()
	if c.err != nil {
		return "", c.err
	}
	name := fmt.Sprintf("t%d_template", os.Getpid())
	if err := c.do("CREATE DATABASE " + name); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := storage.Open(ctx, storage.Options{URL: c.url(name), AutoMigrate: true})
	if err != nil {
		return "", err
	}
	return name, db.Close()
})

// Migrated gives the URL of a new PostgreSQL database that is up to date.
func Migrated(tb testing.TB) string {
	tb.Helper()
	template, err := migrated()
	if err != nil {
		tb.Fatalf("make the database that others are copied from: %v", err)
	}
	return newDatabase(tb, template)
}

// newDatabase makes a database, empty or a copy, and drops it when the test ends.
func newDatabase(tb testing.TB, template string) (url string) {
	tb.Helper()
	c := theCluster()
	if c.err != nil {
		tb.Fatalf("start PostgreSQL: %v", c.err)
	}
	name := fmt.Sprintf("t%d_%d", os.Getpid(), databases.Add(1))
	create := "CREATE DATABASE " + name
	if template != "" {
		create += " TEMPLATE " + template
	}
	if err := c.do(create); err != nil {
		tb.Fatalf("create database: %v", err)
	}
	tb.Cleanup(func() {
		if err := c.do("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			tb.Logf("drop database: %v", err)
		}
	})
	return c.url(name)
}

// bin finds a program of PostgreSQL on the PATH or where Debian keeps it.
func bin(name string) string {
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

func (c *cluster) url(database string) string {
	return fmt.Sprintf("postgres:///%s?host=%s&user=postgres", database, c.dir)
}

func (c *cluster) do(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// startCluster makes a cluster on a socket in a temporary folder. A shell
// watches over it: when this process ends, in whatever way, the pipe to the
// shell closes, and the shell stops PostgreSQL and removes the folder.
func startCluster() *cluster {
	dir, err := os.MkdirTemp("", "adbridge-pg")
	if err != nil {
		return &cluster{err: err}
	}
	c := &cluster{dir: dir}
	as, err := whom()
	if err == nil && as != nil {
		err = os.Chown(dir, int(as.Uid), int(as.Gid))
	}
	if err != nil {
		return &cluster{err: err}
	}
	// A locale whose order is not that of bytes, where there is one: nothing may depend on it.
	initdb := []string{bin("initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8"}
	if _, err := c.run(as, append(initdb, "--locale-provider=icu", "--icu-locale=en-US")...); err != nil {
		os.RemoveAll(filepath.Join(dir, "data"))
		if out, err := c.run(as, initdb...); err != nil {
			return &cluster{err: fmt.Errorf("initdb: %w: %s", err, out)}
		}
	}
	watch := c.command(as, "sh", "-c", `"$1" -D "$2/data" -k "$2" -h "" -F -c max_connections=200 -c full_page_writes=off >"$2/log" 2>&1 &
pid=$!
cat >/dev/null
kill -INT $pid
wait $pid
rm -rf "$2"`, "sh", bin("postgres"), dir)
	pipe, err := watch.StdinPipe()
	if err != nil {
		return &cluster{err: err}
	}
	if err := watch.Start(); err != nil {
		return &cluster{err: err}
	}
	c.hold = pipe
	for end := time.Now().Add(30 * time.Second); ; {
		if err := c.do("SELECT 1"); err == nil {
			return c
		} else if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			pipe.Close()
			return &cluster{err: fmt.Errorf("no answer in 30 s: %w\n%s", err, log)}
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *cluster) run(as *syscall.Credential, args ...string) (string, error) {
	out, err := c.command(as, args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (c *cluster) command(as *syscall.Credential, args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = c.dir
	// Its own process group: Ctrl-C must reach the tests, not the database below them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: as}
	return cmd
}

// whom is the user to run PostgreSQL as; nil for our own. It refuses root.
func whom() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, fmt.Errorf("PostgreSQL refuses to run as root, and there is no user postgres or nobody: %w", err)
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
