package rest

import (
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const hidden = "[secret]"

// redactor replaces secrets in what leaves the package as text.
type redactor struct {
	replace *strings.Replacer
	params  []string       // query parameters never shown
	named   *regexp.Regexp // their values in running text and JSON; nil for none
}

func newRedactor(secrets, params []string) redactor {
	var pairs []string
	forms := map[string]bool{}
	for _, s := range secrets {
		if len(s) < 4 { // would blot out ordinary text; no platform's secret is so short
			continue
		}
		quoted, _ := json.Marshal(s)
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), strings.Trim(string(quoted), `"`)} {
			forms[form] = true
		}
	}
	sorted := make([]string, 0, len(forms))
	for f := range forms {
		sorted = append(sorted, f)
	}
	// Longest first, so that a secret inside another leaves no remainder.
	slices.SortFunc(sorted, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	for _, f := range sorted {
		pairs = append(pairs, f, hidden)
	}
	r := redactor{replace: strings.NewReplacer(pairs...), params: params}
	if len(params) > 0 {
		names := make([]string, len(params))
		for i, p := range params {
			names[i] = regexp.QuoteMeta(p)
		}
		any := "(" + strings.Join(names, "|") + ")"
		r.named = regexp.MustCompile(`\b` + any + `=([^&\s"'\[\]]+)|"` + any + `"\s*:\s*"([^"\\]|\\.)*"`)
	}
	return r
}

func (r redactor) text(s string) string {
	s = r.replace.Replace(s)
	if r.named == nil {
		return s
	}
	return r.named.ReplaceAllStringFunc(s, func(hit string) string {
		m := r.named.FindStringSubmatch(hit)
		if m[1] != "" {
			return m[1] + "=" + hidden
		}
		return `"` + m[3] + `":"` + hidden + `"`
	})
}

// path is path and query as they may be put on record.
func (r redactor) path(u *url.URL) string {
	if u.RawQuery == "" {
		return r.text(u.EscapedPath())
	}
	parts := strings.Split(u.RawQuery, "&")
	for i, p := range parts {
		name, _, _ := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(name); err == nil && slices.Contains(r.params, plain) {
			parts[i] = name + "=" + hidden
		}
	}
	return r.text(u.EscapedPath() + "?" + strings.Join(parts, "&"))
}

// err is err without secrets in its text. net/http's own wrapping names the
// whole URL and is taken off.
func (r redactor) err(err error) error {
	if err == nil {
		return nil
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if clean := r.text(err.Error()); clean != err.Error() {
		return redacted{clean, err}
	}
	return err
}

// redacted answers errors.Is like the error it stands for, and shows only the
// cleaned text: it does not unwrap.
type redacted struct {
	text string
	err  error
}

func (e redacted) Error() string        { return e.text }
func (e redacted) Is(target error) bool { return errors.Is(e.err, target) }
