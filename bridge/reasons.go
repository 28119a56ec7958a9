package bridge

// Actor is who has to act on a reason.
type Actor string

// The actors.
const (
	IdentityTeam  Actor = "identity team"
	HubAdmin      Actor = "hub admin"
	ThePlatform   Actor = "platform"
	ThePersonSelf Actor = "the person"
	Operator      Actor = "operator"
	Nobody        Actor = "nobody"
)

// Reason explains a code: what it means, who has to act, and the next step.
type Reason struct {
	Code    Code   `json:"code"`
	Meaning string `json:"meaning"`
	Actor   Actor  `json:"actor"`
	Next    string `json:"next"`
}

// reasonTable explains every code. The CLI, the pages, the documents and the
// tests read it; nothing else may explain a code.
var reasonTable = []Reason{
	{SitMissing, "wanted by a rule, not on the hub and not invited", Nobody, "an invitation goes out, within the guards"},
	{SitUnknown, "wanted by a rule; the hub has never been read whole, so nobody knows whether the person is on it", Nobody, "the next complete pull answers it"},
	{SitPending, "invited with the role that is wanted; the invitation is open", ThePersonSelf, "accept the invitation that the platform sent by e-mail"},
	{SitPendingMismatch, "invited, but another role is wanted by now", Nobody, "the invitation is changed, or cancelled and sent again"},
	{SitPendingForeign, "wanted, and already invited by someone else", ThePersonSelf, "accept the invitation; the member is taken over then"},
	{SitExpired, "the invitation lapsed before it was accepted", Nobody, "it is sent again after a pause of 1, 3, then 7 days, up to invite-attempts"},
	{SitDeclined, "the person declined the invitation", HubAdmin, "talk to the person, then approve the invitation to send it again"},
	{SitInSync, "on the hub with the role that is wanted", Nobody, "nothing"},
	{SitMatched, "was on the hub before, is known, and has the role that is wanted", Nobody, "the member becomes ours in no-remove and full; nothing changes on the platform"},
	{SitRaise, "on the hub with a lower role than wanted", Nobody, "the role is raised"},
	{SitDriftUp, "someone else gave a higher role than the rules want", HubAdmin, "lower it on the platform, approve the change here, or change the group"},
	{SitLower, "has a higher role than is wanted by now", Nobody, "the role is lowered after the settle window"},
	{SitConflict, "on the hub with a higher role than wanted, and never taken over by adbridge", HubAdmin, "adopt the member, and the role is lowered; or exempt it"},
	{SitReadded, "was on the hub, left it, and came back under a new account without our doing", HubAdmin, "confirm with match or adopt that this is the same person"},
	{SitLeft, "on the hub, but in none of the groups that give a role on it", Nobody, "the member is removed after the settle window"},
	{SitLeaver, "on the hub, but deactivated or deleted at the identity provider", Nobody, "the member is removed at once"},
	{SitMassChange, "on the hub, but the group or rule that gave the role is gone", HubAdmin, "approve the removal, or restore the group or rule"},
	{SitGrantEnded, "on the hub by a timed grant that has ended", Nobody, "the member is removed at once"},
	{SitStaleInvite, "invited, but not wanted any more", Nobody, "the invitation is cancelled"},
	{SitLapsedInvite, "not wanted, and the invitation lapsed or was declined: no access", Nobody, "nothing"},
	{SitForeign, "on the hub and known, but no rule ever wanted it: not ours", HubAdmin, "add the person to a group, or leave it as it is"},
	{SitUnmatched, "on the hub, and nothing tells for certain who in the directory it is", HubAdmin, "match the member to the suggested person or to another one, or exempt it with a reason"},
	{SitDisputed, "on the hub, and more than one person fits", HubAdmin, "match the member to one of the suggested persons"},
	{SitSecondAccount, "a second account on the hub of a person who already has one", HubAdmin, "remove one of them on the platform, or exempt it with a reason"},
	{SitExempt, "left alone because a person decided so", Nobody, "nothing until the review date"},
	{SitExemptExpired, "the exemption is past its review date", HubAdmin, "renew the exemption, adopt the member, or undo the exemption"},
	{SitProtected, "never touched: the token's own account, a system user, or on the protected list", Nobody, "nothing"},
	{SitPartner, "on the hub through another business", Nobody, "the partner business manages it"},

	{CauseRule, "a rule gives the role", Nobody, "nothing"},
	{CauseGrant, "a timed grant gives the role", Nobody, "nothing; it ends by itself"},
	{CauseLeftGroups, "the person left every group that gave the role", Nobody, "put the person back into a group if that was a mistake"},
	{CauseDeactivated, "the identity provider deactivated the person (in Entra also: unassigned or filtered out)", IdentityTeam, "reactivate or reassign the person if that was a mistake"},
	{CauseDeleted, "the identity provider deleted the person", IdentityTeam, "create the person again if that was a mistake; access comes back with the groups"},
	{CauseGroupDeleted, "the group that gave the role was deleted", IdentityTeam, "push the group again if that was a mistake"},
	{CauseGroupEmptied, "the group that gave the role has no members any more", IdentityTeam, "look at the group's assignment and the provisioning log of the identity provider"},
	{CauseUnmapped, "the rule that gave the role was removed, or names another group now", HubAdmin, "add the rule again if that was a mistake"},
	{CauseGrantEnded, "the timed grant that gave the role has ended", Nobody, "grant again if it is still needed"},
	{WishConflict, "the person is in groups of two roles, and on-conflict is hold", IdentityTeam, "take the person out of one of the groups, or approve the higher role"},
	{WishNoEmail, "the person has no e-mail address to invite", IdentityTeam, "map an e-mail address (or an address as userName) in the provisioning profile"},
	{WishBadEmail, "the person's address cannot be an e-mail address", IdentityTeam, "correct the address at the identity provider"},

	{GuardRemovalsPerRun, "more removals at once than max-removals-percent and max-removals-min allow", HubAdmin, "check that the directory is right, then approve the removals or give an override"},
	{GuardRemovals24h, "more removals within 24 hours than max-removals-24h-percent allows", HubAdmin, "check that the directory is right, then approve, or wait until the 24 hours have passed"},
	{GuardAdminRemovals, "more admins removed or lowered at once than max-admin-removals allows", HubAdmin, "approve each of them"},
	{GuardMinAdmins, "fewer accepted admins than min-admins would remain", HubAdmin, "make someone else an admin first, or approve (down to one)"},
	{GuardLastAdmin, "no accepted admin would remain", HubAdmin, "make someone else an admin first; no approval lifts this"},
	{GuardRequiredAdmin, "the person is on the list of required admins", HubAdmin, "take the address off required-admins if the person may go"},
	{GuardSelf, "the account that the hub's token acts as is never changed", HubAdmin, "connect the hub with another account's token first"},
	{GuardProtected, "the member is protected", HubAdmin, "take it off the protected list if it may be changed"},
	{GuardRaises, "more raises to admin at once than max-raises allows", HubAdmin, "check the group, then approve the raises"},
	{GuardAssets, "more access to assets taken away at once than max-asset-removals and max-asset-removals-min allow", HubAdmin, "check the rules and groups, then approve the changes or give an override"},
	{GuardAssets24h, "more access to assets taken away within 24 hours than max-asset-removals-24h and max-asset-removals-min allow", HubAdmin, "check the rules and groups, then approve the changes, or wait until the 24 hours have passed"},
	{GuardAdds, "more invitations at once than max-adds or max-adds-percent allow", HubAdmin, "check that the rule names the right group, then approve the invitations"},
	{GuardInvitesPerDay, "the invitations of the last 24 hours have reached max-invites-per-day", Nobody, "the rest goes out as the 24 hours pass"},
	{GuardMemberCap, "the platform's limit of members on one hub is reached", HubAdmin, "remove members that are not needed, or use another hub"},
	{GuardAdminCap, "the platform's limit of admins on one hub is reached", HubAdmin, "lower an admin first, or give the person a lower role"},
	{GuardEmptyDesired, "the rules want nobody at all although members are on the hub by our doing", IdentityTeam, "check the identity provider's scope; approve the removals if the hub is to be emptied"},
	{GuardMassChange, "more than one person is concerned by a group or rule that is gone", HubAdmin, "approve the changes, or restore the group or rule"},
	{GuardDriftOwner, "someone else made this member an admin; taking that back needs a person's word", HubAdmin, "approve the lowering, or give the person the role by a group"},
	{DriftRaised, "someone else raised this member on the platform, and revert-drift is off", HubAdmin, "approve the lowering, lower it on the platform, or give the role by a group"},
	{DriftBesideRole, "members of ours have a finance role or other tasks in the hub that no rule gives", HubAdmin, "take it away on the platform if it should not be; adbridge does not touch it, and it ends with the membership"},

	{AssetUnread, "the last pull did not read this asset whole, so nobody knows who has access to it", Nobody, "the next pull that reads it answers it; if it never does, look at the alarm asset.unreadable"},
	{AssetUnreadable, "a pull could not read who has access to an asset that a rule names or that is shared with a partner; nothing was concluded on it", HubAdmin, "check the asset's id, that it belongs to the hub or its partner has accepted it, and that the connected account may manage it"},
	{AssetUnknownKind, "a rule names a kind of asset that this adbridge does not know on the platform; it is ignored", Operator, "correct the rule, or run the version of adbridge that it was written for"},
	{AssetDrift, "someone else gave more access to the asset than the rules want", HubAdmin, "take it back on the platform, approve the change here, or give the access by a rule"},
	{AssetTakenAway, "someone else took the access to the asset away on the platform", Nobody, "nothing; it is given again where a rule wants it"},
	{AssetForeign, "access to the asset that adbridge did not give", Nobody, "nothing; it is never touched. Add a rule if adbridge should manage it"},
	{AssetWithMember, "the person is to leave the hub; the access to the asset ends with the membership", Nobody, "nothing"},
	{AssetNotOurs, "the member is not ours, so adbridge gives no access to assets", HubAdmin, "adopt the member, or give the access on the platform"},
	{AssetByHand, "the access is not wanted any more, and the platform lets nobody take it away by its API", HubAdmin, "take it away on the platform, or remove the person from the hub and invite them again"},

	{HubObserving, "the hub is in observe: nothing leaves", HubAdmin, "read the adoption report, then choose another mode"},
	{HubMode, "the hub's mode does not allow this change", HubAdmin, "choose no-remove (role changes) or full (removals) if it should happen"},
	{HubPaused, "the hub is paused", HubAdmin, "resume the hub"},
	{HubQuarantined, "the hub failed again and again and pauses by itself", Operator, "look at the last errors; it tries again by itself"},
	{HubDisconnected, "the hub's token or business is gone", HubAdmin, "connect the hub again with a working token"},
	{HubReadOnly, "the hub belongs to a partner and is connected to look only: no change ever leaves for it", Nobody, "nothing; the partner manages its own people"},
	{HubFewAdmins, "the hub has fewer accepted admins than min-admins", HubAdmin, "make another trusted person an admin"},
	{GrantInForce, "someone has a role by a timed grant, outside the rules", HubAdmin, "nothing, it ends by itself; undo the grant if it is not needed any more"},
	{SourceSilent, "the identity provider has not called for more than three of its cycles", IdentityTeam, "look at the provisioning status in the identity provider; nothing is changed because of it"},
	{PartnerEnded, "the business is no partner of the hub any more: it reaches nothing that we share", HubAdmin, "remove the monitor hub, or make the business a partner again"},
	{PartnerNoMonitor, "assets are shared with a partner at whose people nobody looks", HubAdmin, "ask the partner for an admin account of its business and connect it with --partner-of"},
	{PartnerUnread, "the hub's partners could not be read; what is shown of them is from before", HubAdmin, "give the app the platform's permission to read partners, and authorise it again"},

	{DoctorSameGroup, "one Okta group both assigns the app and is pushed, which Okta does not support", IdentityTeam, "assign the app by another group and push this one only"},
	{DoctorNoUsers, "groups were pushed, and not one user", IdentityTeam, "assign the people, and switch the creation of users on"},
	{DoctorNoMembers, "users and groups were pushed, and nobody is in a group", IdentityTeam, "push the members of the groups"},
	{DoctorEmptyGroup, "a pushed group has no members", IdentityTeam, "push it again if it has members at the identity provider"},
	{DoctorUnknownMembers, "groups name people whom the identity provider never created here", IdentityTeam, "assign these people, or look at why their creation failed"},
	{DoctorUserName, "the userName is not an e-mail address", IdentityTeam, "map the e-mail address to userName or to emails"},
	{DoctorNoActive, "users are created without the attribute active, so leavers are never deactivated", IdentityTeam, "map active, and switch the deactivation of users on"},
	{DoctorLetterCase, "two users or groups have names that differ at most in letter case", IdentityTeam, "spell the name the same way, or rename one of them"},
	{DoctorOneExternalID, "two active users have the same externalId", IdentityTeam, "look both up, and deactivate the one whom the identity provider has forgotten"},
	{DoctorStringBooleans, "booleans come as text", Nobody, "nothing; they are understood. In Entra aadOptscim062020 makes them booleans"},
	{DoctorWrongPath, "requests go to addresses that do not exist", IdentityTeam, "correct the base URL: it ends in /scim/v2"},
	{DoctorClock, "a signed token is from the future: two clocks disagree", Operator, "set the clock of the server by NTP"},
	{DoctorTokenExpired, "the token has expired", IdentityTeam, "make a new token and enter it at the identity provider"},
	{DoctorTokenEnds, "the token ends within two weeks", IdentityTeam, "make a second token and enter it before the first one ends"},
	{DoctorTokenRefused, "a token was refused: unknown, revoked, or signed by or for someone else", IdentityTeam, "enter the right token, or correct who is trusted"},
	{DoctorAddress, "a caller's address is not on the source's list", HubAdmin, "add the address to ip-allow if it is the identity provider's"},
	{DoctorThrottled, "the source sends more requests than its rate allows", Nobody, "nothing if it obeys Retry-After; else raise scim-rate"},
	{DoctorRefused, "requests were refused for what is in them", IdentityTeam, "mend what the provisioning log names"},
	{DoctorFault, "requests could not be served because of the server", Operator, "look into the server's log under the request id"},

	{PullNone, "the hub has not been read whole yet", Nobody, "the first complete pull is under way; nothing changes before it"},
	{PullPartial, "the last reading broke off; it changed no member", Nobody, "it is tried again"},
	{PullShort, "the reading showed fewer rows than the platform's own total; nobody was taken for gone, and who did not show counts as there. Changes go on", HubAdmin, "nothing at first, the next reading may show all; if it lasts, look at the hub: where its list is right and the platform's total is not, give an override for pull.short, and pull the hub"},
	{PullShrunk, "the reading showed far fewer members than before; nobody was taken for gone and nobody is removed", HubAdmin, "look at the hub; if it really shrank, give an override for pull.shrunk"},
	{PullStale, "the last complete reading is older than pull-max-age; nobody is removed or lowered on it", Nobody, "the next complete pull releases it"},
	{PullWrongBusiness, "the platform answered for another business than the hub's", HubAdmin, "check the hub's business id and token"},

	{InvitePending, "the invitation is open", ThePersonSelf, "accept the invitation"},
	{InviteStale, "the invitation has been open for longer than stale-invitation-days", ThePersonSelf, "remind the person; look into the spam folder; or cancel and invite again"},
	{InviteDeclined, "the person declined; adbridge does not ask again by itself", HubAdmin, "talk to the person, then approve the invitation"},
	{InviteBackoff, "the last invitation brought nobody who is still there; the next goes out after a pause", Nobody, "it is sent by itself"},
	{InviteAttempts, "invite-attempts invitations lapsed", HubAdmin, "check the address with the person, then approve one more invitation"},
	{InviteForeign, "someone else invited the person", ThePersonSelf, "accept that invitation"},
	{InviteOldAddress, "the invitation is open at an address that is none of the person's any more: whoever reads that mailbox may accept it", HubAdmin, "approve this change, and the invitation is cancelled and one sent to the address of now; or reject it if the person still reads the old one, and accepts"},
	{InviteQueued, "the open invitation cannot be changed; the role is set on acceptance", ThePersonSelf, "accept the invitation"},

	{MatchUnmatched, "nothing tells for certain who in the directory this member is", HubAdmin, "match it to the suggested person or to another one, or exempt it with a reason"},
	{MatchDisputed, "more than one person fits this member", HubAdmin, "match it to one of them"},
	{MatchProbable, "someone on the hub may already be this person, but the evidence is weak", HubAdmin, "match that member, or decide that it is not this person"},
	{MatchReadded, "the person is back on the hub under a new account that we did not invite", HubAdmin, "confirm with match or adopt"},
	{MatchEmailDiffers, "the address on the platform is none of the person's addresses", Nobody, "nothing; look at it when convenient"},
	{MatchSecondAccount, "the person has another account on the hub, which is the one managed", HubAdmin, "remove the one not needed on the platform"},
	{OwnForeign, "adbridge neither created nor adopted this membership", Nobody, "adopt it if adbridge should manage it"},
	{OwnForeignLeaver, "the person has left the company, and the membership is not ours to remove", HubAdmin, "adopt the member to have it removed, or remove it on the platform"},
	{OwnConflict, "the role on the platform is higher than wanted, and the membership is not ours", HubAdmin, "adopt the member, or exempt it"},
	{OwnOtherRole, "the member has a role on the platform that is neither Owner nor Collaborator", HubAdmin, "set one of the two on the platform, or exempt the member"},
	{OwnExempt, "exempt by decision", Nobody, "nothing"},
	{OwnExemptExpired, "the exemption is past its review date", HubAdmin, "renew it, adopt the member, or undo the exemption"},
	{OwnPartner, "the member belongs to a partner business", Nobody, "nothing"},

	{WaitSettle, "within the settle window: the person may just be moving between groups", Nobody, "it goes on by itself when the window ends"},
	{AssetAcceptance, "access to assets comes once the person has accepted the invitation to the hub", ThePersonSelf, "accept the invitation; the access follows by itself"},
	{AssetRoleFirst, "the role on the hub is changed first, then the access to assets", Nobody, "it goes on by itself"},
	{DecisionRejected, "a person rejected this change", HubAdmin, "undo the rejection to have it done"},
	{DecisionApproved, "a person approved this change", Nobody, "nothing"},
	{DecisionOverride, "a person lifted the guard for a time", Nobody, "nothing; the guard is back when the override ends"},
	{TaskUnderWay, "a change of this member is on its way", Nobody, "wait for its outcome"},
	{TaskUnconfirmed, "the platform accepted the change; no reading has shown it yet", Nobody, "the next reading settles it"},
	{TaskAnswerLost, "the platform's answer to the invitation was lost, and the platform does not show the invitation so far, which may come late", Nobody, "nothing has to be done: it is looked for again at the time given, and sent again only if minutes later it is still not there"},
	{TaskNotShown, "the platform said yes to the invitation and does not show it so far, which may come late", Nobody, "nothing has to be done, and the person need not wait for an e-mail yet: it is looked for again at the time given; if minutes later it is still not there it counts as not sent, and another goes out an hour after that"},
	{TaskNotWanted, "the change is not wanted any more", Nobody, "nothing; a new plan is made"},
	{TaskAlreadySo, "the platform shows already what the change would bring", Nobody, "nothing"},

	{PlatformTokenRevoked, "the platform refuses the token: revoked, expired or wrong", HubAdmin, "connect the hub again with a new token"},
	{PlatformThrottled, "the platform asks to slow down", Nobody, "it goes on by itself"},
	{PlatformInviteQuota, "the platform's quota of invitations is used up, and it takes none before the time given", Nobody, "nothing has to be done: they go out by themselves then"},
	{PlatformBlocked, "the platform blocks changes by this account as abusive or against its policy", HubAdmin, "clear the block in the platform's own support pages, then resume the hub"},
	{PlatformTooEarly, "the platform does not allow people to be changed yet (up to 7 days after a system user was made)", Nobody, "it is tried again by itself"},
	{PlatformForbidden, "the platform does not allow this to the app or account", HubAdmin, "check the role of the connected account and the app's access, then release the changes that were refused; left alone, each is asked for again by itself, at the time given"},
	{PlatformScopeMissing, "the token lacks a permission", HubAdmin, "authorise the app again with the permission that the message names"},
	{PlatformNotAdmin, "the account that the token acts as is not an admin of the business", HubAdmin, "make that account an admin, or connect another one"},
	{PlatformLastAdmin, "the platform refuses to lose its last admin", HubAdmin, "make someone else an admin first"},
	{PlatformCapacity, "the platform's limit of members or admins is reached", HubAdmin, "remove members or admins that are not needed"},
	{PlatformHumanStep, "the platform wants a human step: two-factor, or the approval of another admin", HubAdmin, "sign in to the platform and take the step, then resume the hub"},
	{PlatformRefused, "the platform refuses this change as it is", HubAdmin, "read the platform's words, correct what they name, then release the change; what takes access away is asked for again a day later by itself"},
	{PlatformNotFound, "the platform does not know whom the change is about, or does not show it to us", Nobody, "the next reading tells; a change that it stopped is asked for again a day later by itself"},
	{PlatformExists, "the platform says that it is so already", Nobody, "the next reading tells; a change that it stopped is asked for again a day later by itself"},
	{PlatformUnreachable, "the platform cannot be reached, or answers with an error of its own", ThePlatform, "it is tried again by itself; look at the platform's status page if it lasts"},
	{PlatformMalformed, "the platform's answer made no sense", Operator, "it is tried again; report it if it lasts"},
	{PlatformUnknownOutcome, "nobody knows whether the platform carried the change out", Nobody, "it is settled by reading, never by repeating"},
	{PlatformOutcomeUnread, "nobody knows whether the platform carried the change out, and for three days it could not be read", HubAdmin, "let the connected account read it again, as the platform's words say, and pull the hub: it is settled by itself then, and never repeated before. If it never can be read, look on the platform and say what you see: `adbridge settle TASK --as done`, or `--as not-done`"},
	{PlatformNotConfirmed, "the platform said yes, but a later reading does not show it", HubAdmin, "nothing at first, it is tried again; after three times look at the member on the platform, then release the change; what takes access away is asked for again a day later by itself"},
	{PlatformReadingsDiffer, "the platform shows one thing when an asset is read for one person, and another when the whole hub is read", HubAdmin, "look at the person's access to the asset on the platform, then release the change"},
	{PlatformBusinessNotFound, "the platform does not show the business to this token", HubAdmin, "check the business id, and that the account is a member of it"},
	{PlatformBusinessInactive, "the business is under review, denied or punished on the platform", HubAdmin, "clear it with the platform"},
	{PlatformVersionEnded, "the platform has ended the version of its interface", Operator, "update adbridge"},
	{PlatformAddressUnknown, "the invitation can only be cancelled by its full address, and the platform shows it masked", HubAdmin, "cancel the invitation on the platform"},
	{PlatformAssetNotFound, "the platform shows no such asset that this hub may give access to", HubAdmin, "correct the asset's id in the rule, or have the asset added to the business on the platform; or take it out of the rule, and adbridge lets it go once a second pull does not find it"},
	{PlatformNotRevocable, "the platform lets nobody take this access away by its API", HubAdmin, "take the access away on the platform, or remove the person from the hub"},
	{PlatformAccessByGroup, "the access comes through an asset group on the platform, and does not end by taking the asset away", HubAdmin, "take the person out of the asset group on the platform"},
	{PlatformUnexpected, "the platform answered with a code that is not documented", Operator, "read the platform's words in the task; it is asked for again a day later by itself; report it if it lasts"},
	{PlatformTokenExpires, "the token, or the app's access to data, ends soon or has ended", HubAdmin, "make a new token and connect the hub again before that day"},
	{PlatformScopeExcess, "the token may do more than adbridge needs", HubAdmin, "make a token with fewer permissions when convenient"},
	{PlatformUnverified, "the platform has not verified the business, which may limit what its apps can do", HubAdmin, "complete the verification of the business on the platform"},
	{PlatformTwoFactorOff, "the business asks nobody for a second factor", HubAdmin, "require two-factor authentication, at least of admins, in the business's security settings"},
	{PlatformNoPage, "the business has no primary page, which the platform expects of one", HubAdmin, "choose a primary page in the business's settings"},
	{PlatformLogUnread, "the token may not read the platform's own log: who changed what there, behind adbridge, stays unknown", HubAdmin, "give the app, or make a token with, the permission that `adbridge hub doctor` names, and connect the hub again"},
}

var reasonIndex = func() map[Code]Reason {
	m := make(map[Code]Reason, len(reasonTable))
	for _, r := range reasonTable {
		m[r.Code] = r
	}
	return m
}()

// Reasons lists every code with its explanation.
func Reasons() []Reason { return append([]Reason(nil), reasonTable...) }

// ReasonOf explains a code. For a code that is not in the table, Meaning is the
// code itself and the next step is to report it.
func ReasonOf(c Code) Reason {
	if r, ok := reasonIndex[c]; ok {
		return r
	}
	return Reason{Code: c, Meaning: string(c), Actor: Operator, Next: "report this code: it has no explanation"}
}
