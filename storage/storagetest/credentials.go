package storagetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("credentials", testCredentials) }

func testCredentials(t *testing.T, open func(t *testing.T) *storage.DB) {
	db := withHubs(t, open, "one", "two")
	secret := storage.Credentials{Token: bridge.NewSecret("canary-token"), AppSecret: bridge.NewSecret("canary-app")}
	note(t, db, func(tx *storage.Tx) error { return tx.SetCredentials(t.Context(), "one", secret) })
	look(t, db, func(tx *storage.Tx) error {
		got, err := tx.Credentials(t.Context(), "one")
		if err != nil {
			return err
		}
		if got.Token.Reveal() != "canary-token" || got.AppSecret.Reveal() != "canary-app" {
			t.Error("the credentials did not come back")
		}
		doc, err := json.Marshal(got)
		if printed := fmt.Sprintf("%v %+v %#v %s", got, got, got, doc); err != nil || strings.Contains(printed, "canary") {
			t.Errorf("the credentials print themselves: %s, %v", printed, err)
		}
		other, err := tx.Credentials(t.Context(), "two")
		if err != nil || other.Token.Reveal() != "token-of-two" || !other.AppSecret.Empty() {
			t.Errorf("the other hub's credentials changed: %v", err)
		}
		return tx.CheckKeys(t.Context())
	})
	refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { _, err := tx.Credentials(t.Context(), "nobody"); return err })
}
