package storagetest

import (
	"strings"
	"time"

	"adbridge/bridge"
)

// Evaluate is the meaning of a filter, spelled out in memory: what both
// databases must answer. resource is the whole resource, with id and meta;
// meta.created and meta.lastModified are time.Time there.
func Evaluate(e *bridge.Expr, resource map[string]any) bool {
	switch e.Op {
	case "true":
		return true
	case "false":
		return false
	case bridge.OpAnd:
		return Evaluate(e.Left, resource) && Evaluate(e.Right, resource)
	case bridge.OpOr:
		return Evaluate(e.Left, resource) || Evaluate(e.Right, resource)
	case bridge.OpNot:
		return !Evaluate(e.Left, resource)
	}
	root := resource
	if e.Path.URN != "" {
		root, _ = resource[e.Path.URN].(map[string]any)
	}
	v := root[e.Path.Attr]
	if e.Op == bridge.OpPr && e.Path.Sub == "" {
		return present(v)
	}
	if e.Multi || e.Op == bridge.OpValuePath {
		list, _ := v.([]any)
		for _, element := range list {
			if e.Op == bridge.OpValuePath {
				if m, _ := element.(map[string]any); bracket(e.Left, m) {
					return true
				}
			} else if compare(e, part(e, element)) {
				return true
			}
		}
		return e.Op == bridge.OpNe && len(list) == 0
	}
	return compare(e, part(e, v))
}

func part(e *bridge.Expr, v any) any {
	sub := e.Path.Sub
	if sub == "" && e.Complex {
		sub = "value"
	}
	if sub == "" {
		return v
	}
	m, _ := v.(map[string]any)
	return m[sub]
}

func bracket(e *bridge.Expr, element map[string]any) bool {
	switch e.Op {
	case bridge.OpAnd:
		return bracket(e.Left, element) && bracket(e.Right, element)
	case bridge.OpOr:
		return bracket(e.Left, element) || bracket(e.Right, element)
	case bridge.OpNot:
		return !bracket(e.Left, element)
	}
	return compare(e, element[e.Path.Sub])
}

// present: a text that is not empty, a number or a boolean, at whatever depth.
func present(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		for _, x := range v {
			if present(x) {
				return true
			}
		}
		return false
	case map[string]any:
		for _, x := range v {
			if present(x) {
				return true
			}
		}
		return false
	}
	return true
}

func compare(e *bridge.Expr, have any) bool {
	switch e.Op {
	case bridge.OpPr:
		return present(have)
	case bridge.OpNe:
		eq := *e
		eq.Op = bridge.OpEq
		return !compare(&eq, have)
	}
	switch want := e.Value.(type) {
	case nil:
		return !present(have)
	case bool:
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
		switch e.Op {
		case bridge.OpCo:
			return strings.Contains(s, want)
		case bridge.OpSw:
			return strings.HasPrefix(s, want)
		case bridge.OpEw:
			return strings.HasSuffix(s, want)
		}
		return order(e.Op, strings.Compare(s, want))
	case int64:
		return compareNumber(e.Op, have, float64(want))
	case float64:
		return compareNumber(e.Op, have, want)
	case time.Time:
		at, ok := have.(time.Time)
		if s, isText := have.(string); isText {
			at, ok = readTime(s)
		}
		return ok && order(e.Op, at.Compare(want))
	}
	return false
}

func readTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Truncate(time.Microsecond), true
		}
	}
	return time.Time{}, false
}

func compareNumber(op bridge.ExprOp, have any, want float64) bool {
	var n float64
	switch v := have.(type) {
	case int64:
		n = float64(v)
	case float64:
		n = v
	default:
		return false
	}
	switch {
	case n < want:
		return order(op, -1)
	case n > want:
		return order(op, 1)
	}
	return order(op, 0)
}

func order(op bridge.ExprOp, c int) bool {
	switch op {
	case bridge.OpEq:
		return c == 0
	case bridge.OpGt:
		return c > 0
	case bridge.OpGe:
		return c >= 0
	case bridge.OpLt:
		return c < 0
	case bridge.OpLe:
		return c <= 0
	}
	return false
}
