package scim

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"adbridge/bridge"
)

// Cursors (RFC 9865) are a position, sealed: the key behind which the next page
// begins, the query it belongs to, and when it ends. Nothing is kept on the
// server, so a walk over a million users costs the same at every page, survives
// a restart, and shows each resource once while others come and go.

// position is the content of a cursor.
type position struct {
	expires time.Time
	query   [8]byte // which query, whose source
	count   int
	total   int    // counted once, on the first page
	stage   int    // which kind, in a query over both
	after   string // the last id shown, or userName when sorted by it, or
	offset  int    // when sorted by something else, how many were shown
}

type cursors struct{ seal cipher.AEAD }

func newCursors(key []byte) cursors {
	if len(key) == 0 {
		key = make([]byte, 32)
		rand.Read(key)
	}
	sum := sha256.Sum256(append([]byte("adbridge scim cursor\x00"), key...))
	block, err := aes.NewCipher(sum[:])
	if err != nil { // 32 bytes
		panic(err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return cursors{seal}
}

// write makes a cursor of characters that need no escaping in a URL.
func (c cursors) write(p position) string {
	b := binary.AppendVarint(nil, p.expires.Unix())
	b = append(b, p.query[:]...)
	for _, n := range []int{p.count, p.total, p.stage, p.offset} {
		b = binary.AppendVarint(b, int64(n))
	}
	b = append(b, p.after...)
	nonce := make([]byte, c.seal.NonceSize(), c.seal.NonceSize()+len(b)+c.seal.Overhead())
	rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(c.seal.Seal(nonce, nonce, b, nil))
}

func (c cursors) read(s string) (p position, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < c.seal.NonceSize() {
		return p, false
	}
	b, err = c.seal.Open(nil, b[:c.seal.NonceSize()], b[c.seal.NonceSize():], nil)
	if err != nil { // nobody but us makes one
		return p, false
	}
	number := func() int64 {
		n, size := binary.Varint(b)
		b = b[max(size, 0):]
		return n
	}
	p.expires = time.Unix(number(), 0)
	b = b[copy(p.query[:], b):]
	for _, to := range []*int{&p.count, &p.total, &p.stage, &p.offset} {
		*to = int(number())
	}
	p.after = string(b)
	return p, true
}

// fingerprint is the query a cursor belongs to: another source's cursor, or one
// of another filter, is not ours to go on with.
func (r *request) fingerprint(kinds []*kind, q query) (f [8]byte) {
	parts := []string{r.call.Source.ID, q.filter, q.sortBy, strings.ToLower(q.sortOrder)}
	for _, k := range kinds {
		parts = append(parts, k.name)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	copy(f[:], sum[:])
	return f
}

func (s *server) listByCursor(r *request, kinds []*kind, filters []filter, q query, base bridge.Query) (*reply, error) {
	p := position{query: r.fingerprint(kinds, q), count: q.count}
	first := q.cursor == ""
	if !first {
		have, ok := s.cursors.read(q.cursor)
		switch {
		case !ok || have.query != p.query || have.stage < 0 || have.stage >= len(kinds):
			return nil, newFault(http.StatusBadRequest, scimTypeInvalidCursor, "The cursor does not belong to this query. Start again with an empty cursor, and leave the other parameters as they are from page to page.")
		case s.now().After(have.expires):
			return nil, newFault(http.StatusBadRequest, scimTypeExpiredCursor, "The cursor has expired; ask for the next page within %s. Start again with an empty cursor.", s.limits.CursorTime)
		case q.hasCount && have.count != q.count:
			return nil, newFault(http.StatusBadRequest, scimTypeInvalidCount, "count must stay %d from page to page of a cursor.", have.count)
		}
		p = have
	}
	base.Limit = p.count
	var f found
	more := false
	for stage := p.stage; stage < len(kinds); stage++ {
		one := base
		one.Filter = filters[stage].expr
		one.Limit = p.count - f.len()
		one.Total = first
		if stage == p.stage {
			one.After, one.Offset = p.after, p.offset
		}
		if one.Limit == 0 && !first && p.count > 0 {
			p.stage, p.after, p.offset, more = stage, "", 0, true
			break
		}
		if filters[stage].none {
			continue
		}
		before := f.len()
		f.more = false
		total, err := s.read(r, kinds[stage], one, &f)
		if err != nil {
			return nil, err
		}
		if first {
			p.total += total
		}
		switch {
		case more: // the first page counts the kinds behind it too
		case f.more && p.count > 0 && f.len() > before:
			more = true
			p.after, p.offset = "", one.Offset+f.len()-before
			if stage != p.stage {
				p.stage = stage
			}
			switch {
			case base.SortBy == "":
				p.after, p.offset = lastID(&f), 0
			case base.SortBy == "userName":
				if after := kinds[stage].textOf(f.users[len(f.users)-1].Attributes, "userName"); after != "" {
					p.after, p.offset = after, 0
				}
			}
			if !first {
				stage = len(kinds)
			}
		case f.len() == p.count && p.count > 0 && stage+1 < len(kinds):
			p.stage, p.after, p.offset, more = stage+1, "", 0, true
			if !first {
				stage = len(kinds)
			}
		}
	}
	f.total = p.total
	return s.listReply(r, kinds, f, func(b []byte) []byte {
		if more {
			p.expires = s.now().Add(s.limits.CursorTime)
			b = appendString(append(b, `,"nextCursor":`...), s.cursors.write(p))
		}
		return b
	})
}

func lastID(f *found) string {
	if n := len(f.groups); n > 0 {
		return f.groups[n-1].ID
	}
	return f.users[len(f.users)-1].ID
}
