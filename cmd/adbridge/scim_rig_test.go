package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/scim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// scimRig is a whole adbridge in this process: HTTP server on loopback, SCIM,
// lanes, sealer and provisioning log, on a database of its own.
type scimRig struct {
	tb      testing.TB
	app     *App
	addr    string
	source  bridge.Source
	token   string
	handler http.Handler // the SCIM server without the network
}

// eachRig runs f on SQLite and, where it is installed, on PostgreSQL.
func eachRig(b *testing.B, f func(b *testing.B, r *scimRig)) {
	b.Run("sqlite", func(b *testing.B) { f(b, newRig(b, "")) })
	b.Run("postgres", func(b *testing.B) {
		url, ok := storagetest.Postgres(b)
		if !ok {
			b.Skip("PostgreSQL is not installed here")
		}
		f(b, newRig(b, url))
	})
}

// newRig starts adbridge on a database; "" is a new SQLite file.
func newRig(tb testing.TB, url string) *scimRig {
	tb.Helper()
	dir := tb.TempDir()
	if url == "" {
		url = storagetest.MigratedSQLite(tb)
	}
	c := Config{Listen: "127.0.0.1:0", DB: url, KeyFile: filepath.Join(dir, "adbridge.key"), PublicURL: "https://scim.corp.example"}
	ctx, stop := context.WithCancel(context.Background())
	app, err := NewApp(ctx, c, zerolog.New(io.Discard).Level(zerolog.WarnLevel))
	if err != nil {
		tb.Fatal(err)
	}
	r := &scimRig{tb: tb, app: app, handler: app.SCIM()}
	source, token, err := reconcile.AddSource(ctx, app.DB, bridge.Source{Name: "okta", Kind: bridge.Okta}, "bench", "test")
	if err != nil {
		tb.Fatal(err)
	}
	r.source, r.token = source, token.Reveal()
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- app.Serve(ctx, func(a net.Addr) error { ready <- a.String(); return nil })
	}()
	select {
	case r.addr = <-ready:
	case err := <-done:
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, app.Close()); err != nil {
			tb.Error(err)
		}
	})
	return r
}

// people stores n users without the way over HTTP, and gives their ids.
func (r *scimRig) people(n int) []string {
	r.tb.Helper()
	ids := make([]string, 0, n)
	ctx := context.Background()
	for len(ids) < n {
		begin := len(ids)
		err := r.app.DB.Write(ctx, func(tx *storage.Tx) error {
			ids = ids[:begin]
			for i := begin; i < min(begin+1000, n); i++ {
				id := tx.NewID()
				mail := stored(i)
				attrs := map[string]any{"userName": mail, "externalId": fmt.Sprintf("00u%d", i), "active": true, "displayName": "Ana Lima", "title": "Buyer",
					"name":   map[string]any{"givenName": "Ana", "familyName": "Lima", "formatted": "Ana Lima"},
					"emails": []any{map[string]any{"value": mail, "type": "work", "primary": true}}}
				u := bridge.User{Person: bridge.Person{ID: id, SourceID: r.source.ID, ExternalID: fmt.Sprintf("00u%d", i), UserName: mail, DisplayName: "Ana Lima",
					Emails: []string{mail}, Active: true}, Attributes: attrs, Version: 1, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
				if err := tx.InsertUser(ctx, u); err != nil {
					return err
				}
				ids = append(ids, id)
			}
			return nil
		})
		if err != nil {
			r.tb.Fatal(err)
		}
	}
	return ids
}

// stored is the userName of the user that people stored as number i.
func stored(i int) string { return fmt.Sprintf("person.n%07d@corp.example", i) }

// group makes a group with n members whom nobody has met yet.
func (r *scimRig) group(name string, n int) string {
	r.tb.Helper()
	refs := make([]bridge.MemberRef, n)
	for i := range refs {
		refs[i].Value = memberID(i)
	}
	g, err := reconcile.Directory{DB: r.app.DB}.CreateGroup(context.Background(), bridge.Call{Source: r.source, TokenLabel: "bench"},
		bridge.GroupResource{Group: bridge.Group{DisplayName: name}, Attributes: map[string]any{"displayName": name}, Members: refs})
	if err != nil {
		r.tb.Fatal(err)
	}
	return g.ID
}

// memberID is an id in the form that adbridge gives.
func memberID(i int) string { return fmt.Sprintf("0199c1e7-0000-7000-8000-%012d", i) }

// ask is one request; it is built once and sent by either way.
type ask struct{ method, path, body string }

func (a ask) raw(token string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s%s HTTP/1.1\r\nHost: scim.corp.example\r\nUser-Agent: bench\r\nAuthorization: Bearer %s\r\n", a.method, scim.Prefix, a.path, token)
	if a.body != "" {
		fmt.Fprintf(&b, "Content-Type: application/scim+json\r\nContent-Length: %d\r\n", len(a.body))
	}
	b.WriteString("\r\n" + a.body)
	return b.Bytes()
}

// direct sends it to the handler alone.
func (r *scimRig) direct(a ask) {
	req := httptest.NewRequest(a.method, scim.Prefix+a.path, strings.NewReader(a.body))
	req.Header.Set("Authorization", "Bearer "+r.token)
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	if w.Code >= 300 {
		r.tb.Errorf("%s %s: %d %s", a.method, a.path, w.Code, w.Body)
	}
}

// wire sends it over one connection.
func (r *scimRig) wire() func(ask) {
	p := r.pipe()
	return func(a ask) {
		if err := p.send(a); err != nil {
			r.tb.Error(err)
		}
	}
}

// pipe is a connection that is kept alive. It reads answers with next to no
// work, because it shares the machine with the server that it measures.
type pipe struct {
	conn  net.Conn
	r     *bufio.Reader
	token string
	last  []byte // body of the last answer
}

func (r *scimRig) pipe() *pipe {
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.tb.Fatal(err)
	}
	r.tb.Cleanup(func() { conn.Close() })
	return &pipe{conn: conn, r: bufio.NewReaderSize(conn, 64<<10), token: r.token}
}

// send makes a request and reads its answer whole.
func (p *pipe) send(a ask) error {
	if _, err := p.conn.Write(a.raw(p.token)); err != nil {
		return err
	}
	status, length, chunked := 0, 0, false
	for first := true; ; first = false {
		line, err := p.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if first {
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return err
			}
		} else if len(line) == 0 {
			break
		}
		if name, v, ok := bytes.Cut(line, []byte(": ")); ok && string(name) == "Content-Length" {
			length, _ = strconv.Atoi(string(v))
		} else if ok && string(name) == "Transfer-Encoding" {
			chunked = true
		}
	}
	p.last = p.last[:0]
	if chunked {
		body, err := io.ReadAll(httputil.NewChunkedReader(p.r))
		if err != nil {
			return err
		}
		p.last = append(p.last, body...)
	} else if length > 0 {
		if cap(p.last) < length {
			p.last = make([]byte, length)
		}
		p.last = p.last[:length]
		if _, err := io.ReadFull(p.r, p.last); err != nil {
			return err
		}
	}
	if status >= 300 {
		return fmt.Errorf("%s %s: %d %s", a.method, a.path, status, p.last)
	}
	return nil
}

// load sends n requests over so many connections at once, and reports
// requests a second, the slowest hundredth, and what the process, load
// generator included, spent on one.
func (r *scimRig) load(b *testing.B, connections int, next func(i int) ask) {
	pipes := make([]*pipe, connections)
	for i := range pipes {
		pipes[i] = r.pipe()
		if err := pipes[i].send(next(-1 - i)); err != nil {
			b.Fatal(err)
		}
	}
	took := make([]time.Duration, b.N)
	var sent atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	begun, cpu := time.Now(), cpuTime()
	for _, p := range pipes {
		wg.Go(func() {
			for i := int(sent.Add(1)) - 1; i < b.N; i = int(sent.Add(1)) - 1 {
				at := time.Now()
				if err := p.send(next(i)); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(at)
			}
		})
	}
	wg.Wait()
	spent := time.Since(begun)
	cpu = cpuTime() - cpu
	b.StopTimer()
	b.ReportMetric(float64(b.N)/spent.Seconds(), "req/s")
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N), "cpu-µs/op")
	b.ReportMetric(float64(percentile(took, 99).Microseconds())/1000, "p99-ms")
}

// cpuTime is the processor time that this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
