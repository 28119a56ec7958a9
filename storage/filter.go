package storage

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"adbridge/bridge"
)

// A filter becomes one SQL condition that is TRUE or FALSE, never NULL, and
// means the same on both databases:
//
//   - what has a column of its own is compared there, and found by its index;
//   - e-mails and members are rows; an eq on their value goes by the index;
//   - everything else is taken from the stored document.
//
// An absent boolean counts as false (RFC 7643 section 2.4), and ne is true of
// what is absent (RFC 7644 section 3.4.2.2). Of a multi-valued attribute any
// value may match.

// resourceTable is where a kind of resource is stored.
type resourceTable struct {
	name, alias, columns string
	column               map[string]leaf // by attribute; of meta by "meta.sub"
	rows                 map[string]rowSet
}

// leaf is a value as SQL, in each form that it has; "" where it has none.
type leaf struct {
	isText, text, fold string // fold: stored folded
	isNum, num         string
	isTrue             string
	present            string
	micros, number     string // columns of a time, of a whole number
	boolean            string
	exact              bool // sorts letter by letter
	sortText           string
	never              bool // is never NULL
	anchor             bool // an index begins with it
	lastSegment        bool // a URI that ends in the value: compared by its last segment
	standIn            bool // holds something else where the document has no value: there it is not present
}

// rowSet is a multi-valued attribute that is kept as rows.
type rowSet struct {
	from, owner string // FROM …, and the column that names the resource
	sub         map[string]leaf
}

func columnLeaf(col, fold string) leaf {
	return leaf{isText: "TRUE", text: col, fold: fold, present: "TRUE"}
}

// optionalLeaf is a column in which an absent value is ”.
func optionalLeaf(col, fold string) leaf {
	return leaf{isText: col + " <> ''", text: col, fold: fold, present: col + " <> ''", never: true}
}

func metaColumns(alias string) map[string]leaf {
	id := columnLeaf(alias+".id", "")
	id.exact, id.anchor = true, true
	external := optionalLeaf(alias+".external_id", "")
	external.exact, external.anchor = true, true
	return map[string]leaf{
		"id":                id,
		"externalId":        external,
		"meta.created":      {micros: alias + ".created_at", present: "TRUE"},
		"meta.lastModified": {micros: alias + ".updated_at", present: "TRUE"},
		"meta.version":      {number: alias + ".version", isNum: "TRUE", num: alias + ".version", present: "TRUE"},
	}
}

var (
	userTable  = makeUserTable()
	groupTable = makeGroupTable()
)

func makeUserTable() resourceTable {
	t := resourceTable{name: "users", alias: "u", columns: userColumns, column: metaColumns("u")}
	userName := columnLeaf("u.user_name", "u.user_name_fold")
	userName.anchor = true
	t.column["userName"] = userName
	displayName := optionalLeaf("u.display_name", "u.display_name_fold")
	displayName.standIn = true // people are called by their name where they have no displayName
	t.column["displayName"] = displayName
	t.column["active"] = leaf{isTrue: "u.active", present: "TRUE", boolean: "u.active"}
	t.rows = map[string]rowSet{"groups": {
		from: "memberships m JOIN groups g ON g.id = m.group_id AND g.deleted_at = 0", owner: "m.value",
		sub: map[string]leaf{
			"value":   columnLeaf("m.group_id", ""),
			"display": optionalLeaf("g.display_name", "g.display_name_fold"),
			"type":    columnLeaf("'direct'", ""),
			"$ref":    {isText: "TRUE", text: "m.group_id", present: "TRUE", lastSegment: true},
		},
	}}
	return t
}

func makeGroupTable() resourceTable {
	t := resourceTable{name: "groups", alias: "g", columns: resourceColumns, column: metaColumns("g")}
	displayName := optionalLeaf("g.display_name", "g.display_name_fold")
	displayName.anchor = true
	t.column["displayName"] = displayName
	t.rows = map[string]rowSet{"members": {from: "memberships m", owner: "m.group_id", sub: memberLeaves}}
	return t
}

var memberLeaves = map[string]leaf{
	"value":   columnLeaf("m.value", ""),
	"display": optionalLeaf("m.display", ""),
	"type":    optionalLeaf(memberType, ""),
	"$ref":    {isText: "TRUE", text: "m.value", present: "TRUE", lastSegment: true},
}

func (t resourceTable) columnOf(p bridge.AttrPath) (leaf, bool) {
	if p.URN != "" {
		return leaf{}, false
	}
	name := p.Attr
	if p.Sub != "" {
		name += "." + p.Sub
	}
	l, ok := t.column[name]
	return l, ok
}

// virtual is the attribute when it is kept as rows, else "".
func (t resourceTable) virtual(p bridge.AttrPath) string {
	if _, ok := t.rows[p.Attr]; ok && p.URN == "" {
		return p.Attr
	}
	return ""
}

// compiler turns a filter into SQL.
type compiler struct {
	d    dialect
	t    resourceTable
	args []any
	sure bool // what is compiled must be true of every match
	// ranges: a text that a column begins with is a range of its index
	ranges bool
}

func (c *compiler) arg(v any, typ string) string {
	c.args = append(c.args, v)
	return "CAST($" + strconv.Itoa(len(c.args)) + " AS " + typ + ")"
}

func (c *compiler) text(s string) string { return c.arg(s, "TEXT") }

func (c *compiler) number(n int64) string { return c.arg(n, "BIGINT") }

// bin makes text order by its bytes.
func (c *compiler) bin(s string) string { return c.d.bin(s) }

// required compiles a filter; its terms joined by and must be true of every match.
func (c *compiler) required(e *bridge.Expr) (string, error) {
	if e.Op == bridge.OpAnd {
		return c.logical(e, c.required)
	}
	c.sure = e.Op == bridge.OpEq
	cond, err := c.expr(e)
	c.sure = false
	return cond, err
}

func (c *compiler) expr(e *bridge.Expr) (string, error) {
	if e == nil {
		return "", fmt.Errorf("%w: a part of it is missing", bridge.ErrFilter)
	}
	switch e.Op {
	case "true":
		return "TRUE", nil
	case "false":
		return "FALSE", nil
	case bridge.OpAnd, bridge.OpOr, bridge.OpNot:
		return c.logical(e, c.expr)
	}
	if e.Path.URN == "" && e.Path.Attr == "password" {
		return "", fmt.Errorf("%w: a password cannot be asked for", bridge.ErrFilter)
	}
	if name := c.t.virtual(e.Path); name != "" {
		return c.ofRows(c.t.rows[name], e)
	}
	if e.Op == bridge.OpValuePath || e.Multi {
		return c.ofElements(e)
	}
	if l, ok := c.t.columnOf(e.Path); ok && !(l.standIn && (e.Op == bridge.OpPr || e.Value == "")) {
		return c.compare(l, e)
	}
	l, err := c.node(c.t.alias+".attributes", documentPath(e)...)
	if err != nil {
		return "", err
	}
	return c.compare(l, e)
}

// logical joins both sides, each compiled by inner.
func (c *compiler) logical(e *bridge.Expr, inner func(*bridge.Expr) (string, error)) (string, error) {
	if e.Left == nil || (e.Right == nil && e.Op != bridge.OpNot) {
		return "", fmt.Errorf("%w: a side of %q is missing", bridge.ErrFilter, e.Op)
	}
	l, err := inner(e.Left)
	if err != nil {
		return "", err
	}
	if e.Op == bridge.OpNot {
		return "NOT (" + l + ")", nil
	}
	r, err := inner(e.Right)
	if err != nil {
		return "", err
	}
	return "(" + l + " " + strings.ToUpper(string(e.Op)) + " " + r + ")", nil
}

func documentPath(e *bridge.Expr) []string {
	var p []string
	if e.Path.URN != "" {
		p = append(p, e.Path.URN)
	}
	p = append(p, e.Path.Attr)
	if sub := subOf(e); sub != "" {
		p = append(p, sub)
	}
	return p
}

// subOf is the part of a complex attribute that is compared: RFC 7643 section
// 2.4 makes "value" the value of the whole.
func subOf(e *bridge.Expr) string {
	if e.Path.Sub == "" && e.Complex && e.Op != bridge.OpPr {
		return "value"
	}
	return e.Path.Sub
}

// inside compiles the filter of a value path, or one comparison with any value
// of a multi-valued attribute, for one element.
func (c *compiler) inside(e *bridge.Expr, element func(*bridge.Expr) (leaf, error)) (string, error) {
	switch {
	case e == nil:
		return "", fmt.Errorf("%w: the brackets are empty", bridge.ErrFilter)
	case e.Op == "true":
		return "TRUE", nil
	case e.Op == "false":
		return "FALSE", nil
	case e.Op == bridge.OpAnd || e.Op == bridge.OpOr || e.Op == bridge.OpNot:
		return c.logical(e, func(e *bridge.Expr) (string, error) { return c.inside(e, element) })
	case e.Op == bridge.OpValuePath:
		return "", fmt.Errorf("%w: brackets cannot stand inside brackets", bridge.ErrFilter)
	}
	l, err := element(e)
	if err != nil {
		return "", err
	}
	return c.compare(l, e)
}

// any says that an element matches: exists makes the query from a condition.
// ne is also true where there is no element at all.
func (c *compiler) any(e *bridge.Expr, element func(*bridge.Expr) (leaf, error), exists func(cond string) string) (string, error) {
	in := e
	if e.Op == bridge.OpValuePath {
		in = e.Left
	}
	cond, err := c.inside(in, element)
	if err != nil {
		return "", err
	}
	if e.Op == bridge.OpNe {
		return "(NOT " + exists("TRUE") + " OR " + exists(cond) + ")", nil
	}
	return exists(cond), nil
}

// ofRows compiles a condition on an attribute that is kept as rows.
func (c *compiler) ofRows(r rowSet, e *bridge.Expr) (string, error) {
	if e.Op == bridge.OpPr && e.Path.Sub == "" {
		return "EXISTS (SELECT 1 FROM " + r.from + " WHERE " + r.owner + " = " + c.t.alias + ".id)", nil
	}
	return c.any(e, rowLeaf(r.sub), func(cond string) string {
		ids := "(SELECT " + r.owner + " FROM " + r.from + " WHERE " + cond + ")"
		if c.sure && (e.Path.Sub == "" || e.Path.Sub == "value") {
			return c.t.alias + ".id " + c.d.asArray(ids)
		}
		return c.t.alias + ".id IN " + ids
	})
}

func rowLeaf(subs map[string]leaf) func(*bridge.Expr) (leaf, error) {
	return func(e *bridge.Expr) (leaf, error) {
		sub := e.Path.Sub
		if sub == "" {
			sub = "value"
		}
		l, ok := subs[sub]
		if !ok {
			return leaf{}, fmt.Errorf("%w: %s.%s is not kept", bridge.ErrFilter, e.Path.Attr, sub)
		}
		return l, nil
	}
}

// ofElements compiles a condition on a multi-valued attribute of the document.
func (c *compiler) ofElements(e *bridge.Expr) (string, error) {
	whole := *e
	whole.Path.Sub, whole.Complex = "", false
	if e.Op == bridge.OpPr && e.Path.Sub == "" {
		l, err := c.node(c.t.alias+".attributes", documentPath(&whole)...)
		return l.present, err
	}
	from, err := c.elements(c.t.alias+".attributes", documentPath(&whole)...)
	if err != nil {
		return "", err
	}
	cond, err := c.any(e, func(e *bridge.Expr) (leaf, error) {
		if sub := subOf(e); sub != "" {
			return c.node(c.element(), sub)
		}
		return c.scalar(), nil
	}, func(cond string) string { return "EXISTS (SELECT 1 FROM " + from + " AND " + cond + ")" })
	if err != nil || c.t.name != "users" || e.Path.URN != "" || e.Path.Attr != "emails" {
		return cond, err
	}
	// An exact address is looked up first; the rest of the condition decides.
	if v, ok := requiredValue(e); ok {
		cond = "(u.id " + c.d.asArray("(SELECT user_id FROM user_emails WHERE email_fold = "+c.text(bridge.FoldEmail(v))+")") + " AND " + cond + ")"
	}
	return cond, nil
}

// requiredValue finds a value that an element must equal for e to be true.
func requiredValue(e *bridge.Expr) (string, bool) {
	if e == nil {
		return "", false
	}
	switch e.Op {
	case bridge.OpValuePath:
		return requiredValue(e.Left)
	case bridge.OpAnd:
		if v, ok := requiredValue(e.Left); ok {
			return v, true
		}
		return requiredValue(e.Right)
	case bridge.OpEq:
		v, ok := e.Value.(string)
		return v, ok && (e.Path.Sub == "value" || e.Path.Sub == "") && strings.TrimSpace(v) != ""
	}
	return "", false
}

var comparisons = map[bridge.ExprOp]string{
	bridge.OpEq: "=", bridge.OpGt: ">", bridge.OpGe: ">=", bridge.OpLt: "<", bridge.OpLe: "<=",
}

// compare compiles one comparison with a leaf.
func (c *compiler) compare(l leaf, e *bridge.Expr) (string, error) {
	if e.Op == bridge.OpPr {
		return "(" + l.present + ")", nil
	}
	if e.Op == bridge.OpNe {
		eq := *e
		eq.Op = bridge.OpEq
		cond, err := c.compare(l, &eq)
		return "NOT " + cond, err
	}
	op := comparisons[e.Op]
	switch want := e.Value.(type) {
	case nil:
		if e.Op != bridge.OpEq {
			return "", fmt.Errorf("%w: nothing is %s null", bridge.ErrFilter, e.Op)
		}
		return "NOT (" + l.present + ")", nil
	case bool:
		switch {
		case e.Op != bridge.OpEq:
			return "", fmt.Errorf("%w: a boolean can only be compared with eq, ne and pr", bridge.ErrFilter)
		case l.isTrue == "": // what is no boolean counts as false, as the absent does
			return strings.ToUpper(strconv.FormatBool(!want)), nil
		case want:
			return "((" + l.isTrue + ") IS TRUE)", nil
		}
		return "((" + l.isTrue + ") IS NOT TRUE)", nil
	case string:
		if l.text == "" {
			return "FALSE", nil
		}
		return c.compareText(l, e, want)
	case int64:
		return c.compareNumber(l, op, want, "BIGINT")
	case int:
		return c.compareNumber(l, op, int64(want), "BIGINT")
	case float64:
		return c.compareNumber(l, op, want, "DOUBLE PRECISION")
	case time.Time:
		if op == "" {
			return "", fmt.Errorf("%w: a point in time cannot be compared with %s", bridge.ErrFilter, e.Op)
		}
		switch {
		case l.micros != "":
			return "(" + l.micros + " " + op + " " + c.number(want.UnixMicro()) + ")", nil
		case l.text != "":
			return truth("instant(" + caseText(l) + ") " + op + " " + c.number(want.UnixMicro())), nil
		}
		return "FALSE", nil
	}
	return "", fmt.Errorf("%w: %s cannot be compared with a %T", bridge.ErrFilter, e.Path.Attr, e.Value)
}

func (c *compiler) compareNumber(l leaf, op string, want any, typ string) (string, error) {
	if op == "" {
		return "", fmt.Errorf("%w: a number can only be compared with eq, ne, gt, ge, lt, le and pr", bridge.ErrFilter)
	}
	if l.num == "" {
		return "FALSE", nil
	}
	return truth(l.num + " " + op + " " + c.arg(want, typ)), nil
}

func (c *compiler) compareText(l leaf, e *bridge.Expr, want string) (string, error) {
	if l.lastSegment {
		if e.Op != bridge.OpEq {
			return "", fmt.Errorf("%w: %s.%s can only be compared with eq, ne and pr", bridge.ErrFilter, e.Path.Attr, e.Path.Sub)
		}
		want = want[strings.LastIndexByte(want, '/')+1:]
	}
	if strings.IndexByte(want, 0) >= 0 {
		return "FALSE", nil // no stored value has one, and PostgreSQL takes none
	}
	want = strings.ToValidUTF8(want, "\uFFFD")
	have := l.text
	if !e.CaseExact && !l.lastSegment {
		want = bridge.Fold(want)
		if have = l.fold; have == "" {
			have = "fold(" + l.text + ")"
		}
	}
	cond, err := c.textCondition(l, e.Op, have, want)
	if err != nil {
		return "", err
	}
	switch {
	case l.isText == "TRUE":
		return "(" + cond + ")", nil
	case l.never: // plain, so that an index serves it
		return "(" + l.isText + " AND " + cond + ")", nil
	}
	return truth(l.isText + " AND " + cond), nil
}

// textCondition compares have, which is a column of l or made of it, with a text.
func (c *compiler) textCondition(l leaf, op bridge.ExprOp, have, want string) (string, error) {
	if op == bridge.OpSw && c.ranges && want != "" && (have == l.fold || have == l.text && l.exact) {
		return c.beginsWith(have, want), nil
	}
	arg := c.text(want)
	switch op {
	case bridge.OpEq:
		return have + " = " + arg, nil
	case bridge.OpCo:
		return c.d.pick("instr("+have+", "+arg+")", "strpos("+have+", "+arg+")") + " > 0", nil
	case bridge.OpSw:
		return "substr(" + have + ", 1, length(" + arg + ")) = " + arg, nil
	case bridge.OpEw:
		// Where the value is the longer, SQLite counts a negative start from
		// the end; what comes out is shorter than the value all the same.
		return "substr(" + have + ", length(" + have + ") - length(" + arg + ") + 1) = " + arg, nil
	}
	sign, ok := comparisons[op]
	if !ok {
		return "", fmt.Errorf("%w: the operator %q is not known", bridge.ErrFilter, op)
	}
	return c.bin(have) + " " + sign + " " + arg, nil
}

// truth makes NULL false.
func truth(cond string) string { return "((" + cond + ") IS TRUE)" }

// caseText is the text of a leaf, NULL when it is none.
func caseText(l leaf) string {
	if l.isText == "TRUE" {
		return l.text
	}
	return "CASE WHEN " + l.isText + " THEN " + l.text + " END"
}
