-- Tasks and events are kept for good: what is on its way, and what somebody looks
-- for in the record, is found without reading the rest.

-- +goose Up
DROP INDEX tasks_next;
CREATE INDEX tasks_next ON tasks (hub_id, state, ord, created_at, id, not_before, action);
CREATE INDEX tasks_under_way ON tasks (id) WHERE state IN ('ready', 'running', 'waiting', 'accepted', 'held');
CREATE INDEX tasks_member ON tasks (member_id, id) WHERE member_id <> '';
CREATE INDEX tasks_decision ON tasks (decision) WHERE decision <> '';
CREATE INDEX events_action ON events (action, seq) WHERE seq > 0;
CREATE INDEX events_source ON events (source_id, seq) WHERE source_id <> '' AND seq > 0;
CREATE INDEX events_member ON events (member_id, seq) WHERE member_id <> '' AND seq > 0;
CREATE INDEX events_group ON events (group_id, seq) WHERE group_id <> '' AND seq > 0;

-- +goose Down
DROP INDEX events_source;
DROP INDEX events_action;
DROP INDEX tasks_decision;
DROP INDEX events_group;
DROP INDEX events_member;
DROP INDEX tasks_member;
DROP INDEX tasks_under_way;
DROP INDEX tasks_next;
CREATE INDEX tasks_next ON tasks (hub_id, state, ord, created_at, id)
    WHERE state IN ('ready', 'running', 'waiting', 'accepted', 'held');
