package connectors

import (
	"context"
	"iter"
	"net/http"
	"time"

	"adbridge/bridge"
)

// Traits declare what a platform can do.
type Traits = bridge.Traits

// Connector speaks to one hub on one platform. It is safe for concurrent use.
// Every error is an *Error or a context error.
type Connector interface {
	Traits() Traits

	// Check asks the platform whether the token works, reaches the business
	// and may manage its people, and as whom it acts. It writes nothing.
	Check(ctx context.Context) (Connection, error)

	// Members lists everyone on the hub and everyone invited to it, page by
	// page. An error is yielded once and ends the listing; what came before it
	// is then only a part. Each member is yielded once.
	Members(ctx context.Context, total func(int)) iter.Seq2[bridge.Seen, error]

	// Owners lists the people who are accepted owners now, by the cheapest
	// reading: what the guard of the last admin asks right before a call.
	Owners(ctx context.Context) ([]bridge.Seen, error)

	// Find reads one person: by platform id, by invitation id, by address
	// (invited or member). All that fit are returned, none if nobody does.
	Find(ctx context.Context, who Subject) ([]bridge.Seen, error)

	// Invite invites up to Traits.InviteBatch addresses with one role, and with
	// the same access for each, which they get on acceptance; of kinds that are
	// Invitable. nil means that the platform said yes, which is not yet proof:
	// read it back.
	Invite(ctx context.Context, emails []string, role bridge.Role, with ...bridge.AssetAccess) (Receipt, error)

	// Cancel withdraws an open invitation. KindNotFound: there is none (any more).
	Cancel(ctx context.Context, who Subject) (Receipt, error)

	// SetRole changes the role of a member, or of an open invitation where
	// Traits.ChangePending says so (Subject.PlatformID empty then).
	SetRole(ctx context.Context, who Subject, role bridge.Role) (Receipt, error)

	// Remove takes a member off the hub. KindNotFound: not on it (any more).
	Remove(ctx context.Context, who Subject) (Receipt, error)
}

// Search is what a connector also does on whose platform, behind masked
// addresses, a member can be searched by the full one.
type Search interface {
	// Confirms says that the platform's own search for an address finds the
	// member with this id, and nobody else, and that the search is known to look
	// behind masks. False proves nothing. It takes two or three calls at most,
	// however large the hub.
	Confirms(ctx context.Context, platformID, email string) (bool, error)
}

// Assets is what a connector also does whose Traits declare kinds of asset.
type Assets interface {
	// Assets lists the assets of one kind that the hub may give access to. An
	// error is yielded once and ends the listing.
	Assets(ctx context.Context, kind string) iter.Seq2[bridge.AssetDetails, error]

	// AssetUsers lists who has access to one asset, each once: everyone where the
	// platform can be asked so, else at least all of whom, platform ids of
	// members, who have any. An error is yielded once and ends the listing; what
	// came before it is then only a part.
	AssetUsers(ctx context.Context, asset bridge.Asset, whom []string) iter.Seq2[bridge.AssetUser, error]

	// Assign gives an accepted member exactly these roles on the asset, in place
	// of those they have. nil is the platform's yes, not yet proof.
	Assign(ctx context.Context, who Subject, access bridge.AssetAccess) (Receipt, error)

	// Unassign takes all access to the asset from a member. KindNotFound: they
	// have none (any more).
	Unassign(ctx context.Context, who Subject, asset bridge.Asset) (Receipt, error)
}

// AssetGroups is what a connector also does on whose platform assets are bundled
// into groups, through which people reach all of them. No connector changes one.
type AssetGroups interface {
	// AssetGroups lists the groups of the hub, each whole.
	AssetGroups(ctx context.Context) ([]AssetGroup, error)
}

// AssetGroup bundles assets with the members who reach them.
type AssetGroup struct {
	ID, Name string
	Assets   []bridge.Asset
	Members  []bridge.AssetUser // with their roles on all of its assets
}

// Subject says whom a call is about; a platform uses what it can.
type Subject struct {
	PlatformID   string // of a member
	InvitationID string // of an invitation, where the platform numbers them
	Email        string // the full address we invited or know
	Name         string // for people reading errors
}

// Receipt is a platform's yes.
type Receipt struct {
	RequestID string // the platform's
	ID        string // of what was made, where the platform says (not proof of anything)
}

// Connection is what Check found.
type Connection struct {
	BusinessID   string
	BusinessName string
	// SelfID and SelfName are the account that the token acts as.
	SelfID, SelfName string
	SelfEmail        string // as shown; may be masked
	SelfRole         bridge.Role
	Scopes           []string
	ExpiresAt        time.Time // of the token; zero: never
	// Checks are all preconditions of the platform, met or not; also beside an
	// error, where what was not found out is unknown.
	Checks []bridge.Precondition
	// Findings are those of them that are not met and matter; those with
	// Blocking keep the hub from being saved.
	Findings []Finding
}

// Finding is one precondition and how it stands.
type Finding struct {
	Code     bridge.Code
	Detail   string
	Next     string
	Blocking bool
}

// Config is what a connector is made from.
type Config struct {
	BusinessID string
	APIURL     string // replaces scheme, host and port of the platform's base URL; "" = the platform's own
	Token      bridge.Secret
	AppID      string
	AppSecret  bridge.Secret
	Transport  http.RoundTripper // nil: http.DefaultTransport's clone
	Budget     *Budget           // shared by all hubs of one platform app; nil: none
	// Own is what the platform limits of this business alone, without windows:
	// paused when the platform says so. nil: none.
	Own    *Budget
	OnCall func(Call) // nil: nobody listens
	// BeforeWrite is asked right before each request that is to change something
	// leaves; none leaves that gets an error. nil: nobody is asked.
	BeforeWrite func(context.Context) error
	Now         func() time.Time // nil: time.Now
	Timeout     time.Duration    // of one exchange; 0: 30 s
	// ReadOnly: no request that could change anything leaves, whatever is asked
	// of the connector; it ends in KindForbidden, bridge.HubReadOnly. A partner's
	// business is only ever reached so.
	ReadOnly bool
	// Sleep waits between tries of a read; nil: the package's Sleep.
	Sleep func(context.Context, time.Duration) error
}

// Open makes a connector; it makes no call.
type Open func(Config) (Connector, error)

// Call is one HTTP exchange with a platform, for the record. It holds no secret.
type Call struct {
	Op         string        `json:"op"`     // the platform's name of the endpoint: "bc/member/invite", "POST business_users"
	Method     string        `json:"method"` //
	Path       string        `json:"path"`   // redacted
	Write      bool          `json:"write"`
	Status     int           `json:"status"` // HTTP; 0 when there was no answer
	Code       int           `json:"code"`   // the platform's
	SubCode    int           `json:"sub_code,omitempty"`
	Message    string        `json:"message,omitempty"`
	RequestID  string        `json:"request_id,omitempty"`
	StartedAt  time.Time     `json:"started_at"`
	Duration   time.Duration `json:"duration"`
	Error      string        `json:"error,omitempty"`       // of the transport
	BudgetLeft int           `json:"budget_left,omitempty"` // of the app's longest window, by all processes' count
	Usage      []Usage       `json:"usage,omitempty"`       // as the platform's answer says it
}

// Usage is how much of one of its limits is used up, in the platform's own count.
type Usage struct {
	Limit   string  `json:"limit"`               // "app", "business 123 ads_management", "ad account 123"
	Percent float64 `json:"percent"`             // of 100 at most, mostly
	FreeIn  int     `json:"free_in_s,omitempty"` // seconds until calls are let through again; 0: they are, or it is not said
}

// Detail is the call as an audit event carries it.
func (c Call) Detail() map[string]any {
	d := map[string]any{
		"op": c.Op, "method": c.Method, "path": c.Path, "status": c.Status, "code": c.Code,
		"request_id": c.RequestID, "ms": c.Duration.Milliseconds(), "write": c.Write,
		"started_at": c.StartedAt.UTC().Truncate(time.Microsecond),
	}
	for k, v := range map[string]string{"message": c.Message, "error": c.Error} {
		if v != "" {
			d[k] = v
		}
	}
	if c.SubCode != 0 {
		d["sub_code"] = c.SubCode
	}
	if c.BudgetLeft != 0 {
		d["budget_left"] = c.BudgetLeft
	}
	if len(c.Usage) > 0 {
		d["usage"] = c.Usage
	}
	return d
}
