package web

import (
	"context"
	"net/http"

	"adbridge/bridge"
	"adbridge/storage"
)

// settingsPage shows every guard and window of a hub with its meaning.
type settingsPage struct {
	frame
	hubHead
	Settings []settingLine
}

type settingLine struct {
	bridge.Setting
	Value   string
	Changed bool // differs from the default
}

func (s *site) settings(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	head, err := findHub(ctx, tx, r, "settings")
	if err != nil {
		return nil, err
	}
	p := &settingsPage{frame: frame{Title: "Settings of " + head.Hub.Slug, Section: "hubs"}, hubHead: head}
	for _, x := range bridge.SettingTable {
		v := head.Hub.Settings.Get(x.Key)
		p.Settings = append(p.Settings, settingLine{x, v, v != x.Default})
	}
	return p, nil
}
