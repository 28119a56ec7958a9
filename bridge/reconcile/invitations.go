package reconcile

import (
	"context"
	"slices"

	"adbridge/bridge"
	"adbridge/storage"
)

// InvitationLine is an invitation as it stands, with whom it went to.
type InvitationLine struct {
	bridge.InvitationStatus
	Hub      string `json:"hub"` // slug
	UserName string `json:"user_name,omitempty"`
	Name     string `json:"name,omitempty"`
}

// InvitationLines are the open invitations of a hub, and the last one of
// everyone who declined or let it lapse and is not on the hub; with all, every
// one ever sent. The oldest comes first.
func InvitationLines(ctx context.Context, tx *storage.Tx, hub bridge.Hub, traits bridge.Traits, all bool) ([]InvitationLine, error) {
	list, err := tx.Invitations(ctx, hub.ID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	members, err := tx.Members(ctx, hub.ID, false)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, m := range members {
		if m.Presence == bridge.Active {
			there[m.PersonID] = true
		}
	}
	desired, err := tx.DesiredOf(ctx, hub.ID)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, d := range desired {
		wanted[d.PersonID] = d.Role != bridge.NoRole
	}
	last := map[string]string{} // person → their last invitation
	var ids []string
	slices.SortStableFunc(list, func(a, b bridge.Invitation) int { return a.SentAt.Compare(b.SentAt) })
	for _, i := range list {
		last[i.PersonID] = i.ID
		ids = append(ids, i.PersonID)
	}
	people, err := tx.People(ctx, ids)
	if err != nil {
		return nil, err
	}
	known := map[string]bridge.Person{}
	var addresses []string
	for _, p := range people {
		known[p.ID] = p
		addresses = append(addresses, p.Addresses()...)
	}
	same, err := tx.PeopleByEmail(ctx, addresses) // who is in several sources may have the address in another
	if err != nil {
		return nil, err
	}
	having := map[string][]*bridge.Person{}
	for k := range same {
		for _, a := range same[k].Addresses() {
			having[a] = append(having[a], &same[k])
		}
	}
	var lines []InvitationLine
	for _, i := range list {
		isLast := last[i.PersonID] == i.ID
		unanswered := (i.State.Lapsed() || i.State == bridge.InvitationDeclined) && isLast && !there[i.PersonID]
		if !all && !i.State.Open() && !unanswered {
			continue
		}
		who := bridge.Invitee{Hub: hub, Traits: traits, Now: tx.Now(), Wanted: wanted[i.PersonID], Last: isLast}
		p, ok := known[i.PersonID]
		if ok {
			who.People = append(who.People, &p)
			for _, a := range p.Addresses() {
				who.People = append(who.People, having[a]...)
			}
		}
		line := InvitationLine{InvitationStatus: who.Status(i), Hub: hub.Slug}
		if ok {
			line.UserName, line.Name = p.UserName, p.Name()
		}
		lines = append(lines, line)
	}
	return lines, nil
}
