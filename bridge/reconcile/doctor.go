package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

const (
	doctorRequests = 1000               // the latest requests that are read
	doctorFailures = 500                // and the latest that failed
	doctorSince    = 7 * 24 * time.Hour // what is older has been mended, or nobody minds
	doctorSettled  = 45 * time.Minute   // after a cycle of Entra nothing is on its way any more
)

// Doctor reads what there is to know of a source and says what is done, what is
// wrong, and how to mend it.
func Doctor(ctx context.Context, tx *storage.Tx, nameOrID string) (bridge.Diagnosis, error) {
	f := bridge.SourceFacts{Now: tx.Now()}
	var err error
	if f.Source, err = tx.Source(ctx, nameOrID); err != nil {
		return bridge.Diagnosis{}, fmt.Errorf("source %q: %w", nameOrID, err)
	}
	id, since := f.Source.ID, tx.Now().Add(-doctorSince)
	if f.LastGap, err = tx.LastGap(ctx, id); err != nil {
		return bridge.Diagnosis{}, err
	}
	if f.Firsts, err = tx.Firsts(ctx, id); err != nil {
		return bridge.Diagnosis{}, err
	}
	if f.Directory, err = tx.DirectoryFacts(ctx, id, tx.Now().Add(-doctorSettled)); err != nil {
		return bridge.Diagnosis{}, err
	}
	if f.Refusals, err = tx.Refusals(ctx, id, since); err != nil {
		return bridge.Diagnosis{}, err
	}
	tokens, err := tx.Tokens(ctx, id)
	if err != nil {
		return bridge.Diagnosis{}, err
	}
	f.TokenName, f.TokenEnds = tokenInUse(tokens, tx.Now())
	if f.Traffic, err = traffic(ctx, tx, id, since); err != nil {
		return bridge.Diagnosis{}, err
	}
	return bridge.Diagnose(f), nil
}

// tokenInUse is the token that was used last, and when it ends. Those that the
// token endpoint issues end by themselves.
func tokenInUse(tokens []storage.Token, now time.Time) (label string, ends time.Time) {
	var last time.Time
	for _, t := range tokens {
		if !t.Issued && !strings.HasPrefix(t.Label, bridge.TrialLabel) && t.Holds(now) && t.LastUsedAt.After(last) {
			label, ends, last = t.Label, t.ExpiresAt, t.LastUsedAt
		}
	}
	return label, ends
}

// traffic looks at the latest requests, and at those that failed.
func traffic(ctx context.Context, tx *storage.Tx, sourceID string, since time.Time) (bridge.TrafficFacts, error) {
	var f bridge.TrafficFacts
	latest, err := tx.Exchanges(ctx, storage.ExchangeFilter{SourceID: sourceID, Since: since, Limit: doctorRequests})
	if err != nil {
		return f, err
	}
	f.Requests = len(latest)
	for _, e := range latest {
		if e.Status < 300 && !strings.HasPrefix(e.TokenLabel, bridge.TrialLabel) {
			look(&f, e)
		}
	}
	failed, err := tx.FailedExchanges(ctx, sourceID, since, doctorFailures)
	if err != nil {
		return f, err
	}
	for _, e := range failed {
		if strings.HasPrefix(e.TokenLabel, bridge.TrialLabel) {
			continue
		}
		if err := lookFailed(ctx, tx, &f, e); err != nil {
			return f, err
		}
	}
	return f, nil
}

var (
	// textBoolean is "True" where active or primary has a value.
	textBoolean = regexp.MustCompile(`(?i)"(?:active|primary)"\s*:\s*"(?:true|false)"|"path"\s*:\s*"active"\s*,\s*"value"\s*:\s*"(?:true|false)"|"value"\s*:\s*"(?:true|false)"\s*,\s*"path"\s*:\s*"active"`)
	hasActive   = regexp.MustCompile(`(?i)"(?:[^"]*:)?active"\s*:`)
	userName    = regexp.MustCompile(`(?i)"userName"\s*:\s*("(?:[^"\\]|\\.)*")`)
)

// look reads a request that did what it should.
func look(f *bridge.TrafficFacts, e bridge.Exchange) {
	path, _, _ := strings.Cut(e.Target, "?")
	whole := !strings.HasSuffix(e.Body, "…") // the log cuts long bodies
	if e.Method == "POST" && path == "/Users" && e.Body != "" {
		f.Creates++
		if whole && !hasActive.MatchString(e.Body) {
			f.NoActive.Add(nameIn(e.Body), e.At)
		}
	}
	if e.Method == "POST" || e.Method == "PUT" || e.Method == "PATCH" {
		if m := textBoolean.FindString(e.Body); m != "" {
			f.StringBooleans.Add(m, e.At)
		}
	}
}

// resource is what a path below the base URL may begin with.
var resource = regexp.MustCompile(`^/(Users|Groups)(/|$)`)

// lookFailed reads a request that was refused or not served.
func lookFailed(ctx context.Context, tx *storage.Tx, f *bridge.TrafficFacts, e bridge.Exchange) error {
	path, _, _ := strings.Cut(e.Target, "?")
	what := e.Method + " " + upTo(path, 100)
	switch {
	case e.Status == 401 || e.Status == 403 && e.Method != "GET": // told by the refusals; a read-only token is on purpose
	case e.Status == 429:
		f.Throttled.Add("", e.At)
	case e.Status >= 500:
		if e.Status != 501 {
			f.Faults.Add(fmt.Sprintf("%s (%d): %s", what, e.Status, upTo(e.Detail, 200)), e.At)
		}
	case e.Status == 404 && wrongPath(path), e.Status == 405:
		f.WrongPaths.Add(what, e.At)
	case e.Status == 404, e.Status == 412: // Entra and Okta look for what was deleted; preconditions are meant to fail
	case e.Status == 409 && path == "/Users":
		name := nameIn(e.Body)
		there, err := tx.UserNamed(ctx, e.SourceID, name)
		if err == nil && name != "" && there != "" && there != name {
			f.LetterCase.Add(fmt.Sprintf("%s is %s here", strconv.Quote(name), strconv.Quote(there)), e.At)
			return nil
		}
		f.Refused.Add(refusedText(what, e), e.At)
		return err
	default:
		f.Refused.Add(refusedText(what, e), e.At)
	}
	return nil
}

func refusedText(what string, e bridge.Exchange) string {
	return fmt.Sprintf("%s (%d): %s", what, e.Status, upTo(e.Detail, 200))
}

// wrongPath says whether a path is none of ours, rather than of a resource
// that is gone: /Users/Users comes of a base URL that ends in /Users.
func wrongPath(path string) bool {
	rest := resource.ReplaceAllString(path, "")
	return rest == path || rest == "Users" || rest == "Groups" || strings.Contains(rest, "/")
}

// nameIn is the userName in a body that may have been cut.
func nameIn(body string) string {
	m := userName.FindStringSubmatch(body)
	var name string
	if m != nil {
		_ = json.Unmarshal([]byte(m[1]), &name)
	}
	return name
}
