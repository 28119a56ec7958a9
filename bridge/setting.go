package bridge

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Setting is one key that `hub set` takes.
type Setting struct {
	Key     string `json:"key"`
	Meaning string `json:"meaning"`
	Default string `json:"default"`
	Unit    string `json:"unit"`   // duration, number, percent, days, word, switch, list
	Bounds  string `json:"bounds"` // in words: "0s to 4h"

	set func(*Settings, string) error
	get func(*Settings) string
}

// SettingTable lists every setting in the order in which pages show them.
var SettingTable = []Setting{
	duration("settle-window", "wait after someone lost all groups, or a higher role, before acting on it; leavers never wait",
		"30m", 0, 4*time.Hour, func(s *Settings) *time.Duration { return &s.SettleWindow }),
	duration("plan-interval", "plan a quiet hub again after so long",
		"10m", time.Second, 24*time.Hour, func(s *Settings) *time.Duration { return &s.PlanInterval }),
	duration("pull-every", "read the whole hub at least so often; jitter only makes it sooner",
		"24h", time.Second, 7*24*time.Hour, func(s *Settings) *time.Duration { return &s.PullEvery }),
	duration("pull-max-age", "refuse removals and lowerings on a picture of the hub older than this",
		"24h", time.Minute, 7*24*time.Hour, func(s *Settings) *time.Duration { return &s.PullMaxAge }),
	propagation("propagation-delay", "how long a write may take to show in a read; `platform` takes what the platform is known for. An invitation whose answer was lost is looked for 20 times as long before it is sent again",
		"platform"),
	number("min-admins", "accepted admins that must remain; an approval can go down to 1, nothing can go below",
		"number", "2", 1, 100, func(s *Settings) *int { return &s.MinAdmins }),
	number("max-removals-percent", "members removed in one run, of all members; more need an approval",
		"percent", "20", 0, 100, func(s *Settings) *int { return &s.MaxRemovalsPercent }),
	number("max-removals-min", "removals that are allowed however small the hub is",
		"number", "3", 0, 1000, func(s *Settings) *int { return &s.MaxRemovalsMin }),
	number("max-removals-24h-percent", "members removed within 24 hours, of those there 24 hours ago; more need an approval",
		"percent", "20", 0, 100, func(s *Settings) *int { return &s.MaxRemovals24h }),
	number("max-admin-removals", "admins removed or lowered in one run; more need an approval",
		"number", "1", 0, 100, func(s *Settings) *int { return &s.MaxAdminRemovals }),
	number("max-raises", "members raised to admin in one run; more need an approval",
		"number", "2", 0, 1000, func(s *Settings) *int { return &s.MaxRaises }),
	number("max-adds", "invitations in one run; more need an approval",
		"number", "50", 0, 100000, func(s *Settings) *int { return &s.MaxAdds }),
	number("max-adds-percent", "invitations in one run, of all members; more need an approval",
		"percent", "50", 0, 1000, func(s *Settings) *int { return &s.MaxAddsPercent }),
	number("max-adds-min", "invitations that max-adds-percent always allows, however small the hub is",
		"number", "25", 0, 100000, func(s *Settings) *int { return &s.MaxAddsMin }),
	number("max-asset-removals", "accesses to assets taken away or lowered in one run, of all that adbridge gave; more need an approval",
		"percent", "20", 0, 100, func(s *Settings) *int { return &s.MaxAssetRemovals }),
	number("max-asset-removals-min", "accesses to assets that may be taken away however few there are",
		"number", "3", 0, 1000, func(s *Settings) *int { return &s.MaxAssetRemovalsMin }),
	number("max-asset-removals-24h", "accesses to assets taken away or lowered within 24 hours, of all that adbridge gave, those taken included; more need an approval",
		"percent", "20", 0, 100, func(s *Settings) *int { return &s.MaxAssetRemovals24h }),
	number("max-shrink-percent", "a pull that shows so many fewer than before is not believed",
		"percent", "30", 1, 100, func(s *Settings) *int { return &s.MaxShrinkPercent }),
	number("invite-attempts", "invitations to one person that may lapse before someone has to look",
		"number", "3", 1, 20, func(s *Settings) *int { return &s.InviteAttempts }),
	number("max-invites-per-day", "invitations within 24 hours; the rest waits; 0 = no limit",
		"number", "200", 0, 100000, func(s *Settings) *int { return &s.MaxInvitesPerDay }),
	number("stale-invitation-days", "an invitation open for so long is a finding",
		"days", "14", 1, 365, func(s *Settings) *int { return &s.StaleInvitationDays }),
	word("adopt", "whether someone who is on the hub already, is known and is wanted becomes ours: matched or never",
		AdoptMatched, []string{AdoptMatched, AdoptNever}, func(s *Settings) *string { return &s.Adopt }),
	onOff("revert-drift", "put a role back that someone else raised (an admin still needs an approval)",
		"off", func(s *Settings) *bool { return &s.RevertDrift }),
	word("on-conflict", "what a person in groups of two roles gets: highest, or hold until someone decides",
		ConflictHighest, []string{ConflictHighest, ConflictHold}, func(s *Settings) *string { return &s.OnConflict }),
	onOff("second-person-for-owners", "an approval of a change that makes or unmakes an admin counts once two different people have given it",
		"off", func(s *Settings) *bool { return &s.SecondPersonForOwners }),
	list("required-admins", "e-mail addresses of admins who are never lowered or removed",
		func(s *Settings) *[]string { return &s.RequiredAdmins }),
	list("protected", "e-mail addresses or platform ids that are never touched at all",
		func(s *Settings) *[]string { return &s.Protected }),
}

func settingOf(key string) (Setting, bool) {
	i := slices.IndexFunc(SettingTable, func(x Setting) bool { return x.Key == key })
	if i < 0 {
		return Setting{}, false
	}
	return SettingTable[i], true
}

func duration(key, meaning, def string, lo, hi time.Duration, at func(*Settings) *time.Duration) Setting {
	x := Setting{Key: key, Meaning: meaning, Default: def, Unit: "duration", Bounds: shortDuration(lo) + " to " + shortDuration(hi)}
	x.set = func(s *Settings, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil {
			return fmt.Errorf("%q is not a duration; write it like 90s, 30m or 24h", v)
		}
		if d < lo || d > hi {
			return fmt.Errorf("%s is out of bounds; use %s", v, x.Bounds)
		}
		*at(s) = d
		return nil
	}
	x.get = func(s *Settings) string { return shortDuration(*at(s)) }
	return x
}

// propagation is a duration that may also be left to the platform.
func propagation(key, meaning, def string) Setting {
	in := duration(key, meaning, def, 0, 24*time.Hour, func(s *Settings) *time.Duration { return &s.PropagationDelay })
	x := in
	x.Bounds = "platform, or " + in.Bounds
	x.set = func(s *Settings, v string) error {
		if v == "platform" {
			s.PropagationDelay = -1
			return nil
		}
		return in.set(s, v)
	}
	x.get = func(s *Settings) string {
		if s.PropagationDelay < 0 {
			return "platform"
		}
		return in.get(s)
	}
	return x
}

func number(key, meaning, unit, def string, lo, hi int, at func(*Settings) *int) Setting {
	x := Setting{Key: key, Meaning: meaning, Default: def, Unit: unit, Bounds: fmt.Sprintf("%d to %d", lo, hi)}
	x.set = func(s *Settings, v string) error {
		n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(v, "%")))
		if err != nil {
			return fmt.Errorf("%q is not a whole number; use %s", v, x.Bounds)
		}
		if n < lo || n > hi {
			return fmt.Errorf("%d is out of bounds; use %s", n, x.Bounds)
		}
		*at(s) = n
		return nil
	}
	x.get = func(s *Settings) string { return strconv.Itoa(*at(s)) }
	return x
}

func word(key, meaning, def string, words []string, at func(*Settings) *string) Setting {
	x := Setting{Key: key, Meaning: meaning, Default: def, Unit: "word", Bounds: strings.Join(words, " or ")}
	x.set = func(s *Settings, v string) error {
		if !slices.Contains(words, v) {
			return fmt.Errorf("%q is not known; use %s", v, x.Bounds)
		}
		*at(s) = v
		return nil
	}
	x.get = func(s *Settings) string { return *at(s) }
	return x
}

func onOff(key, meaning, def string, at func(*Settings) *bool) Setting {
	x := Setting{Key: key, Meaning: meaning, Default: def, Unit: "switch", Bounds: "on or off"}
	x.set = func(s *Settings, v string) error {
		switch strings.ToLower(v) {
		case "on", "true", "yes":
			*at(s) = true
		case "off", "false", "no":
			*at(s) = false
		default:
			return fmt.Errorf("%q is not known; use on or off", v)
		}
		return nil
	}
	x.get = func(s *Settings) string {
		if *at(s) {
			return "on"
		}
		return "off"
	}
	return x
}

func list(key, meaning string, at func(*Settings) *[]string) Setting {
	x := Setting{Key: key, Meaning: meaning, Unit: "list", Bounds: "separated by commas; empty for none"}
	x.set = func(s *Settings, v string) error {
		var out []string
		for _, e := range strings.Split(v, ",") {
			if e = FoldEmail(e); e != "" && !slices.Contains(out, e) {
				out = append(out, e)
			}
		}
		*at(s) = out
		return nil
	}
	x.get = func(s *Settings) string { return strings.Join(*at(s), ",") }
	return x
}

// shortDuration writes 30m0s as 30m and 24h0m0s as 24h.
func shortDuration(d time.Duration) string {
	t := d.String()
	if strings.HasSuffix(t, "m0s") {
		t = strings.TrimSuffix(t, "0s")
	}
	if strings.HasSuffix(t, "h0m") {
		t = strings.TrimSuffix(t, "0m")
	}
	return t
}
