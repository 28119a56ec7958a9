package bridge

import "time"

// Admission says who may call for a source besides those who hold one of its
// tokens, and from where.
type Admission struct {
	IPAllow []string `json:"ip_allow,omitempty"` // CIDRs; none: from everywhere
	JWT     Trust    `json:"jwt,omitzero"`       // bearer tokens that an OpenID provider signed
	WIF     Trust    `json:"wif,omitzero"`       // client assertions for the token endpoint (RFC 7523)
}

// Trust is what a signed token must say to be one of a source's.
type Trust struct {
	Issuer   string `json:"issuer,omitempty"`
	Audience string `json:"audience,omitempty"`
	Subject  string `json:"subject,omitempty"`   // of a bearer token also azp or appid
	ClientID string `json:"client_id,omitempty"` // of an assertion: the client_id beside it
}

// EntraAudience is the aud of the tokens that Entra ID signs for every custom
// application whose Secret Token is left blank (Microsoft's use-scim-to-provision).
const EntraAudience = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"

// Refusal is why callers were turned away: the last time, and how often.
type Refusal struct {
	SourceID string        `json:"source_id,omitempty"`
	Reason   RefusalReason `json:"reason"`
	At       time.Time     `json:"at"`
	Times    int64         `json:"times"`
	Caller   string        `json:"caller"` // address
	Label    string        `json:"label,omitempty"`
	Detail   string        `json:"detail"`
}

// RefusalReason is a kind of refusal.
type RefusalReason string

// The kinds of refusal.
const (
	RefusedUnknown  RefusalReason = "unknown"  // nobody was given this token
	RefusedRevoked  RefusalReason = "revoked"  //
	RefusedExpired  RefusalReason = "expired"  // a token, or a JWT, whose time is over
	RefusedClock    RefusalReason = "clock"    // a JWT from the future
	RefusedAddress  RefusalReason = "address"  // not on the source's list
	RefusedIssuer   RefusalReason = "issuer"   // no source trusts this issuer
	RefusedClaims   RefusalReason = "claims"   // wrong audience, subject or client
	RefusedUnsigned RefusalReason = "unsigned" // the signature is not the issuer's
)
