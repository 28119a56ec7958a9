package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A partner is another business with which one of our hubs shares assets. Its
// people are not on our hub and no platform shows them there; they are seen
// through a monitor: a hub of its own on the partner's business, connected with
// a token of the partner's, that can only ever look (Hub.PartnerOf).

// PartnerBusiness is a partner of a hub and what the hub shares with it.
type PartnerBusiness struct {
	BusinessID string        `json:"business_id"`
	Name       string        `json:"name,omitempty"`
	Assets     []SharedAsset `json:"assets,omitempty"`
	// Error says why what we share with it could not be read; Assets are those of
	// the reading before then.
	Error string `json:"error,omitempty"`
}

// SharedAsset is an asset of ours that a partner reaches, and how far.
type SharedAsset struct {
	AssetDetails
	Roles []string `json:"roles,omitempty"` // of the partner itself; its people have at most these
}

// Partners are the partners of a hub as its last reading found them.
type Partners struct {
	HubID string            `json:"hub_id"`
	At    time.Time         `json:"at,omitzero"` // of the reading that List is from; zero: never read
	List  []PartnerBusiness `json:"list,omitempty"`
	// Error is why a later reading told nothing; List is from before then.
	Error   string    `json:"error,omitempty"`
	Reason  Code      `json:"reason,omitempty"`
	TriedAt time.Time `json:"tried_at,omitzero"`
	Calls   int       `json:"calls,omitempty"` // that the last reading took
}

// What a reading of partners may cost. Meta is asked about each asset by itself.
const (
	partnerCalls = 10             // so many are made with every pull
	partnerSpare = time.Minute    // each more puts the next reading off by so much
	partnerMost  = 12 * time.Hour // but the daily pull always reads
)

// Spared says that the last reading is too young to be repeated, for what it
// cost: pulls that our own changes ask for must not use the app's calls up.
func (p Partners) Spared(now time.Time) bool {
	last := later(p.At, p.TriedAt)
	return !last.IsZero() && now.Sub(last) < min(partnerMost, time.Duration(p.Calls-partnerCalls)*partnerSpare)
}

// Find finds a partner by the id of its business.
func (p Partners) Find(businessID string) (PartnerBusiness, bool) {
	for _, b := range p.List {
		if b.BusinessID == businessID {
			return b, true
		}
	}
	return PartnerBusiness{}, false
}

// Monitor is a hub that looks at the people of a partner of another hub.
type Monitor struct {
	HubID      string    `json:"hub_id"`
	Slug       string    `json:"slug"`
	BusinessID string    `json:"business_id"`
	People     int       `json:"people"`           // of the partner, who reach what we share
	ReadAt     time.Time `json:"read_at,omitzero"` // of its last whole reading
}

// Partnership is what a hub's world holds of partners: of a hub of ours, its
// partners and who looks at them; of a monitor, the hub it is for.
type Partnership struct {
	Partners Partners // of a monitor: those of the hub that it is for
	Monitors []Monitor
	Ours     string // of a monitor: slug of the hub whose partner it looks at
}

// PartnerLine is a partner in the report of the hub that shares with it.
type PartnerLine struct {
	BusinessID string    `json:"business_id"`
	Name       string    `json:"name,omitempty"`
	Assets     int       `json:"assets"`            // shared with it
	Monitor    string    `json:"monitor,omitempty"` // slug; "": nobody looks, its people are not visible
	People     int       `json:"people"`            // that the monitor shows
	ReadAt     time.Time `json:"read_at,omitzero"`  // by the monitor
	Reason     Code      `json:"reason,omitempty"`  // what is to be known of it
	Error      string    `json:"error,omitempty"`
}

// Lines are the partners, each with its monitor. A monitor whose business is no
// partner any more has a line that says so.
func (p Partnership) Lines() []PartnerLine {
	var out []PartnerLine
	left := slices.Clone(p.Monitors)
	for _, b := range p.Partners.List {
		l := PartnerLine{BusinessID: b.BusinessID, Name: b.Name, Assets: len(b.Assets), Error: b.Error}
		if i := slices.IndexFunc(left, func(m Monitor) bool { return m.BusinessID == b.BusinessID }); i >= 0 {
			l.Monitor, l.People, l.ReadAt = left[i].Slug, left[i].People, left[i].ReadAt
			left = slices.Delete(left, i, i+1)
		} else {
			l.Reason = PartnerNoMonitor
		}
		if b.Error != "" {
			l.Reason = PartnerUnread
		}
		out = append(out, l)
	}
	for _, m := range left {
		l := PartnerLine{BusinessID: m.BusinessID, Monitor: m.Slug, People: m.People, ReadAt: m.ReadAt}
		if !p.Partners.At.IsZero() {
			l.Reason, l.Error = PartnerEnded, ReasonOf(PartnerEnded).Meaning
		}
		out = append(out, l)
	}
	slices.SortStableFunc(out, func(a, b PartnerLine) int {
		return cmp.Or(cmp.Compare(Fold(a.Name), Fold(b.Name)), cmp.Compare(a.BusinessID, b.BusinessID))
	})
	return out
}

// String is the line for people.
func (l PartnerLine) String() string {
	name := l.BusinessID
	if l.Name != "" {
		name = fmt.Sprintf("%s (%s)", Plain(l.Name), l.BusinessID)
	}
	s := fmt.Sprintf("%s: %s shared; ", name, counted(l.Assets, "asset"))
	switch {
	case l.Monitor == "":
		s += "no monitor account: their people are not visible"
	case l.ReadAt.IsZero():
		s += fmt.Sprintf("hub %s has not been read yet", l.Monitor)
	default:
		s += fmt.Sprintf("hub %s showed %s of theirs on %s", l.Monitor, counted(l.People, "person"), stamp(l.ReadAt))
	}
	if l.Error != "" {
		s += "; " + l.Error
	}
	return s
}

func counted(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case noun == "person":
		return fmt.Sprintf("%d people", n)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// lookOnly is the world of a monitor as it may be planned: nothing wants anyone
// there, whatever the rules on record say, and nothing leaves.
func lookOnly(w World) World {
	if w.Hub.PartnerOf == "" {
		return w
	}
	w.Hub.Mode, w.Rules = ModeObserve, nil
	w.Hub.Settings = w.Hub.Settings.orDefault()
	w.Hub.Settings.MinAdmins = 0 // only those of its admins are kept who reach what we share
	w.Decisions = slices.DeleteFunc(slices.Clone(w.Decisions), func(d Decision) bool { return d.Kind == DecideGrant || d.Kind == DecideAdopt })
	return w
}

// partnership says of a monitor when there is nothing to look for any more.
func (p *planner) partnership() {
	x := p.w.Partnership
	if p.w.Hub.PartnerOf == "" || x.Partners.At.IsZero() {
		return
	}
	if _, ok := x.Partners.Find(p.w.Hub.BusinessID); !ok {
		p.alarms = append(p.alarms, Alarm{PartnerEnded, "of hub " + x.Ours})
	}
}

// MayBeIn says why the hub cannot be put in a mode.
func (h Hub) MayBeIn(m Mode) error {
	if h.PartnerOf != "" && m != ModeObserve {
		return h.OnlyLookedAt("it stays in the mode observe")
	}
	return nil
}

// OnlyLookedAt says that the hub is a partner's, and what follows from it.
func (h Hub) OnlyLookedAt(so string) error {
	return fmt.Errorf("hub %s is a partner's business, connected to look only: adbridge never changes anything there, and %s", h.Slug, so)
}
