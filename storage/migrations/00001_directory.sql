-- The directory: who the identity providers say there is. Times are
-- microseconds UTC, 0 for none; documents are JSON in TEXT.

-- +goose Up
CREATE TABLE sources (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    name_fold  TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    domains    TEXT   NOT NULL,            -- JSON array
    created_at BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL DEFAULT 0,
    nestings   BIGINT NOT NULL DEFAULT 0   -- moves when a group enters a group: makes such writes exclude each other
);
CREATE UNIQUE INDEX sources_name ON sources (name_fold);

CREATE TABLE tokens (
    id             TEXT    NOT NULL PRIMARY KEY,
    source_id      TEXT    NOT NULL REFERENCES sources (id),
    label          TEXT    NOT NULL,
    hash           BYTEA   NOT NULL,       -- the token itself is never stored
    read_only      BOOLEAN NOT NULL,
    created_at     BIGINT  NOT NULL,
    expires_at     BIGINT  NOT NULL,
    revoked_at     BIGINT  NOT NULL,
    last_used_at   BIGINT  NOT NULL DEFAULT 0,
    last_used_from TEXT    NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX tokens_hash ON tokens (hash);
CREATE INDEX tokens_source ON tokens (source_id);

CREATE TABLE users (
    id                TEXT    NOT NULL PRIMARY KEY,
    source_id         TEXT    NOT NULL REFERENCES sources (id),
    external_id       TEXT    NOT NULL,
    user_name         TEXT    NOT NULL,
    user_name_fold    TEXT    NOT NULL,
    display_name      TEXT    NOT NULL,
    display_name_fold TEXT    NOT NULL,
    active            BOOLEAN NOT NULL,
    external          BOOLEAN NOT NULL,    -- userType says guest
    emails            TEXT    NOT NULL,    -- JSON array, the primary one first
    version           BIGINT  NOT NULL,
    created_at        BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL,
    deleted_at        BIGINT  NOT NULL,
    attributes        TEXT    NOT NULL     -- the resource as the IdP sent it
);
CREATE UNIQUE INDEX users_user_name ON users (source_id, user_name_fold) WHERE deleted_at = 0;
CREATE UNIQUE INDEX users_external_id ON users (source_id, external_id) WHERE deleted_at = 0 AND external_id <> '';
CREATE UNIQUE INDEX users_walk ON users (source_id, id) WHERE deleted_at = 0;
CREATE INDEX users_display_name ON users (source_id, display_name_fold, id) WHERE deleted_at = 0;
CREATE INDEX users_deleted ON users (source_id, user_name_fold) WHERE deleted_at > 0;
CREATE INDEX users_any_external_id ON users (external_id) WHERE external_id <> '';
CREATE INDEX users_any_user_name ON users (user_name_fold);

CREATE TABLE user_emails (
    email_fold TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (email_fold, user_id)
) WITHOUT ROWID;
CREATE INDEX user_emails_user ON user_emails (user_id);

CREATE TABLE groups (
    id                TEXT   NOT NULL PRIMARY KEY,
    source_id         TEXT   NOT NULL REFERENCES sources (id),
    external_id       TEXT   NOT NULL,
    display_name      TEXT   NOT NULL,
    display_name_fold TEXT   NOT NULL,
    version           BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    deleted_at        BIGINT NOT NULL,
    attributes        TEXT   NOT NULL
);
CREATE UNIQUE INDEX groups_external_id ON groups (source_id, external_id) WHERE deleted_at = 0 AND external_id <> '';
CREATE UNIQUE INDEX groups_walk ON groups (source_id, id) WHERE deleted_at = 0;
CREATE INDEX groups_display_name ON groups (display_name_fold, source_id, id);
CREATE INDEX groups_any_external_id ON groups (external_id) WHERE external_id <> '';

-- A membership may name someone who has not arrived yet: no foreign key on value.
CREATE TABLE memberships (
    group_id   TEXT   NOT NULL REFERENCES groups (id),
    value      TEXT   NOT NULL,
    kind       TEXT   NOT NULL,            -- '' until it is known, User, Group
    display    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (group_id, value)
) WITHOUT ROWID;
CREATE INDEX memberships_value ON memberships (value, group_id);

-- The provisioning log: what each SCIM request was, and what came of it.
CREATE TABLE exchanges (
    id          TEXT   NOT NULL PRIMARY KEY,
    source_id   TEXT   NOT NULL,           -- '' when nobody was authenticated
    at          BIGINT NOT NULL,
    status      BIGINT NOT NULL,
    method      TEXT   NOT NULL,
    path        TEXT   NOT NULL,
    doc         TEXT   NOT NULL            -- the rest, JSON
);
CREATE INDEX exchanges_source ON exchanges (source_id, id);
CREATE INDEX exchanges_at ON exchanges (at);

CREATE TABLE exchange_subjects (
    subject     TEXT NOT NULL,             -- id of a person or group
    exchange_id TEXT NOT NULL REFERENCES exchanges (id) ON DELETE CASCADE,
    PRIMARY KEY (subject, exchange_id)
) WITHOUT ROWID;
CREATE INDEX exchange_subjects_exchange ON exchange_subjects (exchange_id);

-- +goose Down
DROP TABLE exchange_subjects;
DROP TABLE exchanges;
DROP TABLE memberships;
DROP TABLE groups;
DROP TABLE user_emails;
DROP TABLE users;
DROP TABLE tokens;
DROP TABLE sources;
