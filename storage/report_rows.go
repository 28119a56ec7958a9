package storage

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"adbridge/bridge"
)

// Report is a report as it was stored. Its rows stay packed, a few hundred
// together, and are read one after the other, or by the page.
type Report struct {
	bridge.ReportFile
	parts []reportPart
}

// reportPart is some rows of a report, in its order.
type reportPart struct {
	pressing map[bridge.Verdict]int // how many there are of each; nil in a report that was saved as one
	packed   string
}

// partRows is how many rows are packed together.
const partRows = 500

// packRows packs the rows of a report: of each part a line, what it has of each
// verdict and its rows, a line each.
func packRows(rows []bridge.Row) (string, error) {
	var body strings.Builder
	for part := range slices.Chunk(rows, partRows) {
		pressing := map[bridge.Verdict]int{}
		var b bytes.Buffer
		text := base64.NewEncoder(base64.StdEncoding, &b)
		zip, err := gzip.NewWriterLevel(text, gzip.BestSpeed)
		if err != nil {
			return "", err
		}
		lines := json.NewEncoder(zip)
		for _, r := range part {
			pressing[r.Pressing()]++
			if err := lines.Encode(r); err != nil {
				return "", err
			}
		}
		if err := errors.Join(zip.Close(), text.Close()); err != nil {
			return "", err
		}
		fmt.Fprintf(&body, "%s %s\n", asJSON(pressing), b.Bytes())
	}
	return body.String(), nil
}

// partsOf reads what packRows made, and the one part of reports of before.
func partsOf(body string) ([]reportPart, error) {
	if body != "" && !strings.HasPrefix(body, "{") {
		return []reportPart{{nil, body}}, nil
	}
	var parts []reportPart
	for line := range strings.Lines(body) {
		head, packed, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		p := reportPart{packed: packed}
		if err := json.Unmarshal([]byte(head), &p.pressing); err != nil {
			return nil, fmt.Errorf("the rows of a report: %w", err)
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// rows reads the rows of a part, those alone that may be pressing so; "": all.
func (p reportPart) rows(v bridge.Verdict) iter.Seq2[bridge.Row, error] {
	return func(yield func(bridge.Row, error) bool) {
		var end bridge.Row
		zip, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(p.packed)))
		if err != nil {
			yield(end, err)
			return
		}
		defer zip.Close()
		if p.pressing == nil {
			old := json.NewDecoder(zip)
			if _, err := old.Token(); err != nil { // the bracket before the first
				yield(end, err)
				return
			}
			for old.More() {
				var r bridge.Row
				if err := old.Decode(&r); err != nil || !yield(r, nil) {
					if err != nil {
						yield(end, err)
					}
					return
				}
			}
			return
		}
		sign := []byte(`"` + v + `"`)
		for lines := bufio.NewReaderSize(zip, 64<<10); ; {
			line, err := lines.ReadBytes('\n')
			if err == io.EOF && len(line) == 0 {
				return
			}
			if err != nil {
				yield(end, err)
				return
			}
			if v != "" && !bytes.Contains(line, sign) {
				continue
			}
			var r bridge.Row
			if err := json.Unmarshal(line, &r); err != nil {
				yield(end, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// each reads all rows of the report, in its order.
func (r Report) each(yield func(bridge.Row, error) bool) {
	for _, p := range r.parts {
		for row, err := range p.rows("") {
			if err != nil {
				yield(row, fmt.Errorf("read the rows of report %s: %w", r.ID, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Whole is the report with all its rows.
func (r Report) Whole() (bridge.Report, error) {
	whole := r.Report
	for row, err := range r.each {
		if err != nil {
			return whole, err
		}
		whole.Rows = append(whole.Rows, row)
	}
	return whole, nil
}

// Pressing counts the rows by what is most pressing in each.
func (r Report) Pressing() (map[bridge.Verdict]int, error) {
	counts := map[bridge.Verdict]int{}
	for _, p := range r.parts {
		for v, n := range p.pressing {
			counts[v] += n
		}
		if p.pressing != nil {
			continue
		}
		for row, err := range p.rows("") {
			if err != nil {
				return nil, fmt.Errorf("count the rows of report %s: %w", r.ID, err)
			}
			counts[row.Pressing()]++
		}
	}
	return counts, nil
}

// Page is up to limit rows in which this is most pressing, behind the first skip
// of them.
func (r Report) Page(v bridge.Verdict, skip, limit int) ([]bridge.Row, error) {
	var out []bridge.Row
	for _, p := range r.parts {
		if p.pressing != nil && skip >= p.pressing[v] {
			skip -= p.pressing[v]
			continue
		}
		for row, err := range p.rows(v) {
			if err != nil {
				return nil, fmt.Errorf("read a page of report %s: %w", r.ID, err)
			}
			if row.Pressing() != v {
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			if len(out) == limit {
				return out, nil
			}
			out = append(out, row)
		}
	}
	return out, nil
}
