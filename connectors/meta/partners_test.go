package meta

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/meta/metasim"
)

const client = "200000000000003"

// withPartners is our business, an agency that works on some of its assets, and
// a client that shares two with us.
func withPartners(s setting) metasim.World {
	w := world(s, crowd(3))
	to := func(id string, tasks ...string) []metasim.Share {
		return []metasim.Share{{Business: id, Tasks: tasks}}
	}
	ours := &w.Businesses[0]
	ours.AdAccounts[0].Agencies = to(foreignBusiness, "ADVERTISE", "ANALYZE")
	ours.Pages[0].Agencies = to(foreignBusiness, "CREATE_CONTENT")
	ours.Pixels[0].Agencies = []metasim.Share{{Business: foreignBusiness, Tasks: []string{"ANALYZE"}, Status: "PENDING"}}
	w.Businesses = append(w.Businesses, metasim.Business{
		ID: client, Name: "Shoe shop", People: []metasim.Person{{ID: "300000000000077", Email: "boss@shoes.example", Role: "ADMIN"}},
		AdAccounts: []metasim.Asset{{ID: "act_620000000000001", Name: "Shoes", Agencies: to(ourBusiness, "ANALYZE")}, {ID: "act_620000000000002", Name: "Secret"}},
		Pixels:     []metasim.Asset{{ID: "620000000000003", Name: "Shop window", Agencies: to(ourBusiness, "ANALYZE")}},
	})
	return w
}

// sharedBy is what a partner is shown to share, as text.
func sharedBy(b bridge.PartnerBusiness) (all []string) {
	for _, a := range b.Assets {
		all = append(all, a.String()+" "+a.Name+" "+strings.Join(a.Roles, "+"))
	}
	slices.Sort(all)
	return all
}

// TestPartnersAreReadWithWhatIsShared, either way, under every way of paging
// and of refusing.
func TestPartnersAreReadWithWhatIsShared(t *testing.T) {
	for _, s := range []setting{{name: "default"}, {name: "no app secret", noSecret: true}, {name: "empty pages", switches: metasim.Switches{EmptyPages: "between"}}, {name: "a person's token", asUser: true}} {
		h := serve(t, s, withPartners(s))
		c := h.connect()
		partners, err := c.Partners(t.Context())
		if err != nil || len(partners) != 2 {
			t.Fatalf("%s: %v %+v", s.name, err, partners)
		}
		for i, want := range []struct {
			id, name string
			side     Side
			shares   []string
		}{
			{foreignBusiness, "Agency", Agency, []string{"ad_account:" + ourAccount + " Brand ADVERTISE+ANALYZE", "page:" + shop.ID + " Shop ADVERTISE+ANALYZE+CREATE_CONTENT+MESSAGING+MODERATE"}},
			{client, "Shoe shop", Client, []string{"ad_account:620000000000001 Shoes ANALYZE", "pixel:620000000000003 Shop window "}},
		} {
			p := partners[i]
			if p.BusinessID != want.id || p.Name != want.name || p.Side != want.side || p.Error != "" || !slices.Equal(sharedBy(p.PartnerBusiness), want.shares) {
				t.Errorf("%s: %+v, want %+v", s.name, p, want)
			}
		}
		if _, writes := h.counts(); writes > 0 {
			t.Error("looking at partners writes")
		}
	}
}

// TestOnlyThoseWhoReachOurAssetsAreWatched as partners.
func TestOnlyThoseWhoReachOurAssetsAreWatched(t *testing.T) {
	h := serve(t, setting{}, withPartners(setting{}))
	c := h.connect()
	all, err := c.PartnerBusinesses(t.Context())
	if err != nil || len(all) != 1 || all[0].BusinessID != foreignBusiness || all[0].Name != "Agency" {
		t.Errorf("%v %+v", err, all)
	}
	got, err := c.SharedWith(t.Context(), foreignBusiness)
	if err != nil || len(got) != 2 {
		t.Errorf("%v %+v", err, got)
	}
	for _, id := range []string{client, "999", ""} {
		_, err := c.SharedWith(t.Context(), id)
		wantKind(t, id, err, connectors.KindNotFound, bridge.PlatformNotFound)
	}
}

// TestEveryAssetIsAskedOnceForAllPartners, and again when that is old.
func TestEveryAssetIsAskedOnceForAllPartners(t *testing.T) {
	w := withPartners(setting{})
	w.Businesses[0].Catalogs[0].Agencies = []metasim.Share{{Business: client, Tasks: []string{"ADVERTISE"}}}
	h := serve(t, setting{}, w)
	c := h.connect()
	asked := func() (n int) {
		for _, r := range h.Requests() {
			if strings.HasSuffix(r.Path, "/agencies") && !strings.HasPrefix(r.Path, "/"+ourBusiness) {
				n++
			}
		}
		return n
	}
	look := func(want int) {
		t.Helper()
		for id, n := range map[string]int{foreignBusiness: 2, client: 1} {
			if got, err := c.SharedWith(t.Context(), id); err != nil || len(got) != n {
				t.Errorf("%s: %v %+v", id, err, got)
			}
		}
		if asked() != want {
			t.Errorf("assets were asked %d times, want %d", asked(), want)
		}
	}
	look(5)
	h.Advance(9 * time.Minute)
	look(5)
	h.Advance(2 * time.Minute)
	look(10)
}

// TestWhatIsNotReadOfPartnersIsSaid: the rest is told beside it, and an outage
// is no answer.
func TestWhatIsNotReadOfPartnersIsSaid(t *testing.T) {
	w := withPartners(setting{})
	w.Businesses[0].Pages[0].Assigned = nil // so that we are given no token of it
	h := serve(t, setting{}, w)
	c := h.connect()
	partners, err := c.Partners(t.Context())
	if err != nil || len(partners) != 2 || len(partners[0].Assets) != 1 || !strings.Contains(partners[0].Error, "page:"+shop.ID) || !strings.Contains(partners[0].Error, "full control of the page") {
		t.Errorf("%v %+v", err, partners)
	}
	got, err := c.SharedWith(t.Context(), foreignBusiness)
	if connectors.KindOf(err) != connectors.KindForbidden || len(got) != 1 {
		t.Errorf("%v %+v", err, got)
	}
	for _, edge := range []string{"GET agencies", "GET clients", "GET client_pixels"} {
		h.Advance(time.Hour)
		h.Faults.Add(metasim.Fault{Op: edge, Kind: metasim.FaultHTML})
		_, err := c.Partners(t.Context())
		wantKind(t, edge, err, connectors.KindTransient, bridge.PlatformUnreachable)
		h.Mend()
	}
}

// TestClientsAreReadWithoutTheirTasksWhereMetaTellsNone: the guide has
// permitted_tasks on these edges, and the specification has not.
func TestClientsAreReadWithoutTheirTasksWhereMetaTellsNone(t *testing.T) {
	c, _ := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/client_ad_accounts") && strings.Contains(r.URL.Query().Get("fields"), "permitted_tasks"):
			return 400, nil, graph(100, 0)
		case strings.HasSuffix(r.URL.Path, "/client_ad_accounts"):
			return 200, nil, `{"data":[{"id":"act_5","name":"Shoes","owner_business":{"id":"` + client + `","name":"Shoe shop"}}]}`
		case strings.HasSuffix(r.URL.Path, "/client_instagram_assets"):
			return 200, nil, `{"data":[{"id":"6","ig_username":"shoes"}]}`
		}
		return 0, nil, ""
	})
	partners, err := c.Partners(t.Context())
	if err != nil || len(partners) != 2 || partners[0].Name != "Shoe shop" || partners[0].Assets[0].String() != "ad_account:5" || partners[0].Assets[0].Roles != nil {
		t.Fatalf("%v %+v", err, partners)
	}
	if p := partners[1]; p.BusinessID != "" || p.Name != "Meta does not say whose" || p.Assets[0].String() != "instagram:6" {
		t.Errorf("%+v", p)
	}
}
