package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed templates assets
var files embed.FS

// looks are the templates and what goes with them.
type looks struct {
	templates map[string]*template.Template
	assets    map[string]asset
	style     string // path of the style sheet, with its version
}

type asset struct {
	kind    string
	body    []byte
	version string
}

// readLooks parses every page's template together with the common ones.
func readLooks() (*looks, error) {
	l := &looks{templates: map[string]*template.Template{}, assets: map[string]asset{}}
	common, err := template.New("").Funcs(words).Option("missingkey=error").
		ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	for _, name := range names {
		base := strings.TrimSuffix(path.Base(name), ".html")
		if base == "layout" || base == "parts" {
			continue
		}
		t, err := common.Clone()
		if err == nil {
			t, err = t.ParseFS(files, name)
		}
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
		l.templates[base] = t
	}
	for name, kind := range map[string]string{"style.css": "text/css; charset=utf-8", "mark.svg": "image/svg+xml"} {
		body, err := files.ReadFile("assets/" + name)
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
		sum := sha256.Sum256(body)
		l.assets[name] = asset{kind, body, hex.EncodeToString(sum[:6])}
	}
	l.style = "/assets/style.css?v=" + l.assets["style.css"].version
	return l, nil
}

// asset serves what the pages are dressed in. Under its version it never changes.
func (s *site) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := s.looks.assets[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.URL.Query().Get("v") == a.version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	_, _ = w.Write(a.body)
}

// render makes the whole page before it says that all went well.
func (s *site) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.around().Style = s.looks.style
	var b bytes.Buffer
	if err := s.looks.templates[name].ExecuteTemplate(&b, "layout", p); err != nil {
		s.Log.Error().Err(err).Str("path", r.URL.Path).Str("template", name).Msg("a page's template is wrong")
		http.Error(w, "This page could not be made. Nothing was changed. Whoever runs adbridge finds more in its log.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}
