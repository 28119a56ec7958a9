package bridge

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Fact is one event of the audit trail as an explanation needs it.
type Fact struct {
	At          time.Time
	Actor       string
	Action      string // "membership.added", "platform.call", …
	Meaning     string
	Subject     string
	Person      string
	Member      string
	Task        string
	Correlation string
	Detail      map[string]any
}

// RequestRefused is the action of a fact that is no event: a request of an
// identity provider that was refused.
const RequestRefused = "user.request-refused"

// Explanation answers "why?" for one person or member on one hub, end to end.
type Explanation struct {
	Asked  string `json:"asked"`
	Hub    string `json:"hub"`
	Name   string `json:"name"`
	Answer string `json:"answer"` // one sentence
	Next   string `json:"next,omitempty"`
	Who    Actor  `json:"who,omitempty"` // who has to act
	// People and Members are the ids of those it is about.
	People  []string `json:"people,omitempty"`
	Members []string `json:"members,omitempty"`
	Steps   []Step   `json:"steps"`
}

// Step is one link of the chain from the identity provider to the platform.
type Step struct {
	Title string `json:"title"`
	Lines []Line `json:"lines"`
}

// Line is one statement of a step.
type Line struct {
	At   time.Time `json:"at,omitzero"`
	Text string    `json:"text"`
	Code Code      `json:"code,omitempty"`
}

// Explain finds whom a needle names (an e-mail address, a userName, a person,
// member or platform id, an externalId, or a name that only one has) and says
// what the identity provider sent, which groups and rules count, what is
// wanted, what the platform shows, what the plan makes of it, and what was
// done. False: nobody on this hub is named so.
//
// The hub is planned whole, as for MakePlan, because guards count everyone; it
// is only not written down whole. look finds the events and tasks of those whom
// it turns out to be about.
func Explain(w World, needle string, look func(people, members []string) ([]Fact, []Task, error)) (Explanation, bool, error) {
	p := planned(w)
	w.Members = p.w.Members // as the plan leaves them in our record
	x := explainer{w: w, ids: p.ids, wishes: p.wishes, short: p.short()}
	if !x.find(needle) {
		return Explanation{}, false, nil
	}
	for _, it := range p.items {
		x.concerns(&it.Row)
	}
	return x.tell(needle, look)
}

// concerns keeps a row of the plan that is about those who are meant.
func (x *explainer) concerns(r *Row) {
	if x.persons[r.PersonID] || r.MemberID != "" && x.members[r.MemberID] {
		x.rows = append(x.rows, *r)
	}
}

func (x *explainer) tell(needle string, look func(people, members []string) ([]Fact, []Task, error)) (Explanation, bool, error) {
	e := Explanation{Asked: needle, Hub: x.w.Hub.Slug, Name: x.name(), People: slices.Sorted(maps.Keys(x.persons)), Members: slices.Sorted(maps.Keys(x.members))}
	var err error
	if x.facts, x.tasks, err = look(e.People, e.Members); err != nil {
		return e, false, err
	}
	e.Answer, e.Next, e.Who = x.answer()
	for _, s := range []Step{x.directory(), x.groups(), x.wish(), x.member(), x.invitations(), x.decisions(), x.plan(), x.done()} {
		if len(s.Lines) > 0 {
			e.Steps = append(e.Steps, s)
		}
	}
	return e, true, nil
}

type explainer struct {
	w       World
	wishes  []Desired
	facts   []Fact
	tasks   []Task
	ids     *identities
	persons map[string]bool
	members map[string]bool
	behind  string // the address asked for, of which the members are masks
	rows    []Row
	short   string // of what the last pull fell short
}

// find settles who is meant.
func (x *explainer) find(needle string) bool {
	x.persons, x.members = map[string]bool{}, map[string]bool{}
	n := FoldEmail(needle)
	if n == "" {
		return false
	}
	for _, exact := range []bool{true, false} {
		for i := range x.w.People {
			if o := &x.w.People[i]; o.ID == needle || o.ExternalID == needle || Fold(o.UserName) == n || !exact && Fold(o.DisplayName) == n {
				x.persons[o.ID] = true
			}
		}
		for _, o := range x.ids.byAddress[n] {
			x.persons[o.ID] = true
		}
		for i := range x.w.Members {
			if m := &x.w.Members[i]; m.ID == needle || m.PlatformID == needle || FoldEmail(m.Email) == n || !exact && Fold(m.Name) == n {
				x.members[m.ID] = true
			}
		}
		for _, i := range x.w.Invitations {
			if FoldEmail(i.Email) == n {
				x.persons[i.PersonID] = true
			}
		}
		if len(x.persons)+len(x.members) > 0 {
			break
		}
	}
	if len(x.persons)+len(x.members) == 0 {
		for i := range x.w.Members { // an address that is nobody's may be behind a mask
			if m := &x.w.Members[i]; m.PersonID == "" && m.Presence != Gone && m.Masked && FitsMask(m.Email, n) {
				x.members[m.ID], x.behind = true, n
			}
		}
	}
	// The same human in other sources, and every account of theirs.
	for i := range x.w.Members {
		if m := &x.w.Members[i]; x.members[m.ID] && m.PersonID != "" {
			x.persons[m.PersonID] = true
		}
	}
	for id := range x.persons {
		if h := x.ids.of[id]; h != nil {
			for _, o := range h.ids() {
				x.persons[o] = true
			}
		}
	}
	for i := range x.w.Members {
		if m := &x.w.Members[i]; x.persons[m.PersonID] {
			x.members[m.ID] = true
		}
	}
	return len(x.persons)+len(x.members) > 0
}

func (x *explainer) name() string {
	for _, r := range x.rows {
		return who(r)
	}
	for _, o := range x.w.People {
		if x.persons[o.ID] {
			return who(Row{Name: o.Name(), Email: o.Email()})
		}
	}
	for _, m := range x.w.Members {
		if x.members[m.ID] {
			return who(Row{Name: m.Name, Email: m.Email})
		}
	}
	return ""
}

// directory is what the identity provider says and when it said so.
func (x *explainer) directory() Step {
	s := Step{Title: "What the identity provider sent"}
	sources := map[string]string{}
	for _, o := range x.w.Sources {
		sources[o.ID] = o.Name
	}
	for _, o := range x.w.People {
		if !x.persons[o.ID] {
			continue
		}
		state := "active"
		switch {
		case !o.DeletedAt.IsZero():
			state = "deleted on " + stamp(o.DeletedAt)
		case !o.Active:
			state = "deactivated"
		}
		s.Lines = append(s.Lines, Line{Text: fmt.Sprintf("%s knows %s as %s, %s (id %s)", cmp.Or(sources[o.SourceID], o.SourceID), o.Name(), o.UserName, state, o.ID)})
	}
	for _, f := range x.last(func(f Fact) bool {
		return x.persons[f.Person] && (strings.HasPrefix(f.Action, "user.") || strings.HasPrefix(f.Action, "membership."))
	}, 12) {
		s.Lines = append(s.Lines, Line{At: f.At, Text: factText(f)})
	}
	return s
}

// last picks the newest facts, oldest first.
func (x *explainer) last(test func(Fact) bool, n int) []Fact {
	var out []Fact
	for _, f := range x.facts {
		if test(f) {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b Fact) int { return a.At.Compare(b.At) })
	return out[max(0, len(out)-n):]
}

func factText(f Fact) string {
	s := cmp.Or(f.Meaning, f.Action)
	if f.Subject != "" {
		s += ": " + f.Subject
	}
	for _, k := range []string{"group", "op", "asset", "error", "message", "request_id", "reason", "status"} {
		if v, ok := f.Detail[k]; ok && fmt.Sprint(v) != "" {
			s += fmt.Sprintf(", %s %v", strings.ReplaceAll(k, "_", " "), v)
		}
	}
	if f.Actor != "" {
		s += " (" + f.Actor + ")"
	}
	return s
}

// groups are the groups that count, with the rules that name them.
func (x *explainer) groups() Step {
	s := Step{Title: "Groups and rules"}
	in, counts := map[string]bool{}, map[string]bool{} // the groups they are in, and those that give a role
	for _, m := range x.w.Memberships {
		if x.persons[m.PersonID] {
			in[m.GroupID] = true
			p := x.ids.people[m.PersonID]
			counts[m.GroupID] = counts[m.GroupID] || p != nil && !p.Leaver()
		}
	}
	named := map[string]bool{}
	for _, g := range x.w.Groups {
		for _, r := range x.w.Rules {
			if !r.Names(g) {
				continue
			}
			named[r.ID] = true
			switch {
			case in[g.ID] && g.DeletedAt.IsZero() && !counts[g.ID]:
				s.Lines = append(s.Lines, Line{Text: fmt.Sprintf("in group %s, for which rule %s would give %s to someone whom the identity provider has as active", g.DisplayName, r.ID, r.gives())})
			case in[g.ID] && g.DeletedAt.IsZero():
				s.Lines = append(s.Lines, Line{Text: fmt.Sprintf("in group %s: rule %s gives %s", g.DisplayName, r.ID, r.gives())})
			case in[g.ID]:
				s.Lines = append(s.Lines, Line{At: g.DeletedAt, Text: fmt.Sprintf("was in group %s, which is deleted: rule %s gives nothing", g.DisplayName, r.ID)})
			default:
				s.Lines = append(s.Lines, Line{Text: fmt.Sprintf("not in group %s, for which rule %s would give %s", g.DisplayName, r.ID, r.gives())})
			}
		}
	}
	for _, r := range x.w.Rules {
		if !named[r.ID] {
			s.Lines = append(s.Lines, Line{Text: fmt.Sprintf("rule %s names group %s, which has not arrived", r.ID, cmp.Or(r.GroupName, r.GroupID))})
		}
	}
	if len(x.w.Rules) == 0 {
		s.Lines = append(s.Lines, Line{Text: "the hub has no rule"})
	}
	slices.SortStableFunc(s.Lines, func(a, b Line) int {
		return boolOrder(strings.HasPrefix(b.Text, "in group"), strings.HasPrefix(a.Text, "in group"))
	})
	seen := map[string]bool{} // several persons may be one human
	for _, f := range x.last(func(f Fact) bool { return strings.HasPrefix(f.Action, "rule.") }, 6) {
		if text := factText(f); !seen[text+f.At.String()] {
			seen[text+f.At.String()] = true
			s.Lines = append(s.Lines, Line{At: f.At, Text: text})
		}
	}
	return s
}

func (x *explainer) wish() Step {
	s := Step{Title: "What is wanted"}
	for _, d := range x.wishes {
		if !x.persons[d.PersonID] {
			continue
		}
		text := d.Role.Word() + " since then: " + ReasonOf(d.Cause).Meaning
		if len(d.Why) > 0 && d.Role != NoRole {
			text += "; " + provenanceText(d.Why)
		}
		s.Lines = append(s.Lines, Line{At: d.Since, Text: text, Code: d.Cause})
		s.Lines = append(s.Lines, assetWishLines(d)...)
	}
	if len(s.Lines) == 0 {
		s.Lines = []Line{{Text: "nothing, and nothing ever was while they were on the hub"}}
		if slices.ContainsFunc(x.w.Members, func(m Member) bool { return x.members[m.ID] && m.Presence == Gone && m.Ownership.Ours() }) {
			s.Lines[0].Text = "nothing any more: they left the hub, and the wish ended with that; what was done tells why"
		}
	}
	return s
}

func (x *explainer) member() Step {
	s := Step{Title: shownTitle}
	for _, m := range x.w.Members {
		if !x.members[m.ID] {
			continue
		}
		text := fmt.Sprintf("%s %s, %s, %s", cmp.Or(m.Email, m.Name, m.PlatformID), m.Presence, m.Role.Word(), m.Ownership)
		if words := m.Access.Words(); words != "" {
			text += ", platform access " + words
		}
		if m.Applied != NoRole {
			text += ", last set by us: " + m.Applied.Word()
		}
		s.Lines = append(s.Lines, Line{At: m.LastSeen, Text: text})
		s.Lines = append(s.Lines, x.assetLines(m)...)
		if m.Match != nil {
			s.Lines = append(s.Lines, Line{At: m.Match.At, Text: "known by " + m.Match.Rule + ": " + m.Match.Evidence})
		}
		for _, g := range m.Suggestions {
			s.Lines = append(s.Lines, Line{Text: fmt.Sprintf("may be person %s: %s", x.personName(g.PersonID), g.Why)})
		}
		if slices.ContainsFunc(x.rows, func(r Row) bool {
			return r.MemberID == m.ID && (r.Reason == MatchUnmatched || r.Reason == MatchDisputed)
		}) {
			s.Lines = append(s.Lines, Line{Text: fmt.Sprintf("to say who it is: adbridge match %s %s PERSON; to leave it alone: adbridge exempt %s %s --reason …", x.w.Hub.Slug, m.ID, x.w.Hub.Slug, m.ID)})
			if len(m.Suggestions) == 0 {
				s.Lines = append(s.Lines, Line{Text: "at the last pull nobody in the directory stood out, by an address that fits few or by the same name"})
			}
		}
	}
	if !x.w.Pull.StartedAt.IsZero() {
		s.Lines = append(s.Lines, Line{At: x.w.Pull.StartedAt, Text: fmt.Sprintf("the hub was last read whole: %d rows", x.w.Pull.Members)})
		if x.short != "" {
			s.Lines = append(s.Lines, Line{At: x.w.Pull.StartedAt, Text: x.short + ". So whoever was not shown is kept as stored", Code: PullShort})
		}
	} else {
		s.Lines = append(s.Lines, Line{Text: ReasonOf(PullNone).Meaning, Code: PullNone})
	}
	return s
}

// personName names a person of the directory by what the match command takes.
func (x *explainer) personName(id string) string {
	if p := x.ids.people[id]; p != nil {
		return cmp.Or(p.UserName, p.Email(), id)
	}
	return id
}

func (x *explainer) decisions() Step {
	s := Step{Title: "What people decided"}
	keys := map[string]bool{}
	for _, r := range x.rows {
		keys[r.Key] = true
		for _, s := range r.Assets {
			keys[s.Key] = true
		}
	}
	for _, d := range x.w.Decisions {
		if !x.members[d.MemberID] && !x.persons[d.PersonID] && !keys[d.Subject] {
			continue
		}
		text := fmt.Sprintf("%s by %s: %s", d.Kind, d.By, d.Reason)
		if !d.Until.IsZero() {
			text += ", until " + stamp(d.Until)
		}
		if !d.UndoneAt.IsZero() {
			text += ", undone by " + d.UndoneBy + " on " + stamp(d.UndoneAt)
		}
		s.Lines = append(s.Lines, Line{At: d.At, Text: text})
	}
	return s
}

func (x *explainer) plan() Step {
	s := Step{Title: "What the plan says"}
	for _, r := range x.rows {
		s.Lines = append(s.Lines, Line{At: x.w.Now, Code: r.Situation, Text: ReasonOf(r.Situation).Meaning})
		text := string(r.Verdict)
		if r.Action != Nothing {
			text += ": " + string(r.Action) + " " + roles(r)
		}
		if r.Reason != "" {
			reason := ReasonOf(r.Reason)
			text += "; " + reason.Meaning
			if r.Detail != "" {
				text += " (" + r.Detail + ")"
			}
			if reason.Next != "nothing" {
				text += "; next: " + reason.Next + " (" + string(reason.Actor) + ")"
			}
		}
		if r.ends() {
			text += ", until " + r.until(x.w.Now)
		}
		s.Lines = append(s.Lines, Line{Text: text, Code: r.Reason})
		if r.Verdict == Held || r.Reason == InviteOldAddress {
			s.Lines = append(s.Lines, Line{Text: fmt.Sprintf("to decide about this change alone: adbridge approve %s %s --reason …, or adbridge reject %s %s --reason …", x.w.Hub.Slug, r.Key, x.w.Hub.Slug, r.Key)})
		}
		s.Lines = append(s.Lines, stepLines(r)...)
	}
	return s
}

// done is what was carried out: tasks, and the calls with the platform's own
// request ids.
func (x *explainer) done() Step {
	s := Step{Title: "What was done"}
	ids := map[string]bool{}
	for _, t := range x.tasks {
		if !x.persons[t.PersonID] && !(t.MemberID != "" && x.members[t.MemberID]) {
			continue
		}
		ids[t.ID] = true
		text := fmt.Sprintf("%s %s: %s", t.Action, t.change(), t.State)
		if t.Attempt > 1 {
			text += fmt.Sprintf(", attempt %d", t.Attempt)
		}
		if t.RequestID != "" {
			text += ", the platform's request " + t.RequestID
		}
		if t.State == TaskHeld || t.State == TaskWait || t.State == Superseded {
			if t.Reason != "" {
				text += "; " + ReasonOf(t.Reason).Meaning
			}
			if t.Detail != "" {
				text += " (" + t.Detail + ")"
			}
		}
		if t.Doubtful() {
			text += fmt.Sprintf("; to say what became of it: adbridge settle %s --as done --reason …, or --as not-done", t.ID)
		}
		code := t.Reason
		if t.State == Accepted || t.State == Confirmed {
			code = x.why(t)
		}
		s.Lines = append(s.Lines, Line{At: cmp.Or(t.AboutToAt, t.CreatedAt), Text: text, Code: code})
	}
	for _, f := range x.last(func(f Fact) bool {
		return ids[f.Task] && (strings.HasPrefix(f.Action, "platform.") || strings.HasPrefix(f.Action, "task."))
	}, 24) {
		s.Lines = append(s.Lines, Line{At: f.At, Text: factText(f)})
	}
	slices.SortStableFunc(s.Lines, func(a, b Line) int { return a.At.Compare(b.At) })
	return s
}

// WriteText writes the explanation for a terminal.
func (e Explanation) WriteText(to io.Writer) error {
	var b strings.Builder
	b.WriteString(Plain(e.Name))
	if e.Hub != "" {
		b.WriteString(" on " + e.Hub)
	}
	fmt.Fprintf(&b, "\n%s\n", Plain(e.Answer))
	if e.Next != "" && e.Next != "nothing" {
		fmt.Fprintf(&b, "Next: %s (%s)\n", e.Next, e.Who)
	}
	for _, s := range e.Steps {
		fmt.Fprintf(&b, "\n%s\n", s.Title)
		for _, l := range s.Lines {
			at := strings.Repeat(" ", 20)
			if !l.At.IsZero() {
				at = stamp(l.At)
			}
			fmt.Fprintf(&b, "  %s  %s", at, Plain(l.Text))
			if l.Code != "" {
				fmt.Fprintf(&b, "  [%s]", l.Code)
			}
			b.WriteString("\n")
		}
	}
	_, err := io.WriteString(to, PlainText(b.String()))
	return err
}
