package scim

import (
	"fmt"
	"slices"
)

// maxIndexed bounds what is looked up by an index: PostgreSQL takes 2,700 bytes
// into one, and a text grows by half when it is folded.
const maxIndexed = 1024

// fit refuses a value that is too long to be looked up by, unless it is stored
// already: it was taken once, and every PUT repeats it. A request that takes
// access away is not refused for such a value: the attribute stays as it is
// stored, and left says so in the provisioning log.
func (k *kind) fit(attrs, stored map[string]any, takesAway bool) (left []string, err error) {
	for _, a := range k.indexed {
		n := a.tooLong(attrs, stored)
		if n == 0 {
			continue
		}
		if !takesAway {
			return nil, badValue("%s is %d bytes long; at most %d are kept, because people and groups are looked up by it.", a.path(), n, maxIndexed)
		}
		whole := cmpOr(a.parent, a).name
		if v, ok := stored[whole]; ok {
			attrs[whole] = v
		} else {
			delete(attrs, whole)
		}
		left = append(left, fmt.Sprintf("%s is left as it was: %s is %d bytes long, and at most %d are kept", whole, a.path(), n, maxIndexed))
	}
	return left, nil
}

// tooLong gives the length of a new value that is too long, 0 if there is none.
func (a *attribute) tooLong(attrs, stored map[string]any) int {
	for _, s := range a.texts(attrs) {
		if len(s) > maxIndexed && !slices.Contains(a.texts(stored), s) {
			return len(s)
		}
	}
	return 0
}

// texts are the values of a simple attribute, or of one part of all its values.
func (a *attribute) texts(attrs map[string]any) (out []string) {
	if a.parent == nil {
		if s, ok := attrs[a.name].(string); ok {
			out = append(out, s)
		}
		return out
	}
	list, _ := attrs[a.parent.name].([]any)
	for _, e := range list {
		m, _ := e.(map[string]any)
		if s, ok := m[a.name].(string); ok {
			out = append(out, s)
		}
	}
	return out
}
