package tiktoksim

import (
	"fmt"
	"slices"
)

// RevokeToken is the user cancelling the authorisation of one token.
func (s *Sim) RevokeToken(token string) error {
	return s.onToken(token, func(t *Token) { t.Revoked = true })
}

// ExpireToken makes a token answer 40102. Long-lived tokens have no timer; the
// code exists all the same.
func (s *Sim) ExpireToken(token string) error {
	return s.onToken(token, func(t *Token) { t.Expired = true })
}

// SetScopes changes what a token may do.
func (s *Sim) SetScopes(token string, scopes ...int64) error {
	return s.onToken(token, func(t *Token) { t.Scopes = slices.Clone(scopes) })
}

func (s *Sim) onToken(token string, do func(*Token)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[token]
	if t == nil {
		return fmt.Errorf("the token is not known")
	}
	do(t)
	return nil
}

// DisableUser closes an account: its tokens answer 40106.
func (s *Sim) DisableUser(user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(user)
	if u == nil {
		return fmt.Errorf("user %s does not exist", user)
	}
	u.Disabled = true
	return nil
}
