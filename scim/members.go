package scim

import (
	"net/http"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"

	"adbridge/bridge"
)

// parseRefs reads the members of a Group: objects, one object, or bare ids.
// Each is read straight into a row, never into a map.
func parseRefs(raw string) ([]bridge.MemberRef, error) {
	if raw[0] != '[' {
		ref, err := parseRef(raw)
		return []bridge.MemberRef{ref}, err
	}
	n := min(strings.Count(raw, "{"), maxMembers)
	refs := make([]bridge.MemberRef, 0, n)
	seen := make(map[string]bool, n)
	err := each(raw, func(raw string) error {
		ref, err := parseRef(raw)
		if err == nil && !seen[ref.Value] {
			seen[ref.Value] = true
			if refs = append(refs, ref); len(refs) > maxMembers {
				return tooManyMembers()
			}
		}
		return err
	})
	return refs, err
}

func parseRef(raw string) (bridge.MemberRef, error) {
	var ref bridge.MemberRef
	r := &jsonReader{s: raw, limit: 8}
	switch raw[0] {
	case '"':
		s, err := r.str()
		if err != nil {
			return ref, err
		}
		ref.Value = s
	case '{':
		link := ""
		err := r.object(func(key string) error {
			var to *string
			switch {
			case strings.EqualFold(key, "value"):
				to = &ref.Value
			case strings.EqualFold(key, "display"), strings.EqualFold(key, "displayName") && ref.Display == "": // as in Microsoft's reference collection
				to = &ref.Display
			case strings.EqualFold(key, "type"):
				to = &ref.Type
			case key == "$ref":
				to = &link
			default:
				return r.skip()
			}
			v, err := r.value()
			if err != nil || v == nil {
				return err
			}
			s, ok := v.(string)
			if !ok {
				return badValue("members.%s must be a string, not %s.", key, describe(v))
			}
			*to = s
			return nil
		})
		if err != nil {
			return ref, err
		}
		if ref.Value == "" && link != "" { // a reference by address alone
			ref.Value = link[strings.LastIndexByte(link, '/')+1:]
		}
		switch {
		case strings.EqualFold(ref.Type, "User"), strings.EqualFold(ref.Type, "Group"):
			ref.Type = strings.ToUpper(ref.Type[:1]) + strings.ToLower(ref.Type[1:])
		case strings.Contains(link, "/Groups/"):
			ref.Type = "Group"
		case strings.Contains(link, "/Users/"):
			ref.Type = "User"
		default:
			ref.Type = "" // the directory knows
		}
	default:
		return ref, badValue("members must be a list of objects with the id of a user or group as value.")
	}
	if strings.TrimSpace(ref.Value) == "" {
		return ref, badValue("members: a member without value; value is the id that this server gave the user or group.")
	}
	return ref, nil
}

// fitRefs refuses to take in a reference that is too long to be an id. One that
// is to go may have been taken in once.
func fitRefs(refs []bridge.MemberRef) error {
	for _, r := range refs {
		if len(r.Value) > maxID {
			return badValue("members: the value %s is too long to be an id.", quote(r.Value))
		}
	}
	return nil
}

// groupPatch is the PATCH of a group: operations on its attributes, and rows.
type groupPatch struct {
	ops     []operation
	members []bridge.MemberChange
	refs    int // members named in all
	terms   int // of filters that every member is held against
}

// Bounds of one PATCH. Nobody else can write while it is carried out.
const (
	maxMembers     = 200_000
	maxSteps       = 500 // changes from adding to removing and back
	maxMemberTerms = 8
)

// compileGroup resolves the operations of a PATCH of a Group. What concerns
// members becomes rows; the group's members are never read.
func (k *kind) compileGroup(raw []rawOp, l Limits) (groupPatch, error) {
	var p groupPatch
	for _, r := range raw {
		err := k.spread(r, func(r rawOp) error {
			t, err := k.parsePath(r.path, l)
			if err != nil {
				return err
			}
			if t.attr == k.refs {
				return p.member(r, t)
			}
			o, err := k.operation(r.op, r.path, r.value, r.hasValue, l)
			if p.ops = append(p.ops, o); len(p.ops) > maxOperations {
				return badValue("The PATCH has more than %d operations on attributes. Split it.", maxOperations)
			}
			return err
		})
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func (p *groupPatch) member(r rawOp, t target) error {
	if t.sub != nil && t.sub.name != "value" {
		return notMutable("%s cannot be changed; remove the member and add it again.", t.sub.path())
	}
	if t.filter != nil {
		return p.filtered(r, t)
	}
	if r.value == "null" || r.op == "replace" && r.value == `""` {
		return badValue("members: null is ambiguous. Write [] with replace, or remove without a value, to take out every member; name the members to take out single ones.")
	}
	if r.op == "remove" && !r.hasValue {
		return p.add(bridge.MemberChange{Op: bridge.ClearMembers})
	}
	refs, err := parseRefs(r.value)
	if err != nil {
		return err
	}
	switch {
	case r.op == "replace" && len(refs) == 0:
		return p.add(bridge.MemberChange{Op: bridge.ClearMembers})
	case r.op == "replace":
		return p.add(bridge.MemberChange{Op: bridge.ReplaceMembers, Refs: refs})
	case len(refs) == 0: // nobody to add or remove
		return nil
	case r.op == "remove":
		return p.add(bridge.MemberChange{Op: bridge.RemoveMembers, Refs: refs})
	}
	return p.add(bridge.MemberChange{Op: bridge.AddMembers, Refs: refs})
}

// filtered handles members[value eq "…"] and the like.
func (p *groupPatch) filtered(r rawOp, t target) error {
	refs, exact := refsOf(t.filter)
	if !exact {
		if p.terms += terms(t.filter); p.terms > maxMemberTerms {
			return newFault(http.StatusBadRequest, scimerrors.ScimTypeTooMany, "members: the filters have more than %d terms in all, and every member would be held against them. Name the members by value.", maxMemberTerms)
		}
	}
	if r.op == "remove" {
		if exact {
			return p.add(bridge.MemberChange{Op: bridge.RemoveMembers, Refs: refs})
		}
		return p.add(bridge.MemberChange{Op: bridge.RemoveMembers, Where: t.filter})
	}
	if !exact {
		return badPath(`members: %s needs a path such as members[value eq "id"], or members with a list.`, r.op)
	}
	var to []bridge.MemberRef
	var err error
	if r.value != "null" {
		if to, err = parseRefs(r.value); err != nil {
			return err
		}
	}
	if r.op == "replace" && len(to) > 0 && (len(refs) != 1 || len(to) != 1 || to[0].Value != refs[0].Value) {
		if err := p.add(bridge.MemberChange{Op: bridge.RemoveMembers, Refs: refs}); err != nil {
			return err
		}
		return p.add(bridge.MemberChange{Op: bridge.AddMembers, Refs: to})
	}
	if len(to) != 1 || len(refs) != 1 || to[0].Value != refs[0].Value {
		return badValue(`members: the value must name the same member as the path; write {"op":"add","path":"members","value":[{"value":"id"}]}.`)
	}
	return p.add(bridge.MemberChange{Op: bridge.AddMembers, Refs: to})
}

// refsOf reads filters that only name ids: value eq "a" or value eq "b".
func refsOf(e *bridge.Expr) ([]bridge.MemberRef, bool) {
	switch {
	case e.Op == bridge.OpEq && e.Path.Sub == "value":
		s, ok := e.Value.(string)
		return []bridge.MemberRef{{Value: s}}, ok
	case e.Op == bridge.OpOr:
		l, ok := refsOf(e.Left)
		if !ok {
			return nil, false
		}
		r, ok := refsOf(e.Right)
		return append(l, r...), ok
	}
	return nil, false
}

// add appends a step, joined with the one before where that is the same kind:
// Okta sends an operation for each member.
func (p *groupPatch) add(c bridge.MemberChange) error {
	if p.refs += len(c.Refs); p.refs > maxMembers {
		return tooManyMembers()
	}
	if c.Op != bridge.RemoveMembers {
		if err := fitRefs(c.Refs); err != nil {
			return err
		}
	}
	if n := len(p.members); n > 0 && c.Where == nil && (c.Op == bridge.AddMembers || c.Op == bridge.RemoveMembers) {
		if last := &p.members[n-1]; last.Op == c.Op && last.Where == nil {
			last.Refs = append(last.Refs, c.Refs...)
			return nil
		}
	}
	if p.members = append(p.members, c); len(p.members) > maxSteps {
		return badValue("members: the PATCH goes from adding to removing and back more than %d times. Put those to add into one operation and those to remove into another.", maxSteps)
	}
	return nil
}

func tooManyMembers() *fault {
	return newFault(http.StatusRequestEntityTooLarge, "", "The request names more than %d members. Split it into several.", maxMembers)
}
