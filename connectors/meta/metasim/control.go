package metasim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// controls serves /_sim/: everything the Go methods do, for another process or curl.
func (s *Sim) controls() *http.ServeMux {
	mux := http.NewServeMux()
	var index []string
	handle := func(pattern string, h func(r *http.Request) (any, error)) {
		index = append(index, pattern)
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			v, err := h(r)
			status := http.StatusOK
			if err != nil {
				status, v = http.StatusBadRequest, map[string]string{"error": err.Error()}
			}
			w.Header().Set("Content-Type", "application/json; charset=UTF-8")
			w.WriteHeader(status)
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			enc.Encode(v) //nolint:errcheck // nobody left to tell
		})
	}
	done := map[string]bool{"done": true}
	type who struct {
		Business string   `json:"business"`
		Email    string   `json:"email"`
		Person   string   `json:"person"`
		Role     string   `json:"role"`
		As       AcceptAs `json:"as"`
		Add      Person   `json:"add"`
	}
	act := func(pattern string, f func(q who) (any, error)) {
		handle(pattern, func(r *http.Request) (any, error) {
			var q who
			if err := decode(r, &q); err != nil {
				return nil, err
			}
			v, err := f(q)
			if v == nil {
				v = done
			}
			return v, err
		})
	}
	act("POST /_sim/accept", func(q who) (any, error) { return s.Accept(q.Business, q.Email, q.As) })
	act("POST /_sim/decline", func(q who) (any, error) { return nil, s.Decline(q.Business, q.Email) })
	act("POST /_sim/expire", func(q who) (any, error) { return nil, s.Expire(q.Business, q.Email) })
	act("POST /_sim/withdraw", func(q who) (any, error) { return nil, s.Withdraw(q.Business, q.Email) })
	act("POST /_sim/invite", func(q who) (any, error) {
		id, err := s.Invite(q.Business, q.Email, q.Role)
		return map[string]string{"id": id}, err
	})
	act("POST /_sim/remove_person", func(q who) (any, error) { return nil, s.RemovePerson(q.Business, q.Person) })
	act("POST /_sim/set_role", func(q who) (any, error) { return nil, s.SetRole(q.Business, q.Person, q.Role) })
	act("POST /_sim/add_person", func(q who) (any, error) {
		id, err := s.AddPerson(q.Business, q.Add)
		return map[string]string{"id": id}, err
	})
	handle("POST /_sim/assign", func(r *http.Request) (any, error) {
		var d Deed
		if err := decode(r, &d); err != nil {
			return nil, err
		}
		return done, s.Assign(d)
	})
	handle("POST /_sim/remove_asset", func(r *http.Request) (any, error) {
		var q struct {
			Business string `json:"business"`
			Asset    string `json:"asset"`
		}
		if err := decode(r, &q); err != nil {
			return nil, err
		}
		return done, s.RemoveAsset(q.Business, q.Asset)
	})
	handle("POST /_sim/revoke_token", func(r *http.Request) (any, error) {
		var q struct {
			Token   string `json:"token"`
			Subcode int    `json:"subcode"`
		}
		if err := decode(r, &q); err != nil {
			return nil, err
		}
		return done, s.RevokeToken(q.Token, q.Subcode)
	})
	handle("POST /_sim/approve", func(*http.Request) (any, error) { return map[string][]string{"approved": s.Approve()}, nil })
	handle("POST /_sim/auto_accept", func(r *http.Request) (any, error) {
		a := new(AutoAccept)
		if err := decode(r, a); err != nil {
			return nil, err
		}
		s.AutoAccept(a)
		return done, nil
	})
	handle("DELETE /_sim/auto_accept", func(*http.Request) (any, error) { s.AutoAccept(nil); return done, nil })
	handle("GET /_sim/people", func(r *http.Request) (any, error) { return s.People(r.FormValue("business")) })
	handle("GET /_sim/invitations", func(r *http.Request) (any, error) {
		n, err := s.Invitations(r.FormValue("business"))
		if err != nil {
			return nil, err
		}
		sent, err := s.Sent(r.FormValue("business"))
		return map[string]any{"counts": n, "sent": sent}, err
	})
	handle("GET /_sim/requests", func(*http.Request) (any, error) { return s.Requests(), nil })
	handle("DELETE /_sim/requests", func(*http.Request) (any, error) { s.ResetRequests(); return done, nil })
	handle("GET /_sim/faults", func(*http.Request) (any, error) { return s.Faults.List(), nil })
	handle("POST /_sim/faults", func(r *http.Request) (any, error) {
		var raw json.RawMessage
		if err := decode(r, &raw); err != nil {
			return nil, err
		}
		list := []Fault{{}}
		var err error
		if strings.HasPrefix(strings.TrimSpace(string(raw)), "[") {
			err = strict(strings.NewReader(string(raw)), &list)
		} else {
			err = strict(strings.NewReader(string(raw)), &list[0])
		}
		for _, f := range list {
			if err == nil {
				err = s.Faults.Lay(f)
			}
		}
		return s.Faults.List(), err
	})
	handle("POST /_sim/faults/random", func(r *http.Request) (any, error) {
		var q Random
		if err := decode(r, &q); err != nil {
			return nil, err
		}
		return done, s.Faults.Randomly(q)
	})
	handle("DELETE /_sim/faults", func(*http.Request) (any, error) { s.Faults.Clear(); return done, nil })
	handle("GET /_sim/switches", func(*http.Request) (any, error) {
		return map[string]any{"switches": s.Switches(), "values": Alternatives()}, nil
	})
	handle("PATCH /_sim/switches", func(r *http.Request) (any, error) {
		w := s.Switches() // what the body does not name stays
		if err := decode(r, &w); err != nil {
			return nil, err
		}
		if err := s.SetSwitches(w); err != nil {
			return nil, err
		}
		return s.Switches(), nil
	})
	handle("PUT /_sim/limits", func(r *http.Request) (any, error) {
		var l Limits
		if err := decode(r, &l); err != nil {
			return nil, err
		}
		s.SetLimits(l)
		return done, nil
	})
	handle("GET /_sim/clock", func(*http.Request) (any, error) { return map[string]time.Time{"now": s.Advance(0)}, nil })
	handle("POST /_sim/clock", func(r *http.Request) (any, error) {
		var q struct {
			Advance Duration `json:"advance"`
		}
		if err := decode(r, &q); err != nil {
			return nil, err
		}
		if q.Advance < 0 {
			return nil, errors.New("advance: time does not run backwards")
		}
		return map[string]time.Time{"now": s.Advance(time.Duration(q.Advance))}, nil
	})
	handle("GET /_sim/world", func(*http.Request) (any, error) { return s.World(), nil })
	handle("PUT /_sim/world", func(r *http.Request) (any, error) {
		w, err := LoadWorld(r.Body)
		if err != nil {
			return nil, err
		}
		return done, s.Reset(w)
	})
	handle("GET /_sim/{$}", func(*http.Request) (any, error) { return slices.Sorted(slices.Values(index)), nil })
	return mux
}

func decode(r *http.Request, v any) error { return strict(io.LimitReader(r.Body, maxBody), v) }

func strict(r io.Reader, v any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	return d.Decode(v)
}
