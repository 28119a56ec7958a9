-- The rows of a plan are written a few at a time: they count once as_of, the time
-- of the hub's current plan, has come to theirs. What a page shows of a plan, and
-- in which order, is found by an index.

-- +goose Up
ALTER TABLE current_plans ADD COLUMN as_of BIGINT NOT NULL DEFAULT 0;
UPDATE current_plans SET as_of = COALESCE((SELECT max(p.made_at) FROM plans p WHERE p.hub_id = current_plans.hub_id), 0);

ALTER TABLE plan_rows ADD COLUMN pressing BIGINT NOT NULL DEFAULT -1; -- place of the row's verdict in bridge.Verdicts; -1 when an adbridge of before wrote it
ALTER TABLE plan_rows ADD COLUMN standing TEXT NOT NULL DEFAULT '';
ALTER TABLE plan_rows ADD COLUMN presence TEXT NOT NULL DEFAULT '';
ALTER TABLE plan_rows ADD COLUMN find TEXT NOT NULL DEFAULT ''; -- by what people look for a row, folded; '' when it is to be read from doc
-- A row that is fine may have a step that is not; no other text of a row has these quotes.
UPDATE plan_rows SET standing = COALESCE(doc ->> 'standing', ''), presence = COALESCE(doc ->> 'presence', ''), pressing = CASE
    WHEN doc ->> 'verdict' = 'needs-person' THEN 0
    WHEN doc ->> 'verdict' = 'held' THEN 1
    WHEN doc ->> 'verdict' = 'do' THEN 2
    WHEN doc ->> 'verdict' = 'waiting' THEN 3
    WHEN doc ->> 'verdict' = 'would' THEN 4
    WHEN doc ->> 'verdict' = 'suppressed' THEN 5
    WHEN doc LIKE '%"verdict":"needs-person"%' THEN 0
    WHEN doc LIKE '%"verdict":"held"%' THEN 1
    WHEN doc LIKE '%"verdict":"do"%' THEN 2
    WHEN doc LIKE '%"verdict":"waiting"%' THEN 3
    WHEN doc LIKE '%"verdict":"would"%' THEN 4
    WHEN doc LIKE '%"verdict":"suppressed"%' THEN 5
    ELSE 6 END
    WHERE ended_at = 0;
CREATE INDEX plan_rows_page ON plan_rows (hub_id, pressing, place, standing, presence, began_at, member_id, row_key) WHERE ended_at = 0;
CREATE INDEX plan_rows_ended ON plan_rows (hub_id, ended_at) WHERE ended_at > 0;

-- +goose Down
DROP INDEX plan_rows_ended;
DROP INDEX plan_rows_page;
ALTER TABLE plan_rows DROP COLUMN find;
ALTER TABLE plan_rows DROP COLUMN presence;
ALTER TABLE plan_rows DROP COLUMN standing;
ALTER TABLE plan_rows DROP COLUMN pressing;
ALTER TABLE current_plans DROP COLUMN as_of;
