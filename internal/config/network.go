package config

import (
	"errors"
	"math"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"chelal/internal/mail"
	"chelal/internal/ratelimit"
)

// address checks host:port. The host may be empty, for every address of the machine.
func (r *reader) address(name, fallback string) string {
	value := r.text(name, fallback)
	_, port, err := net.SplitHostPort(value)
	if _, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil {
		r.problem(name, "must be host:port, as 127.0.0.1:8000, not %q", value)
		return fallback
	}
	return value
}

func (r *reader) optionalAddress(name string) string {
	if r.text(name, "") == "" {
		return ""
	}
	return r.address(name, "")
}

// hosts checks names that are compared with the request's host, without its port.
func (r *reader) hosts(name string) []string {
	all := r.list(name)
	for _, host := range all {
		if strings.ContainsAny(host, "/ ") || strings.Contains(host, "*") && host != "*" {
			r.problem(name, "must be host names separated by commas, or * for any, not %q", host)
		}
	}
	return all
}

// origins checks what browsers send as Origin, letter by letter.
func (r *reader) origins(name string, fallback []string) []string {
	all := r.list(name)
	if all == nil {
		return fallback
	}
	for _, origin := range all {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
			u.Scheme+"://"+strings.ToLower(u.Host) != origin {
			r.problem(name, "must be origins separated by commas, as https://hospital.example without a slash at the end, not %q", origin)
		}
	}
	return all
}

// proxies reads the networks of proxies. While DEBUG is off it refuses everybody's: then
// anybody could pass for any address, and no limit would hold.
func (r *reader) proxies(name string, debug bool) []netip.Prefix {
	all := r.prefixes(name)
	for _, prefix := range all {
		if prefix.Bits() == 0 && !debug {
			r.problem(name, "must not hold %s, which is everybody; name the addresses of the proxies", prefix)
		}
	}
	return all
}

// email reads the mail server and whom mails come from; without the one there is no other.
func (r *reader) email(name, fromName string) (Secret, string) {
	address, from := r.text(name, ""), r.text(fromName, "")
	if address == "" {
		return "", from
	}
	if _, err := mail.New(address, from); errors.Is(err, mail.ErrFrom) {
		r.problem(fromName, "%w", err)
	} else if err != nil {
		r.problem(name, "%w", err)
	}
	return Secret(address), from
}

// prefixes reads addresses and networks.
func (r *reader) prefixes(name string) []netip.Prefix {
	var all []netip.Prefix
	for _, value := range r.list(name) {
		if addr, err := netip.ParseAddr(value); err == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			all = append(all, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(value)
		if err != nil {
			r.problem(name, "must be addresses or networks separated by commas, as 10.0.0.0/8, not %q", value)
			continue
		}
		all = append(all, prefix.Masked())
	}
	return all
}

// limit reads the requests a second of NAME, and the requests at once of NAME_BURST.
func (r *reader) limit(name string, fallback ratelimit.Limit) ratelimit.Limit {
	value := r.text(name, strconv.FormatFloat(fallback.PerSecond, 'f', -1, 64))
	rate, err := strconv.ParseFloat(value, 64)
	if err != nil || !(rate >= 0 && rate <= math.MaxInt32) {
		r.problem(name, "must be requests a second, or 0 for no limit, not %q", value)
		return fallback
	}
	burst := r.number(name+"_BURST", int64(fallback.Burst))
	if burst > math.MaxInt32 {
		r.problem(name+"_BURST", "must be at most %d", math.MaxInt32)
		return fallback
	}
	return ratelimit.Limit{PerSecond: rate, Burst: int(burst)}
}
