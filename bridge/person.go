package bridge

import (
	"slices"
	"strings"
	"time"
)

// Person is what the bridge needs of a SCIM User; the whole resource is a User.
type Person struct {
	ID          string    `json:"id"` // the SCIM id
	SourceID    string    `json:"source_id"`
	ExternalID  string    `json:"external_id,omitempty"`
	UserName    string    `json:"user_name"`
	DisplayName string    `json:"display_name,omitempty"`
	Emails      []string  `json:"emails,omitempty"` // every emails[].value, the primary one first
	Active      bool      `json:"active"`
	External    bool      `json:"external,omitempty"` // userType says guest or external
	DeletedAt   time.Time `json:"deleted_at,omitzero"`
	// Aliases are addresses that a person of ours said are theirs; see Alias.
	Aliases []string `json:"aliases,omitempty"`
}

// Leaver says that the person is gone from the company: deactivated or deleted.
func (p Person) Leaver() bool { return !p.Active || !p.DeletedAt.IsZero() }

// Email is the address to invite: the primary one, else the first, else a
// userName that is an address; "" when there is none.
func (p Person) Email() string {
	if len(p.Emails) > 0 {
		return p.Emails[0]
	}
	if strings.Contains(p.UserName, "@") {
		return p.UserName
	}
	return ""
}

// Addresses are all addresses the person may be known by, folded, without repeats.
func (p Person) Addresses() []string {
	out := make([]string, 0, 1+len(p.Emails)+len(p.Aliases))
	add := func(e string) {
		e = FoldEmail(e)
		if strings.Contains(e, "@") && !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	add(p.UserName)
	for _, e := range p.Emails {
		add(e)
	}
	for _, e := range p.Aliases {
		add(e)
	}
	return out
}

// Name is what pages and reports call the person.
func (p Person) Name() string {
	if p.DisplayName != "" {
		return p.DisplayName
	}
	return p.UserName
}

// Group is what the bridge needs of a SCIM Group; the whole resource is a GroupResource.
type Group struct {
	ID          string    `json:"id"` // the SCIM id
	SourceID    string    `json:"source_id"`
	ExternalID  string    `json:"external_id,omitempty"`
	DisplayName string    `json:"display_name"`
	DeletedAt   time.Time `json:"deleted_at,omitzero"`
}

// Membership says that a person is in a group that a rule names, directly or
// through nested groups.
type Membership struct {
	PersonID string `json:"person_id"`
	GroupID  string `json:"group_id"`
}
