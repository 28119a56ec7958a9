package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
)

// chaosFor is how long chaos reigns; ADBRIDGE_TEST_CHAOS sets another time.
func chaosFor(t *testing.T) time.Duration {
	s := os.Getenv("ADBRIDGE_TEST_CHAOS")
	if s == "" {
		return 8 * time.Second
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatalf("ADBRIDGE_TEST_CHAOS: %v", err)
	}
	return d
}

// TestChaosEndsAsWished breaks calls at random in every way a simulator knows,
// while the directory moves, other admins act on the platform, and the server is
// killed at any moment and started again on what it left. When all that ends, the
// hub becomes as the directory wishes, and then is quiet.
func TestChaosEndsAsWished(t *testing.T) {
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		seed := time.Now().UnixNano()
		t.Logf("seed %d", seed)
		c := &chaos{assetJourney: j, rng: rand.New(rand.NewPCG(7, uint64(seed))), in: map[string]map[string]bool{}, off: map[string]bool{}, moved: map[string]bool{}, gone: map[string]bool{}, lent: map[string]bool{}}
		c.begin()
		c.apart()
		if j.platform() == "tiktok" {
			j.tiktok.Faults.Random(seed, 0.15)
		} else if err := j.meta.Faults.Randomly(metasim.Random{Rate: 0.15, Seed: seed, Codes: []int{1, 2, 4, 17, 32, 341, 613, 80004}}); err != nil {
			t.Fatal(err)
		}
		moves, cuts := 0, 0
		for end := time.Now().Add(chaosFor(t)); time.Now().Before(end); moves++ {
			c.move()
			if c.rng.IntN(8) == 0 { // else the back-offs of a few faults would be all there is to see
				j.timePasses()
			}
			if c.rng.IntN(10) == 0 { // which also ends the pauses that a process keeps to
				c.cutPower()
				cuts++
			}
			<-time.After(time.Duration(c.rng.IntN(60)) * time.Millisecond)
		}
		j.mend()
		t.Logf("%d moves, %d writes, %d power cuts", moves, j.written(""), cuts)
		if j.written("") == 0 || cuts == 0 {
			t.Error("there was no chaos")
		}
		j.timePasses()
		j.restart()
		c.converges()
		c.holds()
	})
}

// chaos is what moves the directory and the platform in that test, and
// remembers what ought to come of it.
type chaos struct {
	*assetJourney
	rng   *rand.Rand
	who   []string
	in    map[string]map[string]bool // group → person → is in it
	off   map[string]bool            // deactivated
	moved map[string]bool            // whom another admin raised or lowered
	gone  map[string]bool            // whom another admin removed
	lent  map[string]bool            // whom another admin gave more on the ad account
	alien map[string]string          // whom adbridge has no business with
	srv   *server                    // while it is a process of its own
}

// apart leaves the server to a process of its own, which can be killed; this one
// looks at the database beside it.
func (c *chaos) apart() {
	c.t.Helper()
	c.end()
	app, err := NewApp(context.Background(), c.config(), zerolog.Nop())
	c.ok(err)
	c.app = app
	c.end = sync.OnceFunc(func() {
		c.srv.kill()
		c.ok(app.Close())
	})
	c.plugIn()
}

// plugIn starts the process. The simulators limit nothing, so that the app may
// have what the highest tier has.
func (c *chaos) plugIn() {
	c.t.Helper()
	c.srv = c.serve("--tiktok-tier", "ultimate")
	c.idp.BaseURL = c.srv.url + "/scim/v2"
}

// cutPower kills the server wherever it is, and starts it again.
func (c *chaos) cutPower() {
	c.t.Helper()
	c.srv.kill()
	c.plugIn()
}

func (c *chaos) begin() {
	c.side.everybodyAccepts(200 * time.Millisecond)
	c.journey.hub("full", "max-removals-percent=100", "max-removals-min=500", "max-removals-24h-percent=100", "max-adds=500", "max-adds-percent=1000",
		"max-raises=100", "max-admin-removals=100", "max-invites-per-day=0", "invite-attempts=20", "max-shrink-percent=100", "pull-every=2s", "revert-drift=on",
		"max-asset-removals=100", "max-asset-removals-min=500")
	for _, guard := range []bridge.Code{bridge.GuardMassChange, bridge.GuardEmptyDesired} { // a group may empty by chance
		c.must(nil, "override", "h", string(guard), "--for", "24h", "--reason", "chaos")
	}
	c.rule("Leads", "owner")
	c.rule("Staff", "collaborator")
	c.gives("Buyers", c.more...)
	for i := range 24 {
		c.who = append(c.who, fmt.Sprintf("chaos.no%02d@%s", i, lumen))
	}
	c.people(c.who...)
	c.group("Leads")
	c.group("Staff")
	c.group("Buyers")
	c.in["Leads"], c.in["Staff"], c.in["Buyers"] = map[string]bool{}, map[string]bool{}, map[string]bool{}
	c.quiet()
	c.alien = c.members()
}

// move does one thing, in the directory or on the platform.
func (c *chaos) move() {
	who := c.who[c.rng.IntN(len(c.who))]
	switch n := c.rng.IntN(26); {
	case n < 10:
		c.swap("Staff", who)
	case n < 13:
		c.swap("Leads", c.who[c.rng.IntN(8)])
	case n < 16:
		if c.off[who] {
			c.ok(c.idp.Reactivate(c.t.Context(), c.ids[who]))
		} else {
			c.deactivate(who)
		}
		c.off[who] = !c.off[who]
	case n < 17: // another admin removes someone who is on the hub
		if role, invited := c.shown(who); role != bridge.NoRole && !invited {
			c.foreignRemove(who)
			c.gone[who] = true
		}
	case n < 18: // or changes a role
		if role, invited := c.shown(who); role != bridge.NoRole && !invited {
			c.foreignRole(who, map[bridge.Role]bridge.Role{bridge.Owner: bridge.Collaborator, bridge.Collaborator: bridge.Owner}[role])
			c.moved[who] = true
		}
	case n < 19: // or brings a stranger
		email := fmt.Sprintf("late.stranger%d@%s", c.rng.IntN(1e9), elsewhere)
		c.foreignAdd(email, bridge.Collaborator)
		c.alien[email] = c.members()[email]
	case n < 23:
		c.swap("Buyers", who)
	case n < 24: // another admin takes access to the ad account away
		if len(c.access(who, c.one)) > 0 {
			c.foreign(who, c.one)
		}
	case n < 25: // or gives all there is
		if role, invited := c.shown(who); role != bridge.NoRole && !invited {
			c.foreign(who, c.one, c.all...)
			c.lent[who] = true
		}
	default: // or changes a stranger
		email := strangers[c.rng.IntN(len(strangers))]
		c.foreignRole(email, []bridge.Role{bridge.Owner, bridge.Collaborator}[c.rng.IntN(2)])
		c.alien[email] = c.members()[email]
	}
}

func (c *chaos) swap(group, who string) {
	if c.in[group][who] {
		c.leave(group, who)
	} else {
		c.join(group, who)
	}
	c.in[group][who] = !c.in[group][who]
}

func (c *chaos) wished(who string) bridge.Role {
	switch {
	case c.off[who]:
		return bridge.NoRole
	case c.in["Leads"][who]:
		return bridge.Owner
	case c.in["Staff"][who], c.in["Buyers"][who]:
		return bridge.Collaborator
	}
	return bridge.NoRole
}

// accessAsWished says whether someone has what the groups give on the ad account.
// Only who was given more by another admin may have more.
func (c *chaos) accessAsWished(who string) bool {
	got, want := c.access(who, c.one), []string(nil)
	if c.in["Buyers"][who] && !c.off[who] {
		want = c.more
	}
	return slices.Equal(got, want) || c.lent[who] && len(got) > 0 && slices.Equal(got, slices.Sorted(slices.Values(c.all)))
}

// converges waits until everyone is who they ought to be. Only whom another
// admin gave or took a role may differ, and then a person is asked.
func (c *chaos) converges() {
	c.t.Helper()
	until(c.t, 20*time.Second, "the hub is as the directory wishes", func() (bool, string) {
		c.timePasses()
		c.quiet()
		c.pull()
		var wrong []string
		for _, who := range c.who {
			got, invited := c.shown(who)
			if got == c.wished(who) && !invited && c.accessAsWished(who) {
				continue
			}
			r := c.row(who)
			if c.gone[who] && (r.Verdict == bridge.Waiting && r.Reason == bridge.InviteBackoff || r.Verdict == bridge.NeedsPerson && r.Reason == bridge.MatchProbable) {
				continue // accepted and removed between two readings: for all that can be seen, the invitation lapsed, or someone else came of it
			}
			asked := r.Verdict == bridge.Held || r.Verdict == bridge.NeedsPerson
			if asked && c.moved[who] && slices.Contains([]bridge.Code{bridge.GuardDriftOwner, bridge.DriftRaised, bridge.OwnConflict}, r.Reason) {
				continue
			}
			wrong = append(wrong, fmt.Sprintf("%s is %s (invited: %t), wished %s, has %q on the ad account; the plan: %s %s %s, %s, %+v", who, got.Word(), invited, c.wished(who).Word(),
				c.access(who, c.one), r.Situation, r.Verdict, r.Reason, r.Detail, r.Assets))
			if len(wrong) == 1 {
				why, _, _ := c.adbridge("explain", who)
				wrong[0] += "\n" + why + c.trail(who)
			}
		}
		if open := c.tasks(); len(wrong) == 0 && len(open) > 0 {
			wrong = append(wrong, fmt.Sprintf("%d tasks are open: %+v", len(open), open))
		}
		return len(wrong) == 0, strings.Join(wrong, "\n")
	})
}

// trail is what the audit trail has of someone, to find out why.
func (c *chaos) trail(who string) string {
	out, _, _ := c.adbridge("audit", "export")
	var lines []string
	for line := range strings.Lines(out) {
		if strings.Contains(line, who) && !strings.Contains(line, `"action":"platform.call"`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// holds is what must be true after any chaos.
func (c *chaos) holds() {
	t := c.t
	if again := c.repeats(); len(again) > 0 {
		who, _, _ := strings.Cut(again[0], " ")
		why, _, _ := c.adbridge("explain", who)
		t.Errorf("invited while invited or a member: %v\n%s", again, why)
	}
	if c.lostAdmins() {
		t.Error("the hub was without an admin")
	}
	now := c.members()
	for who, role := range c.alien {
		if now[who] != role {
			t.Errorf("%s, whom nobody asked to touch, was %q and is %q", who, role, now[who])
		}
		if w := c.touched(who); w != "" {
			t.Errorf("%s, whom nobody asked to touch, was written to: %s", who, w)
		}
	}
	c.set("pull-every=24h")
	c.forget()
	c.pull()
	_, pages := c.reads()
	calls, ofAssets := c.peopleReads()
	pages += ofAssets
	if n := c.written(""); n > 0 || calls != pages {
		t.Errorf("a quiet cycle made %d writes and %d calls for %d pages: %v", n, calls, pages, c.ops())
	}
	c.auditVerifies()
}
