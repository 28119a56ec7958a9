package bridge

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// SourceKind says which identity provider a source is.
type SourceKind string

// The kinds of source.
const (
	Okta  SourceKind = "okta"
	Entra SourceKind = "entra"
	Other SourceKind = "other"
)

// ParseSourceKind reads a kind.
func ParseSourceKind(s string) (SourceKind, error) {
	switch SourceKind(s) {
	case Okta, Entra, Other:
		return SourceKind(s), nil
	}
	return "", fmt.Errorf("kind %q is not known; use okta, entra or other", s)
}

// Source is one IdP connection: its people and groups are its own.
type Source struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Kind      SourceKind `json:"kind"`
	Domains   []string   `json:"domains"` // corporate e-mail domains, lower case; others are guests
	CreatedAt time.Time  `json:"created_at"`
	LastSeen  time.Time  `json:"last_seen,omitzero"` // last authenticated SCIM request
}

// Corporate says whether an address belongs to one of the source's domains
// (a sub-domain counts). A source without domains takes every address as its own.
func (s Source) Corporate(email string) bool {
	if len(s.Domains) == 0 {
		return true
	}
	_, domain, _ := strings.Cut(FoldEmail(email), "@")
	return slices.ContainsFunc(s.Domains, func(d string) bool {
		return domain == d || strings.HasSuffix(domain, "."+d)
	})
}

// Silent says that the source should have called by now: three of its cycles
// have passed. Entra calls every 40 minutes, whether anything has changed or
// not. Okta calls when something changes and when it imports, so the gap before
// its last call is the measure, and less than a day is never long. A gap of 0
// is an unknown one: then only Entra can be silent.
func (s Source) Silent(now time.Time, lastGap time.Duration) bool {
	after := 3 * 40 * time.Minute
	if s.Kind != Entra {
		after = max(3*lastGap, 24*time.Hour)
	}
	return !s.LastSeen.IsZero() && (s.Kind == Entra || lastGap > 0) && now.Sub(s.LastSeen) > after
}
