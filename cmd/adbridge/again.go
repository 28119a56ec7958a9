package main

import (
	"fmt"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
)

// byHand is what to do next where a command asked a platform and got what tasks
// and daily readings meet as well: those are done again by themselves, a command
// is not.
var byHand = map[bridge.Code]string{
	bridge.PlatformUnreachable:    "see whether the platform is up and can be reached from this machine, then run the command again",
	bridge.PlatformThrottled:      "run the command again in a while",
	bridge.PlatformInviteQuota:    "run the command again when the quota is free",
	bridge.PlatformTooEarly:       "run the command again when the platform allows it",
	bridge.PlatformMalformed:      "run the command again; report it if it lasts",
	bridge.PlatformUnknownOutcome: "look at the platform whether it happened before you run the command again",
	bridge.PlatformNotFound:       "check the id on the platform, then run the command again",
	bridge.PlatformExists:         "nothing; look at it on the platform if that is a surprise",
	bridge.PlatformForbidden:      "check the role of the connected account and the app's access, then run the command again",
	bridge.PlatformRefused:        "read the platform's words, correct what they name, then run the command again",
	bridge.PlatformUnexpected:     "read the platform's words, then run the command again; report it if it lasts",
}

// nextByHand is the next step after an error of a platform in a command.
func nextByHand(e *connectors.Error) string {
	code := connectors.ReasonOf(e)
	next, ok := byHand[code]
	switch {
	case code == bridge.PlatformThrottled && e.RetryAfter > 0:
		return fmt.Sprintf("run the command again in %s", e.RetryAfter.Round(time.Second))
	case ok && (e.Next == "" || again(e.Kind)):
		return next
	case e.Next != "":
		return e.Next
	}
	return bridge.ReasonOf(code).Next
}

// again says that a task would be tried again after such an error; what the
// connector says of that is not for who runs a command.
func again(kind connectors.Kind) bool {
	switch kind {
	case connectors.KindTransient, connectors.KindThrottled, connectors.KindQuota, connectors.KindTooEarly, connectors.KindMalformed, connectors.KindUnknown:
		return true
	}
	return false
}

// nextOf is nextByHand where only the reason is known.
func nextOf(code bridge.Code) string {
	if next, ok := byHand[code]; ok {
		return next
	}
	return bridge.ReasonOf(code).Next
}
