package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	testKey  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	otherKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32))
	testTime = time.Date(2026, 11, 21, 12, 0, 0, 123456000, time.UTC)
)

// chain seals n events full of what breaks formats.
func chain(n int) []Event {
	nasty := []string{"ana@corp.example", "=HYPERLINK(\"http://x\")", "-1+1", "two\nlines\r\nand a tab\t", `back\slash \n`, "'quoted", "a,b;\"c\"", "Ünï <b>&amp;", "", "@x"}
	out := make([]Event, n)
	prev := ""
	for i := range out {
		e := Event{ID: fmt.Sprintf("id-%d", i), At: testTime.Add(time.Duration(i) * time.Second), Actor: ActorBridge, Action: TaskAccepted,
			Hub: "hub", Subject: nasty[i%len(nasty)], Correlation: "c",
			Detail: map[string]any{"n": i, "big": int64(7012345678901234567), "float": 0.1, "deep": map[string]any{"z": 1, "a": []any{"<", nil, true}}, "text": nasty[(i+3)%len(nasty)]}}
		if i%3 == 0 {
			e.Detail = nil
		}
		out[i] = Sealed(int64(i+1), prev, e)
		prev = out[i].Hash
	}
	return out
}

func seq(events []Event) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

type format struct {
	name  string
	write func(io.Writer, iter.Seq2[Event, error], Export) (Trailer, error)
	first int // line of the first event
}

var formats = []format{{"jsonl", WriteJSONL, 1}, {"csv", WriteCSV, 2}}

func export(t *testing.T, f format, events []Event, x Export) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := f.write(&b, seq(events), x); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func verdict(t *testing.T, file string) Verdict {
	t.Helper()
	v, err := Verify(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestExportOfAnyTextVerifiesWholeAndSigned(t *testing.T) {
	for _, f := range formats {
		for _, n := range []int{0, 1, 2, 25} {
			file := export(t, f, chain(n), Export{Key: testKey, MadeAt: testTime})
			v := verdict(t, file)
			if !v.Whole || !v.Ended || !v.Signed || v.Events != int64(n) || v.Format != f.name && n > 0 {
				t.Errorf("%s of %d events: %+v, problem %+v", f.name, n, v, v.Problem)
			}
			if v, err := VerifyBy(strings.NewReader(file), Fingerprint(testKey.Public().(ed25519.PublicKey))); err != nil || !v.Whole {
				t.Errorf("%s: the right key is refused: %+v %v", f.name, v.Problem, err)
			}
			if v, _ := VerifyBy(strings.NewReader(file), Fingerprint(otherKey.Public().(ed25519.PublicKey))); v.Whole {
				t.Errorf("%s: a file signed by another key passes", f.name)
			}
		}
	}
}

// TestPartialExportVerifies: since and until cut a piece out of the chain.
func TestPartialExportVerifies(t *testing.T) {
	for _, f := range formats {
		v := verdict(t, export(t, f, chain(20)[5:12], Export{Key: testKey, MadeAt: testTime, Since: testTime, Until: testTime.Add(time.Hour)}))
		if !v.Whole || v.FirstSeq != 6 || v.LastSeq != 12 {
			t.Errorf("%s: %+v %+v", f.name, v, v.Problem)
		}
	}
}

// TestFilteredExportVerifies: one hub's events have gaps in their numbers,
// which the signed trailer must have announced.
func TestFilteredExportVerifies(t *testing.T) {
	all := chain(20)
	some := []Event{all[2], all[3], all[9], all[17]}
	for _, f := range formats {
		if v := verdict(t, export(t, f, some, Export{Key: testKey, Filter: "hub tt"})); !v.Whole || v.Filtered != "hub tt" {
			t.Errorf("%s: %+v %+v", f.name, v, v.Problem)
		}
		if v := verdict(t, export(t, f, some, Export{Key: testKey})); v.Whole || !strings.Contains(v.Problem.What, "missing") {
			t.Errorf("%s: gaps pass without a filter: %+v", f.name, v)
		}
		file := export(t, f, some, Export{Key: testKey, Filter: "hub tt"})
		lines := split(file)
		cut := strings.Join(slices.Delete(lines, f.first, f.first+1), "")
		if v := verdict(t, cut); v.Whole {
			t.Errorf("%s: a line deleted from a filtered export passes", f.name)
		}
	}
}

// split cuts a file into its lines, ends included. No event has a raw line
// end inside, in either format.
func split(file string) []string {
	return strings.SplitAfter(strings.TrimSuffix(file, "\n")+"\n", "\n")
}

// TestVerifyNamesTheLine makes every kind of change to every line and expects
// the first wrong line to be named.
func TestVerifyNamesTheLine(t *testing.T) {
	const n = 12
	events := chain(n)
	for _, f := range formats {
		lines := split(export(t, f, events, Export{Key: testKey, MadeAt: testTime}))
		lines = lines[:f.first-1+n+1]
		for i := range n {
			at := f.first - 1 + i // index of event i
			edit := func(what string, line int, changed []string) {
				t.Helper()
				v := verdict(t, strings.Join(changed, ""))
				if v.Whole || v.Problem == nil {
					t.Errorf("%s: %s of event %d is not found", f.name, what, i+1)
				} else if v.Problem.Line != line {
					t.Errorf("%s: %s of event %d: line %d named, want %d: %s", f.name, what, i+1, v.Problem.Line, line, v.Problem.What)
				}
			}
			with := func(line string) []string {
				out := slices.Clone(lines)
				out[at] = line
				return out
			}
			edit("edit of the action", at+1, with(strings.Replace(lines[at], TaskAccepted, TaskConfirmed, 1)))
			edit("edit of the id", at+1, with(strings.Replace(lines[at], fmt.Sprintf("id-%d", i), "id-x", 1)))
			edit("edit of the hash", at+1, with(strings.Replace(lines[at], events[i].Hash, strings.Repeat("0", 64), 1)))
			edit("added blank", at+1, with(" "+lines[at]))
			edit("cut line", at+1, with(lines[at][:len(lines[at])/2]+"\n"))
			edit("doubling", at+2, slices.Insert(slices.Clone(lines), at, lines[at]))
			deleted := slices.Delete(slices.Clone(lines), at, at+1)
			if i > 0 {
				edit("deletion", at+1, deleted)
			} else {
				edit("deletion", len(deleted), deleted) // the beginning: the trailer knows
			}
			if i+1 < n {
				swapped := slices.Clone(lines)
				swapped[at], swapped[at+1] = swapped[at+1], swapped[at]
				edit("exchange with the next", at+2, swapped)
			}
			forged := events[i]
			forged.Actor = "admin:mallory"
			forged = Sealed(forged.Seq, forged.Prev, forged) // a forger who knows the format
			row := split(export(t, f, []Event{forged}, Export{}))[f.first-1]
			if i+1 < n {
				edit("forgery with a fitting hash", at+2, with(row))
			} else {
				edit("forgery of the last line", len(lines), with(row))
			}
		}
		for cut := range lines[:len(lines)-1] {
			v := verdict(t, strings.Join(lines[:cut+1], ""))
			if v.Whole || v.Ended {
				t.Errorf("%s: cut off after line %d passes", f.name, cut+1)
			}
		}
		if v := verdict(t, strings.Join(lines, "")+lines[len(lines)-1]); v.Whole {
			t.Errorf("%s: a second trailer passes", f.name)
		}
		trailer := lines[len(lines)-1]
		for _, change := range [][2]string{{"2026-11-21", "2026-11-22"}, {Fingerprint(testKey.Public().(ed25519.PublicKey)), Fingerprint(otherKey.Public().(ed25519.PublicKey))}} {
			changed := slices.Clone(lines)
			changed[len(lines)-1] = strings.Replace(trailer, change[0], change[1], 1)
			if v := verdict(t, strings.Join(changed, "")); v.Whole {
				t.Errorf("%s: trailer with %s for %s passes", f.name, change[1], change[0])
			}
		}
	}
}

// TestVerifyFindsAnyCutByte cuts a file at every byte.
func TestVerifyFindsAnyCutByte(t *testing.T) {
	for _, f := range formats {
		file := export(t, f, chain(3), Export{Key: testKey})
		for i := range len(file) - 2 { // the last line end may go
			if v := verdict(t, file[:i]); v.Whole {
				t.Fatalf("%s: cut after byte %d of %d passes", f.name, i, len(file))
			}
		}
	}
}

func FuzzVerify(f *testing.F) {
	var b bytes.Buffer
	_, _ = WriteJSONL(&b, seq(chain(3)), Export{Key: testKey})
	f.Add(b.String(), 10, byte('x'))
	whole := b.String()
	f.Fuzz(func(t *testing.T, file string, at int, c byte) {
		if _, err := Verify(strings.NewReader(file)); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "too long") {
			t.Fatal(err)
		}
		if at < 0 || at >= len(whole)-1 || whole[at] == c {
			return
		}
		changed := whole[:at] + string(c) + whole[at+1:]
		if v, err := Verify(strings.NewReader(changed)); err == nil && v.Whole {
			t.Fatalf("byte %d changed from %q to %q passes", at, whole[at], c)
		}
	})
}

func TestUnsealedEventIsNotExported(t *testing.T) {
	for _, f := range formats {
		if _, err := f.write(io.Discard, seq([]Event{{ID: "x", At: testTime}}), Export{}); err == nil {
			t.Errorf("%s: an event without a seal is exported", f.name)
		}
	}
}

func TestBrokenReadLeavesNoTrailer(t *testing.T) {
	bad := func(yield func(Event, error) bool) {
		if yield(chain(1)[0], nil) {
			yield(Event{}, errors.New("database gone"))
		}
	}
	for _, f := range formats {
		var b bytes.Buffer
		if _, err := f.write(&b, bad, Export{Key: testKey}); err == nil {
			t.Errorf("%s: the error is lost", f.name)
		}
		if v := verdict(t, b.String()); v.Whole {
			t.Errorf("%s: a broken-off export passes", f.name)
		}
	}
}

// TestCanonicalEncoding pins the documented bytes: whoever recomputes hashes
// in another language relies on them.
func TestCanonicalEncoding(t *testing.T) {
	e := Event{Seq: 2, ID: "e1", At: time.Date(2026, 11, 21, 13, 0, 0, 5000, time.FixedZone("", 3600)), Actor: "bridge", Action: "plan.made", Hub: "h",
		Subject: "a<b>", Detail: map[string]any{"b": 1, "a": map[string]any{"y": 2.5, "x": int64(math.MaxInt64)}}}
	want := `{"seq":2,"id":"e1","at":"2026-11-21T12:00:00.000005Z","actor":"bridge","action":"plan.made","source":"","hub":"h","person":"","group":"","member":"","task":"","pull":"","subject":"a<b>","correlation":"","detail":{"a":{"x":9223372036854775807,"y":2.5},"b":1},"prev":"abc"}`
	e.Prev = "abc"
	got, err := e.Canonical()
	if err != nil || string(got) != want {
		t.Fatalf("%v\n got %s\nwant %s", err, got, want)
	}
	sum := sha256.Sum256([]byte(want))
	if Seal("abc", e) != hex.EncodeToString(sum[:]) {
		t.Error("the seal is not the SHA-256 of the canonical encoding")
	}
	back, err := ParseDetail([]byte(`{"b":1,"a":{"x":9223372036854775807,"y":2.5}}`))
	if err != nil {
		t.Fatal(err)
	}
	e.Detail = back
	if again, _ := e.Canonical(); string(again) != want {
		t.Errorf("a detail read back from storage is hashed as %s", again)
	}
}

func TestSealNeverStopsAtAnUnencodableDetail(t *testing.T) {
	e := Event{ID: "x", At: testTime, Detail: map[string]any{"f": math.NaN()}}
	if len(Seal("", e)) != 64 {
		t.Error("no seal")
	}
}

func TestCheckpointHoldsOnlyForItsEventAndKey(t *testing.T) {
	last := chain(3)[2]
	c := Sign(testKey, last, testTime)
	public := testKey.Public().(ed25519.PublicKey)
	if err := c.Verify(public); err != nil {
		t.Fatal(err)
	}
	for what, broken := range map[string]func(*Checkpoint){
		"hash": func(c *Checkpoint) { c.Hash = strings.Repeat("0", 64) }, "seq": func(c *Checkpoint) { c.Seq++ },
		"time": func(c *Checkpoint) { c.At = c.At.Add(time.Second) }, "signature": func(c *Checkpoint) { c.Signature = "AAAA" },
	} {
		x := c
		broken(&x)
		if x.Verify(public) == nil {
			t.Errorf("another %s passes", what)
		}
	}
	if c.Verify(otherKey.Public().(ed25519.PublicKey)) == nil {
		t.Error("another key passes")
	}
}

func TestActionTableExplainsEveryActionOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range Actions() {
		if seen[a.Name] || a.Meaning == "" || !strings.Contains(a.Name, ".") {
			t.Errorf("action %q: %q", a.Name, a.Meaning)
		}
		seen[a.Name] = true
		if MeaningOf(a.Name) != a.Meaning {
			t.Errorf("%s is not found", a.Name)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	e := chain(2)[1]
	for b.Loop() {
		Seal("prev", e)
	}
}
