package bridge

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// hashOf sums up what the plan does. Times are left out: two plans with one
// hash do the same.
func hashOf(hub Hub, plan Plan) string {
	s := summer{to: sha256.New()}
	s.text(hub.ID, string(hub.Mode), string(hub.State()))
	s.number(len(plan.Rows))
	for i := range plan.Rows {
		s.row(&plan.Rows[i])
	}
	for _, a := range plan.Alarms {
		s.text(string(a.Reason))
	}
	return s.sum()
}

// row takes every field of a row but Until, Since and Attempt.
func (s *summer) row(r *Row) {
	s.text(r.Key, r.PersonID, r.MemberID, r.PlatformID, r.InvitationID, r.Name, r.Email, string(r.Situation), string(r.Standing),
		string(r.Desired), string(r.Observed), string(r.Presence), string(r.Ownership), string(r.Applied),
		string(r.Action), string(r.From), string(r.To), string(r.Verdict), string(r.Reason), r.Detail,
		string(r.Cause), r.Evidence, r.Decision, r.TaskID)
	s.number(r.Order)
	s.why(r.Why)
	s.number(len(r.Also))
	s.text(r.Also...)
	s.assets(r.Assets)
	if len(s.buf) > 16<<10 {
		s.flush()
	}
}

// assets takes every field of the steps but Until and Since. A row without any
// sums up as it did before there were assets.
func (s *summer) assets(steps []AssetStep) {
	if len(steps) == 0 {
		return
	}
	s.number(-len(steps)) // no length of a text
	for _, a := range steps {
		s.text(a.Key, a.Kind, a.ID, string(a.Action), string(a.Verdict), string(a.Reason), a.Detail, string(a.Cause), a.Decision, a.TaskID)
		for _, roles := range [][]string{a.Desired, a.Observed, a.Applied, a.To} {
			s.number(len(roles))
			s.text(roles...)
		}
		s.number(a.Order)
		s.why(a.Why)
	}
}

func (s *summer) why(why []Provenance) {
	s.number(len(why))
	for _, w := range why {
		s.text(w.RuleID, w.GroupID, w.GroupName, string(w.Role), w.Grant)
	}
}

// summer writes texts with their lengths before them, so that no two lists of
// texts look the same.
type summer struct {
	to  hash.Hash
	buf []byte
}

func (s *summer) text(list ...string) {
	for _, t := range list {
		s.number(len(t))
		s.buf = append(s.buf, t...)
	}
}

func (s *summer) number(n int) { s.buf = binary.AppendVarint(s.buf, int64(n)) }

func (s *summer) flush() {
	_, _ = s.to.Write(s.buf) // a hash never fails
	s.buf = s.buf[:0]
}

func (s *summer) sum() string {
	s.flush()
	return hex.EncodeToString(s.to.Sum(nil))
}
