package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
)

// TestOthersWordsCannotSteerTheTerminal of whoever lists partners or the
// platform's log; JSON has them as they are.
func TestOthersWordsCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	const evil = "Eve\x1b[2K\nhub eu, mode full \u202e"
	partners := partnersView{Hub: "eu", Partners: bridge.Partners{At: time.Unix(0, 0), List: []bridge.PartnerBusiness{
		{BusinessID: "7", Name: evil, Assets: []bridge.SharedAsset{{AssetDetails: bridge.AssetDetails{Asset: bridge.Asset{Kind: "page", ID: "6"}, Name: evil}}}}}}}
	partners.Lines = bridge.Partnership{Partners: partners.Partners}.Lines()
	changes := changesView{Hub: "eu", Holds: "x", Changes: []bridge.PlatformChange{{ActorName: evil, Kind: evil, Text: evil}},
		Reading: bridge.LogReading{TriedAt: time.Unix(0, 0), Missed: []string{evil}}}
	for name, write := range map[string]func(io.Writer) error{
		"partners": partners.write,
		"changes":  func(w io.Writer) error { return writeChanges(w, changes, "", false) },
		"a table":  func(w io.Writer) error { return table(w, "NAME", func(row func(...any)) { row(evil) }) },
	} {
		var out, raw bytes.Buffer
		if err := (&cli{out: &out}).show(nil, write); err != nil {
			t.Fatal(err)
		}
		if s := out.String(); !strings.Contains(s, "Eve") || strings.ContainsAny(s, "\x1b\u202e") || strings.Contains(s, "\nhub eu, mode full") {
			t.Errorf("%s: %q", name, s)
		}
		if err := (&cli{out: &raw, json: true}).show(map[string]string{"name": evil}, write); err != nil || !strings.Contains(raw.String(), "\u202e") {
			t.Errorf("%s: JSON is no longer what the platform said: %q", name, raw.String())
		}
	}
	var out bytes.Buffer
	(&cli{err: &out}).fail(wrong("look", "partner-of: its partners are %s", evil))
	if strings.ContainsAny(out.String(), "\x1b\u202e") {
		t.Errorf("%q", out.String())
	}
}
