package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

// supposedExample is the form of a file of `plan --with`.
const supposedExample = `  add:
    - group: TikTok EU Owners   # display name or SCIM id
      role: owner               # owner or collaborator
      source: okta-main         # optional
      assets:                   # optional
        - ad_account:102030405=advertise
  remove:
    - group: TikTok EU Users    # with the role, or the rule's id
      role: collaborator
  delete-groups:                # as if the identity provider deleted them
    - Old Team
`

// supposedFile is what `plan --with` reads.
type supposedFile struct {
	Add []struct {
		Group  string   `yaml:"group"`
		Role   string   `yaml:"role"`
		Source string   `yaml:"source"`
		Assets []string `yaml:"assets"`
	} `yaml:"add"`
	Remove []struct {
		ID    string `yaml:"id"`
		Group string `yaml:"group"`
		Role  string `yaml:"role"`
	} `yaml:"remove"`
	DeleteGroups []string `yaml:"delete-groups"`
}

func readSupposed(file string, in io.Reader) (supposedFile, error) {
	var f supposedFile
	var raw []byte
	var err error
	if file == "-" {
		raw, err = io.ReadAll(io.LimitReader(in, 1<<20))
	} else {
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return f, wrong("name a file that can be read", "with: %w", err)
	}
	if err := yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict()).Decode(&f); err != nil && len(bytes.TrimSpace(raw)) > 0 {
		return f, wrong("`adbridge plan --help` shows the form", "with: %s: %s", file, strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	if len(f.Add)+len(f.Remove)+len(f.DeleteGroups) == 0 {
		return f, wrong("`adbridge plan --help` shows the form", "with: %s names nothing to add, remove or delete", file)
	}
	return f, nil
}

// supposed finds what the file names on one hub.
func (f supposedFile) supposed(ctx context.Context, tx *storage.Tx, hub bridge.Hub, traits bridge.Traits) (bridge.Supposed, error) {
	var s bridge.Supposed
	for i, a := range f.Add {
		role, err := bridge.ParseRole(a.Role)
		if err != nil {
			return s, wrong("give role: owner or collaborator", "add %d: role: %w", i+1, err)
		}
		if strings.TrimSpace(a.Group) == "" {
			return s, wrong("give the group's display name or SCIM id", "add %d: group: it is missing", i+1)
		}
		r := ruleFor(a.Group, role)
		if a.Source != "" {
			source, err := tx.Source(ctx, a.Source)
			if err != nil {
				return s, wrong("`adbridge source list` shows the sources", "add %d: source %q: %w", i+1, a.Source, err)
			}
			r.SourceID = source.ID
		}
		if r.Assets, err = parseAssets(traits, a.Assets); err != nil {
			return s, fmt.Errorf("add %d: %w", i+1, err)
		}
		s.Add = append(s.Add, r)
	}
	rules, err := tx.Rules(ctx, hub.ID)
	if err != nil {
		return s, err
	}
	views, err := viewRules(ctx, tx, rules)
	if err != nil {
		return s, err
	}
	for i, x := range f.Remove {
		n := len(s.Remove)
		for _, v := range views {
			named := x.Group != "" && (bridge.Fold(v.Group) == bridge.Fold(x.Group) || v.GroupID == x.Group) && (x.Role == "" || string(v.Role) == strings.ToLower(x.Role))
			if v.ID == x.ID && x.ID != "" || x.ID == "" && named {
				s.Remove = append(s.Remove, v.ID)
			}
		}
		if len(s.Remove) == n {
			return s, wrong("`adbridge rule list --hub "+hub.Slug+"` shows the rules", "remove %d: hub %s has no such rule: %w", i+1, hub.Slug, bridge.ErrNotFound)
		}
	}
	for _, name := range f.DeleteGroups {
		groups, err := tx.GroupsOfRule(ctx, ruleFor(name, bridge.Collaborator))
		if err != nil {
			return s, err
		}
		groups = slices.DeleteFunc(groups, func(g bridge.Group) bool { return !g.DeletedAt.IsZero() })
		if len(groups) == 0 {
			return s, wrong("give the display name or SCIM id of a group that the directory has", "delete-groups: %q: %w", name, bridge.ErrNotFound)
		}
		for _, g := range groups {
			s.Delete = append(s.Delete, g.ID)
		}
	}
	return s, nil
}

// ruleFor is a rule for a group named by its SCIM id or display name.
func ruleFor(group string, role bridge.Role) bridge.Rule {
	group = strings.TrimSpace(group)
	if _, err := uuid.Parse(group); err == nil {
		return bridge.Rule{GroupID: group, Role: role}
	}
	return bridge.Rule{GroupName: group, Role: role}
}

// planWith plans the hubs as if the file's changes were made.
func (c *cli) planWith(ctx context.Context, app *App, hubs []bridge.Hub, file string) error {
	f, err := readSupposed(file, c.in)
	if err != nil {
		return err
	}
	var all []reconcile.WhatIf
	for _, h := range hubs {
		var s bridge.Supposed
		err := app.DB.Read(ctx, func(tx *storage.Tx) (err error) {
			s, err = f.supposed(ctx, tx, h, app.Planner.Traits(h.Platform))
			return err
		})
		if err != nil {
			return err
		}
		x, err := app.Planner.WhatIf(ctx, h.ID, s)
		if err != nil {
			return fmt.Errorf("hub %s: %w", h.Slug, err)
		}
		all = append(all, x)
	}
	return c.showWhatIf(all)
}

// whatIf shows what a change would mean on each of the hubs.
func (c *cli) whatIf(ctx context.Context, app *App, hubs []bridge.Hub, s bridge.Supposed) error {
	var all []reconcile.WhatIf
	for _, h := range hubs {
		x, err := app.Planner.WhatIf(ctx, h.ID, s)
		if err != nil {
			return fmt.Errorf("hub %s: %w", h.Slug, err)
		}
		all = append(all, x)
	}
	return c.showWhatIf(all)
}

// showWhatIf answers with who would gain, change and lose; the exit code is
// that of the plan as it would be, when it affects anyone.
func (c *cli) showWhatIf(all []reconcile.WhatIf) error {
	for _, x := range all {
		if !x.Effects.None() {
			c.exit = max(c.exit, planExit(x.After))
		}
	}
	return c.show(all, func(w io.Writer) error {
		for _, x := range all {
			fmt.Fprintf(w, "on hub %s; nothing is saved:\n", x.Hub)
			for _, g := range x.Absent {
				fmt.Fprintf(w, "the directory has no group %q yet; the rule would take effect when the IdP pushes it\n", g)
			}
			if err := x.Effects.WriteText(w); err != nil {
				return err
			}
		}
		return nil
	})
}

// affectedView is a rule with everyone who hangs on it.
type affectedView struct {
	ruleView
	Effects bridge.Effects `json:"effects"`
}

// affected names for each rule who would lose their role, or have another one,
// without it.
func (c *cli) affected(ctx context.Context, app *App, hubs []bridge.Hub, rules []ruleView) error {
	gone := map[string]reconcile.WhatIf{}
	for _, h := range hubs {
		each, err := app.Planner.EachRuleGone(ctx, h.ID)
		if err != nil {
			return err
		}
		for id, x := range each {
			gone[id] = x
		}
	}
	views := []affectedView{}
	for _, r := range rules {
		views = append(views, affectedView{r, gone[r.ID].Effects})
	}
	return c.show(views, func(w io.Writer) error {
		for _, v := range views {
			fmt.Fprintf(w, "rule %s: everyone in %q is %s on hub %s; without it, %d people\n", v.ID, v.Group, v.Role, v.Hub, v.Effects.People())
			if err := v.Effects.WriteText(w); err != nil {
				return err
			}
		}
		return nil
	})
}
