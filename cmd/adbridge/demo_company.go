package main

import (
	"fmt"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/scim/idpsim"
)

// The demo's company, Lumen & Oak: Lumen's people are in Okta, Oak's in Entra
// ID. They have two Business Centers and one business portfolio, on which
// their people are already, with a few others.
const (
	lumen  = "lumen.example"
	oak    = "oak.example"
	agency = "northwind-agency.example"

	bcEU     = "7012345678901234567"
	bcUS     = "7098765432109876543"
	metaBiz  = "102030405060708"
	ttApp    = "7160000000000000001"
	metaApp  = "2965389650414399"
	ttToken  = "demo-tiktok-token-of-the-automation-account"
	fbToken  = "EAABdemo-token-of-the-admin-system-user"
	fbSecret = "demo-app-secret"

	euAccount   = "7216184256936150001" // ad account of the first Business Center
	metaAccount = "23842000000001"      // and of the portfolio
)

// demoAssets is the access that comes with a rule for a group.
var demoAssets = map[string][]bridge.AssetAccess{
	"TikTok EU Collaborators": {{Asset: bridge.Asset{Kind: "advertiser", ID: euAccount}, Roles: []string{"OPERATOR"}}},
	"Meta Collaborators":      {{Asset: bridge.Asset{Kind: "ad_account", ID: metaAccount}, Roles: []string{"ADVERTISE", "ANALYZE"}}},
}

// The groups, and who is in them at first.
var (
	oktaGroups = []idpsim.Group{
		{DisplayName: "TikTok EU Owners", Members: at(lumen, "ana.silva", "ben.okafor")},
		{DisplayName: "TikTok EU Collaborators", Members: at(lumen, "carla.meyer", "dana.weiss", "emil.novak", "fatima.haddad",
			"george.petrov", "hana.sato", "igor.lindqvist", "julia.rossi", "kofi.mensah", "lena.vogel", "marco.bianchi", "nadia.rahman")},
		{DisplayName: "TikTok US Collaborators", Members: at(lumen, "priya.nair", "quentin.dubois", "rosa.jimenez", "sami.korhonen",
			"tara.obrien", "umar.khan", "vera.popescu", "will.harris", "xenia.kostas")},
	}
	entraGroups = []idpsim.Group{
		{DisplayName: "TikTok US Owners", Members: at(oak, "aaron.cole", "bianca.ferrari")},
		{DisplayName: "Meta Owners", Members: at(oak, "chidi.eze", "daria.orlova")},
		{DisplayName: "Meta Collaborators", Members: at(oak, "erik.hansen", "freya.jensen", "gustav.berg", "helen.park", "ivan.horvat",
			"jade.lim", "karim.aziz", "lucia.moreno", "mateo.cruz", "nora.fischer", "olga.nowak", "paul.adams")},
	}
	oktaPeople  = append(everyone(oktaGroups), idpsim.NewUser("Oscar Nilsen", "oscar.nilsen@"+lumen, "Finance"))
	entraPeople = everyone(entraGroups)
)

func at(domain string, names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n + "@" + domain
	}
	return out
}

// everyone are the members of the groups, as the IdP knows them.
func everyone(groups []idpsim.Group) []idpsim.User {
	var users []idpsim.User
	for _, g := range groups {
		for _, email := range g.Members {
			users = append(users, idpsim.NewUser(nameOf(email), email, "Marketing"))
		}
	}
	return users
}

// nameOf makes "Ana Silva" of "ana.silva@lumen.example".
func nameOf(email string) string {
	local, _, _ := strings.Cut(email, "@")
	words := strings.Split(local, ".")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

// ids numbers the platforms' people.
type ids struct{ next int64 }

func (i *ids) take() string {
	i.next++
	return fmt.Sprint(i.next)
}

func ttMembers(n *ids, role string, emails []string) []tiktoksim.Member {
	var out []tiktoksim.Member
	for _, e := range emails {
		out = append(out, tiktoksim.Member{UserID: n.take(), Email: e, Name: nameOf(e), Role: role})
	}
	return out
}

// tiktokWorld has two Business Centers. All addresses are shown masked.
func tiktokWorld() tiktoksim.World {
	n := &ids{next: 6816184256936150000}
	automation := tiktoksim.User{CoreUserID: n.take(), Email: "automation@" + lumen, DisplayName: "Lumen Automation"}
	self := tiktoksim.Member{UserID: automation.CoreUserID, Email: automation.Email, Name: automation.DisplayName, Role: "ADMIN"}

	eu := []tiktoksim.Member{self}
	eu = append(eu, ttMembers(n, "ADMIN", append(at(lumen, "ana.silva"), "grace.holt@"+agency))...)
	eu = append(eu, ttMembers(n, "STANDARD", at(lumen, "carla.meyer", "dana.weiss", "emil.novak", "fatima.haddad", "george.petrov",
		"hana.sato", "igor.lindqvist", "julia.rossi", "kofi.mensah"))...)
	eu = append(eu, ttMembers(n, "STANDARD", append(at(agency, "ines.duarte", "joel.stein", "kim.tran", "liam.byrne", "hugo.ferro", "jana.kral"), "m.freelance@inbox.example"))...)
	eu = append(eu, tiktoksim.Member{Email: "lena.vogel@" + lumen, Role: "STANDARD", Status: "PENDING", InvitedAt: time.Now().Add(-72 * time.Hour)})

	for i := range eu { // the agency's admin has the ad account already, from someone else
		if eu[i].Email == "grace.holt@"+agency {
			eu[i].Assets = []tiktoksim.Grant{{AssetType: "ADVERTISER", AssetID: euAccount, AdvertiserRole: "ADMIN"}}
		}
	}

	us := []tiktoksim.Member{self}
	us = append(us, ttMembers(n, "ADMIN", append(at(oak, "aaron.cole"), "pat.lee@oldco.example"))...)
	us = append(us, ttMembers(n, "STANDARD", at(lumen, "priya.nair", "quentin.dubois", "rosa.jimenez", "sami.korhonen", "tara.obrien", "umar.khan", "vera.popescu"))...)
	us = append(us, ttMembers(n, "STANDARD", append(at(agency, "mona.reyes", "nils.aker", "omar.said", "paula.vidal", "ravi.menon"), "temp.desk@inbox.example"))...)

	return tiktoksim.World{
		Apps:   []tiktoksim.App{{AppID: ttApp, Secret: "demo-tiktok-app-secret", Name: "adbridge"}},
		Users:  []tiktoksim.User{automation},
		Tokens: []tiktoksim.Token{{Token: ttToken, AppID: ttApp, User: automation.CoreUserID}},
		BusinessCenters: []tiktoksim.BusinessCenter{
			{BCID: bcEU, Name: "Lumen Europe", Company: "Lumen & Oak", Members: eu,
				Assets: []tiktoksim.Asset{{AssetType: "ADVERTISER", AssetID: euAccount, Name: "Lumen Europe, prospecting"}}, Partners: []tiktoksim.Partner{{BCID: "7055555555555555555", Name: "Northwind Agency"}}},
			{BCID: bcUS, Name: "Lumen Americas", Company: "Lumen & Oak", Members: us},
		},
	}
}

// metaWorld has one business portfolio, whose admin system user is ours.
func metaWorld() metasim.World {
	n := &ids{next: 102030405060800}
	people := func(role string, emails ...string) []metasim.Person {
		var out []metasim.Person
		for _, e := range emails {
			out = append(out, metasim.Person{ID: n.take(), Email: e, Name: nameOf(e), Role: role})
		}
		return out
	}
	biz := metasim.Business{
		ID: metaBiz, Name: "Oak Brands", VerificationStatus: "verified", TwoFactorType: "admin_required", PrimaryPage: "108070605040302",
		Pages: []metasim.Asset{{ID: "108070605040302", Name: "Oak Brands", Assigned: []metasim.Assignment{{User: "1000081799813", Tasks: []string{"MANAGE"}}}}},
		SystemUsers: []metasim.SystemUser{
			{ID: "1000081799813", Name: "adbridge", Role: "ADMIN", CreatedTime: time.Now().AddDate(0, -2, 0), Apps: []string{metaApp}},
			{ID: "1000081799814", Name: "Reporting server", Role: "EMPLOYEE", CreatedTime: time.Now().AddDate(-1, 0, 0)},
		},
		Agencies: []metasim.Partner{{ID: "109090909090909", Name: "Northwind Agency"}},
		Pending:  []metasim.RoleRequest{{Email: "lucia.moreno@" + oak, Role: "EMPLOYEE"}},
	}
	biz.People = append(biz.People, people("ADMIN", append(at(oak, "chidi.eze", "daria.orlova"), "legacy.admin@oldco.example")...)...)
	biz.People = append(biz.People, people("EMPLOYEE", at(oak, "erik.hansen", "freya.jensen", "gustav.berg", "helen.park", "ivan.horvat", "jade.lim", "karim.aziz", "mateo.cruz")...)...)
	biz.People = append(biz.People, people("EMPLOYEE", append(at(agency, "petra.lund", "quinn.ross", "rita.gomes", "sven.dahl", "tina.okoye", "ulf.brandt"), "studio.desk@inbox.example")...)...)
	account := metasim.Asset{ID: "act_" + metaAccount, Name: "Oak Brands, always on"}
	for _, p := range biz.People { // the agency has it already, from someone else
		if p.Email == "petra.lund@"+agency {
			account.Assigned = []metasim.Assignment{{User: p.ID, Tasks: []string{"ANALYZE"}}}
		}
	}
	biz.AdAccounts = []metasim.Asset{account}
	return metasim.World{
		Apps:       []metasim.App{{ID: metaApp, Name: "adbridge", Secret: fbSecret, ClaimedBy: []string{metaBiz}}},
		Businesses: []metasim.Business{biz},
		Tokens: []metasim.Token{{Token: fbToken, App: metaApp, SystemUser: "1000081799813", Scopes: []string{
			"business_management", "ads_management", "catalog_management", "pages_show_list", "pages_read_engagement", "pages_manage_metadata"}}},
	}
}
