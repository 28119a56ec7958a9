package metasim

import (
	"strings"
	"testing"
	"time"
)

func TestUsageHeadersComeOnceUsageIsNotable(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Limits = Limits{CallsPerHour: 10, NoticePercent: 50} })
	for i := 1; i <= 10; i++ {
		h := b.call("GET", "/me").ok().header.Get("X-App-Usage")
		if (h != "") != (i >= 5) {
			t.Errorf("call %d: header %q", i, h)
		}
	}
	b.call("GET", "/me").fails(4, 0)
	b.as("").call("GET", "/oauth/access_token", "grant_type=client_credentials", "client_id="+appID, "client_secret=s3cret").ok()
	b.SetLimits(Limits{CallsPerHour: -1})
	if h := b.call("GET", "/me").ok().header.Get("X-App-Usage"); h != "" {
		t.Errorf("without a limit: %q", h)
	}
}

func TestAdAccountScoreBlocksForFiveMinutesAndTellsSeconds(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Limits.AdAccountScore = 4 })
	b.call("GET", "/act_600000000000001").ok()
	b.call("POST", "/act_600000000000001/assigned_users", "user="+worker, `tasks=["ANALYZE"]`).ok() // 1 + 3
	r := b.call("GET", "/act_600000000000001").fails(17, 2446079)
	if h := r.header.Get("X-Ad-Account-Usage"); !strings.Contains(h, `"reset_time_duration":300`) || !strings.Contains(h, `"acc_id_util_pct":100`) {
		t.Error(h)
	}
	b.call("GET", "/act_600000000000011").ok() // another account
	b.call("GET", "/me").ok()
	b.clock.add(299 * time.Second)
	b.call("GET", "/act_600000000000001").fails(17, 2446079)
	b.clock.add(time.Second)
	b.call("GET", "/act_600000000000001").ok()
}

func TestEachBusinessHasItsOwnInviteQuota(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.World.Apps[0].ClaimedBy = append(o.World.Apps[0].ClaimedBy, "200000000000002")
		o.Limits.InvitesPerDay = 1
	})
	b.invite("ada@corp.example").fails(100, 0) // refused ones cost nothing
	b.invite("a@x.example").ok()
	b.invite("b@x.example").fails(17, 0)
	b.as("EAAagency").call("POST", "/200000000000002/business_users", "email=b@x.example").ok()
}
