package scimtargetsim

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// World is what a simulator starts from.
type World struct {
	Tenants []Tenant `json:"tenants"`
	Tokens  []Token  `json:"tokens"`
}

// Tenant is one customer of the product, below a path of its own.
type Tenant struct {
	Path   string  `json:"path"` // "/acme/scim/v2"
	Users  []User  `json:"users"`
	Groups []Group `json:"groups"`
}

// User is an account.
type User struct {
	ID          string   `json:"id,omitempty"` // made up when empty
	UserName    string   `json:"user_name"`
	DisplayName string   `json:"display_name,omitempty"`
	Emails      []string `json:"emails,omitempty"`
	Inactive    bool     `json:"inactive,omitempty"`
}

// Group is a group of accounts.
type Group struct {
	ID          string   `json:"id,omitempty"`
	DisplayName string   `json:"display_name"`
	Members     []string `json:"members,omitempty"` // ids of users
}

// Token is a bearer token for one tenant.
type Token struct {
	Token    string `json:"token"`
	Tenant   string `json:"tenant"`
	User     string `json:"user,omitempty"`      // whom /Me shows; "": nobody
	ReadOnly bool   `json:"read_only,omitempty"` // may not write
	Barred   bool   `json:"barred,omitempty"`    // works, and may do nothing
}

// Switches are the answers that the RFCs or the products leave open. The zero
// value is the first of each.
type Switches struct {
	Me          string `json:"me,omitempty"`           // user, absent (501, RFC 7644 section 3.11)
	PatchAnswer string `json:"patch_answer,omitempty"` // 204, 200 with the resource (section 3.5.2)
	EmailFilter string `json:"email_filter,omitempty"` // taken, refused: emails.value in a filter
	UserNames   string `json:"user_names,omitempty"`   // address, other: what the harness makes of userName
	Mailboxes   string `json:"mailboxes,omitempty"`    // given, own: an account's first address is one that the product made
	Members     string `json:"members,omitempty"`      // shown, unless-empty: left out of an empty group (RFC 7643 section 2.5), hidden: never shown; no connector can manage that
	Foreign     string `json:"foreign,omitempty"`      // 403, 404: another tenant's path
	Absent      string `json:"absent,omitempty"`       // ignored, no-target: removing who is no member (section 3.5.2.2)
	PageCap     int    `json:"page_cap,omitempty"`     // the largest page; 0: 100
	Config      string `json:"config,omitempty"`       // open, absent: ServiceProviderConfig (section 4)
}

// Setting is a named value of one switch.
type Setting struct {
	Name     string
	Switches Switches
}

// EverySwitch is each value of each switch that is not the first, alone, and
// some that make each other worse; but for hidden members, which nobody can manage.
func EverySwitch() []Setting {
	return []Setting{
		{"me=absent", Switches{Me: "absent"}},
		{"patch_answer=200", Switches{PatchAnswer: "200"}},
		{"email_filter=refused", Switches{EmailFilter: "refused"}},
		{"user_names=other", Switches{UserNames: "other"}},
		{"mailboxes=own", Switches{Mailboxes: "own"}},
		{"members=unless-empty", Switches{Members: "unless-empty"}},
		{"foreign=404", Switches{Foreign: "404"}},
		{"absent=no-target", Switches{Absent: "no-target"}},
		{"page_cap=7", Switches{PageCap: 7}},
		{"config=absent", Switches{Config: "absent"}},
		{"mailboxes=own, and no address can be asked for", Switches{Mailboxes: "own", EmailFilter: "refused"}},
		{"no address can be asked for", Switches{EmailFilter: "refused", UserNames: "other", PageCap: 7}},
		{"everything at once", Switches{Me: "absent", PatchAnswer: "200", EmailFilter: "refused", UserNames: "other", Foreign: "404", Absent: "no-target", PageCap: 11, Config: "absent"}},
	}
}

// LoadWorld reads a world file; what it does not know it refuses.
func LoadWorld(r io.Reader) (w World, err error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return w, err
	}
	for i, t := range w.Tenants {
		if !strings.HasPrefix(t.Path, "/") || strings.HasSuffix(t.Path, "/") {
			return w, fmt.Errorf("tenants[%d].path: %q begins with a slash and ends without one", i, t.Path)
		}
	}
	return w, nil
}
