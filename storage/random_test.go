package storage_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestMain makes the random cases the same ones every time, unless -rapid.seed
// asks for others; 0 draws a seed.
func TestMain(m *testing.M) {
	flag.Parse()
	given := os.Getenv("RAPID_SEED") != ""
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.seed" })
	if !given {
		_ = flag.Set("rapid.seed", "1")
	}
	os.Exit(m.Run())
}

// Few words, so that they meet: letter case beyond ASCII, signs of LIKE,
// numbers and times as text.
var words = []string{"a", "A", "ab", "Ab", "ä", "Ä", "ß", "ΣΑΣ", "σασ", "İ", "i", "%", "_", "a_b", "a%b", `\`, `"`, "'", "7", "10", "true", "x y", "☃",
	"2024-03-01T10:00:00+02:00", "2024-03-01T08:00:00Z", "2024-03-01", "2024-02-30T00:00:00Z", "2024-03-01T08:00:00.123456789Z", "work", "home"}

var word = rapid.SampledFrom(words)

// anyValue is what an attribute may hold, whether it makes sense or not.
func anyValue(t *rapid.T) any {
	switch rapid.IntRange(0, 9).Draw(t, "kind of value") {
	case 0:
		return nil
	case 1:
		return ""
	case 2:
		return rapid.Bool().Draw(t, "bool")
	case 3:
		return rapid.Int64Range(-3, 12).Draw(t, "int")
	case 4:
		return rapid.SampledFrom([]float64{-0.5, 1.5, 7.25}).Draw(t, "float")
	case 5:
		return map[string]any{}
	}
	return word.Draw(t, "word")
}

func complexValue(t *rapid.T) map[string]any {
	m := map[string]any{}
	for _, sub := range []string{"value", "type", "primary", "display"} {
		switch rapid.IntRange(0, 3).Draw(t, sub+"?") {
		case 0:
		case 1:
			m[sub] = anyValue(t)
		default:
			if sub == "primary" {
				m[sub] = rapid.Bool().Draw(t, sub)
			} else {
				m[sub] = word.Draw(t, sub)
			}
		}
	}
	return m
}

func list(t *rapid.T, element func(*rapid.T) any) []any {
	out := []any{}
	for range rapid.IntRange(0, 3).Draw(t, "length") {
		out = append(out, element(t))
	}
	return out
}

func randomAttributes(t *rapid.T) map[string]any {
	m := map[string]any{"active": rapid.Bool().Draw(t, "active")}
	maybe := func(name string, v func() any) {
		if rapid.IntRange(0, 3).Draw(t, name+"?") > 0 {
			m[name] = v()
		}
	}
	maybe("displayName", func() any { return word.Draw(t, "displayName") })
	maybe("externalId", func() any { return word.Draw(t, "externalId") + rapid.StringMatching("[a-z]{12}").Draw(t, "suffix") })
	maybe("title", func() any { return anyValue(t) })
	maybe("name", func() any {
		return map[string]any{"givenName": anyValue(t), "familyName": anyValue(t)}
	})
	maybe("emails", func() any { return list(t, func(t *rapid.T) any { return complexValue(t) }) })
	maybe("tags", func() any { return list(t, anyValue) })
	maybe(storagetest.Enterprise, func() any {
		return map[string]any{"employeeNumber": anyValue(t), "manager": complexValue(t)}
	})
	return m
}

var (
	allOps  = []bridge.ExprOp{bridge.OpEq, bridge.OpNe, bridge.OpCo, bridge.OpSw, bridge.OpEw, bridge.OpGt, bridge.OpGe, bridge.OpLt, bridge.OpLe}
	order   = []bridge.ExprOp{bridge.OpEq, bridge.OpNe, bridge.OpGt, bridge.OpGe, bridge.OpLt, bridge.OpLe}
	equal   = []bridge.ExprOp{bridge.OpEq, bridge.OpNe}
	instant = time.Date(2024, 3, 1, 8, 0, 0, 0, time.UTC)
)

// target is an attribute that filters may name.
var targets = []struct {
	path           bridge.AttrPath
	multi, complex bool
}{
	{path: bridge.AttrPath{Attr: "userName"}},
	{path: bridge.AttrPath{Attr: "displayName"}},
	{path: bridge.AttrPath{Attr: "externalId"}},
	{path: bridge.AttrPath{Attr: "active"}},
	{path: bridge.AttrPath{Attr: "title"}},
	{path: bridge.AttrPath{Attr: "absent"}},
	{path: bridge.AttrPath{Attr: "name", Sub: "givenName"}, complex: true},
	{path: bridge.AttrPath{Attr: "name", Sub: "familyName"}, complex: true},
	{path: bridge.AttrPath{Attr: "emails", Sub: "value"}, multi: true, complex: true},
	{path: bridge.AttrPath{Attr: "emails"}, multi: true, complex: true},
	{path: bridge.AttrPath{Attr: "emails", Sub: "type"}, multi: true, complex: true},
	{path: bridge.AttrPath{Attr: "emails", Sub: "primary"}, multi: true, complex: true},
	{path: bridge.AttrPath{Attr: "tags"}, multi: true},
	{path: bridge.AttrPath{URN: storagetest.Enterprise, Attr: "employeeNumber"}},
	{path: bridge.AttrPath{URN: storagetest.Enterprise, Attr: "manager", Sub: "value"}, complex: true},
	{path: bridge.AttrPath{URN: storagetest.Enterprise, Attr: "manager"}, complex: true},
}

// comparison gives e an operator and a value.
func comparison(t *rapid.T, e bridge.Expr) *bridge.Expr {
	e.CaseExact = rapid.Bool().Draw(t, "caseExact")
	switch rapid.IntRange(0, 8).Draw(t, "comparison") {
	case 0:
		e.Op = bridge.OpPr
	case 1:
		e.Op, e.Value = rapid.SampledFrom(equal).Draw(t, "op"), rapid.Bool().Draw(t, "bool")
	case 2:
		e.Op, e.Value = rapid.SampledFrom(order).Draw(t, "op"), rapid.Int64Range(-3, 12).Draw(t, "int")
	case 3:
		e.Op, e.Value = rapid.SampledFrom(order).Draw(t, "op"), rapid.SampledFrom([]float64{-0.5, 1.5, 7.25, 7}).Draw(t, "float")
	case 4:
		e.Op, e.Value = rapid.SampledFrom(order).Draw(t, "op"), instant.Add(time.Duration(rapid.SampledFrom([]int{-28800, 0, 1}).Draw(t, "seconds"))*time.Second)
	case 5:
		e.Op = rapid.SampledFrom(equal).Draw(t, "op") // null
	default:
		e.Op, e.Value = rapid.SampledFrom(allOps).Draw(t, "op"), rapid.SampledFrom(append([]string{""}, words...)).Draw(t, "text")
	}
	return &e
}

func randomFilter(t *rapid.T, depth int) *bridge.Expr {
	kind := rapid.IntRange(0, 6).Draw(t, "node")
	if depth == 0 {
		kind = max(kind, 3)
	}
	switch kind {
	case 0:
		return &bridge.Expr{Op: bridge.OpAnd, Left: randomFilter(t, depth-1), Right: randomFilter(t, depth-1)}
	case 1:
		return &bridge.Expr{Op: bridge.OpOr, Left: randomFilter(t, depth-1), Right: randomFilter(t, depth-1)}
	case 2:
		return &bridge.Expr{Op: bridge.OpNot, Left: randomFilter(t, depth-1)}
	case 3:
		return &bridge.Expr{Op: bridge.OpValuePath, Path: bridge.AttrPath{Attr: "emails"}, Left: inBrackets(t, 2), Multi: true, Complex: true}
	}
	target := rapid.SampledFrom(targets).Draw(t, "attribute")
	return comparison(t, bridge.Expr{Path: target.path, Multi: target.multi, Complex: target.complex})
}

func inBrackets(t *rapid.T, depth int) *bridge.Expr {
	kind := rapid.IntRange(0, 5).Draw(t, "inner node")
	switch {
	case depth > 0 && kind == 0:
		return &bridge.Expr{Op: bridge.OpAnd, Left: inBrackets(t, depth-1), Right: inBrackets(t, depth-1)}
	case depth > 0 && kind == 1:
		return &bridge.Expr{Op: bridge.OpOr, Left: inBrackets(t, depth-1), Right: inBrackets(t, depth-1)}
	case depth > 0 && kind == 2:
		return &bridge.Expr{Op: bridge.OpNot, Left: inBrackets(t, depth-1)}
	}
	sub := rapid.SampledFrom([]string{"value", "type", "primary", "display"}).Draw(t, "sub")
	return comparison(t, bridge.Expr{Path: bridge.AttrPath{Attr: "emails", Sub: sub}, Complex: true, Multi: rapid.Bool().Draw(t, "multi")})
}

// TestFiltersMeanTheSameEverywhere: random people, random filters; both
// databases find exactly those whom the plain reading of the filter names.
func TestFiltersMeanTheSameEverywhere(t *testing.T) {
	t.Parallel()
	dbs := map[string]*storage.DB{"sqlite": storagetest.Open(t, storagetest.MigratedSQLite(t))}
	if url, ok := storagetest.Postgres(t); ok {
		dbs["postgres"] = storagetest.Open(t, url)
	}
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		var people []map[string]any
		for i := range 8 {
			m := randomAttributes(rt)
			m["userName"] = fmt.Sprintf("%s%d", word.Draw(rt, "userName"), i)
			if e, ok := m["externalId"].(string); ok { // unique in a source
				m["externalId"] = fmt.Sprintf("%s%d", e, i)
			}
			people = append(people, m)
		}
		var filters []*bridge.Expr
		for range 12 {
			filters = append(filters, randomFilter(rt, 3))
		}
		for name, db := range dbs {
			src := storagetest.Source(t, db, fmt.Sprintf("source %d", round))
			ids := map[string]int{}
			storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
				clear(ids)
				for i, m := range people {
					u := storagetest.MakeUser(tx, src.ID, m["userName"].(string), m)
					ids[u.ID] = i
					if err := tx.InsertUser(ctx, u); err != nil {
						return err
					}
				}
				return nil
			})
			for _, f := range filters {
				var want, got []int
				for i, m := range people {
					if storagetest.Evaluate(f, m) {
						want = append(want, i)
					}
				}
				err := db.Read(t.Context(), func(tx *storage.Tx) error {
					page, err := tx.Users(t.Context(), src.ID, bridge.Query{Filter: f, Limit: 100})
					for _, u := range page.Items {
						got = append(got, ids[u.ID])
					}
					if err != nil {
						return err
					}
					shown, err := tx.StoredUsers(t.Context(), src.ID, bridge.Query{Filter: f, Limit: 100, Groups: true})
					if len(shown.Items) != len(page.Items) {
						rt.Fatalf("%s: %s shows %d users of %d", name, show(f), len(shown.Items), len(page.Items))
					}
					return err
				})
				slices.Sort(got)
				if err != nil || !slices.Equal(want, got) {
					rt.Fatalf("%s: %s\nmatches %v, want %v, %v\nof %v", name, show(f), got, want, err, people)
				}
			}
		}
	})
}

func show(e *bridge.Expr) string {
	switch e.Op {
	case bridge.OpAnd, bridge.OpOr:
		return "(" + show(e.Left) + " " + string(e.Op) + " " + show(e.Right) + ")"
	case bridge.OpNot:
		return "not (" + show(e.Left) + ")"
	case bridge.OpValuePath:
		return e.Path.Attr + "[" + show(e.Left) + "]"
	}
	return fmt.Sprintf("%v %s %#v exact=%t", e.Path, e.Op, e.Value, e.CaseExact)
}
