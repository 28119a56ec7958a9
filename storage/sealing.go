package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"adbridge/bridge"
)

// SealingKey is a key that seals, sealed, or is to seal the secrets of the database.
type SealingKey struct {
	ID        string    `json:"id"` // says nothing of the key
	Seals     bool      `json:"seals"`
	Held      bool      `json:"held"`   // among the keys at hand
	Values    int       `json:"values"` // sealed with it now
	AddedAt   time.Time `json:"added_at,omitzero"`
	SealingAt time.Time `json:"sealing_at,omitzero"`
	DroppedAt time.Time `json:"dropped_at,omitzero"`
}

// Server is a running server, with the keys that it holds.
type Server struct {
	Holder    string    `json:"-"`
	Name      string    `json:"name"`
	Keys      []string  `json:"keys"`
	StartedAt time.Time `json:"started_at,omitzero"`
	SeenAt    time.Time `json:"seen_at,omitzero"`
}

// Sealing is the id of the key that the database's secrets are sealed with: the
// one on record, so that no process seals with a key of which others do not know.
// Before any server has run it is the first at hand.
func (tx *Tx) Sealing(ctx context.Context) (string, error) { return tx.sealing(ctx, "") }

// LockSealing is Sealing for whoever seals or changes what seals: until its end
// the transaction is the only one.
func (tx *Tx) LockSealing(ctx context.Context) (string, error) {
	return tx.sealing(ctx, tx.d.forUpdate())
}

func (tx *Tx) sealing(ctx context.Context, lock string) (string, error) {
	id, err := scanText(tx.row(ctx, `SELECT key_id FROM sealing WHERE id = 1`+lock))
	if err != nil {
		return "", fmt.Errorf("the key that seals: %w", err)
	}
	if id == "" {
		id = tx.keyring().Sealing()
	}
	return id, nil
}

// seal seals a secret with the key on record.
func (tx *Tx) seal(ctx context.Context, plain []byte, bound string) (string, error) {
	id, err := tx.LockSealing(ctx)
	if err != nil {
		return "", err
	}
	return tx.keyring().SealWith(id, plain, bound)
}

// errNotHeld says that the key on record is not at hand.
func errNotHeld(id string) error {
	return fmt.Errorf("%w: the secrets of this database are sealed with key %s, which is not among the keys given; put that key into ADBRIDGE_KEY or the key file, as the other servers have it; if it is lost for good, run 'adbridge key rotate --lost %s' and set the secrets again", ErrSealed, id, id)
}

// NoteSealing puts the key that seals on record, where none is yet. While some
// secret cannot be opened none is: the keys at hand may be the wrong ones. ErrSealed
// says that the key on record is not at hand.
func (tx *Tx) NoteSealing(ctx context.Context) (string, error) {
	id, err := tx.LockSealing(ctx)
	switch {
	case err != nil:
		return "", err
	case !tx.keyring().Has(id):
		return "", errNotHeld(id)
	case tx.CheckKeys(ctx) != nil:
		return id, nil
	}
	if _, err := tx.exec(ctx, `UPDATE sealing SET key_id = $1 WHERE id = 1 AND key_id = ''`, id); err != nil {
		return "", fmt.Errorf("note the key that seals: %w", err)
	}
	_, err = tx.exec(ctx, `INSERT INTO sealing_keys (id, added_at, sealing_at) VALUES ($1, $2, $2) ON CONFLICT DO NOTHING`, id, micros(tx.Now()))
	return id, named(err, "note the key that seals")
}

// Arrive notes a server with the keys that it holds, before it does anything, and
// with the first one the key that seals. ErrSealed says that it lacks that key.
func (tx *Tx) Arrive(ctx context.Context, s Server) error {
	if _, err := tx.NoteSealing(ctx); err != nil {
		return err
	}
	// Whoever waits to change what seals took its picture of the servers before this one
	// was there: where the row was written meanwhile, it has to look again.
	if _, err := tx.exec(ctx, `UPDATE sealing SET key_id = key_id WHERE id = 1`); err != nil {
		return fmt.Errorf("note server %s: %w", s.Name, err)
	}
	// Who was not seen for a day says nothing any more.
	if _, err := tx.exec(ctx, `DELETE FROM servers WHERE seen_at < $1`, micros(tx.Now().Add(-24*time.Hour))); err != nil {
		return fmt.Errorf("note server %s: %w", s.Name, err)
	}
	return tx.Present(ctx, s)
}

// Present notes that a server is there, with the keys that it holds by now.
func (tx *Tx) Present(ctx context.Context, s Server) error {
	_, err := tx.exec(ctx, `INSERT INTO servers (holder, name, keys, started_at, seen_at) VALUES ($1, $2, $3, $4, $4)
		ON CONFLICT (holder) DO UPDATE SET keys = excluded.keys, seen_at = excluded.seen_at`,
		s.Holder, s.Name, asJSON(s.Keys), micros(tx.Now()))
	return named(err, "note server %s", s.Name)
}

// Leave forgets a server that ends.
func (tx *Tx) Leave(ctx context.Context, holder string) error {
	_, err := tx.exec(ctx, `DELETE FROM servers WHERE holder = $1`, holder)
	return named(err, "forget server %s", holder)
}

// Servers are those that were seen since then.
func (tx *Tx) Servers(ctx context.Context, since time.Time) ([]Server, error) {
	list, err := collect(ctx, tx, func(row scanner) (s Server, err error) {
		err = row.Scan(&s.Holder, &s.Name, intoJSON(&s.Keys), intoTime(&s.StartedAt), intoTime(&s.SeenAt))
		return s, err
	}, `SELECT holder, name, keys, started_at, seen_at FROM servers WHERE seen_at >= $1 ORDER BY name, holder`, micros(since))
	return list, named(err, "servers")
}

// SealingKeys are the keys at hand, in their order, then those of the record that
// are not at hand.
func (tx *Tx) SealingKeys(ctx context.Context) ([]SealingKey, error) {
	seals, err := tx.Sealing(ctx)
	if err != nil {
		return nil, err
	}
	noted, err := collect(ctx, tx, func(row scanner) (k SealingKey, err error) {
		err = row.Scan(&k.ID, intoTime(&k.AddedAt), intoTime(&k.SealingAt), intoTime(&k.DroppedAt))
		return k, err
	}, `SELECT id, added_at, sealing_at, dropped_at FROM sealing_keys ORDER BY added_at DESC, id`)
	if err != nil {
		return nil, fmt.Errorf("keys that seal: %w", err)
	}
	values, err := tx.sealed(ctx)
	if err != nil {
		return nil, err
	}
	var out []SealingKey
	at := func(id string) *SealingKey {
		i := slices.IndexFunc(out, func(k SealingKey) bool { return k.ID == id })
		if i < 0 {
			out = append(out, SealingKey{ID: id, Seals: id == seals, Held: tx.keyring().Has(id)})
			i = len(out) - 1
		}
		return &out[i]
	}
	for _, id := range tx.keyring().IDs() {
		at(id)
	}
	for _, n := range noted {
		k := at(n.ID)
		k.AddedAt, k.SealingAt, k.DroppedAt = n.AddedAt, n.SealingAt, n.DroppedAt
	}
	for _, v := range values {
		if v.value != "" {
			at(sealedWith(v.value)).Values++
		}
	}
	return out, nil
}

// AddSealingKey notes a key that is to seal; false when it is on record already.
func (tx *Tx) AddSealingKey(ctx context.Context, id string) (bool, error) {
	n, err := tx.exec(ctx, `INSERT INTO sealing_keys (id, added_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, id, micros(tx.Now()))
	return n > 0, named(err, "note key %s", id)
}

// SealWith makes a key the one that seals. It must be at hand.
func (tx *Tx) SealWith(ctx context.Context, id string) error {
	if !tx.keyring().Has(id) {
		return errNotHeld(id)
	}
	_, err := tx.exec(ctx, `UPDATE sealing SET key_id = $1 WHERE id = 1`, id)
	if err == nil {
		_, err = tx.exec(ctx, `INSERT INTO sealing_keys (id, added_at, sealing_at) VALUES ($1, $2, $2)
			ON CONFLICT (id) DO UPDATE SET sealing_at = excluded.sealing_at`, id, micros(tx.Now()))
	}
	return named(err, "seal with key %s", id)
}

// DropSealingKey notes that a key is not needed any more; false when it was noted
// before. ErrConflict says that it is.
func (tx *Tx) DropSealingKey(ctx context.Context, id string) (bool, error) {
	seals, err := tx.LockSealing(ctx)
	if err != nil {
		return false, err
	}
	keys, err := tx.SealingKeys(ctx)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(keys, func(k SealingKey) bool { return k.ID == id })
	switch {
	case i < 0:
		return false, fmt.Errorf("key %s: %w", id, bridge.ErrNotFound)
	case id == seals:
		return false, fmt.Errorf("key %s seals: %w", id, bridge.ErrConflict)
	case keys[i].Values > 0:
		return false, fmt.Errorf("%d secrets are sealed with key %s: %w", keys[i].Values, id, bridge.ErrConflict)
	}
	return tx.noteDropped(ctx, id)
}

// LoseSealingKey notes that nobody has a key any more that does not seal; false when it
// was noted before. What it sealed stays as it is.
func (tx *Tx) LoseSealingKey(ctx context.Context, id string) (bool, error) {
	seals, err := tx.LockSealing(ctx)
	switch {
	case err != nil:
		return false, err
	case id == seals || tx.keyring().Has(id):
		return false, fmt.Errorf("key %s seals or is at hand: %w", id, bridge.ErrConflict)
	}
	return tx.noteDropped(ctx, id)
}

func (tx *Tx) noteDropped(ctx context.Context, id string) (bool, error) {
	n, err := tx.exec(ctx, `INSERT INTO sealing_keys (id, added_at, dropped_at) VALUES ($1, $2, $2)
		ON CONFLICT (id) DO UPDATE SET dropped_at = excluded.dropped_at WHERE sealing_keys.dropped_at = 0`, id, micros(tx.Now()))
	return n > 0, named(err, "drop key %s", id)
}

// Reseal seals up to limit secrets that another key sealed again with the one on
// record, and says how many.
func (tx *Tx) Reseal(ctx context.Context, limit int) (int, error) {
	id, err := tx.LockSealing(ctx)
	if err != nil {
		return 0, err
	}
	all, err := tx.sealed(ctx)
	if err != nil {
		return 0, err
	}
	moved := 0
	for _, s := range all {
		if s.value == "" || sealedWith(s.value) == id {
			continue
		}
		if moved == limit {
			break
		}
		plain, err := tx.keyring().Open(s.value, s.bound)
		if err != nil {
			return 0, err
		}
		again, err := tx.keyring().SealWith(id, plain, s.bound)
		if err != nil {
			return 0, err
		}
		if _, err := tx.exec(ctx, s.update, s.id, again); err != nil {
			return 0, fmt.Errorf("seal %s again: %w", s.bound, err)
		}
		moved++
	}
	return moved, nil
}
