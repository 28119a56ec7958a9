package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
)

// trailerLine is the last line of a JSONL export.
type trailerLine struct {
	Trailer *Trailer `json:"trailer"`
}

// WriteJSONL writes events as one JSON object a line, and the trailer. It
// breaks off at the first error, leaving a file without a trailer, which
// Verify refuses.
func WriteJSONL(to io.Writer, events iter.Seq2[Event, error], x Export) (Trailer, error) {
	s := newSum()
	for e, err := range events {
		if err != nil {
			return Trailer{}, fmt.Errorf("export after event %d: %w", s.LastSeq, err)
		}
		line, err := eventLine(e)
		if err != nil {
			return Trailer{}, err
		}
		if _, err := to.Write(append(line, '\n')); err != nil {
			return Trailer{}, fmt.Errorf("export event %d: %w", e.Seq, err)
		}
		s.add(e)
	}
	t := s.trailer(x)
	line, err := plainJSON(trailerLine{&t})
	if err != nil {
		return t, err
	}
	_, err = to.Write(append(line, '\n'))
	return t, err
}

// eventLine is the canonical encoding with the hash added at its end, so that
// a reader can recompute the hash from the line itself.
func eventLine(e Event) ([]byte, error) {
	if e.Seq == 0 || e.Hash == "" {
		return nil, fmt.Errorf("export event %s: it is not sealed yet", e.ID)
	}
	b, err := e.Canonical()
	if err != nil {
		return nil, err
	}
	b = append(bytes.TrimSuffix(b, []byte("}")), `,"hash":`...)
	hash, err := json.Marshal(e.Hash)
	if err != nil {
		return nil, err
	}
	return append(append(b, hash...), '}'), nil
}

// parseLine reads a line of a JSONL export: an event, or the trailer.
func parseLine(line []byte) (Event, *Trailer, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	d.DisallowUnknownFields()
	if bytes.HasPrefix(line, []byte(`{"trailer":`)) {
		var t trailerLine
		if err := d.Decode(&t); err != nil || t.Trailer == nil {
			return Event{}, nil, fmt.Errorf("the trailer cannot be read: %v", err)
		}
		return Event{}, t.Trailer, rest(d)
	}
	var e Event
	if err := d.Decode(&e); err != nil {
		return e, nil, fmt.Errorf("the line is no whole event: %w", err)
	}
	if err := rest(d); err != nil {
		return e, nil, err
	}
	// Every byte of the line is vouched for, not only what it decodes to.
	again, err := eventLine(e)
	if err != nil {
		return e, nil, err
	}
	if !bytes.Equal(again, line) {
		return e, nil, fmt.Errorf("the line is not written as an event is")
	}
	return e, nil, nil
}

func rest(d *json.Decoder) error {
	if d.More() {
		return fmt.Errorf("something follows on the line")
	}
	return nil
}
