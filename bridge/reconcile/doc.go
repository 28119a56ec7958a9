// Package reconcile notes what changed, plans the hub, and leaves tasks.
//
// Its journeys, each one transaction a step:
//
//	SCIM      Directory   change the people and groups, write the audit event,
//	                      mark dirty every hub that a rule ties to them
//	decision  Decide      an admin's word: decision, member, event, dirty hub
//	plan      Planner     snapshot → bridge.MakePlan → tasks, held rows, events;
//	                      made again when the hub moved meanwhile
//	pull      Puller      list the hub → bridge.Observe → members, invitations,
//	                      accepted tasks confirmed, events, dirty hub → report
//	log       Importer    read what the platform itself logged of who changed
//	                      what → lines, events; nothing follows from it
//
// No platform is called inside a transaction, and nothing is planned from an
// event: a plan always starts from the whole desired state.
package reconcile
