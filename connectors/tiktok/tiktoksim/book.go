package tiktoksim

import (
	"slices"
	"sort"
	"strings"
	"time"
)

// row is a line of a Business Center's member list. A row in a book is never
// changed, only replaced, so that the truth and the lagging view share it.
type row struct {
	Member
	seq   int       // place in the list
	ended time.Time // when a REJECTED one was declined
}

func (r *row) who() string { return holder(r.UserID, r.Email) }

// holder names who has grants: an account, or an address not yet accepted.
func holder(userID, email string) string {
	if userID != "" {
		return "u:" + userID
	}
	return "e:" + strings.ToLower(email)
}

type assetKey struct{ typ, id string }

func (a Asset) key() assetKey  { return assetKey{a.AssetType, a.AssetID} }
func (g Grant) key() assetKey  { return assetKey{g.AssetType, g.AssetID} }
func (a Shared) key() assetKey { return assetKey{a.AssetType, a.AssetID} }

// book is the state of a Business Center. Every Business Center keeps two: the
// truth, which writes meet, and the view, which reads see and which may lag.
type book struct {
	rows    []*row // by seq
	byUser  map[string]*row
	byEmail map[string]*row
	tally   map[place]int

	assets  []Asset
	byAsset map[assetKey]int      // place in assets
	grants  map[string][]Grant    // by holder, in order of assignment
	holders map[assetKey][]string // the same the other way round
	groups  []AssetGroup          // by creation
	inGroup map[string][]string   // member id: group ids
	partner []Partner             // by time of adding
}

// place is what the caps count by.
type place struct{ status, role string }

func (b *book) admins() int { return b.tally[place{bound, admin}] }

func (b *book) declined() int {
	return b.tally[place{rejected, admin}] + b.tally[place{rejected, standard}]
}

func newBook() *book {
	return &book{tally: map[place]int{}, byUser: map[string]*row{}, byEmail: map[string]*row{}, byAsset: map[assetKey]int{},
		grants: map[string][]Grant{}, holders: map[assetKey][]string{}, inGroup: map[string][]string{}}
}

func (b *book) find(seq int) (int, bool) {
	return sort.Find(len(b.rows), func(i int) int { return seq - b.rows[i].seq })
}

// put adds the row, or replaces the one with the same place.
func (b *book) put(r *row) {
	i, ok := b.find(r.seq)
	if ok {
		b.forget(b.rows[i])
		b.rows[i] = r
	} else {
		b.rows = slices.Insert(b.rows, i, r)
	}
	if r.UserID != "" {
		b.byUser[r.UserID] = r
	}
	b.byEmail[strings.ToLower(r.Email)] = r
	b.tally[place{r.Status, r.Role}]++
}

func (b *book) drop(seq int) {
	if i, ok := b.find(seq); ok {
		b.forget(b.rows[i])
		b.rows = slices.Delete(b.rows, i, i+1)
	}
}

func (b *book) forget(r *row) {
	if b.byUser[r.UserID] == r {
		delete(b.byUser, r.UserID)
	}
	if e := strings.ToLower(r.Email); b.byEmail[e] == r {
		delete(b.byEmail, e)
	}
	b.tally[place{r.Status, r.Role}]--
}

func (b *book) asset(k assetKey) (Asset, bool) {
	i, ok := b.byAsset[k]
	if !ok {
		return Asset{}, false
	}
	return b.assets[i], true
}

func (b *book) putAsset(a Asset) {
	if i, ok := b.byAsset[a.key()]; ok {
		b.assets[i] = a
		return
	}
	b.byAsset[a.key()] = len(b.assets)
	b.assets = append(b.assets, a)
}

// dropAsset takes an asset away from everybody who reached it.
func (b *book) dropAsset(k assetKey) {
	i, ok := b.byAsset[k]
	if !ok {
		return
	}
	b.assets = slices.Delete(b.assets, i, i+1)
	delete(b.byAsset, k)
	for j := i; j < len(b.assets); j++ {
		b.byAsset[b.assets[j].key()] = j
	}
	for _, who := range slices.Clone(b.holders[k]) {
		b.revoke(who, k)
	}
	if k.typ == "ADVERTISER" {
		for _, g := range slices.Clone(b.groups) {
			if slices.Contains(g.Assets, k.id) {
				g.Assets = without(g.Assets, k.id)
				b.putGroup(g)
			}
		}
	}
}

func (b *book) granted(who string, k assetKey) (Grant, bool) {
	for _, g := range b.grants[who] {
		if g.key() == k {
			return g, true
		}
	}
	return Grant{}, false
}

func (b *book) grant(who string, g Grant) {
	for i, had := range b.grants[who] {
		if had.key() == g.key() {
			b.grants[who] = slices.Clone(b.grants[who])
			b.grants[who][i] = g
			return
		}
	}
	b.grants[who] = append(b.grants[who], g)
	b.holders[g.key()] = append(b.holders[g.key()], who)
}

func (b *book) revoke(who string, k assetKey) {
	rest := slices.DeleteFunc(slices.Clone(b.grants[who]), func(g Grant) bool { return g.key() == k })
	if b.grants[who] = rest; len(rest) == 0 {
		delete(b.grants, who)
	}
	if b.holders[k] = without(b.holders[k], who); len(b.holders[k]) == 0 {
		delete(b.holders, k)
	}
}

// revokeAll takes every own grant away; what asset groups give is theirs.
func (b *book) revokeAll(who string) {
	for _, g := range b.grants[who] {
		b.revoke(who, g.key())
	}
}

// access is what a holder reaches: own grants first, then what groups give.
func (b *book) access(who string) []Grant {
	all := b.grants[who]
	id, ok := strings.CutPrefix(who, "u:")
	if !ok || len(b.inGroup[id]) == 0 {
		return all
	}
	all = slices.Clone(all)
	for _, g := range b.groups {
		for _, m := range g.Members {
			if m.MemberID != id {
				continue
			}
			for _, a := range g.Assets {
				k := assetKey{"ADVERTISER", a}
				if !slices.ContainsFunc(all, func(h Grant) bool { return h.key() == k }) {
					all = append(all, Grant{AssetType: k.typ, AssetID: k.id, AdvertiserRole: strings.TrimPrefix(m.Role, "ADVERTISER_ROLE_")})
				}
			}
		}
	}
	return all
}

// reach lists the holders of an asset, own grants first, then groups'.
func (b *book) reach(k assetKey) []string {
	all := slices.Clone(b.holders[k])
	if k.typ != "ADVERTISER" {
		return all
	}
	for _, g := range b.groups {
		if slices.Contains(g.Assets, k.id) {
			for _, m := range g.Members {
				if who := holder(m.MemberID, ""); !slices.Contains(all, who) {
					all = append(all, who)
				}
			}
		}
	}
	return all
}

func (b *book) group(id string) (AssetGroup, bool) {
	i := slices.IndexFunc(b.groups, func(g AssetGroup) bool { return g.ID == id })
	if i < 0 {
		return AssetGroup{}, false
	}
	return b.groups[i], true
}

func (b *book) putGroup(g AssetGroup) {
	if i := slices.IndexFunc(b.groups, func(had AssetGroup) bool { return had.ID == g.ID }); i >= 0 {
		b.indexGroup(b.groups[i], false)
		b.groups[i] = g
	} else {
		b.groups = append(b.groups, g)
	}
	b.indexGroup(g, true)
}

func (b *book) dropGroup(id string) {
	if i := slices.IndexFunc(b.groups, func(g AssetGroup) bool { return g.ID == id }); i >= 0 {
		b.indexGroup(b.groups[i], false)
		b.groups = slices.Delete(b.groups, i, i+1)
	}
}

func (b *book) indexGroup(g AssetGroup, in bool) {
	for _, m := range g.Members {
		if b.inGroup[m.MemberID] = without(b.inGroup[m.MemberID], g.ID); in {
			b.inGroup[m.MemberID] = append(b.inGroup[m.MemberID], g.ID)
		}
	}
}

// leaveGroups takes a member out of every group.
func (b *book) leaveGroups(id string) {
	for _, gid := range slices.Clone(b.inGroup[id]) {
		g, _ := b.group(gid)
		g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(m GroupMember) bool { return m.MemberID == id })
		b.putGroup(g)
	}
	delete(b.inGroup, id)
}

func (b *book) partnerOf(id string) (Partner, bool) {
	i := slices.IndexFunc(b.partner, func(p Partner) bool { return p.BCID == id })
	if i < 0 {
		return Partner{}, false
	}
	return b.partner[i], true
}

func (b *book) putPartner(p Partner) {
	if i := slices.IndexFunc(b.partner, func(had Partner) bool { return had.BCID == p.BCID }); i >= 0 {
		b.partner[i] = p
		return
	}
	b.partner = append(b.partner, p)
}

func (b *book) dropPartner(id string) {
	b.partner = slices.DeleteFunc(b.partner, func(p Partner) bool { return p.BCID == id })
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

// center is a Business Center at work.
type center struct {
	BusinessCenter // its description; people and things are in the books
	truth, view    *book
	due            []lagging
	next           int // seq of the next row
	invitations    []*Invitation
	lastInvited    map[string]*Invitation // by address in lower case
	repeats        []Repeat
	activities     []Activity
	adminless      []time.Time
	offers         []offer
	waiting        []int // seqs of rows to which something will happen by itself
}

type lagging struct {
	at time.Time
	do func(*book)
}

// write changes the truth now and the view when the change has propagated. do
// runs twice and must not depend on anything but its book.
func (s *Sim) write(c *center, do func(*book)) {
	had := c.truth.admins() > 0
	do(c.truth)
	if len(c.due) == 0 && s.sw.Propagation == 0 {
		do(c.view)
	} else {
		c.due = append(c.due, lagging{s.clock().Add(s.sw.Propagation), do})
	}
	if had && c.truth.admins() == 0 {
		c.adminless = append(c.adminless, s.clock())
	}
}

// settle lets the view catch up.
func (c *center) settle(now time.Time) {
	n := 0
	for n < len(c.due) && !c.due[n].at.After(now) {
		c.due[n].do(c.view)
		n++
	}
	c.due = slices.Delete(c.due, 0, n)
}
