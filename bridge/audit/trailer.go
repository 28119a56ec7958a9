package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"time"
)

// Trailer is the last line of an export. It says what the file must hold, and
// its signature says who wrote it, so that a cut-off end cannot go unnoticed.
type Trailer struct {
	Count     int64     `json:"count"`
	FirstSeq  int64     `json:"first_seq"`
	LastSeq   int64     `json:"last_seq"`
	FirstPrev string    `json:"first_prev"` // hash of the event before the first
	LastHash  string    `json:"last_hash"`
	Digest    string    `json:"digest"` // SHA-256 over the hashes of all lines, one a line
	Since     time.Time `json:"since,omitzero"`
	Until     time.Time `json:"until,omitzero"`
	// Filter says what was left out, "" for nothing. A filtered export has gaps
	// in its numbers; each line proves itself, and Digest proves the selection.
	Filter    string    `json:"filter,omitempty"`
	MadeAt    time.Time `json:"made_at"`
	PublicKey string    `json:"public_key"` // base64
	Key       string    `json:"key"`        // its Fingerprint
	Signature string    `json:"signature"`  // ed25519 over Message, base64
}

// Export says how an export is made. Key may be nil: the trailer then proves
// only that the file is whole, not who wrote it.
type Export struct {
	Key          ed25519.PrivateKey
	MadeAt       time.Time
	Since, Until time.Time
	Filter       string
}

// Message is what a trailer's signature covers.
func (t Trailer) Message() []byte {
	stamp := func(at time.Time) string {
		if at.IsZero() {
			return "-"
		}
		return at.UTC().Format(atLayout)
	}
	return fmt.Appendf(nil, "adbridge export\ncount %d\nseq %d %d\nprev %s\nlast %s\ndigest %s\nsince %s\nuntil %s\nfilter %q\nat %s\nkey %s\n",
		t.Count, t.FirstSeq, t.LastSeq, t.FirstPrev, t.LastHash, t.Digest, stamp(t.Since), stamp(t.Until), t.Filter, stamp(t.MadeAt), t.PublicKey)
}

// signed says whether the trailer carries a signature, and checks it.
func (t Trailer) signed() (bool, error) {
	if t.Signature == "" {
		return false, nil
	}
	key, err := base64.StdEncoding.DecodeString(t.PublicKey)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return false, fmt.Errorf("the trailer's public key is not an ed25519 key")
	}
	sig, err := base64.StdEncoding.DecodeString(t.Signature)
	if err != nil || !ed25519.Verify(key, t.Message(), sig) {
		return false, fmt.Errorf("the trailer's signature does not fit")
	}
	if t.Key != Fingerprint(key) {
		return false, fmt.Errorf("the trailer names key %s and was signed by %s", t.Key, Fingerprint(key))
	}
	return true, nil
}

// sum follows the lines of an export.
type sum struct {
	Trailer
	digest hash.Hash
}

func newSum() *sum { return &sum{digest: sha256.New()} }

func (s *sum) add(e Event) {
	if s.Count == 0 {
		s.FirstSeq, s.FirstPrev = e.Seq, e.Prev
	}
	s.Count++
	s.LastSeq, s.LastHash = e.Seq, e.Hash
	fmt.Fprintln(s.digest, e.Hash)
}

func (s *sum) trailer(x Export) Trailer {
	t := s.Trailer
	t.Digest = hex.EncodeToString(s.digest.Sum(nil))
	t.Since, t.Until, t.Filter, t.MadeAt = x.Since.UTC(), x.Until.UTC(), x.Filter, x.MadeAt.UTC().Truncate(time.Microsecond)
	if x.Key != nil {
		public := x.Key.Public().(ed25519.PublicKey)
		t.PublicKey, t.Key = base64.StdEncoding.EncodeToString(public), Fingerprint(public)
		t.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(x.Key, t.Message()))
	}
	return t
}
