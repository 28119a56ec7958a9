package scim

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
)

// Directory keeps users and groups. Every call belongs to the source in its
// Call: what another source owns does not exist for it (bridge.ErrNotFound).
// Errors are the sentinels of package bridge, wrapped.
type Directory interface {
	User(ctx context.Context, call bridge.Call, id string, groups bool) (bridge.StoredUser, error)
	Users(ctx context.Context, call bridge.Call, q bridge.Query) (bridge.Page[bridge.StoredUser], error)
	CreateUser(ctx context.Context, call bridge.Call, u bridge.User) (bridge.User, error)
	// ChangeUser runs change on the stored user, inside the transaction and
	// perhaps twice. A user that comes back as it went in keeps its version.
	// ifVersion, when not 0, must be the stored version, else bridge.ErrConflict.
	ChangeUser(ctx context.Context, call bridge.Call, id string, ifVersion int64, change func(bridge.User) (bridge.User, error)) (bridge.User, error)
	DeleteUser(ctx context.Context, call bridge.Call, id string, ifVersion int64) error

	Group(ctx context.Context, call bridge.Call, id string, members bool) (bridge.GroupResource, error)
	Groups(ctx context.Context, call bridge.Call, q bridge.Query) (bridge.Page[bridge.GroupResource], error)
	CreateGroup(ctx context.Context, call bridge.Call, g bridge.GroupResource) (bridge.GroupResource, error)
	// ChangeGroup answers without members. A change without effect keeps the version.
	ChangeGroup(ctx context.Context, call bridge.Call, id string, c bridge.GroupChange) (bridge.GroupResource, error)
	DeleteGroup(ctx context.Context, call bridge.Call, id string, ifVersion int64) error
}

// Auth says whose token this is. from is the caller's address. A token that is
// not accepted is a *TokenError (or bridge.ErrNotFound), with the source if the
// token tells it; any other error means that nobody could tell, and is answered 503: Entra quarantines a job at once
// on a 401, so a database that is away must not look like a bad token.
type Auth interface {
	Authenticate(ctx context.Context, bearer, from string) (source bridge.Source, tokenLabel string, readOnly bool, err error)
}

// TokenError says why a token is not accepted, in words for the IdP's admin.
type TokenError struct{ Reason string }

func (e *TokenError) Error() string { return e.Reason }

// Log keeps the provisioning log.
type Log interface {
	Exchange(ctx context.Context, x bridge.Exchange)
}

// Limits are the bounds of one request. The zero value means the defaults.
type Limits struct {
	Body           int64         // bytes of a request about groups; 16 MiB, which holds a PATCH of 200,000 members
	UserBody       int64         // bytes of any other request; 1 MiB
	Depth          int           // nesting of JSON; 24
	Filter         int           // bytes of a filter; 4096
	FilterDepth    int           // nesting of a filter; 32
	FilterTime     time.Duration // for a long filter that has to read a directory from end to end; 400 ms
	PageSize       int           // resources of a page when count is not given; 100
	MaxPageSize    int           // resources of a page at most; 1000
	BulkOperations int           // 1000
	BulkBody       int64         // bytes of a bulk request; 4 MiB
	ReadTime       time.Duration // for the body to arrive; 60 s
	CursorTime     time.Duration // how long a cursor is good; 24 h
	LogBody        int           // bytes of a request body in the provisioning log; 4096
	PerSecond      float64       // requests of one source; 0 = no limit
	Burst          int           // above PerSecond; twice PerSecond
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Depth, 24)
	def(&l.Filter, 4096)
	def(&l.FilterDepth, 32)
	def(&l.PageSize, 100)
	def(&l.MaxPageSize, 1000)
	def(&l.BulkOperations, 1000)
	def(&l.LogBody, 4096)
	def(&l.Burst, int(2*l.PerSecond)+1)
	if l.Body <= 0 {
		l.Body = 16 << 20
	}
	if l.UserBody <= 0 {
		l.UserBody = min(1<<20, l.Body)
	}
	if l.FilterTime <= 0 {
		l.FilterTime = 400 * time.Millisecond
	}
	if l.BulkBody <= 0 {
		l.BulkBody = 4 << 20
	}
	if l.ReadTime <= 0 {
		l.ReadTime = time.Minute
	}
	if l.CursorTime <= 0 {
		l.CursorTime = 24 * time.Hour
	}
	l.PageSize = min(l.PageSize, l.MaxPageSize)
	return l
}

// Options is what New needs. Directory and Auth are required.
type Options struct {
	Directory Directory
	Auth      Auth
	Log       Log // nil: none is kept
	// PublicURL is the address under which IdPs reach this server, without
	// /scim/v2. It is what meta.location starts with, never the Host header.
	PublicURL string
	// DocumentationURL is shown in /ServiceProviderConfig.
	DocumentationURL string
	// CursorKey seals paging cursors. Servers that share a database share it;
	// nil: one is made, and cursors end with the process.
	CursorKey []byte
	// Ready says whether requests can be served, and if not, why. nil: always.
	Ready  func() (ok bool, reason string)
	Now    func() time.Time // nil: time.Now
	NewID  func() string    // request ids; nil: UUIDv7
	Logger zerolog.Logger
	Limits Limits
}
