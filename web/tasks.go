package web

import (
	"context"
	"net/http"
	"strings"

	"adbridge/bridge"
	"adbridge/storage"
)

// tasksPage shows the changes on their way, the newest first.
type tasksPage struct {
	frame
	Hubs   []choice
	States []choice
	Tasks  []taskLine
	Pager  pager
	Person *bridge.Person
}

// taskLine is a task with its hub's slug; "" when the hub was removed.
type taskLine struct {
	bridge.Task
	Hub string
}

const tasksOnAPage = 100

// The two choices beside the states themselves.
const (
	openTasks = "open"
	allTasks  = "all"
)

var taskStates = []bridge.TaskState{bridge.Ready, bridge.Running, bridge.TaskWait, bridge.Accepted, bridge.TaskHeld, bridge.Confirmed, bridge.Superseded}

func (s *site) tasks(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	p := &tasksPage{frame: frame{Title: "Tasks", Section: "tasks"}}
	slugs, err := hubSlugs(ctx, tx)
	if err != nil {
		return nil, err
	}
	f := storage.TaskFilter{Before: r.FormValue("before"), PersonID: r.FormValue("person"), Limit: tasksOnAPage + 1}
	if p.Hubs, f.HubID, err = hubChoices(ctx, tx, r.FormValue("hub")); err != nil {
		return nil, err
	}
	state := r.FormValue("state")
	states := append([]bridge.TaskState{allTasks}, taskStates...)
	if state == openTasks {
		state = ""
	}
	if p.States, err = choices(state, "on their way", states, func(t bridge.TaskState) string {
		if t == allTasks {
			return "all, ended ones too"
		}
		return badgeOf(t).Word
	}); err != nil {
		return nil, err
	}
	switch state {
	case "":
		f.States = []bridge.TaskState{bridge.Ready, bridge.Running, bridge.TaskWait, bridge.Accepted, bridge.TaskHeld}
	case allTasks:
	default:
		f.States = []bridge.TaskState{bridge.TaskState(state)}
	}
	if f.PersonID != "" {
		people, err := tx.People(ctx, []string{f.PersonID})
		if err != nil {
			return nil, err
		}
		if len(people) == 0 {
			return nil, missing("There is no person "+f.PersonID+".", "Look the person up under People.")
		}
		p.Person = &people[0]
	}
	tasks, err := tx.TasksShown(ctx, f)
	if err != nil {
		return nil, err
	}
	if len(tasks) > tasksOnAPage {
		tasks = tasks[:tasksOnAPage]
		p.Pager.After = with(r, "before", tasks[len(tasks)-1].ID)
	}
	if f.Before != "" {
		p.Pager.Before = with(r, "before", "")
	}
	for _, t := range tasks {
		p.Tasks = append(p.Tasks, taskLine{t, slugs[t.HubID]})
	}
	return p, nil
}

// hubChoices are the hubs as a filter, and the id of the chosen one.
func hubChoices(ctx context.Context, tx *storage.Tx, slug string) ([]choice, string, error) {
	hubs, err := tx.Hubs(ctx)
	if err != nil {
		return nil, "", err
	}
	var slugs []string
	id := ""
	for _, h := range hubs {
		slugs = append(slugs, h.Slug)
		if h.Slug == slug {
			id = h.ID
		}
	}
	if slug != "" && id == "" {
		// An event may be about a hub that is no more: its id still finds it.
		if strings.Count(slug, "-") == 4 {
			return append(mustChoices(slugs), choice{slug, "removed hub " + short(slug), true}), slug, nil
		}
		return nil, "", missing("There is no hub "+slug+", or it was removed.", "Choose one from the list.")
	}
	list, err := choices(slug, "all hubs", slugs, func(s string) string { return s })
	return list, id, err
}

func mustChoices(slugs []string) []choice {
	list, _ := choices("", "all hubs", slugs, func(s string) string { return s })
	return list
}
