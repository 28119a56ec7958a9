package bridge

import (
	"fmt"
	"time"
)

// Platform names an ad platform: the folder under connectors/.
type Platform string

// The platforms that adbridge speaks to.
const (
	TikTok Platform = "tiktok"
	Meta   Platform = "meta"
	SCIM   Platform = "scim" // any product with a SCIM endpoint of its own
)

// ParsePlatform reads a platform's name.
func ParsePlatform(s string) (Platform, error) {
	switch Platform(s) {
	case TikTok, Meta, SCIM:
		return Platform(s), nil
	}
	return "", fmt.Errorf("platform %q is not known; use tiktok, meta or scim", s)
}

// Word is what people call the platform.
func (p Platform) Word() string {
	switch p {
	case TikTok:
		return "TikTok"
	case Meta:
		return "Meta"
	case SCIM:
		return "SCIM target"
	}
	return string(p)
}

// Traits declare what a platform can and cannot do; a connector fills them in
// and the planner reads them, so that no decision names a platform.
type Traits struct {
	Platform Platform
	// Native names each hub role in the platform's words (Owner → ADMIN).
	Native map[Role]string
	// RoleTasks are the tasks that a role shows by itself: whoever has others has
	// more than the role.
	RoleTasks []string
	// HubNoun is what the platform calls a hub: "Business Center", "business portfolio".
	HubNoun string
	// ChangePending: the role of a pending invitation can be changed in place (Meta);
	// otherwise it is cancelled and sent again (TikTok).
	ChangePending bool
	// NoInvitations: who is invited is a member at once; there are no open
	// invitations, nobody accepts, and there is nothing to cancel.
	NoInvitations bool
	// ListsOwners: the owners can be listed alone, in a call or two.
	ListsOwners bool
	// InviteBatch is how many addresses one invite call takes.
	InviteBatch int
	// MaskedEmails: listings may show d**a@example.com.
	MaskedEmails bool
	// MemberCap and AdminCap count everyone on the hub; 0 is "not published".
	MemberCap, AdminCap int
	// PageSize is the largest page a listing takes.
	PageSize int
	// Propagation is how long a write may take to show in a read. A read that
	// began sooner proves nothing by not showing it.
	Propagation time.Duration
	// Assets are the kinds of asset on which people are given access, none where
	// the connector grants none.
	Assets []AssetKind
	// Log is the platform's own log of who changed what, as far as it can be read.
	Log PlatformLog
	// InvitationLife is how long an invitation stays open; 0 is "not published".
	InvitationLife time.Duration
}
