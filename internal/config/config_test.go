package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/config"
	"chelal/internal/ratelimit"
)

const key = "Zk3-vT9wQ1mB7xN5cR2pL8sD6fH4gJ0y"

func load(t *testing.T, vars map[string]string) (config.Config, error) {
	t.Helper()
	return config.Load(func(name string) string { return vars[name] }, filepath.Join(t.TempDir(), "none"))
}

func TestDefaults(t *testing.T) {
	c, err := load(t, nil)
	require.NoError(t, err)
	require.True(t, c.Debug)
	require.True(t, c.StrictBodies)
	require.Equal(t, "postgres://postgres:@localhost:5432/chelal_hms", string(c.DatabaseURL))
	require.Equal(t, c.DatabaseURL, c.DirectURL)
	require.Equal(t, "127.0.0.1:8000", c.ListenAddress)
	require.Equal(t, []string{"http://localhost:3000", "http://127.0.0.1:3000"}, c.CORSOrigins)
	require.Equal(t, int64(1<<20), c.MaxBody)
	require.Equal(t, ratelimit.Limit{PerSecond: 200, Burst: 2000}, c.AddressLimit)
	require.Equal(t, ratelimit.Limit{PerSecond: 20, Burst: 400}, c.UserLimit)
	require.Equal(t, 15*time.Minute, c.AccessLifetime)
	require.Equal(t, 7*24*time.Hour, c.RefreshLifetime)
	require.Equal(t, time.UTC, c.Zone)
	require.Equal(t, "text", c.LogFormat)
	require.Equal(t, "media", c.MediaRoot)
	require.Nil(t, c.MediaBucket)
	require.ErrorContains(t, c.ForServing(), "SECRET_KEY is not set")
}

func TestSecretsInFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(key+"\n"), 0o600))
	c, err := load(t, map[string]string{"SECRET_KEY_FILE": file, "DB_PASSWORD_FILE": file})
	require.NoError(t, err)
	require.Equal(t, key, string(c.SecretKey))
	require.Contains(t, string(c.DatabaseURL), key)
	c, err = load(t, map[string]string{"SECRET_KEY_FILE": file, "SECRET_KEY": key + "-itself"})
	require.NoError(t, err)
	require.Equal(t, key+"-itself", string(c.SecretKey), "the variable wins")
	_, err = load(t, map[string]string{"SECRET_KEY_FILE": file + "-not"})
	require.ErrorContains(t, err, "SECRET_KEY_FILE names a file that cannot be read")
}

func TestProduction(t *testing.T) {
	c, err := load(t, map[string]string{
		"DEBUG": "False", "SECRET_KEY": key, "SECRET_KEY_OLD": strings.ToLower(key) + " , " + key,
		"TRUSTED_PROXIES": "10.1.2.3/8, ::1", "HOSPITAL_TIME_ZONE": "Africa/Nairobi", "LOG_LEVEL": "warn",
		"ALLOWED_HOSTS": "hospital.example, *", "CORS_ALLOWED_ORIGINS": "https://desk.hospital.example",
	})
	require.NoError(t, err)
	require.NoError(t, c.ForServing())
	require.Len(t, c.SecretKeyOld, 2)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}, c.TrustedProxies)
	require.Equal(t, "Africa/Nairobi", c.Zone.String())
	require.Equal(t, []string{"hospital.example", "*"}, c.AllowedHosts)
	require.Equal(t, []string{"https://desk.hospital.example"}, c.CORSOrigins)
	require.Equal(t, "json", c.LogFormat)
	require.Equal(t, slog.LevelWarn, c.LogLevel)
}

func TestNoOriginsInProduction(t *testing.T) {
	c, err := load(t, map[string]string{"DEBUG": "0"})
	require.NoError(t, err)
	require.Empty(t, c.CORSOrigins)
}

func TestDatabaseURLs(t *testing.T) {
	for name, test := range map[string]struct {
		vars             map[string]string
		database, direct string
	}{
		"parts": {map[string]string{"DB_USER": "u", "DB_PASSWORD": "p/@ß", "DB_HOST": "db", "DB_PORT": "6432", "DB_NAME": "h"},
			"postgres://u:p%2F%40%C3%9F@db:6432/h", ""},
		"socket": {map[string]string{"DB_HOST": "/var/run/postgresql"},
			"postgres://postgres:@/chelal_hms?host=%2Fvar%2Frun%2Fpostgresql&port=5432", ""},
		"url wins": {map[string]string{"DB_HOST": "db", "DB_PORT": "nonsense", "DATABASE_URL": "postgresql://other/h"},
			"postgresql://other/h", ""},
		"direct": {map[string]string{"DATABASE_URL": "postgres://pooler/h", "DIRECT_DATABASE_URL": "postgres://db/h"},
			"postgres://pooler/h", "postgres://db/h"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, test.vars)
			require.NoError(t, err)
			require.Equal(t, test.database, string(c.DatabaseURL))
			if test.direct == "" {
				test.direct = test.database
			}
			require.Equal(t, test.direct, string(c.DirectURL))
		})
	}
}

func TestMediaBucket(t *testing.T) {
	for value, want := range map[string]config.Bucket{
		"s3://key:a%2Bb%2Fc@s3.eu-west-1.example/images?region=eu-west-1": {Endpoint: "s3.eu-west-1.example", TLS: true, Region: "eu-west-1",
			Name: "images", AccessKey: "key", SecretKey: "a+b/c"},
		"s3://key:hunter2@127.0.0.1:9000/images/hospital/one/?tls=false": {Endpoint: "127.0.0.1:9000", Name: "images", Prefix: "hospital/one/",
			AccessKey: "key", SecretKey: "hunter2"},
	} {
		c, err := load(t, map[string]string{"MEDIA_URL": value, "MEDIA_ROOT": "/srv/media"})
		require.NoError(t, err)
		require.Equal(t, want, *c.MediaBucket)
		require.Equal(t, "/srv/media", c.MediaRoot)
		require.NotContains(t, fmt.Sprintf("%+v %+v", c, *c.MediaBucket), string(want.SecretKey))
	}
}

func TestProblemsNameTheirVariable(t *testing.T) {
	for name, values := range map[string][]string{
		"DEBUG":                  {"maybe"},
		"SECRET_KEY":             {"short"},
		"SECRET_KEY_OLD":         {key + ",short"},
		"DATABASE_URL":           {"host=db", "mysql://db/h", "postgres://u:hunter2@db:port/h", "postgres://db/h?sslmode=hunter2"},
		"DIRECT_DATABASE_URL":    {"db/h"},
		"REDIS_URL":              {"localhost:6379", "http://redis", "redis://", "redis://:hunter2@redis:port"},
		"LISTEN_ADDR":            {"8000", "127.0.0.1:99999"},
		"DB_PORT":                {"0", "x"},
		"ALLOWED_HOSTS":          {"https://hospital.example", "*.hospital.example"},
		"CORS_ALLOWED_ORIGINS":   {"*", "hospital.example", "https://hospital.example/", "https://Hospital.example"},
		"TRUSTED_PROXIES":        {"proxy", "10.0.0.0/33"},
		"HOSPITAL_TIME_ZONE":     {"Nairobi", "Local"},
		"ACCESS_TOKEN_LIFETIME":  {"15", "0s", "-1m"},
		"REFRESH_TOKEN_LIFETIME": {"7d"},
		"STRICT_BODIES":          {"2"},
		"MAX_BODY_BYTES":         {"0", "1MiB"},
		"MEDIA_URL": {"/media/", "file:///media", "https://key:hunter2@s3.example/b", "s3://s3.example/b", "s3://key@s3.example/b", "s3://key:hunter2@s3.example/",
			"s3://key:hunter2@s3.example/b?tls=perhaps", "s3://key:hunter2@s3.example/b?acl=public", "s3://key:hunter2/x@s3.example/b"},
		"EMAIL_URL":           {"mail.example", "https://mail.example", "smtp://u:hunter2@mail.example?tls=none", "smtp://u:hunter2@mail.example?tls=perhaps"},
		"EMAIL_FROM":          {"the desk"},
		"RATE_LIMIT_IP":       {"-1", "100/s", "NaN", "1e300"},
		"RATE_LIMIT_IP_BURST": {"0", "3000000000"},
		"RATE_LIMIT_USER":     {"many"},
		"LOG_FORMAT":          {"xml"},
		"LOG_LEVEL":           {"loud"},
	} {
		for _, value := range values {
			vars := map[string]string{name: value}
			switch name { // either is of use with the other alone
			case "EMAIL_URL":
				vars["EMAIL_FROM"] = "desk@hospital.example"
			case "EMAIL_FROM":
				vars["EMAIL_URL"] = "smtp://mail.example"
			}
			_, err := load(t, vars)
			require.ErrorContains(t, err, name+" ", value)
			require.NotContains(t, err.Error(), "hunter2")
		}
	}
}

func TestMailServer(t *testing.T) {
	c, err := load(t, map[string]string{"EMAIL_URL": "smtp://u:hunter2@mail.example", "EMAIL_FROM": "Desk <desk@hospital.example>"})
	require.NoError(t, err)
	require.Equal(t, "smtp://u:hunter2@mail.example", string(c.EmailURL))
	require.NotContains(t, fmt.Sprintf("%+v", c), "hunter2")
	c, err = load(t, nil)
	require.NoError(t, err)
	require.Empty(t, c.EmailURL)
}

func TestEveryProblemAtOnce(t *testing.T) {
	_, err := load(t, map[string]string{"DEBUG": "off", "SECRET_KEY": "django-insecure-" + key, "DB_PORT": "x", "LOG_LEVEL": "loud"})
	var joined interface{ Unwrap() []error }
	require.True(t, errors.As(err, &joined))
	require.Len(t, joined.Unwrap(), 3)
	require.NotContains(t, err.Error(), key)
}

func TestWellKnownKeys(t *testing.T) {
	for _, value := range []string{"change-me-before-going-to-production", strings.Repeat("ab", 20), "your-secret-key-of-some-length-here"} {
		_, err := load(t, map[string]string{"DEBUG": "false", "SECRET_KEY": value})
		require.ErrorContains(t, err, "SECRET_KEY is a well-known default", value)
		_, err = load(t, map[string]string{"SECRET_KEY": value})
		require.NoError(t, err, "while developing")
	}
}

// TestProductionRefuses holds that what is unsafe for a hospital is refused there, all of
// it at once, and let pass while developing.
func TestProductionRefuses(t *testing.T) {
	unsafe := map[string]string{
		"SECRET_KEY": "django-insecure-" + key, "SECRET_KEY_OLD": "change-me-before-going-to-production", "TRUSTED_PROXIES": "10.0.0.1, ::/0",
	}
	_, err := load(t, unsafe)
	require.NoError(t, err)
	unsafe["DEBUG"] = "false"
	_, err = load(t, unsafe)
	for name := range unsafe {
		if name != "DEBUG" {
			require.ErrorContains(t, err, name+" ")
		}
	}
	require.Len(t, strings.Split(err.Error(), "\n"), 3)
}

func TestEnvFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".env")
	require.NoError(t, os.WriteFile(path, []byte("# the hospital\nDB_NAME=file\nDB_USER='file'\n"), 0o600))
	vars := map[string]string{"DB_NAME": "environment", "DB_USER": ""}
	c, err := config.Load(func(name string) string { return vars[name] }, path)
	require.NoError(t, err)
	require.Equal(t, "postgres://file:@localhost:5432/environment", string(c.DatabaseURL))

	require.NoError(t, os.WriteFile(path, []byte("SECRET_KEY="+key+"\nhunter2 hunter2\n"), 0o600))
	_, err = config.Load(func(string) string { return "" }, path)
	require.ErrorContains(t, err, path)
	require.NotContains(t, err.Error(), "hunter2")
}

func TestSecretsNeverPrint(t *testing.T) {
	c, err := load(t, map[string]string{"SECRET_KEY": key, "SECRET_KEY_OLD": key, "DATABASE_URL": "postgres://u:" + key + "@db/h"})
	require.NoError(t, err)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, c)
		fmt.Fprintf(&out, verb, &c)
		fmt.Fprintf(&out, verb, c.SecretKey)
	}
	text, err := json.Marshal(c)
	require.NoError(t, err)
	out.Write(text)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("config", "config", c, "key", c.SecretKey, "old", c.SecretKeyOld)
	}
	fmt.Fprint(&out, fmt.Errorf("wrapped: %w", fmt.Errorf("%v", c)))
	require.NotContains(t, out.String(), key)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", key))
	require.Contains(t, out.String(), "(secret)")
}
