package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

var older = regexp.MustCompile(`<a href="([^"]*)" rel="next">`)

// walk follows the link to the next page until there is none, and gives what
// the expression finds, in order.
func (b *browser) walk(path string, find *regexp.Regexp, between func(page int)) []string {
	b.t.Helper()
	var found []string
	for n := 1; ; n++ {
		a := b.page(path, http.StatusOK)
		for _, m := range find.FindAllStringSubmatch(a.body, -1) {
			found = append(found, m[1])
		}
		next := older.FindStringSubmatch(a.body)
		if next == nil {
			return found
		}
		if n > 50 {
			b.t.Fatalf("%s never ends", path)
		}
		path = strings.ReplaceAll(next[1], "&amp;", "&")
		if between != nil {
			between(n)
		}
	}
}

// crowd is a hub of n members, half of them unmatched.
func crowd(t testing.TB, db *storage.DB, n int) bridge.Hub {
	t.Helper()
	var hub bridge.Hub
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		hub = bridge.Hub{ID: tx.NewID(), Slug: "crowd", Platform: bridge.TikTok, BusinessID: "1", Mode: bridge.ModeObserve, Settings: bridge.DefaultSettings()}
		if err := tx.CreateHub(ctx, hub, storage.Credentials{Token: bridge.NewSecret(canaryToken)}); err != nil {
			return err
		}
		plan := bridge.Plan{HubID: hub.ID, Generation: 1, MadeAt: tx.Now(), Hash: "h1"}
		for i := range n {
			row := bridge.Row{Key: fmt.Sprintf("k%06d", i), MemberID: fmt.Sprintf("m%06d", i), Name: fmt.Sprintf("Member Nr%06d", i), Situation: bridge.SitInSync,
				Standing: bridge.StandOnboarded, Desired: bridge.Collaborator, Observed: bridge.Collaborator, Presence: bridge.Active, Verdict: bridge.Fine}
			if i%2 == 1 {
				row.Standing, row.Desired, row.Situation, row.Verdict, row.Reason = bridge.StandUnmatched, bridge.NoRole, bridge.SitUnmatched, bridge.NeedsPerson, bridge.MatchUnmatched
			}
			plan.Rows = append(plan.Rows, row)
		}
		_, err := storagetest.SavePlan(ctx, tx, plan)
		return err
	})
	return hub
}

var nr = regexp.MustCompile(`Member Nr(\d{6})`)

func TestPagingShowsEveryMemberOnce(t *testing.T) {
	db, o := newSite(t, here)
	crowd(t, db, 250)
	b := serve(t, o)
	b.signIn(o)
	all := b.walk("/hubs/crowd", nr, nil)
	// Every other one is unmatched, and wants a person before the rest is of interest.
	if len(all) != 250 || all[0] != "000001" || all[124] != "000249" || all[125] != "000000" || !slices.IsSorted(all[:125]) || !slices.IsSorted(all[125:]) {
		t.Errorf("%d members, in the order %v", len(all), all)
	}
	half := b.walk("/hubs/crowd?standing=unmatched", nr, nil)
	if len(half) != 125 || half[0] != "000001" {
		t.Errorf("%d unmatched members", len(half))
	}
	if few := b.walk("/hubs/crowd?q=nr00012&verdict=fine", nr, nil); !slices.Equal(few, []string{"000120", "000122", "000124", "000126", "000128"}) {
		t.Errorf("the search finds %v", few)
	}
	b.page("/hubs/crowd?q=nobody", http.StatusOK).shows(t, "a search for nobody", "Nobody on this hub fits")
	b.page("/hubs/crowd?page=99", http.StatusOK)
}

// TestPagingShowsEveryRowOfAReportOnce, also when another report is made meanwhile.
func TestPagingShowsEveryRowOfAReportOnce(t *testing.T) {
	db, o := newSite(t, here)
	hub := crowd(t, db, 1010)
	save := func(id string, n int) {
		storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			plan, _, err := tx.CurrentPlan(ctx, hub.ID)
			if err != nil {
				return err
			}
			plan.Rows = plan.Rows[:n]
			r := bridge.MakeReport(bridge.World{Now: tx.Now(), Hub: hub}, plan)
			r.ID, r.MadeAt = id, tx.Now()
			return tx.SaveReport(ctx, r)
		})
	}
	save("first", 1010)
	b := serve(t, o)
	b.signIn(o)
	all := b.walk("/hubs/crowd/report?rows=all", nr, func(page int) { save(fmt.Sprint("later", page), 10) })
	if len(all) != 1010 || all[0] != "000001" || all[504] != "001009" || all[505] != "000000" || !slices.IsSorted(all[:505]) || !slices.IsSorted(all[505:]) {
		t.Errorf("%d rows, in the order %v", len(all), all)
	}
	for _, x := range []struct {
		query string
		rows  int
		says  []string
	}{
		{"", 505, []string{"505 people", "1–200 of 505", "505 people with whom nothing is to be done are not listed", "1 010 members"}},
		{"?verdict=fine", 505, []string{"505 people", "1–200 of 505"}},
		{"?verdict=needs-person&after=400", 105, []string{"401–505 of 505"}},
		{"?verdict=held", 0, []string{"1 010 members"}},
		{"?after=5000", 0, []string{"1 010 members"}},
	} {
		b.page("/hubs/crowd/reports/first"+x.query, http.StatusOK).shows(t, "report"+x.query, x.says...)
		if got := b.walk("/hubs/crowd/reports/first"+x.query, nr, nil); len(got) != x.rows || len(slices.Compact(got)) != x.rows {
			t.Errorf("report%s has %d rows, want %d", x.query, len(got), x.rows)
		}
	}
	if body := b.page("/hubs/crowd/reports/first?verdict=needs-person&after=400", http.StatusOK).body; !strings.Contains(body, `href="/hubs/crowd/reports/first?after=200&amp;verdict=needs-person" rel="prev"`) {
		t.Error("the way back loses the filter")
	}
	b.page("/hubs/crowd/reports/first?after=x", http.StatusBadRequest).shows(t, "a place that is none", "no place", "Begin with its first page")
	b.page("/hubs/crowd/reports/first?verdict=x", http.StatusBadRequest)
}

// TestALargeHubIsShownAsItsPlanIs: 10,000 members, then a plan with one row.
func TestALargeHubIsShownAsItsPlanIs(t *testing.T) {
	db, o := newSite(t, here)
	hub := crowd(t, db, 10_000)
	b := serve(t, o)
	b.signIn(o)
	b.page("/hubs/crowd", http.StatusOK).shows(t, "the hub", "10 000 people", "1–100 of 10 000")
	b.page("/hubs/crowd?standing=unmatched&page=50", http.StatusOK).shows(t, "the last of the unmatched", "4 901–5 000 of 5 000")
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.MarkDirty(ctx, hub.ID) })
	b.page("/hubs/crowd", http.StatusOK).shows(t, "a hub that moved", "Something has moved since this plan was made")
	// A new plan is shown at once, however much of the old one is kept.
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		_, err := storagetest.SavePlan(ctx, tx, bridge.Plan{HubID: hub.ID, Generation: 2, MadeAt: tx.Now().Add(-time.Hour), Hash: "h2", // by a clock that went back
			Rows: []bridge.Row{{Key: "new", Name: "Newcomer", Situation: bridge.SitMissing, Desired: bridge.Owner, Action: bridge.Invite, To: bridge.Owner, Verdict: bridge.Would, Reason: bridge.HubObserving}}})
		return err
	})
	b.page("/hubs/crowd", http.StatusOK).shows(t, "the new plan", "1 person", "Newcomer", "invite as Owner", "The hub is in observe", "read the adoption report")
}

// BenchmarkPageOfALargeHub asks a hub of 50,000 for pages from its first to its last.
func BenchmarkPageOfALargeHub(b *testing.B) {
	const members = 50_000
	db, o := newSite(b, here)
	crowd(b, db, members)
	reader := serve(b, o)
	reader.signIn(o)
	for _, x := range []struct {
		name, query string
		pages       int
	}{{"all", "?", members / 100}, {"unmatched", "?standing=unmatched&", members / 200}, {"search", "?q=nr0001&", 1}} {
		b.Run(x.name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				path := fmt.Sprintf("/hubs/crowd%spage=%d", x.query, 1+i*7%x.pages)
				if a := reader.get(path); a.status != http.StatusOK || !nr.MatchString(a.body) {
					b.Fatalf("GET %s: %d, or no members", path, a.status)
				}
			}
		})
	}
}

var eventNr = regexp.MustCompile(`<dt>nr</dt><dd>(\d+)</dd>`)

// TestPagingShowsEveryEventOnceWhileTheyAreSealed: what is sealed between two
// pages is neither lost nor shown twice.
func TestPagingShowsEveryEventOnceWhileTheyAreSealed(t *testing.T) {
	db, o := newSite(t, here)
	add := func(from, to int) {
		storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			for i := from; i < to; i++ {
				if err := tx.AddEvents(ctx, audit.Event{Actor: audit.ActorBridge, Action: audit.PlanMade, Detail: map[string]any{"nr": fmt.Sprintf("%04d", i)}}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	seal := func(n int) {
		storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.SealEvents(ctx, n)
			return err
		})
	}
	add(0, 550)
	seal(200)
	b := serve(t, o)
	b.signIn(o)
	got := b.walk("/events?action=plan.", eventNr, func(page int) {
		add(1000+page, 1001+page) // newer than all that is being looked at
		switch page {
		case 1, 4:
			seal(1000)
		}
	})
	var want []string
	for i := 549; i >= 0; i-- {
		want = append(want, fmt.Sprintf("%04d", i))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d events, from %v to %v; want each of 550 once, newest first", len(got), got[:min(3, len(got))], got[max(0, len(got)-3):])
	}
}

func TestEventsAreFilteredAndSayWhetherTheyAreSealed(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	a := b.page("/events", http.StatusOK)
	a.shows(t, "events", "not sealed yet", "sealed nr 225", "the identity provider changed a user's attributes")
	a = b.page("/events?hub=tiktok-eu&action=task.", http.StatusOK)
	if a.shows(t, "task events", "the change failed for good"); strings.Contains(text(a.body), "changed a user's attributes") {
		t.Error("the filter by hub and action lets others through")
	}
	a = b.page("/events?person=USER0@corp.example&since=2020-01-01&until=2020-01-02T12:00", http.StatusOK)
	a.shows(t, "events of long ago", "Only of Ana Silva", "No event fits")
	b.page("/events?person=user0@corp.example", http.StatusOK).shows(t, "events of a person", "user0@corp.example", "okta-main/first")
}

func TestProvisioningIsSearched(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	row := regexp.MustCompile(`<td data-label="Answer">(<)`)
	for path, want := range map[string]int{"/provisioning": 120, "/provisioning?source=okta-main": 119, "/provisioning?source=entra-oak": 0, "/provisioning?status=4xx": 2,
		"/provisioning?status=failed&source=okta-main": 1, "/provisioning?status=2xx": 118, "/provisioning?person=user0@corp.example": 119, "/provisioning?q=ends+too+soon": 1} {
		if got := len(b.walk(path, row, nil)); got != want {
			t.Errorf("%s shows %d requests, want %d", path, got, want)
		}
	}
	b.page("/provisioning?status=4xx", http.StatusOK).shows(t, "refused requests", "unknown token", "the filter ends too soon", "invalidFilter")
}

func TestTasksAreFilteredByHubAndState(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	state := regexp.MustCompile(`<td data-label="State"><span class="badge [a-z]+">([^<]*)<`)
	for path, want := range map[string][]string{
		"/tasks":                         {"held", "accepted, not seen yet", "waiting", "running", "ready"},
		"/tasks?state=held":              {"held"},
		"/tasks?state=all&hub=tiktok-eu": {"superseded", "confirmed", "held", "accepted, not seen yet", "waiting", "running", "ready"},
		"/tasks?hub=meta-oak":            nil,
		"/tasks?state=confirmed&hub=":    {"confirmed"},
	} {
		if got := b.walk(path, state, nil); !slices.Equal(got, want) {
			t.Errorf("%s shows %v, want %v", path, got, want)
		}
	}
	held := bridge.ReasonOf(bridge.PlatformCapacity)
	b.page("/tasks?state=held", http.StatusOK).shows(t, "a held task", "Who acts: "+string(held.Actor), held.Meaning, held.Next, "The number of members has reached the limit")
}

func TestPagingShowsEveryTaskOnce(t *testing.T) {
	db, o := newSite(t, here)
	hub := crowd(t, db, 1)
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		var tasks []bridge.Task
		for i := range 250 {
			tasks = append(tasks, bridge.Task{ID: tx.NewID(), HubID: hub.ID, Key: fmt.Sprint(i), Action: bridge.Remove, Name: fmt.Sprintf("Member Nr%06d", i), State: bridge.Ready, Reason: bridge.SitLeaver})
		}
		return tx.InsertTasks(ctx, tasks)
	})
	b := serve(t, o)
	b.signIn(o)
	got := b.walk("/tasks?hub=crowd", nr, nil)
	slices.Reverse(got) // the newest came first
	if len(got) != 250 || !slices.IsSorted(got) || len(slices.Compact(got)) != 250 {
		t.Errorf("%d tasks, in order: %v", len(got), slices.IsSorted(got))
	}
}

func TestAPersonIsFoundAndExplained(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	person := regexp.MustCompile(`<a class="name" href="(/people/[^"]*)">`)
	for q, want := range map[string]int{"user2@corp.example": 1, "USER2@CORP.example": 1, "00uuser2@corp.example": 1, "carla": 1, "user": 9, "Han": 2, "zz": 0} {
		if got := b.walk("/people?q="+q, person, nil); len(got) != want {
			t.Errorf("the search for %q finds %v, want %d", q, got, want)
		}
	}
	open := func(q string) answer { return b.page(b.walk("/people?q="+q, person, nil)[0], http.StatusOK) }
	open("Carla").shows(t, "Carla", "Collaborator through the group Ads Collaborators", "tiktok-eu", "known by email", bridge.ReasonOf(bridge.SitInSync).Meaning)
	emil := b.walk("/people?q=Emil", person, nil)[0]
	b.page(emil+"/why/tiktok-eu", http.StatusOK).shows(t, "why Emil", "What the identity provider sent", "deactivated", "in group Ads Collaborators", "What the platform shows", "known by email",
		"What the plan says", string(bridge.SitLeaver), string(bridge.PlatformThrottled), "Nobody has to act")
	b.page(emil+"/why/none", http.StatusNotFound).shows(t, "why on no hub", "There is no hub")
	open("Emil").shows(t, "Emil", "deactivated", bridge.ReasonOf(bridge.SitLeaver).Meaning, "remove")
	open("Dana").shows(t, "Dana", "pending", "Collaborator to user3@corp.example", bridge.ReasonOf(bridge.SitPending).Next)
	open("Fatima").shows(t, "Fatima", "by a timed grant", "on call")
	open("Gus").shows(t, "Gus", "Gus <b>Bold</b>")
}

func TestAHubSaysItsStateInWords(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	revoked, few := bridge.ReasonOf(bridge.PlatformTokenRevoked), bridge.ReasonOf(bridge.HubFewAdmins)
	b.page("/", http.StatusOK).shows(t, "the first page", "disconnected", "Who acts: "+string(revoked.Actor), revoked.Next, "observing", "enforcing",
		few.Meaning, "1 accepted admin", "1 disputed", bridge.ReasonOf(bridge.PullPartial).Meaning, "page 3: HTTP 500", "1 task held", "entra-oak", "silent", "5 hours ago")
	b.page("/hubs/tiktok-us", http.StatusOK).shows(t, "a disconnected hub", "Access token is incorrect or has been revoked.", revoked.Next)
	b.page("/hubs/tiktok-eu/settings", http.StatusOK).shows(t, "settings", "max-removals-percent 10 % changed", "accepted admins that must remain")
	b.page("/hubs/tiktok-eu/rules", http.StatusOK).shows(t, "rules", "Ads Owners Owner any source", "2 direct members", "has not arrived yet", "agency lead, contract with legal", "in force", "ended")
	b.page("/hubs/tiktok-eu/pulls", http.StatusOK).shows(t, "pulls", "complete", "broke off", bridge.ReasonOf(bridge.PullPartial).Meaning)
	b.page("/hubs/tiktok-eu?standing=disputed", http.StatusOK).shows(t, "a disputed member", "Hana S.", bridge.ReasonOf(bridge.MatchDisputed).Next)
}

func TestTheDownloadedTrailProvesItself(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	for path, want := range map[string]int64{"/events/download?format=jsonl": 225, "/events/download?format=csv": 225, "/events/download?format=jsonl&hub=tiktok-eu&action=task.": 75} {
		a := b.page(path, http.StatusOK)
		v, err := audit.Verify(strings.NewReader(a.body))
		if err != nil || !v.Whole || !v.Signed || v.Events != want {
			t.Errorf("%s: %d events, whole %v, signed %v, %+v, %v; want %d", path, v.Events, v.Whole, v.Signed, v.Problem, err, want)
		}
		if !strings.HasPrefix(a.header.Get("Content-Disposition"), `attachment; filename="adbridge-audit-`) {
			t.Errorf("%s: %q", path, a.header.Get("Content-Disposition"))
		}
	}
	b.page("/events?action=audit.exported", http.StatusOK).shows(t, "the record", "the audit trail was exported", "admin:ana@corp.example")
}

// TestADownloadThatFailsIsBrokenOff: half a file must not look like a whole one.
func TestADownloadThatFailsIsBrokenOff(t *testing.T) {
	db, o := newSite(t, here)
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		for range 3000 {
			if err := tx.AddEvents(ctx, audit.Event{Actor: audit.ActorBridge, Action: audit.PlanMade, Subject: strings.Repeat("x", 400)}); err != nil {
				return err
			}
		}
		_, err := tx.SealEvents(ctx, 3000)
		return err
	})
	b := serve(t, o)
	b.signIn(o)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/events/download?format=jsonl", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := b.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadFull(res.Body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(res.Body)
	if err == nil {
		t.Errorf("the download ends as if it were whole, after %d bytes", len(rest))
	}
}
