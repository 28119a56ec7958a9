package tiktoksim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Switches settle what TikTok's documents leave open or contradict. Each
// choice is a string from the list in its tag; the first one is the default and
// is also what an empty string means, so the zero Switches is the default.
// A connector has to be right under every setting: see EverySwitch.
type Switches struct {
	// Members.
	PageSizeOver    string `json:"page_size_over,omitempty" values:"error|clamp"`               // bc/member/get with page_size above 20
	Masking         string `json:"masking,omitempty" values:"all|some|none"`                    // whose addresses are masked ("some" is TikTok's own word; none = the allowlist)
	ShortMask       string `json:"short_mask,omitempty" values:"keep|first|stars"`              // local parts of one or two characters
	Rejected        string `json:"rejected,omitempty" values:"listed|filtered|hidden"`          // REJECTED rows: always, only when asked for, never
	PendingUserID   string `json:"pending_user_id,omitempty" values:"null|set"`                 // user_id of a PENDING row
	Order           string `json:"order,omitempty" values:"inserted|newest"`                    // sort order of lists
	Keyword         string `json:"keyword,omitempty" values:"exact_email|fuzzy|masked|ignored"` // what filtering.keyword matches
	InviteRole      string `json:"invite_role,omitempty" values:"required|optional"`            // user_role of an invitation
	InviteAssetIDs  string `json:"invite_asset_ids,omitempty" values:"optional|required"`       // asset_ids of an invitation
	InviteBound     string `json:"invite_bound,omitempty" values:"ignored|error"`               // inviting a member
	InviteRejected  string `json:"invite_rejected,omitempty" values:"ignored|error|invited"`    // inviting who declined
	InviteConsumed  string `json:"invite_consumed,omitempty" values:"invited|ignored"`          // inviting an address whose owner joined under another one
	InvalidEmail    string `json:"invalid_email,omitempty" values:"refused|partial"`            // one bad address in a batch: 40002 for all, or 20001
	ExpiredRow      string `json:"expired_row,omitempty" values:"stays|goes"`                   // the PENDING row of a lapsed invitation
	AcceptOther     string `json:"accept_other,omitempty" values:"allowed|refused"`             // accepting with another address than the invited one
	RuleCode        string `json:"rule_code,omitempty" values:"40002|40001|40700"`              // code of a broken member rule: caps, last admin, oneself, mismatched delete
	PendingCounts   string `json:"pending_counts,omitempty" values:"yes|no"`                    // do invitations count towards the caps
	OverQuota       string `json:"over_quota,omitempty" values:"refused|partial"`               // more invitations than fit
	DeleteAbsent    string `json:"delete_absent,omitempty" values:"40002|40007|ok"`             // deleting who is not there
	DeleteMismatch  string `json:"delete_mismatch,omitempty" values:"refused|accepted"`         // BOUND by address, PENDING by id, both given
	LastAdmin       string `json:"last_admin,omitempty" values:"refused|allowed"`               // removing or lowering the last admin
	Self            string `json:"self,omitempty" values:"allowed|refused"`                     // removing or lowering oneself
	FinanceClear    string `json:"finance_clear,omitempty" values:"refused|ignored|cleared"`    // finance_role null, "" or {}
	SameValue       string `json:"same_value,omitempty" values:"ok|refused"`                    // an update that changes nothing
	RoleChangeKeeps string `json:"role_change_keeps,omitempty" values:"assets|nothing"`         // asset assignments after a role change
	RemovalLeaves   string `json:"removal_leaves,omitempty" values:"nothing|groups"`            // asset group entries of a removed member

	// Assets, groups, partners.
	Accepts        string `json:"accepts,omitempty" values:"both|portal|gateway"`    // where the portal and the gateway's definitions disagree on a value
	Reassign       string `json:"reassign,omitempty" values:"changes|refused"`       // asset/assign of an assigned asset with another role
	AccountRoles   string `json:"account_roles,omitempty" values:"replaced|added"`   // asset/assign of other roles on a TikTok account than those assigned
	UnassignAbsent string `json:"unassign_absent,omitempty" values:"error|ok"`       // asset/unassign of what is not assigned
	PendingAssets  string `json:"pending_assets,omitempty" values:"hidden|listed"`   // invited people in asset/member/get
	GroupShape     string `json:"group_shape,omitempty" values:"object|array"`       // data.asset_group of asset_group/get
	PartnerAdd     string `json:"partner_add,omitempty" values:"immediate|approval"` // does sharing need the receiver's yes
	Changelog      string `json:"changelog,omitempty" values:"admin|member"`         // who may read changelog/get
	ActivityText   string `json:"activity_text,omitempty" values:"named|bare"`       // does activity_log name people and things
	ForeignBC      string `json:"foreign_bc,omitempty" values:"empty|denied"`        // bc/get of a Business Center one is no member of
	UserInfoID     string `json:"user_info_id,omitempty" values:"core_user_id|id"`   // the id field of user/info
	CoreUserID     string `json:"core_user_id,omitempty" values:"same|other"`        // is core_user_id the members' user_id
	OlderTokens    string `json:"older_tokens,omitempty" values:"kept|revoked"`      // after the same user authorised again
	NoAdvertisers  string `json:"no_advertisers,omitempty" values:"allowed|refused"` // authorising without any ad account
	UnknownFields  string `json:"unknown_fields,omitempty" values:"ignored|refused"` // undocumented parameters
	NullFields     string `json:"null_fields,omitempty" values:"refused|absent"`     // JSON null for a parameter (the gateway says nullable: false)
	Permission     string `json:"permission,omitempty" values:"40001|40002"`         // code of a missing role or asset permission
	ErrorData      string `json:"error_data,omitempty" values:"empty|absent"`        // data of an error answer
	Wording        string `json:"wording,omitempty" values:"known|bare"`             // error messages: as seen in public, or saying nothing
	UnknownPath    string `json:"unknown_path,omitempty" values:"404|40008"`         // a path that does not exist
	WrongMethod    string `json:"wrong_method,omitempty" values:"405|404"`           // GET for POST and the reverse
	LimitPer       string `json:"limit_per,omitempty" values:"app|endpoint"`         // what the rate limit counts
	LimitWindow    string `json:"limit_window,omitempty" values:"calendar|sliding"`  // how a second and a minute are cut
	LimitCode      string `json:"limit_code,omitempty" values:"40100|40016|40000"`   // how throttling is said

	InviteTTL      time.Duration `json:"-"` // "invite_ttl": an invitation lapses after this; 0 never
	RejectedFor    time.Duration `json:"-"` // "rejected_for": a REJECTED row goes after this; 0 never
	Propagation    time.Duration `json:"-"` // "propagation": reads lag behind writes by this much
	QPMPause       time.Duration `json:"-"` // "qpm_pause": after passing the minute's limit; 0 is the documented 5 min, negative until the next minute
	ChangelogDelay time.Duration `json:"-"` // "changelog_delay": an event is readable after this
	ChangelogKeeps time.Duration `json:"-"` // "changelog_keeps": and forgotten after this; 0 never
}

// DefaultSwitches is the zero Switches spelled out.
func DefaultSwitches() Switches {
	var s Switches
	s.fill()
	return s
}

// Setting is a Switches that differs from the default in one thing.
type Setting struct {
	Name     string // "masking=some", "propagation=3s"
	Switches Switches
}

// EverySwitch lists each choice that is not a default, and each delay, one at
// a time: what a conformance suite runs through.
func EverySwitch() []Setting {
	var all []Setting
	t := reflect.TypeFor[Switches]()
	for i := range t.NumField() {
		for _, v := range choices(t.Field(i))[1:] {
			s := DefaultSwitches()
			reflect.ValueOf(&s).Elem().Field(i).SetString(v)
			all = append(all, Setting{wireName(t.Field(i)) + "=" + v, s})
		}
	}
	for _, d := range []struct {
		name string
		set  func(*Switches)
	}{
		{"invite_ttl=168h", func(s *Switches) { s.InviteTTL = 7 * 24 * time.Hour }},
		{"rejected_for=24h", func(s *Switches) { s.RejectedFor = 24 * time.Hour }},
		{"propagation=3s", func(s *Switches) { s.Propagation = 3 * time.Second }},
		{"qpm_pause=-1s", func(s *Switches) { s.QPMPause = -time.Second }},
		{"changelog_delay=1m", func(s *Switches) { s.ChangelogDelay = time.Minute }},
		{"changelog_keeps=24h", func(s *Switches) { s.ChangelogKeeps = 24 * time.Hour }},
	} {
		s := DefaultSwitches()
		d.set(&s)
		all = append(all, Setting{d.name, s})
	}
	return all
}

// Validate names the first setting that is not one of its choices.
func (s Switches) Validate() error {
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		values := choices(f)
		if got := v.Field(i); f.Type.Kind() == reflect.String && got.String() != "" && !slices.Contains(values, got.String()) {
			return fmt.Errorf("switch %s: %q is not one of %s", wireName(f), got.String(), strings.Join(values, ", "))
		}
	}
	if s.InviteTTL < 0 || s.RejectedFor < 0 || s.Propagation < 0 || s.ChangelogDelay < 0 || s.ChangelogKeeps < 0 {
		return fmt.Errorf("switches: a delay is negative")
	}
	return nil
}

func (s *Switches) fill() {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.String && f.String() == "" {
			f.SetString(choices(v.Type().Field(i))[0])
		}
	}
	if s.QPMPause == 0 {
		s.QPMPause = 5 * time.Minute
	}
}

// choices of a field; a delay has only its empty default.
func choices(f reflect.StructField) []string {
	return strings.Split(f.Tag.Get("values"), "|")
}

func wireName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

type plainSwitches Switches

type wireSwitches struct {
	plainSwitches
	InviteTTL      duration `json:"invite_ttl"`
	RejectedFor    duration `json:"rejected_for"`
	Propagation    duration `json:"propagation"`
	QPMPause       duration `json:"qpm_pause"`
	ChangelogDelay duration `json:"changelog_delay"`
	ChangelogKeeps duration `json:"changelog_keeps"`
}

func (s Switches) wire() wireSwitches {
	return wireSwitches{plainSwitches(s), duration(s.InviteTTL), duration(s.RejectedFor),
		duration(s.Propagation), duration(s.QPMPause), duration(s.ChangelogDelay), duration(s.ChangelogKeeps)}
}

// MarshalJSON writes delays as Go durations ("3s").
func (s Switches) MarshalJSON() ([]byte, error) { return json.Marshal(s.wire()) }

// UnmarshalJSON changes the settings that are given and keeps the others.
func (s *Switches) UnmarshalJSON(b []byte) error {
	w := s.wire()
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return fmt.Errorf("switches: %w", err)
	}
	*s = Switches(w.plainSwitches)
	s.InviteTTL, s.RejectedFor = time.Duration(w.InviteTTL), time.Duration(w.RejectedFor)
	s.Propagation, s.QPMPause = time.Duration(w.Propagation), time.Duration(w.QPMPause)
	s.ChangelogDelay, s.ChangelogKeeps = time.Duration(w.ChangelogDelay), time.Duration(w.ChangelogKeeps)
	return s.Validate()
}

// duration is a time.Duration that reads and writes as "1h30m".
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = duration(v)
	return err
}
