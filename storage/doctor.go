package storage

import (
	"context"
	"fmt"
	"time"

	"adbridge/bridge"
)

// Of a large source the doctor looks at its newest users, groups and
// memberships only: it may be asked for while people wait for a page.
const (
	doctorUsers       = 10_000
	doctorGroups      = 2_000
	doctorMemberships = 20_000
	doctorEveryone    = 100 // groups compared with all users
)

// addFirsts keeps when a source did something for the first time. It is part of
// writing the provisioning log, which forgets.
func (tx *Tx) addFirsts(ctx context.Context, exchanges []bridge.Exchange) error {
	type key struct {
		source string
		what   bridge.First
	}
	at := map[key]time.Time{}
	for _, e := range exchanges {
		for _, f := range bridge.FirstsOf(e) {
			k := key{e.SourceID, f}
			if old, ok := at[k]; !ok || e.At.Before(old) {
				at[k] = e.At
			}
		}
	}
	for k, t := range at {
		if _, err := tx.exec(ctx, `INSERT INTO source_firsts (source_id, what, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			k.source, string(k.what), micros(t)); err != nil {
			return fmt.Errorf("firsts of source %s: %w", k.source, err)
		}
	}
	return nil
}

// Firsts are what a source has done, and when first.
func (tx *Tx) Firsts(ctx context.Context, sourceID string) (map[bridge.First]time.Time, error) {
	type first struct {
		what bridge.First
		at   time.Time
	}
	list, err := collect(ctx, tx, func(row scanner) (f first, err error) {
		err = row.Scan(&f.what, intoTime(&f.at))
		return f, err
	}, `SELECT what, at FROM source_firsts WHERE source_id = $1`, sourceID)
	out := map[bridge.First]time.Time{}
	for _, f := range list {
		out[f.what] = f.at
	}
	return out, named(err, "firsts of source %s", sourceID)
}

// LastGap is how long a source was quiet between its last two visits.
func (tx *Tx) LastGap(ctx context.Context, sourceID string) (time.Duration, error) {
	var gap int64
	err := tx.row(ctx, `SELECT last_gap FROM sources WHERE id = $1`, sourceID).Scan(&gap)
	return time.Duration(gap) * time.Microsecond, named(err, "source %s", sourceID)
}

// FailedExchanges are the requests of a source that were refused or failed
// since a time, newest first.
func (tx *Tx) FailedExchanges(ctx context.Context, sourceID string, since time.Time, limit int) ([]bridge.Exchange, error) {
	list, err := collect(ctx, tx, scanExchange, `SELECT doc FROM exchanges WHERE source_id = $1 AND status >= 400 AND at >= $2
		ORDER BY id DESC LIMIT $3`, sourceID, micros(since), limit)
	return list, named(err, "exchanges")
}

// DirectoryFacts looks at what a source has pushed. What is younger than settled
// may still be on its way.
func (tx *Tx) DirectoryFacts(ctx context.Context, sourceID string, settled time.Time) (bridge.DirectoryFacts, error) {
	var f bridge.DirectoryFacts
	active, err := tx.userFacts(ctx, sourceID, settled, &f)
	if err == nil {
		err = tx.groupFacts(ctx, sourceID, settled, active, &f)
	}
	return f, named(err, "what source %s has pushed", sourceID)
}

// userFacts looks at the users, and gives how many are active when it has seen all.
func (tx *Tx) userFacts(ctx context.Context, sourceID string, settled time.Time, f *bridge.DirectoryFacts) (active int, err error) {
	type user struct {
		bridge.Person
		created time.Time
		grouped bool
		twin    string // an older active user with the same externalId
	}
	users, err := collect(ctx, tx, func(row scanner) (u user, err error) {
		err = row.Scan(&u.UserName, intoJSON(&u.Emails), &u.Active, intoTime(&u.created), &u.grouped, &u.twin)
		return u, err
	}, `SELECT u.user_name, u.emails, u.active, u.created_at, EXISTS (SELECT 1 FROM memberships m WHERE m.value = u.id),
		CASE WHEN u.external_id = '' THEN '' ELSE COALESCE((SELECT MIN(o.user_name) FROM users o WHERE o.source_id = u.source_id AND o.external_id = u.external_id
			AND o.external_id <> '' AND o.deleted_at = 0 AND o.active AND o.id < u.id), '') END
		FROM users u WHERE u.source_id = $1 AND u.deleted_at = 0 ORDER BY u.id DESC LIMIT $2`, sourceID, doctorUsers)
	if err != nil {
		return 0, err
	}
	f.Users = len(users)
	for _, u := range users {
		if !u.Active {
			f.Inactive = true
			continue
		}
		active++
		if u.twin != "" {
			f.OneExternalID.Add(u.UserName+" and "+u.twin, time.Time{})
		}
		// Some letters around one @: what an inbox needs is for the platform to say.
		if name := (bridge.Person{UserName: u.UserName}); name.Email() == "" {
			if len(u.Emails) == 0 {
				f.NoAddress.Add(u.UserName, time.Time{})
			} else {
				f.NotEmail.Add(u.UserName, time.Time{})
			}
		}
		if !u.grouped && u.created.Before(settled) {
			f.InNoGroup.Add(u.UserName, time.Time{})
		}
	}
	if len(users) == doctorUsers {
		active = 0
	}
	return active, nil
}

func (tx *Tx) groupFacts(ctx context.Context, sourceID string, settled time.Time, active int, f *bridge.DirectoryFacts) error {
	type group struct {
		id, name string
		updated  time.Time
		filled   bool
	}
	groups, err := collect(ctx, tx, func(row scanner) (g group, err error) {
		err = row.Scan(&g.id, &g.name, intoTime(&g.updated), &g.filled)
		return g, err
	}, `SELECT g.id, g.display_name, g.updated_at, EXISTS (SELECT 1 FROM memberships m WHERE m.group_id = g.id)
		FROM groups g WHERE g.source_id = $1 AND g.deleted_at = 0 ORDER BY g.id DESC LIMIT $2`, sourceID, doctorGroups)
	if err != nil {
		return err
	}
	f.Groups = len(groups)
	for _, g := range groups {
		old := g.updated.Before(settled)
		if old {
			f.Settled++
		}
		if g.filled {
			f.Members = true
		} else if old {
			f.EmptyGroups.Add(g.name, time.Time{})
		}
	}
	if active >= 3 { // of fewer it means nothing
		for _, g := range groups[:min(len(groups), doctorEveryone)] {
			var n int
			err := tx.scanOne(ctx, &n, `SELECT COUNT(*) FROM memberships m JOIN users u ON u.id = m.value AND u.deleted_at = 0 AND u.active
				WHERE m.group_id = $1`, g.id)
			if err != nil {
				return err
			}
			if n == active {
				f.Everyone = g.name
				break
			}
		}
	}
	names, err := collect(ctx, tx, scanText, `SELECT MIN(display_name) FROM groups WHERE source_id = $1 AND deleted_at = 0
		GROUP BY display_name_fold HAVING COUNT(*) > 1 ORDER BY 1 LIMIT 100`, sourceID)
	if err != nil {
		return err
	}
	for _, n := range names {
		f.SameName.Add(fmt.Sprintf("%q", n), time.Time{})
	}
	type stray struct {
		group, value string
		at           time.Time
	}
	strays, err := collect(ctx, tx, func(row scanner) (s stray, err error) {
		err = row.Scan(&s.group, &s.value, intoTime(&s.at))
		return s, err
	}, `SELECT n.display_name, n.value, n.created_at FROM (SELECT g.display_name, m.value, m.created_at
			FROM groups g JOIN memberships m ON m.group_id = g.id WHERE g.source_id = $1 AND g.deleted_at = 0 ORDER BY g.id DESC LIMIT $3) n
		WHERE n.created_at < $2 AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = n.value AND u.deleted_at = 0)
		AND NOT EXISTS (SELECT 1 FROM groups x WHERE x.id = n.value AND x.deleted_at = 0) LIMIT 1000`, sourceID, micros(settled), doctorMemberships)
	for _, s := range strays {
		f.UnknownMembers.Add(fmt.Sprintf("%s in %q", s.value, s.group), s.at)
	}
	return err
}

// UserNamed is how a live user spells a userName, "" when there is none of the
// name in any letters.
func (tx *Tx) UserNamed(ctx context.Context, sourceID, userName string) (string, error) {
	names, err := collect(ctx, tx, scanText, `SELECT user_name FROM users WHERE source_id = $1 AND user_name_fold = $2 AND deleted_at = 0`,
		sourceID, bridge.Fold(userName))
	if err != nil || len(names) == 0 {
		return "", named(err, "user %s", userName)
	}
	return names[0], nil
}
