package bridge

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A world file is a World that an auditor can read: one thing a line, the noun
// first, then its name, then what differs from the ordinary. See
// testdata/plans/README.md.
type worldFile struct {
	w      World
	assets []AssetListing // of a pull
	unread []AssetRead    // assets that the last pull failed to read, or did not know
	seen   []Seen
	source string
	line   int
}

func parseWorld(text string) (World, error) {
	f := &worldFile{}
	f.w.Hub = Hub{ID: "hub", Slug: "hub", Platform: TikTok, BusinessID: "biz", Mode: ModeFull, Settings: DefaultSettings(), Generation: 1}
	f.w.Traits = Traits{Platform: TikTok, InviteBatch: 50, MaskedEmails: true, Propagation: 2 * time.Minute,
		Native: map[Role]string{Owner: "ADMIN", Collaborator: "STANDARD"}, Assets: oneRole}
	f.w.Now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f.w.Pull = Pull{ID: "pull", HubID: "hub", BusinessID: "biz", Complete: true, PlatformTotal: -1}
	f.w.Pull.StartedAt = f.w.Now.Add(-time.Hour)
	f.w.Pull.EndedAt = f.w.Pull.StartedAt
	for _, line := range strings.Split(text, "\n") {
		f.line++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := f.take(line); err != nil {
			return f.w, fmt.Errorf("line %d: %s: %w", f.line, line, err)
		}
	}
	if f.w.Pull.Members == 0 {
		for _, m := range f.w.Members {
			if m.Presence != Gone {
				f.w.Pull.Members++
			}
		}
	}
	if f.w.Pull.ID != "" {
		f.w.Pull.Assets = slices.DeleteFunc(slices.Clone(f.unread), func(r AssetRead) bool { return r.Error == "" })
		for _, a := range ManagedAssets(f.w) {
			if !slices.ContainsFunc(f.unread, func(r AssetRead) bool { return r.Asset == a }) {
				f.w.Pull.Assets = append(f.w.Pull.Assets, AssetRead{AssetDetails: AssetDetails{Asset: a}})
			}
		}
	}
	return f.w, nil
}

// oneRole are assets on which a person has one role, as on TikTok; manyRoles
// those on which they have a set of them, as on Meta.
var (
	oneRole = []AssetKind{{Kind: "ad_account", Noun: "ad account", Roles: []string{"ANALYST", "OPERATOR", "ADMIN"}, Revocable: true},
		{Kind: "finance", Noun: "finance role", Roles: []string{"ANALYST", "MANAGER"}, OfHub: true, Seen: true}}
	manyRoles = []AssetKind{{Kind: "ad_account", Noun: "ad account", Roles: []string{"ANALYZE", "ADVERTISE", "MANAGE"}, Many: true, Revocable: true,
		Brings: map[string][]string{"MANAGE": {"ADVERTISE"}, "ADVERTISE": {"ANALYZE"}}},
		{Kind: "page", Noun: "page", Roles: []string{"ANALYZE", "MODERATE", "MANAGE"}, Many: true, Revocable: true}}
)

// asset reads KIND:ID.
func asset(s string) Asset {
	kind, id, _ := strings.Cut(s, ":")
	return Asset{Kind: kind, ID: id}
}

// given takes what is left of a line's key=value as access to assets.
func (a *args) given() []AssetAccess {
	var out []AssetAccess
	for _, k := range slices.Sorted(maps.Keys(a.kv)) {
		x, err := a.f.w.Traits.ParseAssetAccess(k + "=" + a.kv[k])
		if err != nil {
			kind, id, _ := strings.Cut(k, ":") // saved by another version
			x = AssetAccess{Asset{kind, id}, []string{a.kv[k]}}
		}
		out = append(out, x)
		delete(a.kv, k)
	}
	return out
}

func (a *args) roles(key string) []string {
	if v := a.get(key, ""); v != "" {
		return strings.Split(v, "+")
	}
	return nil
}

// words splits a line at blanks outside quotes.
func words(line string) []string {
	var out []string
	var b strings.Builder
	quoted, any := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, any = !quoted, true
		case r == ' ' && !quoted:
			if any {
				out = append(out, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteRune(r)
			any = true
		}
	}
	if any {
		out = append(out, b.String())
	}
	return out
}

// args is what follows the noun: plain words, and key=value.
type args struct {
	plain []string
	kv    map[string]string
	f     *worldFile
	err   error
}

func (f *worldFile) args(ws []string) *args {
	a := &args{kv: map[string]string{}, f: f}
	for _, w := range ws {
		if k, v, ok := strings.Cut(w, "="); ok && !strings.Contains(k, "@") {
			a.kv[k] = v
		} else {
			a.plain = append(a.plain, w)
		}
	}
	return a
}

func (a *args) at(i int) string {
	if i < len(a.plain) {
		return a.plain[i]
	}
	return ""
}

func (a *args) get(key, def string) string {
	if v, ok := a.kv[key]; ok {
		delete(a.kv, key)
		return v
	}
	return def
}

// when reads "-30m", "-3d" (from now) or an RFC 3339 time.
func (a *args) when(key, def string) time.Time {
	v := a.get(key, def)
	if v == "" {
		return time.Time{}
	}
	if strings.HasSuffix(v, "d") {
		n, err := strconv.Atoi(strings.TrimSuffix(v, "d"))
		if err == nil {
			return a.f.w.Now.AddDate(0, 0, n)
		}
	}
	if d, err := time.ParseDuration(v); err == nil {
		return a.f.w.Now.Add(d)
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		a.err = fmt.Errorf("%s=%s is no time", key, v)
	}
	return t
}

func (a *args) number(key string, def int) int {
	v := a.get(key, strconv.Itoa(def))
	n, err := strconv.Atoi(v)
	if err != nil {
		a.err = fmt.Errorf("%s=%s is no number", key, v)
	}
	return n
}

func role(s string) Role {
	if s == "none" {
		return NoRole
	}
	return Role(s)
}

// take reads one line. "repeat 20 person p{}" reads a line for each number.
func (f *worldFile) take(line string) error {
	ws := words(line)
	if ws[0] == "repeat" {
		n, err := strconv.Atoi(ws[1])
		if err != nil {
			return err
		}
		_, rest, _ := strings.Cut(line, ws[1]+" ")
		for i := 1; i <= n; i++ {
			if err := f.take(strings.ReplaceAll(rest, "{}", fmt.Sprintf("%02d", i))); err != nil {
				return err
			}
		}
		return nil
	}
	a := f.args(ws[1:])
	w := &f.w
	switch ws[0] {
	case "now":
		t, err := time.Parse(time.RFC3339, a.at(0))
		if err != nil {
			return err
		}
		w.Now, w.Pull.StartedAt, w.Pull.EndedAt = t, t.Add(-time.Hour), t.Add(-time.Hour)
	case "hub":
		w.Hub.Mode = Mode(a.get("mode", string(w.Hub.Mode)))
		w.Hub.SelfID = a.get("self", "")
		if h := a.get("halt", ""); h != "" {
			w.Hub.Halt = &Halt{State: HubState(h), Reason: Code(a.get("reason", "hub."+h)), Since: w.Now.Add(-time.Hour)}
		}
		if a.get("platform", "tiktok") == "meta" {
			w.Hub.Platform = Meta
			w.Traits.Platform, w.Traits.ChangePending, w.Traits.MaskedEmails, w.Traits.Assets = Meta, true, false, manyRoles
			w.Traits.RoleTasks = []string{"DEFAULT", "MANAGE"}
		}
		w.Traits.MemberCap, w.Traits.AdminCap = a.number("member-cap", 0), a.number("admin-cap", 0)
	case "set":
		for k, v := range a.kv {
			if err := w.Hub.Settings.Set(k, v); err != nil {
				return err
			}
		}
		a.kv = nil
	case "source":
		f.source = a.at(0)
		s := Source{ID: a.at(0), Name: a.at(0), Kind: SourceKind(a.get("kind", "okta")), LastSeen: a.when("seen", "-5m")}
		if d := a.get("domain", ""); d != "" {
			s.Domains = strings.Split(d, ",")
		}
		w.Sources = append(w.Sources, s)
	case "group":
		w.Groups = append(w.Groups, Group{ID: a.at(0), SourceID: a.get("source", f.source), DisplayName: a.get("name", a.at(0)),
			ExternalID: a.get("external", ""), DeletedAt: a.when("deleted", "")})
	case "rule":
		w.Rules = append(w.Rules, Rule{ID: a.at(0), HubID: "hub", GroupName: a.at(1), Role: role(a.at(2)), Order: len(w.Rules),
			SourceID: a.get("source", ""), GroupID: a.get("id", ""), Assets: a.given()})
	case "person":
		email := a.get("email", a.at(0)+"@corp.example")
		p := Person{ID: a.at(0), SourceID: a.get("source", f.source), UserName: a.get("userName", email), Active: a.get("active", "yes") == "yes",
			DisplayName: a.get("name", strings.ToUpper(a.at(0)[:1])+a.at(0)[1:]), External: a.get("external", "") == "yes", DeletedAt: a.when("deleted", "")}
		if alias := a.get("alias", ""); alias != "" {
			p.Aliases = strings.Split(alias, ",")
		}
		for _, e := range strings.Split(email, ",") {
			if e != "" && e != "none" {
				p.Emails = append(p.Emails, e)
			}
		}
		w.People = append(w.People, p)
		for _, g := range a.plain[1:] {
			w.Memberships = append(w.Memberships, Membership{PersonID: p.ID, GroupID: g})
		}
	case "member":
		m := Member{ID: a.at(0), HubID: "hub", PersonID: a.at(1), FirstSeen: a.when("first", "-90d"), LastSeen: w.Now.Add(-time.Hour)}
		m.Kind, m.Presence = MemberKind(a.get("kind", "human")), Presence(a.get("presence", "active"))
		m.Role = role(a.get("role", "collaborator"))
		m.Access.Role, m.Access.Finance = w.Traits.Native[m.Role], a.get("finance", "")
		if tasks := a.get("tasks", ""); tasks != "" {
			m.Access.Tasks = strings.Split(tasks, ",")
		}
		m.Email = a.get("email", "")
		if m.Email == "" && m.PersonID != "" {
			m.Email = m.PersonID + "@corp.example"
		}
		m.Masked, m.Name = strings.Contains(m.Email, "*"), a.get("name", "")
		m.PlatformID = "n-" + m.ID
		if m.Presence != Active && m.Presence != Gone {
			m.PlatformID = ""
		}
		m.PlatformID, m.InvitationID = a.get("number", m.PlatformID), a.get("invitation", "")
		owner := "created"
		if m.PersonID == "" {
			owner = "foreign"
		}
		m.Ownership = Ownership(a.get("own", owner))
		if m.Ownership.Ours() {
			m.Applied = role(a.get("applied", string(m.Role)))
		} else {
			m.Applied = role(a.get("applied", "none"))
		}
		m.AppliedAt = a.when("wrote", "")
		if m.Presence == Gone {
			m.GoneAt = a.when("gone", "-1d")
		}
		if m.PersonID != "" {
			m.Match = &Match{Rule: a.get("match", MatchByEmail), Evidence: m.Email, At: m.FirstSeen}
		}
		w.Members = append(w.Members, m)
	case "access":
		for i := range w.Members {
			if m := &w.Members[i]; m.ID == a.at(0) {
				m.put(MemberAsset{Asset: asset(a.at(1)), Roles: a.roles("roles"), Applied: a.roles("applied"), AppliedAt: a.when("wrote", ""), SeenAt: a.when("since", "-90d"), MissingAt: a.when("missing", "")})
			}
		}
	case "wants":
		for i := range w.Desired {
			d := &w.Desired[i]
			if d.PersonID != a.at(0) {
				continue
			}
			x := DesiredAsset{AssetAccess: AssetAccess{asset(a.at(1)), a.roles("roles")}, Since: a.when("since", "-90d"), Cause: Code(a.get("cause", "wish.rule")), Concerns: a.number("concerns", 0)}
			for _, one := range strings.Split(a.get("by", ""), ",") {
				if r, g, ok := strings.Cut(one, "/"); ok {
					x.Why = append(x.Why, Provenance{RuleID: r, GroupID: g, GroupName: g, Role: Collaborator})
				}
			}
			d.Assets = append(d.Assets, x)
		}
	case "unread":
		f.unread = append(f.unread, AssetRead{AssetDetails{Asset: asset(a.at(0))}, a.get("error", ""), Code(a.get("reason", ""))})
	case "users":
		l := AssetListing{Asset: asset(a.at(0)), Error: a.get("error", ""), Reason: Code(a.get("reason", ""))}
		l.Complete = l.Error == ""
		for _, id := range slices.Sorted(maps.Keys(a.kv)) {
			l.Users = append(l.Users, AssetUser{PlatformID: id, Roles: a.roles(id)})
		}
		f.assets = append(f.assets, l)
	case "invitation":
		i := Invitation{ID: a.at(0), HubID: "hub", PersonID: a.at(1), Email: a.get("email", a.at(1)+"@corp.example"), Role: role(a.get("role", "collaborator")),
			State: InvitationState(a.get("state", "pending")), Attempt: a.number("attempt", 1), MemberID: a.get("member", ""), PlatformID: a.get("number", ""),
			SentAt: a.when("sent", "-2d"), SeenAt: a.when("seen", ""), EndedAt: a.when("ended", ""), ExpiresAt: a.when("expires", "")}
		w.Invitations = append(w.Invitations, i)
	case "wished":
		d := Desired{PersonID: a.at(0), Role: role(a.get("role", "collaborator")), Since: a.when("since", "-90d"), Cause: Code(a.get("cause", "wish.rule")), Concerns: a.number("concerns", 0)}
		if by := a.get("by", ""); by != "" {
			for _, one := range strings.Split(by, ",") {
				if id, ok := strings.CutPrefix(one, "grant:"); ok {
					d.Why = append(d.Why, Provenance{Grant: id, Role: d.Role})
					continue
				}
				r, g, _ := strings.Cut(one, "/")
				d.Why = append(d.Why, Provenance{RuleID: r, GroupID: g, GroupName: g, Role: role(a.get("of", string(d.Role)))})
			}
		}
		w.Desired = append(w.Desired, d)
	case "decision":
		d := Decision{ID: a.at(0), HubID: "hub", Kind: DecisionKind(a.at(1)), MemberID: a.get("member", ""), PersonID: a.get("person", ""),
			Subject: a.get("subject", ""), Role: role(a.get("role", "none")), Max: a.number("max", 0), Reason: a.get("reason", "asked for"), By: a.get("by", "eva"),
			At: a.when("at", "-1h"), Until: a.when("until", ""), UndoneAt: a.when("undone", "")}
		w.Decisions = append(w.Decisions, d)
	case "task":
		t := Task{ID: a.at(0), HubID: "hub", Key: a.at(1), State: TaskState(a.get("state", "running")), PersonID: a.get("person", ""), MemberID: a.get("member", ""),
			From: role(a.get("from", "none")), To: role(a.get("to", "none")), Reason: Code(a.get("reason", "")), Detail: a.get("detail", ""),
			AboutToAt: a.when("sent", "-1m"), EndedAt: a.when("ended", ""), NotBefore: a.when("after", "")}
		action, rest, _ := strings.Cut(t.Key, "/")
		t.Action = Action(action)
		if t.Action == Assign || t.Action == Unassign {
			_, name, _ := strings.Cut(rest, "/")
			t.Asset, t.Roles = asset(name), a.roles("roles")
		}
		w.Open = append(w.Open, t)
	case "pull":
		if a.at(0) == "none" {
			w.Pull = Pull{}
			break
		}
		w.Pull.StartedAt = a.when("at", "-1h")
		w.Pull.EndedAt = w.Pull.StartedAt
		w.Pull.Members, w.Pull.Previous = a.number("members", 0), a.number("previous", 0)
		w.Pull.PlatformTotal = a.number("total", -1)
		w.Pull.BusinessID = a.get("business", "biz")
		w.Pull.Complete = a.get("complete", "yes") == "yes"
	case "quota":
		w.InviteAfter = a.when("until", "24h")
	case "history":
		w.History.Removals, w.History.Invites = a.number("removals", 0), a.number("invites", 0)
		w.History.AssetRemovals = a.number("assets", 0)
		w.History.AdminRemovals, w.History.Population = a.number("admin-removals", 0), a.number("population", 0)
		if u := a.get("used", ""); u != "" {
			id, n, _ := strings.Cut(u, ":")
			k, _ := strconv.Atoi(n)
			w.History.Used = map[string]int{id: k}
		}
	case "seen":
		s := Seen{Kind: MemberKind(a.get("kind", "human")), Presence: Presence(a.get("presence", "active")), Email: a.get("email", ""), Name: a.get("name", ""),
			Role: role(a.get("role", "collaborator")), PlatformID: a.get("number", ""), InvitationID: a.get("invitation", ""), ExpiresAt: a.when("expires", "")}
		s.Masked = strings.Contains(s.Email, "*")
		s.Access.Role, s.Access.Finance = w.Traits.Native[s.Role], a.get("finance", "")
		f.seen = append(f.seen, s)
	default:
		return fmt.Errorf("%q is no noun of a world file", ws[0])
	}
	for k := range a.kv {
		return fmt.Errorf("%q is not known of a %s", k, ws[0])
	}
	return a.err
}
