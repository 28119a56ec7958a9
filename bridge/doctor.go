package bridge

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// First is something that a source does for the first time while a team sets
// it up.
type First string

// The firsts, in the order in which they come.
const (
	FirstCall         First = "token-seen"
	FirstTest         First = "connection-test"
	FirstUser         First = "first-user"
	FirstGroup        First = "first-group"
	FirstMembership   First = "first-membership"
	FirstDeactivation First = "first-deactivation"
)

// TrialLabel begins the label of a token by which `source test` calls: what it
// does is no sign that the identity provider does it.
const TrialLabel = "source-test-"

var (
	filledGroup   = regexp.MustCompile(`(?:added|set the|with) [1-9][0-9]* (?:to Group|members)`)
	changedActive = regexp.MustCompile(`changed (?:[^;]*, )?active(?:, [^;]*)? of User`)
	saysFalse     = regexp.MustCompile(`(?i)\bfalse\b`)
)

// FirstsOf says what an exchange may be the first of.
func FirstsOf(e Exchange) []First {
	if e.SourceID == "" || e.Status == 401 || strings.HasPrefix(e.TokenLabel, TrialLabel) {
		return nil
	}
	out := []First{FirstCall}
	if e.Status < 200 || e.Status > 299 {
		return out
	}
	path, _, _ := strings.Cut(e.Target, "?")
	if e.Method == "GET" && (path == "/Users" || path == "/Groups") {
		out = append(out, FirstTest)
	}
	for first, is := range map[First]bool{
		FirstUser:         strings.Contains(e.Changed, "created User"),
		FirstGroup:        strings.Contains(e.Changed, "created Group"),
		FirstMembership:   filledGroup.MatchString(e.Changed),
		FirstDeactivation: strings.Contains(e.Changed, "deleted User") || changedActive.MatchString(e.Changed) && saysFalse.MatchString(e.Body),
	} {
		if is {
			out = append(out, first)
		}
	}
	slices.Sort(out)
	return out
}

// SourceFacts are what the doctor may look at.
type SourceFacts struct {
	Now       time.Time
	Source    Source
	LastGap   time.Duration       // between its last two visits; 0: there were no two
	Firsts    map[First]time.Time // the zero time: it happened, nobody knows when
	Directory DirectoryFacts
	Traffic   TrafficFacts
	Refusals  []Refusal // the newest first
	TokenEnds time.Time // of the token used last; zero: it does not end
	TokenName string
}

// Sample is how often something was seen, when last, and some of it.
type Sample struct {
	Count    int       `json:"count"`
	At       time.Time `json:"at,omitzero"`
	Examples []string  `json:"examples,omitempty"`
}

// sampleMost is how many examples are enough.
const sampleMost = 3

// Add counts one more; what is added first stays as an example.
func (s *Sample) Add(example string, at time.Time) {
	s.Count++
	if at.After(s.At) {
		s.At = at
	}
	if example != "" && len(s.Examples) < sampleMost && !slices.Contains(s.Examples, example) {
		s.Examples = append(s.Examples, example)
	}
}

// String shows the examples.
func (s Sample) String() string {
	text := strings.Join(s.Examples, ", ")
	if s.Count > len(s.Examples) && len(s.Examples) > 0 {
		text += fmt.Sprintf(" and %d more", s.Count-len(s.Examples))
	}
	return text
}

// DirectoryFacts are what a source has pushed. Of a large one only the newest
// Looked users and their groups are looked at.
type DirectoryFacts struct {
	Users, Groups  int // of those looked at
	Settled        int // groups that have been here, and left alone, for a cycle
	Members        bool
	Inactive       bool
	NotEmail       Sample // userNames that are no address; the person has one
	NoAddress      Sample // userNames of those who cannot be invited
	InNoGroup      Sample // active userNames
	EmptyGroups    Sample // names of groups that have been empty for a cycle
	UnknownMembers Sample // "id in group", of people who did not come for a cycle
	SameName       Sample // names that several groups have
	OneExternalID  Sample // "userName and userName", active users with one externalId
	Everyone       string // name of a group that all active users are in
}

// TrafficFacts are what the latest requests show.
type TrafficFacts struct {
	Requests       int
	Creates        int
	WrongPaths     Sample
	NoActive       Sample // userNames created without active
	StringBooleans Sample
	LetterCase     Sample // `"ANA@…" is "ana@…" here`
	Throttled      Sample
	Refused        Sample // details of other 4xx answers
	Faults         Sample // of 5xx answers
}

// Milestone is a line of the checklist.
type Milestone struct {
	What  First     `json:"what"`
	Title string    `json:"title"`
	Done  bool      `json:"done"`
	At    time.Time `json:"at,omitzero"`
	Next  string    `json:"next,omitempty"` // when it is not done: what to press at the IdP
}

// Finding is something wrong, or worth knowing, with its fix in the IdP's words.
type Finding struct {
	Code    Code      `json:"code"`
	Problem bool      `json:"problem"` // else a hint: nothing is lost because of it
	Detail  string    `json:"detail"`
	Fix     string    `json:"fix"`
	At      time.Time `json:"at,omitzero"`
}

// Diagnosis is what the doctor says about a source.
type Diagnosis struct {
	Source    string      `json:"source"`
	Kind      SourceKind  `json:"kind"`
	At        time.Time   `json:"at"`
	LastSeen  time.Time   `json:"last_seen,omitzero"`
	Checklist []Milestone `json:"checklist"`
	Findings  []Finding   `json:"findings"`
}

// Finished says that every line of the checklist is done.
func (d Diagnosis) Finished() bool {
	return !slices.ContainsFunc(d.Checklist, func(c Milestone) bool { return !c.Done })
}

// Well says that no finding is a problem.
func (d Diagnosis) Well() bool {
	return !slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Problem })
}

// Diagnose goes through the checklist and looks for everything the doctor knows.
func Diagnose(f SourceFacts) Diagnosis {
	d := Diagnosis{Source: f.Source.Name, Kind: f.Source.Kind, At: f.Now, LastSeen: f.Source.LastSeen, Findings: []Finding{}}
	done := map[First]bool{
		FirstCall: !f.Source.LastSeen.IsZero(), FirstTest: f.Directory.Users+f.Directory.Groups > 0,
		FirstUser: f.Directory.Users > 0, FirstGroup: f.Directory.Groups > 0, FirstMembership: f.Directory.Members, FirstDeactivation: f.Directory.Inactive,
	}
	for _, s := range checklist {
		at, known := f.Firsts[s.what]
		c := Milestone{What: s.what, Title: s.title, Done: known || done[s.what], At: at}
		if !c.Done {
			c.Next = s.next.of(f.Source)
		}
		d.Checklist = append(d.Checklist, c)
	}
	p := patient{SourceFacts: f}
	p.called()
	p.sent()
	p.answered()
	slices.SortStableFunc(p.found, func(a, b Finding) int {
		switch {
		case a.Problem == b.Problem:
			return 0
		case a.Problem:
			return -1
		}
		return 1
	})
	d.Findings = append(d.Findings, p.found...)
	return d
}

// patient is a source that is being looked at.
type patient struct {
	SourceFacts
	found []Finding
}

func (p *patient) note(problem bool, code Code, at time.Time, fix fix, detail string, args ...any) {
	p.found = append(p.found, Finding{Code: code, Problem: problem, At: at, Fix: fix.of(p.Source), Detail: fmt.Sprintf(detail, args...)})
}

// called looks at whether the IdP gets in at all.
func (p *patient) called() {
	for _, r := range p.Refusals {
		shut := r.At.After(p.Source.LastSeen) // nothing has come through since
		if r.SourceID == "" {
			// It may be anybody's; while this source has never been heard it is worth telling.
			if p.Source.LastSeen.IsZero() && r.At.After(p.Source.CreatedAt) {
				p.note(false, DoctorTokenRefused, r.At, fixToken, "a caller at %s was refused: %s", r.Caller, r.Detail)
			}
			continue
		}
		code, fix := DoctorTokenRefused, fixToken
		switch r.Reason {
		case RefusedExpired:
			code = DoctorTokenExpired
		case RefusedClock:
			code, fix = DoctorClock, fixClock
		case RefusedAddress:
			code, fix = DoctorAddress, fixAddress
		case RefusedIssuer, RefusedClaims, RefusedUnsigned:
			fix = fixTrust
		}
		p.note(shut, code, r.At, fix, "refused %s from %s: %s", times(r.Times), r.Caller, r.Detail)
	}
	if left := p.TokenEnds.Sub(p.Now); !p.TokenEnds.IsZero() && left > 0 && left < 14*24*time.Hour {
		p.note(false, DoctorTokenEnds, time.Time{}, fixToken, "the token %s ends on %s, in %s", p.TokenName, p.TokenEnds.Format(time.DateOnly), days(left))
	}
	if seen := p.Source.LastSeen; p.Source.Silent(p.Now, p.LastGap) {
		p.note(true, SourceSilent, seen, fixSilent, "the last call came %s ago, on %s", days(p.Now.Sub(seen)), seen.UTC().Format(time.RFC3339))
	}
	if w := p.Traffic.WrongPaths; w.Count > 0 {
		p.note(true, DoctorWrongPath, w.At, fixPath, "%s to addresses that do not exist: %s", requests(w.Count), w)
	}
}

// sent looks at what the IdP has pushed.
func (p *patient) sent() {
	d, t := p.Directory, p.Traffic
	switch {
	case d.Settled > 0 && d.Users == 0:
		p.note(true, DoctorNoUsers, time.Time{}, fixNoUsers, "here are groups (%d) and not one user", d.Groups)
	case d.Settled > 0 && !d.Members:
		p.note(true, DoctorNoMembers, time.Time{}, fixNoMembers, "here are users (%d) and groups (%d), and nobody is in a group", d.Users, d.Groups)
	case d.EmptyGroups.Count > 0:
		p.note(false, DoctorEmptyGroup, time.Time{}, fixEmptyGroup, "groups without members (%d): %s", d.EmptyGroups.Count, d.EmptyGroups)
	}
	if d.UnknownMembers.Count > 0 {
		p.note(true, DoctorUnknownMembers, d.UnknownMembers.At, fixUnknownMembers, "memberships of people who never came (%d): %s", d.UnknownMembers.Count, d.UnknownMembers)
	}
	if p.Source.Kind == Okta && d.Everyone != "" {
		text := fmt.Sprintf("every active user is in the group %q, as it is when the group that assigns the app is also pushed", d.Everyone)
		if n := d.InNoGroup; n.Count > 0 {
			text += "; in no group: " + n.String()
		}
		p.note(false, DoctorSameGroup, time.Time{}, fixSameGroup, "%s", text)
	}
	if d.NoAddress.Count > 0 {
		p.note(true, DoctorUserName, time.Time{}, fixUserName, "userName is not an e-mail address and there is no other, so these cannot be invited (%d): %s", d.NoAddress.Count, d.NoAddress)
	} else if d.NotEmail.Count > 0 {
		p.note(false, DoctorUserName, time.Time{}, fixUserName, "userName is not an e-mail address (%d); the emails are used instead: %s", d.NotEmail.Count, d.NotEmail)
	}
	if n := t.NoActive; n.Count > 0 {
		p.note(true, DoctorNoActive, n.At, fixNoActive, "created without active, %d of the last %d users: %s", n.Count, t.Creates, n)
	}
	if n := t.LetterCase; n.Count > 0 {
		p.note(true, DoctorLetterCase, n.At, fixLetterCase, "a user was refused because another has the name in other letters: %s", n)
	}
	if n := d.SameName; n.Count > 0 {
		p.note(false, DoctorLetterCase, time.Time{}, fixSameName, "several groups have one name, and a rule by name means all of them: %s", n)
	}
	if n := d.OneExternalID; n.Count > 0 {
		p.note(true, DoctorOneExternalID, time.Time{}, fixOneExternalID, "active users with the same externalId (%d), one of whom may be forgotten at the identity provider and will never be deactivated: %s", n.Count, n)
	}
	if n := t.StringBooleans; n.Count > 0 {
		p.note(false, DoctorStringBooleans, n.At, fixStringBooleans, "%s with booleans as text: %s. They are understood", requests(n.Count), n)
	}
}

// answered looks at what we answered.
func (p *patient) answered() {
	if n := p.Traffic.Throttled; n.Count > 0 {
		p.note(false, DoctorThrottled, n.At, fixThrottled, "%s over the rate of this source, told when to come again", requests(n.Count))
	}
	if n := p.Traffic.Refused; n.Count > 0 {
		p.note(true, DoctorRefused, n.At, fixRefused, "%s refused: %s", requests(n.Count), n)
	}
	if n := p.Traffic.Faults; n.Count > 0 {
		p.note(true, DoctorFault, n.At, fixFault, "%s not served: %s", requests(n.Count), n)
	}
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func requests(n int) string {
	if n == 1 {
		return "1 request"
	}
	return fmt.Sprintf("%d requests", n)
}

func days(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d/time.Hour))
	}
	return fmt.Sprintf("%d minutes", int(d/time.Minute))
}
