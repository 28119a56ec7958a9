package bridge

// Every reason code is declared here and explained in reasons.go.

// Code is a stable reason code: "guard.removals-per-run", "platform.token-revoked".
// Every held, suppressed, waiting, failed or needs-person row carries one.
type Code string

// The situations: one per row of the decision table. Row.Situation is always one of them.
const (
	SitMissing         Code = "situation.missing"
	SitUnknown         Code = "situation.unknown"
	SitPending         Code = "situation.pending"
	SitPendingMismatch Code = "situation.pending-mismatch"
	SitPendingForeign  Code = "situation.pending-foreign"
	SitExpired         Code = "situation.expired"
	SitDeclined        Code = "situation.declined"
	SitInSync          Code = "situation.in-sync"
	SitMatched         Code = "situation.matched"
	SitRaise           Code = "situation.raise"
	SitDriftUp         Code = "situation.drift-up"
	SitLower           Code = "situation.lower"
	SitConflict        Code = "situation.conflict"
	SitReadded         Code = "situation.readded"
	SitLeft            Code = "situation.left"
	SitLeaver          Code = "situation.leaver"
	SitMassChange      Code = "situation.mass-change"
	SitGrantEnded      Code = "situation.grant-ended"
	SitStaleInvite     Code = "situation.stale-invite"
	SitLapsedInvite    Code = "situation.lapsed-invite"
	SitForeign         Code = "situation.foreign"
	SitUnmatched       Code = "situation.unmatched"
	SitDisputed        Code = "situation.disputed"
	SitSecondAccount   Code = "situation.second-account"
	SitExempt          Code = "situation.exempt"
	SitExemptExpired   Code = "situation.exempt-expired"
	SitProtected       Code = "situation.protected"
	SitPartner         Code = "situation.partner"
)

// The causes of a wish.
const (
	CauseRule         Code = "wish.rule"
	CauseGrant        Code = "wish.grant"
	CauseLeftGroups   Code = "wish.left-groups"
	CauseDeactivated  Code = "wish.deactivated"
	CauseDeleted      Code = "wish.deleted"
	CauseGroupDeleted Code = "wish.group-deleted"
	CauseGroupEmptied Code = "wish.group-emptied"
	CauseUnmapped     Code = "wish.unmapped"
	CauseGrantEnded   Code = "wish.grant-ended"
	WishConflict      Code = "wish.conflict"
	WishNoEmail       Code = "wish.no-email"
	WishBadEmail      Code = "wish.bad-email"
)

// The guards.
const (
	GuardRemovalsPerRun Code = "guard.removals-per-run"
	GuardRemovals24h    Code = "guard.removals-24h"
	GuardAdminRemovals  Code = "guard.admin-removals"
	GuardMinAdmins      Code = "guard.min-admins"
	GuardLastAdmin      Code = "guard.last-admin"
	GuardRequiredAdmin  Code = "guard.required-admin"
	GuardSelf           Code = "guard.self"
	GuardProtected      Code = "guard.protected"
	GuardRaises         Code = "guard.raises-per-run"
	GuardAdds           Code = "guard.adds-per-run"
	GuardInvitesPerDay  Code = "guard.invites-per-day"
	GuardMemberCap      Code = "guard.member-cap"
	GuardAdminCap       Code = "guard.admin-cap"
	GuardEmptyDesired   Code = "guard.empty-desired"
	GuardMassChange     Code = "guard.mass-change"
	GuardDriftOwner     Code = "guard.drift-owner"
	GuardAssets         Code = "guard.asset-removals"
	GuardAssets24h      Code = "guard.asset-removals-24h"
	DriftRaised         Code = "drift.raised"
	DriftBesideRole     Code = "drift.beside-role"
)

// Findings about the hub as a whole.
const (
	HubObserving    Code = "hub.observing"
	HubMode         Code = "hub.mode"
	HubPaused       Code = "hub.paused"
	HubQuarantined  Code = "hub.quarantined"
	HubDisconnected Code = "hub.disconnected"
	HubFewAdmins    Code = "hub.few-admins"
	SourceSilent    Code = "source.silent"
	GrantInForce    Code = "grant.in-force"
)

// Why a pull cannot be trusted, or not for everything.
const (
	PullNone          Code = "pull.none"
	PullPartial       Code = "pull.partial"
	PullShort         Code = "pull.short"
	PullShrunk        Code = "pull.shrunk"
	PullStale         Code = "pull.stale"
	PullWrongBusiness Code = "pull.wrong-business"
)

// Invitations.
const (
	InvitePending    Code = "invite.pending"
	InviteStale      Code = "invite.stale"
	InviteDeclined   Code = "invite.declined"
	InviteBackoff    Code = "invite.backoff"
	InviteAttempts   Code = "invite.attempts"
	InviteForeign    Code = "invite.foreign"
	InviteOldAddress Code = "invite.old-address"
	InviteQueued     Code = "invite.role-queued"
)

// Matching and ownership.
const (
	MatchUnmatched     Code = "match.unmatched"
	MatchDisputed      Code = "match.disputed"
	MatchProbable      Code = "match.probable"
	MatchReadded       Code = "match.readded"
	MatchEmailDiffers  Code = "match.email-differs"
	MatchSecondAccount Code = "match.second-account"
	OwnForeign         Code = "ownership.foreign"
	OwnForeignLeaver   Code = "ownership.foreign-leaver"
	OwnConflict        Code = "ownership.conflict"
	OwnOtherRole       Code = "ownership.other-role"
	OwnExempt          Code = "ownership.exempt"
	OwnExemptExpired   Code = "ownership.exempt-expired"
	OwnPartner         Code = "ownership.partner"
)

// Settle window, decisions of admins, and tasks on their way.
const (
	WaitSettle       Code = "wait.settle"
	DecisionRejected Code = "decision.rejected"
	DecisionApproved Code = "decision.approved"
	DecisionOverride Code = "decision.override"
	TaskUnderWay     Code = "task.under-way"
	TaskUnconfirmed  Code = "task.unconfirmed"
	TaskAnswerLost   Code = "task.answer-lost"
	TaskNotShown     Code = "task.not-shown"
	TaskNotWanted    Code = "task.not-wanted"
	TaskAlreadySo    Code = "task.already-so"
)

// Answers of a platform, in one vocabulary for all platforms.
const (
	PlatformTokenRevoked     Code = "platform.token-revoked"
	PlatformThrottled        Code = "platform.throttled"
	PlatformInviteQuota      Code = "platform.invite-quota"
	PlatformBlocked          Code = "platform.blocked"
	PlatformTooEarly         Code = "platform.too-early"
	PlatformForbidden        Code = "platform.forbidden"
	PlatformScopeMissing     Code = "platform.scope-missing"
	PlatformNotAdmin         Code = "platform.not-admin"
	PlatformLastAdmin        Code = "platform.last-admin"
	PlatformCapacity         Code = "platform.capacity"
	PlatformHumanStep        Code = "platform.human-step"
	PlatformRefused          Code = "platform.refused"
	PlatformNotFound         Code = "platform.not-found"
	PlatformExists           Code = "platform.exists"
	PlatformUnreachable      Code = "platform.unreachable"
	PlatformMalformed        Code = "platform.malformed"
	PlatformUnknownOutcome   Code = "platform.unknown-outcome"
	PlatformOutcomeUnread    Code = "platform.outcome-unread"
	PlatformNotConfirmed     Code = "platform.success-not-confirmed"
	PlatformReadingsDiffer   Code = "platform.readings-differ"
	PlatformBusinessNotFound Code = "platform.business-not-found"
	PlatformBusinessInactive Code = "platform.business-inactive"
	PlatformVersionEnded     Code = "platform.version-ended"
	PlatformAddressUnknown   Code = "platform.address-unknown"
	PlatformAssetNotFound    Code = "platform.asset-not-found"
	PlatformNotRevocable     Code = "platform.access-not-revocable"
	PlatformAccessByGroup    Code = "platform.access-by-group"
	PlatformUnexpected       Code = "platform.unexpected"
	PlatformTokenExpires     Code = "platform.token-expires"
	PlatformScopeExcess      Code = "platform.scope-excess"
	PlatformUnverified       Code = "platform.business-unverified"
	PlatformTwoFactorOff     Code = "platform.two-factor-off"
	PlatformNoPage           Code = "platform.no-primary-page"
	PlatformLogUnread        Code = "platform.log-unread"
)

// Access to assets.
const (
	AssetAcceptance  Code = "wait.acceptance"
	AssetRoleFirst   Code = "wait.role-first"
	AssetUnread      Code = "asset.unread"
	AssetUnreadable  Code = "asset.unreadable"
	AssetUnknownKind Code = "asset.unknown-kind"
	AssetDrift       Code = "asset.drift"
	AssetTakenAway   Code = "asset.taken-away"
	AssetForeign     Code = "asset.foreign"
	AssetWithMember  Code = "asset.goes-with-member"
	AssetNotOurs     Code = "asset.member-not-ours"
	AssetByHand      Code = "asset.by-hand"
)

// Partners of a hub.
const (
	HubReadOnly      Code = "hub.read-only"
	PartnerEnded     Code = "partner.ended"
	PartnerNoMonitor Code = "partner.no-monitor"
	PartnerUnread    Code = "partner.unread"
)

// Findings of the doctor in what an identity provider sends.
const (
	DoctorSameGroup      Code = "doctor.same-group"
	DoctorNoUsers        Code = "doctor.groups-without-users"
	DoctorNoMembers      Code = "doctor.members-never-sent"
	DoctorEmptyGroup     Code = "doctor.empty-group"
	DoctorUnknownMembers Code = "doctor.unknown-members"
	DoctorUserName       Code = "doctor.username-not-email"
	DoctorNoActive       Code = "doctor.active-missing"
	DoctorLetterCase     Code = "doctor.letter-case"
	DoctorOneExternalID  Code = "doctor.one-external-id"
	DoctorStringBooleans Code = "doctor.string-booleans"
	DoctorWrongPath      Code = "doctor.wrong-path"
	DoctorClock          Code = "doctor.clock-skew"
	DoctorTokenExpired   Code = "doctor.token-expired"
	DoctorTokenEnds      Code = "doctor.token-ends"
	DoctorTokenRefused   Code = "doctor.token-refused"
	DoctorAddress        Code = "doctor.address-refused"
	DoctorThrottled      Code = "doctor.throttled"
	DoctorRefused        Code = "doctor.requests-refused"
	DoctorFault          Code = "doctor.server-fault"
)
