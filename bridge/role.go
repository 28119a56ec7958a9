package bridge

import (
	"fmt"
	"slices"
	"strings"
)

// Role is a hub role: what adbridge grants on a hub, whatever the platform calls it.
type Role string

// The hub roles. NoRole is "not on the hub". OtherRole is a native role that is
// neither (a value the platform added, a partner role): it is reported, compared
// by its platform access, and never changed by us without a decision.
const (
	NoRole       Role = ""
	Collaborator Role = "collaborator"
	Owner        Role = "owner"
	OtherRole    Role = "other"
)

// Rank orders the roles: none < collaborator < owner. OtherRole ranks with
// collaborator, so that it is never counted as an admin.
func (r Role) Rank() int {
	switch r {
	case Owner:
		return 2
	case Collaborator, OtherRole:
		return 1
	}
	return 0
}

// Word is the role as a person reads it: "none", "Collaborator", "Owner", "other".
func (r Role) Word() string {
	switch r {
	case Owner:
		return "Owner"
	case Collaborator:
		return "Collaborator"
	case OtherRole:
		return "other"
	}
	return "none"
}

// ParseRole reads the role of a rule: owner or collaborator.
func ParseRole(s string) (Role, error) {
	switch Role(s) {
	case Owner, Collaborator:
		return Role(s), nil
	}
	return NoRole, fmt.Errorf("role %q is not known; use owner or collaborator", s)
}

// Access is platform access: the native role and the platform's extras.
// TikTok: Role ADMIN|STANDARD, Finance MANAGER|ANALYST. Meta: Role ADMIN|EMPLOYEE|…,
// Finance and Tasks as the Graph API names them. Unknown values pass through.
type Access struct {
	Role    string   `json:"role"`
	Finance string   `json:"finance,omitempty"`
	Tasks   []string `json:"tasks,omitempty"`
	// TwoFactor is Meta's two_fac_status as it comes: what its values mean is not
	// published. It gives nobody anything, so it is shown and never compared.
	TwoFactor string `json:"two_factor,omitempty"`
}

// Words is the access as a person reads it: "EMPLOYEE, finance EDITOR, tasks
// DEVELOPER"; "" where the platform says nothing.
func (a Access) Words() string {
	var parts []string
	if a.Role != "" {
		parts = append(parts, a.Role)
	}
	if a.Finance != "" {
		parts = append(parts, "finance "+a.Finance)
	}
	if len(a.Tasks) > 0 {
		parts = append(parts, "tasks "+strings.Join(a.Tasks, "+"))
	}
	return strings.Join(parts, ", ")
}

// Same says whether nothing differs that gives access. Tasks are sorted by whoever reads them.
func (a Access) Same(b Access) bool {
	return a.Role == b.Role && a.Finance == b.Finance && slices.Equal(a.Tasks, b.Tasks)
}
