package main

import (
	"time"

	"adbridge/bridge"
)

// trip is how a call goes wrong.
type trip struct {
	op    string // list, invite, role, remove
	how   string // see the sides
	skip  int
	times int // negative: until mended
}

// side is a platform with its other admins, its books and its accidents.
type side interface {
	platform() string
	business() string
	shown(email string) (role bridge.Role, invited bool)
	members() map[string]string // by address: role, or that they are invited
	accepts(email string)
	everybodyAccepts(after time.Duration)
	foreignAdd(email string, role bridge.Role)
	foreignRole(email string, role bridge.Role)
	foreignRemove(email string)
	sent(email string) int // invitations
	repeats() []string     // who was invited while invited or a member
	lostAdmins() bool
	written(op string) int       // writes of this kind that reached the platform, "" for all
	touched(email string) string // a write about a person
	reads() (calls, pages int)
	forget() // the request log
	trip(trip)
	mend()
	revoke()
	newToken() string
}

func native(r bridge.Role, collaborator string) string {
	if r == bridge.Owner {
		return "ADMIN"
	}
	return collaborator
}

func common(native string) bridge.Role {
	if native == "ADMIN" {
		return bridge.Owner
	}
	return bridge.Collaborator
}
