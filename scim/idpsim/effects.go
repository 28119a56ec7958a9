package idpsim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// operation is one op of a recorded PATCH.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// prepare looks at a request before it is sent and returns the check of its
// effect. For a removal of members it first sees to it that they are in the
// group, and somebody else too: removing nobody proves nothing.
func (r *replay) prepare(ctx context.Context, method, path string, body []byte) (func(context.Context, answer) []string, error) {
	nothing := func(context.Context, answer) []string { return nil }
	if len(body) == 0 {
		return nothing, nil
	}
	sent, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("read the recorded body: %w", err)
	}
	switch method {
	case http.MethodPost:
		return func(_ context.Context, a answer) []string {
			return written(a, sent, "userName", "displayName", "externalId")
		}, nil
	case http.MethodPut:
		return func(_ context.Context, a answer) []string {
			return written(a, sent, "id", "userName", "active", "name.givenName", "name.familyName", "displayName")
		}, nil
	case http.MethodPatch:
		var p struct{ Operations []operation }
		if err := json.Unmarshal(body, &p); err != nil {
			return nil, fmt.Errorf("read the recorded operations: %w", err)
		}
		if i := slices.IndexFunc(p.Operations, ofMembers); i >= 0 {
			return r.prepareMembers(ctx, path, p.Operations)
		}
		return func(ctx context.Context, _ answer) []string { return r.effects(ctx, path, p.Operations) }, nil
	}
	return nothing, nil
}

// written says which attributes did not come back as they were sent.
func written(a answer, sent resource, paths ...string) (differed []string) {
	got, err := parse(a.body)
	if err != nil {
		return nil // compare has said so
	}
	for _, path := range paths {
		want, ok := sent.at(path)
		if now, _ := got.at(path); ok && !same(now, want) {
			differed = append(differed, fmt.Sprintf("%s came back as %v, sent was %v", path, now, want))
		}
	}
	return differed
}

// effects reads a resource back and finds what the operations left behind.
func (r *replay) effects(ctx context.Context, path string, ops []operation) (differed []string) {
	now, err := r.read(ctx, path)
	if err != nil {
		return []string{err.Error()}
	}
	want := map[string]any{}
	for _, op := range ops {
		if op.Path != "" {
			want[op.Path] = op.Value
			continue
		}
		if values, ok := op.Value.(map[string]any); ok {
			maps.Copy(want, values)
		}
	}
	delete(want, "password") // never to be read
	for _, p := range slices.Sorted(maps.Keys(want)) {
		got, has := now.at(p)
		if _, is := got.(bool); p == "active" && !is {
			differed = append(differed, fmt.Sprintf("active is %#v afterwards, not a boolean", got))
			continue
		}
		if want[p] == "" || want[p] == nil {
			if has && got != "" {
				differed = append(differed, fmt.Sprintf("%s is %v afterwards, it was to be taken away", p, got))
			}
		} else if !same(got, want[p]) {
			differed = append(differed, fmt.Sprintf("%s is %v afterwards, sent was %v", p, got, want[p]))
		}
	}
	return differed
}

func (r *replay) read(ctx context.Context, path string) (resource, error) {
	return r.one(ctx, call{doing: "read back", method: http.MethodGet, path: path, want: []int{http.StatusOK}})
}

func ofMembers(op operation) bool {
	return op.Path == "members" || strings.HasPrefix(op.Path, "members[")
}

// prepareMembers works out who ought to be in the group afterwards. The
// recordings also name people who are nowhere; a server may list those or not.
func (r *replay) prepareMembers(ctx context.Context, path string, ops []operation) (func(context.Context, answer) []string, error) {
	if err := r.bystander(ctx); err != nil {
		return nil, err
	}
	known := append([]string{r.mid}, r.live...)
	there := []string{r.mid}
	for _, op := range ops {
		if strings.EqualFold(op.Op, "remove") {
			for _, id := range ids(op) {
				if slices.Contains(known, id) {
					there = append(there, id)
				}
			}
		}
	}
	err := r.change(ctx, call{doing: "put members there first", path: path},
		map[string]any{"op": "add", "path": "members", "value": entraMembers(there)})
	if err != nil {
		return nil, err
	}
	before, err := r.membersOf(ctx, path)
	if err != nil {
		return nil, err
	}
	for _, id := range there {
		if !before[id] {
			return nil, fmt.Errorf("%s was added to the group and is not in it", id)
		}
	}
	want := maps.Clone(before)
	for _, op := range ops {
		if strings.EqualFold(op.Op, "replace") {
			clear(want)
		}
		for _, id := range ids(op) {
			want[id] = true
			if strings.EqualFold(op.Op, "remove") {
				delete(want, id)
			}
		}
	}
	return func(ctx context.Context, _ answer) (differed []string) {
		after, err := r.membersOf(ctx, path)
		if err != nil {
			return []string{err.Error()}
		}
		for _, id := range slices.Sorted(maps.Keys(want)) {
			if !after[id] && (before[id] || slices.Contains(known, id)) {
				differed = append(differed, fmt.Sprintf("member %s ought to be in the group and is not", id))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(after)) {
			if !want[id] {
				differed = append(differed, fmt.Sprintf("member %s is still in the group", id))
			}
		}
		return differed
	}, nil
}

// ids are the members an operation names, in its value or in its path.
func ids(op operation) (all []string) {
	if _, filter, ok := strings.Cut(op.Path, `members[value eq "`); ok {
		id, _, _ := strings.Cut(filter, `"`)
		return []string{id}
	}
	values, _ := op.Value.([]any)
	for _, v := range values {
		if m, ok := v.(map[string]any); ok {
			if id, ok := m["value"].(string); ok {
				all = append(all, id)
			}
		}
	}
	return all
}

func (r *replay) membersOf(ctx context.Context, path string) (map[string]bool, error) {
	g, err := r.read(ctx, path)
	if err != nil {
		return nil, err
	}
	in := map[string]bool{}
	values, _ := g["members"].([]any)
	for _, v := range values {
		if m, ok := v.(map[string]any); ok {
			if id, ok := m["value"].(string); ok {
				in[id] = true
			}
		}
	}
	return in, nil
}

// then checks a condition of the recording against what is read back. Its
// words are "X has JSON", "X == JSON" and "X unassigned"; "ONLY … is gone" is
// what prepareMembers checks of each change. Other words differ, so that none
// is passed over.
func (r *replay) then(ctx context.Context, path, then string) []string {
	if strings.HasPrefix(then, "ONLY ") && strings.Contains(then, "is gone") && strings.HasPrefix(path, "/Groups/") {
		return nil
	}
	now, err := r.read(ctx, path)
	if err != nil {
		return []string{err.Error()}
	}
	attribute, condition, _ := strings.Cut(then, " ")
	got, has := now.at(attribute)
	verb, text, _ := strings.Cut(condition, " ")
	var want any
	switch verb {
	case "unassigned":
		if !has {
			return nil
		}
		return []string{fmt.Sprintf("%s is %v afterwards, it was to be taken away", attribute, got)}
	case "has", "==":
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			return []string{fmt.Sprintf("the condition %q cannot be read: %v", then, err)}
		}
	default:
		return []string{fmt.Sprintf("the condition %q is not understood", then)}
	}
	values, _ := got.([]any)
	if verb == "has" && slices.ContainsFunc(values, func(v any) bool { return contains(v, want) }) {
		return nil
	}
	if wants, ok := want.([]any); verb == "==" && ok && len(wants) == len(values) {
		equal := true
		for i := range wants {
			equal = equal && contains(values[i], wants[i]) && contains(wants[i], values[i])
		}
		if equal {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s is %v afterwards, expected %s %s", attribute, got, verb, text)}
}
