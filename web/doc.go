// Package web is where people look: the pages behind the sign-in link, made on
// the server, read-only.
//
// The journey of a request:
//
//	request ──session──▶ who looks; without one, off to /sign-in
//	        ──show──▶ a page's function reads one snapshot of the database and
//	                  fills the page's struct
//	        ──render──▶ the whole page into a buffer, and only then a status
//
// A page is one file: its struct, the function that fills it, and a template
// of the same name. What a page says about a reason comes from bridge.ReasonOf,
// about an action of the audit trail from audit.MeaningOf; a page never explains
// a code in words of its own.
//
// Nothing here needs a script, and the Content-Security-Policy allows none.
// Downloads are streamed; one that fails is broken off, so that nobody takes
// half a file for the whole.
package web
