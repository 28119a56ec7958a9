package bridge

import (
	"fmt"
	"slices"
	"strings"
)

// answerOnAssets adds to the one sentence what is still open about assets. Who
// is in order otherwise is told what comes next about those.
func answerOnAssets(r Row, s string, reason Reason) (string, string, Actor) {
	next, actor := reason.Next, reason.Actor
	for _, a := range r.Assets {
		if a.quiet() {
			continue
		}
		why := ReasonOf(a.Reason)
		s += fmt.Sprintf(" Access to %s: %s, %s: %s", a.Asset, a.change(), a.Verdict, why.Meaning)
		if a.Detail != "" {
			s += " (" + a.Detail + ")"
		}
		if a.ends() {
			s += ", until " + stamp(a.Until)
		}
		s += "."
		if r.Verdict == Fine && next == reason.Next {
			next, actor = why.Next, why.Actor
		}
	}
	return s, next, actor
}

// gives is what everyone in the rule's group has by it.
func (r Rule) gives() string {
	parts := []string{r.Role.Word()}
	for _, a := range r.Assets {
		parts = append(parts, a.String())
	}
	return strings.Join(parts, ", ")
}

// assetWishLines say what is wanted of assets.
func assetWishLines(d Desired) []Line {
	var out []Line
	for _, a := range d.Assets {
		text := a.Asset.String() + ": " + rolesText(a.Roles) + " since then: " + ReasonOf(a.Cause).Meaning
		if len(a.Why) > 0 && len(a.Roles) > 0 {
			text += "; " + provenanceText(a.Why)
		}
		out = append(out, Line{At: a.Since, Text: text, Code: a.Cause})
	}
	return out
}

// assetLines say what a member was last seen to have on assets.
func (x *explainer) assetLines(m Member) []Line {
	var out []Line
	for _, a := range m.Assets {
		text := fmt.Sprintf("access to %s: %s", x.assetName(a.Asset), rolesText(a.Roles))
		if len(a.Applied) > 0 {
			text += ", given by us: " + rolesText(a.Applied)
		}
		if i := slices.IndexFunc(x.w.Pull.Assets, func(r AssetRead) bool { return r.Asset == a.Asset && r.Error != "" }); i >= 0 {
			text += "; the last pull could not read it: " + x.w.Pull.Assets[i].Error
		}
		out = append(out, Line{At: a.SeenAt, Text: text})
	}
	return out
}

// assetName is an asset as the last pull found it called.
func (x *explainer) assetName(a Asset) string {
	for _, r := range x.w.Pull.Assets {
		if r.Asset == a && r.Name != "" {
			return a.String() + " (" + r.Name + ")"
		}
	}
	return a.String()
}

// stepLines say what the plan makes of each asset.
func stepLines(r Row) []Line {
	var out []Line
	for _, a := range r.Assets {
		text := fmt.Sprintf("%s: %s", a.Asset, a.Verdict)
		if a.Action != Nothing {
			text += ": " + string(a.Action)
		}
		text += " " + a.change()
		if a.Reason != "" {
			why := ReasonOf(a.Reason)
			text += "; " + why.Meaning
			if a.Detail != "" {
				text += " (" + a.Detail + ")"
			}
			if why.Next != "nothing" {
				text += "; next: " + why.Next + " (" + string(why.Actor) + ")"
			}
		}
		if a.ends() {
			text += ", until " + stamp(a.Until)
		}
		out = append(out, Line{Text: text, Code: a.Reason})
	}
	return out
}

// change is what a task changes: a role, or access to an asset.
func (t Task) change() string {
	if t.Action == Assign || t.Action == Unassign {
		return AssetAccess{t.Asset, []string{rolesText(t.Roles)}}.String()
	}
	return t.From.Word() + " → " + t.To.Word()
}
