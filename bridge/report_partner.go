package bridge

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// PartnerReport is what a report says of partners: of a hub of ours, a line for
// each; of a monitor, whose partner it looks at.
type PartnerReport struct {
	PartnerOf string        `json:"partner_of,omitempty"` // slug of the hub that shares with this business
	Partners  []PartnerLine `json:"partners,omitempty"`
	// PartnersError says why the partners could not be read; Partners are from PartnersAt.
	PartnersError string    `json:"partners_error,omitempty"`
	PartnersAt    time.Time `json:"partners_at,omitzero"`
}

// Report is what a report says of a hub's partners.
func (p Partnership) Report() PartnerReport {
	if p.Ours != "" {
		return PartnerReport{PartnerOf: p.Ours}
	}
	return PartnerReport{Partners: p.Lines(), PartnersError: p.Partners.Error, PartnersAt: p.Partners.At}
}

// PartnerNotes are the lines for people.
func (r PartnerReport) PartnerNotes() []string {
	var out []string
	if r.PartnerOf != "" {
		out = append(out, fmt.Sprintf("a partner's business, connected to look only: everyone here reaches something that hub %s shares with it, and nobody else of it is kept", r.PartnerOf))
	}
	for _, l := range r.Partners {
		out = append(out, l.String())
	}
	if r.PartnersError != "" {
		out = append(out, fmt.Sprintf("the partners could not be read (%s); what is shown is of %s. %s", r.PartnersError, stamp(r.PartnersAt), ReasonOf(PartnerUnread).Next))
	}
	return out
}

// writePartners writes the lines; of a monitor also its people, who are what it
// is for although nothing is to be done about them.
func (r ReportFile) writePartners(b *strings.Builder) error {
	for _, note := range r.PartnerNotes() {
		fmt.Fprintf(b, "partner: %s\n", note)
	}
	if r.PartnerOf == "" {
		return nil
	}
	t := tabwriter.NewWriter(b, 0, 1, 2, ' ', 0)
	for row, err := range r.Each {
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\n", who(row), row.Observed.Word(), reaches(row))
	}
	return t.Flush()
}

// reaches lists what a row's member has access to.
func reaches(row Row) string {
	var out []string
	for _, s := range row.Assets {
		if len(s.Observed) > 0 {
			out = append(out, AssetAccess{Asset: s.Asset, Roles: s.Observed}.String())
		}
	}
	return strings.Join(out, ", ")
}
