package web

import (
	"strings"

	"adbridge/bridge"
)

// stepOf says what a plan makes of one asset of a person.
func stepOf(s bridge.AssetStep) string {
	switch {
	case s.Action == bridge.Assign && len(s.Observed) == 0:
		return "give " + bridge.AssetAccess{Asset: s.Asset, Roles: s.To}.String()
	case s.Action == bridge.Assign:
		return "change " + s.Asset.String() + " from " + strings.Join(s.Observed, "+") + " to " + strings.Join(s.To, "+")
	case s.Action == bridge.Unassign:
		return "take " + bridge.AssetAccess{Asset: s.Asset, Roles: s.Observed}.String() + " away"
	case len(s.Observed) == 0 && len(s.Desired) == 0:
		return s.Asset.String() + ": no access"
	case len(s.Observed) == 0:
		return "wanted: " + bridge.AssetAccess{Asset: s.Asset, Roles: s.Desired}.String()
	}
	return bridge.AssetAccess{Asset: s.Asset, Roles: s.Observed}.String()
}

// assetTask says what a task does to access to an asset.
func assetTask(t bridge.Task) string {
	if t.Action == bridge.Unassign {
		return "take access to " + t.Asset.String() + " away"
	}
	return "give " + bridge.AssetAccess{Asset: t.Asset, Roles: t.Roles}.String()
}

// accessOf lists access as the command line takes it.
func accessOf(list []bridge.AssetAccess) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return out
}

// wantedOn lists the assets that a wish names, those that it does not any more too.
func wantedOn(list []bridge.DesiredAsset) []string {
	out := make([]string, len(list))
	for i, a := range list {
		if out[i] = a.String(); len(a.Roles) == 0 {
			out[i] = "no access to " + a.Asset.String() + " any more"
		}
	}
	return out
}

// accessLine is what a member has on an asset.
type accessLine struct {
	Text string
	Ours string // what of it adbridge gave; "" for nothing
}

func accessLines(m bridge.Member) []accessLine {
	var out []accessLine
	for _, a := range m.Assets {
		line := accessLine{Text: bridge.AssetAccess{Asset: a.Asset, Roles: a.Roles}.String(), Ours: strings.Join(a.Applied, "+")}
		if len(a.Roles) == 0 {
			line.Text = a.Asset.String() + ": no access"
		}
		out = append(out, line)
	}
	return out
}
