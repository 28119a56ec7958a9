package bridge

import "strings"

// Fold is the form in which SCIM compares strings that are not caseExact.
func Fold(s string) string { return strings.ToLower(s) }
