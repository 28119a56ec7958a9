package bridge

import (
	"slices"
	"time"
)

// Verdict is what becomes of a row's action.
type Verdict string

// The verdicts.
const (
	Do          Verdict = "do"           // leave a task
	Would       Verdict = "would"        // the mode or a halt forbids it; shown only
	Held        Verdict = "held"         // a guard wants an approval
	Waiting     Verdict = "waiting"      // until a time: settle window, back-off
	NeedsPerson Verdict = "needs-person" // nothing we may do will help
	Suppressed  Verdict = "suppressed"   // filtered out on purpose, and said so
	Fine        Verdict = "fine"         // nothing to do
)

// Verdicts are all of them, what is most pressing first.
var Verdicts = []Verdict{NeedsPerson, Held, Do, Waiting, Would, Suppressed, Fine}

// Pressing is what becomes of a row: where its role is in order, the most
// pressing of what becomes of its assets.
func (r Row) Pressing() Verdict {
	if r.Verdict != Fine {
		return r.Verdict
	}
	for _, v := range Verdicts {
		if slices.ContainsFunc(r.Assets, func(s AssetStep) bool { return s.Verdict == v }) {
			return v
		}
	}
	return r.Verdict
}

// judged is what the guards read of a row and of a step of its assets alike.
type judged struct {
	verdict Verdict
	reason  Code
	task    string // the task that has the change in hand
}

func (it *item) judged() judged { return judged{it.Verdict, it.Reason, it.TaskID} }
func (s *step) judged() judged  { return judged{s.Verdict, s.Reason, s.TaskID} }

// ripe says that only the guards stand between the change and its task. A task
// that waits for the platform is as ripe as one that is ready.
func (j judged) ripe() bool {
	return j.verdict == Do || j.verdict == Waiting && j.task != "" && !j.inHand()
}

// owed says that the change would come to be done if nobody stopped it.
func (j judged) owed() bool { return j.ripe() || j.verdict == Waiting && j.reason == WaitSettle }

// inHand says that the change is being carried out.
func (j judged) inHand() bool {
	return j.verdict == Waiting && (j.reason == TaskUnderWay || j.reason == TaskUnconfirmed || j.reason == TaskAnswerLost)
}

// concerned says that the change counts among those that one cause concerns:
// what is owed or held, what somebody rejected, and what is in hand or failed.
func (j judged) concerned() bool {
	return j.owed() || j.verdict == Held || j.inHand() || j.verdict == Suppressed && j.reason == DecisionRejected ||
		j.verdict == NeedsPerson && j.task != ""
}

func (it *item) ripe() bool      { return it.judged().ripe() }
func (it *item) owed() bool      { return it.judged().owed() }
func (it *item) inHand() bool    { return it.judged().inHand() }
func (it *item) concerned() bool { return it.judged().concerned() }

func (s *step) ripe() bool      { return s.judged().ripe() }
func (s *step) owed() bool      { return s.judged().owed() }
func (s *step) concerned() bool { return s.judged().concerned() }

// is gives the row a verdict.
func (it *item) is(v Verdict, reason Code, detail string) {
	it.Verdict, it.Reason, it.Detail = v, reason, detail
}

// is gives the step a verdict.
func (s *step) is(v Verdict, reason Code, detail string) {
	s.Verdict, s.Reason, s.Detail = v, reason, detail
}

// stop takes the row out of the way to its task: no time and no task of its own
// will bring it on, only what lifts the verdict.
func (it *item) stop(v Verdict, reason Code, detail string) {
	it.is(v, reason, detail)
	it.Until, it.TaskID = time.Time{}, ""
}

// stop takes the step out of the way to its task, as with rows.
func (s *step) stop(v Verdict, reason Code, detail string) {
	s.is(v, reason, detail)
	s.Until, s.TaskID = time.Time{}, ""
}
