package audit

import (
	"encoding/json"
	"testing"
	"time"
)

// FuzzPlainIsWhatJSONWrites: whatever a detail holds, the quick encoding and
// the one by encoding/json are the same, and so is the whole event. A chain that
// was sealed by one must verify by the other.
func FuzzPlainIsWhatJSONWrites(f *testing.F) {
	for _, s := range []string{"", "Ana", "a\"\\\b\f\n\r\t\x01\x7f", "é\u2028\u2029\U0001F600", "<&>", "\xff", "\x00"} {
		f.Add(s, s, `{"a":[1,-0,1.5,1e9,"x",null,true,{"b":[]}],"c":{}}`)
	}
	f.Fuzz(func(t *testing.T, key, value, document string) {
		detail := map[string]any{key: value, "list": []string{value, key}, "none": []string(nil), "n": 7, "big": int64(-1 << 62), "yes": true, "nil": nil,
			"number": json.Number("12"), "fraction": 1.5, "nested": map[string]any{"before": []any{value}, "after": map[string]any(nil)}}
		if read, err := ParseDetail([]byte(document)); err == nil {
			detail["document"] = read
		}
		for _, d := range []map[string]any{detail, {key: value}, {"a": []string{}, key: []any{}, "b": map[string]any{}}, {"document": detail["document"]}} {
			got, err := CanonicalDetail(d)
			if err != nil {
				t.Fatal(err)
			}
			want, err := readAgain(d)
			if err != nil || string(got) != string(want) {
				t.Fatalf("detail %q\nwant   %q (%v)", got, want, err)
			}
			e := Event{Seq: 9, ID: key, At: time.Unix(1, 2000), Actor: value, Subject: value, Correlation: key, Prev: "00", Detail: d}
			whole, err := e.Canonical()
			if err != nil {
				t.Fatal(err)
			}
			long, err := plainJSON(canonical{e.Seq, e.ID, e.At.UTC().Format(atLayout), e.Actor, e.Action, e.Source, e.Hub, e.Person, e.Group,
				e.Member, e.Task, e.Pull, e.Subject, e.Correlation, want, e.Prev})
			if err != nil || string(whole) != string(long) {
				t.Fatalf("event %q\nwant  %q (%v)", whole, long, err)
			}
		}
	})
}
