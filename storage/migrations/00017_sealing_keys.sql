-- Which key seals, which keys there were, and which keys the running servers hold.

-- +goose Up

-- One row: whoever seals, or changes what seals, locks it.
CREATE TABLE sealing (
    id     BIGINT PRIMARY KEY,
    key_id TEXT NOT NULL -- '' until a server has run: the first of the keys at hand
);
INSERT INTO sealing (id, key_id) VALUES (1, '');

CREATE TABLE sealing_keys (
    id         TEXT PRIMARY KEY, -- says nothing of the key
    added_at   BIGINT NOT NULL,
    sealing_at BIGINT NOT NULL DEFAULT 0, -- since when it seals, or sealed
    dropped_at BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE servers (
    holder     TEXT PRIMARY KEY, -- as it signs its leases
    name       TEXT NOT NULL,
    keys       TEXT NOT NULL, -- JSON: the ids of the keys that it holds
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);

-- +goose Down
DROP TABLE servers;
DROP TABLE sealing_keys;
DROP TABLE sealing;
