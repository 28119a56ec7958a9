package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"adbridge/bridge"
)

// list reads one page. Without SortBy the order is that of the ids, which
// grow: what is inserted while a client walks the pages comes behind what it
// has seen, so that it sees every resource exactly once.
func list[T any](ctx context.Context, tx *Tx, t resourceTable, scan func(scanner) (T, error), sourceID string, q bridge.Query) (bridge.Page[T], error) {
	page := bridge.Page[T]{Total: -1}
	c := compiler{d: tx.d, t: t}
	source, alive := t.alias+".source_id", t.alias+".deleted_at = 0"
	if anchored(t, q.Filter) {
		source, alive = tx.d.beside(source), tx.d.alive(t.alias+".deleted_at")
	}
	starts, byStart := beginnings(t, q.Filter)
	if byStart {
		few, err := tx.few(ctx, t, sourceID, starts)
		if err != nil {
			return page, err
		}
		if byStart = few; few {
			source, alive = tx.d.beside(source), tx.d.alive(t.alias+".deleted_at")
		}
	}
	where := []string{source + " = " + c.text(sourceID), alive}
	if q.Filter != nil {
		cond, err := c.required(q.Filter)
		if err != nil {
			return page, err
		}
		where = append(where, cond)
	}
	if byStart {
		cond, err := c.foundBy(sourceID, starts)
		if err != nil {
			return page, err
		}
		where = append(where, cond)
	}
	from := t.name + " " + t.alias
	// Counted before the page gets its own conditions and parameters, and only
	// when the page does not tell by itself how many there are.
	count, counted := `SELECT COUNT(*) FROM `+from+` WHERE `+strings.Join(where, " AND "), slices.Clip(c.args)
	if len(starts) == 1 && !byStart && starts[0] == q.Filter { // there are many: their index counts them
		all := compiler{d: tx.d, t: t}
		found, err := all.found("1", sourceID, q.Filter)
		if err != nil {
			return page, err
		}
		count, counted = `SELECT COUNT(*) FROM (`+found+`) found`, all.args
	}
	total := func() error {
		if !q.Total || page.Total >= 0 {
			return nil
		}
		if q.After == "" && !page.More && (len(page.Items) > 0 || q.Offset == 0 && q.Limit > 0) {
			page.Total = q.Offset + len(page.Items)
			return nil
		}
		return named(tx.scanOne(ctx, &page.Total, count, counted...), "count %s", t.name)
	}
	// On SQLite the first step of a query ends with its context, and no other
	// does. Counting is one step: what is to end early is counted first, and
	// when that was in time the page takes no longer.
	if _, hurry := ctx.Deadline(); hurry && !tx.d.postgres && q.Filter != nil {
		if err := tx.scanOne(ctx, &page.Total, count, counted...); err != nil {
			return page, fmt.Errorf("count %s: %w", t.name, err)
		}
		if !q.Total {
			page.Total = -1
		}
	}
	if q.Limit <= 0 {
		return page, total()
	}
	order := t.alias + ".id"
	behind, desc := " > ", ""
	if q.Descending {
		behind, desc = " < ", " DESC"
	}
	switch {
	case q.SortBy == "userName" && t.name == "users": // each live user of a source has one of their own
		order = "u.user_name_fold" + desc
		if q.After != "" {
			where = append(where, tx.d.bin("u.user_name_fold")+behind+c.text(bridge.Fold(q.After)))
		}
	case q.SortBy != "":
		var err error
		if order, err = c.order(q.SortBy, q.SortExact, q.Descending); err != nil {
			return page, err
		}
	default:
		order += desc
		if q.After != "" {
			where = append(where, tx.d.bin(t.alias+".id")+behind+c.text(q.After))
		}
	}
	query := `SELECT ` + t.columns + ` FROM ` + from + ` WHERE ` + strings.Join(where, " AND ") + ` ORDER BY ` + order +
		` LIMIT ` + c.number(int64(q.Limit)+1)
	if q.Offset > 0 {
		query += ` OFFSET ` + c.number(int64(q.Offset))
	}
	var err error
	if page.Items, err = collect(ctx, tx, scan, query, c.args...); err != nil {
		return page, fmt.Errorf("list %s: %w", t.name, err)
	}
	if len(page.Items) > q.Limit {
		page.Items, page.More = page.Items[:q.Limit], true
	}
	return page, total()
}

// anchored says that the filter has a term that every match fulfils, and that an
// index finds by itself, without the source.
func anchored(t resourceTable, e *bridge.Expr) bool {
	switch {
	case e == nil || e.Path.URN != "":
		return false
	case e.Op == bridge.OpAnd:
		return anchored(t, e.Left) || anchored(t, e.Right)
	}
	v, required := requiredValue(e)
	if t.rows[e.Path.Attr].from != "" || t.name == "users" && e.Path.Attr == "emails" {
		return required && e.Op == bridge.OpEq || required && e.Path.Attr == "emails"
	}
	l, ok := t.columnOf(e.Path)
	return ok && required && v != "" && e.Op == bridge.OpEq && l.anchor
}

// scanOne reads one value by a query that may take long, and so ends with the context.
func (tx *Tx) scanOne(ctx context.Context, dest any, query string, args ...any) error {
	_, err := collect(ctx, tx, func(row scanner) (struct{}, error) { return struct{}{}, row.Scan(dest) }, query, args...)
	return err
}

// order is the ORDER BY of a sort: RFC 7644 section 3.4.2.3, resources
// without the value last, or first when descending; a multi-valued attribute
// sorts by its primary, else its first value; text letter by letter where exact
// says so, else without regard to letter case.
func (c *compiler) order(by string, exact, descending bool) (string, error) {
	path, err := parseSortPath(by)
	if err != nil {
		return "", err
	}
	desc := ""
	if descending {
		desc = " DESC"
	}
	var keys []string
	var missing string
	if col, ok := c.t.columnOf(path); ok {
		key := col.fold
		switch {
		case col.micros != "":
			key = col.micros
		case col.number != "":
			key = col.number
		case col.boolean != "":
			key = col.boolean
		case key == "" || col.exact:
			key = col.text
		}
		keys = []string{key}
		if missing = "FALSE"; col.text != "" {
			missing = col.text + " = ''"
		}
		if col.standIn {
			j, err := c.node(c.t.alias+".attributes", path.Attr)
			if err != nil {
				return "", err
			}
			missing = j.sortText + " IS NULL"
			keys = []string{"CASE WHEN " + missing + " THEN '' ELSE " + key + " END"}
		}
	} else {
		if c.t.virtual(path) != "" {
			return "", fmt.Errorf("%w: sortBy %s is not possible, a resource has many of them", bridge.ErrFilter, by)
		}
		j, err := c.sortNode(path)
		if err != nil {
			return "", err
		}
		text := j.sortText
		if !exact {
			text = "fold(" + text + ")"
		}
		keys = []string{"COALESCE(" + j.num + ", 0)", c.bin(text)}
		missing = j.sortText + " IS NULL"
	}
	out := "CASE WHEN " + missing + " THEN 1 ELSE 0 END" + desc
	for _, k := range keys {
		out += ", " + k + desc
	}
	return out + ", " + c.t.alias + ".id" + desc, nil
}

// parseSortPath reads an attribute path: attr, attr.sub, urn:…:attr.sub.
func parseSortPath(s string) (bridge.AttrPath, error) {
	var p bridge.AttrPath
	rest := s
	if strings.HasPrefix(strings.ToLower(s), "urn:") {
		i := strings.LastIndexByte(s, ':')
		p.URN, rest = s[:i], s[i+1:]
		if strings.HasPrefix(p.URN, "urn:ietf:params:scim:schemas:core:") {
			p.URN = ""
		}
	}
	p.Attr, p.Sub, _ = strings.Cut(rest, ".")
	if p.Attr == "" {
		return p, fmt.Errorf("%w: sortBy %q names no attribute", bridge.ErrFilter, s)
	}
	return p, nil
}
