package bridge

// Code is a stable reason code: "guard.removals-per-run", "platform.token-revoked".
// Every held, suppressed, waiting, failed or needs-person row carries one.
type Code string

// Actor is who has to act on a reason.
type Actor string

// The actors.
const (
	IdentityTeam  Actor = "identity team"
	HubAdmin      Actor = "hub admin"
	ThePlatform   Actor = "platform"
	ThePersonSelf Actor = "the person"
	Operator      Actor = "operator"
	Nobody        Actor = "nobody"
)

// Reason explains a code: what it means, who has to act, and the next step.
type Reason struct {
	Code    Code   `json:"code"`
	Meaning string `json:"meaning"`
	Actor   Actor  `json:"actor"`
	Next    string `json:"next"`
}
