package bridge

import (
	"errors"
	"slices"
	"time"
)

// What a directory says when it refuses. They are wrapped; test with errors.Is.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrConflict = errors.New("changed meanwhile")
	ErrCycle    = errors.New("a group would contain itself")
)

// What a directory cannot keep or answer. They are wrapped with the attribute
// that is at fault, and are the caller's to mend.
var (
	ErrValue  = errors.New("the value cannot be stored")
	ErrFilter = errors.New("the filter cannot be answered")
)

// User is a SCIM User as the directory keeps it: the columns that the bridge
// works with, and all attributes as the IdP sent them.
type User struct {
	Person
	// Attributes is the whole resource without id, meta, schemas, groups and
	// password; keys in the schema's spelling, extensions nested under their URN.
	Attributes map[string]any
	Version    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
	// Groups the user is directly in; filled only on request.
	Groups []MemberRef
}

// StoredUser is a User as a read shows it: its attributes are still the JSON
// object that is stored.
type StoredUser struct {
	ID         string
	Attributes string // see User.Attributes
	Version    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
	Groups     []MemberRef // the user is directly in; filled only on request
}

// GroupResource is a SCIM Group as the directory keeps it. Members are rows of
// their own and filled only on request.
type GroupResource struct {
	Group
	Attributes map[string]any // without id, meta, schemas, members
	Version    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
	Members    []MemberRef
}

// MemberRef is one value of members (of a Group) or groups (of a User). A
// reference to someone not yet seen is kept and resolved when they arrive.
type MemberRef struct {
	Value   string // id
	Type    string // User or Group; "" when not known yet
	Display string
}

// MemberOp is one step of a membership change.
type MemberOp string

// The membership steps.
const (
	AddMembers     MemberOp = "add"
	RemoveMembers  MemberOp = "remove"
	ReplaceMembers MemberOp = "replace" // exactly Refs remain
	ClearMembers   MemberOp = "clear"
)

// MemberChange is one step on a group's members. Where selects members to
// remove by something other than their value.
type MemberChange struct {
	Op    MemberOp
	Refs  []MemberRef
	Where *Expr
}

// GroupChange is a PATCH or PUT of a group: Attributes (nil: untouched) runs on
// the group without its members, Members runs in order; all or nothing.
// IfVersion, when not 0, must be the stored version, else ErrConflict.
type GroupChange struct {
	Attributes func(GroupResource) (GroupResource, error)
	Members    []MemberChange
	IfVersion  int64
}

// Call says who calls the directory: the source, the token's label, the
// request, for the audit trail.
type Call struct {
	Source     Source
	TokenLabel string
	RequestID  string // ours; becomes the correlation of all that follows
	RemoteAddr string
	UserAgent  string
}

// Query is a SCIM list request.
type Query struct {
	Filter     *Expr  // nil: all
	SortBy     string // attribute path in the schema's spelling; "" = by id
	SortExact  bool   // letter case counts (the schema's caseExact)
	Descending bool
	Offset     int // 0-based
	Limit      int // 0: only the total
	// After is where to go on (cursor paging): behind the resource with this id
	// or, with SortBy "userName", behind this userName. Else SortBy must be "".
	After   string
	Total   bool // count all matches
	Groups  bool // fill User.Groups
	Members bool // fill GroupResource.Members
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T
	Total int  // -1 when not asked for
	More  bool // another page follows
}

// Expr is a SCIM filter: a logical node with Left and Right, a negation with
// Left, a value path (Path with Left as its inner filter), or a comparison.
type Expr struct {
	Op    ExprOp
	Left  *Expr
	Right *Expr
	// Path of a comparison or value path: URN of an extension ("" for core),
	// attribute and sub-attribute, in the schema's spelling.
	Path AttrPath
	// Value of a comparison: string, bool, float64, int64, time.Time or nil.
	Value any
	// CaseExact compares strings letter by letter; otherwise folded.
	CaseExact bool
	// Multi says that the attribute is multi-valued: any of its values may match.
	Multi bool
	// Complex says that Path.Attr is complex (Path.Sub then names the part).
	Complex bool
	// Type is the schema's type of what is compared: string, boolean, integer,
	// decimal, dateTime, reference, binary.
	Type string
}

// AttrPath names an attribute.
type AttrPath struct {
	URN, Attr, Sub string
}

// ExprOp is the operator of a filter node.
type ExprOp string

// The operators of RFC 7644 section 3.4.2.2.
const (
	OpAnd       ExprOp = "and"
	OpOr        ExprOp = "or"
	OpNot       ExprOp = "not"
	OpValuePath ExprOp = "[]"
	OpEq        ExprOp = "eq"
	OpNe        ExprOp = "ne"
	OpCo        ExprOp = "co"
	OpSw        ExprOp = "sw"
	OpEw        ExprOp = "ew"
	OpGt        ExprOp = "gt"
	OpGe        ExprOp = "ge"
	OpLt        ExprOp = "lt"
	OpLe        ExprOp = "le"
	OpPr        ExprOp = "pr"
)

// Clone copies the user deeply, so that a change cannot reach what is stored.
func (u User) Clone() User {
	u.Emails = slices.Clone(u.Emails)
	u.Groups = slices.Clone(u.Groups)
	u.Attributes = cloneMap(u.Attributes)
	return u
}

// Clone copies the group deeply.
func (g GroupResource) Clone() GroupResource {
	g.Members = slices.Clone(g.Members)
	g.Attributes = cloneMap(g.Attributes)
	return g
}

func cloneMap(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = cloneValue(v)
	}
	return out
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return cloneMap(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = cloneValue(v[i])
		}
		return out
	}
	return v
}
