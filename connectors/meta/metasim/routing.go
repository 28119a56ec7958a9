package metasim

import (
	"net/http"
	"slices"
	"strings"
)

// resolveVersion takes the version off the path.
func (c *call) resolveVersion() *GraphError {
	v := ""
	if len(c.segs) > 0 && isVersion(c.segs[0]) {
		v, c.segs = c.segs[0], c.segs[1:]
	}
	switch {
	case v == "":
		c.version = c.s.versions[0]
		if c.s.sw.Unversioned == "error" {
			return graphErr(2635, 0, "(#2635) You are calling the API without a version. Please update to the latest version: %s.", c.s.versions[0])
		}
		if t := c.s.tokens[c.token()]; t != nil && c.s.apps[t.App].APIVersion != "" {
			return c.living(c.s.apps[t.App].APIVersion)
		}
		return nil
	default:
		return c.living(v)
	}
}

func (c *call) living(v string) *GraphError {
	c.version = v
	if slices.Contains(c.s.versions, v) {
		return nil
	}
	if !older(v, c.s.versions[len(c.s.versions)-1]) {
		return graphErr(2500, 0, "Unknown path components: /%s", v)
	}
	if c.s.sw.ExpiredVersion == "error" {
		return graphErr(2635, 0, "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version: %s.", c.s.versions[0])
	}
	c.version = c.s.versions[len(c.s.versions)-1]
	c.header.Set("X-Ad-Api-Version-Warning", "The call has been auto-upgraded to "+c.version)
	return nil
}

// unsimulated are edges or methods that a Business has and that have nothing to do with people.
var unsimulated = strings.Fields(`access_token ad_account_infos ad_accounts ad_custom_derived_metrics ad_review_requests ad_studies adaccount
	add_phone_numbers adnetwork_applications adnetworkanalytics adnetworkanalytics_results ads_reporting_mmm_reports
	ads_reporting_mmm_schedulers an_placements block_list_drafts bm_review_requests business_invoices businessprojects
	claim_custom_conversions client_offsite_signal_container_business_objects collaborative_ads_collaboration_requests
	collaborative_ads_suggested_partners commerce_merchant_settings cpas_business_setup_config cpas_merchant_config
	creative_folders creditcards customconversions event_source_groups extendedcreditapplications extendedcredits images
	initiated_audience_sharing_requests managed_businesses managed_partner_ads_funding_source_details
	managed_partner_business_setup managed_partner_businesses onboard_partners_to_mm_lite openbridge_configurations
	owned_offsite_signal_container_business_objects pages partner_account_linking partner_premium_options
	passback_attribution_metadata_configs pending_shared_offsite_signal_container_business_objects picture pixel_tos
	preverified_numbers received_audience_sharing_requests reseller_guidances self_certified_whatsapp_business_submissions
	self_certify_whatsapp_business setup_managed_partner_adaccounts share_preverified_numbers system_user_access_tokens
	third_party_measurement_report_dataset videos`)

// older compares versions such as v9.0 and v21.0.
func older(v, than string) bool {
	return len(v) < len(than) || len(v) == len(than) && v < than
}

func isVersion(s string) bool {
	major, minor, ok := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	return ok && strings.HasPrefix(s, "v") && isDigits(major) && isDigits(minor)
}

// legacy refuses the parameters removed from the protocol in v26.0.
func (c *call) legacy() *GraphError {
	for _, p := range legacyParams {
		if _, ok := c.params[p]; ok && c.s.sw.LegacyParams == "error" {
			return invalid("The parameter %s is no longer supported. See the v26.0 changelog.", p)
		}
	}
	return nil
}

// route names the operation. Whether the caller may know that the object exists is decided later.
func (c *call) route() *GraphError {
	switch {
	case len(c.segs) == 0:
		c.kind, c.op = kindRoot, c.method+" batch"
		c.ep = c.s.routes[c.method+" "+kindRoot]
		if c.ep.run == nil {
			return graphErr(2500, 0, "An object id or the parameter batch is required")
		}
		return nil
	case len(c.segs) == 2 && c.segs[0] == "oauth", len(c.segs) == 1 && c.segs[0] == "debug_token":
		c.kind, c.edgeName = kindRoot, strings.Join(c.segs, "/")
		c.op = c.method + " " + c.edgeName
		c.ep = c.s.routes[c.method+" "+kindRoot+"/"+c.edgeName]
		if c.ep.run == nil {
			return unsupported(c.method, c.edgeName)
		}
		return nil
	case len(c.segs) > 2:
		c.op = c.method + " " + strings.Join(c.segs[1:], "/")
		return graphErr(2500, 0, "Unknown path components: /%s", strings.Join(c.segs[2:], "/"))
	}
	if c.segs[0] == "me" {
		c.kind = "me"
	} else if n := c.s.nodes[c.segs[0]]; n != nil {
		c.kind, c.node = n.kind, n
	} else {
		c.kind = "object"
	}
	c.op = c.method + " " + c.kind
	if len(c.segs) == 2 {
		c.edgeName = c.segs[1]
		c.op = c.method + " " + c.edgeName
	}
	return nil
}

// resolve finds the node and its endpoint once the caller is known.
func (c *call) resolve() *GraphError {
	if c.kind == kindRoot {
		return nil
	}
	if c.kind == "me" {
		c.node = c.s.nodes[c.actor.id]
		if c.actor.page != nil {
			c.node = c.s.nodes[c.actor.page.ID]
		}
	}
	if c.node == nil {
		return unsupported(c.method, c.segs[0])
	}
	key := c.node.kind
	if c.edgeName != "" {
		key += "/" + c.edgeName
	}
	ep, ok := c.s.routes[c.method+" "+key]
	if !ok {
		if c.node.kind == kindBusiness && slices.Contains(unsimulated, c.edgeName) {
			return graphErr(3, 0, "(#3) Application does not have the capability to make this API call.")
		}
		if c.method == http.MethodGet && c.edgeName != "" {
			if t := typeOf(c.node.kind); t != "" {
				return invalid("Tried accessing nonexisting field (%s) on node type (%s)", c.edgeName, t)
			}
		}
		return unsupported(c.method, c.segs[0])
	}
	c.ep = ep
	return nil
}

// returns is the node type that fields= is held against; /me of a system user is a wider one.
func (c *call) returns() string {
	if c.kind == "me" && c.edgeName == "" && c.node.kind == kindSystemUser {
		return "SystemMe"
	}
	return c.ep.returns
}

func typeOf(kind string) string {
	for name, t := range nodeTypes {
		if t.kind == kind && name != "SystemMe" {
			return name
		}
	}
	return ""
}
