package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"adbridge/connectors"
)

// TestNothingStandsInForAPlatformButAServer: a type of a test's own that
// implements Connector could answer what no platform does, and would agree with
// our misreadings of those that there are (docs/decisions/0008). Tests dial the
// real connectors at the simulators.
func TestNothingStandsInForAPlatformButAServer(t *testing.T) {
	t.Parallel()
	methods := map[string]bool{}
	for _, i := range []reflect.Type{
		reflect.TypeFor[connectors.Connector](), reflect.TypeFor[connectors.Search](), reflect.TypeFor[connectors.Assets](),
		reflect.TypeFor[connectors.AssetGroups](), reflect.TypeFor[connectors.Partners](), reflect.TypeFor[connectors.ChangeLog](),
	} {
		for m := range i.Methods() {
			methods[m.Name] = m.Type.NumIn() > 0 && m.Type.In(0).String() == "context.Context"
		}
	}
	set, checked := token.NewFileSet(), 0
	eachGoFile(t, func(_, file string, _ []string) {
		if !strings.HasSuffix(file, "_test.go") {
			return
		}
		checked++
		parsed, err := parser.ParseFile(set, filepath.Join("../..", file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv != nil && methods[n.Name.Name] && n.Type.Params.NumFields() > 0 && named(n.Type.Params.List[0].Type, "context", "Context") {
					t.Errorf("%s: a method %s as a Connector has; dial a connector at a simulator, and add the fault that is missing to it", set.Position(n.Pos()), n.Name.Name)
				}
			case *ast.StructType:
				for _, f := range n.Fields.List {
					if len(f.Names) == 0 && named(f.Type, "connectors", "") {
						t.Errorf("%s: embeds what a connector does; dial one at a simulator", set.Position(f.Pos()))
					}
				}
			}
			return true
		})
	})
	if checked < 100 || !methods["Invite"] || !methods["AssetUsers"] {
		t.Errorf("%d files were checked for %v; has the layout moved?", checked, methods)
	}
}

// named says that an expression is a name of a package, "" is any.
func named(e ast.Expr, pkg, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg && (name == "" || s.Sel.Name == name)
}
