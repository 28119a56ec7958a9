package metasim

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Duration is a time.Duration that reads and writes "36h30m" in JSON.
type Duration time.Duration

func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("duration %s: want text such as \"24h\": %w", b, err)
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}

// Switches choose one answer for each question that Meta's documentation leaves open. Every field has a default;
// its zero value means that default, so Switches{} equals DefaultSwitches(). What the public sources do settle is not switchable.
type Switches struct {
	// Invitations.
	InviteID         string   `json:"invite_id"`         // the id answered by POST business_users: "role_request" or "unrelated"
	InvitePending    string   `json:"invite_pending"`    // inviting an address already invited: "error" (100) or "same_id" (200)
	InviteMember     string   `json:"invite_member"`     // inviting a member: "error" (100) or "ok" (200, nothing sent)
	RoleOmitted      string   `json:"role_omitted"`      // role of an invitation that names none: "EMPLOYEE" or "DEFAULT"
	Lifetime         Duration `json:"lifetime"`          // how long an invitation lives: 720h
	InvitationEnd    string   `json:"invitation_end"`    // an invitation past its time: "status" (EXPIRED) or "leaves" (the object is gone)
	EndedInvitations string   `json:"ended_invitations"` // expired and declined ones in pending_users: "listed" or "hidden"
	EmailFilter      string   `json:"email_filter"`      // pending_users?email=: "exact" or "fold" (ignoring case)
	EmailCase        string   `json:"email_case"`        // an invited address is stored "preserved" or "lowercased"
	InviteQuotaCode  int      `json:"invite_quota_code"` // 17 (guide) or 613 (reference)
	InviteQuota      string   `json:"invite_quota"`      // quota frees again "cooldown" (24 h after the first refusal) or "rolling"
	Accepted         string   `json:"accepted"`          // business_role_request of someone who accepted: "set" or "absent"

	// People.
	RoleReadback  string `json:"role_readback"`   // role of FINANCE_*, DEVELOPER…: "base" (EMPLOYEE + finance_permission) or "raw"
	SpecialRole   string `json:"special_role"`    // setting FINANCE_*, DEVELOPER… as role: "accept" or "refuse" (100)
	SpecialOnBase string `json:"special_on_base"` // such a role given to an ADMIN: "keep" ADMIN or "strip" it to EMPLOYEE
	BaseRole      string `json:"base_role"`       // ADMIN/EMPLOYEE given to someone with finance roles: "keep" or "clear" them
	Tasks         string `json:"tasks"`           // the tasks parameter on people: "honoured" or "ignored"
	SameRole      string `json:"same_role"`       // setting the role already held: "success" or "error" (100)
	DeleteTwice   string `json:"delete_twice"`    // removing what is gone: "error" (100/33) or "success"
	Self          string `json:"self"`            // a user token removing its own person: "success" or "error" (100)
	LastAdmin     string `json:"last_admin"`      // who counts for 3914: "people" or "people_and_system_users"
	EmailMissing  string `json:"email_missing"`   // an address not shown: "omitted" or "pending_email" (shown there only)
	EmailPercent  int    `json:"email_percent"`   // how many percent of members show no email (0 to 100), besides those marked email_hidden
	Reinvited     string `json:"reinvited"`       // assets of someone removed who returns: "gone" or "restored"
	Approval      string `json:"approval"`        // people writes: "never", "removals" or "always" wait for a second admin
	EmployeeSees  string `json:"employee_sees"`   // business_users for an EMPLOYEE token: "admins", "all" or "refused" (200)

	// Tokens, apps and clocks.
	NewSystemUser    string   `json:"new_system_user"`     // people writes of a young admin system user: "error" (10/2859030), "policy" (368), "allowed"
	NewSystemUserAge Duration `json:"new_system_user_age"` // young: 168h
	NewSystemReads   string   `json:"new_system_reads"`    // people reads of one: "allowed" or "error"
	AppNotClaimed    string   `json:"app_not_claimed"`     // business has not claimed the app: "application" (10), "permission" (200), "not_found" (100/33)
	TwoFactor        string   `json:"two_factor"`          // 415/2859009 on people writes: "users" (user tokens lacking two-factor), "never", "always"
	DataAccess       string   `json:"data_access"`         // data access expired: "error" (190) or "ignored"

	// The wire.
	HTTPStatus      string   `json:"http_status"`      // "by_code" (400; 500 for 1 and 2; 403 for 10 and 200) or "always_400"
	ErrorDetail     string   `json:"error_detail"`     // "full" or "bare" (message and code only)
	LegacyParams    string   `json:"legacy_params"`    // ids, pretty, debug, date_format: "error" (100) or "ignored"
	UnknownParams   string   `json:"unknown_params"`   // parameters no source documents: "error" (100) or "ignored"
	Unversioned     string   `json:"unversioned"`      // path without version: "app" (the app's setting) or "error"
	ExpiredVersion  string   `json:"expired_version"`  // "upgrade" (served by the oldest living one, with a warning) or "error" (2635)
	PageDefault     int      `json:"page_default"`     // 25
	PageCap         int      `json:"page_cap"`         // 100
	PageTooBig      string   `json:"page_too_big"`     // limit over the cap: "cap" (silently) or "reduce" (500, code 1)
	NestedCap       int      `json:"nested_cap"`       // limit with a nested edge above which "reduce the amount of data" is answered: 100
	EmptyPages      string   `json:"empty_pages"`      // "never", "between" (an empty page after each page) or "trailing" (an empty last page)
	DeadCursor      string   `json:"dead_cursor"`      // cursor of an item that is gone: "error" (100) or "continue"
	AccountsPaging  string   `json:"accounts_paging"`  // /me/accounts: "offset" (as the guide shows) or "cursor"
	Propagation     Duration `json:"propagation"`      // how long lists go on showing the state before a write: 0s
	RateBucket      string   `json:"rate_bucket"`      // which limit people edges meet: "app" (4), "user" (17), "business" (80004)
	AssignedTasks   string   `json:"assigned_tasks"`   // assigned_users read back "unpacked" (what a task implies is listed) or "raw"
	AssignedEmail   string   `json:"assigned_email"`   // email asked on assigned_users: "omitted" or "error" (100)
	UserType        string   `json:"user_type"`        // user_type on assigned_users: "omitted" or "named"
	PixelAssign     string   `json:"pixel_assign"`     // POST {pixel}/assigned_users: "spec" (works) or "reference" (refused)
	GroupDelete     string   `json:"group_delete"`     // DELETE {asset group}: "guide" (works) or "spec" (refused)
	PartnerApproval string   `json:"partner_approval"` // POST {asset}/agencies: "never" or "always" requires_admin_approval
}

// choice describes one textual switch: where it is, and its permitted values, the default first.
type choice struct {
	name   string
	at     *string
	values []string
}

func (w *Switches) choices() []choice {
	return []choice{
		{"invite_id", &w.InviteID, []string{"role_request", "unrelated"}},
		{"invite_pending", &w.InvitePending, []string{"error", "same_id"}},
		{"invite_member", &w.InviteMember, []string{"error", "ok"}},
		{"role_omitted", &w.RoleOmitted, []string{"EMPLOYEE", "DEFAULT"}},
		{"invitation_end", &w.InvitationEnd, []string{"status", "leaves"}},
		{"ended_invitations", &w.EndedInvitations, []string{"listed", "hidden"}},
		{"email_filter", &w.EmailFilter, []string{"exact", "fold"}},
		{"email_case", &w.EmailCase, []string{"preserved", "lowercased"}},
		{"invite_quota", &w.InviteQuota, []string{"cooldown", "rolling"}},
		{"accepted", &w.Accepted, []string{"set", "absent"}},
		{"role_readback", &w.RoleReadback, []string{"base", "raw"}},
		{"special_role", &w.SpecialRole, []string{"accept", "refuse"}},
		{"special_on_base", &w.SpecialOnBase, []string{"keep", "strip"}},
		{"base_role", &w.BaseRole, []string{"keep", "clear"}},
		{"tasks", &w.Tasks, []string{"honoured", "ignored"}},
		{"same_role", &w.SameRole, []string{"success", "error"}},
		{"delete_twice", &w.DeleteTwice, []string{"error", "success"}},
		{"self", &w.Self, []string{"success", "error"}},
		{"last_admin", &w.LastAdmin, []string{"people", "people_and_system_users"}},
		{"email_missing", &w.EmailMissing, []string{"omitted", "pending_email"}},
		{"reinvited", &w.Reinvited, []string{"gone", "restored"}},
		{"approval", &w.Approval, []string{"never", "removals", "always"}},
		{"employee_sees", &w.EmployeeSees, []string{"admins", "all", "refused"}},
		{"new_system_user", &w.NewSystemUser, []string{"error", "policy", "allowed"}},
		{"new_system_reads", &w.NewSystemReads, []string{"allowed", "error"}},
		{"app_not_claimed", &w.AppNotClaimed, []string{"application", "permission", "not_found"}},
		{"two_factor", &w.TwoFactor, []string{"users", "never", "always"}},
		{"data_access", &w.DataAccess, []string{"error", "ignored"}},
		{"http_status", &w.HTTPStatus, []string{"by_code", "always_400"}},
		{"error_detail", &w.ErrorDetail, []string{"full", "bare"}},
		{"legacy_params", &w.LegacyParams, []string{"error", "ignored"}},
		{"unknown_params", &w.UnknownParams, []string{"error", "ignored"}},
		{"unversioned", &w.Unversioned, []string{"app", "error"}},
		{"expired_version", &w.ExpiredVersion, []string{"upgrade", "error"}},
		{"page_too_big", &w.PageTooBig, []string{"cap", "reduce"}},
		{"empty_pages", &w.EmptyPages, []string{"never", "between", "trailing"}},
		{"dead_cursor", &w.DeadCursor, []string{"error", "continue"}},
		{"accounts_paging", &w.AccountsPaging, []string{"offset", "cursor"}},
		{"rate_bucket", &w.RateBucket, []string{"app", "user", "business"}},
		{"assigned_tasks", &w.AssignedTasks, []string{"unpacked", "raw"}},
		{"assigned_email", &w.AssignedEmail, []string{"omitted", "error"}},
		{"user_type", &w.UserType, []string{"omitted", "named"}},
		{"pixel_assign", &w.PixelAssign, []string{"spec", "reference"}},
		{"group_delete", &w.GroupDelete, []string{"guide", "spec"}},
		{"partner_approval", &w.PartnerApproval, []string{"never", "always"}},
	}
}

// DefaultSwitches are the likeliest answers, all inferred rather than documented.
func DefaultSwitches() Switches {
	w, err := Switches{}.filled()
	if err != nil {
		panic(err) // the table above contradicts itself
	}
	return w
}

// Alternatives names every textual switch with its values, the default first: what a test has to walk to cover them all.
func Alternatives() map[string][]string {
	all := map[string][]string{}
	for _, c := range new(Switches).choices() {
		all[c.name] = slices.Clone(c.values)
	}
	return all
}

// Set gives the textual switch of that name (as in JSON) a value.
func (w *Switches) Set(name, value string) error {
	for _, c := range w.choices() {
		if c.name == name {
			if !slices.Contains(c.values, value) {
				return fmt.Errorf("switch %s: %q is none of %q", name, value, c.values)
			}
			*c.at = value
			return nil
		}
	}
	return fmt.Errorf("no switch is called %q", name)
}

func (w Switches) filled() (Switches, error) {
	for _, c := range w.choices() {
		if *c.at == "" {
			*c.at = c.values[0]
		}
		if !slices.Contains(c.values, *c.at) {
			return w, fmt.Errorf("switch %s: %q is none of %q", c.name, *c.at, c.values)
		}
	}
	orInt(&w.InviteQuotaCode, 17)
	orInt(&w.PageDefault, 25)
	orInt(&w.PageCap, 100)
	orInt(&w.NestedCap, 100)
	if w.Lifetime == 0 {
		w.Lifetime = Duration(30 * 24 * time.Hour)
	}
	if w.NewSystemUserAge == 0 {
		w.NewSystemUserAge = Duration(7 * 24 * time.Hour)
	}
	switch {
	case w.InviteQuotaCode != 17 && w.InviteQuotaCode != 613:
		return w, fmt.Errorf("switch invite_quota_code: %d is neither 17 nor 613", w.InviteQuotaCode)
	case w.EmailPercent < 0 || w.EmailPercent > 100:
		return w, fmt.Errorf("switch email_percent: %d is not within 0 to 100", w.EmailPercent)
	case w.PageDefault < 1 || w.PageCap < 1 || w.NestedCap < 1:
		return w, fmt.Errorf("switches page_default %d, page_cap %d, nested_cap %d: want at least 1", w.PageDefault, w.PageCap, w.NestedCap)
	case w.Lifetime < 0 || w.NewSystemUserAge < 0 || w.Propagation < 0:
		return w, fmt.Errorf("switches lifetime, new_system_user_age and propagation cannot be negative")
	}
	return w, nil
}

func orInt(at *int, def int) {
	if *at == 0 {
		*at = def
	}
}
