package metasim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// World is what exists on the platform: plain data that can be written by hand, marshalled, and compared.
type World struct {
	Apps       []App      `json:"apps,omitempty"`
	Users      []User     `json:"users,omitempty"` // Facebook accounts, needed only for user tokens
	Businesses []Business `json:"businesses,omitempty"`
	Tokens     []Token    `json:"tokens,omitempty"`
}

// App is a developer's app. A business must have claimed it before its tokens may touch that business's people.
type App struct {
	ID             string   `json:"id"`
	Name           string   `json:"name,omitempty"`
	Secret         string   `json:"secret,omitempty"`
	RequireProof   bool     `json:"require_proof,omitempty"`   // "Require App Secret": every call needs appsecret_proof
	ClaimedBy      []string `json:"claimed_by,omitempty"`      // business ids
	Owner          string   `json:"owner,omitempty"`           // business id
	APIVersion     string   `json:"api_version,omitempty"`     // used by calls without a version
	StandardAccess bool     `json:"standard_access,omitempty"` // lacks Advanced Access: may not list people of businesses other than Owner
	PartnerAccess  bool     `json:"partner_access,omitempty"`  // approved for the business-to-business endpoints, closed to others since 2021-06-08
	Developers     []string `json:"developers,omitempty"`      // user ids, who may inspect its tokens
}

// User is a Facebook account.
type User struct {
	ID        string `json:"id"`
	Name      string `json:"name,omitempty"`
	Email     string `json:"email,omitempty"`
	TwoFactor bool   `json:"two_factor,omitempty"`
}

// Token is an access token of a system user, of a user, or of a page on behalf of one of these.
type Token struct {
	Token               string          `json:"token"`
	App                 string          `json:"app"`
	SystemUser          string          `json:"system_user,omitempty"`
	User                string          `json:"user,omitempty"`
	Page                string          `json:"page,omitempty"`
	Scopes              []string        `json:"scopes,omitempty"`
	Declined            []string        `json:"declined,omitempty"`
	Granular            []GranularScope `json:"granular_scopes,omitempty"`
	ClientBusiness      string          `json:"client_business,omitempty"`
	IssuedAt            time.Time       `json:"issued_at,omitzero"`
	ExpiresAt           time.Time       `json:"expires_at,omitzero"`             // zero: never
	DataAccessExpiresAt time.Time       `json:"data_access_expires_at,omitzero"` // zero: never
	Revoked             bool            `json:"revoked,omitempty"`
	RevokedSubcode      int             `json:"revoked_subcode,omitempty"` // 458, 459, 460, 464, 467 (when absent) or 492
}

// GranularScope is a permission limited to objects; no targets means no limit, or none picked: Meta's pages disagree.
type GranularScope struct {
	Scope     string   `json:"scope"`
	TargetIDs []string `json:"target_ids,omitempty"`
}

// Business is a business portfolio with everyone and everything in it.
type Business struct {
	ID                 string        `json:"id"`
	Name               string        `json:"name"`
	Parent             string        `json:"parent,omitempty"`
	VerificationStatus string        `json:"verification_status,omitempty"`
	TwoFactorType      string        `json:"two_factor_type,omitempty"`
	PrimaryPage        string        `json:"primary_page,omitempty"`
	Link               string        `json:"link,omitempty"`
	Vertical           string        `json:"vertical,omitempty"`
	TimezoneID         int           `json:"timezone_id,omitempty"`
	CreatedTime        time.Time     `json:"created_time,omitzero"`
	UpdatedTime        time.Time     `json:"updated_time,omitzero"`
	CreatedBy          string        `json:"created_by,omitempty"`
	UpdatedBy          string        `json:"updated_by,omitempty"`
	People             []Person      `json:"people,omitempty"`
	Pending            []RoleRequest `json:"pending,omitempty"`
	SystemUsers        []SystemUser  `json:"system_users,omitempty"`
	AdAccounts         []Asset       `json:"ad_accounts,omitempty"` // ids "act_<digits>"
	Pages              []Asset       `json:"pages,omitempty"`
	Catalogs           []Asset       `json:"catalogs,omitempty"`
	Pixels             []Asset       `json:"pixels,omitempty"`
	Instagram          []Asset       `json:"instagram,omitempty"`
	WhatsApp           []Asset       `json:"whatsapp,omitempty"`
	AssetGroups        []AssetGroup  `json:"asset_groups,omitempty"`
	Agencies           []Partner     `json:"agencies,omitempty"` // besides those that assets are shared with
	Clients            []Partner     `json:"clients,omitempty"`  // besides those that share assets with this one
}

// Person is a member of a business: a BusinessUser.
type Person struct {
	ID                string   `json:"id,omitempty"`
	Email             string   `json:"email,omitempty"`
	PendingEmail      string   `json:"pending_email,omitempty"`
	Name              string   `json:"name,omitempty"`
	FirstName         string   `json:"first_name,omitempty"`
	LastName          string   `json:"last_name,omitempty"`
	Title             string   `json:"title,omitempty"`
	Role              string   `json:"role"`                         // ADMIN or EMPLOYEE; other roles are spread over the fields below
	RawRole           string   `json:"raw_role,omitempty"`           // the role as last set
	FinancePermission string   `json:"finance_permission,omitempty"` // EDITOR, ANALYST; what else there is is unknown
	IPPermission      string   `json:"ip_permission,omitempty"`      // Reviewer
	Tasks             []string `json:"tasks,omitempty"`              // DEVELOPER, PARTNER_CENTER_*: what no other field tells
	TwoFacStatus      string   `json:"two_fac_status,omitempty"`
	MarkedForRemoval  bool     `json:"marked_for_removal,omitempty"`
	EmailHidden       bool     `json:"email_hidden,omitempty"`
	User              string   `json:"user,omitempty"`         // the Facebook account behind
	RoleRequest       string   `json:"role_request,omitempty"` // the invitation accepted
}

// RoleRequest is an invitation: a BusinessRoleRequest.
type RoleRequest struct {
	ID              string    `json:"id,omitempty"`
	Email           string    `json:"email"`
	Role            string    `json:"role,omitempty"`
	RawRole         string    `json:"raw_role,omitempty"`
	FinanceRole     string    `json:"finance_role,omitempty"`
	IPRole          string    `json:"ip_role,omitempty"`
	Tasks           []string  `json:"tasks,omitempty"`
	Status          string    `json:"status,omitempty"` // PENDING, ACCEPTED, DECLINED, EXPIRED
	InvitedUserType []string  `json:"invited_user_type,omitempty"`
	CreatedBy       string    `json:"created_by,omitempty"`
	UpdatedBy       string    `json:"updated_by,omitempty"`
	CreatedTime     time.Time `json:"created_time,omitzero"`
	UpdatedTime     time.Time `json:"updated_time,omitzero"`
	ExpirationTime  time.Time `json:"expiration_time,omitzero"`
	InviteLink      string    `json:"invite_link,omitempty"`
}

// SystemUser is a machine account of a business, by its app-scoped id.
type SystemUser struct {
	ID                string    `json:"id,omitempty"`
	Name              string    `json:"name"`
	Role              string    `json:"role"`
	CreatedTime       time.Time `json:"created_time,omitzero"`
	CreatedBy         string    `json:"created_by,omitempty"`
	FinancePermission string    `json:"finance_permission,omitempty"`
	IPPermission      string    `json:"ip_permission,omitempty"`
	Apps              []string  `json:"apps,omitempty"` // installed, so that tokens may be minted
}

// Asset is an ad account, page, catalog, pixel, Instagram asset or WhatsApp account.
type Asset struct {
	ID            string       `json:"id"`
	Name          string       `json:"name,omitempty"`
	Assigned      []Assignment `json:"assigned,omitempty"`
	Agencies      []Share      `json:"agencies,omitempty"`
	AccessStatus  string       `json:"access_status,omitempty"`  // CONFIRMED (when absent) or PENDING
	AccountStatus int          `json:"account_status,omitempty"` // ad accounts
	Currency      string       `json:"currency,omitempty"`
	TimezoneName  string       `json:"timezone_name,omitempty"`
	Activities    []Activity   `json:"activities,omitempty"`
	Category      string       `json:"category,omitempty"` // pages
	Username      string       `json:"username,omitempty"` // pages, Instagram
	NewExperience bool         `json:"has_transitioned_to_new_page_experience,omitempty"`
	IGUserID      string       `json:"ig_user_id,omitempty"`
	Vertical      string       `json:"vertical,omitempty"` // catalogs
	ProductCount  int          `json:"product_count,omitempty"`
}

// Assignment is one person's or system user's tasks on an asset.
type Assignment struct {
	User  string   `json:"user"`
	Tasks []string `json:"tasks"`
}

// Share lets another business work on an asset.
type Share struct {
	Business string   `json:"business"`
	Tasks    []string `json:"permitted_tasks"`
	Status   string   `json:"access_status,omitempty"` // CONFIRMED (when absent) or PENDING
}

// Activity is one line of an ad account's change history.
type Activity struct {
	ActorID    string    `json:"actor_id"`
	ActorName  string    `json:"actor_name,omitempty"`
	EventType  string    `json:"event_type"`
	EventTime  time.Time `json:"event_time"`
	ObjectID   string    `json:"object_id,omitempty"`
	ObjectName string    `json:"object_name,omitempty"`
	ObjectType string    `json:"object_type,omitempty"`
	ExtraData  string    `json:"extra_data,omitempty"`
}

// AssetGroup bundles assets so that people can be given all of them.
type AssetGroup struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Contains []string          `json:"contains,omitempty"`
	Assigned []GroupAssignment `json:"assigned,omitempty"`
}

// GroupAssignment is someone's tasks on an asset group: "page_tasks", "adaccount_tasks", "pixel_tasks",
// "offline_conversion_data_set_tasks".
type GroupAssignment struct {
	User  string              `json:"user"`
	Tasks map[string][]string `json:"tasks"`
}

// Partner is another business. It need not be in the world.
type Partner struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// LoadWorld reads a World from JSON. Misspelt keys are errors.
func LoadWorld(r io.Reader) (World, error) {
	var w World
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return World{}, fmt.Errorf("world: %w", err)
	}
	if d.More() {
		return World{}, errors.New("world: something follows the JSON object")
	}
	return w, w.Validate()
}

// Validate reports everything that contradicts itself, each with its place.
func (w World) Validate() error {
	v := &checker{ids: map[string]string{}, parents: map[string]string{}, assignable: map[string]bool{}}
	apps, users, systemUsers, pages := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	businesses := map[string]bool{}
	for _, b := range w.Businesses {
		businesses[b.ID] = true
		v.parents[b.ID] = b.Parent
	}
	for i, a := range w.Apps {
		at := fmt.Sprintf("apps[%d]", i)
		v.id(at, a.ID)
		apps[a.ID] = true
		if a.RequireProof && a.Secret == "" {
			v.wrong(at, "require_proof needs a secret")
		}
		for _, id := range slices.Concat(a.ClaimedBy, one(a.Owner)) {
			v.known(at, "business", id, businesses)
		}
	}
	for i, u := range w.Users {
		v.id(fmt.Sprintf("users[%d]", i), u.ID)
		users[u.ID] = true
	}
	for i := range w.Businesses {
		b := &w.Businesses[i]
		for _, s := range b.SystemUsers {
			systemUsers[s.ID], v.assignable[s.ID] = true, true
		}
		for _, p := range b.People {
			if p.ID != "" {
				v.assignable[p.ID] = true
			}
		}
		for _, p := range b.Pages {
			pages[p.ID] = true
		}
	}
	for i := range w.Businesses {
		v.business(fmt.Sprintf("businesses[%d]", i), &w.Businesses[i], businesses, users)
	}
	seen := map[string]bool{}
	for i, t := range w.Tokens {
		at := fmt.Sprintf("tokens[%d]", i)
		if t.Token == "" || seen[t.Token] || strings.Contains(t.Token, "|") {
			v.wrong(at, "token is empty, used twice, or looks like an app token (a|b)")
		}
		seen[t.Token] = true
		v.known(at, "app", t.App, apps)
		switch {
		case (t.SystemUser == "") == (t.User == ""):
			v.wrong(at, "want either system_user or user")
		case t.SystemUser != "":
			v.known(at, "system_user", t.SystemUser, systemUsers)
		default:
			v.known(at, "user", t.User, users)
		}
		if t.Page != "" {
			v.known(at, "page", t.Page, pages)
		}
	}
	return errors.Join(v.errs...)
}

type checker struct {
	ids        map[string]string
	parents    map[string]string // businesses by id
	assignable map[string]bool   // people and system users who can stand on an asset
	errs       []error
}

func (v *checker) wrong(at, format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf("world: %s: "+format, append([]any{at}, args...)...))
}

func (v *checker) id(at, id string) {
	if !isDigits(id) {
		v.wrong(at, "id %q is not a string of digits", id)
	}
	if other, ok := v.ids[id]; ok {
		v.wrong(at, "id %s is that of %s too", id, other)
	}
	v.ids[id] = at
}

func (v *checker) known(at, what, id string, in map[string]bool) {
	if !in[id] {
		v.wrong(at, "%s %q is not in this world", what, id)
	}
}

func (v *checker) oneOf(at, what, value string, values []string) {
	if value != "" && !slices.Contains(values, value) {
		v.wrong(at, "%s %q is none of %q", what, value, values)
	}
}

func (v *checker) business(at string, b *Business, businesses, users map[string]bool) {
	v.id(at, b.ID)
	if b.Name == "" {
		v.wrong(at, "name is empty")
	}
	v.oneOf(at, "verification_status", b.VerificationStatus, verificationStatuses)
	v.oneOf(at, "two_factor_type", b.TwoFactorType, twoFactorTypes)
	if b.Parent != "" {
		v.known(at, "parent", b.Parent, businesses)
	}
	for up, n := b.Parent, 0; up != ""; up, n = v.parents[up], n+1 {
		if n > len(v.parents) {
			v.wrong(at, "parent businesses form a ring")
			break
		}
	}
	admins := 0
	for i, p := range b.People {
		at := fmt.Sprintf("%s.people[%d]", at, i)
		if p.ID != "" { // one without an id is given one
			v.id(at, p.ID)
		}
		v.role(at, p.Role)
		if p.Role == "ADMIN" {
			admins++
		}
		if p.User != "" {
			v.known(at, "user", p.User, users)
		}
	}
	if len(b.People) > 0 && admins == 0 {
		v.wrong(at, "nobody is ADMIN; Meta keeps at least one person as admin")
	}
	for i, r := range b.Pending {
		at := fmt.Sprintf("%s.pending[%d]", at, i)
		if r.ID != "" {
			v.id(at, r.ID)
		}
		v.oneOf(at, "role", r.Role, businessRoles)
		v.oneOf(at, "status", r.Status, requestStatuses)
		if !isEmail(r.Email) {
			v.wrong(at, "email %q is not an address", r.Email)
		}
	}
	for i, s := range b.SystemUsers {
		at := fmt.Sprintf("%s.system_users[%d]", at, i)
		v.id(at, s.ID)
		v.role(at, s.Role)
	}
	contents := map[string]bool{}
	for _, k := range assetKinds {
		for i, a := range *k.in(b) {
			at := fmt.Sprintf("%s.%s[%d]", at, k.world, i)
			id := a.ID
			if k.kind == kindAdAccount {
				var ok bool
				if id, ok = strings.CutPrefix(a.ID, "act_"); !ok {
					v.wrong(at, "id %q of an ad account must start with act_", a.ID)
				}
			}
			v.id(at, id)
			contents[a.ID] = true
			v.oneOf(at, "access_status", a.AccessStatus, accessStatuses)
			for _, as := range a.Assigned {
				v.known(at, "assigned user", as.User, v.assignable)
				for _, t := range as.Tasks {
					v.oneOf(at, "task", t, k.tasks)
				}
			}
			for _, sh := range a.Agencies {
				v.known(at, "agency", sh.Business, businesses)
				for _, t := range sh.Tasks {
					v.oneOf(at, "permitted task", t, k.tasks)
				}
			}
			for _, act := range a.Activities {
				v.oneOf(at, "event_type", act.EventType, activityTypes)
			}
		}
	}
	for i, g := range b.AssetGroups {
		at := fmt.Sprintf("%s.asset_groups[%d]", at, i)
		v.id(at, g.ID)
		for _, id := range g.Contains {
			v.known(at, "asset", id, contents)
		}
		for _, as := range g.Assigned {
			v.known(at, "user", as.User, v.assignable)
		}
	}
	if b.PrimaryPage != "" && !isDigits(b.PrimaryPage) {
		v.wrong(at, "primary_page %q is not an id", b.PrimaryPage)
	}
}

func (v *checker) role(at, role string) {
	if role != "ADMIN" && role != "EMPLOYEE" {
		v.wrong(at, "role %q is neither ADMIN nor EMPLOYEE; finance roles go into finance_permission", role)
	}
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func isDigits(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "0123456789") == ""
}

// isEmail is what a form field would accept: one @, something before it, a dotted name after it, no blanks.
func isEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && len(s) <= 254 && !strings.ContainsAny(s, " \t\r\n,;<>()\"") &&
		!strings.Contains(domain, "@") && strings.Contains(strings.Trim(domain, "."), ".") && domain == strings.Trim(domain, ".")
}

func fullName(p Person) string {
	return cmp.Or(p.Name, strings.TrimSpace(p.FirstName+" "+p.LastName))
}
