package scim

import (
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"

	"adbridge/bridge"
)

func (s *server) createUser(q *request) (*reply, error) {
	k := s.user
	in, err := k.read(q.fields, s.limits)
	if err != nil {
		return nil, err
	}
	q.note.Repaired = append(q.note.Repaired, in.repaired...)
	if _, given := in.attrs["active"]; !given { // the default is shown, so that it is no secret
		in.attrs["active"] = true
	}
	if _, err := k.fit(in.attrs, nil, false); err != nil {
		return nil, err
	}
	u := userOf(bridge.User{Person: bridge.Person{SourceID: q.call.Source.ID}, Attributes: in.attrs})
	made, err := s.dir.CreateUser(q.ctx, q.call, u)
	if errors.Is(err, bridge.ErrExists) {
		return nil, s.userExists(u)
	}
	if err != nil {
		return nil, translate(err, k, "")
	}
	q.touch(k, made.ID)
	q.changed("created User " + made.UserName)
	return s.answer(q, http.StatusCreated, k, s.withGroups(q, made))
}

// withGroups is the user that a change has made, with its groups: the answer is
// the entire resource (RFC 7644 sections 3.5.1 and 3.5.2). The change is made;
// when they cannot be read just now, they are left out.
func (s *server) withGroups(q *request, u bridge.User) shown {
	if _, wanted := q.projection(s.user).shows(s.user.refs, nil); wanted && !q.unseen {
		if read, err := s.dir.User(q.ctx, q.call, u.ID, true); err == nil {
			u.Groups = read.Groups
			return shownUser(u, true)
		}
	}
	return shownUser(u, false)
}

func (s *server) userExists(u bridge.User) *fault {
	return newFault(http.StatusConflict, scimerrors.ScimTypeUniqueness,
		"A User with userName %s exists already in this source. Nothing was changed. Find it with a filter on userName and update it instead.", quote(u.UserName))
}

func (s *server) getUser(q *request) (*reply, error) {
	p := q.projection(s.user)
	_, groups := p.shows(s.user.refs, nil)
	u, err := s.dir.User(q.ctx, q.call, q.id, groups)
	if err != nil {
		return nil, translate(err, s.user, q.id)
	}
	r := storedUser(u, groups)
	if re, err := q.unmet(s.user, r); re != nil || err != nil {
		return re, err
	}
	return s.answer(q, http.StatusOK, s.user, r)
}

func (s *server) putUser(q *request) (*reply, error) {
	in, err := s.user.read(q.fields, s.limits)
	if err != nil {
		return nil, err
	}
	q.note.Repaired = append(q.note.Repaired, in.repaired...)
	return s.changeUser(q, func(old map[string]any) (map[string]any, error) {
		attrs := maps.Clone(in.attrs)
		keep(attrs, old, in, "externalId")
		if _, given := attrs["active"]; !given && old["active"] != nil { // null neither: it would let a leaver in
			attrs["active"] = old["active"]
		}
		return attrs, nil
	})
}

// keep carries over what a PUT does not name and does not clear by null.
func keep(attrs, old map[string]any, in *resourceBody, name string) {
	if _, given := attrs[name]; !given && !in.cleared[name] && old[name] != nil {
		attrs[name] = old[name]
	}
}

func (s *server) patchUser(q *request) (*reply, error) {
	raw, err := patchOps(q.fields)
	if err != nil {
		return nil, err
	}
	ops, err := s.user.compile(raw, s.limits)
	if err != nil {
		return nil, err
	}
	for i := range ops {
		ops[i].strict = q.call.Source.Kind != bridge.Entra
	}
	return s.changeUser(q, func(old map[string]any) (map[string]any, error) {
		return patched(old, ops)
	})
}

// changeUser is PUT and PATCH: change makes new attributes of the old ones,
// which it leaves as they are.
func (s *server) changeUser(q *request, change func(old map[string]any) (map[string]any, error)) (*reply, error) {
	k := s.user
	ifVersion, err := q.precondition(k, func() (int64, error) {
		u, err := s.dir.User(q.ctx, q.call, q.id, false)
		return u.Version, err
	})
	if err != nil {
		return nil, err
	}
	var what, left []string
	var want bridge.User
	u, err := s.dir.ChangeUser(q.ctx, q.call, q.id, ifVersion, func(u bridge.User) (bridge.User, error) {
		attrs, err := change(u.Attributes)
		if err != nil {
			return u, err
		}
		if left, err = k.fit(attrs, u.Attributes, attrs["active"] == false); err != nil {
			return u, err
		}
		if what = differences(u.Attributes, attrs); len(what) == 0 {
			return u, nil
		}
		u.Attributes = attrs
		want = userOf(u)
		return want, nil
	})
	if errors.Is(err, bridge.ErrExists) {
		return nil, s.userExists(want)
	}
	if err != nil {
		return nil, q.conflict(err, k, q.id, ifVersion != 0)
	}
	q.touch(k, u.ID)
	q.note.Repaired = append(q.note.Repaired, left...)
	if len(what) > 0 {
		q.changed("changed " + strings.Join(what, ", ") + " of User " + u.UserName)
	}
	return s.answer(q, http.StatusOK, k, s.withGroups(q, u))
}

func (s *server) deleteUser(q *request) (*reply, error) {
	ifVersion, err := q.precondition(s.user, func() (int64, error) {
		u, err := s.dir.User(q.ctx, q.call, q.id, false)
		return u.Version, err
	})
	if err != nil {
		return nil, err
	}
	if err := s.dir.DeleteUser(q.ctx, q.call, q.id, ifVersion); err != nil {
		return nil, q.conflict(err, s.user, q.id, ifVersion != 0)
	}
	q.touch(s.user, q.id)
	q.changed("deleted User " + q.id)
	return &reply{status: http.StatusNoContent, location: s.user.location(s.base, q.id)}, nil
}

// differences names the attributes that are not the same.
func differences(a, b map[string]any) []string {
	var out []string
	for k, v := range b {
		if !reflect.DeepEqual(a[k], v) {
			out = append(out, k)
		}
	}
	for k := range a {
		if _, ok := b[k]; !ok {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// userOf fills the columns that the bridge works with from the attributes. Who
// has no active attribute stays what they are: taking it away must not let a
// leaver in again.
func userOf(u bridge.User) bridge.User {
	a := u.Attributes
	text := func(m map[string]any, name string) string { s, _ := m[name].(string); return s }
	u.ExternalID = text(a, "externalId")
	u.UserName = text(a, "userName")
	u.DisplayName = text(a, "displayName")
	if name, ok := a["name"].(map[string]any); ok && u.DisplayName == "" {
		if u.DisplayName = text(name, "formatted"); u.DisplayName == "" {
			u.DisplayName = strings.TrimSpace(text(name, "givenName") + " " + text(name, "familyName"))
		}
		u.DisplayName = cut(u.DisplayName, maxIndexed)
	}
	if active, given := a["active"].(bool); given {
		u.Active = active
	}
	userType := bridge.Fold(text(a, "userType"))
	u.External = strings.Contains(userType, "guest") || strings.Contains(userType, "external")
	u.Emails = nil
	list, _ := a["emails"].([]any)
	for _, e := range list {
		m, _ := e.(map[string]any)
		value := strings.TrimSpace(text(m, "value"))
		switch {
		case value == "" || slices.Contains(u.Emails, value):
		case m["primary"] == true:
			u.Emails = slices.Insert(u.Emails, 0, value)
		default:
			u.Emails = append(u.Emails, value)
		}
	}
	return u
}
