-- When the answer to a task's last call came, or was given up. A call may last;
-- until then it may have had its effect at any time.

-- +goose Up
ALTER TABLE tasks ADD COLUMN answered_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE tasks DROP COLUMN answered_at;
