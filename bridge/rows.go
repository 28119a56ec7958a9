package bridge

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// Rows is a listing as it is kept until it is taken in: some tens of bytes a
// row, in the order in which they were read. What many rows have in common
// (kind, presence, role, access) is kept once, the rest as bytes one after
// another. The zero value is an empty listing.
type Rows struct {
	blocks [][]byte
	at     []uint32 // where each row begins: the block's number and the place in it
	shapes []Seen   // rows without what is theirs alone
	shape  map[string]uint64
	byID   []uint32 // rows with a platform id in the order of these ids; made by Find
}

// blockSize is how much is put into a block; a row begins within 64 KiB of it.
const blockSize = 1 << 15

// ListRows packs a list.
func ListRows(list []Seen) *Rows {
	r := &Rows{}
	for _, s := range list {
		r.Add(s)
	}
	return r
}

// Add appends a row.
func (r *Rows) Add(s Seen) {
	if n := len(r.blocks); n == 0 || len(r.blocks[n-1]) >= blockSize {
		r.blocks = append(r.blocks, make([]byte, 0, blockSize+1<<9))
	}
	n := len(r.blocks) - 1
	b := r.blocks[n]
	r.at = append(r.at, uint32(n)<<16|uint32(len(b)))
	b = binary.AppendUvarint(b, r.shapeOf(s))
	for _, text := range []string{s.PlatformID, s.InvitationID, s.Email, s.Name, s.InvitedAs} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	var expires []byte
	if !s.ExpiresAt.IsZero() {
		expires, _ = s.ExpiresAt.MarshalBinary() // fails for offsets of years long past only
	}
	r.blocks[n] = append(append(b, byte(len(expires))), expires...)
	r.byID = nil
}

func (r *Rows) shapeOf(s Seen) uint64 {
	s.PlatformID, s.InvitationID, s.Email, s.Name, s.InvitedAs, s.ExpiresAt = "", "", "", "", "", time.Time{}
	key := fmt.Sprintf("%q %q %t %q %q %q %q %q", s.Kind, s.Presence, s.Masked, s.Role, s.Access.Role, s.Access.Finance, s.Access.TwoFactor, s.Access.Tasks)
	i, ok := r.shape[key]
	if !ok {
		if r.shape == nil {
			r.shape = map[string]uint64{}
		}
		i = uint64(len(r.shapes))
		r.shape[key], r.shapes = i, append(r.shapes, s)
	}
	return i
}

// Len is how many rows there are.
func (r *Rows) Len() int { return len(r.at) }

// Row is the i-th row.
func (r *Rows) Row(i int) Seen {
	shape, b := r.open(i)
	s := r.shapes[shape]
	for _, text := range []*string{&s.PlatformID, &s.InvitationID, &s.Email, &s.Name, &s.InvitedAs} {
		var x []byte
		x, b = nextText(b)
		*text = string(x)
	}
	if n := int(b[0]); n > 0 {
		_ = s.ExpiresAt.UnmarshalBinary(b[1 : 1+n]) // it was made by Add
	}
	return s
}

// All yields the rows in the order in which they were read.
func (r *Rows) All() iter.Seq2[int, Seen] {
	return func(yield func(int, Seen) bool) {
		for i := range r.at {
			if !yield(i, r.Row(i)) {
				return
			}
		}
	}
}

// Find are the rows that show a platform id, in the order in which they were read.
func (r *Rows) Find(platformID string) []uint32 {
	if platformID == "" {
		return nil
	}
	if r.byID == nil {
		r.byID = make([]uint32, 0, len(r.at))
		for i := range r.at {
			if len(r.platformID(uint32(i))) > 0 {
				r.byID = append(r.byID, uint32(i))
			}
		}
		slices.SortStableFunc(r.byID, func(a, b uint32) int { return bytes.Compare(r.platformID(a), r.platformID(b)) })
	}
	from, found := slices.BinarySearchFunc(r.byID, platformID, func(i uint32, id string) int { return compareText(r.platformID(i), id) })
	if !found {
		return nil
	}
	to := from + 1
	for to < len(r.byID) && compareText(r.platformID(r.byID[to]), platformID) == 0 {
		to++
	}
	return r.byID[from:to]
}

func (r *Rows) platformID(i uint32) []byte {
	_, b := r.open(int(i))
	id, _ := nextText(b)
	return id
}

func (r *Rows) kind(i uint32) MemberKind {
	shape, _ := r.open(int(i))
	return r.shapes[shape].Kind
}

// open is the shape of a row and the bytes that follow.
func (r *Rows) open(i int) (shape uint64, rest []byte) {
	at := r.at[i]
	b := r.blocks[at>>16][at&0xffff:]
	shape, n := binary.Uvarint(b)
	return shape, b[n:]
}

// nextText is the text with which b begins, and what follows.
func nextText(b []byte) (text, rest []byte) {
	size, n := binary.Uvarint(b)
	b = b[n:]
	return b[:size], b[size:]
}

func compareText(a []byte, b string) int { return strings.Compare(string(a), b) }
