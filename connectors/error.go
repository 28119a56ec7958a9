package connectors

import (
	"errors"
	"fmt"
	"time"

	"adbridge/bridge"
)

// Kind says what to do about an error.
type Kind string

// The kinds of error.
const (
	// KindTransient: nothing happened; the same call may succeed later.
	KindTransient Kind = "transient"
	// KindThrottled: nothing happened; not before RetryAfter, hub-wide unless OneAsset.
	KindThrottled Kind = "throttled"
	// KindQuota: the invitation quota is used up; no invitation before RetryAfter.
	KindQuota Kind = "quota"
	// KindUnknown: it may have happened; read before anything else.
	KindUnknown Kind = "unknown"
	// KindToken: the token is revoked, expired or wrong; the hub stops until a person connects it again.
	KindToken Kind = "token"
	// KindForbidden: the setup does not allow it (scope, role, app); a person must change it.
	KindForbidden Kind = "forbidden"
	// KindBlocked: the platform blocks all writes (policy); a person must clear it.
	KindBlocked Kind = "blocked"
	// KindHuman: the platform wants a human step (two-factor, approval).
	KindHuman Kind = "human"
	// KindTooEarly: not yet allowed (Meta's seven days); waiting, not failing.
	KindTooEarly Kind = "too-early"
	// KindRefused: this change will never succeed as it is.
	KindRefused Kind = "refused"
	// KindNotFound: what the call is about is not there, or not visible to us.
	KindNotFound Kind = "not-found"
	// KindExists: it is done already (invited, member).
	KindExists Kind = "exists"
	// KindLastAdmin: it would leave the hub without an admin.
	KindLastAdmin Kind = "last-admin"
	// KindCapacity: a cap on members or admins is reached.
	KindCapacity Kind = "capacity"
	// KindMalformed: the answer to a read made no sense; nothing can be concluded from it.
	KindMalformed Kind = "malformed"
)

// Error is a platform's no, or its silence, in words a person can act on.
type Error struct {
	Kind       Kind
	Platform   bridge.Platform
	Op         string
	Code       int
	SubCode    int
	Message    string // the platform's own words, redacted
	RequestID  string
	RetryAfter time.Duration
	OneAsset   bool        // of a throttle: the limit is that of the asset the call was about; all else may go on
	Unsent     bool        // a read before the change failed, and the change was not sent: the platform has not refused it
	Reason     bridge.Code // the reason code that rows and pages show
	Next       string      // what to do, for this very case; "" = the reason's own
	Err        error       // of the transport
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s %s: %s", e.Platform, e.Op, e.Kind)
	if e.Code != 0 {
		s += fmt.Sprintf(" (code %d", e.Code)
		if e.SubCode != 0 {
			s += fmt.Sprintf("/%d", e.SubCode)
		}
		s += ")"
	}
	switch {
	case e.Message != "":
		s += ": " + e.Message
	case e.Err != nil:
		s += ": " + e.Err.Error()
	}
	if e.RequestID != "" {
		s += " [request " + e.RequestID + "]"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of an error; "" for one that no connector made.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// ReasonOf is the reason code of an error: the connector's own, else that the
// platform could not be reached.
func ReasonOf(err error) bridge.Code {
	if e, ok := errors.AsType[*Error](err); ok && e.Reason != "" {
		return e.Reason
	}
	return bridge.PlatformUnreachable
}

// HaltFor is the halt of a hub that an error calls for; nil: the hub may go on.
func HaltFor(err error, now time.Time) *bridge.Halt {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return nil
	}
	halt := &bridge.Halt{Reason: ReasonOf(err), Note: e.Error(), By: "bridge", Since: now}
	switch e.Kind {
	case KindToken:
		halt.State = bridge.Disconnected
	case KindBlocked, KindHuman:
		halt.State = bridge.Quarantined // until a person resumes it
	default:
		return nil
	}
	return halt
}
