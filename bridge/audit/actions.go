package audit

// The actions: what an event says happened.
const (
	SourceAdded  = "source.added"
	SourceSet    = "source.set"
	TokenAdded   = "token.added"
	TokenIssued  = "token.issued"
	TokenRevoked = "token.revoked"
	TokenRefused = "token.refused"

	UserCreated     = "user.created"
	UserChanged     = "user.changed"
	UserDeactivated = "user.deactivated"
	UserReactivated = "user.reactivated"
	UserDeleted     = "user.deleted"
	UserRestored    = "user.restored"

	GroupCreated      = "group.created"
	GroupChanged      = "group.changed"
	GroupRenamed      = "group.renamed"
	GroupDeleted      = "group.deleted"
	MembershipAdded   = "membership.added"
	MembershipRemoved = "membership.removed"

	HubAdded       = "hub.added"
	HubChanged     = "hub.changed"
	HubMode        = "hub.mode"
	HubSet         = "hub.set"
	HubPaused      = "hub.paused"
	HubResumed     = "hub.resumed"
	HubHalted      = "hub.halted"
	HubReconnected = "hub.reconnected"
	HubChecked     = "hub.checked"
	HubRemoved     = "hub.removed"
	RuleAdded      = "rule.added"
	RuleChanged    = "rule.changed"
	RuleRemoved    = "rule.removed"

	PartnerSeen     = "partner.seen"
	PartnerChanged  = "partner.changed"
	PartnerGone     = "partner.gone"
	PartnerRead     = "partner.read"
	PullCompleted   = "pull.completed"
	PullFailed      = "pull.failed"
	MemberSeen      = "member.seen"
	MemberChanged   = "member.changed"
	MemberGone      = "member.gone"
	MemberMatched   = "member.matched"
	MemberOwnership = "member.ownership"

	DecisionMade   = "decision.made"
	DecisionUndone = "decision.undone"
	DecisionEnded  = "decision.ended"
	GrantUsed      = "grant.used"

	PlanMade   = "plan.made"
	ChangeHeld = "change.held"
	ReportMade = "report.made"

	TaskPlanned        = "task.planned"
	TaskStarted        = "task.started"
	TaskAccepted       = "task.accepted"
	TaskConfirmed      = "task.confirmed"
	TaskContradicted   = "task.contradicted"
	TaskUnknown        = "task.unknown"
	TaskNotDone        = "task.not-done"
	TaskWaiting        = "task.waiting"
	TaskHeld           = "task.held"
	TaskReleased       = "task.released"
	TaskWord           = "task.word"
	TaskSuperseded     = "task.superseded"
	PlatformCall       = "platform.call"
	PlatformUnrecorded = "platform.unrecorded"
	PlatformLogged     = "platform.logged"

	SignedIn      = "session.signed-in"
	SignedOut     = "session.signed-out"
	AuditExported = "audit.exported"
	KeyAdded      = "key.added"
	KeySeals      = "key.seals"
	KeyResealed   = "key.resealed"
	KeyDropped    = "key.dropped"
	HistoryPurged = "history.purged"
)

// Action is an action name and what it means.
type Action struct {
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
}

var actionTable = []Action{
	{SourceAdded, "an identity provider was connected"},
	{SourceSet, "who may call for an identity provider was changed"},
	{TokenAdded, "a SCIM token was made"},
	{TokenIssued, "an identity provider got a short-lived SCIM token for a signed assertion"},
	{TokenRevoked, "a SCIM token was revoked"},
	{TokenRefused, "calls were refused: an unknown, expired or revoked token, a JWT that proves nothing, an address that is not allowed"},
	{UserCreated, "the identity provider created a user"},
	{UserChanged, "the identity provider changed a user's attributes"},
	{UserDeactivated, "the identity provider deactivated a user"},
	{UserReactivated, "the identity provider reactivated a user"},
	{UserDeleted, "the identity provider deleted a user; kept here for the record"},
	{UserRestored, "the identity provider created a deleted user again"},
	{GroupCreated, "the identity provider created a group"},
	{GroupChanged, "the identity provider changed a group's attributes"},
	{GroupRenamed, "the identity provider renamed a group"},
	{GroupDeleted, "the identity provider deleted a group"},
	{MembershipAdded, "the identity provider put people into a group"},
	{MembershipRemoved, "the identity provider took people out of a group"},
	{HubAdded, "a hub was connected"},
	{HubChanged, "a hub's name, business or credentials changed"},
	{HubMode, "a hub's mode changed"},
	{HubSet, "a setting of a hub changed"},
	{HubPaused, "a hub was paused by a person"},
	{HubResumed, "a hub goes on"},
	{HubHalted, "a hub stopped by itself"},
	{HubReconnected, "a hub got new credentials"},
	{HubChecked, "the preconditions of a hub were looked at"},
	{HubRemoved, "a hub was removed; its history stays"},
	{RuleAdded, "a rule was added: a group has a role on a hub"},
	{RuleChanged, "the access to assets that a rule gives was changed"},
	{RuleRemoved, "a rule was removed"},
	{PartnerSeen, "a business was seen among a hub's partners for the first time"},
	{PartnerChanged, "what a hub shares with a partner changed"},
	{PartnerGone, "a business is no partner of a hub any more"},
	{PartnerRead, "it was read who of a partner's people reaches what we share; everyone else was dropped"},
	{PullCompleted, "a hub was read whole"},
	{PullFailed, "the reading of a hub broke off; it changed no member"},
	{MemberSeen, "a member was seen on a hub for the first time"},
	{MemberChanged, "a member's role, access or presence on a hub changed"},
	{MemberGone, "a member is no longer on a hub"},
	{MemberMatched, "a member was bound to a person, or the binding changed"},
	{MemberOwnership, "who answers for a membership changed"},
	{DecisionMade, "a person decided something"},
	{DecisionUndone, "a person took a decision back"},
	{DecisionEnded, "a decision reached its end"},
	{GrantUsed, "a timed grant gave someone a role"},
	{PlanMade, "a plan of a hub came out different from the one before"},
	{ChangeHeld, "a change is held, or needs a person"},
	{ReportMade, "a run was summed up"},
	{TaskPlanned, "a change is on its way"},
	{TaskStarted, "the call to the platform is about to be made"},
	{TaskAccepted, "the platform said yes"},
	{TaskConfirmed, "a later reading shows the change"},
	{TaskContradicted, "a later reading does not show what the platform said yes to"},
	{TaskUnknown, "nobody knows whether the platform carried the change out; it is settled by reading"},
	{TaskNotDone, "a reading shows that the platform did not carry the change out"},
	{TaskWaiting, "the change waits until a time"},
	{TaskHeld, "the change failed for good; it needs a person or another wish"},
	{TaskReleased, "a person released a held change"},
	{TaskWord, "a person said what became of a change whose outcome could not be read"},
	{TaskSuperseded, "the change is not wanted any more"},
	{PlatformCall, "one exchange with a platform, with the platform's request id"},
	{PlatformUnrecorded, "a call was begun and its answer was not recorded, since the server ended; what reading shows of it is told beside it"},
	{PlatformLogged, "a line of the platform's own log was taken in: someone changed something there, in the platform's words"},
	{SignedIn, "someone signed in to the pages"},
	{SignedOut, "someone signed out"},
	{AuditExported, "the audit trail was exported"},
	{KeyAdded, "a key was added that is to seal the secrets of the database; nothing is sealed with it yet"},
	{KeySeals, "a key seals the secrets of the database from now on"},
	{KeyResealed, "secrets were sealed again with the key that seals now"},
	{HistoryPurged, "plans, pulls and reports past their time were forgotten; events never are"},
	{KeyDropped, "a key that nothing is sealed with any more, or that is lost, was dropped"},
}

// Actions lists every action with its meaning.
func Actions() []Action { return append([]Action(nil), actionTable...) }

// MeaningOf explains an action; the action's own name when it is not known.
func MeaningOf(action string) string {
	for _, a := range actionTable {
		if a.Name == action {
			return a.Meaning
		}
	}
	return action
}

// ActorBridge is adbridge itself.
const ActorBridge = "bridge"

// ActorSource is an identity provider, by the token that called.
func ActorSource(source, tokenLabel string) string {
	if tokenLabel == "" {
		return "source:" + source
	}
	return "source:" + source + "/" + tokenLabel
}

// ActorAdmin is a person who decides.
func ActorAdmin(by string) string { return "admin:" + by }

// ActorPlatform is an ad platform: what it shows, nobody here did.
func ActorPlatform(platform string) string { return "platform:" + platform }
