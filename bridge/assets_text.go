package bridge

import "time"

// quiet says that nothing happens in a row and with none of its assets.
func (r Row) quiet() bool {
	for _, s := range r.Assets {
		if !s.quiet() {
			return false
		}
	}
	return r.Verdict == Fine && r.Action == Nothing
}

// quiet says that nothing is to be done or said about the asset.
func (s AssetStep) quiet() bool { return s.Verdict == Fine && s.Action == Nothing }

func (s AssetStep) actionText() string {
	if s.Action == Nothing {
		return "-"
	}
	return string(s.Action)
}

// change is what a step changes, or what is.
func (s AssetStep) change() string {
	switch {
	case s.Action != Nothing:
		return rolesText(s.Observed) + " → " + rolesText(s.To)
	case len(s.Desired) > 0 && !sameRoles(s.Desired, s.Observed):
		return rolesText(s.Observed) + ", wanted " + rolesText(s.Desired)
	}
	return rolesText(s.Observed)
}

// why is the reason of a step with its values.
func (s AssetStep) why() string {
	text := string(s.Reason)
	if s.Detail != "" {
		text += " (" + s.Detail + ")"
	}
	if s.ends() {
		text += " until " + s.Until.UTC().Format(time.RFC3339)
	}
	return text
}

// ends says that the step's waiting is over at Until.
func (s AssetStep) ends() bool { return s.Verdict == Waiting && !s.Until.IsZero() }
