package bridge

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestEverySettingReadsItsDefaultAndRefusesNonsense(t *testing.T) {
	def := DefaultSettings()
	fields := reflect.TypeFor[Settings]().NumField()
	if len(SettingTable) != fields {
		t.Errorf("%d keys for %d settings", len(SettingTable), fields)
	}
	seen := map[string]bool{}
	for _, x := range SettingTable {
		if seen[x.Key] || x.Meaning == "" || x.Unit == "" || x.Bounds == "" || strings.ToLower(x.Key) != x.Key {
			t.Errorf("setting %+v is not complete", x)
		}
		seen[x.Key] = true
		if got := def.Get(x.Key); got != x.Default {
			t.Errorf("%s: default %q reads back as %q", x.Key, x.Default, got)
		}
		s := def
		if err := s.Set(x.Key, x.Default); err != nil {
			t.Errorf("%s: its own default is refused: %v", x.Key, err)
		}
		if x.Unit == "list" {
			continue
		}
		for _, bad := range []string{"", "nonsense", "-5", "99999999", "1e9"} {
			err := s.Set(x.Key, bad)
			if err == nil {
				t.Errorf("%s takes %q", x.Key, bad)
				continue
			}
			if !strings.HasPrefix(err.Error(), x.Key+": ") || !strings.Contains(err.Error(), ";") {
				t.Errorf("%s=%q: the error names no fix: %v", x.Key, bad, err)
			}
			if !reflect.DeepEqual(s, def) {
				t.Errorf("%s=%q: refused, and yet changed", x.Key, bad)
			}
		}
	}
	if err := def.Set("settle", "1m"); err == nil || !strings.Contains(err.Error(), `"settle"`) {
		t.Errorf("unknown key: %v", err)
	}
}

func TestSettingsBounds(t *testing.T) {
	s := DefaultSettings()
	for key, value := range map[string]string{"settle-window": "5h", "min-admins": "0", "max-removals-percent": "101"} {
		if err := s.Set(key, value); err == nil {
			t.Errorf("%s=%s is allowed", key, value)
		}
	}
	for key, value := range map[string]string{"settle-window": "0s", "max-removals-percent": "25%", "propagation-delay": "90s", "revert-drift": "on"} {
		if err := s.Set(key, value); err != nil {
			t.Errorf("%s=%s: %v", key, value, err)
		}
	}
	if err := s.Set("protected", " Ana@Corp.example ,, 42,ana@corp.example"); err != nil || s.Get("protected") != "ana@corp.example,42" {
		t.Errorf("protected: %q %v", s.Get("protected"), err)
	}
	h := Hub{Settings: s}
	if got := h.Propagation(Traits{Propagation: time.Hour}); got != 90*time.Second {
		t.Errorf("propagation %s", got)
	}
	_ = h.Settings.Set("propagation-delay", "platform")
	if got := h.Propagation(Traits{Propagation: time.Hour}); got != time.Hour {
		t.Errorf("propagation of the platform %s", got)
	}
}

// TestSettingsAreStoredAsWhatDiffers: a new default reaches an old hub.
func TestSettingsAreStoredAsWhatDiffers(t *testing.T) {
	s := DefaultSettings()
	for _, kv := range [][2]string{{"settle-window", "45m"}, {"protected", "a@b.example,7"}, {"on-conflict", "hold"}} {
		if err := s.Set(kv[0], kv[1]); err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal(s)
	if err != nil || string(b) != `{"on-conflict":"hold","protected":"a@b.example,7","settle-window":"45m"}` {
		t.Fatalf("%s %v", b, err)
	}
	var back Settings
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(s, back) {
		t.Errorf("reads back as %+v, %v", back, err)
	}
	for _, never := range []Settings{{}, DefaultSettings()} {
		if b, _ := json.Marshal(never); string(b) != "{}" {
			t.Errorf("defaults are stored as %s", b)
		}
	}
	if err := json.Unmarshal([]byte(`{"settle-windw":"1m"}`), &back); err == nil {
		t.Error("an unknown key in the database is dropped in silence")
	}
}
