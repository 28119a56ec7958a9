package meta

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
)

const (
	// maxLogs is how many ad accounts' histories one reading takes where no rule
	// names any: a reading a day, so that their calls stay few.
	maxLogs = 50
	// So many in a row that may not be read, and none that was: it is the token,
	// not the ad accounts.
	enoughForbidden = 10
	adLog           = "ad_account" // the kind of asset that has a history
)

// platformLog is what Meta lets be read: histories of ad accounts. The log of a
// portfolio itself (Business, businesssettinglogs) was withdrawn in May 2019
// and has not come back (SPEC); its pages have no API.
var platformLog = bridge.PlatformLog{
	Holds: "who was given or lost access to an ad account, and other changes of the ad account itself; Meta shows no log of who is on the portfolio",
	Scope: "ads_read or ads_management",
}

// logScopes: any of them opens the history of an ad account.
var logScopes = []string{"ads_management", "ads_read"}

var (
	opLog  = op{"GET activities", http.MethodGet, 0}
	opLogs = op{"GET owned_ad_accounts", http.MethodGet, toBusiness}
)

const activityFields = "actor_id,actor_name,event_type,event_time,extra_data,object_id,object_name,translated_event_type"

// activity is a line of an ad account's history (SPEC: AdActivity). It has no
// id, and how extra_data reads is documented for no event.
type activity struct {
	ActorID    words  `json:"actor_id"`
	ActorName  string `json:"actor_name"`
	Type       string `json:"event_type"`
	Time       stamp  `json:"event_time"`
	Data       words  `json:"extra_data"` // JSON in text
	ObjectID   words  `json:"object_id"`
	ObjectName string `json:"object_name"`
	Translated string `json:"translated_event_type"` // the type in the language of the token's account
}

func (a activity) key() string {
	if a.Time.IsZero() {
		return ""
	}
	return a.Type
}

// charged says that the line is about money that moved by itself.
func (a activity) charged() bool {
	return strings.HasPrefix(a.Type, "ad_account_billing_") || a.Type == "billing_event"
}

func (a activity) change(account bridge.Asset) bridge.PlatformChange {
	text := cmp.Or(a.Translated, strings.ReplaceAll(a.Type, "_", " "))
	if a.ObjectName != "" {
		text += ", " + a.ObjectName
	}
	if a.Data != "" {
		text += ": " + string(a.Data)
	}
	return bridge.PlatformChange{At: a.Time.Time, Kind: a.Type, ActorID: string(a.ActorID), ActorName: a.ActorName, Text: text,
		Asset: account, Key: string(a.ObjectID) + " " + string(a.Data)}
}

// words are text, or whatever JSON stands in its place: no line is lost because
// Meta writes a detail of it another way.
type words string

func (w *words) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		s = string(b)
	}
	*w = words(s)
	return nil
}

// owned is an ad account as a listing shows it.
type owned struct {
	Account ident `json:"account_id"`
}

func (o owned) key() string { return string(o.Account) }

// Changes implements connectors.ChangeLog: the histories of the ad accounts
// among assets, else of those that the portfolio owns, the first 50 of them.
func (c *Connector) Changes(ctx context.Context, since time.Time, assets []bridge.Asset) iter.Seq2[bridge.PlatformChange, error] {
	return func(yield func(bridge.PlatformChange, error) bool) {
		accounts, err := c.logged(ctx, assets)
		if err != nil {
			yield(bridge.PlatformChange{}, unread(err))
			return
		}
		until, read := c.now(), false
		var forbidden []refusedLog // as long as none was read
		for _, id := range accounts {
			account := bridge.Asset{Kind: adLog, ID: id}
			err := c.history(ctx, account, since, until, func(change bridge.PlatformChange) bool { return yield(change, nil) })
			kind := connectors.KindOf(err)
			switch {
			case errors.Is(err, errEnough):
				return
			case err == nil:
				read = true
				for _, f := range forbidden {
					if !yield(bridge.PlatformChange{Asset: f.account}, f.err) {
						return
					}
				}
				forbidden = nil
			case kind == connectors.KindForbidden && !read:
				// The token may read none, or was not given this one: the next tell.
				if forbidden = append(forbidden, refusedLog{account, err}); len(forbidden) == enoughForbidden {
					yield(bridge.PlatformChange{}, unread(forbidden[0].err))
					return
				}
			case kind == connectors.KindNotFound, kind == connectors.KindRefused, kind == connectors.KindForbidden:
				// This account is not ours to see; another is.
				if !yield(bridge.PlatformChange{Asset: account}, err) {
					return
				}
			default:
				yield(bridge.PlatformChange{}, unread(err))
				return
			}
		}
		if len(forbidden) > 0 {
			yield(bridge.PlatformChange{}, unread(forbidden[0].err))
		}
	}
}

// refusedLog is an ad account whose history we may not read.
type refusedLog struct {
	account bridge.Asset
	err     error
}

// errEnough says that the caller has read enough.
var errEnough = errors.New("enough")

// logged are the ids of the ad accounts whose history is read.
func (c *Connector) logged(ctx context.Context, assets []bridge.Asset) ([]string, error) {
	var ids []string
	for _, a := range assets {
		if id := strings.TrimPrefix(a.ID, "act_"); a.Kind == adLog && isID(id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		return ids, nil
	}
	for o, err := range listing[owned](ctx, c, opLogs, "/"+c.business+"/owned_ad_accounts", url.Values{"fields": {"account_id"}}, nil) {
		if err != nil {
			return nil, err
		}
		if ids = append(ids, string(o.Account)); len(ids) == maxLogs {
			break
		}
	}
	return ids, nil
}

// history reads one ad account's history, newest first as Meta gives it. Only
// category ACCOUNT: the rest is about ads. That access is in it is inferred from
// the names of its events.
func (c *Connector) history(ctx context.Context, account bridge.Asset, since, until time.Time, take func(bridge.PlatformChange) bool) error {
	query := url.Values{"fields": {activityFields}, "category": {"ACCOUNT"},
		"since": {strconv.FormatInt(since.Unix(), 10)}, "until": {strconv.FormatInt(until.Unix()+1, 10)}}
	seen := map[string]bool{}
	for a, err := range listing[activity](ctx, c, opLog, "/act_"+account.ID+"/activities", query, nil) {
		if err != nil {
			return err
		}
		change := a.change(account)
		if hash := change.Hash(); a.charged() || seen[hash] {
			continue
		} else {
			seen[hash] = true
		}
		if !take(change) {
			return errEnough
		}
	}
	return nil
}

// unread gives the refusal of the log its own reason: nothing else is lost by it.
func unread(err error) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Kind == connectors.KindForbidden {
		e.Reason, e.Next = bridge.PlatformLogUnread, logNext
	}
	return err
}

const logNext = "Make a new token of the system user that also has ads_read or ads_management, give the system user the ad accounts, and connect the hub with the token."

// log says whether the token may read histories.
func (k *check) log(granted []string) {
	for _, s := range logScopes {
		if slices.Contains(granted, s) {
			k.OK(needScopeLog, "%s is granted", s)
			return
		}
	}
	k.missing(needScopeLog, "the token has neither %s", strings.Join(logScopes, " nor "))
}
