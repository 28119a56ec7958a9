-- How often the platform said something of a task that it did not show afterwards.

-- +goose Up
ALTER TABLE tasks ADD COLUMN contradicted INT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE tasks DROP COLUMN contradicted;
