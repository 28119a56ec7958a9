package scim

func (s *server) bulk(q *request) (*reply, error) { return nil, nil }
