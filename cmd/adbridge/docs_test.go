package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
)

var update = flag.Bool("update", false, "rewrite the parts of the documents that are made from tables in the code")

const repository = "../.."

// tables are the parts of documents that say what a table in the code says.
// Each stands between <!-- table: name --> and <!-- end --> in its file.
var tables = []struct {
	file, name string
	text       func() string
}{
	{"README.md", "commands", commandTable},
	{"docs/architecture.md", "imports", importTable},
	{"docs/operate.md", "settings", settingTable},
	{"docs/audit.md", "actions", actionTable},
	{"docs/reasons.md", "reasons", reasonTable},
}

// TestDocsTablesSayWhatTheCodeSays fails when a table in a document has fallen
// behind; with -update it writes the table.
func TestDocsTablesSayWhatTheCodeSays(t *testing.T) {
	t.Parallel()
	for _, x := range tables {
		t.Run(x.file, func(t *testing.T) {
			path := filepath.Join(repository, x.file)
			have, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want, err := withTable(have, x.name, x.text())
			if err != nil {
				t.Fatalf("%s: %v", x.file, err)
			}
			if bytes.Equal(have, want) {
				return
			}
			if !*update {
				t.Fatalf("%s: the table %q is not what the code says; go test ./cmd/adbridge -run Docs -update writes it", x.file, x.name)
			}
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func withTable(page []byte, name, text string) ([]byte, error) {
	begin, end := "<!-- table: "+name+" -->\n", "<!-- end -->\n"
	before, rest, ok := strings.Cut(string(page), begin)
	if !ok {
		return nil, fmt.Errorf("there is no line %q", strings.TrimSpace(begin))
	}
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		return nil, fmt.Errorf("there is no line %q after %q", strings.TrimSpace(end), strings.TrimSpace(begin))
	}
	return []byte(before + begin + text + end + after), nil
}

// markdown writes a table; bars in cells are escaped.
func markdown(head ...string) (row func(...string), text func() string) {
	var b strings.Builder
	row = func(cells ...string) {
		for _, c := range cells {
			fmt.Fprintf(&b, "| %s ", strings.ReplaceAll(c, "|", `\|`))
		}
		b.WriteString("|\n")
	}
	row(head...)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	return row, b.String
}

// leaves are the commands that do something, in the order of the help.
func leaves(c *cobra.Command) []*cobra.Command {
	var out []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.Name() == "help" || sub.Name() == "completion" {
			continue
		}
		if sub.Runnable() {
			out = append(out, sub)
		}
		out = append(out, leaves(sub)...)
	}
	return out
}

func commandTable() string {
	cobra.EnableCommandSorting = false
	row, text := markdown("command", "what it does")
	for _, c := range leaves((&cli{}).root()) {
		path := strings.TrimPrefix(c.Parent().CommandPath()+" "+c.Use, "adbridge ")
		row("`"+path+"`", c.Short)
	}
	return text()
}

func importTable() string {
	row, text := markdown("package", "may import of ours")
	names := make([]string, 0, len(mayImport))
	for name := range mayImport {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		may := "nothing"
		switch list := mayImport[name]; {
		case slices.Contains(list, "*"):
			may = "everything"
		case len(list) > 0:
			may = "`" + strings.Join(list, "`, `") + "`"
		}
		row("`"+name+"`", may)
	}
	return text()
}

func settingTable() string {
	row, text := markdown("setting", "default", "may be", "meaning")
	for _, s := range bridge.SettingTable {
		def := s.Default
		if def == "" {
			def = "(empty)"
		}
		row("`"+s.Key+"`", def, s.Bounds, s.Meaning)
	}
	return text()
}

func actionTable() string {
	row, text := markdown("action", "what happened")
	for _, a := range audit.Actions() {
		row("`"+a.Name+"`", a.Meaning)
	}
	return text()
}

func reasonTable() string {
	var b strings.Builder
	kind := ""
	var row func(...string)
	text := func() string { return "" }
	for _, r := range bridge.Reasons() {
		k, _, _ := strings.Cut(string(r.Code), ".")
		if k != kind {
			b.WriteString(text())
			fmt.Fprintf(&b, "\n## %s\n\n", k)
			kind = k
			row, text = markdown("code", "what it means", "who acts", "next step")
		}
		row("`"+string(r.Code)+"`", r.Meaning, string(r.Actor), r.Next)
	}
	b.WriteString(text())
	b.WriteString("\n")
	return b.String()
}

// pages are all Markdown files of the repository, by path from its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() != ".." && path != repository && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		rel, err := filepath.Rel(repository, path)
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		b, err := os.ReadFile(path)
		out[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var (
	fenced = regexp.MustCompile("(?ms)^```.*?^```")
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	title  = regexp.MustCompile(`(?m)^#+ +(.+)$`)
)

// TestDocsLinksLeadSomewhere follows every relative link of every page, to the
// file and to the heading in it.
func TestDocsLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	all := pages(t)
	followed := 0
	for name, text := range all {
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %s: %v", name, m[1], err)
				continue
			}
			if u.Scheme != "" {
				continue
			}
			followed++
			to := name
			if u.Path != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(name), u.Path))
			}
			if _, err := os.Stat(filepath.Join(repository, to)); err != nil {
				t.Errorf("%s: %s leads nowhere", name, m[1])
				continue
			}
			if u.Fragment != "" && !slices.Contains(anchors(all[to]), u.Fragment) {
				t.Errorf("%s: %s: there is no such heading in %s", name, m[1], to)
			}
		}
	}
	if followed < 40 {
		t.Errorf("only %d links were followed", followed)
	}
}

// anchors are the headings of a page as links name them: lower case, hyphens
// for spaces, without punctuation.
func anchors(page string) []string {
	var out []string
	for _, m := range title.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		out = append(out, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(m[1])))
	}
	return out
}

var codeSpan = regexp.MustCompile("`([a-z]+\\.[a-z0-9-]+)`")

// TestDocsNameOnlyReasonsThatExist: a page that explains a code which is not
// in the table leads its reader astray.
func TestDocsNameOnlyReasonsThatExist(t *testing.T) {
	t.Parallel()
	known, kinds := map[string]bool{}, map[string]bool{}
	for _, r := range bridge.Reasons() {
		kind, _, _ := strings.Cut(string(r.Code), ".")
		known[string(r.Code)], kinds[kind] = true, true
	}
	for _, a := range audit.Actions() {
		known[a.Name] = true
	}
	for name, text := range pages(t) {
		for _, m := range codeSpan.FindAllStringSubmatch(text, -1) {
			kind, _, _ := strings.Cut(m[1], ".")
			if strings.HasSuffix(m[1], ".go") || strings.HasSuffix(m[1], ".md") || !kinds[kind] {
				continue
			}
			if !known[m[1]] {
				t.Errorf("%s: %s is neither a reason nor an action", name, m[1])
			}
		}
	}
}

// TestReadmeNamesEveryConfigurationKey: each by its flag or key in the file,
// and by its variable.
func TestReadmeNamesEveryConfigurationKey(t *testing.T) {
	t.Parallel()
	readme := pages(t)["README.md"]
	names := []string{"ADBRIDGE_KEY", "ADBRIDGE_CONFIG"}
	c := reflect.TypeFor[Config]()
	for i := range c.NumField() {
		f := c.Field(i)
		if key := f.Tag.Get("yaml"); key != "-" {
			names = append(names, key, f.Tag.Get("env"))
		}
	}
	for _, n := range names {
		if !strings.Contains(readme, "`"+n+"`") {
			t.Errorf("README.md does not name %s", n)
		}
	}
}

// TestDocsTellAConnectorAll: whoever writes one finds each method and trait.
func TestDocsTellAConnectorAll(t *testing.T) {
	t.Parallel()
	page := pages(t)["docs/new-connector.md"]
	var names []string
	for m := range reflect.TypeFor[connectors.Connector]().Methods() {
		names = append(names, m.Name)
	}
	for f := range reflect.TypeFor[bridge.Traits]().Fields() {
		names = append(names, f.Name)
	}
	for _, n := range names {
		if !strings.Contains(page, "`"+n+"`") {
			t.Errorf("docs/new-connector.md does not name %s", n)
		}
	}
}

var (
	script     = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")
	span       = regexp.MustCompile("`([^`\n]+)`")
	invocation = regexp.MustCompile(`(?m)(?:^|[|&(] ?)(?:bin/)?adbridge((?: [a-z][a-z-]*)+)`)
)

// TestDocsCommandsExist: every adbridge command in a page's scripts and code
// spans is one.
func TestDocsCommandsExist(t *testing.T) {
	t.Parallel()
	root := (&cli{}).root()
	seen := 0
	for name, text := range pages(t) {
		var code strings.Builder
		for _, m := range script.FindAllStringSubmatch(text, -1) {
			code.WriteString(m[1])
		}
		for _, m := range span.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			code.WriteString(m[1] + "\n")
		}
		for _, m := range invocation.FindAllStringSubmatch(code.String(), -1) {
			words := strings.Fields(m[1])
			cmd, _, err := root.Find(words)
			if err != nil || cmd == root {
				t.Errorf("%s: there is no command %q", name, "adbridge"+m[1])
				continue
			}
			if cmd.HasSubCommands() && !cmd.Runnable() && len(words) > strings.Count(cmd.CommandPath(), " ") {
				t.Errorf("%s: %q has no such subcommand", name, "adbridge"+m[1])
			}
			seen++
		}
	}
	if seen < 30 {
		t.Errorf("only %d invocations were looked at", seen)
	}
}
