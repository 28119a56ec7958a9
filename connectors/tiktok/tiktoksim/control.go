package tiktoksim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// order is the body of the control endpoints; each takes what it needs.
type order struct {
	BCID        string    `json:"bc_id"`
	Email       string    `json:"email"`
	As          AcceptAs  `json:"as"`
	Who         string    `json:"who"` // user_id or address
	Role        string    `json:"role"`
	FinanceRole string    `json:"finance_role"`
	Member      *Member   `json:"member"`
	Grant       Grant     `json:"grant"`
	PartnerID   string    `json:"partner_id"`
	Token       string    `json:"token"`
	AppID       string    `json:"app_id"`
	User        string    `json:"user"`
	UserID      string    `json:"user_id"`
	Scopes      []int64   `json:"scopes"`
	By          duration  `json:"by"`
	After       *duration `json:"after"`
	Only        []string  `json:"only"`
	Except      []string  `json:"except"`
	Fault       *Fault    `json:"fault"`
	Seed        int64     `json:"seed"`
	Probability float64   `json:"probability"`
	Kinds       []Kind    `json:"kinds"`
}

func (s *Sim) controlMux() *http.ServeMux {
	mux := http.NewServeMux()
	var index []string
	handle := func(pattern, help string, do func(r *http.Request, o *order) (any, error)) {
		index = append(index, fmt.Sprintf("%-32s %s", pattern, help))
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var o order
			err := readOrder(w, r, &o)
			var out any
			if err == nil {
				out, err = do(r, &o)
			}
			status := http.StatusOK
			if err != nil {
				status, out = http.StatusBadRequest, map[string]string{"error": err.Error()}
			} else if out == nil {
				out = struct{}{}
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			json.NewEncoder(w).Encode(out)
		})
	}
	do := func(pattern, help string, f func(o *order) error) {
		handle(pattern, help, func(_ *http.Request, o *order) (any, error) { return nil, f(o) })
	}
	show := func(pattern, help string, f func(bcID string) any) {
		handle(pattern, help, func(r *http.Request, _ *order) (any, error) {
			id := r.URL.Query().Get("bc_id")
			s.mu.Lock()
			known := s.byBC[id] != nil
			s.mu.Unlock()
			if !known {
				return nil, fmt.Errorf("bc_id %q does not exist", id)
			}
			return f(id), nil
		})
	}

	show("GET /_sim/members", "?bc_id= the truth, addresses unmasked", func(id string) any { return s.Members(id) })
	show("GET /_sim/groups", "?bc_id=", func(id string) any { return s.Groups(id) })
	show("GET /_sim/partners", "?bc_id=", func(id string) any { return s.Partners(id) })
	show("GET /_sim/invitations", "?bc_id= e-mails sent, per address and one by one", func(id string) any {
		return map[string]any{"counts": s.Invitations(id), "log": s.InvitationLog(id), "repeats": s.Repeats(id)}
	})
	handle("GET /_sim/lost_admins", "when a Business Center lost its last admin", func(*http.Request, *order) (any, error) { return s.LostAdmins(), nil })

	handle("POST /_sim/accept", "{bc_id, email, as: {user_id, email, name}}", func(_ *http.Request, o *order) (any, error) { return some(s.Accept(o.BCID, o.Email, o.As)) })
	do("POST /_sim/decline", "{bc_id, email}", func(o *order) error { return s.Decline(o.BCID, o.Email) })
	do("POST /_sim/expire", "{bc_id, email}", func(o *order) error { return s.Expire(o.BCID, o.Email) })
	do("POST /_sim/auto_accept", `{after: "5s", only: [addresses], except: [addresses]}; "-1s" ends it`, s.orderAutoAccept)
	handle("POST /_sim/members/add", "{bc_id, member: {...}} a foreign admin adds or invites", func(_ *http.Request, o *order) (any, error) {
		if o.Member == nil {
			return nil, fmt.Errorf("member is missing")
		}
		return some(s.AddMember(o.BCID, *o.Member))
	})
	do("POST /_sim/members/remove", "{bc_id, who} who is a user_id or an address", func(o *order) error { return s.RemoveMember(o.BCID, o.Who) })
	do("POST /_sim/members/role", "{bc_id, who, role}", func(o *order) error { return s.SetRole(o.BCID, o.Who, o.Role) })
	do("POST /_sim/members/finance_role", `{bc_id, who, finance_role}; "" clears it`, func(o *order) error { return s.SetFinanceRole(o.BCID, o.Who, o.FinanceRole) })
	do("POST /_sim/members/email", "{user_id, email} someone changes his own address", func(o *order) error { return s.SetEmail(o.UserID, o.Email) })
	do("POST /_sim/members/assign", "{bc_id, who, grant: {asset_type, asset_id, ..._role}}", func(o *order) error { return s.Assign(o.BCID, o.Who, o.Grant) })
	do("POST /_sim/members/unassign", "{bc_id, who, grant: {asset_type, asset_id}}", func(o *order) error {
		return s.Unassign(o.BCID, o.Who, o.Grant.AssetType, o.Grant.AssetID)
	})
	do("POST /_sim/partners/approve", "{bc_id, partner_id} the receiver says yes", func(o *order) error { return s.ApprovePartner(o.BCID, o.PartnerID) })

	handle("POST /_sim/tokens/mint", "{app_id, user, scopes}", func(_ *http.Request, o *order) (any, error) {
		t, err := s.MintToken(o.AppID, o.User, o.Scopes...)
		return map[string]string{"token": t}, err
	})
	do("POST /_sim/tokens/revoke", "{token}", func(o *order) error { return s.RevokeToken(o.Token) })
	do("POST /_sim/tokens/expire", "{token}", func(o *order) error { return s.ExpireToken(o.Token) })
	do("POST /_sim/tokens/scopes", "{token, scopes}", func(o *order) error { return s.SetScopes(o.Token, o.Scopes...) })
	do("POST /_sim/users/disable", "{user}", func(o *order) error { return s.DisableUser(o.User) })
	mux.HandleFunc("GET /_sim/authorize", s.authorizePage)
	index = append(index, fmt.Sprintf("%-32s %s", "GET /_sim/authorize", "?app_id=&redirect_uri=&state=&user= (or deny=1) redirects with auth_code"))

	handle("GET /_sim/requests", "?op= the request log", func(r *http.Request, _ *order) (any, error) {
		all := s.Requests()
		if op := r.URL.Query().Get("op"); op != "" {
			all = slices.DeleteFunc(all, func(q Request) bool { return q.Op != op })
		}
		return all, nil
	})
	do("DELETE /_sim/requests", "empty the request log", func(*order) error { s.ResetRequests(); return nil })
	handle("GET /_sim/usage", "what apps have used of their rate limits", func(*http.Request, *order) (any, error) { return s.Usage(), nil })

	handle("GET /_sim/faults", "what is armed, and how many calls were broken", func(*http.Request, *order) (any, error) {
		return map[string]any{"armed": s.Faults.Armed(), "fired": s.Faults.Fired()}, nil
	})
	handle("POST /_sim/faults", `{fault: {op, kind, times, skip, probability, code, status, delay, ...}}`, func(_ *http.Request, o *order) (any, error) {
		if o.Fault == nil {
			return nil, fmt.Errorf("fault is missing")
		}
		if err := o.Fault.Validate(); err != nil {
			return nil, err
		}
		return map[string]int{"id": s.Faults.Add(*o.Fault)}, nil
	})
	do("POST /_sim/faults/random", "{seed, probability, kinds} break calls at random", func(o *order) error {
		for _, k := range o.Kinds {
			if !slices.Contains(kinds, k) {
				return fmt.Errorf("kind %q is not one of %v", k, kinds)
			}
		}
		s.Faults.Random(o.Seed, o.Probability, o.Kinds...)
		return nil
	})
	do("DELETE /_sim/faults", "disarm everything", func(*order) error { s.Faults.Clear(); return nil })

	handle("GET /_sim/clock", "the simulator's time", func(*http.Request, *order) (any, error) {
		return map[string]string{"now": s.Now().Format(time.RFC3339Nano)}, nil
	})
	do("POST /_sim/clock", `{by: "26h"} move the clock forward`, func(o *order) error {
		if o.By < 0 {
			return fmt.Errorf("the clock does not go back")
		}
		s.Advance(time.Duration(o.By))
		return nil
	})
	raw(mux, "GET /_sim/switches", func(*http.Request) (any, error) { return s.Switches(), nil })
	raw(mux, "POST /_sim/switches", func(r *http.Request) (any, error) {
		sw := s.Switches()
		if err := readStrict(r, &sw); err != nil {
			return nil, err
		}
		return sw, s.SetSwitches(sw)
	})
	raw(mux, "GET /_sim/world", func(*http.Request) (any, error) { return s.World(), nil })
	raw(mux, "POST /_sim/world", func(r *http.Request) (any, error) {
		w, err := LoadWorld(r.Body)
		if err != nil {
			return nil, err
		}
		return nil, s.Reset(w)
	})
	index = append(index,
		fmt.Sprintf("%-32s %s", "GET|POST /_sim/switches", `{"masking": "some", "propagation": "3s"} changes those`),
		fmt.Sprintf("%-32s %s", "GET|POST /_sim/world", "the world as a file; POST starts again from one"))
	page := strings.Join(index, "\n") + "\n"
	mux.HandleFunc("GET /_sim/{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, page) })
	return mux
}

func some(v any, err error) (any, error) { return v, err }

// raw is a control endpoint whose body is not an order.
func raw(mux *http.ServeMux, pattern string, do func(*http.Request) (any, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 256<<20)
		out, err := do(r)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
			out = map[string]string{"error": err.Error()}
		case out == nil:
			out = struct{}{}
		}
		json.NewEncoder(w).Encode(out)
	})
}

func readOrder(w http.ResponseWriter, r *http.Request, o *order) error {
	if r.Method != http.MethodPost {
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	return readStrict(r, o)
}

// readStrict refuses what it does not know: a mistyped order must not pass for
// one that was obeyed.
func readStrict(r *http.Request, v any) error {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

func (s *Sim) orderAutoAccept(o *order) error {
	if o.After == nil {
		return fmt.Errorf("after is missing")
	}
	has := func(all []string, e string) bool {
		return slices.ContainsFunc(all, func(s string) bool { return strings.EqualFold(s, e) })
	}
	var who func(string) (AcceptAs, bool)
	if len(o.Only)+len(o.Except) > 0 {
		who = func(e string) (AcceptAs, bool) {
			return AcceptAs{}, (len(o.Only) == 0 || has(o.Only, e)) && !has(o.Except, e)
		}
	}
	s.AutoAcceptIf(time.Duration(*o.After), who)
	return nil
}
