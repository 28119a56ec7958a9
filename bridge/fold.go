package bridge

import "strings"

// Fold is the form in which SCIM compares strings that are not caseExact.
func Fold(s string) string { return strings.ToLower(s) }

// FoldEmail is the form in which addresses are compared: trimmed, lower case.
func FoldEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
