package bridge

import "time"

// Exchange is one SCIM request and its answer, as the provisioning log keeps
// it: what came, from whom, what it did. Nothing in it is secret: passwords and
// unknown query parameters are masked before it is made.
type Exchange struct {
	ID         string        `json:"id"`                  // the request id; correlation of all that followed
	SourceID   string        `json:"source_id,omitempty"` // "" when nobody knows whose token it was
	TokenLabel string        `json:"token_label,omitempty"`
	At         time.Time     `json:"at"`
	Duration   time.Duration `json:"duration"`
	Method     string        `json:"method"`
	Target     string        `json:"target"` // path and query below the base URL
	Status     int           `json:"status"`
	ScimType   string        `json:"scim_type,omitempty"`
	Detail     string        `json:"detail,omitempty"` // of an error, as the IdP got it
	// PersonIDs and GroupIDs are whom the request touched, at most some hundred.
	PersonIDs []string `json:"person_ids,omitempty"`
	GroupIDs  []string `json:"group_ids,omitempty"`
	Changed   string   `json:"changed,omitempty"` // "created User ana@corp.example", "2 members added"
	// Repaired lists what was not as the RFC has it and was understood anyway,
	// and attributes that the schema does not know and that were left out.
	Repaired   []string `json:"repaired,omitempty"`
	UserAgent  string   `json:"user_agent,omitempty"`
	RemoteAddr string   `json:"remote_addr,omitempty"`
	Body       string   `json:"body,omitempty"` // of the request, redacted and cut to size
}
