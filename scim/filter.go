package scim

import (
	"errors"
	"fmt"
	"strings"

	"adbridge/bridge"
)

// filter is a parsed filter of a list: expr, or everything (nil), or nothing.
type filter struct {
	expr *bridge.Expr
	none bool
}

// parseFilter reads a filter and resolves it by the schema. It takes the
// grammar of RFC 7644 section 3.4.2.2, and what Entra sends beyond it:
// emails[type eq "work"].value eq "x", values without quotes, extension
// attributes without URN, a complex attribute in place of its value. With
// across, attributes that the kind does not have count as unassigned (a query
// over several types); otherwise they are refused.
func (k *kind) parseFilter(s string, l Limits, base string, across bool) (filter, error) {
	if len(s) > l.Filter {
		return filter{}, badFilter("filter: it is %d bytes long; at most %d are read. Ask for fewer values at a time.", len(s), l.Filter)
	}
	p := &parser{k: k, s: s, limits: l, base: base, across: across}
	e, err := p.or(nil)
	if err == nil {
		p.space()
		if p.i < len(s) {
			err = p.fail("%q is not expected here", cut(s[p.i:], 40))
		}
	}
	if err != nil {
		var f *fault
		if errors.As(err, &f) {
			return filter{}, f
		}
		return filter{}, badFilter("filter: %s.", err)
	}
	switch e {
	case exprTrue:
		return filter{}, nil
	case exprFalse:
		return filter{none: true}, nil
	}
	return filter{expr: e}, nil
}

// parser is a recursive-descent parser over the bytes of a filter or path.
type parser struct {
	k      *kind
	s      string
	i      int
	depth  int
	limits Limits
	base   string
	across bool
}

func (p *parser) fail(format string, args ...any) error {
	return fmt.Errorf(format+" (at byte %d)", append(args, p.i+1)...)
}

func (p *parser) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\t') {
		p.i++
	}
}

func (p *parser) deeper() error {
	if p.depth++; p.depth > p.limits.FilterDepth {
		return p.fail("it is nested more than %d levels deep", p.limits.FilterDepth)
	}
	return nil
}

// word takes a keyword if it stands here as a whole word.
func (p *parser) word(w string) bool {
	end := p.i + len(w)
	if end > len(p.s) || !strings.EqualFold(p.s[p.i:end], w) {
		return false
	}
	if end < len(p.s) && p.s[end] != ' ' && p.s[end] != '\t' && p.s[end] != '(' {
		return false
	}
	p.i = end
	return true
}

// or, and and unary go down the precedences. in is the attribute whose
// brackets we are in, nil outside.
func (p *parser) or(in *attribute) (*bridge.Expr, error) {
	l, err := p.and(in)
	for err == nil {
		p.space()
		if !p.word("or") {
			return l, nil
		}
		var r *bridge.Expr
		if r, err = p.and(in); err == nil {
			l = either(l, r)
		}
	}
	return nil, err
}

func (p *parser) and(in *attribute) (*bridge.Expr, error) {
	l, err := p.unary(in)
	for err == nil {
		p.space()
		if !p.word("and") {
			return l, nil
		}
		var r *bridge.Expr
		if r, err = p.unary(in); err == nil {
			l = both(l, r)
		}
	}
	return nil, err
}

func (p *parser) unary(in *attribute) (*bridge.Expr, error) {
	p.space()
	start := p.i
	if p.word("not") {
		p.space()
		if p.i < len(p.s) && p.s[p.i] == '(' {
			e, err := p.group(in)
			return negate(e), err
		}
		p.i = start
		return nil, p.fail(`"not" is followed by an expression in round brackets, as in not (active eq true)`)
	}
	if p.i < len(p.s) && p.s[p.i] == '(' {
		return p.group(in)
	}
	return p.comparison(in)
}

func (p *parser) group(in *attribute) (*bridge.Expr, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	p.i++ // (
	e, err := p.or(in)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != ')' {
		return nil, p.fail(`a ")" is missing`)
	}
	p.i++
	p.depth--
	return e, nil
}

// bracket reads "[" valFilter "]"; the paths inside are whole ones.
func (p *parser) bracket(a *attribute) (*bridge.Expr, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	p.i++ // [
	e, err := p.or(a)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != ']' {
		return nil, p.fail(`a "]" is missing`)
	}
	p.i++
	p.depth--
	return e, nil
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '.' || c == ':' || c == '-' || c == '_' || c == '$' || c == '/' || c == '#'
}

func (p *parser) name() string {
	start := p.i
	for p.i < len(p.s) && nameByte(p.s[p.i]) {
		p.i++
	}
	return p.s[start:p.i]
}

func (p *parser) comparison(in *attribute) (*bridge.Expr, error) {
	at := p.i
	name := p.name()
	if name == "" {
		if p.i >= len(p.s) {
			return nil, p.fail("an attribute is missing at the end")
		}
		return nil, p.fail("an attribute is expected, not %q", cut(p.s[p.i:], 20))
	}
	var t target
	known := true
	if in != nil {
		t = target{attr: in, sub: in.sub(name)}
		if t.sub == nil {
			p.i = at
			return nil, p.fail("%s has no sub-attribute %q; it has %s", in.path(), cut(name, 50), names(in.subs))
		}
	} else if t, known = p.k.resolve(name); !known || t.attr == nil {
		known = false
		if !p.across {
			p.i = at
			return nil, p.fail("%s", strings.TrimSuffix(p.k.unknown(name), "."))
		}
	}
	if in == nil && p.i < len(p.s) && p.s[p.i] == '[' {
		return p.valuePath(t, known)
	}
	op, err := p.op()
	if err != nil {
		return nil, err
	}
	var v value
	if op != bridge.OpPr {
		if v, err = p.value(); err != nil {
			return nil, err
		}
	}
	if !known {
		return constant(op == bridge.OpNe), nil
	}
	return p.compare(t, op, v, in != nil)
}

func (p *parser) valuePath(t target, known bool) (*bridge.Expr, error) {
	if !known {
		return p.skipValuePath()
	}
	if t.sub != nil || !t.attr.multi || !t.attr.complex {
		return nil, p.fail("brackets can only follow a complex multi-valued attribute, and %s is none", t.path())
	}
	if t.attr == p.k.schemas || t.attr == p.k.meta {
		return nil, p.fail("brackets cannot follow %s", t.path())
	}
	inner, err := p.bracket(t.attr)
	if err != nil {
		return nil, err
	}
	if p.i < len(p.s) && p.s[p.i] == '.' { // beyond the RFC: x[…].sub op value
		p.i++
		name := p.name()
		sub := t.attr.sub(name)
		if sub == nil {
			return nil, p.fail("%s has no sub-attribute %q; it has %s", t.attr.path(), cut(name, 50), names(t.attr.subs))
		}
		op, err := p.op()
		if err != nil {
			return nil, err
		}
		var v value
		if op != bridge.OpPr {
			if v, err = p.value(); err != nil {
				return nil, err
			}
		}
		cmp, err := p.compare(target{attr: t.attr, sub: sub}, op, v, true)
		if err != nil {
			return nil, err
		}
		inner = both(inner, cmp)
	}
	if inner == exprTrue || inner == exprFalse {
		return inner, nil
	}
	return &bridge.Expr{Op: bridge.OpValuePath, Path: bridge.AttrPath{URN: t.attr.urn, Attr: t.attr.name}, Left: inner, Multi: true, Complex: true}, nil
}

// skipValuePath passes over brackets of an attribute the kind does not have.
func (p *parser) skipValuePath() (*bridge.Expr, error) {
	for p.i < len(p.s) && p.s[p.i] != ']' {
		if p.s[p.i] == '"' {
			if _, err := p.value(); err != nil {
				return nil, err
			}
			continue
		}
		p.i++
	}
	if p.i >= len(p.s) {
		return nil, p.fail(`a "]" is missing`)
	}
	p.i++
	return exprFalse, nil
}

var filterOps = []bridge.ExprOp{bridge.OpEq, bridge.OpPr, bridge.OpNe, bridge.OpCo, bridge.OpSw, bridge.OpEw, bridge.OpGt, bridge.OpGe, bridge.OpLt, bridge.OpLe}

func (p *parser) op() (bridge.ExprOp, error) {
	p.space()
	start := p.i
	for p.i < len(p.s) && (p.s[p.i]|0x20) >= 'a' && (p.s[p.i]|0x20) <= 'z' {
		p.i++
	}
	w := p.s[start:p.i]
	for _, op := range filterOps {
		if strings.EqualFold(w, string(op)) {
			return op, nil
		}
	}
	p.i = start
	if w == "" {
		return "", p.fail("an operator is missing: eq, ne, co, sw, ew, pr, gt, ge, lt or le")
	}
	return "", p.fail("the operator %q is not supported; use eq, ne, co, sw, ew, pr, gt, ge, lt or le", cut(w, 20))
}

// value is the right side of a comparison: what was written, and whether in quotes.
type value struct {
	text   string
	quoted bool
}

func (v value) null() bool { return !v.quoted && v.text == "null" }

func (p *parser) value() (value, error) {
	p.space()
	if p.i >= len(p.s) {
		return value{}, p.fail("a value is missing at the end")
	}
	if p.s[p.i] == '"' {
		r := jsonReader{s: p.s, i: p.i}
		s, err := r.str()
		if err != nil {
			return value{}, p.fail("the value in quotes is not a JSON string, or has the character U+0000, which nothing has")
		}
		p.i = r.i
		return value{text: s, quoted: true}, nil
	}
	if p.s[p.i] == '\'' { // it would be taken for a part of the value, and nothing found
		return value{}, p.fail(`a value stands in double quotes, as in userName eq "ana"`)
	}
	start := p.i
	for p.i < len(p.s) && p.s[p.i] != ' ' && p.s[p.i] != ')' && p.s[p.i] != ']' && p.s[p.i] != '(' && p.s[p.i] != '"' {
		p.i++
	}
	if p.i == start {
		return value{}, p.fail("a value is expected, not %q", cut(p.s[p.i:], 20))
	}
	return value{text: p.s[start:p.i]}, nil
}
