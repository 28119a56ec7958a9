package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/apply"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/connectors/meta"
	"adbridge/connectors/scimtarget"
	"adbridge/connectors/tiktok"
	"adbridge/storage"
)

// platform is one line a platform: how to open a connector, what the platform
// can do, and the budget that all hubs of one of its apps share.
type platform struct {
	open    connectors.Open
	traits  bridge.Traits
	windows []connectors.Window          // limits of one app; none where the platform publishes none
	needs   func() []bridge.Precondition // what a hub has to be
}

// platforms is where another one is added.
func platforms(c Config) map[bridge.Platform]platform {
	return map[bridge.Platform]platform{
		bridge.TikTok: {tiktok.Open, tiktok.Traits(), tiktok.Tiers[c.tierOf("")], tiktok.Preconditions},
		bridge.Meta:   {meta.Options{Version: c.MetaAPIVersion}.Open, meta.Traits(), nil, meta.Preconditions},
		bridge.SCIM:   {scimtarget.Open, scimtarget.Traits(), nil, scimtarget.Preconditions},
	}
}

// App is adbridge wired together on one database.
type App struct {
	Config    Config
	DB        *storage.DB
	Planner   reconcile.Planner
	Puller    reconcile.Puller
	Worker    apply.Worker
	Inspector reconcile.Inspector
	Importer  reconcile.Importer
	Lanes     *Lanes
	Log       zerolog.Logger

	callers   *reconcile.Callers
	ready     *readiness
	keys      *storage.Keyring
	platforms map[bridge.Platform]platform
	budgets   *connectors.Budgets
	exchanges *exchangeLog
}

// NewApp opens the database and wires everything; nothing runs yet.
func NewApp(ctx context.Context, c Config, log zerolog.Logger) (*App, error) {
	keys, err := storage.OpenKeyring(c.Key.Reveal(), c.keyFile())
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	db, err := storage.Open(ctx, storage.Options{URL: c.DB, Key: keys, Log: log, AutoMigrate: true})
	if err != nil {
		return nil, err
	}
	app := &App{Config: c, DB: db, Log: log, keys: keys, platforms: platforms(c)}
	app.budgets = &connectors.Budgets{Windows: map[bridge.Platform][]connectors.Window{}, Own: app.ownWindows,
		Keeper: func(p bridge.Platform, of string) connectors.Keeper { return ledger{db, p, of} }}
	for name, p := range app.platforms {
		app.budgets.Windows[name] = p.windows
	}
	traits := func(p bridge.Platform) bridge.Traits { return app.platforms[p].traits }
	app.Planner = reconcile.Planner{DB: db, Traits: traits, Log: log}
	app.Puller = reconcile.Puller{DB: db, Dial: app.Dial, Traits: traits, Log: log, Searched: &reconcile.Searched{}}
	app.Worker = apply.Worker{DB: db, Dial: app.Dial, DialAsking: app.dial, Traits: traits, Log: log, Jitter: rand.Float64}
	app.Inspector = reconcile.Inspector{DB: db, Dial: app.Dial, Log: log}
	app.Importer = reconcile.Importer{DB: db, Dial: app.Dial, Log: log}
	app.Lanes = &Lanes{DB: db, Planner: app.Planner, Puller: app.Puller, Worker: app.Worker, Holder: holder(), Log: log}
	app.exchanges = newExchangeLog(db, log)
	app.callers = &reconcile.Callers{DB: db, Now: time.Now, Log: log}
	app.ready = &readiness{db: db, log: log}
	return app, nil
}

// ownWindows are the limits of one app, by the last part of its budget's name.
func (a *App) ownWindows(p bridge.Platform, name string) []connectors.Window {
	if p != bridge.TikTok {
		return nil
	}
	return tiktok.Tiers[a.Config.tierOf(name[strings.LastIndexByte(name, '/')+1:])]
}

// Close gives back the calls that were booked in vain, and closes the database.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := a.budgets.Close(ctx); err != nil {
		a.Log.Warn().Err(err).Str("op", "budget").Msg("calls that were booked and not made stay counted")
	}
	return a.DB.Close()
}

// Dial opens the connector of a hub with its credentials and its app's budget.
func (a *App) Dial(ctx context.Context, hubID string, onCall func(connectors.Call)) (connectors.Connector, error) {
	return a.dial(ctx, hubID, onCall, nil)
}

func (a *App) dial(ctx context.Context, hubID string, onCall func(connectors.Call), beforeWrite func(context.Context) error) (connectors.Connector, error) {
	var hub bridge.Hub
	var cred storage.Credentials
	err := a.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		if hub, err = tx.Hub(ctx, hubID); err != nil {
			return err
		}
		cred, err = tx.Credentials(ctx, hub.ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the credentials of hub %s: %w", hubID, err)
	}
	return a.connect(hub, cred, onCall, beforeWrite)
}

// Connect opens a connector for a hub that need not be saved yet.
func (a *App) Connect(hub bridge.Hub, cred storage.Credentials, onCall func(connectors.Call)) (connectors.Connector, error) {
	return a.connect(hub, cred, onCall, nil)
}

func (a *App) connect(hub bridge.Hub, cred storage.Credentials, onCall func(connectors.Call), beforeWrite func(context.Context) error) (connectors.Connector, error) {
	p, ok := a.platforms[hub.Platform]
	if !ok {
		return nil, fmt.Errorf("platform %q is not known", hub.Platform)
	}
	return p.open(connectors.Config{
		BusinessID: hub.BusinessID, APIURL: hub.APIURL, Token: cred.Token, AppID: hub.AppID, AppSecret: cred.AppSecret,
		Budget: a.budgets.Of(hub.Platform, budgetName(hub, cred)), OnCall: onCall, BeforeWrite: beforeWrite,
		Own:      a.budgets.Pauses(hub.Platform, ownBudgetName(hub, cred)),
		ReadOnly: hub.PartnerOf != "",
	})
}

// budgetName says whose calls the platform counts together: those of one app;
// hubs whose app we do not know share a budget by token only.
func budgetName(hub bridge.Hub, cred storage.Credentials) string {
	if hub.AppID != "" {
		return hub.APIURL + "/" + hub.AppID
	}
	sum := sha256.Sum256([]byte(cred.Token.Reveal()))
	return fmt.Sprintf("%s/token-%x", hub.APIURL, sum[:6])
}

// ownBudgetName is whose calls the platform counts together beside: those of one
// app to one business.
func ownBudgetName(hub bridge.Hub, cred storage.Credentials) string {
	return budgetName(hub, cred) + "/business-" + hub.BusinessID
}

// Serve listens, calls ready with the address, and works until ctx ends; then
// it lets requests finish and gives its lanes back.
func (a *App) Serve(ctx context.Context, ready func(net.Addr) error) error {
	listener, err := net.Listen("tcp", a.Config.Listen)
	if err != nil {
		return wrong("choose another address with --listen, or stop the program that uses this one", "listen: %w", err)
	}
	return a.ServeOn(ctx, listener, ready)
}

// ServeOn is Serve on an address that is open already.
func (a *App) ServeOn(ctx context.Context, listener net.Listener, ready func(net.Addr) error) error {
	handler, err := a.Handler()
	if err == nil {
		err = a.arrive(ctx)
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: nil,
	}
	work, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { a.Lanes.Run(work) })
	running.Go(func() { seal(work, a.DB, a.Log) })
	running.Go(func() { a.stay(work) })
	running.Go(func() { a.lookDaily(work) })
	running.Go(func() { a.readLogs(work) })
	running.Go(func() { a.exchanges.run(work) })
	running.Go(func() { a.ready.watch(work) })
	running.Go(func() { flushRefusals(work, a.callers) })
	running.Go(func() { bindWaiting(work, a.DB, a.Log) })
	running.Go(func() { purge(work, a.DB, a.Config.retention(), a.Config.historyRetention(), a.Log) })
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if err = ready(listener.Addr()); err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if e := server.Shutdown(finish); e != nil && err == nil {
		err = fmt.Errorf("requests were still running after 15 s: %w", e)
	}
	stop()
	running.Wait()
	return err
}
