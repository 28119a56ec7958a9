package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"adbridge/bridge"
)

const personColumns = `u.id, u.source_id, u.external_id, u.user_name, u.display_name, u.emails, u.active, u.external, u.deleted_at`

const userColumns = personColumns + `, u.version, u.created_at, u.updated_at, u.attributes`

func personFields(p *bridge.Person) []any {
	return []any{&p.ID, &p.SourceID, &p.ExternalID, &p.UserName, &p.DisplayName, intoJSON(&p.Emails),
		&p.Active, &p.External, intoTime(&p.DeletedAt)}
}

func scanPerson(row scanner) (bridge.Person, error) {
	var p bridge.Person
	err := row.Scan(personFields(&p)...)
	return p, err
}

func scanUser(row scanner) (bridge.User, error) { return scanUserAnd(row) }

// scanUserAnd reads a user and what else the query asks for.
func scanUserAnd(row scanner, more ...any) (bridge.User, error) {
	var u bridge.User
	var emails, doc string
	var created, updated, deleted int64
	dest := [16]any{&u.ID, &u.SourceID, &u.ExternalID, &u.UserName, &u.DisplayName, &emails, &u.Active, &u.External, &deleted,
		&u.Version, &created, &updated, &doc}
	if err := row.Scan(append(dest[:13], more...)...); err != nil {
		return u, err
	}
	var err error
	u.DeletedAt, u.CreatedAt, u.UpdatedAt = fromMicros(deleted), fromMicros(created), fromMicros(updated)
	if u.Attributes, err = decodeDocument(doc); err != nil {
		return u, fmt.Errorf("user %s: %w", u.ID, err)
	}
	d := decoder{s: emails}
	list, err := d.value()
	if err != nil {
		return u, fmt.Errorf("user %s: %w", u.ID, err)
	}
	for _, e := range list.([]any) {
		u.Emails = append(u.Emails, e.(string))
	}
	return u, nil
}

// userTexts are the documents of a row.
func userTexts(u bridge.User) (emails, attributes string, err error) {
	b := []byte{'['}
	for i, e := range u.Emails {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendString(b, e); err != nil {
			return "", "", fmt.Errorf("emails: %w", err)
		}
	}
	emails = string(append(b, ']'))
	for name, v := range map[string]string{"userName": u.UserName, "externalId": u.ExternalID, "displayName": u.DisplayName} {
		if _, err := appendString(nil, v); err != nil {
			return "", "", fmt.Errorf("%s: %w", name, err)
		}
	}
	attributes, err = encodeDocument(u.Attributes)
	return emails, attributes, err
}

// foldedEmails are the keys under which a user's e-mails are found: those the
// bridge works with, and every emails[].value.
func foldedEmails(u bridge.User) []string {
	var out []string
	add := func(e string) {
		if e = bridge.FoldEmail(e); e != "" && !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	for _, e := range u.Emails {
		add(e)
	}
	list, _ := u.Attributes["emails"].([]any)
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			if v, ok := m["value"].(string); ok {
				add(v)
			}
		}
	}
	return out
}

// InsertUser saves a new user. ErrExists says that another live user of the
// source has the userName already. An externalId is the IdP's to give, and may
// be that of several (RFC 7643 section 3.1).
func (tx *Tx) InsertUser(ctx context.Context, u bridge.User) error {
	emails, attributes, err := userTexts(u)
	if err != nil {
		return fmt.Errorf("insert user %s: %w", u.ID, err)
	}
	n, err := tx.exec(ctx, `INSERT INTO users (id, source_id, external_id, user_name, user_name_fold,
		display_name, display_name_fold, active, external, emails, version, created_at, updated_at, deleted_at, attributes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING`,
		u.ID, u.SourceID, u.ExternalID, u.UserName, bridge.Fold(u.UserName), u.DisplayName, bridge.Fold(u.DisplayName),
		u.Active, u.External, emails, u.Version, micros(u.CreatedAt), micros(u.UpdatedAt), micros(u.DeletedAt), attributes)
	if err != nil {
		return fmt.Errorf("insert user %s: %w", u.ID, err)
	}
	if n == 0 {
		if err := tx.userClash(ctx, u); err != nil {
			return err
		}
		return fmt.Errorf("id %s: a user %w", u.ID, bridge.ErrExists)
	}
	for _, e := range foldedEmails(u) {
		if _, err := tx.exec(ctx, `INSERT INTO user_emails (email_fold, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, e, u.ID); err != nil {
			return fmt.Errorf("insert user %s: %w", u.ID, err)
		}
	}
	return nil
}

// userClash says whether another live user has the userName already.
func (tx *Tx) userClash(ctx context.Context, u bridge.User) error {
	var id string
	err := tx.row(ctx, `SELECT id FROM users WHERE `+tx.d.beside("source_id")+` = $1 AND user_name_fold = $2 AND `+tx.d.alive("deleted_at")+` AND id <> $3`,
		u.SourceID, bridge.Fold(u.UserName), u.ID).Scan(&id)
	if err == nil {
		return fmt.Errorf("userName %q: a user %w (%s)", u.UserName, bridge.ErrExists, id)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("user %s: %w", u.ID, err)
	}
	return nil
}

// UpdateUser writes the whole row. u.Version is the new version: ErrConflict
// says that the stored one is not the one before it.
func (tx *Tx) UpdateUser(ctx context.Context, u bridge.User) error {
	emails, attributes, err := userTexts(u)
	if err != nil {
		return fmt.Errorf("update user %s: %w", u.ID, err)
	}
	var version, deleted int64
	var name, oldEmails, oldAttributes string
	err = tx.row(ctx, `SELECT version, user_name_fold, emails, attributes, deleted_at FROM users WHERE id = $1 AND `+tx.d.beside("source_id")+` = $2`,
		u.ID, u.SourceID).Scan(&version, &name, &oldEmails, &oldAttributes, &deleted)
	if err != nil {
		return named(err, "user %s", u.ID)
	}
	if version != u.Version-1 {
		return fmt.Errorf("user %s has version %d, not %d: %w", u.ID, version, u.Version-1, bridge.ErrConflict)
	}
	if u.DeletedAt.IsZero() && (name != bridge.Fold(u.UserName) || deleted != 0) {
		if err := tx.userClash(ctx, u); err != nil {
			return err
		}
	}
	n, err := tx.exec(ctx, `UPDATE users SET external_id = $4, user_name = $5, user_name_fold = $6, display_name = $7,
		display_name_fold = $8, active = $9, external = $10, emails = $11, version = $12, created_at = $13,
		updated_at = $14, deleted_at = $15, attributes = $16 WHERE id = $1 AND `+tx.d.beside("source_id")+` = $2 AND version = $3`,
		u.ID, u.SourceID, u.Version-1, u.ExternalID, u.UserName, bridge.Fold(u.UserName), u.DisplayName, bridge.Fold(u.DisplayName),
		u.Active, u.External, emails, u.Version, micros(u.CreatedAt), micros(u.UpdatedAt), micros(u.DeletedAt), attributes)
	if err != nil {
		return taken(err, "update user %s: userName", u.ID)
	}
	if n == 0 {
		return fmt.Errorf("user %s: %w", u.ID, bridge.ErrConflict)
	}
	if emails == oldEmails && attributes == oldAttributes {
		return nil
	}
	list := jsonList(foldedEmails(u))
	if _, err := tx.exec(ctx, `DELETE FROM user_emails WHERE user_id = $1 AND email_fold NOT IN `+tx.d.list("$2"), u.ID, list); err != nil {
		return fmt.Errorf("update user %s: %w", u.ID, err)
	}
	_, err = tx.exec(ctx, `INSERT INTO user_emails (email_fold, user_id)
		SELECT l.value, $1 FROM `+tx.d.list("$2")+` l WHERE 1 = 1 ON CONFLICT DO NOTHING`, u.ID, list)
	return named(err, "update user %s", u.ID)
}

// User reads a live user.
func (tx *Tx) User(ctx context.Context, sourceID, id string) (bridge.User, error) {
	return tx.user(ctx, sourceID, id, "")
}

func scanUserAndGroups(row scanner) (bridge.User, error) {
	var groups string
	u, err := scanUserAnd(row, &groups)
	if err == nil {
		u.Groups, err = readGroups(groups)
	}
	return u, err
}

// LockUser is User for a change: nobody else changes the user before the
// transaction has ended.
func (tx *Tx) LockUser(ctx context.Context, sourceID, id string) (bridge.User, error) {
	return tx.user(ctx, sourceID, id, tx.d.forUpdate())
}

func (tx *Tx) user(ctx context.Context, sourceID, id, lock string) (bridge.User, error) {
	u, err := scanUser(tx.row(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1 AND `+tx.d.beside("u.source_id")+` = $2 AND `+tx.d.alive("u.deleted_at")+lock,
		id, sourceID))
	return u, named(err, "user %s", id)
}

// DeletedUser finds a deleted user to bring back: by externalId, else by
// userName; the one deleted last. One who has another externalId is someone
// else under the same name, and is not found. Nor is one whose externalId a
// live user has: it does not tell then who somebody is.
func (tx *Tx) DeletedUser(ctx context.Context, sourceID, externalID, userName string) (bridge.User, error) {
	if externalID != "" {
		var id string // asked for alone: nearly always there is none
		err := tx.row(ctx, `SELECT u.id FROM users u WHERE u.external_id = $2 AND u.external_id <> ''
			AND `+tx.d.beside("u.source_id")+` = $1 AND u.deleted_at > 0
			AND NOT EXISTS (SELECT 1 FROM users l WHERE l.source_id = $1 AND l.external_id = $2 AND l.external_id <> '' AND l.deleted_at = 0)
			ORDER BY u.deleted_at DESC, u.id DESC LIMIT 1`, sourceID, externalID).Scan(&id)
		if err == nil {
			u, err := scanUser(tx.row(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1 AND u.deleted_at > 0`+tx.d.forUpdate(), id))
			return u, named(err, "deleted user %s", externalID)
		}
		if !errors.Is(err, sql.ErrNoRows) || userName == "" {
			return bridge.User{}, named(err, "deleted user %s", externalID)
		}
	}
	u, err := scanUser(tx.row(ctx, `SELECT `+userColumns+` FROM users u WHERE `+tx.d.beside("u.source_id")+` = $1 AND u.user_name_fold = $2 AND u.deleted_at > 0
		AND ($3 = '' OR u.external_id = '') ORDER BY u.deleted_at DESC, u.id DESC LIMIT 1`+tx.d.forUpdate(),
		sourceID, bridge.Fold(userName), externalID))
	return u, named(err, "deleted user %s", userName)
}

// Users lists live users of a source.
func (tx *Tx) Users(ctx context.Context, sourceID string, q bridge.Query) (bridge.Page[bridge.User], error) {
	if !q.Groups {
		return list(ctx, tx, userTable, scanUser, sourceID, q)
	}
	t := userTable
	t.columns += ", " + groupsOfUser(tx.d)
	return list(ctx, tx, t, scanUserAndGroups, sourceID, q)
}

// PersonByAnything finds people, deleted ones too, by id, userName, e-mail or
// externalId over all sources; live ones first.
func (tx *Tx) PersonByAnything(ctx context.Context, needle string) ([]bridge.Person, error) {
	people, err := collect(ctx, tx, scanPerson, `SELECT `+personColumns+` FROM users u WHERE u.id IN (
		SELECT id FROM users WHERE id = $1
		UNION SELECT id FROM users WHERE external_id = $1 AND external_id <> ''
		UNION SELECT id FROM users WHERE user_name_fold = $2
		UNION SELECT user_id FROM user_emails WHERE email_fold = $3
		UNION SELECT person_id FROM aliases WHERE undone_at = 0 AND address_fold = $3)
		ORDER BY CASE u.deleted_at WHEN 0 THEN 0 ELSE 1 END, u.id`, needle, bridge.Fold(needle), bridge.FoldEmail(needle))
	if err == nil {
		people, err = tx.withAliases(ctx, people)
	}
	return people, named(err, "person %s", needle)
}

// People reads people by id, deleted ones too, in the order of their ids.
func (tx *Tx) People(ctx context.Context, ids []string) ([]bridge.Person, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	query, args := tx.d.withList(`SELECT `+tx.d.packed(personColumns)+` FROM users u WHERE u.id IN %s ORDER BY u.id`, ids, nil)
	people, err := collectPacked(ctx, tx, scanPerson, query, args...)
	if err == nil {
		people, err = tx.withAliases(ctx, people)
	}
	return people, named(err, "people")
}

// PeopleByEmail finds live people of all sources who have one of the folded
// addresses, as an e-mail, as an alias or as their userName.
func (tx *Tx) PeopleByEmail(ctx context.Context, folded []string) ([]bridge.Person, error) {
	people, err := collectIn(ctx, tx, scanPerson, `SELECT `+personColumns+` FROM users u WHERE u.deleted_at = 0 AND u.id IN (
		SELECT user_id FROM user_emails WHERE email_fold IN %s
		UNION SELECT person_id FROM aliases WHERE undone_at = 0 AND address_fold IN %s
		UNION SELECT id FROM users WHERE user_name_fold IN %s) ORDER BY u.id`, folded)
	if err == nil {
		people, err = tx.withAliases(ctx, people)
	}
	return people, named(err, "people by e-mail")
}
