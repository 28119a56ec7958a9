-- Who may call for a source besides those who hold its tokens, what a source
-- did for the first time, and who was turned away.

-- +goose Up
ALTER TABLE sources ADD COLUMN admission TEXT NOT NULL DEFAULT '{}';   -- JSON, see bridge.Admission
ALTER TABLE sources ADD COLUMN last_gap BIGINT NOT NULL DEFAULT 0;  -- microseconds between its last two visits
ALTER TABLE tokens ADD COLUMN issued BOOLEAN NOT NULL DEFAULT FALSE; -- made by the token endpoint, for an hour

-- Kept longer than the provisioning log it is read from.
CREATE TABLE source_firsts (
    source_id TEXT   NOT NULL,
    what      TEXT   NOT NULL,             -- see bridge.First
    at        BIGINT NOT NULL,
    PRIMARY KEY (source_id, what)
) WITHOUT ROWID;

-- The last refusal of each kind; every one is in the audit trail.
CREATE TABLE refusals (
    source_id TEXT   NOT NULL,             -- '' when nobody knows whose token it was
    reason    TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    times     BIGINT NOT NULL,
    caller    TEXT   NOT NULL,             -- address
    label     TEXT   NOT NULL,             -- of the token
    detail    TEXT   NOT NULL,
    PRIMARY KEY (source_id, reason)
) WITHOUT ROWID;

CREATE INDEX exchanges_failed ON exchanges (source_id, id) WHERE status >= 400;
CREATE INDEX tokens_issued ON tokens (expires_at) WHERE issued;

-- +goose Down
DROP INDEX tokens_issued;
DROP INDEX exchanges_failed;
DROP TABLE refusals;
DROP TABLE source_firsts;
ALTER TABLE tokens DROP COLUMN issued;
ALTER TABLE sources DROP COLUMN last_gap;
ALTER TABLE sources DROP COLUMN admission;
