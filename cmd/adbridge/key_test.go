package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// keyed is a database with hubs whose tokens are known, and servers on it that
// each have a key file of their own.
type keyed struct {
	*stage
	hubs int
}

func newKeyed(t *testing.T, url string, hubs int) *keyed {
	t.Helper()
	k := &keyed{&stage{t: t, dir: t.TempDir(), db: url, inProcess: true}, hubs}
	app := k.open("adbridge.key")
	for i := range hubs {
		_, err := reconcile.AddHub(t.Context(), app.DB, bridge.Hub{Slug: fmt.Sprintf("hub-%d", i), Platform: bridge.Meta, BusinessID: fmt.Sprint(7000 + i)},
			storage.Credentials{Token: bridge.NewSecret(fmt.Sprintf("token-%d", i)), AppSecret: bridge.NewSecret("s")}, connectors.Connection{BusinessID: fmt.Sprint(7000 + i)}, "test")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reconcile.ChangeHub(t.Context(), app.DB, fmt.Sprintf("hub-%d", i), "test", audit.HubPaused, func(h *bridge.Hub) (map[string]any, error) {
			h.Halt = &bridge.Halt{State: bridge.Paused, By: "test"} // nobody is to call anybody
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

func (k *keyed) open(file string) *App {
	k.t.Helper()
	app, err := NewApp(k.t.Context(), Config{Listen: "127.0.0.1:0", DB: k.db, KeyFile: filepath.Join(k.dir, file), PublicURL: "http://127.0.0.1"}, zerolog.Nop())
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = app.Close() })
	return app
}

// runs starts a server with a key file.
func (k *keyed) runs(file string) *App {
	k.t.Helper()
	app := k.open(file)
	ctx, stop := context.WithCancel(context.Background())
	ready, done := make(chan bool, 1), make(chan error, 1)
	go func() { done <- app.Serve(ctx, func(net.Addr) error { ready <- true; return nil }) }()
	select {
	case <-ready:
	case err := <-done:
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			k.t.Error(err)
		}
	})
	return app
}

// reads checks that a server opens every secret.
func (k *keyed) reads(app *App) {
	k.t.Helper()
	err := app.DB.Read(k.t.Context(), func(tx *storage.Tx) error {
		for i := range k.hubs {
			hub, err := tx.Hub(k.t.Context(), fmt.Sprintf("hub-%d", i))
			if err != nil {
				return err
			}
			c, err := tx.Credentials(k.t.Context(), hub.ID)
			if err != nil {
				return err
			}
			if c.Token.Reveal() != fmt.Sprintf("token-%d", i) {
				return fmt.Errorf("the token of %s is another one", hub.Slug)
			}
		}
		return tx.CheckKeys(k.t.Context())
	})
	if err != nil {
		k.t.Error(err)
	}
}

func (k *keyed) copyKey(from, to string) {
	k.t.Helper()
	b, err := os.ReadFile(filepath.Join(k.dir, from))
	if err == nil {
		err = os.WriteFile(filepath.Join(k.dir, to), b, 0o600)
	}
	if err != nil {
		k.t.Fatal(err)
	}
}

// TestAKeyIsRotatedUnderRunningServers: nothing is sealed with a new key before
// each running server holds it; then everything is, no server has to be
// restarted, and the old key can go. Each step is in the audit trail.
func TestAKeyIsRotatedUnderRunningServers(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		k := newKeyed(t, url, 3)
		k.copyKey("adbridge.key", "other.key")
		one, two := k.runs("adbridge.key"), k.runs("other.key")
		old := one.keys.Sealing()

		out, errs, code := k.adbridge("key", "rotate", "--wait", "3s")
		if code != exitError || !strings.Contains(errs, "do not hold key") || !strings.Contains(errs, "copy the key file") || strings.Contains(errs, ", vm") {
			t.Fatalf("a server without the new key: exit code %d\n%s%s", code, out, errs)
		}
		var v keyView
		k.must(&v, "key", "status")
		fresh := v.Keys[0].ID
		if v.seals().ID != old || v.seals().Values < 6 || fresh == old || v.Keys[0].Values != 0 || len(v.Servers) != 2 || !strings.Contains(v.Next, fresh) {
			t.Fatalf("it is sealed with another key already, or the state is not told: %+v", v)
		}
		k.reads(two)

		k.copyKey("adbridge.key", "other.key")
		k.must(&v, "key", "rotate", "--wait", "20s")
		if v.seals().ID != fresh || v.left() != 0 || v.Sealed < 6 || v.Began != fresh || v.Added != "" {
			t.Fatalf("after the rotation: %+v", v)
		}
		k.reads(one)
		k.reads(two)

		k.must(&v, "key", "drop", old)
		if _, errs, code := k.adbridge("key", "drop", fresh); code != exitError || !strings.Contains(errs, "seals") {
			t.Errorf("the key that seals was dropped: %d %s", code, errs)
		}
		until(t, 10*time.Second, "the server reads its key file again", func() (bool, string) {
			return !one.keys.Has(old), fmt.Sprint(one.keys.IDs())
		})
		k.reads(one)
		k.reads(two)
		if late := k.open("adbridge.key"); late.keys.Has(old) {
			t.Error("the old key is in the file")
		} else {
			k.reads(late)
		}
		var steps []string
		for _, e := range k.exported("key.") {
			steps = append(steps, e.Action+" "+e.Subject)
		}
		want := []string{audit.KeyAdded + " " + fresh, audit.KeySeals + " " + fresh, audit.KeyResealed + " " + fresh, audit.KeyDropped + " " + old}
		if !slices.Equal(steps, want) {
			t.Errorf("the trail tells %v, want %v", steps, want)
		}
		k.auditVerifies()
	})
}

// TestARotationThatIsKilledGoesOn: whenever it is killed, every secret opens with
// the key file as it is, also on a server that runs, and in the end all of them are
// sealed with one key.
func TestARotationThatIsKilledGoesOn(t *testing.T) {
	t.Parallel()
	k := newKeyed(t, storagetest.MigratedSQLite(t), 120)
	k.inProcess = false
	server := k.runs("adbridge.key")
	first := server.keys.Sealing()
	rng := rand.New(rand.NewPCG(5, uint64(time.Now().UnixNano())))
	var states []string
	for range 14 {
		ctx, kill := context.WithTimeout(t.Context(), time.Duration(rng.IntN(1500))*time.Millisecond)
		_ = k.command(ctx, "key", "rotate").Run()
		kill()
		k.reads(k.open("adbridge.key"))
		until(t, 10*time.Second, "the server has read the key file", func() (bool, string) {
			now := k.open("adbridge.key").keys.IDs()
			return slices.Equal(server.keys.IDs(), now), fmt.Sprint(server.keys.IDs(), now)
		})
		k.reads(server)
		v, err := server.keyView(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s := fmt.Sprintf("candidate %t, left %t", candidate(v.Keys) != "", v.left() > 0); !slices.Contains(states, s) {
			states = append(states, s)
		}
	}
	t.Logf("it was killed in these states: %v", states)
	if len(states) < 2 {
		t.Error("it was never killed in the middle; the test has shown nothing")
	}
	var v keyView
	k.must(&v, "key", "rotate")
	if v.left() != 0 || v.seals().Values != 241 && v.seals().Values != 240 || v.seals().ID == first || candidate(v.Keys) != "" {
		t.Errorf("in the end: %+v", v)
	}
	k.reads(server)
	k.auditVerifies()
}

// TestAServerThatSaysNothingOfItsKeysIsNotLeftBehind: one of an older version works a
// hub, and nobody knows which keys it holds. While it does, nothing is sealed with a
// new key.
func TestAServerThatSaysNothingOfItsKeysIsNotLeftBehind(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		k := newKeyed(t, url, 1)
		app := k.runs("adbridge.key")
		old := app.keys.Sealing()
		var lease storage.Lease
		until(t, 10*time.Second, "the lane is free", func() (taken bool, _ string) { // the server looks at the hub as it begins
			err := app.DB.Write(t.Context(), func(tx *storage.Tx) error {
				hub, err := tx.Hub(t.Context(), "hub-0")
				if err != nil {
					return err
				}
				lease, taken, err = tx.AcquireLane(t.Context(), hub.ID, "elsewhere,of-a-boot,pid:[1]/4711/0a0b0c0d", time.Hour)
				return err
			})
			return taken, fmt.Sprint(err)
		})
		if _, errs, code := k.adbridge("key", "rotate", "--wait", "1s"); code != exitError || !strings.Contains(errs, "elsewhere (process 4711") || !strings.Contains(errs, "older version") {
			t.Errorf("it was left behind: exit code %d\n%s", code, errs)
		}
		var v keyView
		k.must(&v, "key", "status")
		if v.seals().ID != old || len(v.Servers) != 2 {
			t.Errorf("the state is %+v", v)
		}
		if out, _, _ := k.adbridge("key", "status"); !strings.Contains(out, "server elsewhere (process 4711) does not say what it holds") {
			t.Errorf("the state is told so:\n%s", out)
		}
		if err := app.DB.Write(t.Context(), func(tx *storage.Tx) error { return tx.ReleaseLane(t.Context(), lease) }); err != nil {
			t.Fatal(err)
		}
		k.must(&v, "key", "rotate", "--wait", "20s")
		if v.seals().ID == old || v.left() != 0 || len(v.Servers) != 1 {
			t.Errorf("once it has ended: %+v", v)
		}
		k.reads(app)
	})
}

// TestAKeyFileOfSomebodyElseChangesNothing: a server with it does not begin, and a
// rotation with it is refused, in words that say what to do.
func TestAKeyFileOfSomebodyElseChangesNothing(t *testing.T) {
	t.Parallel()
	k := newKeyed(t, storagetest.MigratedSQLite(t), 1)
	server := k.runs("adbridge.key")
	wrong := k.open("wrong.key")
	if err := wrong.Serve(t.Context(), func(net.Addr) error { return nil }); !errors.Is(err, storage.ErrSealed) || !strings.Contains(err.Error(), server.keys.Sealing()) {
		t.Errorf("a server with other keys begins: %v", err)
	}
	before, err := os.ReadFile(filepath.Join(k.dir, "wrong.key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.addKey(t.Context(), "test"); !errors.Is(err, storage.ErrSealed) {
		t.Errorf("a rotation with other keys: %v", err)
	}
	if after, err := os.ReadFile(filepath.Join(k.dir, "wrong.key")); err != nil || string(after) != string(before) {
		t.Errorf("the file was changed (%v)", err)
	}
	if _, errs, code := k.adbridge("key", "rotate", "--lost", server.keys.Sealing()); code != exitError || !strings.Contains(errs, "holds key") {
		t.Errorf("a key that a server holds was called lost: %d %s", code, errs)
	}
	k.reads(server)
}

// TestALostKeyIsDoneWithout: once it is called lost, a server begins again, the
// trail is signed with another key and verifies, and a hub that gets its token
// again can be rotated like any.
func TestALostKeyIsDoneWithout(t *testing.T) {
	t.Parallel()
	k := newKeyed(t, storagetest.MigratedSQLite(t), 1)
	k.auditVerifies() // by a key that is lost with the other
	var v keyView
	k.must(&v, "key", "rotate") // so that the key is on record
	lost := v.seals().ID
	if err := os.Remove(filepath.Join(k.dir, "adbridge.key")); err != nil {
		t.Fatal(err)
	}
	out, errs, code := k.adbridge("key", "rotate")
	if code != exitError || !strings.Contains(errs, "--lost "+lost) || !strings.Contains(errs, "key status") {
		t.Fatalf("without the key: exit code %d\n%s%s", code, out, errs)
	}
	k.must(&v, "key", "rotate", "--lost", lost)
	app := k.runs("adbridge.key")
	k.auditVerifies()
	if _, errs, code := k.adbridge("key", "rotate"); code != exitError || !strings.Contains(errs, "credentials/") {
		t.Errorf("a secret that is lost is not named: %d %s", code, errs)
	}
	if err := app.DB.Write(t.Context(), func(tx *storage.Tx) error {
		hub, err := tx.Hub(t.Context(), "hub-0")
		if err != nil {
			return err
		}
		return tx.SetCredentials(t.Context(), hub.ID, storage.Credentials{Token: bridge.NewSecret("token-0")})
	}); err != nil {
		t.Fatal(err)
	}
	k.must(&v, "key", "rotate")
	if v.left() != 0 || v.Began == "" {
		t.Errorf("after the loss: %+v", v)
	}
	k.reads(app)
}

// TestAnOlderKeyIsDoneWithout: a rotation ends before all is sealed again, somebody
// takes the older key out of the file, and the tokens are set again. What is left of
// the older key is what signs the trail; once it is called lost, a rotation goes through.
func TestAnOlderKeyIsDoneWithout(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		k := newKeyed(t, url, 1)
		k.auditVerifies() // by a key that is sealed with the older one
		app := k.open("adbridge.key")
		older := app.keys.Sealing()
		fresh, err := app.addKey(t.Context(), "test")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := app.sealWith(t.Context(), fresh, "test"); err != nil {
			t.Fatal(err)
		}
		if _, errs, code := k.adbridge("key", "rotate", "--lost", older); code != exitError || !strings.Contains(errs, "is at hand") {
			t.Errorf("a key at hand was called lost: %d %s", code, errs)
		}
		if err := storage.DropFromKeyFile(filepath.Join(k.dir, "adbridge.key"), older); err != nil {
			t.Fatal(err)
		}
		var hub bridge.Hub
		if err := app.DB.Write(t.Context(), func(tx *storage.Tx) (err error) {
			if hub, err = tx.Hub(t.Context(), "hub-0"); err != nil {
				return err
			}
			return tx.SetCredentials(t.Context(), hub.ID, storage.Credentials{Token: bridge.NewSecret("token-0")})
		}); err != nil {
			t.Fatal(err)
		}
		if _, errs, code := k.adbridge("key", "rotate"); code != exitError || !strings.Contains(errs, older) {
			t.Fatalf("without the older key: %d %s", code, errs)
		}
		var v keyView
		if k.must(&v, "key", "status"); !strings.Contains(v.Next, "--lost "+older) {
			t.Errorf("the way on is told so: %s", v.Next)
		}
		var lease storage.Lease
		if err := app.DB.Write(t.Context(), func(tx *storage.Tx) (err error) {
			lease, _, err = tx.AcquireLane(t.Context(), hub.ID, "elsewhere,of-a-boot,pid:[1]/4711/0a0b0c0d", time.Hour)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, errs, code := k.adbridge("key", "rotate", "--lost", older); code != exitError || !strings.Contains(errs, "elsewhere (process 4711)") {
			t.Errorf("a key that another server may hold was called lost: %d %s", code, errs)
		}
		if err := app.DB.Write(t.Context(), func(tx *storage.Tx) error { return tx.ReleaseLane(t.Context(), lease) }); err != nil {
			t.Fatal(err)
		}
		if _, errs, code := k.adbridge("key", "rotate", "--lost", "4c8e01d2ab44"); code != exitError || !strings.Contains(errs, "knows no key") {
			t.Errorf("a key that never was is lost: %d %s", code, errs)
		}
		for range 2 { // the second time nothing is left to do
			k.must(&v, "key", "rotate", "--lost", older)
		}
		if v.seals().ID != fresh || v.left() != 0 {
			t.Errorf("once it is lost: %+v", v)
		}
		k.must(&v, "key", "rotate")
		if v.Began == "" || v.left() != 0 {
			t.Errorf("a rotation after that: %+v", v)
		}
		k.auditVerifies()
		k.reads(k.runs("adbridge.key"))
		lost := 0
		for _, e := range k.exported("key.") {
			if e.Action == audit.KeyDropped && e.Subject == older && e.Detail["lost"] == true && e.Detail["signing_key_ended"] != nil {
				lost++
			}
		}
		if lost != 1 {
			t.Errorf("the trail tells of the loss %d times", lost)
		}
	})
}

// TestAKeyFileThatCannotBeReadIsToldOnce: the server looks every two seconds, and its
// log is for what somebody has to do.
func TestAKeyFileThatCannotBeReadIsToldOnce(t *testing.T) {
	t.Parallel()
	k := newKeyed(t, storagetest.MigratedSQLite(t), 0)
	app := k.open("adbridge.key")
	var log bytes.Buffer
	app.Log = zerolog.New(&log)
	file := filepath.Join(k.dir, "adbridge.key")
	var said, now time.Time
	now = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	looks := func(n int) (errs, infos int) {
		log.Reset()
		for range n {
			if app.rereadKeys(now, &said) {
				t.Error("the keys are other ones")
			}
			now = now.Add(keysEvery)
		}
		return strings.Count(log.String(), `"level":"error"`), strings.Count(log.String(), `"level":"info"`)
	}
	told := func(when string, n, wantErrs, wantInfos int) {
		t.Helper()
		if errs, infos := looks(n); errs != wantErrs || infos != wantInfos {
			t.Errorf("%s: %d errors and %d lines, want %d and %d", when, errs, infos, wantErrs, wantInfos)
		}
	}
	told("as it was", 10, 0, 0)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	told("open to others", 100, 1, 0)
	told("for two hours more", 3600, 2, 0)
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	told("mended", 100, 0, 1)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	told("open again", 100, 1, 0)
	if !app.keys.Has(app.keys.Sealing()) || len(app.keys.IDs()) != 1 {
		t.Errorf("the keys that were read before are not in use: %v", app.keys.IDs())
	}
}
