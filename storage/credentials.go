package storage

import (
	"context"
	"fmt"

	"adbridge/bridge"
)

// Credentials are what a hub signs its calls with. They are stored sealed,
// each bound to its hub and column, and neither prints itself.
type Credentials struct {
	Token     bridge.Secret
	AppSecret bridge.Secret
}

// Credentials opens a hub's credentials.
func (tx *Tx) Credentials(ctx context.Context, hubID string) (Credentials, error) {
	var token, appSecret string
	err := tx.row(ctx, `SELECT token, app_secret FROM credentials WHERE hub_id = $1`, hubID).Scan(&token, &appSecret)
	if err != nil {
		return Credentials{}, named(err, "credentials of hub %s", hubID)
	}
	var c Credentials
	if c.Token, err = tx.openSecret(token, tokenOf(hubID)); err != nil {
		return Credentials{}, err
	}
	if c.AppSecret, err = tx.openSecret(appSecret, appSecretOf(hubID)); err != nil {
		return Credentials{}, err
	}
	return c, nil
}

// SetCredentials seals new credentials over the old ones.
func (tx *Tx) SetCredentials(ctx context.Context, hubID string, c Credentials) error {
	token, err := tx.seal(ctx, []byte(c.Token.Reveal()), tokenOf(hubID))
	if err != nil {
		return err
	}
	appSecret, err := tx.seal(ctx, []byte(c.AppSecret.Reveal()), appSecretOf(hubID))
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO credentials (hub_id, token, app_secret, set_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (hub_id) DO UPDATE SET token = excluded.token, app_secret = excluded.app_secret, set_at = excluded.set_at`,
		hubID, token, appSecret, micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("set credentials of hub %s: %w", hubID, err)
	}
	return nil
}

// CheckKeys says which secret cannot be opened with the keys at hand, before
// someone needs it.
func (tx *Tx) CheckKeys(ctx context.Context) error {
	all, err := tx.sealed(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if _, err := tx.keyring().Open(s.value, s.bound); err != nil {
			return err
		}
	}
	return nil
}

type sealedRow struct {
	id, value, bound, update string
}

// sealed lists every sealed value that the database needs: a signing key that has
// ended signs nothing any more.
func (tx *Tx) sealed(ctx context.Context) ([]sealedRow, error) {
	var out []sealedRow
	for _, col := range []struct {
		query, update string
		bound         func(id string) string
	}{
		{`SELECT hub_id, token FROM credentials ORDER BY hub_id`, `UPDATE credentials SET token = $2 WHERE hub_id = $1`, tokenOf},
		{`SELECT hub_id, app_secret FROM credentials ORDER BY hub_id`, `UPDATE credentials SET app_secret = $2 WHERE hub_id = $1`, appSecretOf},
		{`SELECT id, sealed FROM audit_keys WHERE ended_at = 0 ORDER BY id`, `UPDATE audit_keys SET sealed = $2 WHERE id = $1`, auditKeyOf},
	} {
		rows, err := collect(ctx, tx, func(row scanner) (s sealedRow, err error) {
			err = row.Scan(&s.id, &s.value)
			s.update, s.bound = col.update, col.bound(s.id)
			return s, err
		}, col.query)
		if err != nil {
			return nil, fmt.Errorf("list sealed secrets: %w", err)
		}
		out = append(out, rows...)
	}
	return out, nil
}

func (tx *Tx) openSecret(sealed, bound string) (bridge.Secret, error) {
	plain, err := tx.keyring().Open(sealed, bound)
	return bridge.NewSecret(string(plain)), err
}

func tokenOf(hubID string) string     { return "credentials/" + hubID + "/token" }
func appSecretOf(hubID string) string { return "credentials/" + hubID + "/app_secret" }
func auditKeyOf(id string) string     { return "audit_keys/" + id + "/sealed" }

func (tx *Tx) keyring() *Keyring { return tx.db.opts.Key }
