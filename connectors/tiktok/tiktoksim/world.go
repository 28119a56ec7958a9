package tiktoksim

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// World is what TikTok knows when the simulator starts: plain data, from Go or
// from a JSON file.
type World struct {
	Apps            []App            `json:"apps"`
	Tokens          []Token          `json:"tokens,omitempty"`
	Users           []User           `json:"users,omitempty"`
	BusinessCenters []BusinessCenter `json:"business_centers"`
}

// App is a developer app. Scopes are what its users grant; parents grant their
// children. Without RedirectURIs any redirect is taken.
type App struct {
	AppID        string   `json:"app_id"`
	Secret       string   `json:"secret"`
	Name         string   `json:"name,omitempty"`
	Scopes       []int64  `json:"scopes,omitempty"` // none: all that people management needs
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	Disabled     bool     `json:"disabled,omitempty"`
}

// Token is a long-lived access token of a user for an app.
type Token struct {
	Token   string  `json:"token"`
	AppID   string  `json:"app_id"`
	User    string  `json:"user"`             // core_user_id
	Scopes  []int64 `json:"scopes,omitempty"` // none: the app's
	Revoked bool    `json:"revoked,omitempty"`
	Expired bool    `json:"expired,omitempty"`
}

// User is a TikTok for Business account.
type User struct {
	CoreUserID  string       `json:"core_user_id"`
	Email       string       `json:"email"`
	DisplayName string       `json:"display_name,omitempty"`
	AvatarURL   string       `json:"avatar_url,omitempty"`
	CreateTime  int64        `json:"create_time,omitempty"`
	Disabled    bool         `json:"disabled,omitempty"`
	Advertisers []Advertiser `json:"advertisers,omitempty"` // ad accounts held outside every Business Center
}

// Advertiser is an ad account as oauth2/advertiser/get lists it.
type Advertiser struct {
	ID   string `json:"advertiser_id"`
	Name string `json:"advertiser_name"`
}

// BusinessCenter is a BC with its people and things, in listing order.
type BusinessCenter struct {
	BCID               string       `json:"bc_id"`
	Name               string       `json:"name"`
	Company            string       `json:"company,omitempty"`
	Currency           string       `json:"currency,omitempty"`
	RegisteredArea     string       `json:"registered_area,omitempty"`
	Status             string       `json:"status,omitempty"` // ENABLE unless said
	Timezone           string       `json:"timezone,omitempty"`
	Type               string       `json:"type,omitempty"` // NORMAL unless said
	OrganizationType   string       `json:"organization_type,omitempty"`
	VerificationStatus string       `json:"verification_status,omitempty"`
	Members            []Member     `json:"members,omitempty"`
	Assets             []Asset      `json:"assets,omitempty"`
	AssetGroups        []AssetGroup `json:"asset_groups,omitempty"`
	Partners           []Partner    `json:"partners,omitempty"`
	Changelog          []Activity   `json:"changelog,omitempty"`
}

// Member is someone of a Business Center, or invited to it. A member with
// status BOUND has a UserID; a PENDING or REJECTED one has none.
type Member struct {
	UserID      string    `json:"user_id,omitempty"`
	Email       string    `json:"email"` // the real address; TikTok may show it masked
	Name        string    `json:"name,omitempty"`
	Role        string    `json:"role,omitempty"`         // STANDARD unless said
	FinanceRole string    `json:"finance_role,omitempty"` // MANAGER, ANALYST or none
	Status      string    `json:"status,omitempty"`       // BOUND unless said
	Masked      *bool     `json:"masked,omitempty"`       // overrides the masking switch for this row
	InvitedAt   time.Time `json:"invited_at,omitzero"`
	Expired     bool      `json:"expired,omitempty"` // a lapsed invitation whose row stays
	Assets      []Grant   `json:"assets,omitempty"`
}

// Asset is something a Business Center has: its own, a partner's or a person's.
type Asset struct {
	AssetType             string `json:"asset_type"`
	AssetID               string `json:"asset_id"`
	Name                  string `json:"asset_name,omitempty"`
	RelationType          string `json:"relation_type,omitempty"`   // OWNER_BC unless said
	RelationStatus        string `json:"relation_status,omitempty"` // BOUND unless said
	OwnerBCName           string `json:"owner_bc_name,omitempty"`   // the BC's own name unless said
	AdvertiserAccountType string `json:"advertiser_account_type,omitempty"`
	AdvertiserStatus      string `json:"advertiser_status,omitempty"`
	ShowStatus            string `json:"advertiser_show_status,omitempty"`
	PixelCode             string `json:"pixel_code,omitempty"`
	AdCreationEligible    string `json:"ad_creation_eligible,omitempty"`
}

// Grant is one person's role on one asset.
type Grant struct {
	AssetType           string   `json:"asset_type"`
	AssetID             string   `json:"asset_id"`
	AdvertiserRole      string   `json:"advertiser_role,omitempty"`
	CatalogRole         string   `json:"catalog_role,omitempty"`
	StoreRole           string   `json:"store_role,omitempty"`
	FormLibraryRole     string   `json:"form_library_role,omitempty"`
	BusinessAccountRole string   `json:"business_account_role,omitempty"`
	TTAccountRoles      []string `json:"tt_account_roles,omitempty"`
}

// AssetGroup bundles ad accounts and the members who reach them.
type AssetGroup struct {
	ID      string        `json:"asset_group_id"`
	Name    string        `json:"asset_group_name"`
	Assets  []string      `json:"assets,omitempty"` // advertiser ids
	Members []GroupMember `json:"members,omitempty"`
}

// GroupMember is a member of an asset group with a role on its ad accounts.
type GroupMember struct {
	MemberID string `json:"member_id"`
	Role     string `json:"role"` // ADVERTISER_ROLE_ADMIN, _OPERATOR or _ANALYST
}

// Partner is another Business Center that one shares assets with.
type Partner struct {
	BCID    string   `json:"bc_id"`
	Name    string   `json:"name,omitempty"`    // needed when that BC is not in the world
	Sharing []Shared `json:"sharing,omitempty"` // from us to them
	Shared  []Shared `json:"shared,omitempty"`  // from them to us
}

// Shared is an asset on its way from one Business Center to another.
type Shared struct {
	AssetType      string `json:"asset_type"`
	AssetID        string `json:"asset_id"`
	Name           string `json:"asset_name,omitempty"`
	AdvertiserRole string `json:"advertiser_role,omitempty"`
	CatalogRole    string `json:"catalog_role,omitempty"`
}

// Activity is a line of a Business Center's activity log.
type Activity struct {
	Time       time.Time `json:"time"`
	Type       string    `json:"activity_type"` // USER, ACCOUNT, ASSET or BUSINESS
	OperatorID string    `json:"operator_id"`
	Log        string    `json:"activity_log"`
}

// The scopes of people management, with their parents [TikTok: Permission scope].
const (
	ScopeAdAccountManagement int64 = 1
	ScopeBusinessCenter      int64 = 15
	ScopeReadBC              int64 = 150
	ScopeBCAsset             int64 = 153
	ScopeBCPartner           int64 = 155
	ScopeBCMember            int64 = 156
	ScopeAssetGroup          int64 = 7153155400966176769
	ScopeReadAdAccount       int64 = 100
	ScopeAdsManagement       int64 = 2
	ScopeAdsChangeLogParent  int64 = 23
	ScopeChangeLog           int64 = 230
)

var parentScope = map[int64]int64{
	ScopeBusinessCenter: ScopeAdAccountManagement, ScopeReadAdAccount: ScopeAdAccountManagement,
	ScopeReadBC: ScopeBusinessCenter, ScopeBCAsset: ScopeBusinessCenter, ScopeBCPartner: ScopeBusinessCenter,
	ScopeBCMember: ScopeBusinessCenter, ScopeAssetGroup: ScopeBusinessCenter,
	ScopeChangeLog: ScopeAdsChangeLogParent, ScopeAdsChangeLogParent: ScopeAdsManagement,
}

// PeopleScopes are what an app for people management asks for.
func PeopleScopes() []int64 {
	return []int64{ScopeReadAdAccount, ScopeReadBC, ScopeBCAsset, ScopeBCPartner, ScopeBCMember, ScopeAssetGroup, ScopeChangeLog}
}

// LoadWorld reads a world file; unknown fields and contradictions are errors.
func LoadWorld(r io.Reader) (World, error) {
	var w World
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return World{}, fmt.Errorf("world: %w", err)
	}
	if dec.More() {
		return World{}, fmt.Errorf("world: something follows the JSON object")
	}
	return w, w.Validate()
}

// Validate says what in the world contradicts itself or could not be on TikTok.
// It does not apply TikTok's caps: a world may start beyond them.
func (w World) Validate() error {
	c := check{apps: map[string]bool{}, users: map[string]string{}, byEmail: map[string]string{}}
	for i, a := range w.Apps {
		c.at("apps[%d]", i)
		c.id("app_id", a.AppID)
		c.need("secret", a.Secret)
		c.once(c.apps, "app_id", a.AppID)
	}
	for i, u := range w.Users {
		c.at("users[%d]", i)
		c.person(u.CoreUserID, u.Email)
	}
	centers := map[string]bool{}
	for i, b := range w.BusinessCenters {
		c.at("business_centers[%d]", i)
		c.id("bc_id", b.BCID)
		c.once(centers, "bc_id", b.BCID)
		c.oneOf("status", b.Status, bcStatuses)
		c.oneOf("type", b.Type, bcTypes)
	}
	for _, b := range w.BusinessCenters {
		c.center(b, centers)
	}
	tokens := map[string]bool{}
	for i, t := range w.Tokens {
		c.at("tokens[%d]", i)
		c.need("token", t.Token)
		c.once(tokens, "token", t.Token)
		c.holds(c.apps[t.AppID], "app_id %q is not in apps", t.AppID)
		_, known := c.users[t.User]
		c.holds(known, "user %q is neither in users nor a member anywhere", t.User)
	}
	return c.err
}

// check keeps the first contradiction, with where it is.
type check struct {
	where   string
	err     error
	apps    map[string]bool
	users   map[string]string // core_user_id: address
	byEmail map[string]string
}

func (c *check) at(format string, args ...any) { c.where = fmt.Sprintf(format, args...) }

func (c *check) holds(ok bool, format string, args ...any) {
	if !ok && c.err == nil {
		c.err = fmt.Errorf("world: %s: %s", c.where, fmt.Sprintf(format, args...))
	}
}

func (c *check) id(name, v string) {
	c.holds(validID(v), "%s %q is not a decimal int64 in a string", name, v)
}

func (c *check) need(name, v string) { c.holds(v != "", "%s is missing", name) }

func (c *check) once(seen map[string]bool, name, v string) {
	c.holds(!seen[v], "%s %s occurs twice", name, v)
	seen[v] = true
}

func (c *check) oneOf(name, v string, values []string) {
	c.holds(v == "" || slices.Contains(values, v), "%s %q is not one of %s", name, v, strings.Join(values, ", "))
}

// person holds everyone to one address, and every address to one account.
func (c *check) person(id, email string) {
	c.id("user id", id)
	c.holds(validEmail(email), "email %q is not an address", email)
	known, ok := c.users[id]
	c.holds(!ok || strings.EqualFold(known, email), "user %s has two addresses, %s and %s", id, known, email)
	owner, ok := c.byEmail[strings.ToLower(email)]
	c.holds(!ok || owner == id, "address %s belongs to %s and %s", email, owner, id)
	c.users[id], c.byEmail[strings.ToLower(email)] = email, id
}

func (c *check) center(b BusinessCenter, centers map[string]bool) {
	assets, groups, partners := map[string]bool{}, map[string]bool{}, map[string]bool{}
	ids, emails := map[string]bool{}, map[string]bool{}
	for i, a := range b.Assets {
		c.at("bc %s, assets[%d]", b.BCID, i)
		c.id("asset_id", a.AssetID)
		c.holds(a.AssetType != "", "asset_type is missing")
		c.oneOf("asset_type", a.AssetType, assetTypes)
		c.oneOf("relation_type", a.RelationType, relationTypes)
		c.oneOf("relation_status", a.RelationStatus, relationStatuses)
		c.oneOf("advertiser_show_status", a.ShowStatus, showStatuses)
		c.once(assets, "asset", a.AssetType+" "+a.AssetID)
	}
	for i, m := range b.Members {
		c.at("bc %s, members[%d]", b.BCID, i)
		c.oneOf("role", m.Role, userRoles)
		c.oneOf("finance_role", m.FinanceRole, financeRoles)
		c.oneOf("status", m.Status, memberStatuses)
		if m.Status == "" || m.Status == bound {
			c.person(m.UserID, m.Email)
			c.once(ids, "user_id", m.UserID)
		} else {
			c.holds(m.UserID == "", "a %s member has no user_id", m.Status)
			c.holds(validEmail(m.Email), "email %q is not an address", m.Email)
		}
		c.holds(!m.Expired || m.Status == pending, "only a PENDING invitation can be expired")
		c.once(emails, "email", strings.ToLower(m.Email))
		for _, g := range m.Assets {
			c.holds(assets[g.AssetType+" "+g.AssetID], "%s %s is not an asset of the BC", g.AssetType, g.AssetID)
		}
	}
	for i, g := range b.AssetGroups {
		c.at("bc %s, asset_groups[%d]", b.BCID, i)
		c.id("asset_group_id", g.ID)
		c.once(groups, "asset_group_id", g.ID)
		for _, a := range g.Assets {
			c.holds(assets["ADVERTISER "+a], "ADVERTISER %s is not an asset of the BC", a)
		}
		for _, m := range g.Members {
			c.holds(ids[m.MemberID], "%s is not a BOUND member", m.MemberID)
			c.oneOf("role", m.Role, groupRoles)
		}
	}
	for i, p := range b.Partners {
		c.at("bc %s, partners[%d]", b.BCID, i)
		c.id("bc_id", p.BCID)
		c.once(partners, "bc_id", p.BCID)
		c.holds(p.BCID != b.BCID, "a BC is not its own partner")
		c.holds(centers[p.BCID] || p.Name != "", "%s is not in the world and has no name", p.BCID)
		for _, a := range p.Sharing {
			c.holds(assets[a.AssetType+" "+a.AssetID], "sharing %s %s, which is not an asset of the BC", a.AssetType, a.AssetID)
		}
	}
	for i, e := range b.Changelog {
		c.at("bc %s, changelog[%d]", b.BCID, i)
		c.oneOf("activity_type", e.Type, activityTypes[1:])
		c.holds(!e.Time.IsZero(), "time is missing")
	}
}

func validID(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && n > 0 && s[0] != '+'
}
