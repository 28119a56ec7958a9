package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport says which of our packages each may import; docs/architecture.md
// explains why. A package that is not listed here may not exist.
var mayImport = map[string][]string{
	"bridge":                      {},
	"bridge/audit":                {},
	"storage":                     {"bridge", "bridge/audit"},
	"storage/storagetest":         {"bridge", "bridge/audit", "storage"},
	"connectors":                  {"bridge"},
	"connectors/internal/rest":    {"bridge", "connectors"},
	"connectors/connectortest":    {"bridge", "connectors"},
	"connectors/tiktok":           {"bridge", "connectors", "connectors/internal/rest"},
	"connectors/tiktok/tiktoksim": {},
	"connectors/meta":             {"bridge", "connectors", "connectors/internal/rest"},
	"connectors/meta/metasim":     {},
	"bridge/reconcile":            {"bridge", "bridge/audit", "storage", "connectors"},
	"bridge/apply":                {"bridge", "bridge/audit", "storage", "connectors"},
	"scim":                        {"bridge"},
	"scim/idpsim":                 {},
	"web":                         {"bridge", "bridge/audit", "bridge/reconcile", "storage"},
	"cmd/adbridge":                {"*"},

	"connectors/scimtarget":               {"bridge", "connectors", "connectors/internal/rest"},
	"connectors/scimtarget/scimtargetsim": {},
}

// readsTheWorld is what the pure packages may not import of the standard
// library, nor anything below it.
var readsTheWorld = []string{"context", "net", "os", "database", "log", "syscall", "runtime", "math/rand"}

// TestPackagesImportOnlyWhatTheyMay holds the layout to docs/architecture.md.
func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	checked := 0
	eachGoFile(t, func(dir, file string, imports []string) {
		if strings.HasSuffix(file, "_test.go") {
			return // tests may use the simulators and suites
		}
		checked++
		allowed, known := mayImport[dir]
		if !known {
			t.Errorf("%s: package %s is not in the table; give it a place in docs/architecture.md first", file, dir)
			return
		}
		pure := dir == "bridge" || dir == "bridge/audit"
		for _, path := range imports {
			own, ours := strings.CutPrefix(path, "adbridge/")
			switch {
			case ours && !slices.Contains(allowed, own) && !slices.Contains(allowed, "*"):
				t.Errorf("%s imports %s, which %s may not", file, path, dir)
			case !ours && pure && slices.ContainsFunc(readsTheWorld, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") }):
				t.Errorf("%s imports %s: %s is pure and reads nothing of the world", file, path, dir)
			}
		}
	})
	if checked < 100 {
		t.Errorf("only %d files were checked; has the layout moved?", checked)
	}
}

// TestPureCodeAsksNoClock: what decides is given its time.
func TestPureCodeAsksNoClock(t *testing.T) {
	t.Parallel()
	set := token.NewFileSet()
	for _, dir := range []string{"../../bridge", "../../bridge/audit"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", dir, err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(set, f, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				call, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if pkg, ok := call.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, call.Sel.Name) {
					t.Errorf("%s: time.%s; take the time as a parameter", set.Position(n.Pos()), call.Sel.Name)
				}
				return true
			})
		}
	}
}

func eachGoFile(t *testing.T, check func(dir, file string, imports []string)) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") && path != root {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(set, path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		var imports []string
		for _, i := range parsed.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			imports = append(imports, p)
		}
		check(filepath.ToSlash(filepath.Dir(rel)), rel, imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
