// Package connectors says what a platform must do for adbridge: list who is on
// a hub, find one person, invite, cancel, change a role, remove. Nothing here
// knows a platform; each lives in a folder of its own, and every one must pass
// connectortest.
//
// The journey of a call: bridge/apply or bridge/reconcile opens a Connector
// for a hub (Open, with its credentials and the platform app's budget), calls
// one method, and gets an answer or an *Error whose Kind says what to do next.
// Each HTTP exchange is reported through Config.OnCall, redacted, with the
// platform's own request id, so that it can be put on record.
//
// No method repeats a write. A write whose outcome is not known ends in
// KindUnknown, and the caller settles it by reading (Find).
package connectors
