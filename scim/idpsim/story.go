package idpsim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Step is one thing an admin does at the IdP.
type Step struct {
	Title string
	Run   func(ctx context.Context) error
}

// Story is what happens at one IdP, told as data. People, groups and members
// are named by userName and displayName; whoever an entry names must be there.
type Story struct {
	IdP    IdP
	People []User
	Groups []Group // Members are userNames
	// Managers maps userName to manager's userName; only Entra sends them.
	Managers map[string]string
	Adds     []Membership
	Removes  []Membership
	Moves    []Move
	Leavers  []string
	Returns  []string // of the leavers, who comes back
	Renames  []Rename
}

// Membership is one person in one group.
type Membership struct{ UserName, Group string }

// Move takes a person out of one group and puts them into another, in this
// order: for a moment they are in neither, as at a real IdP.
type Move struct{ UserName, From, To string }

// Rename gives a group another name. Entries elsewhere use the old one.
type Rename struct{ From, To string }

// Steps lays the story out in order. The ids that one step learns serve the
// next, so steps run in order, and a story whose early steps were skipped says
// so. Playing a story again links what is there already.
func (s Story) Steps() ([]Step, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	p := &play{Story: s, name: s.IdP.Name(), people: map[string]string{}, groups: map[string]string{}}
	var steps []Step
	add := func(run func(context.Context) error, format string, args ...any) {
		steps = append(steps, Step{p.name + ": " + fmt.Sprintf(format, args...), run})
	}
	add(s.IdP.TestConnection, "test the connection")
	if len(s.People) > 0 {
		add(p.createPeople, "create %d people", len(s.People))
	}
	if _, ok := s.IdP.(managed); ok && len(s.Managers) > 0 {
		add(p.setManagers, "set %d managers", len(s.Managers))
	}
	for _, g := range s.Groups {
		add(func(ctx context.Context) error { return p.push(ctx, g) }, "push group %q with %d members", g.DisplayName, len(g.Members))
	}
	for _, m := range s.Adds {
		add(func(ctx context.Context) error { return p.member(ctx, m, s.IdP.AddMembers) }, "add %s to %q", m.UserName, m.Group)
	}
	for _, m := range s.Removes {
		add(func(ctx context.Context) error { return p.member(ctx, m, s.IdP.RemoveMembers) }, "remove %s from %q", m.UserName, m.Group)
	}
	for _, m := range s.Moves {
		add(func(ctx context.Context) error {
			if err := p.member(ctx, Membership{m.UserName, m.From}, s.IdP.RemoveMembers); err != nil {
				return err
			}
			return p.member(ctx, Membership{m.UserName, m.To}, s.IdP.AddMembers)
		}, "move %s from %q to %q", m.UserName, m.From, m.To)
	}
	for _, u := range s.Leavers {
		add(func(ctx context.Context) error { return p.person(ctx, u, s.IdP.Deactivate) }, "deactivate %s, who leaves", u)
	}
	for _, u := range s.Returns {
		add(func(ctx context.Context) error { return p.person(ctx, u, s.IdP.Reactivate) }, "reactivate %s, who returns", u)
	}
	for _, r := range s.Renames {
		add(func(ctx context.Context) error {
			id, ok := p.groups[r.From]
			if !ok {
				return p.skipped(r.From)
			}
			return s.IdP.RenameGroup(ctx, id, r.To)
		}, "rename %q to %q", r.From, r.To)
	}
	if _, ok := s.IdP.(importer); ok {
		add(p.importAll, "import everyone and find what was pushed")
	}
	return steps, nil
}

type (
	managed interface {
		SetManager(ctx context.Context, id, managerID string) error
	}
	importer interface {
		Import(ctx context.Context) (Imported, error)
	}
)

// check refuses a story that names somebody who is not in it.
func (s Story) check() error {
	if s.IdP == nil {
		return errors.New("story: no IdP tells it")
	}
	people, groups := map[string]bool{}, map[string]bool{}
	for _, u := range s.People {
		people[fold(u.UserName)] = true
	}
	for _, g := range s.Groups {
		groups[g.DisplayName] = true
	}
	var errs []error
	person := func(where, u string) {
		if !people[fold(u)] {
			errs = append(errs, fmt.Errorf("story: %s names %q, who is not among its people", where, u))
		}
	}
	group := func(where, g string) {
		if !groups[g] {
			errs = append(errs, fmt.Errorf("story: %s names group %q, which it does not push", where, g))
		}
	}
	for _, g := range s.Groups {
		for _, u := range g.Members {
			person("group "+g.DisplayName, u)
		}
	}
	for u, m := range s.Managers {
		person("managers", u)
		person("managers", m)
	}
	for _, m := range slices.Concat(s.Adds, s.Removes) {
		person("membership", m.UserName)
		group("membership", m.Group)
	}
	for _, m := range s.Moves {
		person("move", m.UserName)
		group("move", m.From)
		group("move", m.To)
	}
	for _, u := range slices.Concat(s.Leavers, s.Returns) {
		person("leavers", u)
	}
	for _, r := range s.Renames {
		group("rename", r.From)
	}
	return errors.Join(errs...)
}

// play is a story being told: the SCIM ids that the IdP has learnt so far.
type play struct {
	Story
	name   string
	people map[string]string // userName, folded → id
	groups map[string]string // displayName → id
}

func fold(userName string) string { return strings.ToLower(userName) }

func (p *play) skipped(name string) error {
	return fmt.Errorf("%s: %s has no id yet; the step that creates it has not run", p.name, name)
}

func (p *play) createPeople(ctx context.Context) error {
	for _, u := range p.People {
		id, err := p.IdP.CreateUser(ctx, u)
		if err != nil {
			return err
		}
		p.people[fold(u.UserName)] = id
	}
	return nil
}

func (p *play) setManagers(ctx context.Context) error {
	for _, u := range p.People {
		manager := p.Managers[u.UserName]
		if manager == "" {
			continue
		}
		id, ok := p.people[fold(u.UserName)]
		managerID, too := p.people[fold(manager)]
		if !ok || !too {
			return p.skipped(u.UserName)
		}
		if err := p.IdP.(managed).SetManager(ctx, id, managerID); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) push(ctx context.Context, g Group) error {
	ids := make([]string, 0, len(g.Members))
	for _, u := range g.Members {
		id, ok := p.people[fold(u)]
		if !ok {
			return p.skipped(u)
		}
		ids = append(ids, id)
	}
	g.Members = ids
	id, err := p.IdP.PushGroup(ctx, g)
	if err != nil {
		return err
	}
	p.groups[g.DisplayName] = id
	return nil
}

func (p *play) member(ctx context.Context, m Membership, change func(context.Context, string, ...string) error) error {
	group, ok := p.groups[m.Group]
	if !ok {
		return p.skipped(m.Group)
	}
	return p.person(ctx, m.UserName, func(ctx context.Context, id string) error { return change(ctx, group, id) })
}

func (p *play) person(ctx context.Context, userName string, do func(context.Context, string) error) error {
	id, ok := p.people[fold(userName)]
	if !ok {
		return p.skipped(userName)
	}
	return do(ctx, id)
}

// importAll finds each person and group once, and each leaver inactive.
func (p *play) importAll(ctx context.Context) error {
	in, err := p.IdP.(importer).Import(ctx)
	if err != nil {
		return err
	}
	active := map[string]bool{}
	for _, u := range in.Users {
		active[u.ID] = u.Active
	}
	names := map[string]string{}
	for _, g := range in.Groups {
		names[g.ID] = g.DisplayName
	}
	var errs []error
	for _, u := range p.People {
		id := p.people[fold(u.UserName)]
		named := func(l []string) bool {
			return slices.ContainsFunc(l, func(n string) bool { return fold(n) == fold(u.UserName) })
		}
		want := !named(p.Leavers) || named(p.Returns)
		if got, ok := active[id]; !ok {
			errs = append(errs, fmt.Errorf("%s: import: %s (%s) is missing", p.name, u.UserName, id))
		} else if got != want {
			errs = append(errs, fmt.Errorf("%s: import: %s has active %t, pushed was %t", p.name, u.UserName, got, want))
		}
	}
	for _, g := range p.Groups {
		want := g.DisplayName
		for _, r := range p.Renames {
			if r.From == g.DisplayName {
				want = r.To
			}
		}
		if got := names[p.groups[g.DisplayName]]; got != want {
			errs = append(errs, fmt.Errorf("%s: import: group %q is called %q", p.name, want, got))
		}
	}
	return errors.Join(errs...)
}
