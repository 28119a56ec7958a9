package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
)

// csvHeader names the columns of a CSV export, in the canonical order.
var csvHeader = []string{"seq", "id", "at", "actor", "action", "source", "hub", "person", "group", "member", "task", "pull",
	"subject", "correlation", "detail", "prev", "hash"}

const csvTrailer = "#trailer"

// WriteCSV writes events as a table that a spreadsheet can open, and the
// trailer. A cell that a spreadsheet would take for a formula begins with an
// apostrophe, and line breaks are written as \n, both so that Verify finds the
// original again.
func WriteCSV(to io.Writer, events iter.Seq2[Event, error], x Export) (Trailer, error) {
	w := csv.NewWriter(to)
	s := newSum()
	if err := w.Write(csvHeader); err != nil {
		return Trailer{}, err
	}
	for e, err := range events {
		if err != nil {
			w.Flush()
			return Trailer{}, fmt.Errorf("export after event %d: %w", s.LastSeq, err)
		}
		if e.Seq == 0 || e.Hash == "" {
			return Trailer{}, fmt.Errorf("export event %s: it is not sealed yet", e.ID)
		}
		detail, err := CanonicalDetail(e.Detail)
		if err != nil {
			return Trailer{}, fmt.Errorf("export event %d: detail: %w", e.Seq, err)
		}
		row := []string{strconv.FormatInt(e.Seq, 10), e.ID, e.At.UTC().Format(atLayout), e.Actor, e.Action, e.Source, e.Hub, e.Person, e.Group,
			e.Member, e.Task, e.Pull, e.Subject, e.Correlation, string(detail), e.Prev, e.Hash}
		for i := range row {
			row[i] = cell(row[i])
		}
		if err := w.Write(row); err != nil {
			return Trailer{}, fmt.Errorf("export event %d: %w", e.Seq, err)
		}
		s.add(e)
	}
	t := s.trailer(x)
	text, err := plainJSON(t)
	if err != nil {
		return t, err
	}
	row := make([]string, len(csvHeader))
	row[0], row[1] = csvTrailer, string(text)
	if err := w.Write(row); err != nil {
		return t, err
	}
	w.Flush()
	return t, w.Error()
}

var (
	cellEscape   = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	cellUnescape = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t")
)

// cell writes a value so that no spreadsheet takes it for a formula; uncell
// reads it back.
func cell(s string) string {
	s = cellEscape.Replace(s)
	if s != "" && strings.ContainsRune("=+-@'", rune(s[0])) {
		return "'" + s
	}
	return s
}

func uncell(s string) string {
	return cellUnescape.Replace(strings.TrimPrefix(s, "'"))
}

// parseRow reads a row of a CSV export: an event, or the trailer.
func parseRow(row []string) (Event, *Trailer, error) {
	if row[0] == csvTrailer {
		d := json.NewDecoder(strings.NewReader(row[1]))
		d.DisallowUnknownFields()
		var t Trailer
		if err := d.Decode(&t); err != nil {
			return Event{}, nil, fmt.Errorf("the trailer cannot be read: %w", err)
		}
		return Event{}, &t, nil
	}
	v := make([]string, len(row))
	for i := range row {
		v[i] = uncell(row[i])
		if cell(v[i]) != row[i] {
			return Event{}, nil, fmt.Errorf("column %s is not written as an export writes it", csvHeader[i])
		}
	}
	seq, err := strconv.ParseInt(v[0], 10, 64)
	if err != nil || strconv.FormatInt(seq, 10) != v[0] {
		return Event{}, nil, fmt.Errorf("seq %q is no number", v[0])
	}
	at, err := time.Parse(atLayout, v[2])
	if err != nil {
		return Event{}, nil, fmt.Errorf("at %q is no time", v[2])
	}
	detail, err := ParseDetail([]byte(v[14]))
	if err != nil {
		return Event{}, nil, err
	}
	if again, err := CanonicalDetail(detail); err != nil || !bytes.Equal(again, []byte(v[14])) {
		return Event{}, nil, fmt.Errorf("detail is not written as an export writes it")
	}
	return Event{Seq: seq, ID: v[1], At: at, Actor: v[3], Action: v[4], Source: v[5], Hub: v[6], Person: v[7], Group: v[8], Member: v[9],
		Task: v[10], Pull: v[11], Subject: v[12], Correlation: v[13], Detail: detail, Prev: v[15], Hash: v[16]}, nil, nil
}
