// Package bridge decides. It is the pure heart of adbridge: nouns and rules,
// no clock, no network, no database, no log.
//
// The journey of a decision:
//
//	directory × rules ──Wish─────▶ who ought to have which hub role
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
//
// Where to look. Files whose names end in _assets do for access to assets what
// the file without the ending does for members.
//
//	who ought to have a role           wish.go
//	who is on the hub                  observe.go, pair.go (which member is which person), mask.go
//	what of a hub a pull has to see    sift.go; rows.go (the listing, packed)
//	what ought to change               makeplan.go (the passes, in order), classify.go (the decision table)
//	what holds a change back           guards.go, verdict.go; hubwait.go (the hub as a whole)
//	what comes first                   order.go
//	what people said                   decision.go, decided.go (the decisions in force)
//	what is on its way already         underway.go
//	whether a change still is right    recheck.go, asked before each task
//	whether a change took effect       shows.go; unkept.go (the platform said yes and did not do it)
//	why is she here, why not           explain.go, and explain_answer.go for the sentence
//	what a code means                  codes.go declares, reasons.go explains
//	what a hub can be told             settings.go (the values), setting.go (the table of keys)
package bridge
