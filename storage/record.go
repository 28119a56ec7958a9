package storage

import (
	"cmp"
	"context"
	"strings"

	"adbridge/bridge"
	"adbridge/bridge/audit"
)

// TaskEvent is an event about a task.
func TaskEvent(t bridge.Task, action string, detail map[string]any) audit.Event {
	if detail == nil {
		detail = map[string]any{}
	}
	detail["action"], detail["from"], detail["to"] = t.Action, t.From.Word(), t.To.Word()
	if t.Action == bridge.Assign || t.Action == bridge.Unassign {
		delete(detail, "from")
		detail["asset"], detail["to"] = t.Asset.String(), cmp.Or(strings.Join(t.Roles, "+"), "none")
	}
	subject := t.Email
	if subject == "" {
		subject = t.Name
	}
	return audit.Event{
		Actor: audit.ActorBridge, Action: action, Hub: t.HubID, Person: t.PersonID, Member: t.MemberID, Task: t.ID,
		Subject: subject, Correlation: t.Correlation, Detail: detail,
	}
}

// CallEvent puts one exchange with a hub's platform on record.
func CallEvent(hub bridge.Hub, detail map[string]any) audit.Event {
	return audit.Event{
		Actor: audit.ActorPlatform(string(hub.Platform)), Action: audit.PlatformCall, Hub: hub.ID, Subject: hub.Slug, Detail: detail,
	}
}

// Halt stops a hub, marks it dirty and puts it on record.
func (tx *Tx) Halt(ctx context.Context, hub bridge.Hub, halt bridge.Halt) error {
	hub.Halt = &halt
	if err := tx.UpdateHub(ctx, hub); err != nil {
		return err
	}
	if err := tx.MarkDirty(ctx, hub.ID); err != nil {
		return err
	}
	return tx.AddEvents(ctx, audit.Event{
		Actor: halt.By, Action: audit.HubHalted, Hub: hub.ID, Subject: hub.Slug,
		Detail: map[string]any{"state": halt.State, "reason": halt.Reason, "note": halt.Note, "until": halt.Until},
	})
}

// Unsealed says whether there are events that the sealer has not chained yet.
func (tx *Tx) Unsealed(ctx context.Context) (some bool, err error) {
	err = tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM events WHERE seq = 0)`).Scan(&some)
	return some, named(err, "unsealed events")
}
