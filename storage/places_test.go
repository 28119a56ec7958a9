package storage

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestPlacesGrowAndMoveAsFewRowsAsCanBe(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		had   []int64
		moved int // rows with a place that get another
	}{
		"nothing yet":      {[]int64{0, 0, 0}, 0},
		"the same":         {[]int64{10, 20, 30}, 0},
		"one in front":     {[]int64{0, 10, 20}, 0},
		"one between":      {[]int64{10, 0, 20}, 0},
		"one behind":       {[]int64{10, 20, 0}, 0},
		"one to the front": {[]int64{30, 10, 20}, 1},
		"one to the back":  {[]int64{20, 30, 10}, 1},
		"turned round":     {[]int64{30, 20, 10}, 2},
		"no room":          {[]int64{10, 0, 11}, 2},
		"none":             {nil, 0},
	} {
		got := assignPlaces(tc.had)
		moved := 0
		for i := range got {
			if tc.had[i] != 0 && tc.had[i] != got[i] {
				moved++
			}
		}
		if moved != tc.moved {
			t.Errorf("%s: %v from %v moves %d rows, want %d", name, got, tc.had, moved, tc.moved)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		had := rapid.SliceOf(rapid.Int64Range(0, 40)).Draw(t, "had")
		seen := map[int64]bool{}
		for i, p := range had { // places are unique
			if seen[p] {
				had[i] = 0
			}
			seen[p] = true
		}
		got := assignPlaces(had)
		for i := range got {
			if got[i] <= 0 || i > 0 && got[i] <= got[i-1] {
				t.Fatalf("places %v from %v do not grow", got, had)
			}
		}
		if again := assignPlaces(got); !slices.Equal(again, got) {
			t.Fatalf("places %v move again to %v", got, again)
		}
	})
}
