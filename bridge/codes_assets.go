package bridge

// What concerns access to assets.
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
	GuardAssets      Code = "guard.asset-removals"
	GuardAssets24h   Code = "guard.asset-removals-24h"
)
