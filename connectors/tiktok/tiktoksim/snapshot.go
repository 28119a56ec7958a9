package tiktoksim

import (
	"slices"
	"strings"
	"time"
)

// Members is the truth about a Business Center, in listing order, addresses
// unmasked and assets included. It is nil for one that does not exist.
func (s *Sim) Members(bcID string) []Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.byBC[bcID]; c != nil {
		return c.members()
	}
	return nil
}

// Groups and Partners are the truth about asset groups and partners.
func (s *Sim) Groups(bcID string) []AssetGroup {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.byBC[bcID]; c != nil {
		return append([]AssetGroup{}, c.truth.groups...)
	}
	return nil
}

// Partners: see Groups.
func (s *Sim) Partners(bcID string) []Partner {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.byBC[bcID]; c != nil {
		return append([]Partner{}, c.truth.partner...)
	}
	return nil
}

// Invitations counts the e-mails ever sent to each address (lower case).
func (s *Sim) Invitations(bcID string) map[string]int {
	n := map[string]int{}
	for _, i := range s.InvitationLog(bcID) {
		n[strings.ToLower(i.Email)]++
	}
	return n
}

// InvitationLog lists every invitation sent, oldest first.
func (s *Sim) InvitationLog(bcID string) []Invitation {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Invitation{}
	if c := s.byBC[bcID]; c != nil {
		for _, i := range c.invitations {
			all = append(all, *i)
		}
	}
	return all
}

// Repeats lists the addresses that were invited although TikTok had them
// already: none, for a client that never repeats itself.
func (s *Sim) Repeats(bcID string) []Repeat {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.byBC[bcID]; c != nil {
		return slices.Clone(c.repeats)
	}
	return nil
}

// LostAdmins gives the moments at which a Business Center lost its last admin.
func (s *Sim) LostAdmins() map[string][]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	lost := map[string][]time.Time{}
	for _, c := range s.centers {
		if len(c.adminless) > 0 {
			lost[c.BCID] = slices.Clone(c.adminless)
		}
	}
	return lost
}
