package bridge

import "time"

// Ownership says who answers for a membership.
type Ownership string

// The kinds of ownership. Only what is created or adopted is ever changed or removed.
const (
	Created   Ownership = "created"   // by an invitation of ours
	Adopted   Ownership = "adopted"   // it was there, and a rule and a mode (or a person) took it over
	Foreign   Ownership = "foreign"   // it was there and nobody asked us to touch it
	Exempt    Ownership = "exempt"    // a person decided so, with a reason
	Protected Ownership = "protected" // the token's own account, system users, break-glass
	Partner   Ownership = "partner"   // there through another business
)

// Ours says whether we may act on the membership at all.
func (o Ownership) Ours() bool { return o == Created || o == Adopted }

// Presence is what the platform shows of a member.
type Presence string

// The presences. Gone is kept for the record: the last complete pull did not show the member.
const (
	Invited  Presence = "invited"
	Declined Presence = "declined"
	Expired  Presence = "expired"
	Active   Presence = "active"
	Gone     Presence = "gone"
)

// MemberKind separates people from what is never removed.
type MemberKind string

// The kinds of member.
const (
	Human         MemberKind = "human"
	SystemUser    MemberKind = "system-user"
	PartnerMember MemberKind = "partner"
)

// Seen is one member as one listing shows it. It is what a connector yields.
type Seen struct {
	Kind         MemberKind `json:"kind"`
	Presence     Presence   `json:"presence"`
	PlatformID   string     `json:"platform_id,omitempty"`   // empty while invited on TikTok
	InvitationID string     `json:"invitation_id,omitempty"` // Meta's role request, also on an accepted member
	Email        string     `json:"email,omitempty"`         // as shown: full, masked, or absent
	Masked       bool       `json:"masked,omitempty"`
	Name         string     `json:"name,omitempty"`
	Role         Role       `json:"role"`
	Access       Access     `json:"access"`
	ExpiresAt    time.Time  `json:"expires_at,omitzero"` // of an invitation, where the platform says so
	// InvitedAs is the address that a member's invitation was sent to, where the
	// platform still tells: people accept with another. It is read, not kept.
	InvitedAs string `json:"-"`
}

// came says that a member came by an invitation to an address.
func (s Seen) came(email string) bool {
	return s.Presence == Active && s.InvitedAs != "" && FoldEmail(s.InvitedAs) == FoldEmail(email)
}

// Match says how a member came to be bound to a person.
type Match struct {
	Rule     string    `json:"rule"`     // decision, invitation, email, masked
	Evidence string    `json:"evidence"` // the values compared
	By       string    `json:"by,omitempty"`
	PullID   string    `json:"pull_id,omitempty"`
	At       time.Time `json:"at"`
}

// Member is someone seen on a hub or invited to it, with what we know of them.
type Member struct {
	ID       string `json:"id"`
	HubID    string `json:"hub_id"`
	Seen            // as last observed
	PersonID string `json:"person_id,omitempty"` // "" = unmatched or disputed
	Match    *Match `json:"match,omitempty"`
	// Disputed: two people fit; Suggestions are ranked, best first.
	Disputed    bool         `json:"disputed,omitempty"`
	Suggestions []Suggestion `json:"suggestions,omitempty"`
	Ownership   Ownership    `json:"ownership"`
	// Applied is the role we last made so, NoRole if never: the middle of the
	// three-way diff (desired, applied, observed).
	Applied   Role      `json:"applied,omitempty"`
	AppliedAt time.Time `json:"applied_at,omitzero"` // our last accepted write to this member
	// Assets are the assets that a rule names or named and that the member has,
	// or had from us, access to.
	Assets    []MemberAsset `json:"assets,omitempty"`
	FirstSeen time.Time     `json:"first_seen"`
	LastSeen  time.Time     `json:"last_seen"`
	GoneAt    time.Time     `json:"gone_at,omitzero"`
}

// Suggestion is a person who may be this member.
type Suggestion struct {
	PersonID string `json:"person_id"`
	Why      string `json:"why"`
	Score    int    `json:"score"` // 0 to 100
}

// InvitationState is where an invitation that we sent stands.
type InvitationState string

// The states of an invitation.
const (
	InvitationSent      InvitationState = "sent"      // the platform said yes
	InvitationPending   InvitationState = "pending"   // a read shows it
	InvitationAccepted  InvitationState = "accepted"  // the person is a member
	InvitationDeclined  InvitationState = "declined"  // the person said no
	InvitationExpired   InvitationState = "expired"   // the platform let it lapse
	InvitationVanished  InvitationState = "vanished"  // it is listed no more and nobody joined
	InvitationCancelled InvitationState = "cancelled" // by us
)

// Open says whether the invitation may still be accepted.
func (s InvitationState) Open() bool { return s == InvitationSent || s == InvitationPending }

// Invitation is what we sent. The address is kept for good: it is how a
// member under a mask or another address is known again, and the only key by
// which TikTok lets an invitation be revoked.
type Invitation struct {
	ID         string          `json:"id"`
	HubID      string          `json:"hub_id"`
	PersonID   string          `json:"person_id"`
	Email      string          `json:"email"`
	Role       Role            `json:"role"`
	State      InvitationState `json:"state"`
	Attempt    int             `json:"attempt"`               // 1 for the first
	PlatformID string          `json:"platform_id,omitempty"` // Meta's role request
	MemberID   string          `json:"member_id,omitempty"`   // the member it became
	SentAt     time.Time       `json:"sent_at"`
	SeenAt     time.Time       `json:"seen_at,omitzero"` // first read that showed it pending
	EndedAt    time.Time       `json:"ended_at,omitzero"`
	ExpiresAt  time.Time       `json:"expires_at,omitzero"`
	NextTry    time.Time       `json:"next_try,omitzero"` // of the next attempt after an expiry
}
