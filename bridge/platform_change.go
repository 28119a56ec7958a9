package bridge

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// PlatformLog declares the log that a platform keeps of who changed what.
type PlatformLog struct {
	Holds string // what is in it; "" = there is none that can be read
	Scope string // what a token needs to read it
}

// PlatformChange is one line of a platform's own log: someone changed something
// there. Its words are the platform's. They are shown to people, and nothing is
// ever decided by them.
type PlatformChange struct {
	ID        string    `json:"id"`
	HubID     string    `json:"hub_id"`
	At        time.Time `json:"at"`                   // as the platform logged it
	Kind      string    `json:"kind"`                 // the platform's word: "USER", "ad_account_add_user_to_role"
	ActorID   string    `json:"actor_id,omitempty"`   // the platform's id of who did it
	ActorName string    `json:"actor_name,omitempty"` // as the platform names them, else as the hub does
	MemberID  string    `json:"member_id,omitempty"`  // the actor, where they are a member that we know
	PersonID  string    `json:"person_id,omitempty"`  // and the person of that member
	Text      string    `json:"text"`
	Asset     Asset     `json:"asset,omitzero"` // of which log it is, where each asset has its own
	// Key is the part of the line that never reads differently (in another
	// language, say); "" = Text.
	Key     string    `json:"-"`
	TakenAt time.Time `json:"taken_at"` // when we read it first
}

// Hash tells one line of a log from all others. No platform numbers its lines:
// two that agree in time, actor, kind, asset and words count as one.
func (c PlatformChange) Hash() string {
	h := sha256.New()
	for _, part := range []string{c.At.UTC().Format(time.RFC3339), c.ActorID, c.Kind, c.Asset.String(), cmp.Or(c.Key, c.Text)} {
		fmt.Fprintf(h, "%d:%s;", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Who is the actor in words. self is the account that the hub's token acts as.
func (c PlatformChange) Who(self string) string {
	name := cmp.Or(c.ActorName, c.ActorID)
	switch {
	case c.ActorID == "" && c.ActorName == "":
		return "nobody named"
	case c.ActorID != "" && c.ActorID == self:
		return "adbridge's own account (" + name + ")"
	case c.ActorName == "":
		return "account " + c.ActorID
	}
	return name
}

// LogReading is how far the log of a hub's platform was read, and how the last
// reading went.
type LogReading struct {
	HubID   string    `json:"hub_id"`
	TriedAt time.Time `json:"tried_at"`          // the last reading; zero: never
	ReadTo  time.Time `json:"read_to,omitzero"`  // what was logged before is taken in
	Added   int       `json:"added"`             // lines that the last reading found new
	Error   string    `json:"error,omitempty"`   // why the last reading broke off
	Reason  Code      `json:"reason,omitempty"`  //
	Missed  []string  `json:"missed,omitempty"`  // assets whose log could not be read, with the reason
	RetryAt time.Time `json:"retry_at,omitzero"` // sooner than after the next pull
}

// LogSearch finds the lines of a platform's log that are about someone.
type LogSearch struct {
	members, persons map[string]bool
	words            []string // names and ids, folded
	addresses        []string // as they are known in full
}

// SearchLog is a search for those whom a needle names, as Explain takes one.
// False: nobody on this hub is named so.
func SearchLog(w World, needle string) (LogSearch, bool) {
	x := explainer{w: w, ids: identify(withUnknown(w))}
	if !x.find(needle) {
		return LogSearch{}, false
	}
	return searchLog(w, x.persons, x.members), true
}

func searchLog(w World, persons, members map[string]bool) LogSearch {
	s := LogSearch{members: members, persons: persons}
	for _, m := range w.Members {
		if members[m.ID] {
			s.words = append(s.words, m.PlatformID, Fold(m.Name))
			if strings.Contains(m.Email, "*") { // the log may mask the same way
				s.words = append(s.words, FoldEmail(m.Email))
			} else {
				s.addresses = append(s.addresses, m.Email)
			}
		}
	}
	for _, p := range w.People {
		if persons[p.ID] {
			s.words = append(s.words, Fold(p.DisplayName))
			s.addresses = append(s.addresses, p.Addresses()...)
		}
	}
	for _, i := range w.Invitations {
		if persons[i.PersonID] {
			s.addresses = append(s.addresses, i.Email)
		}
	}
	// A word of a letter or two is in every line.
	s.words = slices.DeleteFunc(s.words, func(word string) bool { return utf8.RuneCountInString(word) < 3 })
	s.addresses = slices.DeleteFunc(s.addresses, func(a string) bool { return a == "" })
	return s
}

// By says whether it is they who made the change.
func (s LogSearch) By(c PlatformChange) bool {
	return c.MemberID != "" && s.members[c.MemberID] || c.PersonID != "" && s.persons[c.PersonID]
}

// Names says whether the line names them: by name, id, address, or by an
// address that is masked and fits.
func (s LogSearch) Names(c PlatformChange) bool {
	text := Fold(c.Text)
	for _, word := range s.words {
		if hasWord(text, word) {
			return true
		}
	}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`"'<>()[]{},;:`, r) }) {
		if part = strings.TrimRight(part, "."); !strings.Contains(part, "@") {
			continue
		}
		for _, a := range s.addresses {
			if FitsMask(part, a) {
				return true
			}
		}
	}
	return false
}

// hasWord says whether a word, or several, stands in a text by itself.
func hasWord(text, word string) bool {
	inside := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return false
		}
		at += from
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(word):])
		if !inside(before) && !inside(after) {
			return true
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		from = at + size
	}
}
