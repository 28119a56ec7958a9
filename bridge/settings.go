package bridge

import "time"

// Settings are the guards and windows of one hub. The zero value is not
// usable: DefaultSettings gives the defaults, and SettingTable lists every key
// that `hub set` takes, with its meaning, default and bounds.
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
	MaxShrinkPercent    int           // a pull that shows so many fewer is not believed
	InviteAttempts      int           // per person
	MaxInvitesPerDay    int           // per hub and 24 h; 0 = no limit
	StaleInvitationDays int           // after so long an open invitation is a finding
	Adopt               string        // matched | never: whether a wanted, matched member is taken over
	RevertDrift         bool          // put a role back that someone else raised
	OnConflict          string        // highest | hold: a person in groups of two roles
	RequiredAdmins      []string      // e-mails that are never lowered or removed
	Protected           []string      // e-mails or platform ids that are never touched
}
