package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Asset names one thing on a platform that people are given access to: an ad
// account, a page, a catalog. Its text is "ad_account:123".
//
// Kind is the platform's own word in lower case, one of Traits.Assets. ID is the
// platform's id; it is "" for what a hub has once (TikTok's finance role), and
// the text is then the kind alone.
type Asset struct {
	Kind string `json:"kind"`
	ID   string `json:"id,omitempty"`
}

func (a Asset) String() string {
	if a.ID == "" {
		return a.Kind
	}
	return a.Kind + ":" + a.ID
}

// compareAssets orders assets by kind and id.
func compareAssets(a, b Asset) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

// AssetAccess is platform access to one asset: the platform's own roles on it
// (TikTok OPERATOR; Meta ADVERTISE and ANALYZE). Sorted, each once; none is no
// access. Its text is "ad_account:123=ADVERTISE+ANALYZE".
type AssetAccess struct {
	Asset
	Roles []string `json:"roles"`
}

func (a AssetAccess) String() string { return a.Asset.String() + "=" + strings.Join(a.Roles, "+") }

// AssetKind declares one kind of asset of a platform and how access to it works.
type AssetKind struct {
	Kind  string   // "ad_account"
	Noun  string   // "ad account"
	Roles []string // the platform's own, lowest first
	// Many: the roles are a set (Meta's tasks). Otherwise a person has exactly
	// one, and a new one replaces it.
	Many bool
	// OfHub: the hub has it once, so that it has no id (TikTok's finance role).
	OfHub bool
	// Revocable: the platform lets us take the access away. Otherwise a person
	// has to, and the row says how.
	Revocable bool
	// Seen says that Members shows the access already, at no further call.
	Seen bool
	// Invitable: the platform takes the access with an invitation, too, and gives
	// it on acceptance.
	Invitable bool
	// Brings names what comes with a role (Meta's MANAGE brings ADVERTISE and
	// ANALYZE), where roles are a set. The platform may show it beside the role or
	// not; everyone who reads, wants and compares roles takes them whole (Whole).
	Brings map[string][]string
	// Prefix may stand before an id and is left out (Meta's act_123 is 123), so
	// that one asset has one name.
	Prefix string
}

// Asset finds a kind of asset among those of the platform.
func (t Traits) Asset(kind string) (AssetKind, bool) {
	for _, k := range t.Assets {
		if k.Kind == kind {
			return k, true
		}
	}
	return AssetKind{}, false
}

// ParseAssetAccess reads KIND:ID=ROLE[+ROLE…], or KIND=ROLE for what a hub has
// once. Kind and roles are read without regard to letter case; the error names
// what is wrong and what the platform knows.
func (t Traits) ParseAssetAccess(text string) (AssetAccess, error) {
	name, roles, ok := strings.Cut(text, "=")
	if !ok || roles == "" {
		return AssetAccess{}, fmt.Errorf("asset %q: write KIND:ID=ROLE, for instance %s", text, t.assetExample())
	}
	word, id, _ := strings.Cut(name, ":")
	k, ok := t.Asset(strings.ToLower(strings.TrimSpace(word)))
	if !ok {
		return AssetAccess{}, fmt.Errorf("asset %q: %s has no kind of asset %q; use %s", text, t.Platform, word, t.assetKinds())
	}
	if id = strings.TrimSpace(id); len(id) >= len(k.Prefix) && strings.EqualFold(id[:len(k.Prefix)], k.Prefix) {
		id = id[len(k.Prefix):]
	}
	switch {
	case k.OfHub && id != "":
		return AssetAccess{}, fmt.Errorf("asset %q: a %s has one %s, which has no id; write %s=ROLE", text, t.HubNoun, k.Noun, k.Kind)
	case !k.OfHub && id == "":
		return AssetAccess{}, fmt.Errorf("asset %q: the id of the %s is missing; write %s:ID=%s", text, k.Noun, k.Kind, roles)
	}
	a := AssetAccess{Asset: Asset{k.Kind, id}}
	for role := range strings.FieldsFuncSeq(roles, func(r rune) bool { return r == '+' || r == ',' || r == ' ' }) {
		i := slices.IndexFunc(k.Roles, func(have string) bool { return strings.EqualFold(have, role) })
		if i < 0 {
			return AssetAccess{}, fmt.Errorf("asset %q: %q is no role on this kind of asset of %s; use %s", text, role, t.Platform, strings.ToLower(strings.Join(k.Roles, ", ")))
		}
		a.Roles = append(a.Roles, k.Roles[i])
	}
	slices.Sort(a.Roles)
	a.Roles = slices.Compact(a.Roles)
	switch {
	case len(a.Roles) == 0:
		return AssetAccess{}, fmt.Errorf("asset %q: no role after =; use %s", text, strings.ToLower(strings.Join(k.Roles, ", ")))
	case len(a.Roles) > 1 && !k.Many:
		return AssetAccess{}, fmt.Errorf("asset %q: a person has one role on each %s; choose one of %s", text, k.Noun, strings.ToLower(strings.Join(a.Roles, ", ")))
	}
	a.Roles = k.Whole(a.Roles)
	return a, nil
}

func (t Traits) assetKinds() string {
	if len(t.Assets) == 0 {
		return "none: adbridge grants no assets there"
	}
	kinds := make([]string, len(t.Assets))
	for i, k := range t.Assets {
		kinds[i] = k.Kind
	}
	return strings.Join(kinds, ", ")
}

func (t Traits) assetExample() string {
	for _, k := range t.Assets {
		if !k.OfHub && len(k.Roles) > 0 {
			return k.Kind + ":123=" + strings.ToLower(k.Roles[0])
		}
	}
	return "ad_account:123=advertise"
}

// Whole is roles with all that they bring, sorted, each once: the one form in
// which lists of roles are kept and compared.
func (k AssetKind) Whole(roles []string) []string {
	all := slices.Clone(roles)
	for i := 0; i < len(all); i++ {
		for _, more := range k.Brings[all[i]] {
			if !slices.Contains(all, more) {
				all = append(all, more)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Join is the access of someone who is given both lists of roles: all of them
// where roles are a set, else the higher one.
func (k AssetKind) Join(a, b []string) []string {
	if k.Many {
		return k.Whole(slices.Concat(a, b))
	}
	if k.Rank(b) > k.Rank(a) {
		return b
	}
	return a
}

// Rank orders access to an asset: none is 0, and more is more. Of a set it is the
// number of roles; a value that the platform added since ranks lowest.
func (k AssetKind) Rank(roles []string) int {
	if k.Many || len(roles) == 0 {
		return len(k.Whole(roles))
	}
	return max(1, slices.Index(k.Roles, roles[0])+1)
}

// Covers says whether access a holds everything that b does.
func (k AssetKind) Covers(a, b []string) bool {
	if !k.Many {
		return k.Rank(a) >= k.Rank(b)
	}
	a = k.Whole(a)
	for _, role := range b {
		if !slices.Contains(a, role) {
			return false
		}
	}
	return true
}

// DesiredAsset is what the rules want for one person on one asset of the hub.
// No roles: wanted once, not any more.
type DesiredAsset struct {
	AssetAccess
	Since time.Time    `json:"since"` // when it last changed: the settle window starts here
	Cause Code         `json:"cause"` // why it last changed
	Why   []Provenance `json:"why,omitempty"`
	// Concerns is how many a guard saw the change concern at once, as of Desired.
	Concerns int `json:"concerns,omitempty"`
}

// MemberAsset is how a member stands with one asset: what the platform shows,
// and what we last made so.
type MemberAsset struct {
	Asset
	Roles   []string `json:"roles,omitempty"`   // as last observed; none: no access
	Applied []string `json:"applied,omitempty"` // what we last made so; none: never, or taken back
	// Had is what Applied was before our last accepted write: it is so again if a
	// reading contradicts the platform's yes.
	Had       []string  `json:"had,omitempty"`
	AppliedAt time.Time `json:"applied_at,omitzero"`
	SeenAt    time.Time `json:"seen_at,omitzero"` // when a pull that first showed it so was taken in; Pull.Assets says when it was read last
	// MissingAt is the start of the first pull that did not find the asset at all,
	// while none has read it since.
	MissingAt time.Time `json:"missing_at,omitzero"`
}

// AssetListing is everyone with access to one asset as one pull read it.
type AssetListing struct {
	Asset
	Complete bool         `json:"complete"`        // false: nothing can be concluded from it
	Error    string       `json:"error,omitempty"` // why it is not
	Reason   Code         `json:"reason,omitempty"`
	Users    []AssetUser  `json:"users"`
	Info     AssetDetails `json:"info"`
}

// AssetRead is how the reading of one asset went in a pull. A member is not
// rewritten for showing the same access again: that the last pull read the asset
// is what says how old the picture is.
type AssetRead struct {
	AssetDetails
	Error  string `json:"error,omitempty"`  // why nothing can be concluded; "": it was read whole
	Reason Code   `json:"reason,omitempty"` // of the error
}

// missing says that the platform shows no such asset to the hub: it is gone, not
// shared any more, or never was. Asking again does not help.
func (r AssetRead) missing() bool {
	return r.Error != "" && (r.Reason == PlatformAssetNotFound || r.Reason == PlatformNotFound)
}

func (r AssetRead) text() string {
	s := r.Asset.String()
	if r.Name != "" {
		s += " (" + r.Name + ")"
	}
	if r.Error != "" {
		s += ": " + r.Error
	}
	return s
}

// AssetsRead is what Pull.Assets keeps of the listings of a pull.
func AssetsRead(listings []AssetListing) []AssetRead {
	var out []AssetRead
	for _, l := range listings {
		r := AssetRead{AssetDetails: l.Info}
		r.Asset = l.Asset
		if !l.Complete {
			r.Error, r.Reason = cmp.Or(l.Error, "the listing broke off"), l.Reason
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b AssetRead) int { return compareAssets(a.Asset, b.Asset) })
	return out
}

// AssetUser is one member's access to an asset as the platform lists it.
type AssetUser struct {
	PlatformID string   `json:"platform_id"`
	Name       string   `json:"name,omitempty"`
	Roles      []string `json:"roles"`
}

// AssetDetails is what the platform says of an asset itself.
type AssetDetails struct {
	Asset
	Name  string `json:"name,omitempty"`
	Owner string `json:"owner,omitempty"` // the business it belongs to, as the platform names it; "" = the hub's own, or not said
}

// AssetStep is one asset in a person's row of a plan: what is wanted, what is
// shown, and what would be done about it.
type AssetStep struct {
	Key string `json:"key"` // "assign/<member>/ad_account:123"
	Asset
	Desired  []string     `json:"desired,omitempty"`
	Observed []string     `json:"observed,omitempty"`
	Applied  []string     `json:"applied,omitempty"`
	Action   Action       `json:"action,omitempty"` // Assign or Unassign
	To       []string     `json:"to,omitempty"`     // what an Assign would leave them with; none of an Unassign
	Verdict  Verdict      `json:"verdict"`
	Reason   Code         `json:"reason,omitempty"`
	Detail   string       `json:"detail,omitempty"`
	Until    time.Time    `json:"until,omitzero"`
	Since    time.Time    `json:"since,omitzero"`
	Cause    Code         `json:"cause,omitempty"`
	Why      []Provenance `json:"why,omitempty"`
	Decision string       `json:"decision,omitempty"`
	TaskID   string       `json:"task_id,omitempty"`
	Order    int          `json:"order"`
}
