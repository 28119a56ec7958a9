package web

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"sort"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"adbridge/bridge"
	"adbridge/bridge/audit"
)

// words are the functions of the templates: how a thing is called on a page.
var words = template.FuncMap{
	"iso":       func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"clock":     func(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04:05 UTC") },
	"ago":       ago,
	"badge":     badgeOf,
	"reason":    reasonOf,
	"actionOf":  actionOf,
	"taskOf":    taskAction,
	"stepOf":    stepOf,
	"access":    accessOf,
	"wantedOn":  wantedOn,
	"has":       accessLines,
	"meaning":   audit.MeaningOf,
	"details":   details,
	"why":       provenance,
	"duration":  duration,
	"platform":  bridge.Platform.Word,
	"modeMeans": bridge.Mode.Meaning,
	"plural":    plural,
	"query":     url.QueryEscape,
	"join":      strings.Join,
	"short":     short,
	"thousands": thousands,
}

// reasonOf explains a code, as the beginning of a sentence.
func reasonOf(code any) bridge.Reason {
	r := bridge.ReasonOf(bridge.Code(fmt.Sprint(code)))
	first, size := utf8.DecodeRuneInString(r.Meaning)
	r.Meaning = string(unicode.ToUpper(first)) + r.Meaning[size:]
	return r
}

// badge is a state by colour and word.
type badge struct{ Tone, Word string }

// badgeOf gives every state its colour. The word always goes with it.
func badgeOf(v any) badge {
	tone, word := "quiet", fmt.Sprint(v)
	switch v := v.(type) {
	case bridge.HubState:
		tone = map[bridge.HubState]string{bridge.Observing: "info", bridge.Enforcing: "good", bridge.Paused: "wait",
			bridge.Quarantined: "warn", bridge.Disconnected: "bad"}[v]
	case bridge.Verdict:
		tone = map[bridge.Verdict]string{bridge.Do: "info", bridge.Would: "info", bridge.Held: "warn", bridge.Waiting: "wait",
			bridge.NeedsPerson: "bad", bridge.Suppressed: "quiet", bridge.Fine: "good"}[v]
		word = map[bridge.Verdict]string{bridge.Do: "to do", bridge.NeedsPerson: "needs a person"}[v]
	case bridge.Standing:
		tone = map[bridge.Standing]string{bridge.StandOnboarded: "good", bridge.StandGuest: "info", bridge.StandUnmatched: "warn",
			bridge.StandDisputed: "bad", bridge.StandExempt: "quiet", bridge.StandProtected: "quiet", bridge.StandPartner: "quiet"}[v]
	case bridge.Presence:
		tone = map[bridge.Presence]string{bridge.Active: "good", bridge.Invited: "wait", bridge.Declined: "bad", bridge.Expired: "warn", bridge.Gone: "quiet"}[v]
	case bridge.TaskState:
		tone = map[bridge.TaskState]string{bridge.Ready: "info", bridge.Running: "info", bridge.TaskWait: "wait", bridge.Accepted: "wait",
			bridge.Confirmed: "good", bridge.TaskHeld: "warn", bridge.Superseded: "quiet"}[v]
		if v == bridge.Accepted {
			word = "accepted, not seen yet"
		}
	case bridge.InvitationState:
		tone = map[bridge.InvitationState]string{bridge.InvitationSent: "wait", bridge.InvitationPending: "wait", bridge.InvitationAccepted: "good",
			bridge.InvitationDeclined: "bad", bridge.InvitationExpired: "warn", bridge.InvitationVanished: "warn", bridge.InvitationCancelled: "quiet"}[v]
	case int: // of HTTP
		switch {
		case v >= 500:
			tone = "bad"
		case v >= 400:
			tone = "warn"
		default:
			tone = "good"
		}
	}
	if tone == "" {
		tone = "quiet"
	}
	if word == "" {
		word = fmt.Sprint(v)
	}
	return badge{tone, word}
}

// actionOf says what a plan would do with a row; "" for nothing.
func actionOf(r bridge.Row) string { return inWords(r.Action, r.From, r.To) }

// taskAction says what a task does.
func taskAction(t bridge.Task) string {
	if t.Action == bridge.Assign || t.Action == bridge.Unassign {
		return assetTask(t)
	}
	return inWords(t.Action, t.From, t.To)
}

func inWords(a bridge.Action, from, to bridge.Role) string {
	switch a {
	case bridge.Nothing:
		return ""
	case bridge.Invite:
		return "invite as " + to.Word()
	case bridge.ReInvite:
		return "invite again as " + to.Word()
	case bridge.Cancel:
		return "cancel the invitation"
	case bridge.Remove:
		return "remove"
	case bridge.Adopt:
		return "take over as " + to.Word()
	case bridge.SetInvite:
		return "change the invitation to " + to.Word()
	case bridge.SetRole:
		if to.Rank() > from.Rank() {
			return "raise to " + to.Word()
		}
		return "lower to " + to.Word()
	}
	return string(a)
}

// provenance says where a role comes from, and which one it gives where that
// is not the role that counts in the end.
func provenance(p bridge.Provenance, got bridge.Role) string {
	text := "through the group " + cmp.Or(p.GroupName, p.GroupID)
	if p.Grant != "" {
		text = "by a timed grant"
	}
	if p.Role != got {
		text = p.Role.Word() + " " + text
	}
	return text
}

// detail is one value of an event's detail.
type detail struct{ Name, Value string }

// details lists an event's detail in a fixed order.
func details(m map[string]any) []detail {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	sort.Strings(names)
	var out []detail
	for _, k := range names {
		v := m[k]
		if nested, ok := v.(map[string]any); ok {
			var parts []string
			for _, d := range details(nested) {
				parts = append(parts, d.Name+": "+d.Value)
			}
			v = strings.Join(parts, ", ")
		}
		if list, ok := v.([]any); ok {
			parts := make([]string, len(list))
			for i, x := range list {
				parts[i] = fmt.Sprint(x)
			}
			v = strings.Join(parts, ", ")
		}
		if text := fmt.Sprint(v); v != nil && text != "" {
			out = append(out, detail{k, text})
		}
	}
	return out
}

// ago is how long before now t was, or how long after it is, in one unit.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	after := d < 0
	if after {
		d = -d
	}
	var text string
	switch {
	case d < 10*time.Second && !after:
		return "just now"
	case d < 2*time.Minute:
		text = plural(int(d.Seconds()), "second")
	case d < 2*time.Hour:
		text = plural(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		text = plural(int(d.Hours()), "hour")
	default:
		text = plural(int(d.Hours()/24), "day")
	}
	if after {
		return "in " + text
	}
	return text + " ago"
}

// duration is how long something took.
func duration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return d.Round(10 * time.Millisecond).String()
}

func plural(n int, word string) string {
	switch {
	case n == 1:
		return "1 " + word
	case word == "person":
		return thousands(n) + " people"
	}
	return thousands(n) + " " + word + "s"
}

// thousands writes 50000 as 50 000, with a space that does not break.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u00a0" + s[i:]
	}
	return s
}

// short is the beginning of an id or a hash.
func short(s string) string {
	if len(s) > 12 {
		return s[:12] + "…"
	}
	return s
}
