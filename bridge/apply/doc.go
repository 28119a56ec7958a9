// Package apply carries tasks out and settles what became of them.
//
// The journey of a task, for the holder of its hub's lane:
//
//	ready ──begin──▶ running     durable "about to", before the call
//	running ──call──▶ accepted   the platform said yes
//	                  running    nobody knows: only a read goes on from here
//	                  ready      it did not happen; again later, if that helps
//	                  held       it never will: the platform's reason, for a person
//	accepted ──read──▶ confirmed a later read shows it
//
// A process that dies at any instruction leaves a running task at worst; the
// next holder of the lane settles it by reading before it does anything else
// for that person. Nothing is repeated blindly, and no call is made inside a
// transaction.
package apply
