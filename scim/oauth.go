package scim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"adbridge/bridge"
)

// TokenPath is where the token endpoint is mounted.
const TokenPath = "/scim/oauth/token"

// Issuer makes short-lived bearer tokens for client assertions. An assertion
// that is not accepted is a *TokenError; any other error means that nobody
// could tell. The source is given where it is known.
type Issuer interface {
	Issue(ctx context.Context, clientID, assertion, from string) (source bridge.Source, token bridge.Secret, lifetime time.Duration, err error)
}

// TooManyTokens is the error of an Issuer that is asked too often.
type TooManyTokens struct{ After time.Duration }

func (e *TooManyTokens) Error() string {
	return "too many tokens; ask again after " + e.After.String()
}

// TokenEndpoint is the token endpoint of Entra's Workload Identity Federation:
// the client_credentials grant (RFC 6749 section 4.4) with a JWT as the
// client's assertion (RFC 7523 section 2.2), in one form.
type TokenEndpoint struct {
	Issuer Issuer
	Log    Log // nil: none is kept
	Now    func() time.Time
	Logger zerolog.Logger
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// oauthError is an error as RFC 6749 section 5.2 has it.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
	status      int
	retryAfter  time.Duration
	allow       string
	cause       error
}

func (e *oauthError) Error() string { return e.Code + ": " + e.Description }

func oauthFault(status int, code, description string) *oauthError {
	return &oauthError{Code: code, Description: description, status: status}
}

// ServeHTTP implements http.Handler.
func (t TokenEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := t.Now()
	note := bridge.Exchange{ID: uuid.Must(uuid.NewV7()).String(), At: start, Method: r.Method, Target: "/oauth/token", // the body is a credential
		UserAgent: cut(r.UserAgent(), 200), RemoteAddr: remote(r), Status: http.StatusOK}
	h := w.Header()
	h.Set("X-Request-Id", note.ID)
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store") // RFC 6749 section 5.1
	h.Set("Pragma", "no-cache")
	body, err := t.grant(w, r, &note)
	var f *oauthError
	if errors.As(err, &f) {
		note.Status, note.Detail = f.status, f.Description
		if f.allow != "" {
			h.Set("Allow", f.allow)
		}
		if f.retryAfter > 0 {
			h.Set("Retry-After", strconv.Itoa(int((f.retryAfter+time.Second-1)/time.Second)))
		}
		if f.status == http.StatusUnauthorized {
			h.Set("Www-Authenticate", `Bearer realm="adbridge"`)
		}
		if f.cause != nil {
			t.Logger.Error().Err(f.cause).Str("request", note.ID).Str("source", note.SourceID).Msg("token not issued")
		}
		body, _ = json.Marshal(f) // two strings
	}
	w.WriteHeader(note.Status)
	_, _ = w.Write(body) // a client that has gone asks again
	if t.Log != nil {
		note.Duration = t.Now().Sub(start)
		t.Log.Exchange(context.WithoutCancel(r.Context()), note)
	}
}

// grant reads the request and answers with a token.
func (t TokenEndpoint) grant(w http.ResponseWriter, r *http.Request, note *bridge.Exchange) ([]byte, error) {
	if r.Method != http.MethodPost {
		f := oauthFault(http.StatusMethodNotAllowed, "invalid_request", "A token is asked for by POST.")
		f.allow = http.MethodPost
		return nil, f
	}
	form, err := tokenForm(w, r)
	if err != nil {
		return nil, err
	}
	switch {
	case form.Get("grant_type") == "":
		return nil, oauthFault(http.StatusBadRequest, "invalid_request", "grant_type is missing; it is client_credentials.")
	case form.Get("grant_type") != "client_credentials":
		return nil, oauthFault(http.StatusBadRequest, "unsupported_grant_type", "Only client_credentials is supported.")
	case form.Get("client_assertion_type") != assertionType:
		return nil, oauthFault(http.StatusBadRequest, "invalid_request", "client_assertion_type must be "+assertionType+".")
	case form.Get("client_assertion") == "":
		return nil, oauthFault(http.StatusBadRequest, "invalid_request", "client_assertion is missing.")
	}
	source, token, lifetime, err := t.Issuer.Issue(r.Context(), form.Get("client_id"), form.Get("client_assertion"), note.RemoteAddr)
	note.SourceID, note.TokenLabel = source.ID, "wif"
	var bad *TokenError
	var many *TooManyTokens
	switch {
	case errors.As(err, &bad):
		return nil, oauthFault(http.StatusUnauthorized, "invalid_client", bad.Reason)
	case errors.As(err, &many):
		f := oauthFault(http.StatusTooManyRequests, "temporarily_unavailable", "This client has asked for too many tokens.")
		f.retryAfter = many.After
		return nil, f
	case err != nil:
		f := oauthFault(http.StatusServiceUnavailable, "temporarily_unavailable", "The assertion could not be checked just now. Send the request again.")
		f.retryAfter, f.cause = 5*time.Second, err
		return nil, f
	}
	note.Changed = "issued a token for " + lifetime.String()
	return json.Marshal(map[string]any{"access_token": token.Reveal(), "token_type": "Bearer", "expires_in": int(lifetime / time.Second)})
}

// tokenForm reads the form. Each parameter may be there once (RFC 6749 section 3.2).
func tokenForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return nil, oauthFault(http.StatusBadRequest, "invalid_request", "The body must be application/x-www-form-urlencoded.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		return nil, oauthFault(http.StatusBadRequest, "invalid_request", "The body cannot be read; it may have at most 64 KiB.")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, oauthFault(http.StatusBadRequest, "invalid_request", "The form is not encoded rightly.")
	}
	for name, values := range form {
		if len(values) > 1 {
			return nil, oauthFault(http.StatusBadRequest, "invalid_request", "The parameter "+quote(cut(name, 50))+" is there more than once.")
		}
	}
	return form, nil
}
