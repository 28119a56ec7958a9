-- Access to assets: what rules give, what members have, what is wanted, and
-- what is on its way. Lists are JSON, '' when empty.

-- +goose Up
ALTER TABLE rules ADD COLUMN assets TEXT NOT NULL DEFAULT '';
ALTER TABLE members ADD COLUMN assets TEXT NOT NULL DEFAULT '';
ALTER TABLE desired ADD COLUMN assets TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN asset TEXT NOT NULL DEFAULT ''; -- kind:id, or kind alone
ALTER TABLE tasks ADD COLUMN roles TEXT NOT NULL DEFAULT ''; -- what the person is to have on it
ALTER TABLE tasks ADD COLUMN ours TEXT NOT NULL DEFAULT '';  -- of these, what the rules give
ALTER TABLE pulls ADD COLUMN assets TEXT NOT NULL DEFAULT ''; -- those read, and how that went

-- +goose Down
ALTER TABLE pulls DROP COLUMN assets;
ALTER TABLE tasks DROP COLUMN ours;
ALTER TABLE tasks DROP COLUMN roles;
ALTER TABLE tasks DROP COLUMN asset;
ALTER TABLE desired DROP COLUMN assets;
ALTER TABLE members DROP COLUMN assets;
ALTER TABLE rules DROP COLUMN assets;
