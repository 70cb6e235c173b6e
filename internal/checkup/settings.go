package checkup

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/internal/config"
)

// Problems are the findings on a configuration that config.Load refuses: each problem
// begins with the name of its variable.
func Problems(err error) []Finding {
	if err == nil {
		return nil
	}
	var findings []Finding
	for line := range strings.SplitSeq(err.Error(), "\n") {
		name, problem, _ := strings.Cut(line, " ")
		findings = append(findings, danger(name, problem, "Correct it: the server does not start like this."))
	}
	return findings
}

// Settings looks at a configuration that was loaded.
func Settings(cfg config.Config) []Finding {
	findings := []Finding{
		debug(cfg), secretKey(cfg), allowedHosts(cfg), listenAddress(cfg), trustedProxies(cfg), strictBodies(cfg),
		accessLifetime(cfg), refreshLifetime(cfg), maxBody(cfg), rateLimits(cfg), pictures(cfg), mails(cfg), connection("DATABASE_URL", cfg.DatabaseURL),
	}
	if cfg.DirectURL != cfg.DatabaseURL {
		findings = append(findings, connection("DIRECT_DATABASE_URL", cfg.DirectURL))
	}
	if cfg.ReadURL != "" {
		findings = append(findings, connection("READ_DATABASE_URL", cfg.ReadURL))
	}
	return append(findings, origins(cfg)...)
}

func debug(cfg config.Config) Finding {
	if cfg.Debug {
		return danger("DEBUG", "is on: well-known keys and unsafe settings are not refused.", "Set DEBUG=false.")
	}
	return ok("DEBUG", "is off.")
}

func secretKey(cfg config.Config) Finding {
	switch {
	case cfg.SecretKey == "":
		return danger("SECRET_KEY", "is not set.", "Make one with: openssl rand -base64 48")
	case cfg.SecretKey.WellKnown():
		return danger("SECRET_KEY", "is a well-known default, with which anybody can sign in as anybody.", "Make one with: openssl rand -base64 48")
	case len(cfg.SecretKeyOld) > 0:
		return warning("SECRET_KEY_OLD", fmt.Sprintf("has %d keys, under which tokens are still good.", len(cfg.SecretKeyOld)),
			"Remove them when nothing is encrypted under them any more.")
	}
	return ok("SECRET_KEY", "is long and not a default.")
}

func allowedHosts(cfg config.Config) Finding {
	for _, host := range cfg.AllowedHosts {
		if host == "*" {
			return warning("ALLOWED_HOSTS", "is *: links in answers have whatever name the request says.", "Name the host names of this server.")
		}
	}
	if len(cfg.AllowedHosts) == 0 {
		return warning("ALLOWED_HOSTS", "is not set: links in answers have whatever name the request says.", "Name the host names of this server.")
	}
	return ok("ALLOWED_HOSTS", strings.Join(cfg.AllowedHosts, ", "))
}

func origins(cfg config.Config) []Finding {
	var findings []Finding
	for _, origin := range cfg.CORSOrigins {
		host, plain := strings.CutPrefix(origin, "http://")
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		switch {
		case plain && isLocal(host) && !cfg.Debug:
			findings = append(findings, warning("CORS_ALLOWED_ORIGINS", origin+" is whatever runs on the user's own machine.", "Remove it."))
		case plain && !isLocal(host):
			findings = append(findings, warning("CORS_ALLOWED_ORIGINS", origin+" is without TLS: whoever is on the line can put a page there.",
				"Serve the front end under https://."))
		}
	}
	if findings == nil {
		return []Finding{ok("CORS_ALLOWED_ORIGINS", fmt.Sprintf("%d origins, none without TLS.", len(cfg.CORSOrigins)))}
	}
	return findings
}

func listenAddress(cfg config.Config) Finding {
	host, _, _ := net.SplitHostPort(cfg.ListenAddress)
	if !isLocal(host) && len(cfg.TrustedProxies) == 0 {
		return warning("LISTEN_ADDR", cfg.ListenAddress+" is reached from other machines, without TLS.",
			"Put a proxy with TLS before it, and name its address in TRUSTED_PROXIES.")
	}
	return ok("LISTEN_ADDR", cfg.ListenAddress)
}

func trustedProxies(cfg config.Config) Finding {
	for _, prefix := range cfg.TrustedProxies {
		switch {
		case prefix.Bits() == 0:
			return danger("TRUSTED_PROXIES", prefix.String()+" is everybody: anybody can pass for any address.", "Name the addresses of the proxies.")
		case !prefix.Addr().IsPrivate() && !prefix.Addr().IsLoopback() && prefix.Addr().BitLen()-prefix.Bits() > 16:
			return warning("TRUSTED_PROXIES", prefix.String()+" holds many addresses that are not yours.", "Name the addresses of the proxies.")
		}
	}
	if len(cfg.TrustedProxies) == 0 {
		return ok("TRUSTED_PROXIES", "nobody's X-Forwarded-For is believed.")
	}
	return ok("TRUSTED_PROXIES", fmt.Sprintf("%d networks.", len(cfg.TrustedProxies)))
}

func strictBodies(cfg config.Config) Finding {
	if !cfg.StrictBodies {
		return warning("STRICT_BODIES", "is off: a property with a typing error is dropped without a word.", "Set it to true once the front end sends only what the contract knows.")
	}
	return ok("STRICT_BODIES", "is on.")
}

func accessLifetime(cfg config.Config) Finding {
	if cfg.AccessLifetime > 24*time.Hour {
		return warning("ACCESS_TOKEN_LIFETIME", cfg.AccessLifetime.String()+" is long for a stolen token.", "Use an hour or less; front ends refresh tokens by themselves.")
	}
	return ok("ACCESS_TOKEN_LIFETIME", cfg.AccessLifetime.String())
}

func refreshLifetime(cfg config.Config) Finding {
	if cfg.RefreshLifetime > 31*24*time.Hour {
		return warning("REFRESH_TOKEN_LIFETIME", cfg.RefreshLifetime.String()+" is long for a lost device.", "Use a month or less.")
	}
	return ok("REFRESH_TOKEN_LIFETIME", cfg.RefreshLifetime.String())
}

func maxBody(cfg config.Config) Finding {
	if cfg.MaxBody > 64<<20 {
		return warning("MAX_BODY_BYTES", fmt.Sprintf("%d MiB of every request are held in memory.", cfg.MaxBody>>20), "Use a few MiB.")
	}
	return ok("MAX_BODY_BYTES", fmt.Sprint(cfg.MaxBody))
}

func rateLimits(cfg config.Config) Finding {
	if cfg.AddressLimit.PerSecond == 0 || cfg.UserLimit.PerSecond == 0 {
		return warning("RATE_LIMIT_IP, RATE_LIMIT_USER", "one of them is 0: nothing bounds how much one client may ask.", "Remove the variable for its default.")
	}
	return ok("RATE_LIMIT_IP, RATE_LIMIT_USER", fmt.Sprintf("%g and %g requests a second.", cfg.AddressLimit.PerSecond, cfg.UserLimit.PerSecond))
}

// pictures looks at where uploaded images are kept. A folder that is not there yet is made
// with the first one.
func pictures(cfg config.Config) Finding {
	if b := cfg.MediaBucket; b != nil {
		host, _, err := net.SplitHostPort(b.Endpoint)
		if err != nil {
			host = b.Endpoint
		}
		if !b.TLS && !isLocal(host) {
			return warning("MEDIA_URL", "images, and the signatures of requests, cross the network to "+b.Endpoint+" in clear text.", "Remove tls=false.")
		}
		return ok("MEDIA_URL", "images are kept in the bucket "+b.Name+" at "+b.Endpoint+".")
	}
	info, err := os.Stat(cfg.MediaRoot)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ok("MEDIA_ROOT", cfg.MediaRoot+" is made when the first image comes.")
	case err != nil || !info.IsDir():
		return danger("MEDIA_ROOT", cfg.MediaRoot+" is no folder that can be opened, so that no image can be stored.", "Name a folder that the server may write to.")
	case info.Mode().Perm()&0o007 != 0:
		return warning("MEDIA_ROOT", cfg.MediaRoot+" may be read by every user of this machine.", "chmod 750 "+cfg.MediaRoot)
	}
	return ok("MEDIA_ROOT", "images are kept in "+cfg.MediaRoot+".")
}

// mails looks at the way to the mail server. config.Load refuses a password in clear text.
func mails(cfg config.Config) Finding {
	u, err := url.Parse(string(cfg.EmailURL))
	switch {
	case cfg.EmailURL == "" || err != nil:
		return warning("EMAIL_URL", "is not set: no patient is told of an appointment by e-mail, nor reminded of it.", "Name a mail server.")
	case u.Query().Get("tls") == "none" && !isLocal(u.Hostname()):
		return warning("EMAIL_URL", "patients' names and appointments cross the network to "+u.Hostname()+" in clear text.", "Remove tls=none.")
	}
	return ok("EMAIL_URL", "mails go to "+u.Hostname()+".")
}

// connection looks at the way to the database. A name without a dot is one of this
// machine's own network, as compose makes it.
func connection(name string, address config.Secret) Finding {
	parsed, err := pgxpool.ParseConfig(string(address))
	if err != nil {
		return danger(name, "is not a database URL.", "See web-docs/configuration.md.")
	}
	c := parsed.ConnConfig
	plain := c.TLSConfig == nil
	for _, other := range c.Fallbacks {
		plain = plain || other.TLSConfig == nil && other.Host == c.Host
	}
	addr, addrErr := netip.ParseAddr(c.Host)
	near := addrErr == nil && addr.IsPrivate() || addrErr != nil && !strings.Contains(c.Host, ".")
	const advice = "Add ?sslmode=verify-full, with sslrootcert where the certificate is your own."
	switch {
	case strings.HasPrefix(c.Host, "/") || isLocal(c.Host):
		return ok(name, "the database is on this machine.")
	case plain && near:
		return warning(name, "patients' data may cross the network to "+c.Host+" in clear text.", advice)
	case plain:
		return danger(name, "patients' data may travel to "+c.Host+" in clear text.", advice)
	case c.TLSConfig.InsecureSkipVerify && c.TLSConfig.VerifyPeerCertificate == nil:
		return warning(name, "TLS to "+c.Host+" takes anybody's certificate.", advice)
	}
	return ok(name, "TLS to "+c.Host+" with a certificate that is checked.")
}

func isLocal(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// EnvFile looks at who may read the file with the settings.
func EnvFile(path string) []Finding {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return []Finding{warning(path, "cannot be looked at.", "See who may read it.")}
	case info.Mode().Perm()&0o007 != 0:
		return []Finding{danger(path, "may be read by every user of this machine.", "chmod 600 "+path)}
	}
	return []Finding{ok(path, "is not for everybody on this machine.")}
}
