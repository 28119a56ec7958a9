package scim

import (
	"strings"
	"time"

	"adbridge/bridge"
)

// matches evaluates the inside of a value path on one value of a multi-valued
// attribute. Only PATCH needs it: lists are filtered by the directory.
func matches(e *bridge.Expr, element map[string]any) bool {
	switch e.Op {
	case "true":
		return true
	case "false":
		return false
	case bridge.OpAnd:
		return matches(e.Left, element) && matches(e.Right, element)
	case bridge.OpOr:
		return matches(e.Left, element) || matches(e.Right, element)
	case bridge.OpNot:
		return !matches(e.Left, element)
	}
	return compareValue(e, element[e.Path.Sub])
}

// compareValue compares one value with that of a comparison.
func compareValue(e *bridge.Expr, have any) bool {
	if e.Op == bridge.OpPr {
		return present(have)
	}
	if e.Op == bridge.OpNe {
		eq := *e
		eq.Op = bridge.OpEq
		return !compareValue(&eq, have)
	}
	switch want := e.Value.(type) {
	case bool:
		// Without a value, a boolean such as primary counts as false (RFC 7643 section 2.4).
		b, _ := have.(bool)
		return b == want
	case string:
		s, ok := have.(string)
		if !ok {
			return false
		}
		if !e.CaseExact {
			s, want = bridge.Fold(s), bridge.Fold(want)
		}
		return compareText(e.Op, s, want)
	case int64:
		n, ok := have.(int64)
		return ok && ordered(e.Op, n, want)
	case float64:
		switch n := have.(type) {
		case float64:
			return ordered(e.Op, n, want)
		case int64:
			return ordered(e.Op, float64(n), want)
		}
	case time.Time:
		s, _ := have.(string)
		at, ok := dateTime(s)
		return ok && ordered(e.Op, at.UnixNano(), want.UnixNano())
	}
	return false
}

func compareText(op bridge.ExprOp, s, want string) bool {
	switch op {
	case bridge.OpNe:
		return s != want
	case bridge.OpCo:
		return strings.Contains(s, want)
	case bridge.OpSw:
		return strings.HasPrefix(s, want)
	case bridge.OpEw:
		return strings.HasSuffix(s, want)
	}
	return ordered(op, s, want)
}

func ordered[T int64 | float64 | string](op bridge.ExprOp, a, b T) bool {
	switch op {
	case bridge.OpEq:
		return a == b
	case bridge.OpGt:
		return a > b
	case bridge.OpGe:
		return a >= b
	case bridge.OpLt:
		return a < b
	case bridge.OpLe:
		return a <= b
	}
	return false
}

// present: "a non-empty or non-null value, or a non-empty node".
func present(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// described makes the value that a filter in a path describes: the terms
// "sub eq value" joined by "and". ok is false when it describes none.
func described(e *bridge.Expr) (element map[string]any, ok bool) {
	switch e.Op {
	case bridge.OpEq:
		return map[string]any{e.Path.Sub: e.Value}, true
	case bridge.OpAnd:
		l, ok := described(e.Left)
		if !ok {
			return nil, false
		}
		r, ok := described(e.Right)
		if !ok {
			return nil, false
		}
		for k, v := range r {
			if had, twice := l[k]; twice && had != v {
				return nil, false
			}
			l[k] = v
		}
		return l, true
	}
	return nil, false
}
