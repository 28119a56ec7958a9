package audit

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Problem is what is wrong with a file, at its first wrong line.
type Problem struct {
	Line int    `json:"line"` // of the file, from 1
	Seq  int64  `json:"seq,omitempty"`
	What string `json:"what"`
}

// Verdict says what a file proves.
type Verdict struct {
	Format   string `json:"format"` // jsonl or csv
	Events   int64  `json:"events"`
	FirstSeq int64  `json:"first_seq"`
	LastSeq  int64  `json:"last_seq"`
	LastHash string `json:"last_hash"`
	// Whole: every line proves itself and follows from the one before, and the
	// trailer says that nothing is missing.
	Whole bool `json:"whole"`
	// Ended: there is a trailer and it fits. Without one, everything up to the
	// last line may be true and still the end be cut off.
	Ended    bool     `json:"ended"`
	Signed   bool     `json:"signed"`        // the trailer's signature fits
	Key      string   `json:"key,omitempty"` // fingerprint of the key that signed; compare it with the server's
	Filtered string   `json:"filtered,omitempty"`
	Trailer  *Trailer `json:"trailer,omitempty"`
	Problem  *Problem `json:"problem,omitempty"`
}

// maxLine is the longest line that is read: far beyond any event.
const maxLine = 16 << 20

// Verify reads an export, JSONL or CSV, from beginning to end and says what it
// proves. It names the first line that was edited, deleted, inserted, moved or
// cut off. The error is the reader's; what is wrong with the file is in the
// Verdict. The file needs no database and no network.
func Verify(from io.Reader) (Verdict, error) {
	b := bufio.NewReaderSize(from, 1<<16)
	head, err := b.Peek(len(strings.Join(csvHeader, ",")))
	if err != nil && err != io.EOF {
		return Verdict{}, fmt.Errorf("verify: %w", err)
	}
	if bytes.HasPrefix(head, []byte("seq,id,at,")) {
		return verify("csv", csvLines(b))
	}
	return verify("jsonl", jsonLines(b))
}

// VerifyBy is Verify that also demands the signature of the key with this
// Fingerprint.
func VerifyBy(from io.Reader, fingerprint string) (Verdict, error) {
	v, err := Verify(from)
	if err == nil && v.Problem == nil && (!v.Signed || v.Key != fingerprint) {
		v.Whole = false
		v.Problem = &Problem{What: fmt.Sprintf("it is signed by key %q, not by %s", v.Key, fingerprint)}
	}
	return v, err
}

// line is one line of a file as read.
type line struct {
	number  int
	event   Event
	trailer *Trailer
	bad     error // the line cannot be read
	err     error // the reader failed
}

// verify follows the chain.
func verify(format string, lines func(func(line) bool)) (Verdict, error) {
	v := Verdict{Format: format}
	s := newSum()
	var gap *Problem // the first gap, which only a filtered export may have
	wrong := func(l line, what string, args ...any) {
		if v.Problem == nil {
			v.Problem = &Problem{Line: l.number, Seq: l.event.Seq, What: fmt.Sprintf(what, args...)}
		}
	}
	last := 0
	for l := range lines {
		last = l.number
		switch {
		case l.err != nil:
			return v, fmt.Errorf("verify line %d: %w", l.number, l.err)
		case v.Trailer != nil:
			wrong(l, "something follows the trailer: inserted, or two files joined")
		case l.bad != nil:
			wrong(l, "%v: edited or cut off", l.bad)
		case l.trailer != nil:
			v.Trailer = l.trailer
		default:
			if g := follow(s, l); g != nil && gap == nil {
				gap = g
			}
			if Seal(l.event.Prev, l.event) != l.event.Hash {
				wrong(l, "the line does not fit its hash: edited")
			}
			if s.Count > 0 && l.event.Seq <= s.LastSeq {
				wrong(l, "event %d comes after event %d: moved or inserted", l.event.Seq, s.LastSeq)
			}
			s.add(l.event)
		}
		if v.Problem != nil {
			break
		}
	}
	v.Events, v.FirstSeq, v.LastSeq, v.LastHash = s.Count, s.FirstSeq, s.LastSeq, s.LastHash
	if v.Problem == nil && gap != nil && (v.Trailer == nil || v.Trailer.Filter == "") {
		v.Problem = gap
	}
	if v.Problem == nil {
		v.end(s, last)
	}
	v.Whole = v.Problem == nil
	return v, nil
}

// follow says what is missing between the line before and this one.
func follow(s *sum, l line) *Problem {
	e := l.event
	switch {
	case s.Count == 0 || e.Seq <= s.LastSeq:
		return nil
	case e.Seq == s.LastSeq+1 && e.Prev == s.LastHash:
		return nil
	case e.Seq == s.LastSeq+1:
		return &Problem{Line: l.number, Seq: e.Seq, What: fmt.Sprintf("the line does not follow from event %d: one of the two was exchanged", s.LastSeq)}
	}
	return &Problem{Line: l.number, Seq: e.Seq, What: fmt.Sprintf("events %d to %d are missing before this line: deleted", s.LastSeq+1, e.Seq-1)}
}

// end compares the file with its trailer.
func (v *Verdict) end(s *sum, last int) {
	wrong := func(what string, args ...any) {
		v.Problem = &Problem{Line: last, Seq: s.LastSeq, What: fmt.Sprintf(what, args...)}
	}
	t := v.Trailer
	if t == nil {
		wrong("the file ends without a trailer: cut off after event %d, or not yet complete", s.LastSeq)
		return
	}
	got := s.trailer(Export{})
	v.Filtered = t.Filter
	switch {
	case t.Count != got.Count || t.LastSeq != got.LastSeq || t.LastHash != got.LastHash:
		wrong("the trailer speaks of %d events up to %d, the file has %d up to %d: cut off or deleted at the end", t.Count, t.LastSeq, got.Count, got.LastSeq)
	case t.FirstSeq != got.FirstSeq || t.FirstPrev != got.FirstPrev:
		wrong("the trailer begins at event %d, the file at %d: deleted at the beginning", t.FirstSeq, got.FirstSeq)
	case t.Digest != got.Digest:
		wrong("the lines are not those that the trailer sums up")
	default:
		signed, err := t.signed()
		if err != nil {
			wrong("%v", err)
			return
		}
		v.Ended, v.Signed, v.Key = true, signed, t.Key
	}
}

// jsonLines reads a JSONL file line by line.
func jsonLines(b *bufio.Reader) func(func(line) bool) {
	return func(yield func(line) bool) {
		scan := bufio.NewScanner(b)
		scan.Buffer(make([]byte, 0, 1<<16), maxLine)
		n := 0
		for scan.Scan() {
			n++
			l := line{number: n}
			l.event, l.trailer, l.bad = parseLine(scan.Bytes())
			if !yield(l) {
				return
			}
		}
		if err := scan.Err(); err != nil {
			yield(line{number: n + 1, err: err})
		}
	}
}

// csvLines reads a CSV file row by row.
func csvLines(b *bufio.Reader) func(func(line) bool) {
	return func(yield func(line) bool) {
		r := csv.NewReader(b)
		r.FieldsPerRecord = len(csvHeader)
		r.ReuseRecord = true
		for n := 1; ; n++ {
			row, err := r.Read()
			var parse *csv.ParseError
			switch {
			case err == io.EOF:
				return
			case errors.As(err, &parse):
				yield(line{number: parse.StartLine, bad: fmt.Errorf("the line is no whole row: %w", err)})
				return
			case err != nil:
				yield(line{number: n, err: err})
				return
			}
			at, _ := r.FieldPos(0)
			l := line{number: at}
			if n == 1 {
				if strings.Join(row, ",") == strings.Join(csvHeader, ",") {
					continue
				}
				l.bad = fmt.Errorf("the first line does not name the columns")
			} else {
				l.event, l.trailer, l.bad = parseRow(row)
			}
			if !yield(l) {
				return
			}
		}
	}
}
