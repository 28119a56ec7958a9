package storage

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"adbridge/bridge"
)

// A filter for what begins with a text can be answered in two ways: the matches
// are found by the index of the text and then put in the order of their ids, or
// all are walked in that order until the page is full. The first is quick when
// few match, the second when many do.

// fewMatches is up to how many matches are found by their index; tests set it.
var fewMatches = 1000

// beginnings are the terms of a filter by whose indexes all that can match are
// found; false: there are none.
func beginnings(t resourceTable, e *bridge.Expr) ([]*bridge.Expr, bool) {
	switch {
	case e == nil:
		return nil, false
	case e.Op == bridge.OpAnd:
		if l, ok := beginnings(t, e.Left); ok {
			return l, true
		}
		return beginnings(t, e.Right)
	case e.Op == bridge.OpOr:
		l, left := beginnings(t, e.Left)
		r, right := beginnings(t, e.Right)
		return append(l, r...), left && right
	case e.Op != bridge.OpSw:
		return nil, false
	}
	l, ok := t.columnOf(e.Path)
	v, text := e.Value.(string)
	return []*bridge.Expr{e}, ok && text && v != "" && (l.exact || l.fold != "" && !e.CaseExact)
}

// few says whether few resources of the source begin as the terms want it.
func (tx *Tx) few(ctx context.Context, t resourceTable, sourceID string, terms []*bridge.Expr) (bool, error) {
	left := fewMatches
	for _, e := range terms {
		c := compiler{d: tx.d, t: t}
		found, err := c.found("1", sourceID, e)
		if err != nil {
			return false, err
		}
		n := 0
		err = tx.scanOne(ctx, &n, `SELECT COUNT(*) FROM (`+found+` LIMIT `+strconv.Itoa(fewMatches+1)+`) found`, c.args...)
		if err != nil {
			return false, named(err, "count %s", t.name)
		}
		if left -= n; left < 0 {
			return false, nil
		}
	}
	return true, nil
}

// found is the query for a column of all that begin as a term wants it.
func (c *compiler) found(column, sourceID string, term *bridge.Expr) (string, error) {
	was := c.ranges
	c.ranges = true
	cond, err := c.expr(term)
	c.ranges = was
	source, alive := c.t.alias+".source_id", c.t.alias+".deleted_at = 0"
	if l, _ := c.t.columnOf(term.Path); l.anchor { // an index begins with it
		source, alive = c.d.beside(source), c.d.alive(c.t.alias+".deleted_at")
		if c.t.name == "groups" && !c.d.postgres {
			source = "+" + source
		}
	}
	return "SELECT " + column + " FROM " + c.t.name + " " + c.t.alias + " WHERE " + source + " = " + c.text(sourceID) +
		" AND " + alive + " AND " + cond, err
}

// foundBy is the condition that a resource is among those whom the terms find.
func (c *compiler) foundBy(sourceID string, terms []*bridge.Expr) (string, error) {
	ids := make([]string, len(terms))
	for i, e := range terms {
		var err error
		if ids[i], err = c.found(c.t.alias+".id", sourceID, e); err != nil {
			return "", err
		}
	}
	return c.t.alias + ".id " + c.d.asArray("("+strings.Join(ids, " UNION ")+")"), nil
}

// beginsWith is the condition that a column begins with a text, by its index.
func (c *compiler) beginsWith(column, text string) string {
	cond := c.bin(column) + " >= " + c.text(text)
	if end := behind(text); end != "" {
		cond += " AND " + c.bin(column) + " < " + c.text(end)
	}
	return cond
}

// behind is the first text, in the order of bytes, that comes behind all that
// begin with s; "" when there is none.
func behind(s string) string {
	for s != "" {
		r, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
		switch {
		case r == utf8.MaxRune:
			continue
		case r == 0xD7FF: // what follows is no text
			r = 0xE000
		default:
			r++
		}
		return s + string(r)
	}
	return ""
}

// Beginning finds up to limit live users of a source whose userName or display
// name begins with a text, by name. It costs what it finds, however many begin so:
// for people who look for somebody, not for a listing, which has its own order.
func (tx *Tx) Beginning(ctx context.Context, sourceID, text string, limit int) ([]bridge.Person, error) {
	var found []bridge.Person
	for _, attr := range []string{"userName", "displayName"} {
		c := compiler{d: tx.d, t: userTable}
		query, err := c.found(personColumns, sourceID, &bridge.Expr{Op: bridge.OpSw, Path: bridge.AttrPath{Attr: attr}, Value: text, Type: "string"})
		if err != nil {
			return nil, err
		}
		order := "u.user_name_fold"
		if attr == "displayName" {
			order = "u.display_name_fold, u.id"
		}
		list, err := collect(ctx, tx, scanPerson, query+` ORDER BY `+order+` LIMIT `+c.number(int64(limit)), c.args...)
		if err != nil {
			return nil, fmt.Errorf("people whose %s begins so: %w", attr, err)
		}
		for _, x := range list {
			if len(found) < limit && !slices.ContainsFunc(found, func(f bridge.Person) bool { return f.ID == x.ID }) {
				found = append(found, x)
			}
		}
	}
	return tx.withAliases(ctx, found)
}
