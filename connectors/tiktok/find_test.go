package tiktok

import (
	"slices"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/connectortest"
	"adbridge/connectors/tiktok/tiktoksim"
)

func find(t *testing.T, c *Connector, who connectors.Subject) []bridge.Seen {
	t.Helper()
	found, err := c.Find(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFindSeesThroughAMaskOnlyWhereTheSearchDoes: dana and dora are both
// d**a@example.org.
func TestFindSeesThroughAMaskOnlyWhereTheSearchDoes(t *testing.T) {
	for _, keyword := range []string{"exact_email", "fuzzy", "masked", "ignored"} {
		h := startHub(t, tiktoksim.Switches{Keyword: keyword}, append(active(30), pending("dana@example.org", "dora@example.org")...))
		c := open1(t, h)
		discerning := keyword == "exact_email" || keyword == "fuzzy"
		for range 2 {
			got := find(t, c, connectors.Subject{Email: "Dora@example.org"})
			if discerning && (len(got) != 1 || got[0].Email != "Dora@example.org" || got[0].Masked) {
				t.Errorf("%s: dora is found as %+v", keyword, got)
			}
			if !discerning && (len(got) != 2 || !got[0].Masked || !got[1].Masked || got[0].Email != "d**a@example.org") {
				t.Errorf("%s: two rows fit, found %+v", keyword, got)
			}
			// Nobody is dita, though two rows look like it.
			got = find(t, c, connectors.Subject{Email: "dita@example.org"})
			if want := 2; !discerning && len(got) != want || discerning && len(got) != 0 {
				t.Errorf("%s: dita is found as %+v", keyword, got)
			}
		}
	}
}

// TestFindBelievesNobodyIsThereOnlyAfterProof: a search that has shown that it
// looks behind masks answers for its part of the list; the rest is read.
func TestFindBelievesNobodyIsThereOnlyAfterProof(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, append(active(100), pending("dana@example.org")...))
	c := open1(t, h)
	calls := func(email string) int {
		h.ResetRequests()
		find(t, c, connectors.Subject{Email: email})
		return h.Calls("bc/member/get")
	}
	if n := calls("nobody@example.org"); n < 6 {
		t.Errorf("without any proof %d calls said that nobody is there; the list has six pages", n)
	}
	if n := calls("dana@example.org"); n != 2 {
		t.Errorf("an invitation and its decoy took %d calls", n)
	}
	if n := calls("person0042@example.com"); n != 2 {
		t.Errorf("a member and the decoy took %d calls", n)
	}
	if n := calls("person0043@example.com"); n != 1 {
		t.Errorf("a second member took %d calls", n)
	}
	h.ok(h.Decline(ourBC, "dana@example.org"))
	calls("dana@example.org")
	if n := calls("nobody@example.org"); n != 1 {
		t.Errorf("proven for members, invited and declined, %d calls", n)
	}
}

func TestFindOfShortAddressesProvesNothingByTheSearch(t *testing.T) {
	for _, short := range []string{"keep", "first", "stars"} {
		for _, keyword := range []string{"exact_email", "ignored"} {
			h := startHub(t, tiktoksim.Switches{ShortMask: short, Keyword: keyword}, append(active(25), pending("al@example.org", "ed@example.org")...))
			got := find(t, open1(t, h), connectors.Subject{Email: "al@example.org"})
			if !slices.ContainsFunc(got, func(s bridge.Seen) bool { return s.Presence == bridge.Invited && fits(s.Email, "al@example.org") }) {
				t.Errorf("%s, %s: al is found as %+v", short, keyword, got)
			}
		}
	}
}

func TestFindByIdNeedsFewCalls(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, active(200))
	c := open1(t, h)
	h.ResetRequests()
	got := find(t, c, connectors.Subject{PlatformID: "6900000000000000190", Name: "Person 190"})
	if len(got) != 1 || h.Calls("") != 1 {
		t.Errorf("by id and name: %+v after %d calls", got, h.Calls(""))
	}
	got = find(t, c, connectors.Subject{PlatformID: "6900000000000000190", Email: "person0190@example.com"})
	if len(got) != 1 || h.Calls("") != 2 {
		t.Errorf("by id and address: %+v after %d calls", got, h.Calls(""))
	}
	// A name that is another's now does not make the wrong one found.
	got = find(t, c, connectors.Subject{PlatformID: "6900000000000000190", Name: "Person 7"})
	if len(got) != 1 || got[0].PlatformID != "6900000000000000190" {
		t.Errorf("by id and another's name: %+v", got)
	}
}

func TestADecoyHidesUnderTheSameMask(t *testing.T) {
	for _, email := range []string{"dana@example.org", "aqb@x.org", "axqzj7b@x.org", "AQB@x.org", "élan.q@x.org", " bob@x.org "} {
		d := decoy(email)
		if d == "" || strings.EqualFold(d, strings.TrimSpace(email)) {
			t.Errorf("decoy of %q is %q", email, d)
			continue
		}
		e, f := []rune(strings.TrimSpace(email)), []rune(d)
		at := slices.Index(e, '@')
		if len(e) != len(f) || e[0] != f[0] || string(e[at-1:]) != string(f[at-1:]) {
			t.Errorf("decoy of %q is %q, under another mask", email, d)
		}
		for i := 1; i < at-1; i++ {
			if strings.EqualFold(string(e[i]), string(f[i])) {
				t.Errorf("decoy of %q is %q: character %d stayed", email, d, i)
			}
		}
	}
	for _, email := range []string{"a@x.org", "ab@x.org"} {
		if d := decoy(email); d != "" {
			t.Errorf("decoy of %q is %q", email, d)
		}
	}
}

// TestConfirmsOnlyWhatTheSearchProves: whatever filtering.keyword turns out to
// mean, a yes is true, and it costs three calls at most on a hub of six pages.
func TestConfirmsOnlyWhatTheSearchProves(t *testing.T) {
	for _, keyword := range []string{"exact_email", "fuzzy", "masked", "ignored"} {
		for _, many := range []int{5, 110} {
			const dana, dora = "6900000000000001001", "6900000000000001002"
			people := append(active(many), pending("dita@example.org")...)
			people = append(people, connectortest.Person{Email: "dana@example.org", Role: bridge.Collaborator, Presence: bridge.Active, PlatformID: dana},
				connectortest.Person{Email: "dora@example.org", Role: bridge.Collaborator, Presence: bridge.Active, PlatformID: dora})
			h := startHub(t, tiktoksim.Switches{Keyword: keyword}, people)
			c := open1(t, h)
			discerning := keyword == "exact_email" || keyword == "fuzzy"
			for _, q := range []struct {
				id, email string
				want      bool
			}{
				{dana, "dana@example.org", discerning}, {dora, "Dora@example.org", discerning}, {dora, "dana@example.org", false},
				{dana, "dxna@example.org", false}, {dana, "dita@example.org", false}, {dana, "d**a@example.org", false}, {"", "dana@example.org", false},
			} {
				h.ResetRequests()
				got, err := c.Confirms(t.Context(), q.id, q.email)
				if err != nil || got != q.want {
					t.Errorf("%s, %d members: %s is %s: %v, want %v (%v)", keyword, many, q.email, q.id, got, q.want, err)
				}
				if n := h.Calls("bc/member/get"); n > 3 {
					t.Errorf("%s, %d members: %s took %d calls", keyword, many, q.email, n)
				}
			}
		}
	}
}
