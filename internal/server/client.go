package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// clientIP says who the client is: the peer, or behind a configured proxy the address
// that the proxy names. Nobody else's X-Forwarded-For is believed.
func clientIP(h *handlers) echo.IPExtractor {
	if len(h.TrustedProxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, prefix := range h.TrustedProxies {
		_, network, err := net.ParseCIDR(prefix.String())
		if err == nil {
			trust = append(trust, echo.TrustIPRange(network))
		}
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

func remoteAddr(c echo.Context) netip.Addr {
	addr, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// userAgent is what the client calls itself, as PostgreSQL can store it.
func userAgent(r *http.Request) string {
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	agent = strings.ReplaceAll(agent, "\x00", "")
	if len(agent) > 500 {
		agent = strings.ToValidUTF8(agent[:500], "")
	}
	return agent
}

// baseURL is the scheme and host by which the client reached this server.
func (h *handlers) baseURL(c echo.Context) string {
	return h.scheme(c.Request()) + "://" + c.Request().Host
}

// scheme is how the client reached this server; a proxy's word counts when it is trusted.
// echo's own Scheme believes the header of anybody.
func (h *handlers) scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err == nil && h.trusts(peer.Addr().Unmap()) && r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https"
	}
	return "http"
}

func (h *handlers) trusts(addr netip.Addr) bool {
	for _, prefix := range h.TrustedProxies {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
