// Package audit is the record that an auditor can check without us: what an
// event is, how it is sealed, how it is written down, and how a file proves
// itself. It is pure: no clock, no disk, no network.
//
// The journey of an event:
//
//	change ──Event──▶ stored in the transaction of what it records
//	        ──Seal──▶ numbered and chained, just behind, by one sealer
//	        ──Checkpoint──▶ now and then the end of the chain is signed
//	        ──WriteJSONL, WriteCSV──▶ a file with one event a line and a signed trailer
//	        ──Verify──▶ the first line that was edited, deleted, inserted, moved or cut off
//
// # Canonical encoding
//
// The hash of an event is the lower-case hexadecimal SHA-256 of its canonical
// encoding: one JSON object (RFC 8259), UTF-8, without white space, with the
// members seq, id, at, actor, action, source, hub, person, group, member,
// task, pull, subject, correlation, detail, prev in this order, all always
// present. at is RFC 3339 in UTC with exactly six decimals. detail is an
// object whose member names are sorted by their bytes at every level; numbers
// keep their digits; strings are escaped as Go's encoding/json does without
// HTML escaping. prev is the hash of the event before (of the first event:
// empty), so that no line can change without all that follow.
package audit
