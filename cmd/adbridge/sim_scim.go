package main

import (
	"net/http"

	"adbridge/connectors/scimtarget"
	"adbridge/connectors/scimtarget/scimtargetsim"
)

const (
	scimTenant = "/lumen/scim/v2"
	scimToken  = "demo-scim-target-token-of-the-crm"
)

// scimTarget is the id of the hub that scimWorld makes.
const scimTarget = "https://crm.example" + scimTenant

// scimWorld is a CRM of the demo company, some of whose accounts are in the
// groups that adbridge looks after.
func scimWorld() scimtargetsim.World {
	t := scimtargetsim.Tenant{Path: scimTenant}
	add := func(email string) string {
		id := "crm-" + email[:len(email)-len("@"+lumen)]
		t.Users = append(t.Users, scimtargetsim.User{ID: id, UserName: email, DisplayName: nameOf(email), Emails: []string{email}})
		return id
	}
	owners := scimtargetsim.Group{ID: "crm-group-1", DisplayName: scimtarget.OwnersGroup}
	staff := scimtargetsim.Group{ID: "crm-group-2", DisplayName: scimtarget.CollaboratorsGroup}
	for _, email := range at(lumen, "ana.silva", "carla.meyer") {
		owners.Members = append(owners.Members, add(email))
	}
	for _, email := range at(lumen, "dana.weiss", "emil.novak", "fatima.haddad") {
		staff.Members = append(staff.Members, add(email))
	}
	for _, email := range at(lumen, "sales.desk", "igor.lindqvist") { // accounts that are none of our business
		add(email)
	}
	t.Groups = []scimtargetsim.Group{owners, staff}
	return scimtargetsim.World{Tenants: []scimtargetsim.Tenant{t}, Tokens: []scimtargetsim.Token{{Token: scimToken, Tenant: scimTenant}}}
}

func newSCIMSim(o simOptions) (http.Handler, []simHub, error) {
	if o.acceptsNow {
		return nil, nil, wrong("leave it out", "auto-accept: on a SCIM target nobody has to accept")
	}
	w, err := loadWorld(o.world, scimWorld, scimtargetsim.LoadWorld)
	if err != nil {
		return nil, nil, err
	}
	opts := scimtargetsim.Options{World: w}
	if err := setSwitches(&opts.Switches, o.switches); err != nil {
		return nil, nil, err
	}
	var hubs []simHub
	for _, t := range w.Tokens {
		if !t.ReadOnly && !t.Barred {
			hubs = append(hubs, simHub{BusinessID: "https://crm.example" + t.Tenant, Name: t.Tenant, Token: t.Token})
		}
	}
	return scimtargetsim.New(opts), hubs, nil
}
