-- Addresses that belong to a person although no identity provider sends them.

-- +goose Up
CREATE TABLE aliases (
    id           TEXT PRIMARY KEY,
    person_id    TEXT   NOT NULL,          -- a user's id
    address      TEXT   NOT NULL,
    address_fold TEXT   NOT NULL,
    reason       TEXT   NOT NULL,
    decider      TEXT   NOT NULL,
    at           BIGINT NOT NULL,
    undone_at    BIGINT NOT NULL DEFAULT 0,
    undone_by    TEXT   NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX aliases_address ON aliases (address_fold) WHERE undone_at = 0;
CREATE INDEX aliases_person ON aliases (person_id) WHERE undone_at = 0;

-- +goose Down
DROP TABLE aliases;
