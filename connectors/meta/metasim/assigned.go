package metasim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func assignedRoutes() map[string]endpoint {
	all := map[string]endpoint{
		"GET " + kindAdAccount + "/activities": {list: true, returns: "AdActivity", run: (*call).activities, scopes: []string{"ads_read", "ads_management"},
			params: []param{{name: "since", kind: "time"}, {name: "until", kind: "time"}, {name: "category", kind: "enum", enum: activityCategories},
				{name: "uid", kind: "id"}, {name: "oid", kind: "id"}, {name: "extra_oids", kind: "list"}, {name: "business_id", kind: "id"},
				{name: "add_children", kind: "bool"}, {name: "data_source", kind: "enum", enum: activitySources}}},
	}
	for _, k := range assetKinds {
		edge := " " + k.kind + "/assigned_users"
		all["GET"+edge] = endpoint{list: true, returns: "AssignedUser", extras: []string{"tasks"}, hidden: []string{"permitted_tasks"},
			scopes: k.scopes, run: (*call).listAssigned, params: []param{{name: "business", kind: "id", required: true}}}
		all["POST"+edge] = endpoint{scopes: k.scopes, returns: k.typ, run: (*call).putAssigned, params: []param{
			{name: "user", kind: "id", required: true}, {name: "tasks", kind: "list", enum: k.tasks, required: k.needTasks}}}
		if !k.noDelete {
			all["DELETE"+edge] = endpoint{scopes: k.scopes, run: (*call).deleteAssigned, params: []param{{name: "user", kind: "id", required: true}}}
		}
	}
	return all
}

// reach finds the asset of a call on its people: a page wants its own token, everything else a caller who may hand it out.
func (c *call) reach() (*asset, *GraphError) {
	a := c.node.ref.(*asset)
	if !c.seesAsset(c.node) {
		return nil, unsupported(c.method, c.node.id)
	}
	if a.kind.kind == kindPage {
		if c.actor.page != a {
			return nil, graphErr(210, 0, "(#210) A page access token is required to request this resource.")
		}
	} else if c.actor.page != nil {
		return nil, unsupported(c.method, c.node.id)
	}
	if !c.handsOut(a) {
		return nil, forbidden("Permissions error: this needs the task MANAGE on the asset")
	}
	return a, nil
}

// assigned is someone on an asset. It never has an address, whatever is asked.
type assigned struct {
	b    *business
	user string
}

func (o assigned) id() string { return o.user }

func (o assigned) get(c *call, f string) any {
	if f == "business" {
		return businessObject{o.b}
	}
	n := c.s.nodes[o.user]
	switch f {
	case "name":
		if p := o.b.people.get(o.user); p != nil {
			return fullName(*p)
		}
		if su, ok := n.ref.(*SystemUser); ok {
			return su.Name
		}
	case "user_type":
		if c.s.sw.UserType == "named" {
			if n.kind == kindSystemUser {
				return "SYSTEM_USER"
			}
			return "BUSINESS_USER"
		}
	}
	return nil
}

// businessParam is the business whose people are asked about: one that has the asset, and that the caller is in.
func (c *call) businessParam(a *asset) (*business, *GraphError) {
	b := c.s.businesses[c.params["business"]]
	if b == nil || a.permittedTo(b) == nil || c.roleIn(b) == "" {
		return nil, invalid("Param business must be a business that has access to the asset - got %q.", c.params["business"])
	}
	return b, nil
}

func (c *call) listAssigned() (any, *GraphError) {
	a, err := c.reach()
	if err != nil {
		return nil, err
	}
	b, err := c.businessParam(a)
	if err != nil {
		return nil, err
	}
	var os []object
	for _, as := range a.shows(c.now) {
		if n := c.s.nodes[as.User]; n != nil && n.biz == b {
			os = append(os, extra{assigned{b, as.User}, map[string]any{
				"tasks": c.readTasks(a.kind, as.Tasks), "permitted_tasks": a.permittedTo(b)}})
		}
	}
	return c.page(slice(os))
}

// assignee checks the user parameter: a member's business-scoped id or a system user's app-scoped one, never an invitation's.
func (c *call) assignee() (*node, *GraphError) {
	id := c.params["user"]
	n := c.s.nodes[id]
	ok := n != nil && (n.kind == kindSystemUser || n.kind == kindPerson && n.biz.people.get(id) != nil) && c.roleIn(n.biz) != ""
	if !ok {
		return nil, invalid("Param user must be a person or system user of the business - got %q.", id)
	}
	return n, nil
}

func (c *call) putAssigned() (any, *GraphError) {
	a, err := c.reach()
	if err != nil {
		return nil, err
	}
	if a.kind.kind == kindPixel && c.s.sw.PixelAssign == "reference" {
		return nil, unsupported(http.MethodPost, c.node.id)
	}
	n, err := c.assignee()
	if err != nil {
		return nil, err
	}
	tasks, given := c.list("tasks")
	if !given {
		tasks = []string{"ANALYZE"} // what is given when nothing is named is not documented; ANALYZE is the least
	}
	if len(tasks) == 0 {
		return nil, invalid("Param tasks must not be empty")
	}
	permitted := a.permittedTo(n.biz)
	for _, t := range tasks {
		if !slices.Contains(permitted, t) {
			if a.kind.kind == kindAdAccount {
				return nil, graphErr(2620, 0, "(#2620) Invalid call to update account permissions")
			}
			return nil, invalid("Param tasks: the business may not hand out %s", t)
		}
	}
	if c.inert {
		return c.written(success(), assetObject{a})
	}
	c.changes(a)
	i := slices.IndexFunc(a.Assigned, func(as Assignment) bool { return as.User == n.id })
	if i < 0 {
		a.Assigned = append(a.Assigned, Assignment{User: n.id})
		i = len(a.Assigned) - 1
	}
	a.Assigned[i].Tasks = tasks // the set is replaced, not added to
	c.record(a, n, "ad_account_add_user_to_role", tasks)
	c.changed = true
	return c.written(success(), assetObject{a})
}

func (c *call) deleteAssigned() (any, *GraphError) {
	a, err := c.reach()
	if err != nil {
		return nil, err
	}
	id := c.params["user"]
	i := slices.IndexFunc(a.Assigned, func(as Assignment) bool { return as.User == id })
	if n := c.s.nodes[id]; i >= 0 && n != nil && (n.biz == nil || c.roleIn(n.biz) == "") {
		return nil, invalid("Param user must be a person or system user of the business - got %q.", id)
	}
	if i < 0 {
		if _, err := c.assignee(); err != nil { // nobody, or nobody any more
			return nil, err
		}
		if c.s.sw.DeleteTwice == "success" {
			return success(), nil
		}
		return nil, invalid("Param user is not assigned to the asset - got %q.", id)
	}
	if c.inert {
		return success(), nil
	}
	c.changes(a)
	tasks := a.Assigned[i].Tasks
	a.Assigned = slices.Delete(a.Assigned, i, i+1)
	if n := c.s.nodes[id]; n != nil {
		c.record(a, n, "ad_account_remove_user_from_role", tasks)
	}
	c.changed = true
	return success(), nil
}

// record writes an ad account's history. No other asset has one.
func (c *call) record(a *asset, n *node, event string, tasks []string) {
	if a.kind.kind != kindAdAccount {
		return
	}
	who, _ := assigned{n.biz, n.id}.get(c, "name").(string)
	data, _ := json.Marshal(map[string]any{"target_id": n.id, "target_name": who, "tasks": tasks})
	a.Activities = append(a.Activities, Activity{
		ActorID: c.actor.id, ActorName: c.actor.name, EventType: event, EventTime: c.now,
		ObjectID: strings.TrimPrefix(a.ID, "act_"), ObjectName: a.Name, ObjectType: "ACCOUNT", ExtraData: string(data),
	})
}

type activityObject struct{ a Activity }

func (activityObject) id() string { return "" }

func (o activityObject) get(c *call, f string) any {
	switch f {
	case "actor_id":
		return o.a.ActorID
	case "actor_name":
		return o.a.ActorName
	case "event_type":
		return o.a.EventType
	case "translated_event_type":
		return strings.ReplaceAll(o.a.EventType, "_", " ")
	case "event_time":
		return o.a.EventTime
	case "object_id":
		return o.a.ObjectID
	case "object_name":
		return o.a.ObjectName
	case "object_type":
		return o.a.ObjectType
	case "extra_data":
		return o.a.ExtraData
	}
	return nil
}

// activities are newest first. Only an ad account's own events are in category ACCOUNT.
func (c *call) activities() (any, *GraphError) {
	if !c.seesAsset(c.node) {
		return nil, unsupported(http.MethodGet, c.node.id)
	}
	a := c.node.ref.(*asset)
	since, hasSince := asTime(c.params["since"])
	until, hasUntil := asTime(c.params["until"])
	if hasUntil && !strings.ContainsAny(c.params["until"], "T") && strings.Contains(c.params["until"], "-") {
		until = until.Add(day) // a date means the whole day
	}
	var list []activityObject
	for i := len(a.Activities) - 1; i >= 0; i-- {
		act := a.Activities[i]
		account := strings.HasPrefix(act.EventType, "ad_account_") || strings.Contains(act.EventType, "funding")
		switch {
		case hasSince && act.EventTime.Before(since), hasUntil && !act.EventTime.Before(until):
		case c.params["uid"] != "" && act.ActorID != c.params["uid"]:
		case c.params["oid"] != "" && act.ObjectID != c.params["oid"]:
		case c.params["category"] != "" && (c.params["category"] == "ACCOUNT") != account:
		default:
			list = append(list, activityObject{act})
		}
	}
	its := items{n: len(list), shown: func(int) bool { return true }, obj: func(i int) object { return list[i] }, id: func(i int) string { return strconv.Itoa(len(list) - i) }}
	its.find = func(id string) (int, bool) {
		for i := range list {
			if its.id(i) == id {
				return i, true
			}
		}
		return 0, false
	}
	return c.page(its)
}
