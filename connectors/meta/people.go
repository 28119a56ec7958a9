package meta

import (
	"errors"
	"slices"
	"strings"

	"adbridge/bridge"
)

// Fields are named in every read: what is not asked for is left out. invite_link
// is a bearer secret and never asked for. Where a member's address is absent,
// that of the invitation they accepted may be there (SPEC).
const (
	memberFields  = "id,name,email,pending_email,role,finance_permission,tasks,two_fac_status,business_role_request{id,email}"
	requestFields = "id,email,role,status,created_time,expiration_time,finance_role,tasks"
	machineFields = "id,name,role"
)

// member is a BusinessUser.
type member struct {
	ID           ident    `json:"id"`
	Name         string   `json:"name"`
	Email        string   `json:"email"`
	PendingEmail string   `json:"pending_email"` // changed to, and not verified yet
	Role         string   `json:"role"`
	Finance      string   `json:"finance_permission"`
	Tasks        []string `json:"tasks"`
	TwoFactor    any      `json:"two_fac_status"` // a string (SPEC); no other form may break a reading
	Request      struct {
		ID    ident  `json:"id"`
		Email string `json:"email"`
	} `json:"business_role_request"`
	Business struct {
		ID ident `json:"id"`
	} `json:"business"`
}

func (m member) key() string   { return string(m.ID) }
func (m *member) whole() error { return needID(m.ID) }

// seen shows a member. An address that is not verified is nobody's: whoever
// may change it could become someone else by it.
func (m member) seen() bridge.Seen {
	s := bridge.Seen{
		Kind: bridge.Human, Presence: bridge.Active, PlatformID: string(m.ID), InvitationID: string(m.Request.ID), Email: m.Email, Name: m.Name,
		Role: roleOf(m.Role), Access: access(m.Role, m.Finance, m.Tasks), InvitedAs: m.Request.Email,
	}
	s.Access.TwoFactor, _ = m.TwoFactor.(string)
	if s.Email == "" {
		s.Email = m.Request.Email
	}
	return s
}

// has says whether an address is the member's, or was when it was invited.
func (m member) has(email string) bool {
	return email != "" && (alike(m.Email, email) || alike(m.Request.Email, email))
}

// request is a BusinessRoleRequest: an invitation.
type request struct {
	ID      ident    `json:"id"`
	Email   string   `json:"email"`
	Role    string   `json:"role"`
	Status  string   `json:"status"`
	Created stamp    `json:"created_time"`
	Expires stamp    `json:"expiration_time"`
	Finance string   `json:"finance_role"`
	Tasks   []string `json:"tasks"`
}

func (r request) key() string   { return string(r.ID) }
func (r *request) whole() error { return needID(r.ID) }

// presence is the status. One that no source names is taken for open: waiting
// does no harm, inviting twice does.
func (r request) presence() bridge.Presence {
	switch strings.ToUpper(r.Status) {
	case "ACCEPTED":
		return bridge.Active
	case "DECLINED":
		return bridge.Declined
	case "EXPIRED":
		return bridge.Expired
	}
	return bridge.Invited
}

func (r request) open() bool { return r.presence() == bridge.Invited }

func (r request) seen() bridge.Seen {
	return bridge.Seen{
		Kind: bridge.Human, Presence: r.presence(), InvitationID: string(r.ID), Email: r.Email,
		Role: roleOf(r.Role), Access: access(r.Role, r.Finance, r.Tasks), ExpiresAt: r.Expires.Time,
	}
}

// machine is a SystemUser.
type machine struct {
	ID      ident  `json:"id"`
	Name    string `json:"name"`
	Role    string `json:"role"`
	Created stamp  `json:"created_time"`
}

func (m machine) key() string   { return string(m.ID) }
func (m *machine) whole() error { return needID(m.ID) }

func (m machine) seen() bridge.Seen {
	return bridge.Seen{
		Kind: bridge.SystemUser, Presence: bridge.Active, PlatformID: string(m.ID), Name: m.Name,
		Role: roleOf(m.Role), Access: access(m.Role, "", nil),
	}
}

// roleOf is the hub role of a base role. A role set as FINANCE_EDITOR or
// DEVELOPER reads back as a base role (REF); should it not, it is another.
func roleOf(native string) bridge.Role {
	switch strings.ToUpper(native) {
	case "ADMIN":
		return bridge.Owner
	case "EMPLOYEE", "DEFAULT":
		return bridge.Collaborator
	}
	return bridge.OtherRole
}

// access is a set of tasks beside the role; their order means nothing.
func access(role, finance string, tasks []string) bridge.Access {
	tasks = slices.Clone(tasks)
	slices.Sort(tasks)
	return bridge.Access{Role: role, Finance: finance, Tasks: slices.Compact(tasks)}
}

func alike(a, b string) bool { return bridge.FoldEmail(a) == bridge.FoldEmail(b) }

func needID(id ident) error {
	if id == "" {
		return errors.New("an object without an id")
	}
	return nil
}
