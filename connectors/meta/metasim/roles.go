package metasim

import (
	"slices"
	"strings"
)

// standing is what a role comes to: roles are not read back as they were set (business_users reference).
type standing struct {
	role, raw, finance, ip string
	tasks                  []string
}

func baseOf(role string) (base string, special bool) {
	switch role {
	case "ADMIN", "MANAGE":
		return "ADMIN", false
	case "EMPLOYEE", "DEFAULT":
		return "EMPLOYEE", false
	}
	return "EMPLOYEE", true
}

// add takes in one special role.
func (st *standing) add(role string) {
	switch role {
	case "FINANCE_EDITOR", "FINANCE_EDIT":
		st.finance = "EDITOR"
	case "FINANCE_ANALYST", "FINANCE_VIEW":
		st.finance = "ANALYST"
	case "ADS_RIGHTS_REVIEWER":
		st.ip = "Reviewer"
	default: // DEVELOPER, PARTNER_CENTER_*
		if !slices.Contains(st.tasks, role) {
			st.tasks = append(slices.Clone(st.tasks), role)
		}
	}
}

// assign applies the parameters role and tasks of a people write.
func (c *call) assign(st standing) (standing, *GraphError) {
	if role, ok := c.params["role"]; ok && role != "" {
		base, special := baseOf(role)
		switch {
		case special && c.s.sw.SpecialRole == "refuse":
			return st, invalid("Param role: %s cannot be given as the only role", role)
		case special:
			st.add(role)
			if c.s.sw.SpecialOnBase == "strip" || st.role == "" {
				st.role = "EMPLOYEE"
			}
		default:
			st.role = base
			if c.s.sw.BaseRole == "clear" {
				st.finance, st.ip, st.tasks = "", "", nil
			}
		}
		st.raw = role
	}
	if tasks, ok := c.list("tasks"); ok && c.s.sw.Tasks == "honoured" {
		if len(tasks) == 0 {
			return st, invalid("Param tasks must not be empty")
		}
		next := standing{role: "EMPLOYEE", raw: st.raw}
		for _, t := range tasks {
			if base, special := baseOf(t); special {
				next.add(t)
			} else if base == "ADMIN" {
				next.role = "ADMIN"
			}
		}
		st = next
	}
	return st, nil
}

// shownRole is role as the edge reads it.
func (c *call) shownRole(role, raw string) string {
	if c.s.sw.RoleReadback == "raw" && raw != "" {
		return raw
	}
	return role
}

// shownTasks is the tasks field: the names in use since November 2020.
func shownTasks(role, finance string, more []string) []string {
	ts := []string{"DEFAULT"}
	if role == "ADMIN" {
		ts = []string{"MANAGE"}
	}
	switch strings.ToUpper(finance) {
	case "EDITOR":
		ts = append(ts, "FINANCE_EDIT")
	case "ANALYST":
		ts = append(ts, "FINANCE_VIEW")
	}
	return append(ts, more...)
}
