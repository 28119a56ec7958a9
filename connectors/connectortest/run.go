package connectortest

import (
	"fmt"
	"slices"
	"testing"

	"adbridge/bridge"
)

// claim is what every connector does, and what shows it.
type claim struct {
	name string
	run  func(*testing.T, Harness)
}

// Run holds a connector to all claims; those about assets if its Traits declare
// kinds of asset.
func Run(t *testing.T, h Harness) {
	claims := claims
	if len(h.start(t).Traits().Assets) > 0 {
		claims = slices.Concat(claims, assetClaims)
	}
	for _, c := range claims {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, h)
		})
	}
}

var claims = []claim{
	{"CheckSaysWhomTheTokenActsAs", checkSelf},
	{"CheckRefusesABusinessThatIsNotOurs", checkForeign},
	{"CheckSaysThatTheAccountIsNoAdmin", checkDemoted},
	{"MembersListsEveryoneOnce", listAll},
	{"MembersListsWhoeverStaysWhileOthersLeave", listMoving},
	{"MembersIsNeverTakenForWholeWhenAPageFails", listPartial},
	{"ReadsSurviveOneFault", readHeals},
	{"ReadsChangeNothing", readsOnly},
	{"AReadOnlyConnectionSendsNoChange", readOnly},
	{"OwnersAreTheAcceptedAdmins", owners},
	{"FindKnowsMembersAndInvitedByAddress", findEmail},
	{"FindKnowsAMemberById", findID},
	{"FindShowsNobodyForAStranger", findNobody},
	{"InvitationShowsUp", inviteShows},
	{"InvitingABatchInvitesEach", inviteBatch},
	{"InvitingTwiceSendsOneInvitation", inviteTwice},
	{"InvitingAMemberChangesNothing", inviteMember},
	{"InvitingBadInputCallsNobody", inviteBad},
	{"CancelWithdrawsTheInvitation", cancel},
	{"CancelNeverRemovesAMember", cancelAccepted},
	{"SetRoleRaisesAndLowers", setRole},
	{"SetRoleOfAnInvitation", setPendingRole},
	{"RemoveTakesOneMemberOff", remove},
	{"AbsentMembersAreNotFound", absent},
	{"WritesAreNeverRepeatedAndSayWhenNobodyKnows", unknown},
	{"ThrottledWritesSayWhenToComeBack", throttled},
	{"ThrottledReadsSayWhenToComeBack", throttledRead},
	{"WritesThatNeverLeftAreTransient", unreachable},
	{"ARevokedTokenStopsEverything", revoked},
	{"WithoutTheAdminRoleEverythingIsForbidden", forbidden},
	{"RedirectsAreNotFollowed", redirected},
	{"ACancelledContextEndsACall", cancelled},
	{"ABudgetAtRestLetsNothingThrough", budgetPaused},
	{"ManyCallersAtOnce", concurrent},
}

var assetClaims = []claim{
	{"AssetsAreListedWhole", listAssets},
	{"PeopleOfAnAssetAreListedWhole", listAssetUsers},
	{"AssetListingsAreNeverTakenForWholeWhenAPageFails", listAssetsPartial},
	{"ReadingAssetsChangesNothing", assetReadsOnly},
	{"AssignedAccessReplacesWhatWasThereAndShows", assignShows},
	{"UnassignTakesOnePersonsAccess", unassignTakes},
	{"WhatAnInvitationBringsIsThereOnceItIsAccepted", inviteWith},
	{"AnInvitationThatCannotBringAllOfItIsNotSent", inviteWithBad},
	{"NobodyWhoIsAbsentIsGivenAccess", assignNobody},
	{"AssigningBadInputCallsNobody", assignBad},
	{"ChangesOfAccessAreNeverRepeatedAndSayWhenNobodyKnows", assetUnknown},
	{"AReadTellsWhatBecameOfAnAssignment", assetSettles},
	{"ThrottledChangesOfAccessSayWhenToComeBack", assetThrottled},
	{"ARevokedTokenStopsChangesOfAccess", assetRevoked},
	{"WithoutTheAdminRoleAccessIsForbidden", assetForbidden},
	{"ChangesOfAccessFollowNoRedirect", assetRedirected},
	{"ManyAssignmentsAtOnce", assetsAtOnce},
}

func member(i int, role bridge.Role) Person {
	return Person{Email: fmt.Sprintf("member%03d@example.com", i), Name: fmt.Sprintf("Member %03d", i), Role: role, Presence: bridge.Active}
}

func invited(email string) Person {
	return Person{Email: email, Role: bridge.Collaborator, Presence: bridge.Invited}
}

// crowd is more than two pages of any platform's small pages, with invitations
// that share a mask with each other and with members.
func crowd(n int) []Person {
	var all []Person
	for i := range n {
		role := bridge.Collaborator
		if i%17 == 3 {
			role = bridge.Owner
		}
		all = append(all, member(i, role))
	}
	for _, e := range []string{"dana@example.org", "dora@example.org", "dxra@example.org", "zoe@example.net", "memberXX1@example.com"} {
		all = append(all, invited(e))
	}
	return all
}
