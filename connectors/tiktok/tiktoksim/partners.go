package tiktoksim

import (
	"slices"
	"strings"
)

// offer is a sharing that waits for the receiving Business Center's yes.
type offer struct {
	to     string
	assets []Shared
}

func partnerGet(k *call) (any, *fail) {
	name := k.in("filtering").str("name")
	all := []partnerView{}
	for _, p := range k.c.view.partner {
		if strings.Contains(strings.ToLower(p.Name), strings.ToLower(name)) {
			all = append(all, partnerView{p.BCID, p.Name})
		}
	}
	list, info := page(k, all)
	return map[string]any{"list": list, "page_info": info}, nil
}

func partnerAdd(k *call) (any, *fail) {
	to := k.str("partner_id")
	if to == k.c.BCID {
		return nil, failed(40002, "Invalid value for partner_id: a Business Center can't be its own partner.")
	}
	_, partner := k.c.truth.partnerOf(to)
	if k.byBC[to] == nil && !partner {
		return nil, k.absent("The Business Center %s does not exist.", to)
	}
	role := k.str("advertiser_role")
	if role == "" {
		role = "ANALYST"
	}
	var assets []Shared
	for _, id := range k.strs("asset_ids") {
		a, ok := k.c.truth.asset(assetKey{"ADVERTISER", id})
		if !ok || a.RelationType != "OWNER_BC" || a.RelationStatus != bound {
			return nil, k.denied("You don't have permission to the asset(%s).", id) // "can share only assets it owns"
		}
		assets = append(assets, Shared{AssetType: "ADVERTISER", AssetID: id, Name: a.Name, AdvertiserRole: role})
	}
	if k.sw.PartnerAdd == "approval" {
		k.c.offers = append(k.c.offers, offer{to, assets})
	} else {
		k.share(k.c, to, assets)
	}
	k.activity(k.c, "ASSET", k.user.CoreUserID, "%s shared %d assets with the partner %s", k.nameOf(k.user.CoreUserID), len(assets), to)
	return nil, nil
}

var advertiserRank = map[string]int{"": 0, "ANALYST": 1, "OPERATOR": 2, "ADMIN": 3}

// share makes two Business Centers partners and hands assets over. A role is
// raised in place; lowering one takes remove and share again.
func (s *Sim) share(c *center, to string, assets []Shared) {
	other := s.byBC[to]
	mine, ok := c.truth.partnerOf(to)
	if !ok {
		mine = Partner{BCID: to}
	}
	if other != nil {
		mine.Name = other.Name
	}
	mine.Sharing = merged(mine.Sharing, assets)
	s.write(c, func(b *book) { b.putPartner(mine) })
	if other == nil {
		return
	}
	theirs, ok := other.truth.partnerOf(c.BCID)
	if !ok {
		theirs = Partner{BCID: c.BCID, Name: c.Name}
	}
	theirs.Shared = merged(theirs.Shared, assets)
	var received []Asset
	for _, a := range assets {
		got, _ := c.truth.asset(a.key())
		got.RelationType, got.RelationStatus, got.OwnerBCName = "OWNER_PARTNER", bound, c.Name
		received = append(received, got)
	}
	s.write(other, func(b *book) {
		b.putPartner(theirs)
		for _, a := range received {
			b.putAsset(a)
		}
	})
}

func merged(had, more []Shared) []Shared {
	all := slices.Clone(had)
	for _, a := range more {
		i := slices.IndexFunc(all, func(h Shared) bool { return h.key() == a.key() })
		if i < 0 {
			all = append(all, a)
		} else if advertiserRank[a.AdvertiserRole] > advertiserRank[all[i].AdvertiserRole] {
			all[i].AdvertiserRole = a.AdvertiserRole
		}
	}
	return all
}

func partnerDelete(k *call) (any, *fail) {
	p, ok := k.c.truth.partnerOf(k.str("partner_id"))
	if !ok {
		return nil, k.absent("The Business Center %s is not a partner.", k.str("partner_id"))
	}
	k.unshare(k.c, p.BCID, p.Sharing)
	k.write(k.c, func(b *book) {
		b.dropPartner(p.BCID)
		for _, a := range p.Shared {
			b.dropAsset(a.key())
		}
	})
	if other := k.byBC[p.BCID]; other != nil {
		k.write(other, func(b *book) { b.dropPartner(k.c.BCID) })
	}
	k.activity(k.c, "ASSET", k.user.CoreUserID, "%s removed the partner %s", k.nameOf(k.user.CoreUserID), p.BCID)
	return nil, nil
}

// unshare takes shared assets back.
func (s *Sim) unshare(c *center, from string, assets []Shared) {
	gone := func(a Shared) bool {
		return slices.ContainsFunc(assets, func(b Shared) bool { return a.key() == b.key() })
	}
	if mine, ok := c.truth.partnerOf(from); ok {
		mine.Sharing = slices.DeleteFunc(slices.Clone(mine.Sharing), gone)
		s.write(c, func(b *book) { b.putPartner(mine) })
	}
	other := s.byBC[from]
	if other == nil {
		return
	}
	theirs, ok := other.truth.partnerOf(c.BCID)
	theirs.Shared = slices.DeleteFunc(slices.Clone(theirs.Shared), gone)
	s.write(other, func(b *book) {
		if ok {
			b.putPartner(theirs)
		}
		for _, a := range assets {
			b.dropAsset(a.key())
		}
	})
}

func partnerAssetGet(k *call) (any, *fail) {
	type item struct {
		AssetID               string  `json:"asset_id"`
		AssetType             string  `json:"asset_type"`
		AssetName             *string `json:"asset_name"`
		AdvertiserRole        *string `json:"advertiser_role"`
		AdvertiserAccountType *string `json:"advertiser_account_type"`
		CatalogRole           *string `json:"catalog_role"`
	}
	p, ok := k.c.view.partnerOf(k.str("partner_id"))
	if !ok {
		return nil, k.absent("The Business Center %s is not a partner.", k.str("partner_id"))
	}
	assets := p.Shared
	if k.str("share_type") == "SHARING" {
		assets = p.Sharing
	}
	all := []item{}
	for _, a := range assets {
		known, _ := k.c.view.asset(a.key())
		name := a.Name
		if name == "" {
			name = known.Name
		}
		if a.AssetType == k.str("asset_type") && found(name, a.AssetID, k.in("filtering").str("keyword")) {
			all = append(all, item{a.AssetID, a.AssetType, orNull(name), orNull(a.AdvertiserRole), orNull(known.AdvertiserAccountType), orNull(a.CatalogRole)})
		}
	}
	list, info := page(k, all)
	return map[string]any{"list": list, "page_info": info}, nil
}

func partnerAssetDelete(k *call) (any, *fail) {
	p, ok := k.c.truth.partnerOf(k.str("partner_id"))
	if !ok {
		return nil, k.absent("The Business Center %s is not a partner.", k.str("partner_id"))
	}
	var assets []Shared
	for _, id := range k.strs("asset_ids") {
		i := slices.IndexFunc(p.Sharing, func(a Shared) bool { return a.key() == assetKey{k.str("asset_type"), id} })
		if i >= 0 {
			assets = append(assets, p.Sharing[i])
		} else if k.sw.UnassignAbsent == "error" {
			return nil, failed(40002, "The asset(%s) has not been shared with the partner.", id)
		}
	}
	k.unshare(k.c, p.BCID, assets)
	k.activity(k.c, "ASSET", k.user.CoreUserID, "%s stopped sharing %d assets with the partner %s", k.nameOf(k.user.CoreUserID), len(assets), p.BCID)
	return nil, nil
}
