package storagetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() {
	register("sources/admission", testAdmission)
	register("sources/visits", testVisits)
	register("tokens/issued", testIssuedTokens)
	register("doctor/refusals", testRefusals)
	register("doctor/firsts", testFirsts)
	register("doctor/directory", testDirectoryFacts)
}

func testAdmission(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	okta, entra := Source(t, db, "okta"), Source(t, db, "entra")
	full := bridge.Admission{IPAllow: []string{"192.0.2.0/24"}, JWT: bridge.Trust{Issuer: "https://idp.example", Audience: "a", Subject: "s"},
		WIF: bridge.Trust{Issuer: "https://wif.example", Audience: "b", Subject: "t", ClientID: "c"}}
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		want(t, tx.SetAdmission(ctx, "nobody", full), bridge.ErrNotFound, "nobody")
		return errors.Join(tx.SetAdmission(ctx, entra.ID, full), tx.SetAdmission(ctx, okta.ID, bridge.Admission{IPAllow: full.IPAllow}))
	})
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		got, err := tx.Admission(ctx, entra.ID)
		same(t, "admission", got, full)
		trusting, err2 := tx.Trusting(ctx)
		same(t, "who trusts an issuer", trusting, []storage.Guarded{{Source: entra, Admission: full}})
		_, missing := tx.Admission(ctx, "nobody")
		want(t, missing, bridge.ErrNotFound, "nobody")
		return errors.Join(err, err2)
	})
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		return tx.SetAdmission(ctx, entra.ID, bridge.Admission{})
	})
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		trusting, err := tx.Trusting(ctx)
		same(t, "who trusts an issuer", trusting, []storage.Guarded{})
		return err
	})
}

// testVisits: what counts is how long a source was quiet, not how long it talked.
func testVisits(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	gap := func(minutes int, want time.Duration) {
		t.Helper()
		Write(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.TouchSource(ctx, src.ID, moment(minutes)) })
		Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			got, err := tx.LastGap(ctx, src.ID)
			if got != want {
				t.Errorf("after minute %d: %s, want %s", minutes, got, want)
			}
			return err
		})
	}
	gap(0, 0)
	gap(5, 0)
	gap(65, time.Hour)
	gap(66, time.Hour)
	gap(60, time.Hour) // arrives late
	gap(96, 30*time.Minute)
}

func testIssuedTokens(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "entra")
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		for i, issued := range []bool{false, true, true} {
			tok := storage.Token{ID: fmt.Sprint("t", i), SourceID: src.ID, Label: "wif", Issued: issued, ExpiresAt: tx.Now().Add(time.Duration(i) * time.Hour)}
			if err := tx.CreateToken(ctx, tok, []byte{byte(i)}); err != nil {
				return err
			}
		}
		return tx.RevokeIssued(ctx, src.ID)
	})
	live := func() (ids []string) {
		Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			list, err := tx.Tokens(ctx, src.ID)
			for _, tok := range list {
				if tok.RevokedAt.IsZero() != !tok.Issued {
					t.Errorf("only what was issued is revoked: %+v", tok)
				}
				ids = append(ids, tok.ID)
			}
			return err
		})
		return ids
	}
	same(t, "tokens", live(), []string{"t0", "t1", "t2"})
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		n, err := tx.PurgeTokens(ctx, tx.Now().Add(90*time.Minute), 10)
		same(t, "purged", n, 1)
		return err
	})
	same(t, "tokens after the purge", live(), []string{"t0", "t2"})
}

func testRefusals(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src, other := Source(t, db, "okta"), Source(t, db, "entra")
	r := bridge.Refusal{SourceID: src.ID, Reason: bridge.RefusedExpired, At: moment(0), Times: 1, Caller: "192.0.2.1", Label: "first", Detail: "it expired"}
	again, stranger, foreign := r, r, r
	again.At, again.Times, again.Caller = moment(5), 7, "192.0.2.2"
	stranger.SourceID, stranger.Reason, stranger.At = "", bridge.RefusedUnknown, moment(3)
	foreign.SourceID = other.ID
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		return errors.Join(tx.AddRefusal(ctx, r), tx.AddRefusal(ctx, stranger), tx.AddRefusal(ctx, foreign), tx.AddRefusal(ctx, again))
	})
	again.Times = 8
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		got, err := tx.Refusals(ctx, src.ID, moment(-1))
		same(t, "refusals", got, []bridge.Refusal{again, stranger})
		late, err2 := tx.Refusals(ctx, src.ID, moment(4))
		same(t, "late refusals", late, []bridge.Refusal{again})
		return errors.Join(err, err2)
	})
}

func testFirsts(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	at := func(m int, method, target, changed string, status int) bridge.Exchange {
		return bridge.Exchange{ID: fmt.Sprintf("x%02d", m), SourceID: src.ID, At: moment(m), Method: method, Target: target, Changed: changed, Status: status}
	}
	log := func(list ...bridge.Exchange) {
		Write(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.AddExchanges(ctx, list...) })
	}
	log(at(2, "POST", "/Users", "created User ana", 201), at(1, "GET", "/Users", "", 200))
	log(at(3, "POST", "/Users", "created User bo", 201), at(4, "POST", "/Groups", "", 400))
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error { // the log forgets, the firsts stay
		_, err := tx.PurgeExchanges(ctx, moment(60), 100)
		return err
	})
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		got, err := tx.Firsts(ctx, src.ID)
		same(t, "firsts", got, map[bridge.First]time.Time{bridge.FirstCall: moment(1), bridge.FirstTest: moment(1), bridge.FirstUser: moment(2)})
		return err
	})
	log(at(70, "POST", "/Groups", "", 400), at(71, "GET", "/Users", "", 200), at(72, "GET", "/Users", "", 503))
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		got, err := tx.FailedExchanges(ctx, src.ID, moment(60), 10)
		ids := []string{}
		for _, e := range got {
			ids = append(ids, e.ID)
		}
		same(t, "what failed", ids, []string{"x72", "x70"})
		return err
	})
}

func testDirectoryFacts(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src, other := Source(t, db, "okta"), Source(t, db, "entra")
	facts := func(settled time.Duration) (f bridge.DirectoryFacts) {
		Read(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
			f, err = tx.DirectoryFacts(ctx, src.ID, tx.Now().Add(settled))
			return err
		})
		return f
	}
	same(t, "an empty source", facts(time.Minute), bridge.DirectoryFacts{})
	User(t, db, other.ID, "elsewhere", nil)
	ana := User(t, db, src.ID, "ana@corp.example", nil)
	bo := User(t, db, src.ID, "bo", map[string]any{"emails": Emails("bo@corp.example")})
	cy := User(t, db, src.ID, "cy", nil)
	gone := User(t, db, src.ID, "dana@corp.example", map[string]any{"active": false})
	all := Group(t, db, src.ID, "Everyone", ana.ID, bo.ID, cy.ID, gone.ID)
	Group(t, db, src.ID, "Empty")
	Group(t, db, src.ID, "Some", ana.ID, "stray", all.ID)
	young := facts(-time.Minute)
	if young.Settled+young.EmptyGroups.Count+young.UnknownMembers.Count != 0 {
		t.Errorf("what is young may be on its way: %+v", young)
	}
	f := facts(time.Minute)
	if len(f.UnknownMembers.Examples) == 1 {
		f.UnknownMembers.At = time.Time{}
	}
	same(t, "facts", f, bridge.DirectoryFacts{Users: 4, Groups: 3, Settled: 3, Members: true, Inactive: true, Everyone: "Everyone",
		NotEmail: bridge.Sample{Count: 1, Examples: []string{"bo"}}, NoAddress: bridge.Sample{Count: 1, Examples: []string{"cy"}},
		EmptyGroups: bridge.Sample{Count: 1, Examples: []string{"Empty"}}, UnknownMembers: bridge.Sample{Count: 1, Examples: []string{`stray in "Some"`}}})
	eve := User(t, db, src.ID, "Eve@corp.example", nil)
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		for _, name := range []string{"Ads", "ADS"} {
			if err := tx.InsertGroup(ctx, bridge.GroupResource{Version: 1, Group: bridge.Group{ID: tx.NewID(), SourceID: src.ID, DisplayName: name, ExternalID: name}}); err != nil {
				return err
			}
		}
		return nil
	})
	f = facts(time.Minute)
	if f.Everyone != "" || f.InNoGroup.String() != eve.UserName || f.SameName.String() != `"ADS"` {
		t.Errorf("everyone %q, in no group %q, same name %q", f.Everyone, f.InNoGroup, f.SameName)
	}
	User(t, db, src.ID, "fay@corp.example", map[string]any{"externalId": "7"})
	User(t, db, src.ID, "fay.before@corp.example", map[string]any{"externalId": "7", "active": false})
	if n := facts(time.Minute).OneExternalID; n.Count != 0 {
		t.Errorf("who is deactivated is no twin: %s", n)
	}
	User(t, db, src.ID, "fay.after@corp.example", map[string]any{"externalId": "7"})
	if n := facts(time.Minute).OneExternalID; n.String() != "fay.after@corp.example and fay@corp.example" {
		t.Errorf("active users with one externalId: %s", n)
	}
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		name, err := tx.UserNamed(ctx, src.ID, "EVE@CORP.example")
		same(t, "as the user is written", name, eve.UserName)
		none, err2 := tx.UserNamed(ctx, src.ID, "nobody")
		same(t, "nobody", none, "")
		return errors.Join(err, err2)
	})
}
