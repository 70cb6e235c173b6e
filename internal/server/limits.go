package server

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/ratelimit"
)

var tooManyRequests = apperr.New(apperr.TooMany, "too_many_requests",
	"Too many requests in a short time. Repeat this one after Retry-After.")

// limitAddress bounds the requests of one address, before anything is read from the
// database. Behind a proxy that is not trusted every client has the proxy's address.
func (h *handlers) limitAddress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		caller := ratelimit.Network(change.OriginFrom(c.Request().Context()).IP)
		if wait := h.addresses.Take(caller); wait > 0 {
			return limited(wait)
		}
		return next(c)
	}
}

// limitUser bounds the requests of one user, whatever address they come from. What the
// program asks itself is no request of the user's.
func (h *handlers) limitUser(r *http.Request, p authn.Principal) error {
	if isInside(r) {
		return nil
	}
	if wait := h.users.Take(p.UserID); wait > 0 {
		return limited(wait)
	}
	return nil
}

func limited(wait time.Duration) error { return tooManyRequests.After(wait) }
