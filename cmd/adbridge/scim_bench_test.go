package main

import (
	"fmt"

	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"adbridge/storage/storagetest"
)

// What is measured here is a request from the socket to the disk: HTTP,
// SCIM, the transaction with its audit event, the commit that is synced, the
// provisioning log and the seal of the audit trail behind it. The load comes
// from the same process, on the same cores.

// unique makes userNames that no other run of a benchmark uses.
var unique atomic.Int64

func createAsk() ask {
	n := unique.Add(1)
	return ask{"POST", "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"0a21f0f2-%d","userName":"ana.%d@corp.example","active":true,"displayName":"Ana Lima","emails":[{"primary":true,"type":"work","value":"ana.%d@corp.example"}],"meta":{"resourceType":"User"},"name":{"formatted":"Ana Lima","familyName":"Lima","givenName":"Ana"},"title":"Buyer","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Ads","employeeNumber":"%d"}}`, n, n, n, n)}
}

func getAsk(id string) ask { return ask{"GET", "/Users/" + id, ""} }

func findAsk(userName string) ask {
	return ask{"GET", "/Users?filter=" + url.PathEscape(`userName eq "`+userName+`"`) + "&startIndex=1&count=100", ""}
}

// beginsAsk finds the first users whose userName begins so, and how many there are.
func beginsAsk(start string) ask {
	return ask{"GET", "/Users?filter=" + url.PathEscape(`userName sw "`+start+`"`) + "&count=20", ""}
}

// addAsk adds members to a group who were never in it.
func addAsk(group string, n int) ask {
	var b strings.Builder
	last := unique.Add(int64(n))
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"$ref":null,"value":%q}`, memberID(1_000_000+int(last)-i))
	}
	return ask{"PATCH", "/Groups/" + group, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"members","value":[` + b.String() + `]}]}`}
}

// BenchmarkSCIM is one request after the other, through the handler alone and
// over a connection.
func BenchmarkSCIM(b *testing.B) {
	eachRig(b, func(b *testing.B, r *scimRig) {
		ids := r.people(1000)
		group := r.group("Ads", 10)
		for _, c := range []struct {
			name string
			next func(i int) ask
		}{
			{"create", func(int) ask { return createAsk() }},
			{"get", func(i int) ask { return getAsk(ids[i%len(ids)]) }},
			{"filter", func(i int) ask { return findAsk(stored(i % len(ids))) }},
			{"member", func(int) ask { return addAsk(group, 1) }},
			{"members=1000", func(int) ask { return addAsk(group, 1000) }},
		} {
			b.Run(c.name+"/handler", func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					r.direct(c.next(i))
				}
			})
			b.Run(c.name+"/http", func(b *testing.B) {
				p := r.pipe()
				for i := 0; b.Loop(); i++ {
					if err := p.send(c.next(i)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

// BenchmarkSCIMLoad is what sixteen connections get done in a second.
func BenchmarkSCIMLoad(b *testing.B) {
	eachRig(b, func(b *testing.B, r *scimRig) {
		ids := r.people(10_000)
		group := r.group("Ads", 10)
		small := make([]string, 100)
		for i := range small {
			small[i] = r.group(fmt.Sprintf("Team %d", i), 10)
		}
		b.Run("create", func(b *testing.B) { r.load(b, 16, func(int) ask { return createAsk() }) })
		b.Run("member", func(b *testing.B) { r.load(b, 16, func(int) ask { return addAsk(group, 1) }) })
		b.Run("member-groups=100", func(b *testing.B) {
			r.load(b, 16, func(i int) ask { return addAsk(small[(i+100)%len(small)], 1) })
		})
		b.Run("get", func(b *testing.B) { r.load(b, 16, func(i int) ask { return getAsk(ids[(i+100)%len(ids)]) }) })
		b.Run("filter", func(b *testing.B) { r.load(b, 16, func(i int) ask { return findAsk(stored((i + 100) % len(ids))) }) })
	})
}

// benchUsers is how many users the large directory has; ADBRIDGE_BENCH_USERS
// sets another number, such as 1000000.
func benchUsers() int {
	if n, err := strconv.Atoi(os.Getenv("ADBRIDGE_BENCH_USERS")); err == nil {
		return n
	}
	return 100_000
}

// BenchmarkSCIMSize compares large with small: a group of 100,000 with one of
// ten, a directory of many users with one of a thousand. The two take turns, so
// that whatever else the machine does meets both.
func BenchmarkSCIMSize(b *testing.B) {
	eachRig(b, func(b *testing.B, few *scimRig) {
		ten, huge := few.group("Ten", 10), few.group("Everyone", 100_000)
		b.Run("member-group=100000", func(b *testing.B) {
			compare(b, few.direct, few.direct, func(int) ask { return addAsk(ten, 1) }, func(int) ask { return addAsk(huge, 1) })
		})
		b.Run("members=1000-group=100000", func(b *testing.B) {
			compare(b, few.direct, few.direct, func(int) ask { return addAsk(ten, 1000) }, func(int) ask { return addAsk(huge, 1000) })
		})
	})
}

// BenchmarkSCIMUsers compares the look-ups of a directory of a thousand with
// those of a large one.
func BenchmarkSCIMUsers(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { lookups(b, newRig(b, ""), newRig(b, "")) })
	b.Run("postgres", func(b *testing.B) {
		one, ok := storagetest.Postgres(b)
		if !ok {
			b.Skip("PostgreSQL is not installed here")
		}
		two, _ := storagetest.Postgres(b)
		lookups(b, newRig(b, one), newRig(b, two))
	})
}

func lookups(b *testing.B, few, many *scimRig) {
	n := benchUsers()
	small, large := few.people(1000), many.people(n)
	place := func(i, of int) int { return (i * 7919) % of }
	for _, c := range []struct {
		name         string
		small, large func(i int) ask
	}{
		{"get", func(i int) ask { return getAsk(small[place(i, 1000)]) }, func(i int) ask { return getAsk(large[place(i, n)]) }},
		{"filter", func(i int) ask { return findAsk(stored(place(i, 1000))) }, func(i int) ask { return findAsk(stored(place(i, n))) }},
		{"begins", func(i int) ask { return beginsAsk(stored(place(i, 1000))) }, func(i int) ask { return beginsAsk(stored(place(i, n))) }},
	} {
		b.Run(fmt.Sprintf("%s-users=%d/handler", c.name, n), func(b *testing.B) { compare(b, few.direct, many.direct, c.small, c.large) })
		b.Run(fmt.Sprintf("%s-users=%d/http", c.name, n), func(b *testing.B) { compare(b, few.wire(), many.wire(), c.small, c.large) })
	}
	b.Run(fmt.Sprintf("begin-all-users=%d", n), func(b *testing.B) {
		compare(b, few.direct, many.direct, func(int) ask { return beginsAsk("person") }, func(int) ask { return beginsAsk("person") })
	})
	ten, huge := few.group("Ten", 10), many.group("Everyone", 100_000)
	b.Run(fmt.Sprintf("member-group=100000-users=%d", n), func(b *testing.B) {
		compare(b, few.direct, many.direct, func(int) ask { return addAsk(ten, 1) }, func(int) ask { return addAsk(huge, 1) })
	})
	b.Run(fmt.Sprintf("walk-users=%d", n), func(b *testing.B) { many.walk(b, n, "") })
	b.Run(fmt.Sprintf("walk-by-userName-users=%d", n), func(b *testing.B) { many.walk(b, n, "sortBy=userName&") })
}

// compare sends requests to the small and the large in turns and reports the
// quotient of the times and of the memory.
func compare(b *testing.B, few, many func(ask), small, large func(i int) ask) {
	const turn = 10
	var times [2][]time.Duration
	var bytes [2]uint64
	for i := range 200 { // statements prepared, caches as in use
		few(small(i))
		many(large(i))
	}
	n := 0
	for b.Loop() {
		for side, send := range []func(ask){few, many} {
			next := []func(int) ask{small, large}[side]
			asks := make([]ask, turn)
			for i := range asks {
				asks[i] = next(n + i)
			}
			before := allocated()
			for _, a := range asks {
				at := time.Now()
				send(a)
				times[side] = append(times[side], time.Since(at))
			}
			bytes[side] += allocated() - before
		}
		n += turn
	}
	a, z := percentile(times[0], 50), percentile(times[1], 50)
	b.ReportMetric(float64(a.Nanoseconds())/1000, "small-µs")
	b.ReportMetric(float64(z.Nanoseconds())/1000, "large-µs")
	b.ReportMetric(float64(z)/float64(a), "time-ratio")
	b.ReportMetric(float64(bytes[1])/float64(bytes[0]), "memory-ratio")
	b.ReportMetric(0, "ns/op")
}

// walk reads all users by cursor, in the order of a query, and compares the last pages with the first.
func (r *scimRig) walk(b *testing.B, n int, order string) {
	p := r.pipe()
	for b.Loop() {
		var pages []time.Duration
		seen, cursor := 0, ""
		for {
			at := time.Now()
			if err := p.send(ask{"GET", "/Users?" + order + "count=500&cursor=" + url.QueryEscape(cursor), ""}); err != nil {
				b.Fatal(err)
			}
			pages = append(pages, time.Since(at))
			seen += strings.Count(string(p.last), `"userName":`)
			_, rest, more := strings.Cut(string(p.last), `"nextCursor":"`)
			if !more {
				break
			}
			cursor, _, _ = strings.Cut(rest, `"`)
		}
		if seen != n {
			b.Fatalf("the walk saw %d users of %d", seen, n)
		}
		fifth := max(1, len(pages)/5)
		first, last := percentile(pages[:fifth], 50), percentile(pages[len(pages)-fifth:], 50)
		b.ReportMetric(float64(first.Microseconds())/1000, "first-page-ms")
		b.ReportMetric(float64(last.Microseconds())/1000, "last-page-ms")
		b.ReportMetric(float64(last)/float64(first), "page-ratio")
		b.ReportMetric(float64(percentile(pages, 99).Microseconds())/1000, "p99-ms")
	}
}

// BenchmarkSCIMHugePatch is one PATCH that brings 100,000 members, and how much
// the process grows by it.
func BenchmarkSCIMHugePatch(b *testing.B) {
	eachRig(b, func(b *testing.B, r *scimRig) {
		p := r.pipe()
		var heap, resident, took []float64
		for i := 0; b.Loop(); i++ {
			group := r.group(fmt.Sprintf("Everyone %d", i), 0)
			a := addAsk(group, 100_000)
			runtime.GC()
			debug.FreeOSMemory()
			stop := make(chan struct{})
			done := make(chan [2]float64)
			go func() { done <- growth(stop) }()
			at := time.Now()
			if err := p.send(a); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(at).Seconds()*1000)
			close(stop)
			g := <-done
			heap, resident = append(heap, g[0]), append(resident, g[1])
		}
		b.ReportMetric(slices.Max(heap)/(1<<20), "heap-MiB")
		b.ReportMetric(slices.Max(resident)/(1<<20), "resident-MiB")
		b.ReportMetric(slices.Min(took), "ms")
		b.ReportMetric(0, "ns/op")
	})
}

// growth watches how much the heap and the process's own memory grow until stop.
func growth(stop chan struct{}) [2]float64 {
	heap0, resident0 := heapInUse(), residentMemory()
	var most [2]float64
	for {
		most[0] = max(most[0], heapInUse()-heap0)
		most[1] = max(most[1], residentMemory()-resident0)
		select {
		case <-stop:
			return most
		case <-time.After(time.Millisecond):
		}
	}
}

func heapInUse() float64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return float64(s[0].Value.Uint64())
}

// residentMemory is the process's memory that is not a mapped file.
func residentMemory() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "RssAnon:")
	kb, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.ParseFloat(kb, 64)
	return n * 1024
}

// allocated is how many bytes this process has allocated so far.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func percentile(d []time.Duration, p int) time.Duration {
	s := slices.Sorted(slices.Values(d))
	return s[min(len(s)-1, len(s)*p/100)]
}
