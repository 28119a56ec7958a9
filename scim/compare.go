package scim

import (
	"strconv"
	"strings"
	"time"

	"adbridge/bridge"
)

// Filters that are decided without looking at a resource: what asks for
// meta.resourceType, or at the root for attributes another type does not have.
var (
	exprTrue  = &bridge.Expr{Op: "true"}
	exprFalse = &bridge.Expr{Op: "false"}
)

// compare makes the comparison of what t names, with the value in the type
// that the schema gives it.
func (p *parser) compare(t target, op bridge.ExprOp, v value, inside bool) (*bridge.Expr, error) {
	switch {
	case t.attr == p.k.schemas:
		return p.compareSchemas(op, v)
	case t.attr == p.k.meta && t.sub != nil:
		if e, err := p.compareMeta(t, op, v); e != nil || err != nil {
			return e, err
		}
	case t.attr.never:
		return nil, p.fail("%s cannot be asked for", t.attr.path())
	}
	if v.null() { // "eq null" is "not present"
		switch op {
		case bridge.OpEq:
			e, err := p.compare(t, bridge.OpPr, value{}, inside)
			return negate(e), err
		case bridge.OpNe:
			return p.compare(t, bridge.OpPr, value{}, inside)
		}
	}
	e := &bridge.Expr{Op: op, Path: bridge.AttrPath{URN: t.attr.urn, Attr: t.attr.name}, Multi: t.attr.multi, Complex: t.attr.complex}
	leaf := t.attr
	if t.sub != nil {
		leaf = t.sub
	} else if t.attr.complex && op != bridge.OpPr {
		// RFC 7643 section 2.4: the value of a complex attribute is its "value".
		if leaf = t.attr.sub("value"); leaf == nil {
			return nil, p.fail("%s is complex; name the part to compare: %s", t.attr.path(), names(t.attr.subs))
		}
	}
	if leaf != t.attr {
		e.Path.Sub = leaf.name
	}
	e.Type, e.CaseExact = leaf.typ, leaf.caseExact
	if op == bridge.OpPr {
		return e, nil
	}
	var err error
	if e.Value, err = p.typed(leaf, op, v); err != nil {
		return nil, err
	}
	if at, ok := e.Value.(time.Time); ok && t.attr == p.k.meta {
		return asShown(e, at), nil
	}
	if t.attr.name == "displayName" && p.k.name == "User" {
		return asSent(e), nil
	}
	return e, nil
}

// asSent compares with the displayName that the identity provider sent: the
// directory finds people who have none by their name, which no answer shows.
func asSent(e *bridge.Expr) *bridge.Expr {
	if e.Value == "" { // is present in nobody, but may have been sent
		return e
	}
	present := *e
	present.Op, present.Value = bridge.OpPr, nil
	if e.Op != bridge.OpNe {
		return both(e, &present)
	}
	eq := *e
	eq.Op = bridge.OpEq
	return negate(both(&eq, &present))
}

// asShown compares with a time of meta as a client knows it: to the millisecond
// (see appendTime). Stored times are finer, and who asks with what it was shown
// would miss, or get once more, what has just changed.
func asShown(e *bridge.Expr, at time.Time) *bridge.Expr {
	if at.Nanosecond()%int(time.Millisecond) != 0 {
		return e
	}
	to := func(op bridge.ExprOp, at time.Time) *bridge.Expr {
		c := *e
		c.Op, c.Value = op, at
		return &c
	}
	next := at.Add(time.Millisecond)
	switch e.Op {
	case bridge.OpEq:
		return both(to(bridge.OpGe, at), to(bridge.OpLt, next))
	case bridge.OpNe:
		return negate(both(to(bridge.OpGe, at), to(bridge.OpLt, next)))
	case bridge.OpGt:
		return to(bridge.OpGe, next)
	case bridge.OpLe:
		return to(bridge.OpLt, next)
	}
	return e
}

func (p *parser) typed(a *attribute, op bridge.ExprOp, v value) (any, error) {
	text := op == bridge.OpCo || op == bridge.OpSw || op == bridge.OpEw
	order := op == bridge.OpGt || op == bridge.OpGe || op == bridge.OpLt || op == bridge.OpLe
	switch a.typ {
	case "boolean":
		if text || order {
			return nil, p.fail("%s is a boolean and can only be compared with eq, ne and pr", a.path())
		}
		b, ok := boolean(v.text)
		if !ok {
			return nil, p.fail("%s is a boolean; compare it with true or false", a.path())
		}
		return b, nil
	case "dateTime":
		if text {
			return nil, p.fail("%s is a point in time and cannot be compared with %s", a.path(), op)
		}
		at, ok := dateTime(v.text)
		if !ok {
			return nil, p.fail(`%s is a point in time; write it as "2026-11-21T22:29:00Z"`, a.path())
		}
		return at, nil
	case "integer":
		n, err := strconv.ParseInt(v.text, 10, 64)
		if err != nil || text {
			return nil, p.fail("%s is an integer and cannot be compared so", a.path())
		}
		return n, nil
	case "decimal":
		n, err := strconv.ParseFloat(v.text, 64)
		if err != nil || text {
			return nil, p.fail("%s is a number and cannot be compared so", a.path())
		}
		return n, nil
	case "binary":
		if order {
			return nil, p.fail("%s is binary and cannot be compared with %s", a.path(), op)
		}
	}
	if v.null() {
		return nil, p.fail("%s cannot be compared with null by %s", a.path(), op)
	}
	return v.text, nil
}

// dateTime reads xsd:dateTime; without a zone it is taken for UTC.
func dateTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func boolean(s string) (b, ok bool) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, true
	case strings.EqualFold(s, "false"):
		return false, true
	}
	return false, false
}

// compareMeta decides what of meta we need not store; nil, nil leaves the rest
// (created, lastModified) to the directory.
func (p *parser) compareMeta(t target, op bridge.ExprOp, v value) (*bridge.Expr, error) {
	switch t.sub.name {
	case "resourceType":
		if op == bridge.OpPr {
			return exprTrue, nil
		}
		return constant(compareText(op, p.k.name, v.text)), nil
	case "location", "version":
		if op == bridge.OpPr {
			return exprTrue, nil
		}
		if op != bridge.OpEq && op != bridge.OpNe {
			return nil, p.fail("%s can only be compared with eq, ne and pr", t.path())
		}
	default:
		return nil, nil
	}
	var e *bridge.Expr
	if t.sub.name == "version" {
		n, ok := parseVersion(v.text)
		if !ok {
			return constant(op == bridge.OpNe), nil
		}
		e = &bridge.Expr{Op: bridge.OpEq, Path: bridge.AttrPath{Attr: "meta", Sub: "version"}, Complex: true, CaseExact: true, Type: "integer", Value: n}
	} else {
		id, ok := strings.CutPrefix(v.text, p.base+p.k.endpoint+"/")
		if !ok {
			return constant(op == bridge.OpNe), nil
		}
		e = &bridge.Expr{Op: bridge.OpEq, Path: bridge.AttrPath{Attr: "id"}, CaseExact: true, Type: "string", Value: id}
	}
	if op == bridge.OpNe {
		return negate(e), nil
	}
	return e, nil
}

// compareSchemas: every resource has its core schema, and an extension's when
// it has an attribute of it.
func (p *parser) compareSchemas(op bridge.ExprOp, v value) (*bridge.Expr, error) {
	switch op {
	case bridge.OpPr:
		return exprTrue, nil
	case bridge.OpNe:
		e, err := p.compareSchemas(bridge.OpEq, v)
		return negate(e), err
	}
	if compareText(op, p.k.urn, v.text) {
		return exprTrue, nil
	}
	e := exprFalse
	for _, x := range p.k.ext {
		if !compareText(op, x.urn, v.text) {
			continue
		}
		for _, a := range x.attrs {
			e = either(e, &bridge.Expr{Op: bridge.OpPr, Path: bridge.AttrPath{URN: x.urn, Attr: a.name}, Multi: a.multi, Complex: a.complex, Type: a.typ, CaseExact: a.caseExact})
		}
	}
	return e, nil
}

func constant(b bool) *bridge.Expr {
	if b {
		return exprTrue
	}
	return exprFalse
}

func both(l, r *bridge.Expr) *bridge.Expr {
	switch {
	case l == exprFalse || r == exprFalse:
		return exprFalse
	case l == exprTrue:
		return r
	case r == exprTrue:
		return l
	}
	return &bridge.Expr{Op: bridge.OpAnd, Left: l, Right: r}
}

func either(l, r *bridge.Expr) *bridge.Expr {
	switch {
	case l == exprTrue || r == exprTrue:
		return exprTrue
	case l == exprFalse:
		return r
	case r == exprFalse:
		return l
	}
	return &bridge.Expr{Op: bridge.OpOr, Left: l, Right: r}
}

func negate(e *bridge.Expr) *bridge.Expr {
	switch e {
	case nil:
		return nil
	case exprTrue:
		return exprFalse
	case exprFalse:
		return exprTrue
	}
	return &bridge.Expr{Op: bridge.OpNot, Left: e}
}
