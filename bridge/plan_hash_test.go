package bridge

import (
	"reflect"
	"testing"
	"time"
)

// TestPlanHashCoversEveryFieldOfARow: a change of anything but times, and of
// the attempt that goes with them, is another plan.
func TestPlanHashCoversEveryFieldOfARow(t *testing.T) {
	base := Plan{Rows: []Row{{Key: "k"}, {Key: "l"}}}
	of := func(p Plan) string { return hashOf(Hub{ID: "h"}, p) }
	row := reflect.TypeFor[Row]()
	for i := range row.NumField() {
		f := row.Field(i)
		changed := Plan{Rows: []Row{{Key: "k"}, {Key: "l"}}}
		v := reflect.ValueOf(&changed.Rows[0]).Elem().Field(i)
		left := false
		switch v.Interface().(type) {
		case time.Time:
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
			left = true
		case []Provenance:
			v.Set(reflect.ValueOf([]Provenance{{RuleID: "r"}}))
		case []string:
			v.Set(reflect.ValueOf([]string{"x"}))
		case []AssetStep:
			v.Set(reflect.ValueOf([]AssetStep{{Key: "x"}}))
		case int:
			v.SetInt(7)
			left = f.Name == "Attempt"
		default:
			v.SetString("x")
		}
		if same := of(changed) == of(base); same != left {
			t.Errorf("a row with another %s: the same hash %t, want %t", f.Name, same, left)
		}
	}
	step := reflect.TypeFor[AssetStep]()
	for i := range step.NumField() {
		f := step.Field(i)
		changed := Plan{Rows: []Row{{Key: "k", Assets: []AssetStep{{}}}}}
		before := of(changed)
		changed.Rows[0].Assets = []AssetStep{{}}
		v := reflect.ValueOf(&changed.Rows[0].Assets[0]).Elem().Field(i)
		left := false
		switch v.Interface().(type) {
		case time.Time:
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
			left = true
		case []Provenance:
			v.Set(reflect.ValueOf([]Provenance{{RuleID: "r"}}))
		case []string:
			v.Set(reflect.ValueOf([]string{"x"}))
		case Asset:
			v.Set(reflect.ValueOf(Asset{ID: "x"}))
		case int:
			v.SetInt(7)
		default:
			v.SetString("x")
		}
		if same := of(changed) == before; same != left {
			t.Errorf("a step with another %s: the same hash %t, want %t", f.Name, same, left)
		}
	}
	why := reflect.TypeFor[Provenance]()
	for i := range why.NumField() {
		changed := Plan{Rows: []Row{{Key: "k", Why: []Provenance{{}}}}}
		before := of(changed)
		changed.Rows[0].Why = []Provenance{{}}
		reflect.ValueOf(&changed.Rows[0].Why[0]).Elem().Field(i).SetString("x")
		if of(changed) == before {
			t.Errorf("a provenance with another %s has the same hash", why.Field(i).Name)
		}
	}
	if of(Plan{Rows: []Row{{Key: "ab"}}}) == of(Plan{Rows: []Row{{Key: "a", PersonID: "b"}}}) {
		t.Error("two rows run together")
	}
	if of(base) == of(Plan{Rows: base.Rows, Alarms: []Alarm{{Reason: "x"}}}) || of(base) == hashOf(Hub{ID: "h", Mode: ModeFull}, base) {
		t.Error("alarms or mode are not in it")
	}
}
