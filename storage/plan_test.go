package storage

import (
	"testing"
	"time"
)

// TestInstantReadsWhatItShould: points in time as IdPs write them, and none that are not.
func TestInstantReadsWhatItShould(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"2024-03-01T10:00:00+02:00":      "2024-03-01T08:00:00Z",
		"2024-03-01t08:00:00z":           "2024-03-01T08:00:00Z",
		"2024-03-01T08:00:00":            "2024-03-01T08:00:00Z",
		"2024-02-29":                     "2024-02-29T00:00:00Z",
		"2024-03-01T08:00:00.123456789Z": "2024-03-01T08:00:00.123456Z",
		"2023-02-29T00:00:00Z":           "", "2024-03-01T24:00:00Z": "", "2024-3-1": "", "x": "", "": "",
	} {
		got := ""
		if at, ok := instant(s); ok {
			got = time.UnixMicro(at).UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func FuzzDocument(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,-2.5e3,true,null,"x\"\u00e4"],"b":{"c":{}}}`, `{"a":`, `[1]`, "{\"a\":\"\x00\"}", `{"a":123456789012345678901}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := decodeDocument(s)
		if err != nil {
			return
		}
		text, err := encodeDocument(m)
		if err != nil {
			return // a NUL
		}
		again, err := decodeDocument(text)
		if err != nil {
			t.Fatalf("%s became %s: %v", s, text, err)
		}
		if twice, err := encodeDocument(again); err != nil || twice != text {
			t.Errorf("%s became %s: %v", text, twice, err)
		}
	})
}
