package metasim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// nodeType lists the fields of a kind of node: name, or name:Type for a nested node. Fields that the simulator
// never fills are still known, so that asking for them is right and asking for a misspelt one is not.
type nodeType struct {
	fields   map[string]string
	defaults []string
	kind     string // its edges, as "GET kind/edge" in the routes
}

func typ(kind, defaults, fields string) *nodeType {
	t := &nodeType{fields: map[string]string{}, defaults: strings.Fields(defaults), kind: kind}
	if slices.Contains(t.defaults, "id") {
		t.fields["id"] = ""
	}
	for f := range strings.FieldsSeq(fields) {
		name, nested, _ := strings.Cut(f, ":")
		t.fields[name] = nested
	}
	return t
}

var nodeTypes = map[string]*nodeType{
	"BusinessUser": typ(kindPerson, "id name business",
		"business:Business business_role_request:BusinessRoleRequest email finance_permission first_name ip_permission last_name marked_for_removal name pending_email role tasks title two_fac_status"),
	"BusinessRoleRequest": typ(kindRequest, "id email role status",
		"created_by:Actor created_time email expiration_time expiry_time finance_role invite_link invited_user_type ip_role owner:Business role status tasks updated_by:Actor updated_time"),
	"SystemUser": typ(kindSystemUser, "id name", "created_by:Actor created_time finance_permission ip_permission name"),
	// Actor is an object that may be a BusinessUser, a SystemUser or a User.
	"Actor": typ("", "id name", "name email first_name last_name business:Business finance_permission ip_permission created_time"),
	"User":  typ(kindUser, "id name", "client_business_id email first_name last_name name short_name token_for_business"),
	// SystemMe is what /me gives a system user's token: a User that has a SystemUser's fields too.
	"SystemMe": typ(kindSystemUser, "id name",
		"client_business_id email first_name last_name name short_name token_for_business created_by:Actor created_time finance_permission ip_permission"),
	"Business": typ(kindBusiness, "id name",
		"block_offline_analytics collaborative_ads_managed_partner_business_info collaborative_ads_managed_partner_eligibility collaborative_ads_partner_premium_options created_by:Actor created_time extended_updated_time is_hidden link marketing_messages_onboarding_status name payment_account_id primary_page:Page profile_picture_uri timezone_id two_factor_type updated_by:Actor updated_time user_access_expire_time verification_status vertical vertical_id whatsapp_business_manager_messaging_limit"),
	"Permission":   typ("", "permission status", "permission status"),
	"AssignedUser": typ("", "id name", "business:Business name user_type"),
	"AdAccount": typ(kindAdAccount, "id account_id",
		"account_id account_status agency_client_declaration business:Business created_time currency disable_reason name owner owner_business:Business timezone_name user_access_expire_time user_tasks viewable_business:Business"),
	"Page": typ(kindPage, "id name",
		"access_token business:Business category has_transitioned_to_new_page_experience link name owner_business:Business username"),
	"ProductCatalog": typ(kindCatalog, "id name",
		"business:Business name owner_business:Business product_count user_access_expire_time vertical"),
	"AdsPixel": typ(kindPixel, "id name",
		"automatic_matching_fields can_proxy code config creation_time creator:Actor data_use_setting description duplicate_entries enable_auto_assign_to_accounts enable_automatic_matching event_stats event_time_max event_time_min first_party_cookie_status has_1p_pixel_event is_consolidated_container is_created_by_business is_crm is_mta_use is_restricted_use is_unavailable last_fired_time last_upload_app last_upload_app_changed_time match_rate_approx matched_entries name owner_ad_account:AdAccount owner_business:Business usage user_access_expire_time valid_entries"),
	"InstagramBusinessAsset": typ(kindInstagram, "id ig_user_id ig_username", "ig_user_id ig_username"),
	"CustomConversion":       typ("", "id", "name"),
	"IGUser":                 typ("", "id", "name owner_business:Business username"),
	"WhatsAppBusinessAccount": typ(kindWhatsApp, "id name",
		"name on_behalf_of_business_info owner_business:Business owner_business_info ownership_type"),
	"BusinessAssetGroup":         typ(kindGroup, "id name", "name owner_business:Business"),
	"Application":                typ("", "id name", "app_name business:Business link name owner_business:Business"),
	"BusinessAdAccountRequest":   typ("", "id", "ad_account:AdAccount"),
	"BusinessPageRequest":        typ("", "id", "page:Page"),
	"BusinessApplicationRequest": typ("", "id", "application:Application"),
	"AdActivity": typ("", "actor_id actor_name event_time event_type extra_data object_id object_name translated_event_type",
		"actor_id actor_name application_id application_name date_time_in_timezone event_time event_type extra_data object_id object_name object_type translated_event_type"),
}

// object is a node that can be asked for its fields. nil and empty values are left out of answers.
type object interface {
	id() string
	get(c *call, field string) any
}

// extra is an object as an edge shows it: with fields the edge adds.
type extra struct {
	object
	fields map[string]any
}

func (e extra) get(c *call, field string) any {
	if v, ok := e.fields[field]; ok {
		return v
	}
	return e.object.get(c, field)
}

type selection []picked

type picked struct {
	name     string
	sub      selection
	hasSub   bool
	limit    int
	edgeCall bool
}

// parseFields reads "id,name,business{id},assigned_pages.limit(5){id}".
func parseFields(s string) (selection, *GraphError) {
	p := &fieldParser{s: s}
	sel, err := p.list(0)
	if err == nil && p.i < len(p.s) {
		err = p.syntax("end of string")
	}
	if err != nil {
		return nil, err
	}
	return sel, nil
}

type fieldParser struct {
	s string
	i int
}

func (p *fieldParser) syntax(want string) *GraphError {
	got := "end of string"
	if p.i < len(p.s) {
		got = p.s[p.i:]
	}
	return graphErr(2500, 0, "Syntax error \"Expected %s instead of %q.\" at character %d: %s", want, got, p.i+1, p.s)
}

func (p *fieldParser) space() {
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
}

func (p *fieldParser) next(c byte) bool {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *fieldParser) word() string {
	p.space()
	from := p.i
	for p.i < len(p.s) && (p.s[p.i] == '_' || p.s[p.i] >= '0' && p.s[p.i] <= '9' || p.s[p.i] >= 'a' && p.s[p.i] <= 'z' || p.s[p.i] >= 'A' && p.s[p.i] <= 'Z') {
		p.i++
	}
	return p.s[from:p.i]
}

func (p *fieldParser) list(depth int) (selection, *GraphError) {
	if depth > 8 {
		return nil, p.syntax("less nesting")
	}
	var sel selection
	for {
		f := picked{name: p.word()}
		if f.name == "" {
			return nil, p.syntax("a field name")
		}
		for p.next('.') {
			mod := p.word()
			if !p.next('(') {
				return nil, p.syntax("\"(\"")
			}
			arg := p.word()
			n, err := strconv.Atoi(arg)
			if mod != "limit" || err != nil || n < 1 {
				return nil, p.syntax("the modifier limit(n)")
			}
			if !p.next(')') {
				return nil, p.syntax("\")\"")
			}
			f.limit, f.edgeCall = n, true
		}
		if p.next('{') {
			sub, err := p.list(depth + 1)
			if err != nil {
				return nil, err
			}
			if !p.next('}') {
				return nil, p.syntax("\"}\"")
			}
			f.sub, f.hasSub = sub, true
		}
		sel = append(sel, f)
		if !p.next(',') {
			return sel, nil
		}
	}
}

// edge finds the list behind a field that is an edge of a node type.
func (c *call) edge(t *nodeType, name string) (endpoint, bool) {
	if t.kind == "" {
		return endpoint{}, false
	}
	ep, ok := c.s.routes["GET "+t.kind+"/"+name]
	return ep, ok && ep.list
}

// checkFields refuses fields that a type, or the edge it is read through, does not have.
func (c *call) checkFields(typeName string, added []string, sel selection) *GraphError {
	t := nodeTypes[typeName]
	for _, f := range sel {
		nested, ok := t.fields[f.name]
		if !ok && slices.Contains(added, f.name) {
			ok = true
		}
		if ok {
			if f.edgeCall || f.hasSub && nested == "" {
				return graphErr(2500, 0, "Subfields are not supported by %s", f.name)
			}
			if f.hasSub {
				if err := c.checkFields(nested, nil, f.sub); err != nil {
					return err
				}
			}
			continue
		}
		ep, ok := c.edge(t, f.name)
		if !ok {
			return invalid("Tried accessing nonexisting field (%s) on node type (%s)", f.name, typeName)
		}
		if err := c.checkFields(ep.returns, ep.adds(c), f.sub); err != nil {
			return err
		}
	}
	return nil
}

// render writes an object's chosen fields; without a choice, its defaults and those of the edge. id is always there
// if the node has one.
func (c *call) render(typeName string, added []string, sel selection, o object) (map[string]any, *GraphError) {
	t := nodeTypes[typeName]
	if len(sel) == 0 {
		for _, name := range slices.Concat(t.defaults, added) {
			sel = append(sel, picked{name: name})
		}
	}
	out := map[string]any{}
	if id := o.id(); id != "" {
		out["id"] = id
	}
	for _, f := range sel {
		if f.name == "id" {
			continue
		}
		nested, known := t.fields[f.name]
		if !known && !slices.Contains(added, f.name) {
			ep, ok := c.edge(t, f.name)
			if !ok {
				return nil, invalid("Tried accessing nonexisting field (%s) on node type (%s)", f.name, typeName)
			}
			page, err := c.nested(ep, t.kind, f, o)
			if err != nil {
				return nil, err
			}
			out[f.name] = page
			continue
		}
		switch v := o.get(c, f.name).(type) {
		case nil:
		case string:
			if v != "" {
				out[f.name] = v
			}
		case []string:
			if len(v) > 0 {
				out[f.name] = v
			}
		case time.Time:
			if !v.IsZero() {
				out[f.name] = stamp(v)
			}
		case object:
			m, err := c.render(nested, nil, f.sub, v)
			if err != nil {
				return nil, err
			}
			out[f.name] = m
		default:
			out[f.name] = v
		}
	}
	return out, nil
}

// nested runs a list behind one node of an answer.
func (c *call) nested(ep endpoint, kind string, f picked, o object) (any, *GraphError) {
	sub := *c
	sub.ep, sub.edgeName, sub.sel = ep, f.name, f.sub
	sub.node = c.s.nodes[o.id()]
	sub.params = map[string]string{}
	sub.query = nil
	if f.limit > 0 {
		sub.params["limit"] = strconv.Itoa(f.limit)
	}
	if sub.node == nil || sub.node.kind != kind {
		return nil, unsupported("get", o.id())
	}
	if err := sub.permitted(); err != nil {
		return nil, err
	}
	return ep.run(&sub)
}

// stamp is Meta's datetime: ISO 8601, offset without a colon.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05-0700") }

func asTime(s string) (time.Time, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0), true
	}
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339, "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
