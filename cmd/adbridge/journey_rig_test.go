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
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/scim/idpsim"
	"adbridge/storage"
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
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
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
	j.inProcess = true
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

// trip is how a call goes wrong.
type trip struct {
	op    string // list, invite, role, remove
	how   string // see the sides
	skip  int
	times int // negative: until mended
}

// side is a platform with its other admins, its books and its accidents.
type side interface {
	platform() string
	business() string
	shown(email string) (role bridge.Role, invited bool)
	members() map[string]string // by address: role, or that they are invited
	accepts(email string)
	everybodyAccepts(after time.Duration)
	foreignAdd(email string, role bridge.Role)
	foreignRole(email string, role bridge.Role)
	foreignRemove(email string)
	sent(email string) int // invitations
	repeats() []string     // who was invited while invited or a member
	lostAdmins() bool
	written(op string) int       // writes of this kind that reached the platform, "" for all
	touched(email string) string // a write about a person
	reads() (calls, pages int)
	forget() // the request log
	trip(trip)
	mend()
	revoke()
	newToken() string
}

func ttWorldOf(there []seat) tiktoksim.World {
	n := &ids{next: 6816184256936150000}
	self := tiktoksim.User{CoreUserID: n.take(), Email: "automation@" + lumen, DisplayName: "Lumen Automation"}
	members := []tiktoksim.Member{{UserID: self.CoreUserID, Email: self.Email, Name: self.DisplayName, Role: "ADMIN"}}
	for _, s := range there {
		members = append(members, ttMembers(n, native(s.role, "STANDARD"), []string{s.email})...)
	}
	return tiktoksim.World{
		Apps:            []tiktoksim.App{{AppID: ttApp, Secret: "demo-tiktok-app-secret", Name: "adbridge"}},
		Users:           []tiktoksim.User{self},
		Tokens:          []tiktoksim.Token{{Token: ttToken, AppID: ttApp, User: self.CoreUserID}},
		BusinessCenters: []tiktoksim.BusinessCenter{{BCID: bcEU, Name: "Lumen Europe", Members: members}},
	}
}

func fbWorldOf(there []seat) metasim.World {
	w := metaWorld()
	b := &w.Businesses[0]
	b.People, b.Pending, b.AdAccounts = nil, nil, nil
	n := &ids{next: 102030405060800}
	for _, s := range there {
		b.People = append(b.People, metasim.Person{ID: n.take(), Email: s.email, Name: nameOf(s.email), Role: native(s.role, "EMPLOYEE")})
	}
	return w
}

func native(r bridge.Role, collaborator string) string {
	if r == bridge.Owner {
		return "ADMIN"
	}
	return collaborator
}

func common(native string) bridge.Role {
	if native == "ADMIN" {
		return bridge.Owner
	}
	return bridge.Collaborator
}

// ttSide is TikTok.
type ttSide struct {
	t   *testing.T
	sim *tiktoksim.Sim
}

func (s ttSide) platform() string { return "tiktok" }
func (s ttSide) business() string { return bcEU }

func (s ttSide) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s ttSide) find(email string) (tiktoksim.Member, bool) {
	for _, m := range s.sim.Members(bcEU) {
		if strings.EqualFold(m.Email, email) {
			return m, true
		}
	}
	return tiktoksim.Member{}, false
}

func (s ttSide) shown(email string) (bridge.Role, bool) {
	m, ok := s.find(email)
	switch {
	case !ok || m.Status == "REJECTED":
		return bridge.NoRole, false
	case m.Status == "PENDING":
		return common(m.Role), true
	}
	return common(m.Role), false
}

func (s ttSide) members() map[string]string {
	out := map[string]string{}
	for _, m := range s.sim.Members(bcEU) {
		out[strings.ToLower(m.Email)] = m.Role + " " + m.Status
	}
	return out
}

func (s ttSide) accepts(email string) {
	s.t.Helper()
	_, err := s.sim.Accept(bcEU, email, tiktoksim.AcceptAs{})
	s.check(err)
}

func (s ttSide) everybodyAccepts(after time.Duration) { s.sim.AutoAccept(after) }

func (s ttSide) foreignAdd(email string, role bridge.Role) {
	_, err := s.sim.AddMember(bcEU, tiktoksim.Member{Email: email, Name: nameOf(email), Role: native(role, "STANDARD")})
	s.check(err)
}

func (s ttSide) foreignRole(email string, role bridge.Role) {
	s.check(s.sim.SetRole(bcEU, email, native(role, "STANDARD")))
}
func (s ttSide) foreignRemove(email string) { s.check(s.sim.RemoveMember(bcEU, email)) }
func (s ttSide) sent(email string) int      { return s.sim.Invitations(bcEU)[strings.ToLower(email)] }
func (s ttSide) lostAdmins() bool           { return len(s.sim.LostAdmins()) > 0 }

func (s ttSide) repeats() []string {
	var out []string
	for _, r := range s.sim.Repeats(bcEU) {
		out = append(out, fmt.Sprintf("%s at %s", r.Email, r.At))
	}
	return out
}

var ttOps = map[string]string{"list": "bc/member/get", "invite": "bc/member/invite", "role": "bc/member/update", "remove": "bc/member/delete", "": ""}

func (s ttSide) written(op string) int {
	n := 0
	for _, r := range s.sim.Requests() {
		if r.Write && (op == "" || r.Op == ttOps[op]) {
			n++
		}
	}
	return n
}

func (s ttSide) touched(email string) string {
	m, _ := s.find(email)
	for _, r := range s.sim.Requests() {
		if said := fmt.Sprint(r.Params); r.Write && (strings.Contains(said, email) || m.UserID != "" && strings.Contains(said, m.UserID)) {
			return r.Op + " " + said
		}
	}
	return ""
}

func (s ttSide) reads() (calls, pages int) {
	for _, r := range s.sim.Requests() {
		if !r.Write {
			calls++
		}
	}
	// Pages of twenty, and one that asks for declined invitations.
	return calls, (len(s.sim.Members(bcEU))+19)/20 + 1
}

func (s ttSide) forget() { s.sim.ResetRequests() }

func (s ttSide) trip(x trip) {
	f := tiktoksim.Fault{Op: ttOps[x.op], Skip: x.skip, Times: x.times}
	switch x.how {
	case "reset before":
		f.Kind = tiktoksim.ResetBefore
	case "reset after":
		f.Kind = tiktoksim.ResetAfter
	case "502":
		f.Kind, f.Status = tiktoksim.HTTPStatus, http.StatusBadGateway
	case "500 after":
		f.Kind, f.Status, f.AfterEffect = tiktoksim.HTTPStatus, http.StatusInternalServerError, true
	case "truncated":
		f.Kind = tiktoksim.Truncated
	case "throttled":
		f.Kind, f.Code, f.Message = tiktoksim.Envelope, 40100, "Too many requests. Requests made exceed the limit of QPS"
	default:
		s.t.Fatalf("no fault does %q", x.how)
	}
	s.sim.Faults.Add(f)
}

func (s ttSide) mend()   { s.sim.Faults.Clear() }
func (s ttSide) revoke() { s.check(s.sim.RevokeToken(ttToken)) }
func (s ttSide) newToken() string {
	token, err := s.sim.MintToken(ttApp, "automation@"+lumen)
	s.check(err)
	return token
}

// fbSide is Meta.
type fbSide struct {
	t   *testing.T
	sim *metasim.Sim
}

func (s fbSide) platform() string { return "meta" }
func (s fbSide) business() string { return metaBiz }

func (s fbSide) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s fbSide) roster() metasim.Roster {
	r, err := s.sim.People(metaBiz)
	s.check(err)
	return r
}

func (s fbSide) shown(email string) (bridge.Role, bool) {
	r := s.roster()
	if p, ok := r.Person(email); ok {
		return common(p.Role), false
	}
	if i, ok := r.Invited(email); ok {
		return common(i.Role), true
	}
	return bridge.NoRole, false
}

func (s fbSide) members() map[string]string {
	out := map[string]string{}
	r := s.roster()
	for _, p := range r.People {
		out[strings.ToLower(p.Email)] = p.Role
	}
	for _, u := range r.SystemUsers {
		out[u.Name] = u.Role
	}
	for _, i := range r.Pending {
		if i.Status == "PENDING" {
			out[strings.ToLower(i.Email)] = i.Role + " invited"
		}
	}
	return out
}

func (s fbSide) accepts(email string) {
	s.t.Helper()
	_, err := s.sim.Accept(metaBiz, email, metasim.AcceptAs{})
	s.check(err)
}

func (s fbSide) everybodyAccepts(after time.Duration) {
	s.sim.AutoAccept(&metasim.AutoAccept{After: metasim.Duration(after)})
}

func (s fbSide) foreignAdd(email string, role bridge.Role) {
	_, err := s.sim.AddPerson(metaBiz, metasim.Person{Email: email, Name: nameOf(email), Role: native(role, "EMPLOYEE")})
	s.check(err)
}

func (s fbSide) foreignRole(email string, role bridge.Role) {
	s.check(s.sim.SetRole(metaBiz, email, native(role, "EMPLOYEE")))
}

func (s fbSide) foreignRemove(email string) { s.check(s.sim.RemovePerson(metaBiz, email)) }

func (s fbSide) sent(email string) int {
	n, err := s.sim.Invitations(metaBiz)
	s.check(err)
	return n[strings.ToLower(email)]
}

func (s fbSide) lostAdmins() bool {
	return !slices.ContainsFunc(s.roster().People, func(p metasim.Person) bool { return p.Role == "ADMIN" })
}

func (s fbSide) repeats() []string {
	var out []string
	all, err := s.sim.Sent(metaBiz)
	s.check(err)
	for _, i := range all {
		if i.Overlap {
			out = append(out, fmt.Sprintf("%s at %s", i.Email, i.Time))
		}
	}
	return out
}

var fbOps = map[string]string{"list": "GET business_users", "invite": "POST business_users", "role": "POST business_user", "remove": "DELETE business_user", "": "*"}

func (s fbSide) written(op string) int {
	n := 0
	for _, r := range s.sim.Requests() {
		if r.Write && (op == "" || r.Op == fbOps[op]) {
			n++
		}
	}
	return n
}

func (s fbSide) touched(email string) string {
	p, _ := s.roster().Person(email)
	for _, r := range s.sim.Requests() {
		if said := fmt.Sprint(r.Path, r.Params); r.Write && (strings.Contains(said, email) || p.ID != "" && strings.Contains(said, p.ID)) {
			return r.Op + " " + said
		}
	}
	return ""
}

func (s fbSide) reads() (calls, pages int) {
	for _, r := range s.sim.Requests() {
		if !r.Write {
			calls++
		}
	}
	// People, invitations and system users; each list here is one page.
	return calls, 3
}

func (s fbSide) forget() { s.sim.ResetRequests() }

func (s fbSide) trip(x trip) {
	f := metasim.Fault{Op: fbOps[x.op], Skip: x.skip, Times: max(x.times, 0)}
	if x.times == 0 {
		f.Times = 1
	}
	switch x.how {
	case "reset before":
		f.Kind = metasim.FaultResetBefore
	case "reset after":
		f.Kind = metasim.FaultResetAfter
	case "502":
		f.Kind, f.Status = metasim.FaultHTML, http.StatusBadGateway
	case "500 after":
		f.Kind, f.Status, f.After = metasim.FaultHTML, http.StatusInternalServerError, true
	case "truncated":
		f.Kind = metasim.FaultTruncate
	case "throttled":
		f.Kind = metasim.FaultError
		f.Error = &metasim.GraphError{Message: "(#4) Application request limit reached", Type: "OAuthException", Code: 4, Transient: true}
	default:
		s.t.Fatalf("no fault does %q", x.how)
	}
	s.sim.Faults.Add(f)
}

func (s fbSide) mend()   { s.sim.Faults.Clear() }
func (s fbSide) revoke() { s.check(s.sim.RevokeToken(fbToken, 0)) }
func (s fbSide) newToken() string {
	t := metaWorld().Tokens[0]
	t.Token = "EAABanother-token-of-the-admin-system-user"
	s.check(s.sim.AddToken(t))
	return t.Token
}
