package metasim

import (
	"slices"
	"sort"
	"time"
)

// table keeps the rows of one kind in the order they were made. Updates replace a row's value, so that a value once
// handed out never changes. For lists, a row may go on showing its former value until a moment: propagation delay.
type table[T any] struct {
	rows []*row[T]
	byID map[string]*row[T]
	keys func(*T) []string // what rows are also found by
	by   map[string][]*row[T]
	next int64
	live int
	lag  []*row[T] // removed rows that lists still show
}

type row[T any] struct {
	seq      int64
	id       string
	cur      *T // nil: removed
	old      *T // what lists show until oldUntil; nil: nothing
	oldUntil time.Time
}

func (r *row[T]) listed(now time.Time) *T {
	if now.Before(r.oldUntil) {
		return r.old
	}
	return r.cur
}

func newTable[T any](keys func(*T) []string) *table[T] {
	return &table[T]{byID: map[string]*row[T]{}, keys: keys, by: map[string][]*row[T]{}}
}

// put adds a row or replaces its value. Lists show the change from shown on.
func (t *table[T]) put(id string, v *T, now, shown time.Time) {
	r := t.byID[id]
	if r == nil {
		t.next++
		r = &row[T]{seq: t.next, id: id}
		t.rows = append(t.rows, r)
		t.byID[id] = r
		t.live++
	}
	t.delay(r, now, shown)
	t.unkey(r)
	r.cur = v
	for _, k := range t.keys(v) {
		t.by[k] = append(t.by[k], r)
	}
}

func (t *table[T]) delay(r *row[T], now, shown time.Time) {
	if shown.After(now) {
		if !now.Before(r.oldUntil) {
			r.old = r.cur
		}
		r.oldUntil = shown
	}
}

func (t *table[T]) remove(id string, now, shown time.Time) {
	r := t.byID[id]
	if r == nil || r.cur == nil {
		return
	}
	t.delay(r, now, shown)
	t.unkey(r)
	r.cur = nil
	t.live--
	if now.Before(r.oldUntil) && r.old != nil {
		t.lag = append(t.lag, r)
		return
	}
	t.drop(r)
}

// sweep drops removed rows that lists no longer show.
func (t *table[T]) sweep(now time.Time) {
	t.lag = slices.DeleteFunc(t.lag, func(r *row[T]) bool {
		if now.Before(r.oldUntil) {
			return false
		}
		t.drop(r)
		return true
	})
}

func (t *table[T]) drop(r *row[T]) {
	delete(t.byID, r.id)
	if i, ok := t.find(r); ok {
		t.rows = slices.Delete(t.rows, i, i+1)
	}
}

func (t *table[T]) find(r *row[T]) (int, bool) {
	i := sort.Search(len(t.rows), func(i int) bool { return t.rows[i].seq >= r.seq })
	return i, i < len(t.rows) && t.rows[i] == r
}

func (t *table[T]) unkey(r *row[T]) {
	if r.cur == nil {
		return
	}
	for _, k := range t.keys(r.cur) {
		left := slices.DeleteFunc(t.by[k], func(o *row[T]) bool { return o == r })
		if len(left) == 0 {
			delete(t.by, k)
		} else {
			t.by[k] = left
		}
	}
}

func (t *table[T]) get(id string) *T {
	if r := t.byID[id]; r != nil {
		return r.cur
	}
	return nil
}

// with returns the values found by a key, oldest first.
func (t *table[T]) with(key string) []*T {
	var vs []*T
	for _, r := range t.by[key] {
		vs = append(vs, r.cur)
	}
	return vs
}

// all copies every live value, for snapshots.
func (t *table[T]) all() []T {
	vs := make([]T, 0, t.live)
	for _, r := range t.rows {
		if r.cur != nil {
			vs = append(vs, *r.cur)
		}
	}
	return vs
}
