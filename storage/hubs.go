package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"adbridge/bridge"
)

const hubColumns = `h.id, h.slug, h.platform, h.business_id, h.business_name, h.api_url, h.app_id,
	h.self_id, h.self_name, h.partner_of, h.mode, h.halt, h.settings, ` + generationOf + `, h.created_at`

// generationOf is the generation of the hub h: see MarkDirty.
const generationOf = `h.generation + (SELECT count(*) FROM hub_marks k WHERE k.hub_id = h.id)`

func scanHub(row scanner) (bridge.Hub, error) {
	// A setting that came with a later version is not in an older row: its default holds.
	h := bridge.Hub{Settings: bridge.DefaultSettings()}
	err := row.Scan(&h.ID, &h.Slug, &h.Platform, &h.BusinessID, &h.BusinessName, &h.APIURL, &h.AppID,
		&h.SelfID, &h.SelfName, &h.PartnerOf, &h.Mode, intoJSON(&h.Halt), intoJSON(&h.Settings), &h.Generation, intoTime(&h.CreatedAt))
	return h, err
}

// CreateHub saves a new hub with its credentials, its lane, and generation 1,
// so that it is planned soon. ErrExists says that the slug or the business is taken.
func (tx *Tx) CreateHub(ctx context.Context, h bridge.Hub, c Credentials) error {
	if h.CreatedAt.IsZero() {
		h.CreatedAt = tx.Now()
	}
	// Asked first, so that the error can name what is taken; the unique
	// indexes answer for a race.
	var slug string
	err := tx.row(ctx, `SELECT slug FROM hubs WHERE removed_at = 0 AND
		(slug = $1 OR (platform = $2 AND business_id = $3 AND api_url = $4)) ORDER BY slug = $1 DESC LIMIT 1`,
		h.Slug, h.Platform, h.BusinessID, h.APIURL).Scan(&slug)
	switch {
	case err == nil && slug == h.Slug:
		return fmt.Errorf("slug %q: a hub of that name %w; choose another slug", h.Slug, bridge.ErrExists)
	case err == nil:
		return fmt.Errorf("business_id %s: it %w as hub %q; one business is one hub", h.BusinessID, bridge.ErrExists, slug)
	case !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("create hub %s: %w", h.Slug, err)
	}
	_, err = tx.exec(ctx, `INSERT INTO hubs (id, slug, platform, business_id, business_name, api_url, app_id,
		self_id, self_name, mode, halt, settings, generation, created_at, partner_of)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $14)`,
		h.ID, h.Slug, h.Platform, h.BusinessID, clean(h.BusinessName), h.APIURL, h.AppID,
		clean(h.SelfID), clean(h.SelfName), h.Mode, haltJSON(h.Halt), asJSON(h.Settings), micros(h.CreatedAt), h.PartnerOf)
	if err != nil {
		return taken(err, "create hub %s: slug or business_id", h.Slug)
	}
	if _, err = tx.exec(ctx, `INSERT INTO lanes (hub_id) VALUES ($1)`, h.ID); err != nil {
		return fmt.Errorf("create hub %s: %w", h.Slug, err)
	}
	if err := tx.SetCredentials(ctx, h.ID, c); err != nil {
		return err
	}
	tx.Wake()
	return nil
}

// Hubs are all hubs that were not removed, by slug.
func (tx *Tx) Hubs(ctx context.Context) ([]bridge.Hub, error) {
	return collect(ctx, tx, scanHub, `SELECT `+hubColumns+` FROM hubs h
		WHERE h.removed_at = 0 ORDER BY h.slug`)
}

// Hub finds a hub by its id or slug.
func (tx *Tx) Hub(ctx context.Context, idOrSlug string) (bridge.Hub, error) {
	h, err := scanHub(tx.row(ctx, `SELECT `+hubColumns+` FROM hubs h
		WHERE h.removed_at = 0 AND (h.id = $1 OR h.slug = $1)`, idOrSlug))
	if err != nil {
		return bridge.Hub{}, named(err, "hub %s", idOrSlug)
	}
	return h, nil
}

// UpdateHub writes what people and the platform change about a hub: slug,
// names, address, self, mode, halt, settings. Its generation moves by MarkDirty only.
func (tx *Tx) UpdateHub(ctx context.Context, h bridge.Hub) error {
	n, err := tx.exec(ctx, `UPDATE hubs SET slug = $2, business_name = $3, api_url = $4, app_id = $5,
		self_id = $6, self_name = $7, mode = $8, halt = $9, settings = $10 WHERE id = $1 AND removed_at = 0`,
		h.ID, h.Slug, clean(h.BusinessName), h.APIURL, h.AppID, clean(h.SelfID), clean(h.SelfName), h.Mode, haltJSON(h.Halt), asJSON(h.Settings))
	if err != nil {
		return taken(err, "update hub %s: slug", h.ID)
	}
	return one(n, "hub %s", h.ID)
}

// RemoveHub takes a hub out of work and wipes its credentials. What was done
// on it stays on record. Whoever holds its lane is fenced out.
func (tx *Tx) RemoveHub(ctx context.Context, id string) error {
	n, err := tx.exec(ctx, `UPDATE hubs SET removed_at = $2 WHERE id = $1 AND removed_at = 0`, id, micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("remove hub %s: %w", id, err)
	}
	if err := one(n, "hub %s", id); err != nil {
		return err
	}
	for _, q := range []string{
		`DELETE FROM credentials WHERE hub_id = $1`,
		`DELETE FROM lanes WHERE hub_id = $1`,
		`DELETE FROM hub_marks WHERE hub_id = $1`,
	} {
		if _, err := tx.exec(ctx, q, id); err != nil {
			return fmt.Errorf("remove hub %s: %w", id, err)
		}
	}
	for _, q := range []string{
		`UPDATE rules SET removed_at = $2 WHERE hub_id = $1 AND removed_at = 0`,
		`UPDATE tasks SET state = 'superseded', ended_at = $2 WHERE hub_id = $1 AND state IN ` + openStates,
	} {
		if _, err := tx.exec(ctx, q, id, micros(tx.Now())); err != nil {
			return fmt.Errorf("remove hub %s: %w", id, err)
		}
	}
	tx.Wake()
	return nil
}

// MarkDirty says that something a plan may look at has moved: each hub's
// generation grows, which makes its lane due, and watchers wake.
//
// It only adds a mark. The generation is what the hub's row says plus its
// marks, so that thousands of SCIM requests move it without one of them ever
// waiting for another, or for the holder of the lane; SetPlanned folds the
// marks into the row.
func (tx *Tx) MarkDirty(ctx context.Context, hubIDs ...string) error {
	ids := slices.Clone(hubIDs)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if _, err := tx.exec(ctx, `INSERT INTO hub_marks (hub_id, id) VALUES ($1, $2)`, id, tx.NewID()); err != nil {
			return fmt.Errorf("mark hub %s dirty: %w", id, err)
		}
		// A hub that is not planned, because it is halted, must not gather marks for ever.
		if tx.db.marks.Add(1)%foldEvery == 0 {
			if err := tx.foldMarks(ctx, id); err != nil {
				return err
			}
		}
	}
	if len(ids) > 0 {
		tx.Wake()
	}
	return nil
}

const foldEvery = 512

// Generation is the hub's generation now, cheaper than the whole hub.
func (tx *Tx) Generation(ctx context.Context, hubID string) (int64, error) {
	var g int64
	err := tx.row(ctx, `SELECT `+generationOf+` FROM hubs h WHERE h.id = $1`, hubID).Scan(&g)
	return g, named(err, "hub %s", hubID)
}

// foldMarks moves the marks that this transaction sees into the hub's row. The
// generation stays what it was.
func (tx *Tx) foldMarks(ctx context.Context, hubID string) error {
	n, err := tx.exec(ctx, `DELETE FROM hub_marks WHERE hub_id = $1`, hubID)
	if err == nil && n > 0 {
		_, err = tx.exec(ctx, `UPDATE hubs SET generation = generation + $2 WHERE id = $1`, hubID, n)
	}
	if err != nil {
		return fmt.Errorf("fold the marks of hub %s: %w", hubID, err)
	}
	return nil
}

func haltJSON(h *bridge.Halt) string {
	if h == nil {
		return ""
	}
	return asJSON(h)
}
