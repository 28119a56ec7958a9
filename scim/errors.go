package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	scimerrors "github.com/elimity-com/scim/errors"

	"adbridge/bridge"
)

// fault is an answer that is not a success: a SCIM error body, and the headers
// that go with its status. Its detail is what an IdP's admin gets to see, so it
// names the attribute and says what to do.
type fault struct {
	scimerrors.ScimError
	retryAfter time.Duration
	allow      string
	challenge  string
	encoding   string // Accept-Encoding
	cause      error  // logged, never shown
}

func (f *fault) Unwrap() error { return f.cause }

// body is the error as JSON.
func (f *fault) body() []byte {
	b, err := json.Marshal(f.ScimError)
	if err != nil { // three strings
		panic(err)
	}
	return b
}

func newFault(status int, scimType scimerrors.ScimType, format string, args ...any) *fault {
	return &fault{ScimError: scimerrors.ScimError{Status: status, ScimType: scimType, Detail: fmt.Sprintf(format, args...)}}
}

// The scimTypes of RFC 9865 that the library does not know.
const (
	scimTypeInvalidCursor scimerrors.ScimType = "invalidCursor"
	scimTypeExpiredCursor scimerrors.ScimType = "expiredCursor"
	scimTypeInvalidCount  scimerrors.ScimType = "invalidCount"
)

func badSyntax(format string, args ...any) *fault {
	return newFault(http.StatusBadRequest, scimerrors.ScimTypeInvalidSyntax, format, args...)
}

func badValue(format string, args ...any) *fault {
	return newFault(http.StatusBadRequest, scimerrors.ScimTypeInvalidValue, format, args...)
}

func badPath(format string, args ...any) *fault {
	return newFault(http.StatusBadRequest, scimerrors.ScimTypeInvalidPath, format, args...)
}

func badFilter(format string, args ...any) *fault {
	return newFault(http.StatusBadRequest, scimerrors.ScimTypeInvalidFilter, format, args...)
}

func notMutable(format string, args ...any) *fault {
	return newFault(http.StatusBadRequest, scimerrors.ScimTypeMutability, format, args...)
}

func noTarget(format string, args ...any) *fault {
	return newFault(http.StatusBadRequest, scimerrors.ScimTypeNoTarget, format, args...)
}

func notFound(k *kind, id string) *fault {
	return newFault(http.StatusNotFound, "", "There is no %s with id %q in this source. It may have been deleted, or belong to another source; look it up again by a filter.", k.name, cut(id, 100))
}

// translate makes a fault of an error of the directory. kind and id say what
// was asked for; the caller has dealt with bridge.ErrExists.
func translate(err error, k *kind, id string) *fault {
	var f *fault
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, bridge.ErrNotFound):
		return notFound(k, id)
	case errors.Is(err, bridge.ErrExists):
		return newFault(http.StatusConflict, scimerrors.ScimTypeUniqueness, "A %s with one of these unique attributes exists already in this source: %s. Look it up and update it instead.", k.name, k.unique)
	case errors.Is(err, bridge.ErrValue): // these two carry what is at fault
		return badValue("%s.", cut(err.Error(), 500))
	case errors.Is(err, bridge.ErrFilter):
		return badFilter("%s.", cut(err.Error(), 500))
	case errors.Is(err, bridge.ErrCycle):
		return badValue("members: a group cannot contain itself, directly or through other groups. Remove the nested group that leads back to this one.")
	}
	return &fault{
		ScimError: scimerrors.ScimError{Status: http.StatusInternalServerError, Detail: "The request could not be carried out because of a fault of the server. Nothing was changed; the operator finds the cause in the server's log under the request id of this answer."},
		cause:     err,
	}
}

// conflict is translate for writes with a precondition.
func (q *request) conflict(err error, k *kind, id string, asked bool) *fault {
	if !errors.Is(err, bridge.ErrConflict) {
		return translate(err, k, id)
	}
	if asked {
		return newFault(http.StatusPreconditionFailed, "", "The %s has changed since the version named in If-Match. Read it again and repeat the change.", k.name)
	}
	return &fault{
		ScimError:  scimerrors.ScimError{Status: http.StatusServiceUnavailable, Detail: fmt.Sprintf("The %s was being changed by another request. Nothing was changed; send the request again.", k.name)},
		retryAfter: time.Second, cause: err,
	}
}

// cut shortens what a client sent before it is shown back.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
