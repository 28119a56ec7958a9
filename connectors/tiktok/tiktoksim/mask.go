package tiktoksim

import (
	"hash/fnv"
	"strings"
)

// maskEmail hides an address the way the portal's example does
// (user@example.com becomes u**r@example.com): first and last character of the
// local part stay, each one between becomes a star. What happens to one or two
// characters is not documented: see Switches.ShortMask.
func maskEmail(email, short string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return email
	}
	local, domain := []rune(email[:at]), email[at:]
	if len(local) > 2 {
		return string(local[0]) + strings.Repeat("*", len(local)-2) + string(local[len(local)-1]) + domain
	}
	switch short {
	case "stars":
		return strings.Repeat("*", len(local)) + domain
	case "first":
		if len(local) == 2 {
			return string(local[0]) + "*" + domain
		}
	}
	return email
}

// shownEmail is the address as the members' list and the asset's list give it.
func (s *Sim) shownEmail(r *row) string {
	masked := s.sw.Masking != "none"
	if s.sw.Masking == "some" {
		h := fnv.New32a()
		h.Write([]byte(strings.ToLower(r.Email)))
		masked = h.Sum32()%2 == 0
	}
	if r.Masked != nil {
		masked = *r.Masked
	}
	if masked {
		return maskEmail(r.Email, s.sw.ShortMask)
	}
	return r.Email
}
