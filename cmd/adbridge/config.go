package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/connectors/meta"
	"adbridge/connectors/tiktok"
)

// Config is where adbridge runs. It comes from flags, else ADBRIDGE_*
// variables, else a YAML file, else the defaults; in this order.
type Config struct {
	Listen    string `yaml:"listen" env:"ADBRIDGE_LISTEN"`
	DB        string `yaml:"db" env:"ADBRIDGE_DB"`
	PublicURL string `yaml:"public_url" env:"ADBRIDGE_PUBLIC_URL"`
	KeyFile   string `yaml:"key_file" env:"ADBRIDGE_KEY_FILE"`
	LogLevel  string `yaml:"log_level" env:"ADBRIDGE_LOG_LEVEL"`
	LogFormat string `yaml:"log_format" env:"ADBRIDGE_LOG_FORMAT"` // json or text

	ScimRate     string `yaml:"scim_rate" env:"ADBRIDGE_SCIM_RATE"`         // requests a second of one source, :burst
	TrustedProxy string `yaml:"trusted_proxy" env:"ADBRIDGE_TRUSTED_PROXY"` // CIDRs whose X-Forwarded-For is believed
	LogRetention string `yaml:"log_retention" env:"ADBRIDGE_LOG_RETENTION"` // of the provisioning log
	// HistoryRetention is how long plans, pulls and reports are kept.
	HistoryRetention string `yaml:"history_retention" env:"ADBRIDGE_HISTORY_RETENTION"`

	TikTokTier     string `yaml:"tiktok_tier" env:"ADBRIDGE_TIKTOK_TIER"`           // call limits of the developer app
	MetaAPIVersion string `yaml:"meta_api_version" env:"ADBRIDGE_META_API_VERSION"` // of the Graph API

	// Key seals the credentials in the database. It is read from
	// ADBRIDGE_KEY only: a key does not belong on a command line or in a file
	// beside the database.
	Key bridge.Secret `yaml:"-" env:"-"`
}

// Defaults of a configuration.
const (
	defaultListen    = "127.0.0.1:8080"
	defaultDB        = "adbridge.db"
	defaultLogLevel  = "info"
	defaultLogFormat = "json"
	defaultRetention = "30d"
	defaultHistory   = "400d"  // a year and the days until somebody asks about it
	defaultTier      = "basic" // every app starts there
	// A fraction of what one small machine serves, so that a source gone wild
	// leaves room for the others, and far above what an IdP sends: Entra has no
	// rate of its own, and what it is told to send later may come 40 minutes later.
	defaultScimRate = "1000:10000"
)

// flags declares the flags that every command takes.
func (c *Config) flags(fs *pflag.FlagSet, file *string) {
	fs.StringVar(file, "config", "", "YAML `file` with listen, db, public_url, key_file, log_level, log_format, scim_rate, trusted_proxy, log_retention, history_retention, tiktok_tier, meta_api_version (ADBRIDGE_CONFIG)")
	fs.StringVar(&c.DB, "db", "", "database: a path, sqlite:PATH or postgres://… (ADBRIDGE_DB, default "+defaultDB+")")
	fs.StringVar(&c.KeyFile, "key-file", "", "`file` with the key that seals credentials, made at first start (ADBRIDGE_KEY_FILE; ADBRIDGE_KEY holds the key itself; default beside the database)")
	fs.StringVar(&c.PublicURL, "public-url", "", "`URL` under which IdPs and people reach this server (ADBRIDGE_PUBLIC_URL)")
	fs.StringVar(&c.LogLevel, "log-level", "", "debug, info, warn or error (ADBRIDGE_LOG_LEVEL, default "+defaultLogLevel+")")
	fs.StringVar(&c.LogFormat, "log-format", "", "json or text (ADBRIDGE_LOG_FORMAT, default "+defaultLogFormat+")")
	fs.StringVar(&c.TikTokTier, "tiktok-tier", "", "call limits that TikTok gave your app: "+strings.Join(tiers(), ", ")+" (ADBRIDGE_TIKTOK_TIER, default "+defaultTier+"); APP=TIER pairs set them app by app: basic,7160000000000000001=advanced")
	fs.StringVar(&c.MetaAPIVersion, "meta-api-version", "", "version of the Graph API to speak (ADBRIDGE_META_API_VERSION, default "+meta.Version+")")
}

// tiers are TikTok's tiers, the smallest first.
func tiers() []string {
	names := slices.Collect(maps.Keys(tiktok.Tiers))
	last := func(name string) int { w := tiktok.Tiers[name]; return w[len(w)-1].Limit }
	slices.SortFunc(names, func(a, b string) int { return last(a) - last(b) })
	return names
}

// tierOf is the tier of an app: its own, or the one that holds for all others.
func (c *Config) tierOf(appID string) string {
	tier := defaultTier
	for entry := range strings.SplitSeq(c.TikTokTier, ",") {
		app, own, ok := strings.Cut(strings.TrimSpace(entry), "=")
		switch {
		case !ok && app != "":
			tier = app
		case ok && app == appID:
			return own
		}
	}
	return tier
}

// tierFaults says what is wrong with the tiers.
func (c *Config) tierFaults() (faults []error) {
	for entry := range strings.SplitSeq(c.TikTokTier, ",") {
		app, tier, ok := strings.Cut(strings.TrimSpace(entry), "=")
		if !ok {
			app, tier = "", app
		}
		if ok && !digits.MatchString(app) {
			faults = append(faults, fmt.Errorf("tiktok-tier: %q is not the id of an app", app))
		}
		if _, known := tiktok.Tiers[tier]; !known {
			faults = append(faults, fmt.Errorf("tiktok-tier: %q is not known; use %s", tier, strings.Join(tiers(), ", ")))
		}
	}
	return faults
}

// load fills in what the flags left open, and reports every fault at once.
func (c *Config) load(file string) error {
	var fromEnv, fromFile Config
	var faults []error
	if err := env.Parse(&fromEnv); err != nil {
		faults = append(faults, err)
	}
	if file == "" {
		file = os.Getenv("ADBRIDGE_CONFIG")
	}
	if file != "" {
		if err := readYAML(file, &fromFile); err != nil {
			faults = append(faults, err)
		}
	}
	defaults := Config{Listen: defaultListen, DB: defaultDB, LogLevel: defaultLogLevel, LogFormat: defaultLogFormat,
		ScimRate: defaultScimRate, LogRetention: defaultRetention, HistoryRetention: defaultHistory, TikTokTier: defaultTier, MetaAPIVersion: meta.Version}
	for _, from := range []Config{fromEnv, fromFile, defaults} {
		c.fill(from)
	}
	c.Key = bridge.NewSecret(os.Getenv("ADBRIDGE_KEY"))
	if c.PublicURL == "" {
		c.PublicURL = publicURL(c.Listen)
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	return errors.Join(append(faults, c.faults()...)...)
}

// fill takes from another configuration what this one leaves open.
func (c *Config) fill(from Config) {
	for _, f := range []struct{ to, from *string }{
		{&c.Listen, &from.Listen}, {&c.DB, &from.DB}, {&c.PublicURL, &from.PublicURL},
		{&c.KeyFile, &from.KeyFile}, {&c.LogLevel, &from.LogLevel}, {&c.LogFormat, &from.LogFormat},
		{&c.ScimRate, &from.ScimRate}, {&c.TrustedProxy, &from.TrustedProxy}, {&c.LogRetention, &from.LogRetention},
		{&c.HistoryRetention, &from.HistoryRetention},
		{&c.TikTokTier, &from.TikTokTier}, {&c.MetaAPIVersion, &from.MetaAPIVersion},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
}

func readYAML(file string, into *Config) error {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("config: %s is not there", file)
	}
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(b, into, yaml.Strict()); err != nil {
		return fmt.Errorf("config: %s: %s", file, yaml.FormatError(err, false, true))
	}
	return nil
}

// publicURL is the address that people on this machine can use.
func publicURL(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return ""
	}
	if host == "" || net.ParseIP(host) != nil && net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// faults lists everything that is wrong, each with its fix.
func (c *Config) faults() []error {
	var faults []error
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		faults = append(faults, fmt.Errorf("listen: %q is not host:port; use for example 127.0.0.1:8080 or :8080", c.Listen))
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		faults = append(faults, fmt.Errorf("public-url: %q is not an address; use for example https://scim.corp.example", c.PublicURL))
	}
	faults = append(faults, c.tierFaults()...)
	if err := (meta.Options{Version: c.MetaAPIVersion}).Validate(); err != nil {
		faults = append(faults, fmt.Errorf("meta-api-version: %w", err))
	}
	switch c.LogLevel {
	case "debug", "info", "warn", "error":
	default:
		faults = append(faults, fmt.Errorf("log-level: %q is not known; use debug, info, warn or error", c.LogLevel))
	}
	switch c.LogFormat {
	case "json", "text":
	default:
		faults = append(faults, fmt.Errorf("log-format: %q is not known; use json or text", c.LogFormat))
	}
	if _, _, err := parseRate(c.ScimRate); err != nil {
		faults = append(faults, err)
	}
	if _, err := parseProxies(c.TrustedProxy); err != nil {
		faults = append(faults, err)
	}
	if _, err := parseAge(c.LogRetention); err != nil {
		faults = append(faults, fmt.Errorf("log-retention: %w", err))
	}
	switch d, err := parseAge(c.HistoryRetention); {
	case err != nil:
		faults = append(faults, fmt.Errorf("history-retention: %w", err))
	case d > 0 && d < leastHistory:
		faults = append(faults, fmt.Errorf("history-retention: %s is too short; give 31d or more, or 0 to keep everything", c.HistoryRetention))
	}
	return faults
}

// parseRate reads "1000:10000": requests a second, and how many at once; 0 sets no limit.
func parseRate(s string) (perSecond float64, burst int, err error) {
	rate, many, given := strings.Cut(s, ":")
	if perSecond, err = strconv.ParseFloat(rate, 64); err == nil {
		if burst = int(math.Ceil(4 * perSecond)); given {
			burst, err = strconv.Atoi(many)
		}
	}
	if err != nil || !(perSecond >= 0 && perSecond <= 1e6) || burst < 0 || perSecond > 0 && burst < 1 {
		return 0, 0, fmt.Errorf("scim-rate: %q is not a rate; give requests a second and how many at once, such as %s, or 0 for no limit", s, defaultScimRate)
	}
	return perSecond, burst, nil
}

// parseProxies reads a list of CIDRs.
func parseProxies(s string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for one := range strings.SplitSeq(s, ",") {
		if strings.TrimSpace(one) == "" {
			continue
		}
		p, err := reconcile.ParsePrefix(one)
		if err != nil {
			return nil, fmt.Errorf("trusted-proxy: %w", err)
		}
		out = append(out, p)
	}
	return out, nil
}

// parseAge reads a duration that may be in days.
func parseAge(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time such as 30d or 12h", s)
	}
	return d, nil
}

// retention is how long a line of the provisioning log is kept; 0: for ever.
func (c *Config) retention() time.Duration {
	d, _ := parseAge(c.LogRetention) // checked when it was loaded; a demo has none
	return d
}

// leastHistory is the shortest time for which history is kept: guards look a day
// back, people a month.
const leastHistory = 31 * 24 * time.Hour

// historyRetention is how long plans, pulls and reports are kept; 0: for ever.
func (c *Config) historyRetention() time.Duration {
	d, _ := parseAge(c.HistoryRetention) // checked when it was loaded; a demo has none
	return d
}

// keyFile is the file that holds the sealing key: beside a SQLite database,
// else in the working directory.
func (c *Config) keyFile() string {
	if c.KeyFile != "" {
		return c.KeyFile
	}
	path, isURL := strings.CutPrefix(c.DB, "sqlite:")
	if !isURL && strings.Contains(path, "://") {
		return "adbridge.key"
	}
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".key"
}
