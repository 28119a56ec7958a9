package scim

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"

	"adbridge/bridge"
)

func (s *server) createGroup(q *request) (*reply, error) {
	k := s.group
	in, err := k.read(q.fields, s.limits)
	if err != nil {
		return nil, err
	}
	q.note.Repaired = append(q.note.Repaired, in.repaired...)
	if _, err := k.fit(in.attrs, nil, false); err != nil {
		return nil, err
	}
	g := groupOf(bridge.GroupResource{Group: bridge.Group{SourceID: q.call.Source.ID}, Attributes: in.attrs, Members: in.refs})
	made, err := s.dir.CreateGroup(q.ctx, q.call, g)
	if errors.Is(err, bridge.ErrExists) {
		return nil, s.groupExists(g)
	}
	if err != nil {
		return nil, translate(err, k, "")
	}
	q.touch(k, made.ID)
	q.touchRefs(in.refs)
	what := "created Group " + made.DisplayName
	if len(in.refs) > 0 {
		what += fmt.Sprintf(" with %d members", len(in.refs))
	}
	q.changed(what)
	if made.Members == nil {
		made.Members = in.refs
	}
	return s.answer(q, http.StatusCreated, k, shownGroup(s.whole(q, made), true))
}

// whole is the group with its members as a GET would show them: of those in the
// request the type, the address and what they are called may be missing. The
// change is made; when it cannot be read just now, what was sent will do.
func (s *server) whole(q *request, g bridge.GroupResource) bridge.GroupResource {
	if _, wanted := q.projection(s.group).shows(s.group.refs, nil); !wanted || q.unseen || len(g.Members) == 0 {
		return g
	}
	if read, err := s.dir.Group(q.ctx, q.call, g.ID, true); err == nil {
		return read
	}
	return g
}

func (s *server) groupExists(g bridge.GroupResource) *fault {
	return newFault(http.StatusConflict, scimerrors.ScimTypeUniqueness,
		"A Group with displayName %s exists already in this source, and no other externalId tells the two apart. Nothing was changed. Find it with a filter on displayName and update it instead.", quote(g.DisplayName))
}

func (s *server) getGroup(q *request) (*reply, error) {
	p := q.projection(s.group)
	_, members := p.shows(s.group.refs, nil)
	g, err := s.dir.Group(q.ctx, q.call, q.id, members)
	if err != nil {
		return nil, translate(err, s.group, q.id)
	}
	r := shownGroup(g, members)
	if re, err := q.unmet(s.group, r); re != nil || err != nil {
		return re, err
	}
	return s.answer(q, http.StatusOK, s.group, r)
}

func (s *server) putGroup(q *request) (*reply, error) {
	k := s.group
	in, err := k.read(q.fields, s.limits)
	if err != nil {
		return nil, err
	}
	q.note.Repaired = append(q.note.Repaired, in.repaired...)
	var steps []bridge.MemberChange
	switch {
	case in.hasRefs && len(in.refs) == 0:
		steps = []bridge.MemberChange{{Op: bridge.ClearMembers}}
	case in.hasRefs:
		steps = []bridge.MemberChange{{Op: bridge.ReplaceMembers, Refs: in.refs}}
	}
	g, err := s.changeGroup(q, steps, func(old map[string]any) (map[string]any, error) {
		attrs := maps.Clone(in.attrs)
		keep(attrs, old, in, "externalId")
		return attrs, nil
	})
	if err != nil {
		return nil, err
	}
	g.Members = in.refs
	members := in.hasRefs
	if _, wanted := q.projection(k).shows(k.refs, nil); wanted && !members && !q.unseen { // it kept those it had
		if g, err = s.dir.Group(q.ctx, q.call, q.id, true); err != nil {
			return nil, translate(err, k, q.id)
		}
		members = true
	} else {
		g = s.whole(q, g)
	}
	return s.answer(q, http.StatusOK, k, shownGroup(g, members))
}

func (s *server) patchGroup(q *request) (*reply, error) {
	k := s.group
	raw, err := patchOps(q.fields)
	if err != nil {
		return nil, err
	}
	p, err := k.compileGroup(raw, s.limits)
	if err != nil {
		return nil, err
	}
	var change func(map[string]any) (map[string]any, error)
	if len(p.ops) > 0 {
		change = func(old map[string]any) (map[string]any, error) {
			return patched(old, p.ops)
		}
	}
	g, err := s.changeGroup(q, p.members, change)
	if err != nil {
		return nil, err
	}
	if len(q.attributes) == 0 { // RFC 7644 section 3.5.2: 200 only when attributes asks for it
		return &reply{status: http.StatusNoContent, tag: etag(g.Version), location: k.location(s.base, g.ID)}, nil
	}
	_, members := q.projection(k).shows(k.refs, nil)
	if members {
		if g, err = s.dir.Group(q.ctx, q.call, q.id, true); err != nil {
			return nil, translate(err, k, q.id)
		}
	}
	return s.answer(q, http.StatusOK, k, shownGroup(g, members))
}

func (s *server) changeGroup(q *request, steps []bridge.MemberChange, change func(old map[string]any) (map[string]any, error)) (bridge.GroupResource, error) {
	k := s.group
	ifVersion, err := q.precondition(k, func() (int64, error) {
		g, err := s.dir.Group(q.ctx, q.call, q.id, false)
		return g.Version, err
	})
	if err != nil {
		return bridge.GroupResource{}, err
	}
	var what, left []string
	var want bridge.GroupResource
	leaves := func(m bridge.MemberChange) bool { return m.Op != bridge.AddMembers }
	c := bridge.GroupChange{Members: steps, IfVersion: ifVersion}
	if change != nil {
		c.Attributes = func(g bridge.GroupResource) (bridge.GroupResource, error) {
			attrs, err := change(g.Attributes)
			if err != nil {
				return g, err
			}
			if left, err = k.fit(attrs, g.Attributes, slices.ContainsFunc(steps, leaves)); err != nil {
				return g, err
			}
			if what = differences(g.Attributes, attrs); len(what) == 0 {
				return g, nil
			}
			g.Attributes = attrs
			want = groupOf(g)
			return want, nil
		}
	}
	g, err := s.dir.ChangeGroup(q.ctx, q.call, q.id, c)
	if errors.Is(err, bridge.ErrExists) {
		return g, s.groupExists(want)
	}
	if err != nil {
		return g, q.conflict(err, k, q.id, ifVersion != 0)
	}
	q.touch(k, q.id)
	q.note.Repaired = append(q.note.Repaired, left...)
	if len(what) > 0 {
		q.changed("changed " + strings.Join(what, ", ") + " of Group " + g.DisplayName)
	}
	for _, m := range steps {
		q.touchRefs(m.Refs)
		switch {
		case m.Op == bridge.AddMembers:
			q.changed(fmt.Sprintf("added %d to Group %s", len(m.Refs), g.DisplayName))
		case m.Op == bridge.RemoveMembers && m.Where != nil:
			q.changed("removed the members that match from Group " + g.DisplayName)
		case m.Op == bridge.RemoveMembers:
			q.changed(fmt.Sprintf("removed %d from Group %s", len(m.Refs), g.DisplayName))
		case m.Op == bridge.ReplaceMembers:
			q.changed(fmt.Sprintf("set the %d members of Group %s", len(m.Refs), g.DisplayName))
		case m.Op == bridge.ClearMembers:
			q.changed("removed all members of Group " + g.DisplayName)
		}
	}
	return g, nil
}

func (s *server) deleteGroup(q *request) (*reply, error) {
	ifVersion, err := q.precondition(s.group, func() (int64, error) {
		g, err := s.dir.Group(q.ctx, q.call, q.id, false)
		return g.Version, err
	})
	if err != nil {
		return nil, err
	}
	if err := s.dir.DeleteGroup(q.ctx, q.call, q.id, ifVersion); err != nil {
		return nil, q.conflict(err, s.group, q.id, ifVersion != 0)
	}
	q.touch(s.group, q.id)
	q.changed("deleted Group " + q.id)
	return &reply{status: http.StatusNoContent, location: s.group.location(s.base, q.id)}, nil
}

// groupOf fills the columns that the bridge works with from the attributes.
func groupOf(g bridge.GroupResource) bridge.GroupResource {
	g.ExternalID, _ = g.Attributes["externalId"].(string)
	g.DisplayName, _ = g.Attributes["displayName"].(string)
	return g
}
