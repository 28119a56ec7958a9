package scim

import "net/http"

// me answers /Me. A token stands for an identity provider, not for a person,
// so there is no User that could be "me" (RFC 7644 section 3.11 names 501 for it).
func (s *server) me(*request) (*reply, error) {
	return nil, newFault(http.StatusNotImplemented, "", "/Me is not available: the token belongs to an identity provider, not to a person. Use /Users with a filter on userName.")
}
