package metasim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// GraphError is the error envelope. A Fault may carry one.
type GraphError struct {
	Message   string `json:"message"`
	Type      string `json:"type,omitempty"`
	Code      int    `json:"code"`
	Subcode   int    `json:"error_subcode,omitempty"`
	Transient bool   `json:"is_transient,omitempty"`
	UserTitle string `json:"error_user_title,omitempty"`
	UserMsg   string `json:"error_user_msg,omitempty"`
	Data      any    `json:"error_data,omitempty"` // an object, or a string holding JSON: Meta sends both
	Status    int    `json:"status,omitempty"`     // HTTP status; 0 leaves it to the switch http_status
}

func (e *GraphError) Error() string {
	if e.Subcode != 0 {
		return fmt.Sprintf("%s (code %d, subcode %d)", e.Message, e.Code, e.Subcode)
	}
	return fmt.Sprintf("%s (code %d)", e.Message, e.Code)
}

func graphErr(code, sub int, format string, args ...any) *GraphError {
	return &GraphError{Message: fmt.Sprintf(format, args...), Type: "OAuthException", Code: code, Subcode: sub}
}

func (e *GraphError) told(title, msg string) *GraphError {
	e.UserTitle, e.UserMsg = title, msg
	return e
}

func invalid(format string, args ...any) *GraphError {
	return graphErr(100, 0, "(#100) "+format, args...)
}

// unsupported is the answer that does not tell "gone" from "not allowed" (java-sdk#311).
func unsupported(method, id string) *GraphError {
	e := graphErr(100, 33, "Unsupported %s request. Object with ID '%s' does not exist, cannot be loaded due to missing permissions, or does not support this operation. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api", strings.ToLower(method), id)
	e.Type = "GraphMethodException"
	return e
}

func forbidden(what string) *GraphError { return graphErr(200, 0, "(#200) %s", what) }

func notAllowed() *GraphError {
	e := graphErr(10, 2859030, "Application does not have permission for this action")
	e.Data = map[string]any{"hash": nil}
	return e.told("This Action Is Not Allowed", "Please retry this action in a few minutes")
}

func abusive() *GraphError {
	return graphErr(368, 0, "The action attempted has been deemed abusive or is otherwise disallowed").
		told("You're Temporarily Blocked", "It looks like you were misusing this feature by going too fast.")
}

func lastAdmin() *GraphError {
	return graphErr(3914, 0, "(#3914) It looks like you're trying to remove the last admin from this business. At least one admin is required.")
}

func reduceData() *GraphError {
	return graphErr(1, 0, "Please reduce the amount of data you're asking for, then retry your request")
}

func expiredToken(at, now time.Time) *GraphError {
	const day = "Monday, 02-Jan-06 15:04:05 MST"
	return graphErr(190, 463, "Error validating access token: The token expired on %s. The current time is %s.", at.UTC().Format(day), now.UTC().Format(day))
}

var revokedTexts = map[int]string{
	458: "Error validating access token: The user has not authorized application.",
	459: "Error validating access token: You cannot access the app till you log in to www.facebook.com and follow the instructions given.",
	460: "Error validating access token: It was invalidated because the user changed their password, or for security reasons.",
	464: "Error validating access token: The user is not a confirmed user.",
	467: "Error validating access token: It was invalidated because the user has logged out.",
	492: "Error validating access token: It does not match the one stored.",
}

func revokedToken(sub int) *GraphError {
	if sub == 0 {
		sub = 467
	}
	return graphErr(190, sub, "%s", revokedTexts[sub])
}

// status follows what was seen: 500 for code 1 (python-sdk#628), 400 for throttles (airbyte#3996); the rest is custom.
func (e *GraphError) status(policy string) int {
	switch {
	case e.Status != 0:
		return e.Status
	case policy == "always_400":
		return http.StatusBadRequest
	case e.Code == 1 || e.Code == 2:
		return http.StatusInternalServerError
	case e.Code == 10 || e.Code == 200:
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// body renders the envelope; trace is the fbtrace_id.
func (e *GraphError) body(detail, trace string) []byte {
	m := map[string]any{"message": e.Message, "code": e.Code}
	if detail != "bare" {
		m["type"] = e.Type
		if e.Type == "" {
			m["type"] = "OAuthException"
		}
		m["fbtrace_id"] = trace
		if e.Subcode != 0 {
			m["error_subcode"] = e.Subcode
		}
		if e.Data != nil {
			m["error_data"] = e.Data
		}
		if e.Transient || e.UserTitle != "" || e.UserMsg != "" {
			m["is_transient"] = e.Transient
		}
		if e.UserTitle != "" {
			m["error_user_title"] = e.UserTitle
		}
		if e.UserMsg != "" {
			m["error_user_msg"] = e.UserMsg
		}
	}
	b, err := json.Marshal(map[string]any{"error": m})
	if err != nil { // a Fault's error_data may hold anything
		b = []byte(`{"error":{"message":"An unknown error has occurred.","type":"OAuthException","code":1}}`)
	}
	return b
}
