package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/scim/idpsim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// said is a buffer that a running server writes and a test reads.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// here runs one command in this process, which is quicker than starting
// another: the same tree of commands, the same answers.
func (s *stage) here(stdin io.Reader, args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	code = run(ctx, append(slices.Clone(args), "--db", s.db, "--key-file", filepath.Join(s.dir, "adbridge.key"), "--log-level", "warn"), stdin, &out, &errs)
	if ctx.Err() != nil {
		s.t.Fatalf("adbridge %s: %v\n%s%s", strings.Join(args, " "), ctx.Err(), &out, &errs)
	}
	return out.String(), errs.String(), code
}

// journey is one hub on one simulated platform, worked by adbridge in this
// process, and an IdP that moves the directory.
type journey struct {
	*stage
	side
	app *App
	log *said
	url string
	end func() // stops the server as SIGTERM does
	idp *idpsim.Okta
	ids map[string]string // SCIM ids by address or group name
}

// Who is on every hub before adbridge comes: two admins and some people whom
// no directory here knows.
const elsewhere = "elsewhere.example"

var (
	chiefs    = at(elsewhere, "chief.one", "chief.two")
	strangers = at(elsewhere, "alma.stranger", "bert.stranger", "cleo.stranger", "dirk.stranger", "elsa.stranger", "finn.stranger", "gina.stranger", "hugo.stranger", "inga.stranger", "jens.stranger")
)

// seat is someone who is on the hub from the beginning.
type seat struct {
	email string
	role  bridge.Role
}

func seats(role bridge.Role, emails ...string) []seat {
	var out []seat
	for _, e := range emails {
		out = append(out, seat{e, role})
	}
	return out
}

// company is who is on the hub besides the seats of a test.
func company(more ...seat) []seat {
	return slices.Concat(seats(bridge.Owner, chiefs...), seats(bridge.Collaborator, strangers...), more)
}

// onBoth runs a journey on each platform, at the same time.
func onBoth(t *testing.T, there []seat, f func(t *testing.T, j *journey)) {
	t.Parallel()
	t.Run("tiktok", func(t *testing.T) {
		t.Parallel()
		f(t, newJourney(t, "tiktok", there))
	})
	t.Run("meta", func(t *testing.T) {
		t.Parallel()
		f(t, newJourney(t, "meta", there))
	})
}

func newJourney(t *testing.T, platform string, there []seat) *journey {
	t.Helper()
	j := &journey{stage: newStage(t, ttWorldOf(there), fbWorldOf(there)), log: &said{}, ids: map[string]string{}}
	j.inProcess, j.db = true, storagetest.MigratedSQLite(t)
	if err := j.tiktok.SetSwitches(tiktoksim.Switches{Masking: "none"}); err != nil {
		t.Fatal(err)
	}
	j.side = ttSide{t, j.tiktok}
	if platform == "meta" {
		j.side = fbSide{t, j.meta}
	}
	j.start()
	_, token, err := reconcile.AddSource(context.Background(), j.app.DB, bridge.Source{Name: "okta", Kind: bridge.Okta}, "first", "test")
	j.ok(err)
	j.idp = &idpsim.Okta{BaseURL: j.url + "/scim/v2", Token: token.Reveal()}
	return j
}

// start serves in this process, without the limit of calls that real apps have.
func (j *journey) start() {
	j.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	app, err := NewApp(ctx, j.config(), zerolog.New(j.log).Level(zerolog.DebugLevel))
	if err != nil {
		j.t.Fatal(err)
	}
	clear(app.budgets.Windows)
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- app.Serve(ctx, func(a net.Addr) error { ready <- a.String(); return nil })
	}()
	select {
	case addr := <-ready:
		j.url = "http://" + addr
	case err := <-done:
		j.t.Fatal(err)
	}
	if j.idp != nil {
		j.idp.BaseURL = j.url + "/scim/v2"
	}
	j.app = app
	j.end = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, app.Close()); err != nil {
			j.t.Errorf("the server ended with %v", err)
		}
	})
	j.t.Cleanup(func() {
		j.end()
		if j.t.Failed() {
			s := j.log.String()
			j.t.Logf("the server said:\n%s", s[max(0, len(s)-4000):])
		}
	})
}

func (j *journey) config() Config {
	return Config{Listen: "127.0.0.1:0", DB: j.db, KeyFile: filepath.Join(j.dir, "adbridge.key"), PublicURL: "http://127.0.0.1", LogLevel: "debug", LogFormat: "json"}
}

// restart stops the server and starts another.
func (j *journey) restart() {
	j.t.Helper()
	j.end()
	j.start()
}

// hub connects the hub "h" in a mode and waits until it is read. It does what
// the commands do, without opening the database for each of them anew.
func (j *journey) hub(mode string, settings ...string) {
	j.t.Helper()
	ctx := context.Background()
	hub := bridge.Hub{Slug: "h", Platform: bridge.Platform(j.platform()), BusinessID: j.business(), AppID: ttApp, APIURL: j.ttURL}
	cred := storage.Credentials{Token: bridge.NewSecret(ttToken)}
	if hub.Platform == bridge.Meta {
		hub.AppID, hub.APIURL = metaApp, j.metaURL
		cred = storage.Credentials{Token: bridge.NewSecret(fbToken), AppSecret: bridge.NewSecret(fbSecret)}
	}
	conn, err := j.app.Connect(hub, cred, nil)
	j.ok(err)
	found, err := conn.Check(ctx)
	j.ok(err)
	_, err = reconcile.AddHub(ctx, j.app.DB, hub, cred, found, "test")
	j.ok(err)
	j.set(append([]string{"settle-window=0s", "propagation-delay=0s"}, settings...)...)
	j.mode(mode)
}

// set changes settings of the hub.
func (j *journey) set(pairs ...string) {
	j.t.Helper()
	_, err := reconcile.ChangeHub(context.Background(), j.app.DB, "h", "test", audit.HubSet, func(h *bridge.Hub) (map[string]any, error) { return setAll(h, pairs) })
	j.ok(err)
	j.quiet()
}

// mode puts the hub in a mode.
func (j *journey) mode(mode string) {
	j.t.Helper()
	_, err := reconcile.SetMode(context.Background(), j.app.DB, "h", bridge.Mode(mode), "test", "")
	j.ok(err)
	j.quiet()
}

func (j *journey) rule(group, role string) {
	j.t.Helper()
	_, err := reconcile.AddRule(context.Background(), j.app.DB, bridge.Rule{GroupName: group, Role: bridge.Role(role)}, "h", "test")
	j.ok(err)
}

// people makes persons in the directory.
func (j *journey) people(emails ...string) {
	j.t.Helper()
	for _, e := range emails {
		id, err := j.idp.CreateUser(context.Background(), idpsim.NewUser(nameOf(e), e, "Marketing"))
		j.ok(err)
		j.ids[e] = id
	}
}

// group pushes a group with these members.
func (j *journey) group(name string, members ...string) {
	j.t.Helper()
	id, err := j.idp.PushGroup(context.Background(), idpsim.Group{DisplayName: name, Members: j.all(members)})
	j.ok(err)
	j.ids[name] = id
}

func (j *journey) all(names []string) []string {
	var ids []string
	for _, n := range names {
		ids = append(ids, j.ids[n])
	}
	return ids
}

func (j *journey) join(group string, who ...string) {
	j.t.Helper()
	j.ok(j.idp.AddMembers(context.Background(), j.ids[group], j.all(who)...))
}

func (j *journey) leave(group string, who ...string) {
	j.t.Helper()
	j.ok(j.idp.RemoveMembers(context.Background(), j.ids[group], j.all(who)...))
}

func (j *journey) deactivate(who ...string) {
	j.t.Helper()
	for _, w := range who {
		j.ok(j.idp.Deactivate(context.Background(), j.ids[w]))
	}
}

func (j *journey) ok(err error) {
	j.t.Helper()
	if err != nil {
		j.t.Fatal(err)
	}
}

// scim sends one request to the SCIM endpoint.
func (j *journey) scim(method, path, body string) (int, string) {
	j.t.Helper()
	req, err := http.NewRequest(method, j.url+"/scim/v2"+path, strings.NewReader(body))
	j.ok(err)
	req.Header.Set("Authorization", "Bearer "+j.idp.Token)
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := http.DefaultClient.Do(req)
	j.ok(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	j.ok(err)
	return resp.StatusCode, string(b)
}

// quiet waits until no lane has anything to do and none is held. The server
// need not find out by itself that a command has left it something to do:
// TestCommandsTakeEffectInARunningServer is about that.
func (j *journey) quiet() {
	j.t.Helper()
	j.ok(j.app.DB.Write(context.Background(), func(tx *storage.Tx) error { tx.Wake(); return nil }))
	until(j.t, 45*time.Second, "nothing is left to do", func() (bool, string) {
		var busy []string
		err := j.app.DB.Read(context.Background(), func(tx *storage.Tx) error {
			works, err := tx.LaneWorks(context.Background())
			for _, w := range works {
				if due(w, tx.Now()) || w.Lease.Holder != "" {
					busy = append(busy, fmt.Sprintf("%+v", w))
				}
			}
			return err
		})
		return err == nil && len(busy) == 0, fmt.Sprint(err, busy)
	})
}

// pull reads the hub now and waits until what follows from it is done.
func (j *journey) pull() {
	j.t.Helper()
	if p := j.tryPull(); !p.Complete {
		j.t.Fatalf("the pull failed: %s", p.Error)
	}
}

// tryPull reads the hub now, whatever comes of it.
func (j *journey) tryPull() bridge.Pull {
	j.t.Helper()
	ctx := context.Background()
	last := func() (p bridge.Pull) {
		j.ok(j.app.DB.Read(ctx, func(tx *storage.Tx) error {
			hub, err := tx.Hub(ctx, "h")
			if err == nil {
				p, _, err = tx.LastPull(ctx, hub.ID, false)
			}
			return err
		}))
		return p
	}
	before := last()
	j.ok(j.app.DB.Write(ctx, func(tx *storage.Tx) error {
		hub, err := tx.Hub(ctx, "h")
		if err != nil {
			return err
		}
		return tx.AskPull(ctx, hub.ID)
	}))
	j.quiet()
	p := last()
	if p.ID == before.ID || p.EndedAt.IsZero() {
		j.t.Fatalf("no pull came of it: %+v", p)
	}
	return p
}

// accept lets people accept their invitation, and adbridge see it.
func (j *journey) accept(who ...string) {
	j.t.Helper()
	for _, w := range who {
		j.side.accepts(w)
	}
	j.pull()
}

// plan is the plan as it would be made now, with the exit code of `adbridge plan`.
func (j *journey) plan() (bridge.Plan, int) {
	j.t.Helper()
	var id string
	ctx := context.Background()
	j.ok(j.app.DB.Read(ctx, func(tx *storage.Tx) error {
		hub, err := tx.Hub(ctx, "h")
		id = hub.ID
		return err
	}))
	_, plan, err := j.app.Planner.Preview(ctx, id)
	j.ok(err)
	return plan, planExit(plan)
}

// row is what the plan says about one person.
func (j *journey) row(email string) bridge.Row {
	j.t.Helper()
	plan, _ := j.plan()
	for _, r := range plan.Rows {
		if strings.EqualFold(r.Email, email) {
			return r
		}
	}
	j.t.Fatalf("the plan has no row for %s", email)
	return bridge.Row{}
}

// planned checks verdict and reason of a person's row.
func (j *journey) planned(email string, verdict bridge.Verdict, reason bridge.Code) {
	j.t.Helper()
	if r := j.row(email); r.Verdict != verdict || reason != "" && r.Reason != reason {
		j.t.Errorf("%s: the plan says %s (%s, %s), want %s (%s)", email, r.Verdict, r.Reason, r.Detail, verdict, reason)
	}
}

// is checks who someone is on the hub, by the platform's own books.
func (j *journey) is(email string, want bridge.Role) {
	j.t.Helper()
	if got, invited := j.shown(email); got != want || invited {
		j.t.Errorf("%s is %s on %s (invited: %t), want %s", email, got.Word(), j.platform(), invited, want.Word())
	}
}

// invited checks that someone has an open invitation with a role.
func (j *journey) invited(email string, want bridge.Role) {
	j.t.Helper()
	if got, invited := j.shown(email); got != want || !invited {
		j.t.Errorf("%s is %s on %s (invited: %t), want an invitation as %s", email, got.Word(), j.platform(), invited, want.Word())
	}
}

// onboard brings people in by a group, as members who accepted.
func (j *journey) onboard(group string, who ...string) {
	j.t.Helper()
	j.people(who...)
	j.group(group, who...)
	j.quiet()
	j.accept(who...)
}

// opens begins a story: the hub is worked in full, and who is in Staff is a Collaborator.
func (j *journey) opens(settings ...string) {
	j.t.Helper()
	j.hub("full", settings...)
	j.rule("Staff", "collaborator")
}

// withStaff begins with these people in Staff, who have accepted.
func (j *journey) withStaff(who ...string) {
	j.t.Helper()
	j.opens()
	j.onboard("Staff", who...)
}

// withInvited begins with these people in Staff, who have not accepted yet.
func (j *journey) withInvited(who ...string) {
	j.t.Helper()
	j.opens()
	j.people(who...)
	j.group("Staff", who...)
	j.quiet()
}

// tasks are the hub's open tasks, those of a state if one is named.
func (j *journey) tasks(states ...bridge.TaskState) (tasks []bridge.Task) {
	j.t.Helper()
	ctx := context.Background()
	j.ok(j.app.DB.Read(ctx, func(tx *storage.Tx) error {
		hub, err := tx.Hub(ctx, "h")
		if err != nil {
			return err
		}
		if tasks, err = tx.OpenTasks(ctx, hub.ID); err == nil && len(states) > 0 {
			tasks, err = tx.Tasks(ctx, storage.TaskFilter{HubID: hub.ID, States: states})
		}
		return err
	}))
	return tasks
}

// tasksShown are the hub's invitations as people see them.
func (j *journey) tasksShown() (tasks []bridge.Task) {
	j.t.Helper()
	ctx := context.Background()
	j.ok(j.app.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		tasks, err = tx.TasksShown(ctx, storage.TaskFilter{States: []bridge.TaskState{bridge.Ready, bridge.TaskWait}})
		return err
	}))
	if len(tasks) != 2 {
		j.t.Fatalf("two invitations are owed, shown are %+v", tasks)
	}
	return tasks
}

// state is the hub as it is kept.
func (j *journey) state() (hub bridge.Hub) {
	j.t.Helper()
	ctx := context.Background()
	j.ok(j.app.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		hub, err = tx.Hub(ctx, "h")
		return err
	}))
	return hub
}

// timePasses ends every wait: back-offs, quotas, quarantines.
func (j *journey) timePasses() {
	j.t.Helper()
	ctx := context.Background()
	j.ok(j.app.DB.Write(ctx, func(tx *storage.Tx) error {
		hubs, err := tx.Hubs(ctx)
		if err != nil {
			return err
		}
		for _, h := range hubs {
			lane, err := tx.Lane(ctx, h.ID)
			if err != nil {
				return err
			}
			lane.BackoffUntil, lane.InviteAfter = time.Time{}, time.Time{}
			if err := tx.UpdateLane(ctx, lane); err != nil {
				return err
			}
			if err := fresh(ctx, tx, h); err != nil {
				return err
			}
			if h.Halt != nil && !h.Halt.Until.IsZero() {
				h.Halt.Until = tx.Now()
				if err := tx.UpdateHub(ctx, h); err != nil {
					return err
				}
			}
			open, err := tx.OpenTasks(ctx, h.ID)
			if err != nil {
				return err
			}
			for _, t := range open {
				if t.NotBefore.After(tx.Now()) {
					t.NotBefore = tx.Now()
					if err := tx.UpdateTask(ctx, t); err != nil {
						return err
					}
				}
			}
		}
		for _, h := range hubs { // a plan may have counted on the wait
			if err := tx.MarkDirty(ctx, h.ID); err != nil {
				return err
			}
		}
		tx.Wake()
		return nil
	}))
}

// fresh empties a hub's budgets, and ends the pauses that its platform asked for.
func fresh(ctx context.Context, tx *storage.Tx, h bridge.Hub) error {
	cred, err := tx.Credentials(ctx, h.ID)
	if err != nil {
		return err
	}
	for _, name := range []string{budgetName(h, cred), ownBudgetName(h, cred)} {
		if _, err := tx.LockBudget(ctx, h.Platform, name, new(connectors.Ledger)); err != nil {
			return err
		}
		if err := tx.SaveBudget(ctx, h.Platform, name, connectors.Ledger{}); err != nil {
			return err
		}
	}
	return nil
}
