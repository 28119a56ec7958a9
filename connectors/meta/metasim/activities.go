package metasim

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Deed is what another admin does on an asset in the browser: by whom, to whom.
type Deed struct {
	Business string   `json:"business"`
	By       string   `json:"by"` // a person (id or address), or a system user
	Asset    string   `json:"asset"`
	User     string   `json:"user"`            // a person (id or address), or a system user
	Tasks    []string `json:"tasks,omitempty"` // none takes the person off the asset
}

// Assign has another admin give someone tasks on an asset, in place of those
// they have, or take them off it. An ad account's history tells of it.
func (s *Sim) Assign(d Deed) error {
	return s.do(d.Business, func(b *business, now time.Time) error {
		by, name, account, err := s.someone(b, d.By)
		if err != nil {
			return err
		}
		who, _, _, err := s.someone(b, d.User)
		if err != nil {
			return err
		}
		n := s.nodes[d.Asset]
		if n == nil {
			return fmt.Errorf("business %s: no asset %q", b.ID, d.Asset)
		}
		a, ok := n.ref.(*asset)
		if !ok || a.permittedTo(b) == nil {
			return fmt.Errorf("business %s: it has no asset %q", b.ID, d.Asset)
		}
		for _, t := range d.Tasks {
			if !slices.Contains(a.permittedTo(b), t) {
				return fmt.Errorf("business %s: it may not hand out %s on %s", b.ID, t, d.Asset)
			}
		}
		// A history names people by the account behind, which is not the id that
		// assigned_users wants.
		c := &call{s: s, now: now, actor: &actor{id: cmp.Or(account, by), name: name}}
		i := slices.IndexFunc(a.Assigned, func(as Assignment) bool { return as.User == who })
		if len(d.Tasks) == 0 {
			if i < 0 {
				return fmt.Errorf("business %s: %s is not on %s", b.ID, d.User, d.Asset)
			}
			c.record(a, s.nodes[who], "ad_account_remove_user_from_role", a.Assigned[i].Tasks)
			a.Assigned = slices.Delete(a.Assigned, i, i+1)
			return nil
		}
		if i < 0 {
			a.Assigned = append(a.Assigned, Assignment{User: who})
			i = len(a.Assigned) - 1
		}
		a.Assigned[i].Tasks = slices.Clone(d.Tasks)
		c.record(a, s.nodes[who], "ad_account_add_user_to_role", d.Tasks)
		return nil
	})
}

// RemoveAsset has another admin take an asset out of the business that owns it: nobody of it, nor of a partner, sees it
// or has access to it any more.
func (s *Sim) RemoveAsset(businessID, assetID string) error {
	return s.do(businessID, func(b *business, _ time.Time) error {
		i := slices.IndexFunc(b.assets, func(a *asset) bool { return a.ID == assetID })
		if i < 0 {
			return fmt.Errorf("business %s: it owns no asset %q", b.ID, assetID)
		}
		a := b.assets[i]
		b.assets = slices.Delete(b.assets, i, i+1)
		a.biz, a.Agencies, a.Assigned, a.was = nil, nil, nil, nil
		for _, g := range b.groups {
			g.Contains = slices.DeleteFunc(g.Contains, func(id string) bool { return id == assetID })
		}
		for _, t := range s.tokens {
			t.Revoked = t.Revoked || t.Page == assetID
		}
		return nil
	})
}

// someone is a person or system user of a business: id, name, and of a person
// the account behind, where there is one.
func (s *Sim) someone(b *business, who string) (id, name, account string, err error) {
	p := b.people.get(who)
	if p == nil {
		p = b.member(who)
	}
	if p != nil {
		return p.ID, fullName(*p), p.User, nil
	}
	if n := s.nodes[who]; n != nil && n.biz == b {
		if su, ok := n.ref.(*SystemUser); ok {
			return su.ID, su.Name, "", nil
		}
	}
	return "", "", "", fmt.Errorf("business %s: no person or system user %q", b.ID, who)
}
