package rest

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"adbridge/connectors"
)

// TestNoWriteLeavesUnasked: what keeps a record is asked right before each write
// and never before a read; what it does not let pass never reaches the platform,
// and may be tried again.
func TestNoWriteLeavesUnasked(t *testing.T) {
	t.Parallel()
	asked := 0
	var answer error
	b := start(t, answers(http.StatusOK, `{"ok":true}`), func(c *connectors.Config) {
		c.BeforeWrite = func(context.Context) error { asked++; return answer }
	})
	if _, err := b.Do(t.Context(), read()); err != nil || asked != 0 {
		t.Errorf("a read: %v, asked %d times", err, asked)
	}
	if _, err := b.Do(t.Context(), write()); err != nil || asked != 1 || b.hits.Load() != 2 {
		t.Errorf("a write: %v, asked %d times, %d requests arrived", err, asked, b.hits.Load())
	}
	answer = errors.New("the disk is full")
	_, err := b.Do(t.Context(), write())
	if connectors.KindOf(err) != connectors.KindTransient || !errors.Is(err, answer) || b.hits.Load() != 2 || len(b.calls) != 2 {
		t.Errorf("a write that nobody wrote down: %v, %d requests arrived, %d calls were made", err, b.hits.Load(), len(b.calls))
	}
}
