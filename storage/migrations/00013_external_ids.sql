-- The IdP answers for its externalIds: several may have the same (RFC 7643 section 3.1).

-- +goose Up
DROP INDEX users_external_id;
CREATE INDEX users_external_id ON users (source_id, external_id, id) WHERE deleted_at = 0 AND external_id <> '';
DROP INDEX groups_external_id;
CREATE INDEX groups_external_id ON groups (source_id, external_id, id) WHERE deleted_at = 0 AND external_id <> '';

-- +goose Down
DROP INDEX users_external_id;
CREATE UNIQUE INDEX users_external_id ON users (source_id, external_id) WHERE deleted_at = 0 AND external_id <> '';
DROP INDEX groups_external_id;
CREATE UNIQUE INDEX groups_external_id ON groups (source_id, external_id) WHERE deleted_at = 0 AND external_id <> '';
