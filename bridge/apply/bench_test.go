package apply

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/connectors/meta"
	"adbridge/connectors/meta/metasim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

const (
	portfolio = "200000000000001"
	ana       = "300000000000900"
	bo        = "300000000000901" // an admin, as Cy is, so that one may go
	cy        = "300000000000902"
)

var account = bridge.Asset{Kind: "ad_account", ID: "600000000000001"}

const (
	accountNode = "act_600000000000001"
	assigns     = "assign ADVERTISE+ANALYZE" // the one brings the other
)

var advertises = []string{"ADVERTISE", "ANALYZE"}

// bench is a hub on a portfolio of the simulator's, with one member of ours, Ana,
// who is to have ADVERTISE on the ad account; nothing is there yet and nothing is
// planned.
type bench struct {
	t       *testing.T
	db      *storage.DB
	sim     *metasim.Sim
	net     *network
	url     string
	hub     bridge.Hub
	lease   storage.Lease
	planner reconcile.Planner
	puller  reconcile.Puller
	worker  Worker
	rule    bridge.Rule
	ana     string // her member's id

	mu     sync.Mutex
	passed time.Duration
}

// network is the way to the platform; on hears of each request before it leaves,
// and keeps it from leaving with an error.
type network struct {
	http.Transport
	on func(*http.Request) error
	// answered hears of each answer.
	answered func(*http.Request, *http.Response)
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if n.on != nil {
		if err := n.on(r); err != nil {
			return nil, err
		}
	}
	resp, err := n.Transport.RoundTrip(r)
	if err == nil && n.answered != nil {
		n.answered(r, resp)
		if r.Context().Err() != nil { // nobody waits for it any more
			resp.Body.Close()
			return nil, r.Context().Err()
		}
	}
	return resp, err
}

// now is the time of adbridge and of the platform.
func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.passed)
}

// pass lets time pass.
func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.passed += max(0, d)
}

func world(now time.Time) metasim.World {
	return metasim.World{
		Apps: []metasim.App{{ID: "700000000000001", Name: "adbridge", Secret: "app secret", RequireProof: true, ClaimedBy: []string{portfolio}}},
		Businesses: []metasim.Business{{
			ID: portfolio, Name: "Oak",
			People: []metasim.Person{
				{ID: ana, Email: "ana@corp.example", Name: "Ana", Role: "EMPLOYEE"}, {ID: bo, Email: "bo@corp.example", Name: "Bo", Role: "ADMIN"},
				{ID: cy, Email: "cy@corp.example", Name: "Cy", Role: "ADMIN"},
			},
			SystemUsers: []metasim.SystemUser{{ID: "400000000000001", Name: "adbridge", Role: "ADMIN", CreatedTime: now.Add(-30 * 24 * time.Hour)}},
			AdAccounts:  []metasim.Asset{{ID: accountNode, Name: "Brand"}},
		}},
		Tokens: []metasim.Token{{Token: "token of oak", App: "700000000000001", SystemUser: "400000000000001", Scopes: []string{"ads_management", "business_management"}, IssuedAt: now}},
	}
}

// dial opens a connector to the simulator; ask is asked before each of its writes.
func (b *bench) dial(hear func(connectors.Call), ask func(context.Context) error) (connectors.Connector, error) {
	return meta.Open(connectors.Config{
		BusinessID: portfolio, APIURL: b.url, Token: bridge.NewSecret("token of oak"), AppID: "700000000000001", AppSecret: bridge.NewSecret("app secret"),
		Transport: b.net, Now: b.now, OnCall: hear, BeforeWrite: ask, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ctx := t.Context()
	b := &bench{t: t, net: &network{}}
	b.db = storagetest.Open(t, storagetest.MigratedSQLite(t), func(o *storage.Options) { o.Now = b.now })
	sim, err := metasim.New(metasim.Options{World: world(b.now()), Now: b.now})
	b.ok(err)
	b.sim = sim
	srv := httptest.NewServer(sim)
	t.Cleanup(func() { b.net.CloseIdleConnections(); srv.Close() })
	of := func(bridge.Platform) bridge.Traits { return meta.Traits() }
	b.url = srv.URL
	dial := func(_ context.Context, _ string, hear func(connectors.Call)) (connectors.Connector, error) {
		return b.dial(hear, nil)
	}
	b.planner = reconcile.Planner{DB: b.db, Traits: of, Log: zerolog.Nop()}
	b.puller = reconcile.Puller{DB: b.db, Dial: dial, Traits: of, Log: zerolog.Nop()}
	b.worker = Worker{DB: b.db, Dial: dial, Traits: of, Log: zerolog.Nop()}
	b.hub, err = reconcile.AddHub(ctx, b.db, bridge.Hub{Slug: "oak", Platform: bridge.Meta, BusinessID: portfolio}, storage.Credentials{Token: bridge.NewSecret("x")},
		connectors.Connection{BusinessID: portfolio}, "test")
	b.ok(err)
	_, err = reconcile.ChangeHub(ctx, b.db, "oak", "test", "hub.set", func(h *bridge.Hub) (map[string]any, error) {
		if err := h.Settings.Set("settle-window", "0s"); err != nil {
			return nil, err
		}
		return nil, h.Settings.Set("propagation-delay", "0s")
	})
	b.ok(err)
	_, err = reconcile.SetMode(ctx, b.db, "oak", bridge.ModeFull, "test", "")
	b.ok(err)
	source := storagetest.Source(t, b.db, "okta")
	person := storagetest.User(t, b.db, source.ID, "ana@corp.example", map[string]any{"emails": storagetest.Emails("ana@corp.example")})
	storagetest.Group(t, b.db, source.ID, "Buyers", person.ID)
	storagetest.Group(t, b.db, source.ID, "Staff", person.ID)
	_, err = reconcile.AddRule(ctx, b.db, bridge.Rule{GroupName: "Staff", Role: bridge.Collaborator}, "oak", "test")
	b.ok(err)
	b.rule, err = reconcile.AddRule(ctx, b.db, bridge.Rule{GroupName: "Buyers", Role: bridge.Collaborator,
		Assets: []bridge.AssetAccess{{Asset: account, Roles: []string{"ADVERTISE"}}}}, "oak", "test")
	b.ok(err)
	b.write(func(ctx context.Context, tx *storage.Tx) error {
		m := bridge.Member{ID: tx.NewID(), HubID: b.hub.ID, PersonID: person.ID, Ownership: bridge.Created, Applied: bridge.Collaborator, FirstSeen: tx.Now(), LastSeen: tx.Now(),
			Match: &bridge.Match{Rule: bridge.MatchByEmail}, Seen: bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: ana, Email: "ana@corp.example", Role: bridge.Collaborator}}
		b.ana = m.ID
		if err := tx.PutMembers(ctx, []bridge.Member{m}); err != nil {
			return err
		}
		at := tx.Now().Add(-time.Second)
		return tx.StartPull(ctx, bridge.Pull{ID: tx.NewID(), HubID: b.hub.ID, BusinessID: portfolio, StartedAt: at, EndedAt: at, Complete: true, Members: 1, PlatformTotal: -1,
			Assets: []bridge.AssetRead{{AssetDetails: bridge.AssetDetails{Asset: account}}}})
	})
	b.write(func(ctx context.Context, tx *storage.Tx) (err error) {
		b.lease, _, err = tx.AcquireLane(ctx, b.hub.ID, "test", 10_000*time.Hour)
		return err
	})
	b.write(func(ctx context.Context, tx *storage.Tx) error { // what the rule asked for is not what the tests ask
		lane, err := tx.Lane(ctx, b.hub.ID)
		if err != nil {
			return err
		}
		lane.PullAsked = false
		return tx.UpdateLane(ctx, lane)
	})
	return b
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) write(f func(context.Context, *storage.Tx) error) {
	b.t.Helper()
	storagetest.Write(b.t, b.db, f)
}

// plan plans the hub and leaves the tasks.
func (b *bench) plan() {
	b.t.Helper()
	_, _, err := b.planner.Plan(b.t.Context(), b.lease)
	b.ok(err)
}

// next lets the worker do one piece of work.
func (b *bench) next() bool {
	b.t.Helper()
	did, err := b.worker.Next(b.t.Context(), b.lease)
	b.ok(err)
	return did
}

// task is the newest task.
func (b *bench) task() (task bridge.Task) {
	b.t.Helper()
	storagetest.Read(b.t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		list, err := tx.Tasks(ctx, storage.TaskFilter{HubID: b.hub.ID, Limit: 1})
		if len(list) == 1 {
			task = list[0]
		}
		return err
	})
	return task
}

// is checks the task's state and reason, what was called, and whether a pull was asked for.
func (b *bench) is(state bridge.TaskState, reason bridge.Code, pull bool, calls ...string) {
	b.t.Helper()
	t := b.task()
	if t.State != state || reason != "" && t.Reason != reason {
		b.t.Errorf("the task is %s (%s, %s), want %s (%s)", t.State, t.Reason, t.Detail, state, reason)
	}
	b.asked(calls...)
	storagetest.Read(b.t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		lane, err := tx.Lane(ctx, b.hub.ID)
		if lane.PullAsked != pull {
			b.t.Errorf("a pull was asked for: %t, want %t", lane.PullAsked, pull)
		}
		return err
	})
}

// noted checks what the record says of Ana on the ad account.
func (b *bench) noted(roles, applied string) {
	b.t.Helper()
	storagetest.Read(b.t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		m, err := tx.Member(ctx, b.ana)
		var a bridge.MemberAsset
		for _, x := range m.Assets {
			a = x
		}
		if strings.Join(a.Roles, "+") != roles || strings.Join(a.Applied, "+") != applied {
			b.t.Errorf("the record says %q, of it %q from us; want %q and %q", a.Roles, a.Applied, roles, applied)
		}
		return err
	})
}

// lane is the hub's schedule.
func (b *bench) lane() (lane storage.Lane) {
	b.t.Helper()
	storagetest.Read(b.t, b.db, func(ctx context.Context, tx *storage.Tx) (err error) {
		lane, err = tx.Lane(ctx, b.hub.ID)
		return err
	})
	return lane
}

// free checks that nothing holds the hub up.
func (b *bench) free() {
	b.t.Helper()
	if lane := b.lane(); !lane.BackoffUntil.IsZero() || lane.Failures != 0 {
		b.t.Errorf("the hub waits until %s, after %d failures", lane.BackoffUntil, lane.Failures)
	}
}

// due lets time pass until the tasks' time has come.
func (b *bench) due() {
	b.t.Helper()
	var last time.Time
	storagetest.Read(b.t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		open, err := tx.OpenTasks(ctx, b.hub.ID)
		for _, t := range open {
			if t.NotBefore.After(last) {
				last = t.NotBefore
			}
		}
		return err
	})
	b.pass(last.Sub(b.now()))
}

// calls are the changes that the platform was asked for, whatever came of them.
func (b *bench) calls() (all []string) {
	for _, r := range b.sim.Requests() {
		p := r.Params
		switch r.Op {
		case "POST assigned_users":
			var tasks []string
			b.ok(json.Unmarshal([]byte(p["tasks"]), &tasks))
			all = append(all, "assign "+strings.Join(tasks, "+"))
		case "DELETE assigned_users":
			all = append(all, "unassign")
		case "POST business_user":
			all = append(all, "set "+p["role"])
		case "DELETE business_user":
			all = append(all, "remove")
		case "POST business_users":
			all = append(all, "invite "+p["email"])
		case "DELETE business_role_request":
			all = append(all, "cancel")
		default:
			if r.Write {
				b.t.Errorf("the platform was asked for %s", r.Op)
			}
		}
	}
	return all
}

// asked checks what changes the platform was asked for.
func (b *bench) asked(calls ...string) {
	b.t.Helper()
	if got := b.calls(); !slices.Equal(got, calls) {
		b.t.Errorf("the platform was asked for %q, want %q", got, calls)
	}
}

// Codes of Meta's answers.
const (
	unavailable  = 2     // an API service, which says nothing about a change
	appLimit     = 4     // the app's calls
	wrong        = 100   // a parameter
	forbidden    = 200   // a permission
	accountLimit = 80004 // the calls of one ad account
)

// fails has the calls of an operation answered with an error of Meta's from now
// on, but for some first ones.
func (b *bench) fails(op string, code, but int) {
	b.sim.Faults.Add(metasim.Fault{Op: op, Kind: metasim.FaultError, Skip: but, Error: &metasim.GraphError{Message: "no", Type: "OAuthException", Code: code}})
}

// loses has some calls of an operation stay without an answer.
func (b *bench) loses(op, kind string, times int) {
	b.sim.Faults.Add(metasim.Fault{Op: op, Kind: kind, Times: times})
}

// lies has the platform say yes to some calls of an operation, and do nothing.
func (b *bench) lies(op string, times int) { b.loses(op, metasim.FaultNoEffect, times) }

// hides has some lists of an operation leave Ana out.
func (b *bench) hides(op string, but, times int, uncounted bool) {
	b.sim.Faults.Add(metasim.Fault{Op: op, Kind: metasim.FaultMissingRow, Row: ana, Skip: but, Times: times, Uncounted: uncounted})
}

// mend ends all faults.
func (b *bench) mend() { b.sim.Faults.Clear() }

// byHand has another admin give Ana tasks on the ad account in place of those she
// has, or with none take them away.
func (b *bench) byHand(tasks ...string) {
	b.t.Helper()
	b.ok(b.sim.Assign(metasim.Deed{Business: portfolio, By: bo, Asset: accountNode, User: ana, Tasks: tasks}))
}

// has is what Ana truly has on the ad account.
func (b *bench) has() []string {
	for _, a := range b.sim.World().Businesses[0].AdAccounts {
		for _, as := range a.Assigned {
			if as.User == ana {
				return as.Tasks
			}
		}
	}
	return nil
}

// roleOf is what someone truly is on the portfolio.
func (b *bench) roleOf(id string) string {
	for _, p := range b.sim.World().Businesses[0].People {
		if p.ID == id {
			return p.Role
		}
	}
	return ""
}
