-- Partners of our hubs: what we share with them, and the hubs that look at
-- their people, which never write.

-- +goose Up
ALTER TABLE hubs ADD COLUMN partner_of TEXT NOT NULL DEFAULT '' CHECK (partner_of = '' OR mode = 'observe');

-- The last reading of the partners of each hub.
CREATE TABLE partners (
    hub_id   TEXT PRIMARY KEY REFERENCES hubs (id),
    document TEXT NOT NULL -- JSON, see bridge.Partners
);

-- +goose Down
DROP TABLE partners;
ALTER TABLE hubs DROP COLUMN partner_of;
