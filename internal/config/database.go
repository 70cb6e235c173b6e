package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// databaseURL is DATABASE_URL, or made of the DB_ variables.
func (r *reader) databaseURL() Secret {
	if r.text("DATABASE_URL", "") != "" {
		return r.url("DATABASE_URL")
	}
	port := r.text("DB_PORT", "5432")
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		r.problem("DB_PORT", "must be a port from 1 to 65535, not %q", port)
		port = "5432"
	}
	host := r.text("DB_HOST", "localhost")
	u := url.URL{
		Scheme: "postgres",
		User:   url.UserPassword(r.text("DB_USER", "postgres"), r.text("DB_PASSWORD", "")),
		Host:   net.JoinHostPort(host, port),
		Path:   "/" + r.text("DB_NAME", "chelal_hms"),
	}
	if strings.HasPrefix(host, "/") { // the folder of a Unix socket
		u.Host = ""
		u.RawQuery = url.Values{"host": {host}, "port": {port}}.Encode()
	}
	return Secret(u.String())
}

func (r *reader) directURL(database Secret) Secret {
	if r.text("DIRECT_DATABASE_URL", "") == "" {
		return database
	}
	return r.url("DIRECT_DATABASE_URL")
}

func (r *reader) readURL() Secret {
	if r.text("READ_DATABASE_URL", "") == "" {
		return ""
	}
	return r.url("READ_DATABASE_URL")
}

// url checks a database URL. Its text may hold a password, so a problem shows nothing of it.
func (r *reader) url(name string) Secret {
	value := r.text(name, "")
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		r.problem(name, "must be a URL as postgres://user:password@host:5432/database, with %%-escapes for signs such as / or @ in the password")
		return ""
	}
	if _, err := pgxpool.ParseConfig(value); err != nil {
		r.problem(name, "holds an option that is not understood, or a service or file of a PG variable is missing")
		return ""
	}
	return Secret(value)
}

// redisURL checks a URL of Redis. Its text may hold a password, so a problem shows nothing of it.
func (r *reader) redisURL(name string) Secret {
	value := r.text(name, "")
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Host == "" {
		r.problem(name, "must be a URL as redis://user:password@host:6379/0, or rediss:// for TLS")
		return ""
	}
	return Secret(value)
}

// endpoint checks a URL of HTTP.
func (r *reader) endpoint(name string) Secret {
	value := r.text(name, "")
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		r.problem(name, "must be a URL as http://collector:4318")
		return ""
	}
	return Secret(value)
}
