package metasim

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
	offlineTasks = []string{"AA_ANALYZE", "ADVERTISE", "MANAGE", "UPLOAD", "VIEW"}
)

var (
	activityCategories = []string{
		"ACCOUNT", "AD", "AD_KEYWORDS", "AD_SET", "AUDIENCE", "BID", "BUDGET", "CAMPAIGN", "DATE", "STATUS", "TARGETING",
	}
	activitySources = []string{"CALYPSO", "TAO", "TAO_AD_ACCOUNT", "TAO_AD_STATUS"}
	// activityTypes are the account's own; Meta knows some eighty more about campaigns, ads and audiences.
	activityTypes = []string{
		"ad_account_add_user_to_role", "ad_account_remove_user_from_role", "ad_account_set_business_information",
		"ad_account_update_status", "ad_account_update_spend_limit", "ad_account_remove_spend_limit", "ad_account_reset_spend_limit",
		"account_spending_limit_reached", "add_funding_source", "remove_funding_source", "ad_account_billing_charge",
		"billing_event", "funding_event_successful", "update_ad_run_status", "create_ad", "create_ad_set", "unknown",
	}
)
