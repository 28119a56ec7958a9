// Package rest makes one HTTP exchange with a platform and says honestly what
// came of it.
//
// The journey of an exchange: Client.Do takes a call out of the budget, sends
// the request to the platform's host and to no other, follows no redirect,
// reads a bounded answer, lets the platform's Decode judge it, and reports it
// (redacted, with the platform's request id) through Config.OnCall. Then it
// returns the answer or a *connectors.Error.
//
// The one distinction that everything else hangs on: a write that may have
// reached the platform and has no readable answer ends in KindUnknown and is
// never sent again from here; one that cannot have left this machine is
// KindTransient. Reads may be repeated a few times, for they change nothing.
//
// A client of a read-only connection (Config.ReadOnly) refuses here, below all
// code that knows what it is doing, every request that could change anything.
package rest
