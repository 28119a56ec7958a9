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

// FoldEmail is the form in which addresses are compared: trimmed, lower case.
func FoldEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
