package scim

import (
	"fmt"
	"io"
	"time"

	"adbridge/bridge"
)

// shown is a resource about to be written.
type shown struct {
	id               string
	attrs            map[string]any
	doc              string // instead of attrs, where it comes out of the directory as it is
	version          int64
	created, updated time.Time
	refs             []bridge.MemberRef
	hasRefs          bool   // refs have been read; otherwise they are left out
	location         string // "": not made yet
}

func shownUser(u bridge.User, groups bool) shown {
	return shown{id: u.ID, attrs: u.Attributes, version: u.Version, created: u.CreatedAt, updated: u.UpdatedAt, refs: u.Groups, hasRefs: groups || u.Groups != nil}
}

func storedUser(u bridge.StoredUser, groups bool) shown {
	return shown{id: u.ID, doc: u.Attributes, version: u.Version, created: u.CreatedAt, updated: u.UpdatedAt, refs: u.Groups, hasRefs: groups || u.Groups != nil}
}

func shownGroup(g bridge.GroupResource, members bool) shown {
	return shown{id: g.ID, attrs: g.Attributes, version: g.Version, created: g.CreatedAt, updated: g.UpdatedAt, refs: g.Members, hasRefs: members}
}

// sink collects an answer. With a writer behind it, it holds only a piece at a
// time, so that a group of any size is written in constant memory.
type sink struct {
	b   []byte
	w   io.Writer
	err error
}

// fail ends the answer.
func (s *sink) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// pass hands on what has been collected once it is worth it.
func (s *sink) pass(least int) {
	if s.w == nil || len(s.b) < least {
		return
	}
	if s.err == nil {
		_, s.err = s.w.Write(s.b)
	}
	s.b = s.b[:0]
}

const piece = 32 << 10

// resource writes one resource as p wants it. base is the SCIM base URL.
func (k *kind) resource(out *sink, r shown, p *projection, base string) {
	if r.doc != "" {
		if k.stored(out, r, p, base) {
			return
		}
		out.fail(fmt.Errorf("the stored document of %s %s cannot be read", k.name, r.id))
		return
	}
	b := out.b
	b = append(b, `{"schemas":["`...)
	b = append(b, k.urn...)
	for _, e := range k.ext {
		if m, ok := r.attrs[e.urn].(map[string]any); ok && len(m) > 0 {
			b = append(b, `","`...)
			b = append(b, e.urn...)
		}
	}
	b = append(b, `"],"id":`...)
	b = appendString(b, r.id)
	for _, a := range k.attrs {
		if a == k.refs {
			if subs, ok := p.shows(a, nil); ok && r.hasRefs {
				out.b = append(append(b, ','), a.key...)
				k.writeRefs(out, r.refs, subs, base)
				b = out.b
			}
			continue
		}
		v, have := r.attrs[a.name]
		if !have {
			continue
		}
		if subs, ok := p.shows(a, nil); ok {
			b = append(append(b, ','), a.key...)
			b = appendAttr(b, a, v, subs)
		}
	}
	for _, e := range k.ext {
		m, ok := r.attrs[e.urn].(map[string]any)
		if !ok {
			continue
		}
		first := true
		for _, a := range e.attrs {
			v, have := m[a.name]
			if !have {
				continue
			}
			subs, ok := p.shows(a, e)
			if !ok {
				continue
			}
			if first {
				b = append(append(append(b, ','), e.key...), '{')
			} else {
				b = append(b, ',')
			}
			first = false
			b = appendAttr(append(b, a.key...), a, v, subs)
		}
		if !first {
			b = append(b, '}')
		}
	}
	if subs, ok := p.shows(k.meta, nil); ok {
		b = k.appendMeta(b, r, subs, base)
	}
	out.b = append(b, '}')
	out.pass(piece)
}

func (k *kind) appendMeta(b []byte, r shown, subs map[*attribute]bool, base string) []byte {
	b = append(b, `,"meta":{`...)
	first := true
	for _, s := range k.meta.subs {
		if subs != nil && !subs[s] {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, s.key...)
		switch s.name {
		case "resourceType":
			b = appendString(b, k.name)
		case "created":
			b = appendTime(b, r.created)
		case "lastModified":
			b = appendTime(b, r.updated)
		case "location":
			if r.location == "" {
				r.location = k.location(base, r.id)
			}
			b = appendString(b, r.location)
		case "version":
			b = appendString(b, k.tag(r))
		default:
			b = append(b, "null"...)
		}
	}
	return append(b, '}')
}

func (k *kind) location(base, id string) string { return base + k.endpoint + "/" + escapePath(id) }

// writeRefs writes members of a Group or groups of a User.
func (k *kind) writeRefs(out *sink, refs []bridge.MemberRef, subs map[*attribute]bool, base string) {
	want := func(name string) bool { return subs == nil || subs[k.refs.sub(name)] }
	value, ref, display, typ := want("value"), want("$ref"), want("display"), want("type")
	b := append(out.b, '[')
	for i, m := range refs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		comma := func() {
			if b[len(b)-1] != '{' {
				b = append(b, ',')
			}
		}
		if value {
			b = appendString(append(b, `"value":`...), m.Value)
		}
		endpoint := "/Groups/" // of a User's groups
		if k.name == "Group" {
			switch m.Type {
			case "User":
				endpoint = "/Users/"
			case "Group":
			default: // not known yet: nothing to link to
				endpoint = ""
			}
		}
		if ref && endpoint != "" {
			comma()
			b = append(b, `"$ref":`...)
			b = appendString(b, base+endpoint+escapePath(m.Value))
		}
		if display && m.Display != "" {
			comma()
			b = appendString(append(b, `"display":`...), m.Display)
		}
		if typ {
			switch {
			case k.name == "User": // those read are the direct ones
				comma()
				b = append(b, `"type":"direct"`...)
			case m.Type != "":
				comma()
				b = appendString(append(b, `"type":`...), m.Type)
			}
		}
		b = append(b, '}')
		if len(b) >= piece && out.w != nil {
			out.b = b
			out.pass(piece)
			b = out.b
		}
	}
	out.b = append(b, ']')
}

// escapePath escapes an id for a URL; ids of ours need none.
func escapePath(id string) string {
	for i := 0; i < len(id); i++ {
		if c := id[i]; c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return pathEscape(id)
		}
	}
	return id
}
