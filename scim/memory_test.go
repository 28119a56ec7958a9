package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"adbridge/bridge"
)

// memory is a Directory for tests: maps under a mutex. It changes nothing
// before it knows that the whole call succeeds.
type memory struct {
	mu     sync.Mutex
	seq    int
	users  map[string]bridge.User
	groups map[string]bridge.GroupResource
	rows   map[string][]bridge.MemberRef // group id → members in order
	has    map[string]map[string]bool
	clock  time.Time
	calls  []bridge.Call
	loads  int                  // how often a group was read with its members
	twice  bool                 // run change functions twice, as PostgreSQL may
	fail   error                // answer everything with this
	steps  []bridge.GroupChange // the group changes seen
}

func newMemory() *memory {
	m := &memory{twice: true}
	m.reset()
	return m
}

// reset forgets everything.
func (m *memory) reset() {
	m.seq, m.calls, m.steps, m.clock = 0, nil, nil, time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	m.users, m.groups = map[string]bridge.User{}, map[string]bridge.GroupResource{}
	m.rows, m.has = map[string][]bridge.MemberRef{}, map[string]map[string]bool{}
}

func (m *memory) enter(call bridge.Call) (func(), error) {
	m.mu.Lock()
	m.calls = append(m.calls, call)
	m.clock = m.clock.Add(time.Millisecond)
	return m.mu.Unlock, m.fail
}

func (m *memory) id(kind string) string {
	m.seq++
	return fmt.Sprintf("0199%08d-%s", m.seq, kind)
}

func (m *memory) find(call bridge.Call, id string) (bridge.User, error) {
	u, ok := m.users[id]
	if !ok || u.SourceID != call.Source.ID {
		return u, fmt.Errorf("user %s: %w", id, bridge.ErrNotFound)
	}
	return u, nil
}

func (m *memory) groupsOf(id string) []bridge.MemberRef {
	refs := []bridge.MemberRef{}
	for _, gid := range slices.Sorted(maps.Keys(m.groups)) {
		if m.has[gid][id] {
			refs = append(refs, bridge.MemberRef{Value: gid, Type: "Group", Display: m.groups[gid].DisplayName})
		}
	}
	return refs
}

func (m *memory) User(_ context.Context, call bridge.Call, id string, groups bool) (bridge.StoredUser, error) {
	leave, err := m.enter(call)
	defer leave()
	if err != nil {
		return bridge.StoredUser{}, err
	}
	u, err := m.find(call, id)
	if err == nil && groups {
		u.Groups = m.groupsOf(id)
	}
	return kept(u), err
}

// kept is a user as a directory that stores documents gives it.
func kept(u bridge.User) bridge.StoredUser {
	if u.Attributes == nil {
		u.Attributes = map[string]any{}
	}
	doc, err := json.Marshal(u.Attributes)
	if err != nil {
		panic(err)
	}
	return bridge.StoredUser{ID: u.ID, Attributes: string(doc), Version: u.Version, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, Groups: u.Groups}
}

func (m *memory) taken(u bridge.User) bool {
	for _, o := range m.users {
		if o.ID != u.ID && o.SourceID == u.SourceID && bridge.Fold(o.UserName) == bridge.Fold(u.UserName) {
			return true
		}
	}
	return false
}

func (m *memory) CreateUser(_ context.Context, call bridge.Call, u bridge.User) (bridge.User, error) {
	leave, err := m.enter(call)
	defer leave()
	if err != nil {
		return u, err
	}
	if m.taken(u) {
		return u, fmt.Errorf("userName: %w", bridge.ErrExists)
	}
	u.ID, u.SourceID, u.Version, u.CreatedAt, u.UpdatedAt = m.id("user"), call.Source.ID, 1, m.clock, m.clock
	m.users[u.ID] = u
	return u, nil
}

func (m *memory) ChangeUser(_ context.Context, call bridge.Call, id string, ifVersion int64, change func(bridge.User) (bridge.User, error)) (bridge.User, error) {
	leave, err := m.enter(call)
	defer leave()
	if err != nil {
		return bridge.User{}, err
	}
	u, err := m.find(call, id)
	if err != nil {
		return u, err
	}
	if ifVersion != 0 && ifVersion != u.Version {
		return u, fmt.Errorf("user %s: %w", id, bridge.ErrConflict)
	}
	before := clone(u.Attributes)
	next, err := change(u)
	if m.twice && err == nil {
		next, err = change(u)
	}
	if !reflect.DeepEqual(before, any(u.Attributes)) {
		return u, errors.New("the change function wrote to the stored attributes")
	}
	if err != nil {
		return u, err
	}
	if reflect.DeepEqual(next, u) {
		return u, nil
	}
	if m.taken(next) {
		return u, fmt.Errorf("userName: %w", bridge.ErrExists)
	}
	next.Version, next.UpdatedAt = u.Version+1, m.clock
	m.users[id] = next
	return next, nil
}

func (m *memory) DeleteUser(_ context.Context, call bridge.Call, id string, ifVersion int64) error {
	leave, err := m.enter(call)
	defer leave()
	if err != nil {
		return err
	}
	u, err := m.find(call, id)
	if err != nil {
		return err
	}
	if ifVersion != 0 && ifVersion != u.Version {
		return bridge.ErrConflict
	}
	delete(m.users, id)
	for g := range m.rows { // the memberships end
		m.rows[g] = slices.DeleteFunc(m.rows[g], func(r bridge.MemberRef) bool { return r.Value == id })
		delete(m.has[g], id)
	}
	return nil
}

func (m *memory) findGroup(call bridge.Call, id string) (bridge.GroupResource, error) {
	g, ok := m.groups[id]
	if !ok || g.SourceID != call.Source.ID {
		return g, fmt.Errorf("group %s: %w", id, bridge.ErrNotFound)
	}
	return g, nil
}

func (m *memory) typed(refs []bridge.MemberRef) []bridge.MemberRef {
	out := []bridge.MemberRef{}
	for _, r := range refs {
		if _, ok := m.groups[r.Value]; ok {
			r.Type = "Group"
		} else if _, ok := m.users[r.Value]; ok {
			r.Type = "User"
		}
		out = append(out, r)
	}
	return out
}

func (m *memory) Group(_ context.Context, call bridge.Call, id string, members bool) (bridge.GroupResource, error) {
	leave, err := m.enter(call)
	defer leave()
	if err != nil {
		return bridge.GroupResource{}, err
	}
	g, err := m.findGroup(call, id)
	if err == nil && members {
		m.loads++
		g.Members = m.typed(m.rows[id])
	}
	return g, err
}

func (m *memory) takenGroup(g bridge.GroupResource) bool {
	for _, o := range m.groups {
		if o.ID != g.ID && o.SourceID == g.SourceID && bridge.Fold(o.DisplayName) == bridge.Fold(g.DisplayName) && (o.ExternalID == "" || g.ExternalID == "" || o.ExternalID == g.ExternalID) {
			return true
		}
	}
	return false
}

func (m *memory) CreateGroup(_ context.Context, call bridge.Call, g bridge.GroupResource) (bridge.GroupResource, error) {
	leave, err := m.enter(call)
	defer leave()
	if err != nil {
		return g, err
	}
	if m.takenGroup(g) {
		return g, fmt.Errorf("displayName: %w", bridge.ErrExists)
	}
	g.ID, g.SourceID, g.Version, g.CreatedAt, g.UpdatedAt = m.id("group"), call.Source.ID, 1, m.clock, m.clock
	rows := g.Members
	g.Members = nil
	m.groups[g.ID] = g
	m.rows[g.ID], m.has[g.ID] = slices.Clone(rows), map[string]bool{}
	for _, r := range rows {
		m.has[g.ID][r.Value] = true
	}
	g.Members = m.typed(m.rows[g.ID])
	return g, nil
}

// reaches says whether a group contains another, through any depth.
func (m *memory) reaches(rows map[string][]bridge.MemberRef, from, to string, seen map[string]bool) bool {
	if seen[from] {
		return false
	}
	seen[from] = true
	for _, r := range rows[from] {
		if r.Value == to || m.groups[r.Value].ID != "" && m.reaches(rows, r.Value, to, seen) {
			return true
		}
	}
	return false
}

func (m *memory) ChangeGroup(_ context.Context, call bridge.Call, id string, c bridge.GroupChange) (bridge.GroupResource, error) {
	leave, err := m.enter(call)
	defer leave()
	if err != nil {
		return bridge.GroupResource{}, err
	}
	m.steps = append(m.steps, c)
	g, err := m.findGroup(call, id)
	if err != nil {
		return g, err
	}
	if c.IfVersion != 0 && c.IfVersion != g.Version {
		return g, bridge.ErrConflict
	}
	next := g
	if c.Attributes != nil {
		for range 2 {
			if next, err = c.Attributes(g); err != nil {
				return g, err
			}
		}
		if m.takenGroup(next) {
			return g, bridge.ErrExists
		}
	}
	rows, has := slices.Clone(m.rows[id]), maps.Clone(m.has[id])
	drop := func(gone func(bridge.MemberRef) bool) {
		rows = slices.DeleteFunc(rows, func(r bridge.MemberRef) bool {
			if gone(r) {
				delete(has, r.Value)
				return true
			}
			return false
		})
	}
	for _, s := range c.Members {
		named := map[string]bool{}
		for _, r := range s.Refs {
			named[r.Value] = true
		}
		switch s.Op {
		case bridge.ClearMembers:
			rows, has = nil, map[string]bool{}
		case bridge.RemoveMembers:
			drop(func(r bridge.MemberRef) bool {
				if s.Where != nil {
					return matches(s.Where, map[string]any{"value": r.Value, "display": r.Display, "type": m.typed([]bridge.MemberRef{r})[0].Type})
				}
				return named[r.Value]
			})
		case bridge.ReplaceMembers:
			drop(func(r bridge.MemberRef) bool { return !named[r.Value] })
			fallthrough
		case bridge.AddMembers:
			for _, r := range s.Refs {
				if !has[r.Value] {
					has[r.Value] = true
					rows = append(rows, r)
				}
			}
		}
	}
	all := maps.Clone(m.rows)
	all[id] = rows
	if m.reaches(all, id, id, map[string]bool{}) {
		return g, fmt.Errorf("group %s: %w", id, bridge.ErrCycle)
	}
	if reflect.DeepEqual(g, next) && reflect.DeepEqual(rows, m.rows[id]) {
		return g, nil
	}
	next.Version, next.UpdatedAt = g.Version+1, m.clock
	m.groups[id], m.rows[id], m.has[id] = next, rows, has
	return next, nil
}

func (m *memory) DeleteGroup(_ context.Context, call bridge.Call, id string, ifVersion int64) error {
	leave, err := m.enter(call)
	defer leave()
	if err != nil {
		return err
	}
	g, err := m.findGroup(call, id)
	if err != nil {
		return err
	}
	if ifVersion != 0 && ifVersion != g.Version {
		return bridge.ErrConflict
	}
	delete(m.groups, id)
	delete(m.rows, id)
	delete(m.has, id)
	return nil
}

// tokens is an Auth for tests.
type tokens struct {
	sources map[string]bridge.Source // by token
	fail    error
}

func (t *tokens) Authenticate(_ context.Context, bearer, _ string) (bridge.Source, string, bool, error) {
	if t.fail != nil {
		return bridge.Source{}, "", false, t.fail
	}
	src, ok := t.sources[bearer]
	if !ok {
		return bridge.Source{}, "", false, &TokenError{Reason: "This token is not known."}
	}
	return src, "label of " + bearer, strings.HasSuffix(bearer, "-read"), nil
}

// journal is a Log for tests.
type journal struct {
	mu    sync.Mutex
	lines []bridge.Exchange
}

func (j *journal) Exchange(_ context.Context, x bridge.Exchange) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, x)
}

func (j *journal) last() bridge.Exchange {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines) == 0 {
		return bridge.Exchange{}
	}
	return j.lines[len(j.lines)-1]
}
