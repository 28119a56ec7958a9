package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"adbridge/bridge"
)

// openStates are the states of a task that is not ended; the partial indexes
// of the table name the same ones.
const openStates = `('ready', 'running', 'waiting', 'accepted', 'held')`

var tasksTable = table{name: "tasks", key: 1, cols: []string{
	"id", "hub_id", "row_key", "action", "person_id", "member_id", "invitation_id", "email", "name", "platform_id",
	"from_role", "to_role", "asset", "roles", "ours", "state", "reason", "cause", "detail", "attempt", "contradicted", "ord", "sent", "request_id", "correlation", "decision",
	"created_at", "about_to_at", "answered_at", "not_before", "ended_at",
}}

var taskColumns = strings.Join(tasksTable.cols, ", ")

func taskRow(t bridge.Task) []any {
	return []any{
		t.ID, t.HubID, t.Key, t.Action, t.PersonID, t.MemberID, t.InvitationID, clean(t.Email), clean(t.Name), t.PlatformID,
		t.From, t.To, assetText(t.Asset), listJSON(t.Roles), listJSON(t.Ours), t.State, t.Reason, t.Cause, clean(t.Detail), t.Attempt, t.Contradicted, t.Order, t.Sent, clean(t.RequestID), t.Correlation, t.Decision,
		micros(t.CreatedAt), micros(t.AboutToAt), micros(t.AnsweredAt), micros(t.NotBefore), micros(t.EndedAt),
	}
}

func scanTask(row scanner) (t bridge.Task, err error) {
	err = row.Scan(
		&t.ID, &t.HubID, &t.Key, &t.Action, &t.PersonID, &t.MemberID, &t.InvitationID, &t.Email, &t.Name, &t.PlatformID,
		&t.From, &t.To, intoAsset(&t.Asset), intoJSON(&t.Roles), intoJSON(&t.Ours), &t.State, &t.Reason, &t.Cause, &t.Detail, &t.Attempt, &t.Contradicted, &t.Order, &t.Sent, &t.RequestID, &t.Correlation, &t.Decision,
		intoTime(&t.CreatedAt), intoTime(&t.AboutToAt), intoTime(&t.AnsweredAt), intoTime(&t.NotBefore), intoTime(&t.EndedAt))
	return t, err
}

// InsertTasks saves new tasks. ErrExists says that a task for the same change
// (hub and key) is not ended yet: no change is ever on its way twice.
func (tx *Tx) InsertTasks(ctx context.Context, tasks []bridge.Task) error {
	for _, t := range tasks {
		if t.CreatedAt.IsZero() {
			t.CreatedAt = tx.Now()
		}
		_, err := tx.exec(ctx, `INSERT INTO tasks (`+taskColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
			$11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)`, taskRow(t)...)
		if err != nil {
			return taken(err, "insert task %s: one that is not ended", t.Key)
		}
	}
	if len(tasks) > 0 {
		tx.Wake()
	}
	return nil
}

// UpdateTask writes the whole task.
func (tx *Tx) UpdateTask(ctx context.Context, t bridge.Task) error {
	n, err := tx.exec(ctx, `UPDATE tasks SET hub_id = $2, row_key = $3, action = $4, person_id = $5, member_id = $6,
		invitation_id = $7, email = $8, name = $9, platform_id = $10, from_role = $11, to_role = $12, asset = $13,
		roles = $14, ours = $15, state = $16, reason = $17, cause = $18, detail = $19, attempt = $20, contradicted = $21, ord = $22, sent = $23,
		request_id = $24, correlation = $25, decision = $26, created_at = $27, about_to_at = $28, answered_at = $29, not_before = $30, ended_at = $31 WHERE id = $1`, taskRow(t)...)
	if err != nil {
		return taken(err, "update task %s (%s)", t.ID, t.Key)
	}
	return one(n, "task %s", t.ID)
}

// Task finds a task.
func (tx *Tx) Task(ctx context.Context, id string) (bridge.Task, error) {
	t, err := scanTask(tx.row(ctx, `SELECT `+taskColumns+` FROM tasks WHERE id = $1`, id))
	return t, named(err, "task %s", id)
}

// TaskFilter selects tasks; what is empty does not select.
type TaskFilter struct {
	HubID    string
	PersonID string
	MemberID string
	States   []bridge.TaskState
	Before   string // id of a task: go on below it
	Limit    int    // 0: 1000
}

// Tasks are the newest tasks that fit, newest first.
func (tx *Tx) Tasks(ctx context.Context, f TaskFilter) ([]bridge.Task, error) {
	where, args := []string{"TRUE"}, []any{}
	add := func(column, value string) {
		if value != "" {
			args = append(args, value)
			where = append(where, fmt.Sprintf("%s = $%d", column, len(args)))
		}
	}
	hub := "hub_id"
	if underWay(f.States) { // few of many: their own index is walked
		where = append(where, "state IN "+openStates)
		hub = tx.d.pick("+hub_id", "hub_id || ''")
	}
	add(hub, f.HubID)
	add("person_id", f.PersonID)
	if f.PersonID != "" {
		where = append(where, "person_id <> ''") // the partial index
	}
	add("member_id", f.MemberID)
	if f.MemberID != "" {
		where = append(where, "member_id <> ''")
	}
	if len(f.States) > 0 {
		var states []string
		for _, s := range f.States {
			args = append(args, string(s))
			states = append(states, fmt.Sprintf("$%d", len(args)))
		}
		where = append(where, "state IN ("+strings.Join(states, ", ")+")")
	}
	if f.Before != "" {
		args = append(args, f.Before)
		where = append(where, fmt.Sprintf("id < $%d", len(args)))
	}
	args = append(args, cmp.Or(f.Limit, 1000))
	list, err := collect(ctx, tx, scanTask, `SELECT `+taskColumns+` FROM tasks WHERE `+strings.Join(where, " AND ")+
		fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(args)), args...)
	return list, named(err, "tasks")
}

// underWay says that only tasks that are not ended are asked for.
func underWay(states []bridge.TaskState) bool {
	return len(states) > 0 && !slices.ContainsFunc(states, bridge.TaskState.Ended)
}

// TasksShown are Tasks as people should see them: an invitation for which the
// platform's quota is used up waits for the quota.
func (tx *Tx) TasksShown(ctx context.Context, f TaskFilter) ([]bridge.Task, error) {
	list, err := tx.Tasks(ctx, f)
	if err != nil {
		return nil, err
	}
	quota := map[string]time.Time{} // by hub
	for i, t := range list {
		until, known := quota[t.HubID]
		if !known {
			lane, err := tx.Lane(ctx, t.HubID)
			if err != nil && !errors.Is(err, bridge.ErrNotFound) {
				return nil, err
			}
			until = lane.InviteAfter
			quota[t.HubID] = until
		}
		list[i] = t.Shown(tx.Now(), until)
	}
	return list, nil
}

// OpenTasks are the hub's tasks that are not ended, in the order of doing.
func (tx *Tx) OpenTasks(ctx context.Context, hubID string) ([]bridge.Task, error) {
	return tx.tasksIn(ctx, hubID, openStates)
}

// CountOpenTasks counts the hub's tasks that are not ended, by their state.
func (tx *Tx) CountOpenTasks(ctx context.Context, hubID string) (map[bridge.TaskState]int, error) {
	counts := map[bridge.TaskState]int{}
	_, err := collect(ctx, tx, func(row scanner) (n int, err error) {
		var state bridge.TaskState
		err = row.Scan(&state, &n)
		counts[state] = n
		return n, err
	}, `SELECT state, count(*) FROM tasks WHERE hub_id = $1 AND state IN `+openStates+` GROUP BY state`, hubID)
	return counts, named(err, "count tasks of hub %s", hubID)
}

// RunningTasks are those whose "about to" is written and whose outcome is not.
// Whoever takes the lane settles them first, by reading.
func (tx *Tx) RunningTasks(ctx context.Context, hubID string) ([]bridge.Task, error) {
	return tx.tasksIn(ctx, hubID, `('running')`)
}

// AcceptedTasks are those to which the platform has said yes, and which no read
// has shown yet.
func (tx *Tx) AcceptedTasks(ctx context.Context, hubID string) ([]bridge.Task, error) {
	return tx.tasksIn(ctx, hubID, `('accepted')`)
}

func (tx *Tx) tasksIn(ctx context.Context, hubID, states string) ([]bridge.Task, error) {
	list, err := collect(ctx, tx, scanTask, `SELECT `+taskColumns+` FROM tasks
		WHERE hub_id = $1 AND state IN `+states+` ORDER BY ord, created_at, id`, hubID)
	return list, named(err, "tasks of hub %s", hubID)
}

// NextTasks are those that may be done now: ready or waiting, and due, in the
// order of doing. Running tasks are never among them.
func (tx *Tx) NextTasks(ctx context.Context, hubID string, now time.Time, limit int) ([]bridge.Task, error) {
	// Each state by itself comes in the order of the index: what stands behind is not read.
	var list []bridge.Task
	for _, state := range []bridge.TaskState{bridge.Ready, bridge.TaskWait} {
		some, err := collect(ctx, tx, scanTask, `SELECT `+taskColumns+` FROM tasks
			WHERE hub_id = $1 AND state = '`+string(state)+`' AND not_before <= $2
			ORDER BY ord, created_at, id LIMIT $3`, hubID, micros(now), limit)
		if err != nil {
			return nil, fmt.Errorf("next tasks of hub %s: %w", hubID, err)
		}
		list = append(list, some...)
	}
	slices.SortFunc(list, func(a, b bridge.Task) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return list[:min(len(list), limit)], nil
}

// takingAway picks the tasks that take access away, all of it or some.
const takingAway = `(action IN ('remove', 'cancel', 'unassign') OR action IN ('set-role', 'set-invited-role') AND to_role <> 'owner'
	OR action = 'assign' AND ` + notWanted + `)`

// notWanted picks the access to assets that is given because less is wanted than was.
const notWanted = `cause IN ('wish.left-groups', 'wish.group-deleted', 'wish.group-emptied', 'wish.unmapped', 'wish.deactivated', 'wish.deleted', 'wish.grant-ended')`

// NextTakingAway is the one of them that takes access away and has waited longest;
// none: there is no such.
func (tx *Tx) NextTakingAway(ctx context.Context, hubID string, now time.Time) ([]bridge.Task, error) {
	list, err := collect(ctx, tx, scanTask, `SELECT `+taskColumns+` FROM tasks
		WHERE hub_id = $1 AND state IN ('ready', 'waiting') AND not_before <= $2 AND `+takingAway+`
		ORDER BY not_before, ord, created_at, id LIMIT 1`, hubID, micros(now))
	return list, named(err, "next task of hub %s that takes access away", hubID)
}

// History counts what was done on the hub since then. A task whose outcome is
// not known counts as done: a guard that errs, errs on the safe side. Access to
// an asset is lowered by giving other access, which is told by why it is wanted.
func (tx *Tx) History(ctx context.Context, hubID string, since time.Time) (bridge.History, error) {
	var h bridge.History
	err := tx.row(ctx, `SELECT
		COALESCE(SUM(CASE WHEN action = 'remove' THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN action = 'remove' AND from_role = 'owner' THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN action IN ('invite', 're-invite') THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN action = 'unassign' OR action = 'assign' AND reason <> 'asset.taken-away' AND `+notWanted+` THEN 1 ELSE 0 END), 0)
		FROM tasks WHERE hub_id = $1 AND about_to_at >= $2 AND about_to_at > 0
		AND (state IN ('running', 'accepted', 'confirmed') OR (state = 'superseded' AND sent > 0))`,
		hubID, micros(since)).Scan(&h.Removals, &h.AdminRemovals, &h.Invites, &h.AssetRemovals)
	if err != nil {
		return bridge.History{}, fmt.Errorf("history of hub %s: %w", hubID, err)
	}
	// The last complete pull before that time, else the first one after it.
	list, err := collect(ctx, tx, scanInt, `SELECT members FROM (
		SELECT members, 0 AS rank FROM (SELECT members FROM pulls WHERE hub_id = $1 AND complete AND started_at <= $2
			ORDER BY started_at DESC LIMIT 1) AS b
		UNION ALL SELECT members, 1 AS rank FROM (SELECT members FROM pulls WHERE hub_id = $1 AND complete AND started_at > $2
			ORDER BY started_at LIMIT 1) AS s) AS p ORDER BY rank LIMIT 1`, hubID, micros(since))
	if err != nil {
		return bridge.History{}, fmt.Errorf("history of hub %s: %w", hubID, err)
	}
	if len(list) > 0 {
		h.Population = list[0]
	}
	h.Used, err = tx.decisionsUsed(ctx, hubID)
	return h, err
}

// decisionsUsed counts the changes that went out under each decision in force.
func (tx *Tx) decisionsUsed(ctx context.Context, hubID string) (map[string]int, error) {
	type used struct {
		decision string
		n        int
	}
	list, err := collect(ctx, tx, func(row scanner) (u used, err error) {
		err = row.Scan(&u.decision, &u.n)
		return u, err
	}, `SELECT t.decision, COUNT(*) FROM decisions d CROSS JOIN tasks t
		WHERE t.decision = d.id AND t.decision <> '' AND t.about_to_at > 0
		AND d.hub_id = $1 AND d.undone_at = 0 AND (d.until = 0 OR d.until > $2)
		AND (t.state IN ('running', 'accepted', 'confirmed') OR (t.state = 'superseded' AND t.sent > 0))
		GROUP BY t.decision`, hubID, micros(tx.Now()))
	if err != nil || len(list) == 0 {
		return nil, named(err, "decisions used on hub %s", hubID)
	}
	out := make(map[string]int, len(list))
	for _, u := range list {
		out[u.decision] = u.n
	}
	return out, nil
}

func scanInt(row scanner) (n int, err error) {
	err = row.Scan(&n)
	return n, err
}
