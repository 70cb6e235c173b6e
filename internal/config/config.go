// Package config reads the program's settings from the environment and from a .env
// file, and reports everything that is wrong with them at once.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"time"

	"github.com/joho/godotenv"

	"chelal/internal/ratelimit"
)

// Config is what the environment says, checked. web-docs/configuration.md lists the variables.
type Config struct {
	Debug         bool
	SecretKey     Secret // may be empty; ForServing asks for it
	SecretKeyOld  []Secret
	DatabaseURL   Secret
	DirectURL     Secret // past a connection pooler, for migrations
	ReadURL       Secret // of a replica, for reads that may lag; empty: none
	ReadLag       time.Duration
	RedisURL      Secret // empty: this is the only process
	ListenAddress string
	// MetricsAddress is where Prometheus asks; empty: nowhere.
	MetricsAddress string
	TraceEndpoint  Secret // of an OpenTelemetry collector; empty: none

	AllowedHosts   []string
	CORSOrigins    []string
	TrustedProxies []netip.Prefix
	StrictBodies   bool
	MaxBody        int64
	AddressLimit   ratelimit.Limit
	UserLimit      ratelimit.Limit

	MediaRoot   string  // the folder of uploaded images
	MediaBucket *Bucket // in its place, when it is not nil

	Zone            *time.Location // the hospital's
	AccessLifetime  time.Duration
	RefreshLifetime time.Duration

	EmailURL  Secret // empty: no mail
	EmailFrom string

	LogFormat string // "text" or "json"
	LogLevel  slog.Level
}

// Load reads the settings. A variable that is not set, or empty, is looked up in
// envFile, which need not exist, and has its default where that has none either. The
// error joins every problem, each naming its variable and none quoting a secret.
func Load(getenv func(string) string, envFile string) (Config, error) {
	file, err := godotenv.Read(envFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		// Not the cause: the parser quotes the line, which may hold a secret.
		return Config{}, fmt.Errorf("%s cannot be read: a line is NAME=value, with quotes around a value that has spaces", envFile)
	}
	r := &reader{getenv: getenv, file: file}
	c := r.config()
	return c, errors.Join(r.problems...)
}

func (r *reader) config() Config {
	debug := r.boolean("DEBUG", true)
	format := "json"
	var origins []string
	if debug {
		format = "text"
		origins = []string{"http://localhost:3000", "http://127.0.0.1:3000"}
	}
	database := r.databaseURL()
	emailURL, emailFrom := r.email("EMAIL_URL", "EMAIL_FROM")
	return Config{
		Debug:          debug,
		SecretKey:      r.secretKey("SECRET_KEY", r.text("SECRET_KEY", ""), debug),
		SecretKeyOld:   r.oldKeys("SECRET_KEY_OLD", debug),
		DatabaseURL:    database,
		DirectURL:      r.urlOr("DIRECT_DATABASE_URL", database),
		ReadURL:        r.urlOr("READ_DATABASE_URL", ""),
		ReadLag:        r.duration("READ_MAX_LAG", 10*time.Second),
		RedisURL:       r.service("REDIS_URL", "redis://user:password@host:6379/0, or rediss:// for TLS", "redis", "rediss"),
		ListenAddress:  r.address("LISTEN_ADDR", "127.0.0.1:8000"),
		MetricsAddress: r.optionalAddress("METRICS_ADDR"),
		TraceEndpoint:  r.service("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318", "http", "https"),

		AllowedHosts:   r.hosts("ALLOWED_HOSTS"),
		CORSOrigins:    r.origins("CORS_ALLOWED_ORIGINS", origins),
		TrustedProxies: r.proxies("TRUSTED_PROXIES", debug),
		StrictBodies:   r.boolean("STRICT_BODIES", true),
		MaxBody:        r.number("MAX_BODY_BYTES", 1<<20),
		AddressLimit:   r.limit("RATE_LIMIT_IP", ratelimit.Limit{PerSecond: 200, Burst: 2000}),
		UserLimit:      r.limit("RATE_LIMIT_USER", ratelimit.Limit{PerSecond: 20, Burst: 400}),

		MediaRoot:   r.text("MEDIA_ROOT", DefaultMediaRoot),
		MediaBucket: r.bucket("MEDIA_URL"),

		Zone:            r.zone("HOSPITAL_TIME_ZONE", "UTC"),
		AccessLifetime:  r.duration("ACCESS_TOKEN_LIFETIME", 15*time.Minute),
		RefreshLifetime: r.duration("REFRESH_TOKEN_LIFETIME", 168*time.Hour),

		EmailURL:  emailURL,
		EmailFrom: emailFrom,

		LogFormat: r.choice("LOG_FORMAT", format, "text", "json"),
		LogLevel:  r.level("LOG_LEVEL", slog.LevelInfo),
	}
}

// ForServing reports what the API needs beyond Load: a SECRET_KEY.
func (c Config) ForServing() error {
	if c.SecretKey == "" {
		return errors.New("SECRET_KEY is not set. Make one with: openssl rand -base64 48")
	}
	return nil
}
