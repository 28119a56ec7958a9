package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// resealMost is how many secrets are sealed again in one transaction.
const resealMost = 50

func (c *cli) key() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Show and rotate the keys that seal tokens and the audit trail's own key",
		Long: `The secrets in the database are sealed with one of the keys in the key file (or ADBRIDGE_KEY); which one, is
on record. The others are there to open what they sealed. A key is named by an id that says nothing of it.`,
	}
	cmd.AddCommand(c.keyStatus(), c.keyRotate(), c.keyDrop())
	return cmd
}

// keyView is what there is to know of keys and who holds them.
type keyView struct {
	File    string               `json:"file,omitempty"` // "": ADBRIDGE_KEY
	Keys    []storage.SealingKey `json:"keys"`
	Servers []storage.Server     `json:"servers"`
	Next    string               `json:"next"`
	Sealed  int                  `json:"sealed,omitempty"` // again, by this run
	Added   string               `json:"added,omitempty"`  // by this run
	Began   string               `json:"began,omitempty"`  // to seal, by this run
	Dropped string               `json:"dropped,omitempty"`
}

func (a *App) keyView(ctx context.Context) (v keyView, err error) {
	v.File = a.keys.File()
	err = a.DB.Read(ctx, func(tx *storage.Tx) error {
		if v.Keys, err = tx.SealingKeys(ctx); err != nil {
			return err
		}
		if v.Servers, err = running(ctx, tx); err == nil {
			v.Next = v.next()
		}
		return err
	})
	if v.Servers == nil {
		v.Servers = []storage.Server{}
	}
	return v, err
}

// candidate is the key that a rotation is on its way to: one in front of the key
// that seals, which never sealed. Those behind it are older.
func candidate(keys []storage.SealingKey) (id string) {
	for _, k := range keys {
		switch {
		case k.Seals:
			return id
		case id == "" && k.Held && k.SealingAt.IsZero() && k.DroppedAt.IsZero() && k.Values == 0:
			id = k.ID
		}
	}
	return ""
}

// seals is the key that seals.
func (v keyView) seals() (k storage.SealingKey) {
	for _, k := range v.Keys {
		if k.Seals {
			return k
		}
	}
	return k
}

// without are the running servers that do not hold a key.
func (v keyView) without(id string) (out []string) {
	for _, s := range v.Servers {
		if !slices.Contains(s.Keys, id) {
			out = append(out, s.Name)
		}
	}
	return out
}

func (v keyView) next() string {
	for _, k := range v.Keys {
		if k.Values > 0 && !k.Held {
			return fmt.Sprintf("%d secrets are sealed with key %s, which is not at hand: put it back into the key file; if it is lost for good, run `adbridge key rotate --lost %s` and set those secrets again", k.Values, k.ID, k.ID)
		}
	}
	switch id := candidate(v.Keys); {
	case id != "" && len(v.without(id)) > 0:
		return fmt.Sprintf("give key %s to %s, then run `adbridge key rotate` again", id, strings.Join(v.without(id), ", "))
	case id != "":
		return fmt.Sprintf("key %s is at hand and does not seal yet: run `adbridge key rotate`", id)
	case v.left() > 0:
		return fmt.Sprintf("%d secrets are still sealed with an older key: run `adbridge key rotate`", v.left())
	}
	for _, k := range v.Keys {
		if !k.Seals && k.Held {
			return fmt.Sprintf("nothing is sealed with key %s any more: keep it with the backups made before %s, and run `adbridge key drop %s`", k.ID, when(v.seals().SealingAt), k.ID)
		}
	}
	return "nothing is left to do"
}

func (v keyView) write(w io.Writer) error {
	from := v.File
	if from == "" {
		from = "ADBRIDGE_KEY"
	}
	fmt.Fprintf(w, "keys (from %s)\n", from)
	err := table(w, "KEY USE SECRETS AT-HAND ADDED", func(row func(...any)) {
		for _, k := range v.Keys {
			use := "opens"
			switch {
			case k.Seals:
				use = "seals"
			case !k.DroppedAt.IsZero():
				use = "dropped"
			case k.SealingAt.IsZero() && k.Values == 0:
				use = "new"
			}
			row(k.ID, use, k.Values, map[bool]string{true: "yes", false: "no"}[k.Held], whenOr(k.AddedAt, "-"))
		}
	})
	if err != nil {
		return err
	}
	if len(v.Servers) == 0 {
		fmt.Fprintln(w, "no server is running")
	}
	for _, s := range v.Servers {
		if len(s.Keys) == 0 {
			fmt.Fprintf(w, "server %s does not say what it holds: it is of an older version, or a command under way\n", s.Name)
			continue
		}
		fmt.Fprintf(w, "server %s holds %s\n", s.Name, strings.Join(s.Keys, ", "))
	}
	_, err = fmt.Fprintf(w, "next: %s\n", v.Next)
	return err
}

func whenOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return when(t)
}

func (c *cli) keyStatus() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show which key seals, what each key sealed, and which running server holds which",
		Example: "  adbridge key status",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.app(cmd.Context(), func(app *App) error {
				v, err := app.keyView(cmd.Context())
				if err != nil {
					return err
				}
				return c.show(v, v.write)
			})
		},
	}
}

func (c *cli) keyRotate() *cobra.Command {
	var wait time.Duration
	var lost string
	cmd := &cobra.Command{
		Use:   "rotate [--wait 15s] [--lost KEY]",
		Short: "Seal everything with a new key, once every running server holds it",
		Long: `Goes as far as it can, and says what is left for you; run it again then. In this order:

  1. A new key comes into the key file, unless one is there that never sealed. Nothing is sealed with it yet.
     (With ADBRIDGE_KEY put it there yourself: openssl rand -base64 32.)
  2. Every running server has to hold it. A server reads its key file again by itself, within seconds; to another
     machine copy the file. A server with ADBRIDGE_KEY has to be restarted. Until then this command refuses.
  3. The new key seals from now on, for every server and command on the database, and all secrets are sealed again.

The old key stays in the file and opens backups. Killed at any moment, nothing is unreadable, and running it again goes on.

With --lost the newest key at hand seals in place of one that nobody has any more, and the audit trail is signed with
another key if the lost one sealed it. What that one sealed is lost: give each hub its token again with
` + "`adbridge hub connect`" + `.`,
		Example: `  adbridge key rotate
  adbridge key status
  adbridge key drop 4c8e01d2ab44    # later, once no backup needs it`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.app(cmd.Context(), func(app *App) error {
				if lost != "" {
					return c.doWithout(cmd.Context(), app, lost)
				}
				return c.rotate(cmd.Context(), app, wait)
			})
		},
	}
	cmd.Flags().StringVar(&lost, "lost", "", "`id` of a key that nobody has any more")
	cmd.Flags().DurationVar(&wait, "wait", 15*time.Second, "how long to wait for running servers to read the new key")
	return cmd
}

// doWithout lets the newest key at hand seal in place of one that is lost, and the
// audit trail be signed with another where the lost one sealed what signs.
func (c *cli) doWithout(ctx context.Context, app *App, lost string) error {
	err := app.DB.Write(ctx, func(tx *storage.Tx) error {
		seals, err := tx.LockSealing(ctx)
		if err != nil {
			return err
		}
		keys, err := tx.SealingKeys(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(keys, func(k storage.SealingKey) bool { return k.ID == lost }) {
			return wrong("`adbridge key status` shows the ids", "lost: this database knows no key %s", lost)
		}
		servers, err := running(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range servers {
			if len(s.Keys) == 0 {
				return wrong("stop it, or let it end", "lost: %s works a hub and does not say whether it holds key %s", s.Name, lost)
			}
			if slices.Contains(s.Keys, lost) {
				return wrong("copy the key file from that server", "lost: the running server %s holds key %s", s.Name, lost)
			}
		}
		if app.keys.Has(lost) {
			return wrong("run `adbridge key rotate` without --lost", "lost: key %s is at hand", lost)
		}
		ended, err := tx.EndLostSigningKey(ctx)
		if err != nil {
			return err
		}
		e := audit.Event{Actor: audit.ActorAdmin(c.by), Detail: map[string]any{"lost": true}}
		if ended != "" {
			e.Detail["signing_key_ended"] = ended
		}
		if seals == lost {
			e.Action, e.Subject, e.Detail["before"] = audit.KeySeals, app.keys.Sealing(), lost
			err = tx.SealWith(ctx, e.Subject)
		} else { // a rotation ended before all was sealed again
			var fresh bool
			e.Action, e.Subject = audit.KeyDropped, lost
			if fresh, err = tx.LoseSealingKey(ctx, lost); err == nil && !fresh && ended == "" {
				return nil
			}
		}
		if err != nil {
			return err
		}
		return tx.AddEvents(ctx, e)
	})
	if err != nil {
		return err
	}
	v, err := app.keyView(ctx)
	if err != nil {
		return err
	}
	return c.show(v, v.write)
}

func (c *cli) rotate(ctx context.Context, app *App, wait time.Duration) error {
	actor := audit.ActorAdmin(c.by)
	added, err := app.addKey(ctx, actor)
	if err != nil {
		return err
	}
	v, id, err := app.awaitKey(ctx, wait)
	if err != nil {
		return err
	}
	began := ""
	if id != "" {
		if began, err = app.sealWith(ctx, id, actor); err != nil {
			return err
		}
	} else if v.left() == 0 { // only where no command can write the keys
		return wrong("make one with `openssl rand -base64 32`, put it in front of ADBRIDGE_KEY on every server, separated by a comma, restart them one after the other, and run `adbridge key rotate` again",
			"key: ADBRIDGE_KEY holds no new key")
	}
	sealed, err := app.reseal(ctx, actor)
	if err != nil {
		return err
	}
	if v, err = app.keyView(ctx); err != nil {
		return err
	}
	v.Added, v.Began, v.Sealed = added, began, sealed
	return c.show(v, func(w io.Writer) error {
		if from := app.keys.File(); added != "" && from != "" {
			fmt.Fprintf(w, "key %s was added to %s\n", added, from)
		}
		if began != "" {
			fmt.Fprintf(w, "key %s seals from now on\n", began)
		}
		fmt.Fprintf(w, "%d secrets were sealed again\n", sealed)
		return v.write(w)
	})
}

// awaitKey waits until every running server holds the key that a rotation is on its
// way to, if there is one, and not longer than told.
func (a *App) awaitKey(ctx context.Context, wait time.Duration) (v keyView, id string, err error) {
	for end := time.Now().Add(wait); ; pause(ctx, 200*time.Millisecond) {
		if v, err = a.keyView(ctx); err != nil {
			return v, "", err
		}
		id = candidate(v.Keys)
		if id == "" || len(v.without(id)) == 0 || !time.Now().Before(end) {
			return v, id, nil
		}
	}
}

// left counts the secrets that an older key sealed.
func (v keyView) left() (n int) {
	for _, k := range v.Keys {
		if !k.Seals {
			n += k.Values
		}
	}
	return n
}

// addKey puts a new key into the key file, unless one is there that never sealed;
// "": there was nothing to add. The key that seals is on record before.
func (a *App) addKey(ctx context.Context, actor string) (added string, err error) {
	err = a.DB.Write(ctx, func(tx *storage.Tx) error {
		// Whoever else rotates waits here, so that the file has one writer.
		if _, err := tx.LockSealing(ctx); err != nil {
			return err
		}
		if _, err := a.keys.Reload(); err != nil {
			return err
		}
		seals, err := tx.NoteSealing(ctx)
		if err != nil {
			return err
		}
		if err := tx.CheckKeys(ctx); err != nil {
			return err
		}
		keys, err := tx.SealingKeys(ctx)
		if err != nil {
			return err
		}
		id := candidate(keys)
		if id == "" && (keyView{Keys: keys}).left() == 0 && a.keys.File() != "" {
			if err := storage.RotateKeyFile(a.keys.File()); err != nil {
				return err
			}
			if _, err := a.keys.Reload(); err != nil {
				return err
			}
			if keys, err = tx.SealingKeys(ctx); err != nil {
				return err
			}
			id = candidate(keys)
		}
		if id == "" {
			return nil
		}
		fresh, err := tx.AddSealingKey(ctx, id)
		if err != nil || !fresh {
			return err
		}
		added = id
		return tx.AddEvents(ctx, audit.Event{Actor: actor, Action: audit.KeyAdded, Subject: id, Detail: map[string]any{"seals": seals}})
	})
	return added, err
}

// sealWith makes a key the one that seals, if every running server holds it.
func (a *App) sealWith(ctx context.Context, id, actor string) (string, error) {
	err := a.DB.Write(ctx, func(tx *storage.Tx) error {
		before, err := tx.LockSealing(ctx)
		if err != nil || before == id {
			return err
		}
		if _, err := a.keys.Reload(); err != nil { // it must be in the file, not only in mind
			return err
		}
		servers, err := running(ctx, tx)
		if err != nil {
			return err
		}
		if lack := (keyView{Servers: servers}).without(id); len(lack) > 0 {
			return wrong("copy the key file to each of them (mode 0600; a server reads it again by itself), or where ADBRIDGE_KEY is set put the new key in front there and restart; stop those of an older version, and let commands end; then run `adbridge key rotate` again. Until then everything stays sealed as it was",
				"key: running servers do not hold key %s: %s", id, strings.Join(lack, ", "))
		}
		if err := tx.SealWith(ctx, id); err != nil {
			return err
		}
		return tx.AddEvents(ctx, audit.Event{Actor: actor, Action: audit.KeySeals, Subject: id, Detail: map[string]any{"before": before}})
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

// reseal seals what an older key sealed again, some at a time.
func (a *App) reseal(ctx context.Context, actor string) (total int, err error) {
	for {
		n := 0
		err := a.DB.Write(ctx, func(tx *storage.Tx) error {
			id, err := tx.LockSealing(ctx)
			if err != nil {
				return err
			}
			if n, err = tx.Reseal(ctx, resealMost); err != nil || n == 0 {
				return err
			}
			return tx.AddEvents(ctx, audit.Event{Actor: actor, Action: audit.KeyResealed, Subject: id, Detail: map[string]any{"secrets": n}})
		})
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
}

func (c *cli) keyDrop() *cobra.Command {
	return &cobra.Command{
		Use:   "drop KEY",
		Short: "Take a key that nothing is sealed with out of the key file",
		Long: `Refuses while anything is sealed with the key. A backup made before the rotation opens only with the old key:
keep a copy of it where those backups are, or drop it when the last of them is gone.`,
		Example: "  adbridge key drop 4c8e01d2ab44   # `adbridge key status` shows the ids",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.app(cmd.Context(), func(app *App) error {
				v, err := app.dropKey(cmd.Context(), args[0], audit.ActorAdmin(c.by))
				if err != nil {
					return err
				}
				return c.show(v, func(w io.Writer) error {
					if v.File == "" {
						fmt.Fprintf(w, "key %s is not needed any more: take it out of ADBRIDGE_KEY on every server\n", args[0])
					} else {
						fmt.Fprintf(w, "key %s is not in %s any more; take it out of the key files of other servers, too\n", args[0], v.File)
					}
					return v.write(w)
				})
			})
		},
	}
}

func (a *App) dropKey(ctx context.Context, id, actor string) (keyView, error) {
	err := a.DB.Write(ctx, func(tx *storage.Tx) error {
		fresh, err := tx.DropSealingKey(ctx, id)
		if err != nil || !fresh {
			return err
		}
		return tx.AddEvents(ctx, audit.Event{Actor: actor, Action: audit.KeyDropped, Subject: id})
	})
	switch {
	case errors.Is(err, bridge.ErrNotFound):
		return keyView{}, wrong("`adbridge key status` shows the ids", "%w", err)
	case errors.Is(err, bridge.ErrConflict):
		return keyView{}, wrong("`adbridge key rotate` seals everything with a new key first", "%w", err)
	case err != nil:
		return keyView{}, err
	}
	if a.keys.File() != "" {
		if err := storage.DropFromKeyFile(a.keys.File(), id); err != nil {
			return keyView{}, err
		}
		if _, err := a.keys.Reload(); err != nil {
			return keyView{}, err
		}
	}
	v, err := a.keyView(ctx)
	v.Dropped = id
	return v, err
}
