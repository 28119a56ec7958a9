-- Who may be behind a masked address (d**a@example.com): the length, the first
-- character, and from the last one before the @ on, of every address. See maskOf,
-- which has the same words.

-- +goose Up
CREATE INDEX user_emails_mask ON user_emails (
    (CAST(length(email_fold) AS VARCHAR) || substr(email_fold, 1, 1) || substr(email_fold, length(rtrim(email_fold, replace(email_fold, '@', ''))) - 1)), user_id);
CREATE INDEX users_mask ON users (
    (CAST(length(user_name_fold) AS VARCHAR) || substr(user_name_fold, 1, 1) || substr(user_name_fold, length(rtrim(user_name_fold, replace(user_name_fold, '@', ''))) - 1)), id);

-- +goose Down
DROP INDEX users_mask;
DROP INDEX user_emails_mask;
