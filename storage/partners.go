package storage

import (
	"context"
	"database/sql"
	"errors"

	"adbridge/bridge"
)

// SavePartners keeps the last reading of a hub's partners.
func (tx *Tx) SavePartners(ctx context.Context, p bridge.Partners) error {
	_, err := tx.exec(ctx, `INSERT INTO partners (hub_id, document) VALUES ($1, $2)
		ON CONFLICT (hub_id) DO UPDATE SET document = excluded.document`, p.HubID, asJSON(p))
	return named(err, "save the partners of hub %s", p.HubID)
}

// Partners are the partners of a hub as they were last read; nothing but the
// hub's id: never.
func (tx *Tx) Partners(ctx context.Context, hubID string) (bridge.Partners, error) {
	p := bridge.Partners{HubID: hubID}
	err := tx.row(ctx, `SELECT document FROM partners WHERE hub_id = $1`, hubID).Scan(intoJSON(&p))
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	return p, named(err, "partners of hub %s", hubID)
}

// Monitors are the hubs that look at the people of a hub's partners, by slug,
// and how many each shows.
func (tx *Tx) Monitors(ctx context.Context, hubID string) ([]bridge.Monitor, error) {
	m, err := collect(ctx, tx, func(row scanner) (m bridge.Monitor, err error) {
		err = row.Scan(&m.HubID, &m.Slug, &m.BusinessID, &m.People, intoTime(&m.ReadAt))
		return m, err
	}, `SELECT h.id, h.slug, h.business_id,
		(SELECT count(*) FROM members m WHERE m.hub_id = h.id AND m.presence <> 'gone'),
		COALESCE((SELECT max(p.started_at) FROM pulls p WHERE p.hub_id = h.id AND p.complete), 0)
		FROM hubs h WHERE h.partner_of = $1 AND h.partner_of <> '' AND h.removed_at = 0 ORDER BY h.slug`, hubID)
	return m, named(err, "monitors of hub %s", hubID)
}

// Partnership is what a hub's snapshot holds of partners.
func (tx *Tx) Partnership(ctx context.Context, hub bridge.Hub) (p bridge.Partnership, err error) {
	if hub.PartnerOf != "" {
		ours, err := tx.Hub(ctx, hub.PartnerOf)
		if errors.Is(err, bridge.ErrNotFound) { // removed: the monitor has nothing to look for
			return p, nil
		}
		if err != nil {
			return p, err
		}
		p.Ours = ours.Slug
		p.Partners, err = tx.Partners(ctx, ours.ID)
		return p, err
	}
	if p.Partners, err = tx.Partners(ctx, hub.ID); err != nil {
		return p, err
	}
	p.Monitors, err = tx.Monitors(ctx, hub.ID)
	return p, err
}
