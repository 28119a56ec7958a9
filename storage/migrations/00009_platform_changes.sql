-- What the platforms themselves log of who changed what on a hub, each line
-- once, and how far each hub's log was read.

-- +goose Up
CREATE TABLE platform_changes (
    id         TEXT PRIMARY KEY,
    hub_id     TEXT   NOT NULL REFERENCES hubs (id),
    hash       TEXT   NOT NULL,            -- see bridge.PlatformChange.Hash
    at         BIGINT NOT NULL,            -- as the platform logged it
    kind       TEXT   NOT NULL,
    actor_id   TEXT   NOT NULL DEFAULT '', -- the platform's
    actor_name TEXT   NOT NULL DEFAULT '',
    member_id  TEXT   NOT NULL DEFAULT '', -- of the actor, where known
    person_id  TEXT   NOT NULL DEFAULT '',
    words      TEXT   NOT NULL,
    asset_kind TEXT   NOT NULL DEFAULT '',
    asset_id   TEXT   NOT NULL DEFAULT '',
    taken_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX platform_changes_once ON platform_changes (hub_id, hash);
CREATE INDEX platform_changes_at ON platform_changes (hub_id, at);
CREATE INDEX platform_changes_old ON platform_changes (at);

CREATE TABLE platform_logs (
    hub_id        TEXT PRIMARY KEY REFERENCES hubs (id),
    tried_at      BIGINT NOT NULL DEFAULT 0, -- 0: never
    retry_at      BIGINT NOT NULL DEFAULT 0,
    claimed_until BIGINT NOT NULL DEFAULT 0, -- a replica is reading
    document      TEXT   NOT NULL            -- JSON, see bridge.LogReading
);

-- +goose Down
DROP TABLE platform_logs;
DROP TABLE platform_changes;
