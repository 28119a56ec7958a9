package reconcile

import (
	"context"
	"fmt"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// Decide takes an admin's word: the decision, what it does to the member, the
// event and the dirty hub, in one transaction. It refuses what makes no sense
// and then changes nothing.
func Decide(ctx context.Context, db *storage.DB, d bridge.Decision) (bridge.Decision, error) {
	var made bridge.Decision
	err := db.Write(ctx, func(tx *storage.Tx) (err error) {
		made, err = decide(ctx, tx, d)
		return err
	})
	if err != nil {
		return d, err
	}
	return made, nil
}

// decide is Decide inside a transaction.
func decide(ctx context.Context, tx *storage.Tx, d bridge.Decision) (bridge.Decision, error) {
	if err := complete(d); err != nil {
		return d, err
	}
	d.ID, d.At = tx.NewID(), tx.Now()
	if !d.Until.IsZero() && !d.Until.After(d.At) {
		return d, fmt.Errorf("until %s is in the past; give a time to come", d.Until.Format(time.RFC3339))
	}
	hub, err := tx.Hub(ctx, d.HubID)
	if err != nil {
		return d, fmt.Errorf("hub %q: %w", d.HubID, err)
	}
	d.HubID = hub.ID
	if err := mayDecide(hub, d); err != nil {
		return d, err
	}
	subject := d.Subject
	if d.MemberID != "" {
		m, err := tx.Member(ctx, d.MemberID)
		if err != nil {
			return d, fmt.Errorf("member %q: %w", d.MemberID, err)
		}
		if m.HubID != hub.ID {
			return d, fmt.Errorf("member %s is not on hub %s: %w", m.ID, hub.Slug, bridge.ErrNotFound)
		}
		if err := mayBind(ctx, tx, m, d); err != nil {
			return d, err
		}
		subject = memberName(m)
		if changed, ok := decided(m, d); ok {
			if err := tx.PutMembers(ctx, []bridge.Member{changed}); err != nil {
				return d, err
			}
		}
	}
	if d.PersonID != "" {
		people, err := tx.People(ctx, []string{d.PersonID})
		if err != nil {
			return d, err
		}
		if len(people) == 0 {
			return d, fmt.Errorf("person %q: %w", d.PersonID, bridge.ErrNotFound)
		}
		if subject == "" {
			subject = people[0].UserName
		}
	}
	if err := tx.AddDecision(ctx, d); err != nil {
		return d, err
	}
	if d.Kind == bridge.DecideOverride && d.Subject == string(bridge.PlatformTooEarly) {
		if err := tryNow(ctx, tx, hub.ID); err != nil {
			return d, err
		}
	}
	if err := tx.MarkDirty(ctx, hub.ID); err != nil {
		return d, err
	}
	return d, tx.AddEvents(ctx, decisionEvent(d, audit.DecisionMade, subject))
}

// tryNow ends the waiting for a platform that does not allow changes of people
// yet: an admin knows better than the clock, and the platform decides. What the
// platform throttled goes on waiting.
func tryNow(ctx context.Context, tx *storage.Tx, hubID string) error {
	lane, err := tx.Lane(ctx, hubID)
	if err != nil {
		return err
	}
	open, err := tx.OpenTasks(ctx, hubID)
	if err != nil {
		return err
	}
	early, throttled := false, time.Time{}
	for _, t := range open {
		switch {
		case t.State != bridge.TaskWait || !t.NotBefore.After(tx.Now()):
		case t.Reason == bridge.PlatformTooEarly:
			early, t.NotBefore = true, tx.Now()
			if err := tx.UpdateTask(ctx, t); err != nil {
				return err
			}
		case t.Reason == bridge.PlatformThrottled && t.NotBefore.After(throttled):
			throttled = t.NotBefore
		}
	}
	if !early {
		return nil
	}
	lane.BackoffUntil = throttled
	return tx.UpdateLane(ctx, lane)
}

// mayBind refuses a word on who an open invitation of ours is for: for whom it
// was sent to.
func mayBind(ctx context.Context, tx *storage.Tx, m bridge.Member, d bridge.Decision) error {
	switch d.Kind {
	case bridge.DecideMatch, bridge.DecideNotMatch, bridge.DecideClaim:
	default:
		return nil
	}
	if m.Presence != bridge.Invited {
		return nil
	}
	all, err := tx.Invitations(ctx, m.HubID)
	if err != nil {
		return err
	}
	for _, i := range all {
		if i.MemberID == m.ID && i.State.Open() {
			return fmt.Errorf("member %s is the invitation that adbridge sent to %s, and is theirs until it is accepted; say who it is once they are on the hub, or take the person out of the rules and it is cancelled", m.ID, i.Email)
		}
	}
	return nil
}

// complete says what is missing in a decision.
func complete(d bridge.Decision) error {
	switch {
	case d.By == "":
		return fmt.Errorf("by is empty; name who decides")
	case d.Reason == "" && d.Kind != bridge.DecideMatch && d.Kind != bridge.DecideClaim:
		return fmt.Errorf("reason is empty; say why, the audit trail keeps it")
	case (d.Kind == bridge.DecideMatch || d.Kind == bridge.DecideNotMatch || d.Kind == bridge.DecideClaim) && (d.MemberID == "" || d.PersonID == ""):
		return fmt.Errorf("a match needs a member and a person")
	case (d.Kind == bridge.DecideExempt || d.Kind == bridge.DecideAdopt || d.Kind == bridge.DecideProtect) && d.MemberID == "":
		return fmt.Errorf("%s needs a member", d.Kind)
	case (d.Kind == bridge.DecideApprove || d.Kind == bridge.DecideReject) && d.Subject == "":
		return fmt.Errorf("%s needs the key of a change; `adbridge plan` shows it", d.Kind)
	case d.Kind == bridge.DecideApprove && d.Until.IsZero():
		return fmt.Errorf("an approval needs an end; nobody approves for ever")
	case d.Kind == bridge.DecideOverride && (d.Subject == "" || d.Until.IsZero()):
		return fmt.Errorf("an override needs the guard's code and an end")
	case d.Kind == bridge.DecideOverride && !bridge.Liftable(bridge.Code(d.Subject)):
		return fmt.Errorf("no override lifts %s", d.Subject)
	case d.Kind == bridge.DecideGrant && (d.PersonID == "" || d.Role == bridge.NoRole || d.Until.IsZero()):
		return fmt.Errorf("a grant needs a person, a role and an end")
	}
	return nil
}

// decided is the member after the decision; false when it does not touch the
// member's own row. What a decision says of ownership is laid over the row by
// the plan, so that undoing it gives back what was there.
func decided(m bridge.Member, d bridge.Decision) (bridge.Member, bool) {
	switch d.Kind {
	case bridge.DecideMatch, bridge.DecideClaim:
		m.PersonID, m.Disputed, m.Suggestions = d.PersonID, false, nil
		m.Match = &bridge.Match{Rule: bridge.MatchByDecision, Evidence: d.Reason, By: d.By, At: d.At}
		return m, true
	case bridge.DecideNotMatch:
		if m.PersonID == d.PersonID {
			m.PersonID, m.Match = "", nil
			return m, true
		}
	}
	return m, false
}

// Undo takes a decision back; what it did to the member's row is undone, and
// the next plan decides anew.
func Undo(ctx context.Context, db *storage.DB, decisionID, by string) error {
	return db.Write(ctx, func(tx *storage.Tx) error {
		d, err := tx.Decision(ctx, decisionID)
		if err != nil {
			return fmt.Errorf("decision %q: %w", decisionID, err)
		}
		if err := tx.UndoDecision(ctx, d.ID, by); err != nil {
			return err
		}
		if d.MemberID != "" {
			m, err := tx.Member(ctx, d.MemberID)
			if err != nil {
				return err
			}
			if d.Kind == bridge.DecideMatch || d.Kind == bridge.DecideClaim {
				m.PersonID, m.Match = "", nil
				if err := tx.PutMembers(ctx, []bridge.Member{m}); err != nil {
					return err
				}
			}
		}
		if err := tx.MarkDirty(ctx, d.HubID); err != nil {
			return err
		}
		e := decisionEvent(d, audit.DecisionUndone, d.Subject)
		e.Actor = audit.ActorAdmin(by)
		return tx.AddEvents(ctx, e)
	})
}

func decisionEvent(d bridge.Decision, action, subject string) audit.Event {
	return audit.Event{
		Actor: audit.ActorAdmin(d.By), Action: action, Hub: d.HubID, Member: d.MemberID, Person: d.PersonID,
		Subject: subject, Correlation: d.ID,
		Detail: map[string]any{"decision": d.ID, "kind": d.Kind, "subject": d.Subject, "role": d.Role, "reason": d.Reason, "until": d.Until, "max": d.Max},
	}
}

// Release lets a task that failed for good be tried again.
func Release(ctx context.Context, db *storage.DB, taskID, by string) (bridge.Task, error) {
	var t bridge.Task
	err := db.Write(ctx, func(tx *storage.Tx) (err error) {
		if t, err = tx.Task(ctx, taskID); err != nil {
			return err
		}
		if t.State != bridge.TaskHeld {
			return fmt.Errorf("task %s is %s, not held; there is nothing to release", t.ID, t.State)
		}
		t.State, t.Detail, t.Attempt, t.Contradicted, t.NotBefore, t.EndedAt = bridge.Ready, "", 0, 0, tx.Now(), time.Time{}
		if err := tx.UpdateTask(ctx, t); err != nil {
			return err
		}
		if err := tx.MarkDirty(ctx, t.HubID); err != nil {
			return err
		}
		e := storage.TaskEvent(t, audit.TaskReleased, nil)
		e.Actor = audit.ActorAdmin(by)
		return tx.AddEvents(ctx, e)
	})
	return t, err
}
