package tiktoksim

import (
	"maps"
	"slices"
	"time"
)

// Request is a line of the request log.
type Request struct {
	Seq       int            `json:"seq"`
	Time      time.Time      `json:"time"`
	Method    string         `json:"method"`
	Path      string         `json:"path"`
	Op        string         `json:"op,omitempty"` // "" for a path that is no operation
	Params    map[string]any `json:"params,omitempty"`
	Unknown   []string       `json:"unknown,omitempty"` // parameters nobody documents
	AppID     string         `json:"app_id,omitempty"`
	User      string         `json:"user,omitempty"` // core_user_id behind the token
	Status    int            `json:"status"`         // HTTP; 0 when the connection was broken before
	Code      int            `json:"code"`           // of the envelope, as TikTok meant it
	RequestID string         `json:"request_id,omitempty"`
	Write     bool           `json:"write,omitempty"`
	Fault     Kind           `json:"fault,omitempty"`
}

type requestLog struct {
	list  []Request
	seq   int
	limit int
}

func (s *Sim) note(r *Request) {
	l := &s.log
	l.seq++
	r.Seq = l.seq
	if len(l.list) >= l.limit {
		l.list = slices.Delete(l.list, 0, max(1, l.limit/10))
	}
	l.list = append(l.list, *r)
}

// redact hides what lets one in.
func redact(given map[string]any) map[string]any {
	shown := maps.Clone(given)
	for _, name := range []string{"secret", "client_secret", "access_token", "auth_code", "code", "Access-Token"} {
		if _, ok := shown[name]; ok {
			shown[name] = "REDACTED"
		}
	}
	return shown
}

// Requests is the log of API calls, oldest first.
func (s *Sim) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.log.list)
	for i := range all {
		all[i].Params = maps.Clone(all[i].Params)
	}
	return all
}

// Calls counts the logged calls of an operation; "" counts all of them.
func (s *Sim) Calls(op string) int {
	return s.countCalls(func(r *Request) bool { return op == "" || r.Op == op })
}

// Writes counts the logged calls of operations that change something.
func (s *Sim) Writes() int { return s.countCalls(func(r *Request) bool { return r.Write }) }

func (s *Sim) countCalls(is func(*Request) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for i := range s.log.list {
		if is(&s.log.list[i]) {
			n++
		}
	}
	return n
}

// ResetRequests empties the log.
func (s *Sim) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.list = nil
}
