package bridge

import (
	"testing"
	"time"
)

func TestAHaltSaysWhoEndsIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		halt Halt
		want Code
	}{
		{Halt{State: Quarantined, Reason: PlatformUnreachable, Until: time.Unix(1, 0)}, HubQuarantined},
		{Halt{State: Quarantined, Reason: PlatformBlocked}, PlatformBlocked},
		{Halt{State: Quarantined, Reason: PlatformHumanStep}, PlatformHumanStep},
		{Halt{State: Disconnected, Reason: PlatformTokenRevoked}, HubDisconnected},
		{Halt{State: Paused}, HubPaused},
	} {
		if got := haltCode(c.halt); got != c.want {
			t.Errorf("halted as %s for %q: the rows say %s, want %s", c.halt.State, c.halt.Reason, got, c.want)
		}
	}
}
