package bridge

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"iter"
	"strings"
)

//go:embed report.html plan.html style.html
var documents embed.FS

var documentTemplates = template.Must(template.New("documents").Funcs(template.FuncMap{
	"stamp": stamp, "why": provenanceText, "roles": roles, "reason": ReasonOf, "action": actionText, "ends": Row.ends,
	"stepAction": AssetStep.actionText, "change": AssetStep.change, "stepEnds": AssetStep.ends, "by": AssetStep.by, "access": rolesText,
	"tone": func(v Verdict) string {
		switch v {
		case Do, Would:
			return "go"
		case Held, NeedsPerson:
			return "stop"
		case Waiting:
			return "wait"
		case Suppressed:
			return "off"
		}
		return "ok"
	},
	"words": func(v any) string { return strings.ReplaceAll(fmt.Sprint(v), "-", " ") },
}).ParseFS(documents, "*.html"))

var (
	reportTemplate = documentTemplates.Lookup("report.html")
	planTemplate   = documentTemplates.Lookup("plan.html")
)

// WriteHTML writes the report as one page that needs nothing else: no script,
// no font, no picture from anywhere. It prints well.
func (r ReportFile) WriteHTML(to io.Writer) error {
	var failed error
	rows := func(yield func(Row) bool) {
		for row, err := range r.Each {
			if failed = err; err != nil || !yield(row) {
				return
			}
		}
	}
	err := reportTemplate.Execute(to, struct {
		Report
		Rows                                       iter.Seq[Row]
		DesiredCounts, ObservedCounts, AssetCounts []count
		PullText, LeavingText                      string
		Adds                                       bool
	}{r.Report, rows, r.desiredCounts(), r.observedCounts(), r.Assets.counts(), r.pullText(), r.leavingText(), r.AddsUp()})
	return cmp.Or(failed, err)
}
