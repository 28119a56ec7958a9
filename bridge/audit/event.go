package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Event is one line of the audit trail. Ids are "" when not concerned.
type Event struct {
	Seq         int64          `json:"seq"` // place in the chain, from 1; 0 until sealed
	ID          string         `json:"id"`
	At          time.Time      `json:"at"`
	Actor       string         `json:"actor"`  // see ActorBridge and its fellows
	Action      string         `json:"action"` // one of Actions
	Source      string         `json:"source"`
	Hub         string         `json:"hub"`
	Person      string         `json:"person"`
	Group       string         `json:"group"`
	Member      string         `json:"member"`
	Task        string         `json:"task"`
	Pull        string         `json:"pull"`
	Subject     string         `json:"subject"` // what a reader sees: e-mail, group name, slug
	Correlation string         `json:"correlation"`
	Detail      map[string]any `json:"detail"` // JSON-safe, small, no secret
	Prev        string         `json:"prev"`
	Hash        string         `json:"hash"`
}

// atLayout writes a time in UTC with exactly six decimals.
const atLayout = "2006-01-02T15:04:05.000000Z"

// canonical is the event without its hash, in the order of the canonical encoding.
type canonical struct {
	Seq         int64           `json:"seq"`
	ID          string          `json:"id"`
	At          string          `json:"at"`
	Actor       string          `json:"actor"`
	Action      string          `json:"action"`
	Source      string          `json:"source"`
	Hub         string          `json:"hub"`
	Person      string          `json:"person"`
	Group       string          `json:"group"`
	Member      string          `json:"member"`
	Task        string          `json:"task"`
	Pull        string          `json:"pull"`
	Subject     string          `json:"subject"`
	Correlation string          `json:"correlation"`
	Detail      json.RawMessage `json:"detail"`
	Prev        string          `json:"prev"`
}

// Canonical is what is hashed. An error means that Detail is not JSON-safe.
func (e Event) Canonical() ([]byte, error) {
	detail, err := CanonicalDetail(e.Detail)
	if err != nil {
		return nil, fmt.Errorf("audit event %s: detail: %w", e.ID, err)
	}
	if b, ok := e.plain(detail); ok {
		return b, nil
	}
	return plainJSON(canonical{
		e.Seq, e.ID, e.At.UTC().Format(atLayout), e.Actor, e.Action, e.Source, e.Hub, e.Person, e.Group,
		e.Member, e.Task, e.Pull, e.Subject, e.Correlation, detail, e.Prev,
	})
}

// CanonicalDetail is the text under which a detail is hashed and ought to be
// stored: member names sorted, numbers as they are.
func CanonicalDetail(detail map[string]any) ([]byte, error) {
	if len(detail) == 0 {
		return []byte("{}"), nil
	}
	if b, ok := appendPlain(make([]byte, 0, 128), detail); ok {
		return b, nil
	}
	return readAgain(detail)
}

// readAgain is CanonicalDetail for any value.
func readAgain(detail map[string]any) ([]byte, error) {
	raw, err := plainJSON(detail)
	if err != nil {
		return nil, err
	}
	again, err := ParseDetail(raw) // structs inside lose their field order here
	if err != nil {
		return nil, err
	}
	return plainJSON(again)
}

// ParseDetail reads a stored detail without losing a digit of its numbers.
func ParseDetail(raw []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("audit detail: %w", err)
	}
	if out == nil {
		out = map[string]any{}
	}
	return out, nil
}

// plainJSON is encoding/json without HTML escaping and without a line end.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// Seal is the hash of the event as the one that follows prev ("" for the
// first). The event's Seq must be set; its own Prev and Hash do not matter. An
// event whose detail is not JSON-safe is sealed without the detail's value but
// with its Go text, so that the chain never stops.
func Seal(prev string, e Event) string {
	e.Prev = prev
	b, err := e.Canonical()
	if err != nil {
		e.Detail = map[string]any{"unencodable": fmt.Sprint(e.Detail)}
		b, _ = e.Canonical()
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Sealed is the event as number seq of the chain, after the event with hash prev.
func Sealed(seq int64, prev string, e Event) Event {
	e.Seq, e.Prev = seq, prev
	e.Hash = Seal(prev, e)
	return e
}
