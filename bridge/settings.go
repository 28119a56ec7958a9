package bridge

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Settings are the guards and windows of one hub. The zero value stands for
// "never set" and is stored as the defaults; SettingTable lists every key that
// `hub set` takes, with its meaning, default and bounds.
type Settings struct {
	SettleWindow        time.Duration // between losing all groups (or a lower role) and acting on it
	PlanInterval        time.Duration // a quiet hub is planned again after so long
	PullEvery           time.Duration // between two pulls; jittered
	PullMaxAge          time.Duration // removals are refused on an older picture
	PropagationDelay    time.Duration // how long a write may take to show; -1: the platform's trait
	MinAdmins           int           // accepted owners that must remain
	MaxRemovalsPercent  int           // of members, per run
	MaxRemovalsMin      int           // and always allowed up to so many
	MaxRemovals24h      int           // percent of the population 24 h ago
	MaxAdminRemovals    int           // owners removed or lowered per run
	MaxRaises           int           // raises to owner per run
	MaxAdds             int           // invitations per run
	MaxAddsPercent      int           // and percent of members
	MaxAddsMin          int           // but by percent never fewer than so many
	MaxAssetRemovals    int           // accesses to assets taken away per run, percent of all that are ours
	MaxAssetRemovalsMin int           // and always allowed up to so many
	MaxAssetRemovals24h int           // the same within 24 hours, percent of all that were ours
	MaxShrinkPercent    int           // a pull that shows so many fewer is not believed
	InviteAttempts      int           // per person
	MaxInvitesPerDay    int           // per hub and 24 h; 0 = no limit
	StaleInvitationDays int           // after so long an open invitation is a finding
	Adopt               string        // matched | never: whether a wanted, matched member is taken over
	RevertDrift         bool          // put a role back that someone else raised
	OnConflict          string        // highest | hold: a person in groups of two roles
	RequiredAdmins      []string      // e-mails that are never lowered or removed
	Protected           []string      // e-mails or platform ids that are never touched
	// SecondPersonForOwners: an approval of a change that makes or unmakes an
	// owner counts once two different people have given it.
	SecondPersonForOwners bool
}

// The words of Settings.Adopt and Settings.OnConflict.
const (
	AdoptMatched    = "matched"
	AdoptNever      = "never"
	ConflictHighest = "highest"
	ConflictHold    = "hold"
)

// DefaultSettings are the settings of a hub on which nobody has set anything.
func DefaultSettings() Settings {
	var s Settings
	for _, x := range SettingTable {
		if err := x.set(&s, x.Default); err != nil {
			panic("bridge: default of setting " + x.Key + ": " + err.Error())
		}
	}
	return s
}

// Set changes one setting. The error names the key and the fix; nothing is
// changed then.
func (s *Settings) Set(key, value string) error {
	x, ok := settingOf(key)
	if !ok {
		return fmt.Errorf("setting %q is not known; `hub show` lists all settings", key)
	}
	if err := x.set(s, value); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// Get is the text of one setting, as Set takes it; "" for an unknown key.
func (s Settings) Get(key string) string {
	x, ok := settingOf(key)
	if !ok {
		return ""
	}
	return x.get(&s)
}

// MarshalJSON writes the settings that differ from the defaults as key → text,
// so that a new default reaches a hub on which nobody set another value.
func (s Settings) MarshalJSON() ([]byte, error) {
	out := map[string]string{}
	if !s.unset() {
		def := DefaultSettings()
		for _, x := range SettingTable {
			if v := x.get(&s); v != x.get(&def) {
				out[x.Key] = v
			}
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote, over the defaults.
func (s *Settings) UnmarshalJSON(b []byte) error {
	var in map[string]string
	if err := json.Unmarshal(b, &in); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	out := DefaultSettings()
	keys := make([]string, 0, len(in))
	for k := range in {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if err := out.Set(k, in[k]); err != nil {
			return err
		}
	}
	*s = out
	return nil
}

// unset says that the settings are the zero value.
func (s Settings) unset() bool {
	for _, x := range SettingTable {
		var zero Settings
		if x.get(&s) != x.get(&zero) {
			return false
		}
	}
	return true
}

// orDefault is the settings, or the defaults where nothing was ever set.
func (s Settings) orDefault() Settings {
	if s.unset() {
		return DefaultSettings()
	}
	return s
}
