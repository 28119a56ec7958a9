package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/internal/rest"
)

// graphError is the envelope of a no. Only message and code can be relied on.
type graphError struct {
	Message   string          `json:"message"`
	Code      int             `json:"code"`
	SubCode   int             `json:"error_subcode"`
	Transient any             `json:"is_transient"`
	UserTitle string          `json:"error_user_title"`
	UserMsg   string          `json:"error_user_msg"`
	Trace     string          `json:"fbtrace_id"`
	Data      json.RawMessage `json:"error_data"` // an object, or a string that holds one
}

// words are the message, and what Meta would show a person.
func (e graphError) words() string {
	s := e.Message
	told := strings.TrimSpace(strings.Trim(e.UserTitle+": "+e.UserMsg, ": "))
	if told != "" && told != s {
		s = strings.TrimSpace(s + " (" + told + ")")
	}
	if fields := e.blamed(); fields != "" {
		s += " [" + fields + "]"
	}
	return s
}

// blamed names the parameters that error_data blames, if it does.
func (e graphError) blamed() string {
	raw := e.Data
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	var d struct {
		Specs [][]string `json:"blame_field_specs"`
	}
	if json.Unmarshal(raw, &d) != nil {
		return ""
	}
	var fields []string
	for _, spec := range d.Specs {
		fields = append(fields, strings.Join(spec, "."))
	}
	return strings.Join(fields, ", ")
}

// yes is the answer to a write: {"success":true}, {"success":"true"}, {"id":"…"}
// or a bare true, by operation and by guide.
type yes struct {
	Success  *flag `json:"success"`
	ID       ident `json:"id"`
	Approval flag  `json:"requires_admin_approval"`
}

func (y *yes) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); bytes.Equal(b, []byte("true")) || bytes.Equal(b, []byte("false")) {
		done := flag(b[0] == 't')
		*y = yes{Success: &done}
		return nil
	}
	type plain yes
	var p plain
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	*y = yes(p)
	return nil
}

// checked is an answer that can tell whether it is whole.
type checked interface{ whole() error }

func (y *yes) whole() error {
	if y.Success == nil && y.ID == "" && !bool(y.Approval) {
		return errors.New("neither success nor an id")
	}
	return nil
}

// flag is a boolean that may come as text.
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(strings.Trim(string(b), `"`)) {
	case "true", "1":
		*f = true
	case "false", "0", "null", "":
		*f = false
	default:
		return errors.New("neither true nor false")
	}
	return nil
}

// ident is an id: a string of digits, too long for a float. A bare number is
// taken by its digits.
type ident string

func (i *ident) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*i = ""
		return nil
	}
	var s string
	if b[0] != '"' {
		s = string(b)
	} else if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s != "" && !isID(s) {
		return errors.New("an id that is not made of digits")
	}
	*i = ident(s)
	return nil
}

// stamp is a time: 2014-01-07T23:26:09+0000, or unix seconds. One that cannot
// be read is no reason to lose a member over.
type stamp struct{ time.Time }

func (t *stamp) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	*t = stamp{}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n > 0 && n < 1<<40 {
			t.Time = time.Unix(n, 0).UTC()
		}
		return nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339} {
		if at, err := time.Parse(layout, s); err == nil {
			t.Time = at.UTC()
			return nil
		}
	}
	return nil
}

// reading decodes answers to an operation. HTTP status is looked at only where
// there is no envelope.
func (c *Connector) reading(o op, into any) func(rest.Answer) rest.Reading {
	return func(a rest.Answer) rest.Reading {
		r := rest.Reading{RequestID: requestID(a.Header)}
		wait, own, full := usage(a.Header, c.business)
		if full {
			r.PauseUntil = c.now().Add(max(wait, throttlePause))
		}
		if own > 0 {
			r.PauseOwn = c.now().Add(own)
		}
		if w := a.Header.Get("X-Ad-Api-Version-Warning"); w != "" {
			c.upgraded.Store(&w)
			r.Message = w
		}
		body := bytes.TrimSpace(a.Body)
		if len(body) > 0 && body[0] == '{' {
			var e struct {
				Error json.RawMessage `json:"error"`
			}
			if err := json.Unmarshal(body, &e); err != nil {
				r.Unreadable = fmt.Errorf("not JSON: %w", err)
				return r
			}
			if len(e.Error) > 0 && !bytes.Equal(e.Error, []byte("null")) {
				c.refuse(o, &r, e.Error, wait)
				return r
			}
		}
		switch {
		case a.Status/100 != 2:
			r.Unreadable = errors.New("an error without Meta's envelope")
			return r
		case bytes.Equal(body, []byte("null")): // which decodes into anything
			r.Unreadable = errors.New("an empty answer")
			return r
		}
		if err := json.Unmarshal(body, into); err != nil {
			r.Unreadable = fmt.Errorf("not the answer expected: %w", err)
			return r
		}
		if w, ok := into.(checked); ok {
			if err := w.whole(); err != nil {
				r.Unreadable = err
				return r
			}
		}
		if y, ok := into.(*yes); ok {
			r.Err = y.doubt()
		}
		return r
	}
}

// doubt is what keeps a yes from being one.
func (y *yes) doubt() *connectors.Error {
	switch {
	case bool(y.Approval):
		// GUIDE (business-to-business): a success that has not happened yet.
		return &connectors.Error{
			Kind: connectors.KindHuman, Reason: bridge.PlatformHumanStep, Message: "accepted, but another admin of the portfolio has to approve it first",
			Next: "Have another admin approve the request in Business Settings, then resume the hub.",
		}
	case y.Success != nil && !bool(*y.Success):
		return &connectors.Error{Kind: connectors.KindUnknown, Reason: bridge.PlatformUnknownOutcome, Message: "success: false"}
	}
	return nil
}

func requestID(h http.Header) string {
	for _, name := range []string{"X-Fb-Trace-Id", "X-Fb-Request-Id"} {
		if id := h.Get(name); id != "" {
			return id
		}
	}
	return ""
}

// refuse fills in what an error means.
func (c *Connector) refuse(o op, r *rest.Reading, raw json.RawMessage, wait time.Duration) {
	var g graphError
	json.Unmarshal(raw, &g) //nolint:errcheck // a field of another type than usual is left out; the code decides
	if g.Code == 0 {
		r.Unreadable = errors.New("an error without a code")
		return
	}
	r.Code, r.SubCode, r.Message = g.Code, g.SubCode, g.words()
	if g.Trace != "" {
		r.RequestID = g.Trace
	}
	v := judge(o, g.Code, g.SubCode, g.Transient == true || g.Transient == "true")
	e := &connectors.Error{Kind: v.kind, Reason: v.reason, Next: v.next}
	switch v.kind {
	case connectors.KindQuota:
		e.RetryAfter = quotaPause
	case connectors.KindThrottled:
		if e.RetryAfter = wait; wait <= 0 {
			e.RetryAfter = throttlePause
		}
		e.OneAsset = ofOneAsset(o, g.Code, g.SubCode) && r.PauseOwn.IsZero()
		switch {
		case appWide[g.Code]:
			r.PauseUntil = c.now().Add(e.RetryAfter)
		case !e.OneAsset:
			r.PauseOwn = c.now().Add(e.RetryAfter)
		}
	}
	r.Err = e
}
