package bridge

import "time"

// Alias is an address that belongs to a person although no identity provider
// sends it: a former name, or the private address of an agency. It counts as
// evidence like the person's own addresses, on every hub; invitations never go
// to it.
type Alias struct {
	ID       string    `json:"id"`
	PersonID string    `json:"person_id"`
	Address  string    `json:"address"`
	Reason   string    `json:"reason"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	UndoneAt time.Time `json:"undone_at,omitzero"`
	UndoneBy string    `json:"undone_by,omitempty"`
}
