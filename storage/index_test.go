package storage_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

func eq(attr, sub, value string) *bridge.Expr {
	exact := attr == "id" || attr == "externalId" || attr == "members" || attr == "groups"
	many := attr == "emails" || attr == "members" || attr == "groups"
	return &bridge.Expr{Op: bridge.OpEq, Path: bridge.AttrPath{Attr: attr, Sub: sub}, Value: value, Multi: many, Complex: many, Type: "string", CaseExact: exact}
}

func both(l, r *bridge.Expr) *bridge.Expr {
	return &bridge.Expr{Op: bridge.OpAnd, Left: l, Right: r}
}

// lookup is a filter that IdPs send, and what SQLite must say of it.
type lookup struct {
	name   string
	groups bool
	filter *bridge.Expr
	sqlite string
}

// lookups are the filters that IdPs send before every change, for a user and a
// group of crowded.
func lookups(c crowdedDirectory) []lookup {
	bracket := &bridge.Expr{Op: bridge.OpValuePath, Path: bridge.AttrPath{Attr: "emails"}, Multi: true, Complex: true,
		Left: both(eq("emails", "type", "work"), eq("emails", "value", c.userName))}
	return []lookup{
		{"a user", false, nil, "(id=?)"},
		{"a group", true, nil, "(id=?)"},
		{"userName", false, eq("userName", "", c.userName), "users_user_name (source_id=? AND user_name_fold=?)"},
		{"externalId", false, eq("externalId", "", c.externalID), "users_external_id (source_id=? AND external_id=?)"},
		{"displayName", false, eq("displayName", "", c.displayName), "users_display_name (source_id=? AND display_name_fold=?)"},
		{"id", false, eq("id", "", c.userID), "(id=?)"},
		{"id and manager", false, both(eq("id", "", c.userID), eq("title", "", "Buyer")), "(id=?)"},
		{"userName and active", false, both(eq("userName", "", c.userName), &bridge.Expr{Op: bridge.OpEq, Path: bridge.AttrPath{Attr: "active"}, Value: true}), "users_user_name (source_id=? AND user_name_fold=?)"},
		{"emails.value", false, eq("emails", "value", c.userName), "user_emails USING PRIMARY KEY (email_fold=?)"},
		{"emails[type and value]", false, bracket, "user_emails USING PRIMARY KEY (email_fold=?)"},
		{"groups.value", false, eq("groups", "value", c.groupID), "SEARCH m USING PRIMARY KEY (group_id=?"},
		{"group displayName", true, eq("displayName", "", c.groupName), "groups_display_name (display_name_fold=? AND source_id=?)"},
		{"group externalId", true, eq("externalId", "", c.groupExternalID), "groups_external_id (source_id=? AND external_id=?)"},
		{"group id", true, eq("id", "", c.groupID), "(id=?)"},
		{"members.value", true, eq("members", "value", c.userID), "memberships_value (value=?)"},
		{"displayName and members.value", true, both(eq("displayName", "", c.groupName), eq("members", "value", c.userID)), "groups_display_name (display_name_fold=? AND source_id=?"},
		{"userName sw", false, sw("userName", c.userName), "user_name_fold>? AND user_name_fold<?)"},
		{"displayName sw", false, sw("displayName", c.displayName), "display_name_fold>? AND display_name_fold<?)"},
		{"userName or displayName sw", false, &bridge.Expr{Op: bridge.OpOr, Left: sw("userName", c.userName), Right: sw("displayName", c.displayName)}, "name_fold<?)"},
		{"group displayName sw", true, sw("displayName", c.groupName), "display_name_fold>? AND display_name_fold<?"},
		{"id and members.value", true, both(eq("id", "", c.groupID), eq("members", "value", c.userID)), "(id=?)"},
	}
}

// TestCommonFiltersGoByAnIndex asks both databases how they answer the filters
// that IdPs send before every change: they read a handful of rows, however
// many there are, in a directory that is empty, just filled, or well known,
// and also by a plan that was made when it was small.
func TestCommonFiltersGoByAnIndex(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		c := crowdedDirectory{db: db, source: storagetest.Source(t, db, "okta"), other: storagetest.Source(t, db, "entra")}
		for _, step := range []struct {
			size  int
			known bool // statistics have been gathered
		}{{10, false}, {1000, false}, {5000, false}, {5000, true}} {
			c.grow(t, step.size)
			if step.known {
				c.analyze(t)
			}
			for _, l := range lookups(c) {
				t.Run(fmt.Sprintf("%d/analyzed=%t/%s", step.size, step.known, l.name), func(t *testing.T) { c.check(t, l) })
			}
		}
	})
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		c := crowdedDirectory{db: db, source: storagetest.Source(t, db, "okta"), other: storagetest.Source(t, db, "entra")}
		c.grow(t, 10)
		c.analyze(t)
		c.grow(t, 1000)
		for _, l := range lookups(c) {
			t.Run("analyzed when small/"+l.name, func(t *testing.T) { c.check(t, l) })
		}
	})
}

// crowdedDirectory has so many users and groups, and half as many in another source.
type crowdedDirectory struct {
	db            *storage.DB
	source, other bridge.Source
	size          int
	// One of them.
	userID, userName, displayName, externalID, groupID, groupName, groupExternalID string
}

func (c *crowdedDirectory) grow(t *testing.T, size int) {
	t.Helper()
	storagetest.Write(t, c.db, func(ctx context.Context, tx *storage.Tx) error {
		for i := c.size; i < size; i++ {
			for _, src := range []bridge.Source{c.source, c.other}[:1+i%2] {
				mail := fmt.Sprintf("person%d@corp.example", i)
				u := storagetest.MakeUser(tx, src.ID, mail, map[string]any{"externalId": fmt.Sprintf("00u%d", i), "displayName": fmt.Sprintf("Person %d", i), "title": "Buyer", "emails": storagetest.Emails(mail)})
				if err := tx.InsertUser(ctx, u); err != nil {
					return err
				}
				g := bridge.GroupResource{Group: bridge.Group{ID: tx.NewID(), SourceID: src.ID, ExternalID: fmt.Sprintf("00g%d", i), DisplayName: fmt.Sprintf("Group %d", i)}, Version: 1, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
				if err := tx.InsertGroup(ctx, g); err != nil {
					return err
				}
				if _, _, err := tx.ChangeMembers(ctx, g.ID, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: u.ID}}}}); err != nil {
					return err
				}
				if src.ID == c.source.ID && i == size/2 {
					c.userID, c.userName, c.displayName, c.externalID = u.ID, u.UserName, u.DisplayName, u.ExternalID
					c.groupID, c.groupName, c.groupExternalID = g.ID, g.DisplayName, g.ExternalID
				}
			}
		}
		return nil
	})
	c.size = size
}

// analyze lets PostgreSQL gather what it would gather by itself in time.
func (c *crowdedDirectory) analyze(t *testing.T) {
	t.Helper()
	if err := c.db.Analyze(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (c *crowdedDirectory) check(t *testing.T, l lookup) {
	t.Helper()
	var plans *[]string
	found := 0
	if l.filter == nil { // by its id alone
		storagetest.Read(t, c.db, func(ctx context.Context, tx *storage.Tx) error {
			plans = tx.Explained()
			if l.groups {
				_, err := tx.Group(ctx, c.source.ID, c.groupID)
				return err
			}
			_, err := tx.User(ctx, c.source.ID, c.userID)
			if err == nil {
				_, err = tx.StoredUser(ctx, c.source.ID, c.userID, true)
			}
			return err
		})
		c.judge(t, l, *plans)
		return
	}
	storagetest.Read(t, c.db, func(ctx context.Context, tx *storage.Tx) error {
		plans = tx.Explained()
		q := bridge.Query{Filter: l.filter, Limit: 100, Total: true, Groups: true}
		if l.groups {
			page, err := tx.Groups(ctx, c.source.ID, q)
			found = len(page.Items)
			return err
		}
		page, err := tx.StoredUsers(ctx, c.source.ID, q)
		found = len(page.Items)
		return err
	})
	if found != 1 || len(*plans) == 0 {
		t.Fatalf("%d found, %d plans", found, len(*plans))
	}
	c.judge(t, l, *plans)
}

func (c *crowdedDirectory) judge(t *testing.T, l lookup, plans []string) {
	t.Helper()
	for _, plan := range plans {
		if strings.HasPrefix(plan, "[") {
			if p := postgresPlan(t, plan); p.read() > 20 {
				t.Errorf("%v rows are read\n%s", p.read(), p.outline(""))
			}
			continue
		}
		if !strings.Contains(plan, l.sqlite) || strings.Contains(plan, "SCAN u") || strings.Contains(plan, "SCAN g") || strings.Contains(plan, "SCAN m") || strings.Contains(plan, "walk (source_id=?)") {
			t.Errorf("the plan is\n%s\nwant %s, and no scan", plan, l.sqlite)
		}
	}
}

// postgresNode is a step of a plan as PostgreSQL tells it.
type postgresNode struct {
	Type     string  `json:"Node Type"`
	Index    string  `json:"Index Name"`
	Table    string  `json:"Relation Name"`
	Cond     string  `json:"Index Cond"`
	Filter   string  `json:"Filter"`
	Cost     float64 `json:"Total Cost"`
	Rows     float64 `json:"Actual Rows"`
	Loops    float64 `json:"Actual Loops"`
	Filtered float64 `json:"Rows Removed by Filter"`
	Plans    []postgresNode
}

// read adds up the rows that the scans have read.
func (n postgresNode) read() float64 {
	total := 0.0
	if strings.Contains(n.Type, "Scan") {
		total = (n.Rows + n.Filtered) * n.Loops
	}
	for _, p := range n.Plans {
		total += p.read()
	}
	return total
}

func (n postgresNode) outline(indent string) string {
	s := fmt.Sprintf("%s%s %s %s: cost %v, %v rows, %v filtered, %v times %s %s\n", indent, n.Type, n.Table, n.Index, n.Cost, n.Rows, n.Filtered, n.Loops, n.Cond, n.Filter)
	for _, p := range n.Plans {
		s += p.outline(indent + "  ")
	}
	return s
}

func postgresPlan(t *testing.T, plan string) postgresNode {
	t.Helper()
	var list []struct{ Plan postgresNode }
	if err := json.Unmarshal([]byte(plan), &list); err != nil || len(list) != 1 {
		t.Fatalf("%v: %s", err, plan)
	}
	return list[0].Plan
}
