package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

const (
	// explainEvents is how many of a person's latest events an explanation reads.
	explainEvents = 500
	// ruleBefore is how long before the wish changed the rule may have been removed.
	ruleBefore = time.Hour
)

// Explain answers "why?" for one person or member on a hub, from stored data
// alone. False: nobody on the hub is named so.
func (p Planner) Explain(ctx context.Context, hubID, needle string) (bridge.Explanation, bool, error) {
	w, err := p.World(ctx, hubID)
	if err != nil {
		return bridge.Explanation{}, false, err
	}
	e, ok, err := bridge.Explain(w, needle, func(people, members []string) (facts []bridge.Fact, tasks []bridge.Task, err error) {
		err = p.DB.Read(ctx, func(tx *storage.Tx) error {
			facts, tasks, err = told(ctx, tx, w.Hub.ID, people, members)
			return err
		})
		return facts, tasks, err
	})
	if ok && err == nil && w.Traits.Log.Holds != "" {
		err = p.DB.Read(ctx, func(tx *storage.Tx) error { return addLogged(ctx, tx, w, &e) })
	}
	return e, ok, named(err, fmt.Sprintf("explain %s on hub %s", needle, w.Hub.Slug))
}

// told are the events and tasks of these persons, or of the members when they
// are nobody's.
func told(ctx context.Context, tx *storage.Tx, hubID string, people, members []string) ([]bridge.Fact, []bridge.Task, error) {
	var facts []bridge.Fact
	var tasks []bridge.Task
	var asks []storage.EventFilter
	for _, id := range people {
		more, err := tx.Tasks(ctx, storage.TaskFilter{HubID: hubID, PersonID: id, Limit: explainEvents})
		if err != nil {
			return nil, nil, err
		}
		tasks = append(tasks, more...)
		asks = append(asks, storage.EventFilter{PersonID: id})
		sent, err := Sent(ctx, tx, id)
		if err != nil {
			return nil, nil, err
		}
		facts = append(facts, sent...)
		wishes, err := tx.DesiredFor(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		if d := wishes[hubID]; d.Cause == bridge.CauseUnmapped { // the wish changed as soon as the rule did
			asks = append(asks, storage.EventFilter{HubID: hubID, Action: "rule.", Since: d.Since.Add(-ruleBefore), Until: d.Since.Add(time.Second)})
		}
	}
	if len(people) == 0 {
		for _, id := range members {
			asks = append(asks, storage.EventFilter{HubID: hubID, MemberID: id})
		}
	}
	for _, ask := range asks {
		more, err := eventFacts(ctx, tx, ask)
		if err != nil {
			return nil, nil, err
		}
		facts = append(facts, more...)
	}
	return facts, tasks, nil
}

// Told is what was told of a person on no hub: events, and requests of which
// there is none.
func Told(ctx context.Context, tx *storage.Tx, personID string) ([]bridge.Fact, error) {
	facts, err := eventFacts(ctx, tx, storage.EventFilter{PersonID: personID})
	if err != nil {
		return nil, err
	}
	sent, err := Sent(ctx, tx, personID)
	return append(facts, sent...), err
}

func eventFacts(ctx context.Context, tx *storage.Tx, ask storage.EventFilter) (facts []bridge.Fact, err error) {
	ask.Newest, ask.Limit = true, explainEvents
	for e, err := range tx.Events(ctx, ask) {
		if err != nil {
			return nil, err
		}
		facts = append(facts, factOf(e))
	}
	return facts, nil
}

// sentShown is how many requests about a person an explanation looks through.
const sentShown = 40

// Sent are requests of identity providers about a person that no event of theirs
// tells of: what was refused, and what concerned many people at once.
func Sent(ctx context.Context, tx *storage.Tx, personID string) ([]bridge.Fact, error) {
	list, err := tx.Exchanges(ctx, storage.ExchangeFilter{Subject: personID, Limit: sentShown})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	sources, err := tx.Sources(ctx)
	if err != nil {
		return nil, err
	}
	var facts []bridge.Fact
	for _, x := range list {
		f := bridge.Fact{At: x.At, Person: personID, Correlation: x.ID}
		switch {
		case x.Status >= 400:
			f.Action, f.Meaning = bridge.RequestRefused, "a request of the identity provider was refused: "+refusal(x)
		case len(x.PersonIDs) > 1 && len(x.GroupIDs) > 0 && x.Changed != "":
			f.Action, f.Meaning = audit.MembershipAdded, "the identity provider changed a group of several people at once: "+x.Changed
			if strings.Contains(x.Changed, "removed") {
				f.Action = audit.MembershipRemoved
			}
		default:
			continue
		}
		if i := slices.IndexFunc(sources, func(o bridge.Source) bool { return o.ID == x.SourceID }); i >= 0 {
			f.Actor = audit.ActorSource(sources[i].Name, x.TokenLabel)
		}
		facts = append(facts, f)
	}
	return facts, nil
}

// RefusedAbout are the latest requests that were refused and that speak of somebody
// whom the directory does not know.
func RefusedAbout(ctx context.Context, tx *storage.Tx, needle string) ([]string, error) {
	list, err := tx.Exchanges(ctx, storage.ExchangeFilter{MinStatus: 400, Text: needle, Limit: 3})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, x := range list {
		out = append(out, x.At.UTC().Format("2006-01-02 15:04 UTC")+" "+refusal(x))
	}
	return out, nil
}

func refusal(x bridge.Exchange) string {
	path, _, _ := strings.Cut(x.Target, "?")
	s := fmt.Sprintf("%s %s was answered %d", x.Method, path, x.Status)
	if x.Detail != "" {
		s += ": " + x.Detail
	}
	return s
}

func factOf(e audit.Event) bridge.Fact {
	return bridge.Fact{At: e.At, Actor: e.Actor, Action: e.Action, Meaning: audit.MeaningOf(e.Action), Subject: e.Subject,
		Person: e.Person, Member: e.Member, Task: e.Task, Correlation: e.Correlation, Detail: e.Detail}
}
