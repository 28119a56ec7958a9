package bridge

import (
	"bytes"
	"strings"
)

// archive is a txtar file: a comment, then parts that begin with "-- name --".
type archive struct {
	Comment []byte
	Files   []part
}

type part struct {
	Name string
	Data []byte
}

func parseArchive(raw []byte) archive {
	var a archive
	at := &a.Comment
	for line := range bytes.Lines(raw) {
		s := strings.TrimSpace(string(line))
		if strings.HasPrefix(s, "-- ") && strings.HasSuffix(s, " --") && len(s) > 6 {
			a.Files = append(a.Files, part{Name: s[3 : len(s)-3]})
			at = &a.Files[len(a.Files)-1].Data
			continue
		}
		*at = append(*at, line...)
	}
	return a
}

func (a archive) format() []byte {
	out := append([]byte(nil), a.Comment...)
	for _, f := range a.Files {
		out = append(out, "-- "+f.Name+" --\n"...)
		out = append(out, f.Data...)
	}
	return out
}
