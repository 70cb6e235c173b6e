package config

import (
	"net"
	"net/url"
	"slices"
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

// urlOr is the URL of a database, or another where the variable is not set.
func (r *reader) urlOr(name string, otherwise Secret) Secret {
	if r.text(name, "") == "" {
		return otherwise
	}
	return r.url(name)
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

// service checks the URL of another service, which may be missing. Its text may hold a password, so a
// problem shows nothing of it.
func (r *reader) service(name, example string, schemes ...string) Secret {
	value := r.text(name, "")
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" {
		r.problem(name, "must be a URL as %s", example)
		return ""
	}
	return Secret(value)
}
