// Package apply carries tasks out and settles what became of them.
//
// The journey of a task, for the holder of its hub's lane:
//
//	ready ──begin──▶ running     durable "about to", before the call
//	running ──call──▶ accepted   the platform said yes
//	                  running    nobody knows: only a read goes on from here
//	                  ready      it did not happen; again later, if that helps
//	                  held       refused: the platform's reason, for a person, or until it is asked for again a day later
//	accepted ──read──▶ confirmed a later read shows it
//
// A process that dies at any instruction leaves a running task at worst; the
// next holder of the lane settles it by reading before it does anything else
// for that person. Nothing is repeated blindly, and no call is made inside a
// transaction.
//
// The worker (worker.go) chooses what is next, and looks once more at whether it is
// wanted, right before the call; after a failure turn.go says whose turn it is.
// outcome.go takes the platform's answer, record.go keeps what it made true,
// settle.go and word.go end what nobody knows. trail.go sees to it that no write
// leaves without a line in the audit trail; reinvite.go and assets.go are the
// changes that take more than one look or call.
package apply
