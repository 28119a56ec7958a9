package metasim

import "strings"

// Value sets of Meta's machine-readable Graph API description (facebook-business-sdk-codegen, api_specs, April 2026;
// unchanged in the v26.0 SDK of August 2026).

var businessRoles = []string{
	"FINANCE_EDITOR", "FINANCE_ANALYST", "ADS_RIGHTS_REVIEWER", "ADMIN", "EMPLOYEE", "DEVELOPER",
	"PARTNER_CENTER_ADMIN", "PARTNER_CENTER_ANALYST", "PARTNER_CENTER_OPERATIONS", "PARTNER_CENTER_MARKETING",
	"PARTNER_CENTER_EDUCATION", "MANAGE", "DEFAULT", "FINANCE_EDIT", "FINANCE_VIEW",
}

var (
	requestStatuses      = []string{"PENDING", "ACCEPTED", "DECLINED", "EXPIRED"}
	accessStatuses       = []string{"CONFIRMED", "PENDING"}
	twoFactorTypes       = []string{"none", "admin_required", "all_required"}
	invitedUserTypes     = []string{"FB", "MWA"}
	permissionStatuses   = []string{"granted", "declined", "expired"}
	verificationStatuses = []string{
		"expired", "failed", "ineligible", "not_verified", "pending", "pending_need_more_info", "pending_submission",
		"rejected", "revoked", "verified",
	}
	businessVerticals = []string{
		"NOT_SET", "ADVERTISING", "AUTOMOTIVE", "CONSUMER_PACKAGED_GOODS", "ECOMMERCE", "EDUCATION", "ENERGY_AND_UTILITIES",
		"ENTERTAINMENT_AND_MEDIA", "FINANCIAL_SERVICES", "GAMING", "GOVERNMENT_AND_POLITICS", "HEALTH", "LUXURY", "MARKETING",
		"NON_PROFIT", "ORGANIZATIONS_AND_ASSOCIATIONS", "OTHER", "PROFESSIONAL_SERVICES", "RESTAURANT", "RETAIL", "TECHNOLOGY",
		"TELECOM", "TRAVEL",
	}
)

var (
	adAccountTasks = []string{"MANAGE", "ADVERTISE", "ANALYZE", "DRAFT", "AA_ANALYZE"}
	pageTasks      = []string{
		"MANAGE", "CREATE_CONTENT", "MODERATE", "MESSAGING", "ADVERTISE", "ANALYZE", "MODERATE_COMMUNITY", "MANAGE_JOBS",
		"MANAGE_LEADS", "PAGES_MESSAGING", "PAGES_MESSAGING_SUBSCRIPTIONS", "READ_PAGE_MAILBOXES", "VIEW_MONETIZATION_INSIGHTS",
		"CASHIER_ROLE", "GLOBAL_STRUCTURE_MANAGEMENT",
		"PROFILE_PLUS_FULL_CONTROL", "PROFILE_PLUS_FACEBOOK_ACCESS", "PROFILE_PLUS_MANAGE", "PROFILE_PLUS_CREATE_CONTENT",
		"PROFILE_PLUS_MODERATE", "PROFILE_PLUS_MODERATE_DELEGATE_COMMUNITY", "PROFILE_PLUS_MESSAGING", "PROFILE_PLUS_ADVERTISE",
		"PROFILE_PLUS_ANALYZE", "PROFILE_PLUS_REVENUE", "PROFILE_PLUS_MANAGE_LEADS", "PROFILE_PLUS_GLOBAL_STRUCTURE_MANAGEMENT",
	}
	catalogTasks   = []string{"MANAGE", "ADVERTISE", "MANAGE_AR", "AA_ANALYZE"}
	pixelTasks     = []string{"EDIT", "ANALYZE", "UPLOAD", "ADVERTISE", "AA_ANALYZE"}
	instagramTasks = []string{"ADVERTISE", "ANALYZE", "COMMUNITY_ACTIVITY", "CONTENT", "MESSAGES"}
	whatsAppTasks  = []string{
		"MANAGE", "DEVELOP", "MESSAGING", "MANAGE_PHONE", "MANAGE_TEMPLATES", "VIEW_COST", "VIEW_TEMPLATES",
		"MANAGE_PHONE_ASSETS", "VIEW_PHONE_ASSETS", "MANAGE_EXTENSIONS",
	}
	segmentUseCases = strings.Fields(`AFFILIATE_SELLER_STOREFRONT AFFILIATE_TAGGED_ONLY_DEPRECATED COLLAB_ADS
		COLLAB_ADS_FOR_MARKETPLACE_PARTNER COLLAB_ADS_SEGMENT_WITHOUT_SEGMENT_SYNCING DIGITAL_CIRCULARS FB_LIVE_SHOPPING IG_SHOPPING
		IG_SHOPPING_SUGGESTED_PRODUCTS MARKETPLACE_SHOPS TEST`)
	offlineTasks = []string{"AA_ANALYZE", "ADVERTISE", "MANAGE", "UPLOAD", "VIEW"}
)

var (
	activityCategories = []string{
		"ACCOUNT", "AD", "AD_KEYWORDS", "AD_SET", "AUDIENCE", "BID", "BUDGET", "CAMPAIGN", "DATE", "STATUS", "TARGETING",
	}
	activitySources = []string{"CALYPSO", "TAO", "TAO_AD_ACCOUNT", "TAO_AD_STATUS"}
)

var activityTypes = strings.Fields(`
	accept_custom_audience_appeal account_spending_limit_reached ad_account_add_user_to_role ad_account_billing_charge
	ad_account_billing_charge_failed ad_account_billing_chargeback ad_account_billing_chargeback_reversal
	ad_account_billing_decline ad_account_billing_refund ad_account_remove_spend_limit ad_account_remove_user_from_role
	ad_account_reset_spend_limit ad_account_set_business_information ad_account_update_audience_type_url_parameter
	ad_account_update_spend_limit ad_account_update_status ad_review_approved ad_review_declined
	adaccount_update_audience_segment add_funding_source add_images apply_restrictions_custom_audience billing_event
	campaign_ended campaign_spending_limit_reached conversion_event_updated create_ad create_ad_set
	create_adaccount_agency_fee create_audience create_campaign_group create_campaign_group_agency_fee
	create_campaign_legacy create_custom_audience_appeal delete_audience delete_images di_ad_set_learning_stage_exit
	edit_and_update_ad_creative edit_images first_delivery_event funding_event_initiated funding_event_successful
	lifetime_budget_spent merge_campaigns receive_audience reject_custom_audience_appeal remove_funding_source
	remove_shared_audience share_audience unknown unshare_audience update_ad_bid_info update_ad_bid_type
	update_ad_creative update_ad_friendly_name update_ad_labels update_ad_run_status
	update_ad_run_status_to_be_set_after_review update_ad_set_ad_keywords update_ad_set_bid_adjustments
	update_ad_set_bid_strategy update_ad_set_bidding update_ad_set_budget update_ad_set_duration
	update_ad_set_learning_stage_status update_ad_set_min_spend_target update_ad_set_name update_ad_set_optimization_goal
	update_ad_set_run_status update_ad_set_spend_cap update_ad_set_target_spec update_ad_targets_spec
	update_adaccount_agency_fee update_adaccount_agency_fee_status update_adgroup_stop_delivery update_audience
	update_budget_flex_toggle_status update_campaign_ad_scheduling update_campaign_budget
	update_campaign_budget_optimization_toggling_status update_campaign_budget_scheduling_state
	update_campaign_conversion_goal update_campaign_delivery_destination update_campaign_delivery_type
	update_campaign_group_ad_scheduling update_campaign_group_agency_fee update_campaign_group_budget_scheduling_state
	update_campaign_group_delivery_type update_campaign_group_high_demand_periods update_campaign_group_spend_cap
	update_campaign_high_demand_periods update_campaign_name update_campaign_run_status update_campaign_schedule
	update_campaign_value_adjustment_rule update_campaign_value_adjustment_rule_attachment
	update_delivery_type_cross_level_shift`)

// unsimulated are documented edges, or methods on edges, that have to do with neither people nor access.
var unsimulated = map[string][]string{
	kindBusiness: strings.Fields(`access_token ad_account_infos ad_accounts ad_custom_derived_metrics ad_review_requests ad_studies adaccount
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
	third_party_measurement_report_dataset videos
	ads_dataset adspixels client_apps client_pages instagram_accounts owned_ad_accounts owned_apps owned_businesses owned_pages
	owned_product_catalogs`),
	kindAdAccount: {"onbehalf_requests", "users", "usersofanyaudience"},
	kindPage:      {"roles"},
	kindPixel: strings.Fields(`adaccounts ahp_configs da_checks events offline_event_uploads openbridge_configurations shadowtraffichelper
	shared_accounts shared_agencies stats`),
	kindUser: {"accounts", "adaccounts", "assigned_applications", "businesses", "ids_for_business", "personal_ad_accounts"},
}
