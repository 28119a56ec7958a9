package bridge

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestDecidingReadsNoWorld: bridge and bridge/audit import nothing of ours and
// nothing that reads the world, and never ask for the time.
func TestDecidingReadsNoWorld(t *testing.T) {
	banned := []string{"adbridge/", "context", "database/", "log", "net", "os", "math/rand", "crypto/rand", "io/fs", "syscall"}
	files := 0
	for _, dir := range []string{".", "audit"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				continue
			}
			files++
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range file.Imports {
				path, _ := strconv.Unquote(i.Path.Value)
				for _, b := range banned {
					if path == b || strings.HasPrefix(path, strings.TrimSuffix(b, "/")+"/") {
						t.Errorf("%s imports %s", name, path)
					}
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && (s.Sel.Name == "Now" || s.Sel.Name == "Since" || s.Sel.Name == "Until" || s.Sel.Name == "Sleep") {
						t.Errorf("%s calls time.%s", name, s.Sel.Name)
					}
				}
				return true
			})
		}
	}
	if files < 30 {
		t.Fatalf("only %d files looked at", files)
	}
}
