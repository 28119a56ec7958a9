package bridge

import "time"

// World is everything a plan for one hub may look at, read in one snapshot. It
// holds only the people, groups and members that the hub's rules can reach.
type World struct {
	Now    time.Time
	Hub    Hub
	Traits Traits

	Sources     []Source
	Rules       []Rule
	Groups      []Group      // every group a rule names, deleted ones too
	People      []Person     // everyone in those groups, bound to a member, or invited; deleted ones too
	Memberships []Membership // of People in Groups
	Members     []Member     // everyone on the hub, and the recently gone
	Hubwide     *HubCounts   // where Members are only some of them; nil: all are there to be counted
	Invitations []Invitation // all that we ever sent for people still in question
	Desired     []Desired    // what the last plan wished, and since when
	Decisions   []Decision   // those in force, and expired exemptions
	Open        []Task       // tasks that have not ended, in any state
	InviteAfter time.Time    // before then the platform takes no invitation: its quota is used up

	Pull    Pull    // the last complete pull; zero if there was none
	History History // what was done lately, for the rolling guards

	Preflight Preflight // the last look at the hub's preconditions; zero if there was none

	Partnership Partnership // with other businesses; nothing is decided from it
}

// Desired is what the rules want for one person on the hub.
type Desired struct {
	PersonID string    `json:"person_id"`
	Role     Role      `json:"role"`  // NoRole: wanted once, not any more
	Since    time.Time `json:"since"` // when the wish last changed: the settle window starts here
	Cause    Code      `json:"cause"` // why it last changed: wish.rule, wish.left-groups, wish.deactivated, wish.deleted, wish.group-deleted, wish.unmapped
	// Why lists the rules that grant the role, highest first: the provenance.
	Why []Provenance `json:"why,omitempty"`
	// Concerns is how many people a guard saw this change of the wish concern at
	// once, 0 for none. What is decided about some of them, or done, makes it no
	// change of a single person: it stays while the wish does.
	Concerns int `json:"concerns,omitempty"`
	// Assets are what the rules want of assets, by asset, also what they wanted
	// and do not any more while the member still has it from us.
	Assets []DesiredAsset `json:"assets,omitempty"`
}

// Provenance is one reason for a role: this rule, through this group.
type Provenance struct {
	RuleID    string `json:"rule_id,omitempty"` // "" for a manual grant
	GroupID   string `json:"group_id,omitempty"`
	GroupName string `json:"group_name,omitempty"`
	Role      Role   `json:"role"`
	Grant     string `json:"grant,omitempty"` // id of the decision of a timed grant
}

// HubCounts are what is asked of a hub's members as a whole.
type HubCounts struct {
	Members int // accepted and invited, as a platform's limits count
	Admins  int // owners among them
	Given   int // accesses to assets that members of ours have from us; counted where a limit asks
}

// Pull is one reading of a hub.
type Pull struct {
	ID            string    `json:"id"`
	HubID         string    `json:"hub_id"`
	StartedAt     time.Time `json:"started_at"`
	EndedAt       time.Time `json:"ended_at,omitzero"`
	Complete      bool      `json:"complete"`
	Error         string    `json:"error,omitempty"`
	Reason        Code      `json:"reason,omitempty"`
	BusinessID    string    `json:"business_id"`
	Members       int       `json:"members"`        // rows listed
	Previous      int       `json:"previous"`       // rows of the complete pull before
	PlatformTotal int       `json:"platform_total"` // the platform's own total, -1 if it gives none
	Calls         int       `json:"calls"`
	// Assets are the assets that this pull read after the members; one that is
	// not among them has not been read.
	Assets []AssetRead `json:"assets,omitempty"`
}

// History counts what adbridge has done on the hub in the last 24 hours.
type History struct {
	Removals      int `json:"removals"`       // members removed
	AdminRemovals int `json:"admin_removals"` // of them, owners
	Invites       int `json:"invites"`
	AssetRemovals int `json:"asset_removals,omitempty"` // accesses to assets taken away or lowered
	Population    int `json:"population"`               // members 24 hours ago (or at the first pull since)
	// Used counts what was done under each override, by decision id, since it was given.
	Used map[string]int `json:"used,omitempty"`
}
