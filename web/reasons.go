package web

import (
	"context"
	"net/http"
	"strings"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// reasonsPage explains every reason code and every action of the audit trail.
type reasonsPage struct {
	frame
	Families []family
	Actions  []audit.Action
}

// family is the codes that begin alike: "guard.".
type family struct {
	Name    string
	Reasons []bridge.Reason
}

func (s *site) reasons(context.Context, *storage.Tx, *http.Request) (page, error) {
	p := &reasonsPage{frame: frame{Title: "Reasons", Section: "reasons"}, Actions: audit.Actions()}
	at := map[string]int{}
	for _, x := range bridge.Reasons() {
		name, _, _ := strings.Cut(string(x.Code), ".")
		i, ok := at[name]
		if !ok {
			i = len(p.Families)
			at[name] = i
			p.Families = append(p.Families, family{Name: name})
		}
		p.Families[i].Reasons = append(p.Families[i].Reasons, x)
	}
	return p, nil
}
