package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/scim/idpsim"
)

// kills is how many power cuts the test survives; ADBRIDGE_TEST_KILLS sets
// another number.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("ADBRIDGE_TEST_KILLS")); err == nil {
		return n
	}
	if testing.Short() {
		return 20
	}
	return 200
}

// TestKilledAtAnyMomentEndsAsWished kills the server again and again while
// the directory moves and both platforms are being changed. At the end the
// platforms are as the directory wishes, nobody was invited while invited, no
// task is stuck, and the audit trail verifies.
func TestKilledAtAnyMomentEndsAsWished(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	s := newStage(t, tiktokWorld(), metaWorld())
	// Addresses in full: who is who behind equal masks is for a person to say.
	if err := s.tiktok.SetSwitches(tiktoksim.Switches{Masking: "none"}); err != nil {
		t.Fatal(err)
	}
	s.tiktok.AutoAccept(300 * time.Millisecond)
	s.meta.AutoAccept(&metasim.AutoAccept{After: metasim.Duration(300 * time.Millisecond)})
	open := []string{"max-removals-percent=100", "max-removals-24h-percent=100", "max-removals-min=1000", "max-adds=500", "max-adds-percent=100", "max-adds-min=500", "max-raises=100",
		"max-admin-removals=100", "max-asset-removals-min=1000", "pull-every=1m", "max-shrink-percent=100"}
	s.connectHub("tt", "tiktok", bcEU, "full", open...)
	s.connectHub("fb", "meta", metaBiz, "full", open...)
	s.groupsMayEmpty("tt", "fb")
	src := s.source("okta", "okta")
	for _, r := range [][3]string{{"tt-owners", "tt", "owner"}, {"tt-people", "tt", "collaborator"}, {"fb-owners", "fb", "owner"}, {"fb-people", "fb", "collaborator"}} {
		add := []string{"rule", "add", "--group", r[0], "--hub", r[1], "--role", r[2]}
		if asset := killAssets[r[0]]; asset != "" {
			add = append(add, "--asset", asset)
		}
		s.must(nil, add...)
	}

	w := &wishes{t: t, rng: rng, idp: &idpsim.Okta{Token: src.Token}, want: map[string]map[string]bool{}, assets: true}
	srv := s.serve()
	w.at(srv)
	w.begin(40)
	for i := range kills() {
		stop := time.After(time.Duration(rng.IntN(250)) * time.Millisecond)
		for moving := true; moving; {
			select {
			case <-stop:
				moving = false
			default:
				w.move()
			}
		}
		srv.kill()
		srv = s.serve()
		w.at(srv)
		if i%50 == 49 {
			t.Logf("%d kills survived", i+1)
		}
	}
	s.arrives(w, srv)
	if n := len(s.tiktok.Repeats(bcEU)); n > 0 {
		t.Errorf("TikTok got %d invitations for people who had one: %v", n, s.tiktok.Repeats(bcEU))
	}
	sent, err := s.meta.Sent(metaBiz)
	if err != nil {
		t.Fatal(err)
	}
	for _, inv := range sent {
		if inv.Overlap {
			t.Errorf("Meta invited %s at %s though they had an invitation or were a member", inv.Email, inv.Time)
		}
	}
	if lost := s.tiktok.LostAdmins(); len(lost) > 0 {
		t.Errorf("a Business Center was without an admin: %v", lost)
	}
	s.auditVerifies()
}

// groupsMayEmpty lifts the guards that hold what several people lose at once:
// by chance a group of few is empty now and then, and nobody is there to approve.
func (s *stage) groupsMayEmpty(hubs ...string) {
	s.t.Helper()
	for _, hub := range hubs {
		for _, guard := range []bridge.Code{bridge.GuardMassChange, bridge.GuardEmptyDesired} {
			s.must(nil, "override", hub, string(guard), "--for", "24h", "--reason", "chaos")
		}
	}
}

// killAssets is the access that the rule for a group gives beside the role.
var killAssets = map[string]string{"tt-people": "advertiser:" + euAccount + "=operator", "fb-people": "ad_account:" + metaAccount + "=advertise"}

// wishes moves the directory as an IdP does, and remembers what was
// acknowledged: only that must come true, and all of it.
type wishes struct {
	t      *testing.T
	rng    *rand.Rand
	idp    *idpsim.Okta
	people []string          // addresses
	ids    map[string]string // address → SCIM id
	groups map[string]string // name → SCIM id
	want   map[string]map[string]bool
	assets bool // the rules for people give access to assets, too
}

func (w *wishes) at(srv *server) { w.idp.BaseURL = srv.url + "/scim/v2" }

func (w *wishes) begin(n int) {
	w.t.Helper()
	ctx := context.Background()
	w.ids, w.groups = map[string]string{}, map[string]string{}
	for i := range n {
		email := fmt.Sprintf("person.n%03d@%s", i, lumen)
		id, err := w.idp.CreateUser(ctx, idpsim.NewUser(nameOf(email), email, "Marketing"))
		if err != nil {
			w.t.Fatal(err)
		}
		w.people, w.ids[email] = append(w.people, email), id
	}
	for _, g := range []string{"tt-owners", "tt-people", "fb-owners", "fb-people"} {
		id, err := w.idp.PushGroup(ctx, idpsim.Group{DisplayName: g})
		if err != nil {
			w.t.Fatal(err)
		}
		w.groups[g], w.want[g] = id, map[string]bool{}
	}
	for range 30 {
		w.move()
	}
}

// move puts someone in a group or takes them out. A move that is not
// acknowledged is made again until it is: the IdP's retry.
func (w *wishes) move() {
	groups := []string{"tt-owners", "tt-people", "tt-people", "fb-owners", "fb-people", "fb-people"}
	g := groups[w.rng.IntN(len(groups))]
	who := w.people[w.rng.IntN(len(w.people))]
	if strings.HasSuffix(g, "-owners") { // TikTok takes twenty admins
		who = w.people[w.rng.IntN(8)]
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	change := w.idp.AddMembers
	if w.want[g][who] {
		change = w.idp.RemoveMembers
	}
	if err := change(ctx, w.groups[g], w.ids[who]); err != nil {
		w.t.Fatalf("move %s: %v", who, err)
	}
	w.want[g][who] = !w.want[g][who]
}

// role is what the groups give a person on a hub.
func (w *wishes) role(hub, who string) bridge.Role {
	switch {
	case w.want[hub+"-owners"][who]:
		return bridge.Owner
	case w.want[hub+"-people"][who]:
		return bridge.Collaborator
	}
	return bridge.NoRole
}

// access is what the groups give a person on a hub's ad account.
func (w *wishes) access(hub, who string) string {
	if !w.assets || !w.want[hub+"-people"][who] {
		return ""
	}
	return map[string]string{"tt": "OPERATOR", "fb": "ADVERTISE+ANALYZE"}[hub]
}

// arrives waits until both platforms show what the directory wishes and no
// task is open.
func (s *stage) arrives(w *wishes, srv *server) {
	s.t.Helper()
	until(s.t, 90*time.Second, "the platforms show what the directory wishes", func() (bool, string) {
		var wrong []string
		onAccounts := (&demo{tiktok: s.tiktok, meta: s.meta}).onAccount()
		access := map[string]map[string]string{"tt": onAccounts["tiktok-eu"], "fb": onAccounts["meta-oak"]}
		for _, who := range w.people {
			for hub, got := range s.rolesOf(who) {
				if want := w.role(hub, who); got != want {
					wrong = append(wrong, fmt.Sprintf("%s on %s is %s, wished %s", who, hub, got.Word(), want.Word()))
				}
			}
			for hub, got := range access {
				if want := w.access(hub, who); got[who] != want {
					wrong = append(wrong, fmt.Sprintf("%s has %q on the ad account of %s, wished %q", who, got[who], hub, want))
				}
			}
		}
		slices.Sort(wrong)
		if len(wrong) > 0 {
			s.adbridge("pull")
			plan, _, _ := s.adbridge("plan")
			story, _, _ := s.adbridge("explain", strings.Fields(wrong[0])[0])
			return false, strings.Join(wrong, "\n") + "\n" + plan + "\n" + story + "\n" + tail(srv.stderr.String())
		}
		var tasks []bridge.Task
		out, _, _ := s.adbridge("tasks", "--json")
		if err := json.Unmarshal([]byte(out), &tasks); err != nil {
			return false, err.Error()
		}
		if len(tasks) > 0 {
			s.adbridge("pull")
			return false, "tasks are open: " + out
		}
		return true, ""
	})
}

func tail(s string) string {
	return s[max(0, len(s)-2000):]
}

// rolesOf is a person's role on each hub, by the platforms' own books.
func (s *stage) rolesOf(who string) map[string]bridge.Role {
	roles := map[string]bridge.Role{"tt": bridge.NoRole, "fb": bridge.NoRole}
	role := func(native string) bridge.Role {
		if native == "ADMIN" {
			return bridge.Owner
		}
		return bridge.Collaborator
	}
	for _, m := range s.tiktok.Members(bcEU) {
		if strings.EqualFold(m.Email, who) && m.Status == "BOUND" {
			roles["tt"] = role(m.Role)
		}
	}
	roster, err := s.meta.People(metaBiz)
	if err != nil {
		s.t.Fatal(err)
	}
	if p, ok := roster.Person(who); ok {
		roles["fb"] = role(p.Role)
	}
	return roles
}

// auditVerifies exports the audit trail and checks it.
func (s *stage) auditVerifies() {
	s.t.Helper()
	file := filepath.Join(s.dir, "audit.jsonl")
	out, errs, code := s.adbridge("audit", "export", "--format", "jsonl")
	if code != exitDone {
		s.t.Fatalf("audit export: exit code %d\n%s", code, errs)
	}
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if out, errs, code := s.adbridge("audit", "verify", file); code != exitDone {
		s.t.Fatalf("audit verify: exit code %d\n%s%s", code, out, errs)
	}
}
