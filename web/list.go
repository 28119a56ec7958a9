package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// pager leads to the pages before and after this one; "" when there is none.
type pager struct {
	Before, After string
	From, To      int // of what is shown, from 1; 0 where nobody counts
	Total         int
}

// pageAsked is which part of a list is asked for, however long the list is.
func pageAsked(r *http.Request, size int) (from, to int, err error) {
	n := 1
	if v := r.FormValue("page"); v != "" {
		if n, err = strconv.Atoi(v); err != nil || n < 1 || n > 1_000_000 {
			return 0, 0, wrong(fmt.Sprintf("There is no page %q.", v), "Use a page number from 1 on.")
		}
	}
	return (n - 1) * size, n * size, nil
}

// pageOf cuts a list whose length is known into pages.
func pageOf(r *http.Request, total, size int) (from, to int, p pager, err error) {
	if from, to, err = pageAsked(r, size); err != nil {
		return 0, 0, p, err
	}
	n := to / size
	from, to = min(from, total), min(to, total)
	p = pager{Total: total, From: min(from+1, total), To: to}
	if n > 1 {
		p.Before = with(r, "page", strconv.Itoa(n-1))
	}
	if to < total {
		p.After = with(r, "page", strconv.Itoa(n+1))
	}
	return from, to, p, nil
}

// with is the address of this page with one value of its query changed; a page
// number or place is left out unless it is what changes.
func with(r *http.Request, name, value string) string {
	q := url.Values{}
	for k, v := range r.URL.Query() {
		if k != "page" && k != "before" && k != "after" && len(v) > 0 && v[0] != "" {
			q[k] = v[:1]
		}
	}
	q.Del(name)
	if value != "" {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return r.URL.Path
	}
	return r.URL.Path + "?" + q.Encode()
}

// containsFold says whether the search is in one of the texts, whatever the
// letter case; an empty search is in all.
func containsFold(search string, texts ...string) bool {
	search = strings.ToLower(search)
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), search) {
			return true
		}
	}
	return search == ""
}

// choice is one option of a filter.
type choice struct {
	Value, Word string
	Chosen      bool
}

// choices lists the options of a filter, the empty one first.
func choices[T ~string](chosen, all string, values []T, word func(T) string) ([]choice, error) {
	out := []choice{{"", all, chosen == ""}}
	known := chosen == ""
	for _, v := range values {
		out = append(out, choice{string(v), word(v), string(v) == chosen})
		known = known || string(v) == chosen
	}
	if !known {
		return nil, wrong(fmt.Sprintf("The filter %q is not known here.", chosen), "Choose one from the list.")
	}
	return out, nil
}

// timeOf reads a time of a filter: a day, or a day and a time, in UTC.
func timeOf(r *http.Request, name string) (time.Time, error) {
	v := strings.TrimSpace(r.FormValue(name))
	if v == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, wrong(fmt.Sprintf("%s: %q is not a time.", name, v), "Write it like 2026-03-31 or 2026-03-31T18:00, in UTC.")
}
