package scimtarget

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/internal/rest"
)

// meaning is what a status, or a scimType of it, says.
type meaning struct {
	status   int
	scimType string // "" holds for the others of this status
	kind     connectors.Kind
	reason   bridge.Code
	next     string
}

// meanings are those of RFC 7644 [section 3.12, tables 8 and 9], and 429 and
// 503 [RFC 6585 section 4, RFC 9110 section 15.6.4]. In SCIM the HTTP status is
// the code; it is only believed together with SCIM's own error body, because
// whatever stands before a product answers with the same numbers.
var meanings = []meaning{
	{400, "invalidFilter", connectors.KindRefused, bridge.PlatformRefused, "The product cannot filter by this; adbridge reads page by page instead."},
	{400, "tooMany", connectors.KindRefused, bridge.PlatformRefused, "The product finds too much for one answer; ask its vendor for the limit."},
	{400, "uniqueness", connectors.KindExists, bridge.PlatformExists, ""},
	{400, "mutability", connectors.KindRefused, bridge.PlatformRefused, "The product does not let this group or account be changed by SCIM; allow that in its settings."},
	{400, "noTarget", connectors.KindNotFound, bridge.PlatformNotFound, ""},
	{400, "sensitive", connectors.KindRefused, bridge.PlatformRefused, ""},
	{400, "", connectors.KindRefused, bridge.PlatformRefused, ""}, // invalidSyntax, invalidPath, invalidValue, invalidVers
	{401, "", connectors.KindToken, bridge.PlatformTokenRevoked, "Make a new token in the product's SCIM settings and connect the hub again."},
	{403, "", connectors.KindForbidden, bridge.PlatformForbidden, "Give the token the right to read and change users and groups in the product's SCIM settings."},
	{404, "", connectors.KindNotFound, bridge.PlatformNotFound, ""},
	{405, "", connectors.KindRefused, bridge.PlatformRefused, "The product's SCIM endpoint cannot do this."},
	{406, "", connectors.KindRefused, bridge.PlatformRefused, ""},
	{409, "uniqueness", connectors.KindExists, bridge.PlatformExists, ""},
	{409, "", connectors.KindTransient, bridge.PlatformUnreachable, ""}, // changed meanwhile
	{412, "", connectors.KindTransient, bridge.PlatformUnreachable, ""},
	{413, "", connectors.KindRefused, bridge.PlatformRefused, ""},
	{415, "", connectors.KindRefused, bridge.PlatformRefused, ""},
	{429, "", connectors.KindThrottled, bridge.PlatformThrottled, ""},
	{501, "", connectors.KindRefused, bridge.PlatformRefused, "The product's SCIM endpoint does not have this."},
}

func meaningOf(status int, scimType string) (meaning, bool) {
	for _, exact := range []bool{true, false} {
		i := slices.IndexFunc(meanings, func(m meaning) bool {
			return m.status == status && (exact && m.scimType == scimType || !exact && m.scimType == "")
		})
		if i >= 0 {
			return meanings[i], true
		}
	}
	return meaning{}, false
}

// failure is RFC 7644's error body. Some send the status as a number.
type failure struct {
	Schemas  []string `json:"schemas"`
	Status   any      `json:"status"`
	ScimType string   `json:"scimType"`
	Detail   string   `json:"detail"`
}

const errorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"

// requestIDs are the headers in which products name an exchange; SCIM has none.
var requestIDs = []string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-Requestid", "Cf-Ray"}

// throttlePause is how long a product rests that does not say.
const throttlePause = time.Minute

// decode reads an answer. No answer but 204 and 2xx with JSON is a yes.
func (c *Connector) decode(into any) func(rest.Answer) rest.Reading {
	return func(a rest.Answer) (r rest.Reading) {
		for _, h := range requestIDs {
			if r.RequestID = a.Header.Get(h); r.RequestID != "" {
				break
			}
		}
		body := bytes.TrimSpace(a.Body)
		if a.Status/100 == 2 {
			switch {
			case len(body) == 0 && into == nil:
			case len(body) == 0:
				r.Unreadable = errors.New("the answer is empty")
			case into != nil:
				if err := json.Unmarshal(body, into); err != nil {
					r.Unreadable = fmt.Errorf("the answer is not the JSON it should be: %w", err)
				}
			case !json.Valid(body):
				r.Unreadable = errors.New("the answer is not JSON")
			}
			return r
		}
		r.Code = a.Status
		var f failure
		ours := json.Unmarshal(body, &f) == nil && slices.Contains(f.Schemas, errorSchema)
		// A provider that wants a token says so in a header, too [RFC 6750 section 3].
		if !ours && (a.Status != http.StatusUnauthorized || a.Header.Get("WWW-Authenticate") == "") {
			r.Unreadable = errors.New("the answer is not SCIM's; something before the product, or another address")
			return r
		}
		m, known := meaningOf(a.Status, f.ScimType)
		if !known { // 500, 503 and the like: whether a write was carried out is open
			r.Unreadable = errors.New(f.Detail)
			return r
		}
		r.Message = f.Detail
		if f.ScimType != "" {
			r.Message = f.ScimType + ": " + f.Detail
		}
		r.Err = &connectors.Error{Kind: m.kind, Reason: m.reason, Next: m.next}
		if m.kind == connectors.KindThrottled {
			r.Err.RetryAfter = retryAfter(a.Header, c.now())
			r.PauseUntil = c.now().Add(r.Err.RetryAfter)
		}
		return r
	}
}

// retryAfter reads seconds or a date [RFC 9110 section 10.2.3].
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return min(time.Duration(n)*time.Second, 24*time.Hour)
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return min(t.Sub(now), 24*time.Hour)
	}
	return throttlePause
}
