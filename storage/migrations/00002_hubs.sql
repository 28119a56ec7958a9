-- The hubs: what ought to be on them, what is, what is on its way, and the
-- record of it all. Times are microseconds UTC, 0 for none; documents are
-- JSON in TEXT.

-- +goose Up

-- A hub is never deleted: what was done on it stays on record. Its slug and
-- its business are free again once removed_at is set.
CREATE TABLE hubs (
    id            TEXT PRIMARY KEY,
    slug          TEXT NOT NULL,
    platform      TEXT NOT NULL,
    business_id   TEXT NOT NULL,
    business_name TEXT NOT NULL DEFAULT '',
    api_url       TEXT NOT NULL DEFAULT '',
    app_id        TEXT NOT NULL DEFAULT '',
    self_id       TEXT NOT NULL DEFAULT '',
    self_name     TEXT NOT NULL DEFAULT '',
    mode          TEXT NOT NULL,
    halt          TEXT NOT NULL DEFAULT '', -- JSON, '' when the hub is not halted
    settings      TEXT NOT NULL,            -- JSON
    generation    BIGINT NOT NULL,          -- without the marks below
    created_at    BIGINT NOT NULL,
    removed_at    BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX hubs_slug ON hubs (slug) WHERE removed_at = 0;
-- Two lanes on one business would each keep to its own limits and together break them.
CREATE UNIQUE INDEX hubs_business ON hubs (platform, business_id, api_url) WHERE removed_at = 0;

-- One row each time something moved that a plan may look at. Marks are only
-- added, so that SCIM traffic never waits for a row that someone else changes;
-- planning folds them into hubs.generation.
CREATE TABLE hub_marks (
    hub_id TEXT NOT NULL,
    id     TEXT NOT NULL,
    PRIMARY KEY (hub_id, id)
);

-- Sealed values only; see seal.go.
CREATE TABLE credentials (
    hub_id     TEXT PRIMARY KEY REFERENCES hubs (id),
    token      TEXT NOT NULL DEFAULT '',
    app_secret TEXT NOT NULL DEFAULT '',
    set_at     BIGINT NOT NULL
);

CREATE TABLE lanes (
    hub_id        TEXT PRIMARY KEY REFERENCES hubs (id),
    holder        TEXT NOT NULL DEFAULT '', -- '' when free
    token         BIGINT NOT NULL DEFAULT 0, -- fencing token: only ever grows
    held_until    BIGINT NOT NULL DEFAULT 0,
    planned       BIGINT NOT NULL DEFAULT 0, -- the generation of the last plan
    plan_at       BIGINT NOT NULL DEFAULT 0,
    pull_at       BIGINT NOT NULL DEFAULT 0,
    backoff_until BIGINT NOT NULL DEFAULT 0,
    invite_after  BIGINT NOT NULL DEFAULT 0,
    failures      BIGINT NOT NULL DEFAULT 0,
    pull_asked    BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE TABLE rules (
    id         TEXT PRIMARY KEY,
    hub_id     TEXT NOT NULL REFERENCES hubs (id),
    source_id  TEXT NOT NULL DEFAULT '', -- '' = any source
    group_id   TEXT NOT NULL DEFAULT '', -- SCIM id or externalId; '' = by name
    group_name TEXT NOT NULL DEFAULT '',
    group_fold TEXT NOT NULL DEFAULT '',
    role       TEXT NOT NULL,
    ord        BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    removed_at BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX rules_once ON rules (hub_id, source_id, group_id, group_fold, role) WHERE removed_at = 0;
CREATE INDEX rules_group ON rules (group_id) WHERE removed_at = 0 AND group_id <> '';
CREATE INDEX rules_name ON rules (group_fold) WHERE removed_at = 0 AND group_id = '';

CREATE TABLE members (
    id            TEXT PRIMARY KEY,
    hub_id        TEXT NOT NULL REFERENCES hubs (id),
    kind          TEXT NOT NULL,
    presence      TEXT NOT NULL,
    platform_id   TEXT NOT NULL DEFAULT '',
    invitation_id TEXT NOT NULL DEFAULT '',
    email         TEXT NOT NULL DEFAULT '',
    masked        BOOLEAN NOT NULL DEFAULT FALSE,
    name          TEXT NOT NULL DEFAULT '',
    role          TEXT NOT NULL,
    access        TEXT NOT NULL, -- JSON
    expires_at    BIGINT NOT NULL DEFAULT 0,
    person_id     TEXT NOT NULL DEFAULT '',
    matched       TEXT NOT NULL DEFAULT '', -- JSON of the match
    disputed      BOOLEAN NOT NULL DEFAULT FALSE,
    suggestions   TEXT NOT NULL DEFAULT '', -- JSON
    ownership     TEXT NOT NULL,
    applied       TEXT NOT NULL DEFAULT '',
    applied_at    BIGINT NOT NULL DEFAULT 0,
    first_seen    BIGINT NOT NULL DEFAULT 0,
    last_seen     BIGINT NOT NULL DEFAULT 0,
    gone_at       BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX members_hub ON members (hub_id, gone_at);
CREATE UNIQUE INDEX members_platform ON members (hub_id, platform_id) WHERE platform_id <> '' AND presence <> 'gone';
CREATE INDEX members_person ON members (person_id) WHERE person_id <> '';

CREATE TABLE invitations (
    id          TEXT PRIMARY KEY,
    hub_id      TEXT NOT NULL REFERENCES hubs (id),
    person_id   TEXT NOT NULL,
    email       TEXT NOT NULL,
    email_fold  TEXT NOT NULL,
    role        TEXT NOT NULL,
    state       TEXT NOT NULL,
    attempt     BIGINT NOT NULL,
    platform_id TEXT NOT NULL DEFAULT '',
    member_id   TEXT NOT NULL DEFAULT '',
    sent_at     BIGINT NOT NULL DEFAULT 0,
    seen_at     BIGINT NOT NULL DEFAULT 0,
    ended_at    BIGINT NOT NULL DEFAULT 0,
    expires_at  BIGINT NOT NULL DEFAULT 0,
    next_try    BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX invitations_open ON invitations (hub_id, email_fold) WHERE state IN ('sent', 'pending');
CREATE INDEX invitations_hub ON invitations (hub_id, person_id);
CREATE INDEX invitations_person ON invitations (person_id);

CREATE TABLE desired (
    hub_id    TEXT NOT NULL REFERENCES hubs (id),
    person_id TEXT NOT NULL,
    role      TEXT NOT NULL,
    since     BIGINT NOT NULL DEFAULT 0,
    cause     TEXT NOT NULL DEFAULT '',
    why       TEXT NOT NULL DEFAULT '', -- JSON
    PRIMARY KEY (hub_id, person_id)
);
CREATE INDEX desired_person ON desired (person_id);

CREATE TABLE decisions (
    id        TEXT PRIMARY KEY,
    hub_id    TEXT NOT NULL REFERENCES hubs (id),
    kind      TEXT NOT NULL,
    member_id TEXT NOT NULL DEFAULT '',
    person_id TEXT NOT NULL DEFAULT '',
    subject   TEXT NOT NULL DEFAULT '',
    role      TEXT NOT NULL DEFAULT '',
    max       BIGINT NOT NULL DEFAULT 0,
    reason    TEXT NOT NULL DEFAULT '',
    decider   TEXT NOT NULL DEFAULT '',
    at        BIGINT NOT NULL,
    until     BIGINT NOT NULL DEFAULT 0,
    undone_at BIGINT NOT NULL DEFAULT 0,
    undone_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX decisions_hub ON decisions (hub_id, undone_at);
CREATE INDEX decisions_person ON decisions (person_id) WHERE person_id <> '';

CREATE TABLE pulls (
    id             TEXT PRIMARY KEY,
    hub_id         TEXT NOT NULL REFERENCES hubs (id),
    started_at     BIGINT NOT NULL,
    ended_at       BIGINT NOT NULL DEFAULT 0,
    complete       BOOLEAN NOT NULL DEFAULT FALSE,
    error          TEXT NOT NULL DEFAULT '',
    reason         TEXT NOT NULL DEFAULT '',
    business_id    TEXT NOT NULL DEFAULT '',
    members        BIGINT NOT NULL DEFAULT 0,
    previous       BIGINT NOT NULL DEFAULT 0,
    platform_total BIGINT NOT NULL DEFAULT -1,
    calls          BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX pulls_hub ON pulls (hub_id, started_at);
CREATE INDEX pulls_complete ON pulls (hub_id, started_at) WHERE complete;

-- One row for every plan that differed from the one before it.
CREATE TABLE plans (
    id       TEXT PRIMARY KEY,
    hub_id   TEXT NOT NULL REFERENCES hubs (id),
    made_at  BIGINT NOT NULL,
    hash     TEXT NOT NULL,
    counts   TEXT NOT NULL, -- JSON: rows by action and verdict
    head     TEXT NOT NULL  -- JSON: the plan without its rows and wishes
);
CREATE INDEX plans_hub ON plans (hub_id, made_at);

CREATE TABLE current_plans (
    hub_id     TEXT PRIMARY KEY REFERENCES hubs (id),
    plan_id    TEXT NOT NULL REFERENCES plans (id),
    hash       TEXT NOT NULL,
    generation BIGINT NOT NULL,
    next_at    BIGINT NOT NULL DEFAULT 0
);

-- Plan rows with the time they were true: a plan that changes one row writes
-- one row, and "what was wanted on 31 March, and why" reads like today's plan.
CREATE TABLE plan_rows (
    hub_id    TEXT NOT NULL REFERENCES hubs (id),
    row_key   TEXT NOT NULL,
    began_at  BIGINT NOT NULL,
    ended_at  BIGINT NOT NULL DEFAULT 0,
    plan_id   TEXT NOT NULL, -- the first plan that had the row so
    person_id TEXT NOT NULL DEFAULT '',
    member_id TEXT NOT NULL DEFAULT '',
    place     BIGINT NOT NULL, -- the row's place among the rows
    doc       TEXT NOT NULL    -- JSON of the row
);
CREATE UNIQUE INDEX plan_rows_now ON plan_rows (hub_id, row_key) WHERE ended_at = 0;
CREATE INDEX plan_rows_then ON plan_rows (hub_id, began_at);
CREATE INDEX plan_rows_person ON plan_rows (person_id, hub_id, began_at) WHERE person_id <> '';

CREATE TABLE tasks (
    id            TEXT PRIMARY KEY,
    hub_id        TEXT NOT NULL REFERENCES hubs (id),
    row_key       TEXT NOT NULL,
    action        TEXT NOT NULL,
    person_id     TEXT NOT NULL DEFAULT '',
    member_id     TEXT NOT NULL DEFAULT '',
    invitation_id TEXT NOT NULL DEFAULT '',
    email         TEXT NOT NULL DEFAULT '',
    name          TEXT NOT NULL DEFAULT '',
    platform_id   TEXT NOT NULL DEFAULT '',
    from_role     TEXT NOT NULL DEFAULT '',
    to_role       TEXT NOT NULL DEFAULT '',
    state         TEXT NOT NULL,
    reason        TEXT NOT NULL DEFAULT '',
    cause         TEXT NOT NULL DEFAULT '',
    detail        TEXT NOT NULL DEFAULT '',
    attempt       BIGINT NOT NULL DEFAULT 0,
    ord           BIGINT NOT NULL DEFAULT 0,
    sent          BIGINT NOT NULL DEFAULT 0,
    request_id    TEXT NOT NULL DEFAULT '',
    correlation   TEXT NOT NULL DEFAULT '',
    decision      TEXT NOT NULL DEFAULT '', -- the approval or override it rests on
    created_at    BIGINT NOT NULL,
    about_to_at   BIGINT NOT NULL DEFAULT 0,
    not_before    BIGINT NOT NULL DEFAULT 0,
    ended_at      BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX tasks_open ON tasks (hub_id, row_key)
    WHERE state IN ('ready', 'running', 'waiting', 'accepted', 'held');
CREATE INDEX tasks_next ON tasks (hub_id, state, ord, created_at, id)
    WHERE state IN ('ready', 'running', 'waiting', 'accepted', 'held');
CREATE INDEX tasks_done ON tasks (hub_id, about_to_at) WHERE about_to_at > 0;
CREATE INDEX tasks_hub ON tasks (hub_id, id);
CREATE INDEX tasks_person ON tasks (person_id, id) WHERE person_id <> '';

-- The audit trail. seq is 0 until the sealer has chained the event.
-- It refers to nothing by a key: a line outlives what it speaks of.
CREATE TABLE events (
    id          TEXT PRIMARY KEY,
    seq         BIGINT NOT NULL DEFAULT 0,
    at          BIGINT NOT NULL,
    actor       TEXT NOT NULL,
    action      TEXT NOT NULL,
    source_id   TEXT NOT NULL DEFAULT '',
    hub_id      TEXT NOT NULL DEFAULT '',
    person_id   TEXT NOT NULL DEFAULT '',
    group_id    TEXT NOT NULL DEFAULT '',
    member_id   TEXT NOT NULL DEFAULT '',
    task_id     TEXT NOT NULL DEFAULT '',
    pull_id     TEXT NOT NULL DEFAULT '',
    subject     TEXT NOT NULL DEFAULT '',
    correlation TEXT NOT NULL DEFAULT '',
    detail      TEXT NOT NULL DEFAULT '', -- JSON
    prev        TEXT NOT NULL DEFAULT '',
    hash        TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX events_seq ON events (seq) WHERE seq > 0;
CREATE INDEX events_unsealed ON events (id) WHERE seq = 0;
-- What an event is about is indexed once it is sealed: before, it is one of a
-- few, and each index with seq would be written twice.
CREATE INDEX events_at ON events (at, seq) WHERE seq > 0;
CREATE INDEX events_hub ON events (hub_id, seq) WHERE hub_id <> '' AND seq > 0;
CREATE INDEX events_person ON events (person_id, seq) WHERE person_id <> '' AND seq > 0;
CREATE INDEX events_task ON events (task_id, seq) WHERE task_id <> '' AND seq > 0;
CREATE INDEX events_correlation ON events (correlation, seq) WHERE correlation <> '' AND seq > 0;

-- The end of the chain. Whoever seals locks this row first.
CREATE TABLE audit_chain (
    id   BIGINT PRIMARY KEY,
    seq  BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_chain (id, seq, hash) VALUES (1, 0, '');

CREATE TABLE audit_keys (
    id         TEXT PRIMARY KEY, -- the public key's fingerprint
    public_key TEXT NOT NULL,    -- base64
    sealed     TEXT NOT NULL,    -- the private key's seed, sealed
    created_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX audit_keys_one ON audit_keys ((ended_at = 0)) WHERE ended_at = 0;

CREATE TABLE checkpoints (
    seq        BIGINT PRIMARY KEY,
    at         BIGINT NOT NULL,
    hash       TEXT NOT NULL,
    signed_by  TEXT NOT NULL,
    signature  TEXT NOT NULL
);

CREATE TABLE reports (
    id      TEXT PRIMARY KEY,
    hub_id  TEXT NOT NULL REFERENCES hubs (id),
    made_at BIGINT NOT NULL,
    head    TEXT NOT NULL, -- JSON: the report without its rows
    body    TEXT NOT NULL  -- the rows: JSON, gzip, base64
);
CREATE INDEX reports_hub ON reports (hub_id, made_at);

-- Who is signed in to the admin pages. Only hashes: a copy of the database opens no page.
CREATE TABLE sessions (
    hash       TEXT PRIMARY KEY,
    subject    TEXT NOT NULL,
    csrf       TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE sign_ins (
    hash       TEXT PRIMARY KEY,
    subject    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL DEFAULT 0
);

-- +goose Down
DROP TABLE sign_ins;
DROP TABLE sessions;
DROP TABLE reports;
DROP TABLE checkpoints;
DROP TABLE audit_keys;
DROP TABLE audit_chain;
DROP TABLE events;
DROP TABLE tasks;
DROP TABLE plan_rows;
DROP TABLE current_plans;
DROP TABLE plans;
DROP TABLE pulls;
DROP TABLE decisions;
DROP TABLE desired;
DROP TABLE invitations;
DROP TABLE members;
DROP TABLE rules;
DROP TABLE lanes;
DROP TABLE credentials;
DROP TABLE hub_marks;
DROP TABLE hubs;
