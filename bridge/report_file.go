package bridge

import (
	"encoding/json"
	"io"
	"iter"
	"strings"
)

// ReportFile is a report to be written out: its rows come one after the other, as
// often as they are asked for, so that nobody holds those of a large hub. Its
// Report has none. An error ends the rows, and the writing.
type ReportFile struct {
	Report
	Each iter.Seq2[Row, error]
}

// File is the report to be written out.
func (r Report) File() ReportFile {
	rows := r.Rows
	r.Rows = nil
	return ReportFile{r, func(yield func(Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}}
}

// WriteText writes the report for a terminal; see ReportFile.WriteText.
func (r Report) WriteText(to io.Writer) error { return r.File().WriteText(to) }

// WriteAccess answers who had access to what; see ReportFile.WriteAccess.
func (r Report) WriteAccess(to io.Writer) error { return r.File().WriteAccess(to) }

// WriteCSV writes a line for each row and each of its assets; see ReportFile.WriteCSV.
func (r Report) WriteCSV(to io.Writer) error { return r.File().WriteCSV(to) }

// WriteJSON writes the whole report; see ReportFile.WriteJSON.
func (r Report) WriteJSON(to io.Writer) error { return r.File().WriteJSON(to) }

// WriteHTML writes the report as one page; see ReportFile.WriteHTML.
func (r Report) WriteHTML(to io.Writer) error { return r.File().WriteHTML(to) }

// WriteJSON writes the whole report, indented.
func (f ReportFile) WriteJSON(to io.Writer) error {
	head := f.Report
	head.Rows = []Row{}
	text, err := indented(head, "")
	if err != nil {
		return err
	}
	// At this depth no other line reads so: what a text holds has no line of its own.
	before, after, _ := strings.Cut(text, "\n  \"rows\": []")
	if _, err := io.WriteString(to, before+"\n  \"rows\": ["); err != nil {
		return err
	}
	end := "]"
	sep := "\n    "
	for row, err := range f.Each {
		if err != nil {
			return err
		}
		text, err := indented(row, "    ")
		if err != nil {
			return err
		}
		if _, err := io.WriteString(to, sep+text); err != nil {
			return err
		}
		sep, end = ",\n    ", "\n  ]"
	}
	_, err = io.WriteString(to, end+after+"\n")
	return err
}

// indented is a value as JSON, its lines after the first behind a prefix.
func indented(v any, prefix string) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetIndent(prefix, "  ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}
