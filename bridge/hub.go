package bridge

import (
	"fmt"
	"time"
)

// Mode is how far adbridge may go on a hub. A hub has no default other than
// ModeObserve: leaving it takes a person.
type Mode string

// The modes, each including what the one before it may do.
const (
	ModeObserve  Mode = "observe"
	ModeAddOnly  Mode = "add-only"
	ModeNoRemove Mode = "no-remove"
	ModeFull     Mode = "full"
)

// Modes are all modes, from the one that may do least.
func Modes() []Mode { return []Mode{ModeObserve, ModeAddOnly, ModeNoRemove, ModeFull} }

// Meaning says what may leave in a mode.
func (m Mode) Meaning() string {
	switch m {
	case ModeObserve:
		return "reads the hub and changes nothing; plans say \"would\""
	case ModeAddOnly:
		return "invites, and gives access to assets; takes nothing away"
	case ModeNoRemove:
		return "invites, and changes roles and access to assets, lowering included; removes nobody"
	case ModeFull:
		return "invites, changes roles and access, cancels invitations, removes people and takes access away"
	}
	return ""
}

// ParseMode reads a mode.
func ParseMode(s string) (Mode, error) {
	switch Mode(s) {
	case ModeObserve, ModeAddOnly, ModeNoRemove, ModeFull:
		return Mode(s), nil
	}
	return "", fmt.Errorf("mode %q is not known; use observe, add-only, no-remove or full", s)
}

// HubState is what a hub is doing.
type HubState string

// The states of a hub. The first two follow from the mode, the others are halts.
const (
	Observing    HubState = "observing"
	Enforcing    HubState = "enforcing"
	Paused       HubState = "paused"       // a person's word; until they resume it
	Quarantined  HubState = "quarantined"  // repeated failure; tries again at Until
	Disconnected HubState = "disconnected" // the token or the business is gone; needs a person
)

// Halt says why a hub does nothing, since when, and who must act.
type Halt struct {
	State  HubState  `json:"state"`
	Reason Code      `json:"reason"`
	Note   string    `json:"note,omitempty"`
	By     string    `json:"by,omitempty"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"`
}

// Hub is one TikTok Business Center or one Meta business portfolio.
type Hub struct {
	ID           string    `json:"id"`
	Slug         string    `json:"slug"`
	Platform     Platform  `json:"platform"`
	BusinessID   string    `json:"business_id"`
	BusinessName string    `json:"business_name"`
	APIURL       string    `json:"api_url,omitempty"` // scheme, host and port that replace the platform's own
	AppID        string    `json:"app_id,omitempty"`
	SelfID       string    `json:"self_id,omitempty"` // platform id of the account the token acts as
	SelfName     string    `json:"self_name,omitempty"`
	PartnerOf    string    `json:"partner_of,omitempty"` // the hub of ours whose partner's business this is: a monitor, never written to
	Mode         Mode      `json:"mode"`
	Halt         *Halt     `json:"halt,omitempty"`
	Settings     Settings  `json:"settings"`
	Generation   int64     `json:"generation"` // moves with everything a plan may look at
	CreatedAt    time.Time `json:"created_at"`
}

// State is what the hub is doing now.
func (h Hub) State() HubState {
	switch {
	case h.Halt != nil:
		return h.Halt.State
	case h.Mode == ModeObserve:
		return Observing
	}
	return Enforcing
}

// Propagation is how long a write to the hub may take to show in a read: the
// hub's own setting, else what the platform is known for.
func (h Hub) Propagation(t Traits) time.Duration {
	if h.Settings.PropagationDelay >= 0 {
		return h.Settings.PropagationDelay
	}
	return t.Propagation
}

// Rule says that everyone in a group has a role on a hub. A rule may name a
// group that has not arrived: by id when GroupID is set, else by display name.
type Rule struct {
	ID        string `json:"id"`
	HubID     string `json:"hub_id"`
	SourceID  string `json:"source_id,omitempty"` // "" = any source
	GroupID   string `json:"group_id,omitempty"`
	GroupName string `json:"group_name,omitempty"`
	Role      Role   `json:"role"`
	// Assets are what everyone in the group also gets, once they are on the hub.
	Assets    []AssetAccess `json:"assets,omitempty"`
	Order     int           `json:"order"` // breaks ties in provenance
	CreatedAt time.Time     `json:"created_at"`
}

// Names says whether the rule names the group: by id, by externalId, or by
// display name without regard to letter case.
func (r Rule) Names(g Group) bool {
	if r.SourceID != "" && r.SourceID != g.SourceID {
		return false
	}
	if r.GroupID != "" {
		return r.GroupID == g.ID || r.GroupID == g.ExternalID
	}
	return Fold(r.GroupName) == Fold(g.DisplayName)
}
