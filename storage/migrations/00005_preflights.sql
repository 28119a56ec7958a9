-- The last look at the preconditions of each hub.

-- +goose Up
CREATE TABLE preflights (
    hub_id        TEXT PRIMARY KEY REFERENCES hubs (id),
    at            BIGINT NOT NULL,           -- 0: never looked
    claimed_until BIGINT NOT NULL DEFAULT 0, -- a replica is looking
    document      TEXT NOT NULL              -- JSON, see bridge.Preflight
);

-- +goose Down
DROP TABLE preflights;
