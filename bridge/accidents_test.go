package bridge

import (
	"os"
	"testing"
)

// TestEveryPublicAccidentIsANamedPlan keeps the list of mishaps that tools of
// this kind became known for: each has a file that shows what happens here.
func TestEveryPublicAccidentIsANamedPlan(t *testing.T) {
	for accident, file := range map[string]string{
		"mass removal by a filter mistake at the identity provider": "accident-filter-mistake",
		"mass removal by an empty group sync":                       "accident-empty-group-sync",
		"mass removal by deleting a group":                          "accident-deleted-group",
		"mass removal by a moved group":                             "accident-moved-group",
		"mass removal by a drip of small cycles":                    "accident-drip",
		"an expired invitation counted as access":                   "accident-expired-invitation-is-no-access",
		"a pending invitation left alive after removal":             "accident-pending-after-removal",
		"endless invitations":                                       "accident-endless-invitations",
		"a member added again outside under a new id":               "accident-readded-under-new-id",
		"an observation that lost half its pages":                   "accident-half-the-pages",
		"an observation short of the platform's own total":          "accident-short-of-total",
		"a rule that loses an asset by mistake":                     "accident-rule-loses-asset",
		"the last admin leaving":                                    "accident-last-admin-leaves",
	} {
		if _, err := os.Stat("../testdata/plans/" + file + ".txtar"); err != nil {
			t.Errorf("%s: %v", accident, err)
		}
	}
}
