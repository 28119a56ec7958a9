package meta

import "net/http"

// class says what an operation does, as far as errors mean different things.
type class uint

const (
	writes     class = 1 << iota
	people           // reads or changes who is on the business
	invites          // sends an invitation
	toBusiness       // addressed to the business, so that the business is what may be missing
	onAsset          // reads or changes who has access to an asset
)

func (c class) has(all class) bool { return c&all == all }

// ofBusiness says that a call counts, or may count, against the business use case
// of the business itself: which one that is for people is not published, so
// those of the business's own edges and of people pause together.
func (c class) ofBusiness() bool { return c&(people|toBusiness) != 0 }

// op is an operation: its name as errors and records show it, and its class.
type op struct {
	name   string
	method string
	class  class
}

var (
	opToken       = op{"GET debug_token", http.MethodGet, 0}
	opMe          = op{"GET me", http.MethodGet, 0}
	opPermissions = op{"GET permissions", http.MethodGet, 0}
	opMyPeople    = op{"GET me/business_users", http.MethodGet, 0}
	opMachine     = op{"GET system_user", http.MethodGet, 0}
	opBusiness    = op{"GET business", http.MethodGet, toBusiness}

	opMembers  = op{"GET business_users", http.MethodGet, people | toBusiness}
	opPending  = op{"GET pending_users", http.MethodGet, people | toBusiness}
	opMachines = op{"GET system_users", http.MethodGet, people | toBusiness}
	opMember   = op{"GET business_user", http.MethodGet, people}
	opRequest  = op{"GET business_role_request", http.MethodGet, people}

	opInvite     = op{"POST business_users", http.MethodPost, writes | people | invites | toBusiness}
	opSetPending = op{"POST business_role_request", http.MethodPost, writes | people}
	opCancel     = op{"DELETE business_role_request", http.MethodDelete, writes | people}
	opSetRole    = op{"POST business_user", http.MethodPost, writes | people}
	opRemove     = op{"DELETE business_user", http.MethodDelete, writes | people}
)

// onBusiness is a listing of a business's assets or partners.
func onBusiness(edge string) op { return op{"GET " + edge, http.MethodGet, toBusiness} }

// Who is on an asset, of whatever kind.
var (
	opAssigned  = op{"GET assigned_users", http.MethodGet, onAsset}
	opAssign    = op{"POST assigned_users", http.MethodPost, onAsset | writes}
	opUnassign  = op{"DELETE assigned_users", http.MethodDelete, onAsset | writes}
	opAgencies  = op{"GET agencies", http.MethodGet, onAsset}
	opPageToken = op{"GET page", http.MethodGet, onAsset}
)
