package bridge

import (
	"strings"
	"testing"
	"time"
)

var logged = PlatformChange{At: time.Date(2026, 11, 20, 10, 0, 5, 0, time.UTC), Kind: "USER", ActorID: "77", Text: "Dana removed Ana"}

// TestALineOfALogIsOneLine: whatever we found out about it, and in whatever
// language the platform says the rest.
func TestALineOfALogIsOneLine(t *testing.T) {
	same := logged
	same.ID, same.ActorName, same.MemberID, same.PersonID, same.TakenAt = "x", "Dana", "m1", "p1", time.Now()
	same.At = same.At.In(time.FixedZone("", 3600))
	if same.Hash() != logged.Hash() {
		t.Error("what we know of the actor makes it another line")
	}
	german := logged
	german.Key, german.Text = logged.Text, "Dana hat Ana entfernt"
	if german.Hash() != logged.Hash() {
		t.Error("another language makes it another line")
	}
	for what, change := range map[string]func(*PlatformChange){
		"time": func(c *PlatformChange) { c.At = c.At.Add(time.Second) }, "actor": func(c *PlatformChange) { c.ActorID = "78" },
		"kind": func(c *PlatformChange) { c.Kind = "ASSET" }, "words": func(c *PlatformChange) { c.Text += "." },
		"asset": func(c *PlatformChange) { c.Asset = Asset{"ad_account", "1"} },
		// The same letters in other places.
		"places": func(c *PlatformChange) { c.ActorID, c.Kind = "77U", "SER" },
	} {
		other := logged
		if change(&other); other.Hash() == logged.Hash() {
			t.Errorf("another %s is the same line", what)
		}
	}
}

func TestALogIsSearchedByEveryNameOfAPersonAndNoOther(t *testing.T) {
	w := World{
		People:      []Person{{ID: "p1", UserName: "ana@corp.example", DisplayName: "Ana Lee"}},
		Members:     []Member{{ID: "m1", PersonID: "p1", Seen: Seen{PlatformID: "6816", Name: "Ana L.", Email: "a*a@corp.example"}}},
		Invitations: []Invitation{{PersonID: "p1", Email: "ana.lee@home.example"}},
	}
	s, ok := SearchLog(w, "ana@corp.example")
	if !ok {
		t.Fatal("nobody is found")
	}
	for text, want := range map[string]bool{
		"Chief changed the role of Ana Lee from Standard to Admin": true,
		"chief changed ANA LEE":                         true,
		"removed user 6816.":                            true,
		"invited a*****e@home.example":                  true,
		`{"target":"ana.lee@home.example"}`:             true,
		"removed a*a@corp.example, who was there":       true,
		"Chief changed the role of Ana Leeson":          false,
		"Chief changed the role of Diana Lee":           false,
		"removed user 68161":                            false,
		"invited b*****e@home.example":                  false,
		"invited ana.lee@elsewhere.example":             false,
		"a setting of the Business Center was changed.": false,
	} {
		if got := s.Names(PlatformChange{Text: text}); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	if !s.By(PlatformChange{MemberID: "m1"}) || s.By(PlatformChange{MemberID: "m2"}) || s.By(PlatformChange{}) {
		t.Error("who made the change is not told by the member")
	}
	if _, ok := SearchLog(w, "nobody@corp.example"); ok {
		t.Error("nobody is somebody")
	}
}

// TestAnExplanationTellsWhatTheLogSays: what names the person; else what may
// be about what was found changed, and only where nothing names them; and that
// the log says nothing, or could not be read.
func TestAnExplanationTellsWhatTheLogSays(t *testing.T) {
	hour := func(h int) time.Time { return time.Date(2026, 11, 20, h, 0, 0, 0, time.UTC) }
	w := World{Hub: Hub{SelfID: "1"}, Traits: Traits{Log: PlatformLog{Holds: "what happens to ad accounts"}}, Members: []Member{{ID: "m1", Seen: Seen{PlatformID: "6816", Name: "Ana Lee"}}}}
	changed := FoundOutside{Since: hour(8), Until: hour(12), Text: "role changed"}
	named := PlatformChange{At: hour(10), ActorID: "9", ActorName: "Dana", Text: "made Ana Lee Admin"}
	bare := PlatformChange{At: hour(11), ActorID: "9", Text: "user setting changed"}
	own := PlatformChange{At: hour(11), ActorID: "1", ActorName: "Robot", Text: "user setting changed"}
	early := PlatformChange{At: hour(7), ActorID: "9", Text: "user setting changed"}
	for name, x := range map[string]struct {
		reading LogReading
		changes []PlatformChange
		found   []FoundOutside
		want    []string
		not     string
	}{
		"named": {LogReading{TriedAt: hour(13), ReadTo: hour(13)}, []PlatformChange{bare, named}, []FoundOutside{changed},
			[]string{"the platform's log: Dana – made Ana Lee Admin"}, "maybe"},
		"not named": {LogReading{TriedAt: hour(13), ReadTo: hour(13)}, []PlatformChange{own, bare, early}, []FoundOutside{changed},
			[]string{"maybe about role changed: the platform's log: account 9 – user setting changed"}, "Robot"},
		"nothing there": {LogReading{TriedAt: hour(13), ReadTo: hour(13)}, []PlatformChange{own, early}, []FoundOutside{changed},
			[]string{"role changed: the platform's log has no line of anyone else between", "it holds what happens to ad accounts"}, "maybe"},
		"not read yet":     {LogReading{}, nil, []FoundOutside{changed}, []string{"has not been read yet"}, ""},
		"not read so far":  {LogReading{TriedAt: hour(9), ReadTo: hour(9)}, nil, []FoundOutside{changed}, []string{"read up to here"}, ""},
		"could not be":     {LogReading{TriedAt: hour(9), Error: "no scope", Reason: PlatformLogUnread}, nil, nil, []string{"could not be read: no scope"}, ""},
		"own account":      {LogReading{TriedAt: hour(13)}, []PlatformChange{{At: hour(9), ActorID: "1", ActorName: "Robot", Text: "removed Ana Lee"}}, nil, []string{"adbridge's own account (Robot) – removed Ana Lee"}, ""},
		"nothing to tell":  {LogReading{TriedAt: hour(13), ReadTo: hour(13)}, []PlatformChange{bare}, nil, nil, "platform's log"},
		"nobody did it":    {LogReading{TriedAt: hour(13)}, []PlatformChange{{At: hour(9), Text: "Ana Lee declined"}}, nil, []string{"nobody named – Ana Lee declined"}, ""},
		"an earlier named": {LogReading{TriedAt: hour(13), ReadTo: hour(13)}, []PlatformChange{bare, {At: hour(7), ActorID: "9", Text: "invited Ana Lee"}}, []FoundOutside{changed}, []string{"invited Ana Lee", "maybe about role changed"}, ""},
	} {
		e := Explanation{Members: []string{"m1"}, Steps: []Step{{Title: "Before"}, {Title: shownTitle}, {Title: "After"}}}
		e.AddLogged(w, x.reading, x.changes, x.found)
		var b strings.Builder
		if err := e.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range x.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: %q is not in\n%s", name, want, b.String())
			}
		}
		if x.not != "" && strings.Contains(b.String(), x.not) {
			t.Errorf("%s: %q is in\n%s", name, x.not, b.String())
		}
		if len(x.want) > 0 && (len(e.Steps) != 4 || e.Steps[2].Title == "After") {
			t.Errorf("%s: the step is not after what the platform shows: %+v", name, e.Steps)
		}
	}
}
