// Package bridge decides. It is the pure heart of adbridge: nouns and rules,
// no clock, no network, no database, no log.
//
// The journey of a decision:
//
//	directory × rules ──Desired──▶ who ought to have which hub role
//	listing of a hub ──Observe──▶ who has it, and who each member is (Pair)
//	both + what we last applied ──MakePlan──▶ one Row a person: situation, action,
//	                                          verdict of the guards, reason code,
//	                                          and a step for each of their assets
//	rows ──MakeReport──▶ counts that add up          rows ──Explain──▶ one answer to "why?"
//
// A World is everything a decision may look at, read in one consistent
// snapshot; the same World always gives the same Plan, in the same order.
// Nothing here performs a change: bridge/reconcile leaves tasks, bridge/apply
// carries them out.
package bridge
