package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/scim/idpsim"
	"adbridge/storage"
)

// quietWithin is how long the demo waits for everything to settle.
const quietWithin = 90 * time.Second

// play tells the story: first what a company does on its first day, then what
// happens in the weeks after.
func (d *demo) play(ctx context.Context) error {
	if err := d.rules(ctx, [][3]string{
		{"TikTok EU Owners", "tiktok-eu", "owner"}, {"TikTok EU Collaborators", "tiktok-eu", "collaborator"},
		{"TikTok US Owners", "tiktok-us", "owner"},
		{"Meta Owners", "meta-oak", "owner"}, {"Meta Collaborators", "meta-oak", "collaborator"},
	}); err != nil {
		return err
	}
	firstDay, weeksAfter, err := d.chapters()
	if err != nil {
		return err
	}
	if err := d.tell(ctx, firstDay); err != nil {
		return err
	}
	// This group will be renamed: the rule names it by id, so that it holds on.
	id, err := d.groupID(ctx, "TikTok US Collaborators")
	if err != nil {
		return err
	}
	if err := d.rules(ctx, [][3]string{{id, "tiktok-us", "collaborator"}}); err != nil {
		return err
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	if err := d.adopt(ctx); err != nil {
		return err
	}
	if err := d.tell(ctx, weeksAfter); err != nil {
		return err
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	return d.massRemoval(ctx)
}

// chapters are what the IdPs do on the first day, and in the weeks after.
func (d *demo) chapters() (firstDay, weeksAfter []idpsim.Step, err error) {
	for _, s := range []idpsim.Story{
		{IdP: d.okta, People: oktaPeople, Groups: oktaGroups,
			Adds:    []idpsim.Membership{{UserName: "umar.khan@" + lumen, Group: "TikTok EU Collaborators"}},
			Removes: []idpsim.Membership{{UserName: "hana.sato@" + lumen, Group: "TikTok EU Collaborators"}},
			Moves:   []idpsim.Move{{UserName: "julia.rossi@" + lumen, From: "TikTok EU Collaborators", To: "TikTok EU Owners"}},
			Leavers: []string{"kofi.mensah@" + lumen},
			Renames: []idpsim.Rename{{From: "TikTok US Collaborators", To: "TikTok Americas Collaborators"}}},
		{IdP: d.entra, People: entraPeople, Groups: entraGroups,
			Removes: []idpsim.Membership{{UserName: "jade.lim@" + oak, Group: "Meta Collaborators"}},
			Moves:   []idpsim.Move{{UserName: "erik.hansen@" + oak, From: "Meta Collaborators", To: "Meta Owners"}},
			Leavers: []string{"gustav.berg@" + oak}},
	} {
		steps, err := s.Steps()
		if err != nil {
			return nil, nil, err
		}
		n := 2 + len(s.Groups) // test the connection, create the people, push each group
		firstDay, weeksAfter = append(firstDay, steps[:n]...), append(weeksAfter, steps[n:]...)
	}
	return firstDay, weeksAfter, nil
}

// rules adds rules: group, hub, role.
func (d *demo) rules(ctx context.Context, rules [][3]string) error {
	for _, r := range rules {
		rule := bridge.Rule{GroupName: r[0], Role: bridge.Role(r[2]), Assets: demoAssets[r[0]]}
		if len(r[0]) == 36 {
			rule.GroupID, rule.GroupName = r[0], ""
		}
		if _, err := reconcile.AddRule(ctx, d.app.DB, rule, r[1], d.by); err != nil {
			return err
		}
		name := r[0]
		if rule.GroupID != "" {
			name = "the group " + name
		}
		with := ""
		if len(rule.Assets) > 0 {
			with = ", with access to " + assetsWord(assetTexts(rule.Assets))
		}
		d.say("rule: everyone in %s is %s on %s%s", name, r[2], r[1], with)
	}
	return nil
}

func (d *demo) groupID(ctx context.Context, name string) (id string, err error) {
	err = d.app.DB.Read(ctx, func(tx *storage.Tx) error {
		groups, err := tx.GroupsOfRule(ctx, bridge.Rule{GroupName: name})
		if err == nil && len(groups) != 1 {
			err = fmt.Errorf("group %q: %d groups have that name", name, len(groups))
		}
		if err == nil {
			id = groups[0].ID
		}
		return err
	})
	return id, err
}

// tell plays steps at the IdPs.
func (d *demo) tell(ctx context.Context, steps []idpsim.Step) error {
	for _, step := range steps {
		if err := step.Run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.Title, err)
		}
		d.say("%s", step.Title)
	}
	return nil
}

// adopt matches whom the platforms show under a mask only, exempts one, and
// lets the hubs act.
func (d *demo) adopt(ctx context.Context) error {
	masked := [][2]string{{"tiktok-eu", "ana.silva@" + lumen}, {"tiktok-us", "aaron.cole@" + oak}}
	for _, m := range masked {
		if err := d.matchByName(ctx, m[0], m[1]); err != nil {
			return err
		}
	}
	if err := d.onMember(ctx, "tiktok-eu", nameOf("m.freelance@inbox.example"), bridge.Decision{
		Kind: bridge.DecideExempt, Reason: "freelancer on the spring campaign, contract with legal", Until: time.Now().AddDate(0, 3, 0).UTC(),
	}); err != nil {
		return err
	}
	d.say("admin: the freelancer on tiktok-eu is exempt for three months")
	for _, slug := range []string{"tiktok-eu", "tiktok-us", "meta-oak"} {
		_, p, err := d.app.Planner.Preview(ctx, d.hubs[slug].ID)
		if err != nil {
			return err
		}
		d.say("admin: %s would %s; the mode is now full", slug, summary(p))
		if _, err := reconcile.SetMode(ctx, d.app.DB, slug, bridge.ModeFull, d.by, "the adoption report was read"); err != nil {
			return err
		}
	}
	return d.settle(ctx)
}

// summary counts what a plan would do.
func summary(p bridge.Plan) string {
	count := map[bridge.Action]int{}
	for _, r := range p.Rows {
		if r.Action != bridge.Nothing {
			count[r.Action]++
		}
	}
	s := ""
	for _, a := range []bridge.Action{bridge.Invite, bridge.ReInvite, bridge.SetRole, bridge.SetInvite, bridge.Adopt, bridge.Cancel, bridge.Remove} {
		if count[a] > 0 {
			s += fmt.Sprintf(", %s %d", a, count[a])
		}
	}
	if s == "" {
		return "do nothing"
	}
	return s[2:]
}

// matchByName binds a member whose address is masked to a person, as an admin
// does who knows both.
func (d *demo) matchByName(ctx context.Context, slug, email string) error {
	var p bridge.Person
	err := d.app.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		p, err = onePerson(ctx, tx, email)
		return err
	})
	if err != nil {
		return err
	}
	if err := d.onMember(ctx, slug, nameOf(email), bridge.Decision{Kind: bridge.DecideMatch, PersonID: p.ID, Reason: "known to the team"}); err != nil {
		return err
	}
	d.say("admin: %s on %s is %s", bridge.Mask(email), slug, email)
	return nil
}

// onMember decides about the member that the platform shows under a name.
func (d *demo) onMember(ctx context.Context, slug, name string, dec bridge.Decision) error {
	err := d.app.DB.Read(ctx, func(tx *storage.Tx) error {
		m, err := oneMember(ctx, tx, d.hubs[slug].ID, name)
		dec.MemberID = m.ID
		return err
	})
	if err != nil {
		return err
	}
	dec.HubID, dec.By = d.hubs[slug].ID, d.by
	_, err = reconcile.Decide(ctx, d.app.DB, dec)
	return err
}

// leavingAtOnce are taken out of their group in one go.
var leavingAtOnce = at(lumen, "rosa.jimenez", "sami.korhonen", "tara.obrien", "vera.popescu", "will.harris")

// massRemoval takes many people out of a group at once: a guard holds it, an
// admin looks and approves.
func (d *demo) massRemoval(ctx context.Context) error {
	id, err := d.groupID(ctx, "TikTok Americas Collaborators")
	if err != nil {
		return err
	}
	var people []string
	err = d.app.DB.Read(ctx, func(tx *storage.Tx) error {
		for _, email := range leavingAtOnce {
			p, err := onePerson(ctx, tx, email)
			if err != nil {
				return err
			}
			people = append(people, p.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := d.okta.RemoveMembers(ctx, id, people...); err != nil {
		return err
	}
	d.say("Okta: remove %d people from %q in one go", len(people), "TikTok Americas Collaborators")
	if err := d.settle(ctx); err != nil {
		return err
	}
	hub := d.hubs["tiktok-us"]
	_, plan, err := d.app.Planner.Preview(ctx, hub.ID)
	if err != nil {
		return err
	}
	var held []bridge.Row
	for _, r := range plan.Rows {
		if r.Verdict == bridge.Held && r.Action == bridge.Remove {
			held = append(held, r)
		}
	}
	if len(held) != len(people) {
		return fmt.Errorf("the mass removal on %s: %d of %d removals are held by a guard", hub.Slug, len(held), len(people))
	}
	d.say("guard: %s holds %d removals on %s (%s)", held[0].Reason, len(held), hub.Slug, held[0].Detail)
	_, err = d.app.Planner.Rule(ctx, reconcile.Ruling{HubID: hub.ID, Kind: bridge.DecideApprove, Hash: plan.Hash, Items: []string{"@" + string(held[0].Reason)},
		Reason: "the Americas team was dissolved", By: d.by, Until: time.Now().Add(time.Hour).UTC()})
	if err != nil {
		return err
	}
	d.say("admin: approved plan %.12s as it was read, the team was dissolved", plan.Hash)
	return d.settle(ctx)
}

// settle waits until nothing is left to do on any hub, then reads the hubs
// once more, since people accept in their own time.
func (d *demo) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, quietWithin)
	defer cancel()
	for range 3 { // invitations sent, accepted, adopted
		if err := d.quiet(ctx); err != nil {
			return err
		}
		for _, hub := range d.hubs {
			p, err := d.app.pullNow(ctx, hub)
			if err != nil {
				return err
			}
			if !p.Complete {
				return fmt.Errorf("pull of %s: %s", hub.Slug, p.Error)
			}
		}
		if err := d.quiet(ctx); err != nil {
			return err
		}
		if pending, err := d.pending(ctx); err != nil || !pending {
			return err
		}
	}
	return nil
}

// pending says whether an invitation is still to be accepted.
func (d *demo) pending(ctx context.Context) (bool, error) {
	open := false
	err := d.app.DB.Read(ctx, func(tx *storage.Tx) error {
		for _, hub := range d.hubs {
			list, err := tx.Invitations(ctx, hub.ID)
			if err != nil {
				return err
			}
			open = open || slices.ContainsFunc(list, func(i bridge.Invitation) bool { return i.State.Open() })
		}
		return nil
	})
	if open {
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-time.After(1100 * time.Millisecond): // they take a second to say yes
		}
	}
	return open, err
}

// quiet waits until no lane has anything to do and nothing waits for a time
// that the demo will see.
func (d *demo) quiet(ctx context.Context) error {
	for {
		var works []storage.LaneWork
		var tasks []bridge.Task
		var now time.Time
		err := d.app.DB.Read(ctx, func(tx *storage.Tx) (err error) {
			now = tx.Now()
			if works, err = tx.LaneWorks(ctx); err != nil {
				return err
			}
			tasks, err = tx.Tasks(ctx, storage.TaskFilter{States: []bridge.TaskState{bridge.Ready, bridge.Running, bridge.TaskWait, bridge.Accepted}})
			return err
		})
		if err != nil {
			return err
		}
		busy := len(tasks) > 0
		for _, w := range works {
			soon := !w.PlanAt.IsZero() && w.PlanAt.Before(now.Add(10*time.Second))
			busy = busy || due(w, now) || soon || w.Lease.Holder != ""
		}
		if !busy {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("not everything was done in %s: %s", quietWithin, undone(tasks)), ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func undone(tasks []bridge.Task) string {
	s := fmt.Sprintf("%d tasks are open", len(tasks))
	for _, t := range tasks[:min(len(tasks), 5)] {
		s += fmt.Sprintf("; %s %s is %s (%s %s)", t.Action, t.Email, t.State, t.Reason, t.Detail)
	}
	return s
}
