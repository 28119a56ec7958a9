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
	for _, name := range []string{"secret", "client_secret", "access_token", "auth_code", "code"} {
		if _, ok := shown[name]; ok {
			shown[name] = "REDACTED"
		}
	}
	return shown
}
