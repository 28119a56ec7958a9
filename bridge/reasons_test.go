package bridge

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// codesInSource lists every constant of type Code in the package.
func codesInSource(t *testing.T) map[Code]string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	out := map[Code]string{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Type == nil {
				return true
			}
			if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != "Code" {
				return true
			}
			for i, v := range spec.Values {
				s, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				out[Code(s)] = spec.Names[i].Name
			}
			return true
		})
	}
	return out
}

func TestEveryCodeIsExplainedOnce(t *testing.T) {
	codes := codesInSource(t)
	if len(codes) < 40 {
		t.Fatalf("only %d codes found", len(codes))
	}
	for c, name := range codes {
		if _, ok := reasonIndex[c]; !ok {
			t.Errorf("%s (%s) is not in the table of reasons", name, c)
		}
	}
	seen := map[Code]bool{}
	for _, r := range Reasons() {
		if seen[r.Code] {
			t.Errorf("%s is explained twice", r.Code)
		}
		seen[r.Code] = true
		if _, ok := codes[r.Code]; !ok {
			t.Errorf("%s is explained and no code", r.Code)
		}
		if r.Meaning == "" || r.Next == "" || r.Actor == "" || strings.HasSuffix(r.Meaning, ".") || strings.HasSuffix(r.Next, ".") {
			t.Errorf("%s: meaning %q, next %q, actor %q", r.Code, r.Meaning, r.Next, r.Actor)
		}
		switch r.Actor {
		case IdentityTeam, HubAdmin, ThePlatform, ThePersonSelf, Operator, Nobody:
		default:
			t.Errorf("%s: actor %q", r.Code, r.Actor)
		}
	}
	if r := ReasonOf("platform.new-thing"); r.Next == "" || r.Actor != Operator {
		t.Errorf("an unknown code is a dead end: %+v", r)
	}
}
