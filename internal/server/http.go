package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/tracing"
)

// requestTime is how long one request may work on the database.
const requestTime = 30 * time.Second

// newEcho lists the middleware in the order in which a request meets it.
func newEcho(h *handlers) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = h.writeProblem
	e.IPExtractor = clientIP(h)
	e.Pre(slashed)
	e.Use(
		h.identify,
		traceRequest,
		middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true, DisableErrorHandler: true}),
		h.logRequest,
		h.securityHeaders,
		h.checkHost,
		middleware.CORSWithConfig(h.cors()),
		h.limitAddress,
		h.refuseCrossOrigin(),
		limitTime,
	)
	return e
}

// slashed serves both forms of every path below /api/, with and without the slash. The
// contract writes it, but for the names of documents.
func slashed(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		plain := strings.TrimSuffix(u.Path, "/")
		switch {
		case !strings.HasPrefix(u.Path, "/api/"):
		case strings.HasSuffix(plain, ".pdf"):
			u.Path, u.RawPath = plain, ""
		case plain == u.Path:
			u.Path, u.RawPath = plain+"/", ""
		}
		return next(c)
	}
}

// headAsGet answers HEAD wherever GET is; net/http leaves the body out.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			get := *r
			get.Method = http.MethodGet
			r = &get
		}
		next.ServeHTTP(w, r)
	})
}

// identify gives the request its id and remembers where it comes from.
func (h *handlers) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !isRequestID(id) {
			id = uuid.Must(uuid.NewV7()).String()
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		ctx := change.WithOrigin(c.Request().Context(), change.Origin{
			RequestID: id, IP: remoteAddr(c), UserAgent: userAgent(c.Request()),
		})
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

func isRequestID(s string) bool {
	return len(s) > 0 && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", r)
	})
}

// traceRequest makes the request a span, where somebody collects them.
func traceRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !tracing.On() {
			return next(c)
		}
		r := c.Request()
		ctx, span := tracing.Request(r.Context(), r.Header, r.Method)
		c.SetRequest(r.WithContext(ctx))
		err := next(c)
		tracing.EndRequest(span, r.Method, c.Path(), change.OriginFrom(ctx).RequestID, c.Response().Status)
		return err
	}
}

// logRequest writes one line a request. It names the route, not the path or the query:
// they may hold what identifies a patient.
func (h *handlers) logRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		r, took := c.Request(), time.Since(start)
		if h.Answered != nil {
			h.Answered(r.Method, c.Path(), c.Response().Status, took)
		}
		level := slog.LevelInfo
		if c.Response().Status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		h.Log.LogAttrs(r.Context(), level, "request",
			slog.String("request_id", change.OriginFrom(r.Context()).RequestID),
			slog.String("method", r.Method), slog.String("route", c.Path()), slog.Int("status", c.Response().Status),
			slog.Duration("took", took), slog.Int64("user_id", authn.PrincipalFrom(r.Context()).UserID))
		return nil
	}
}

func (h *handlers) securityHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set("X-Frame-Options", "DENY")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-XSS-Protection", "1; mode=block")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		if h.scheme(c.Request()) == "https" {
			header.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if strings.HasPrefix(c.Request().URL.Path, "/api/") {
			header.Set("Cache-Control", "no-store")
		}
		return next(c)
	}
}

// checkHost refuses names that are not this server's, before they end up in a link.
func (h *handlers) checkHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if len(h.AllowedHosts) == 0 || slices.Contains(h.AllowedHosts, "*") {
			return next(c)
		}
		host := c.Request().Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if !slices.ContainsFunc(h.AllowedHosts, func(allowed string) bool { return strings.EqualFold(allowed, host) }) {
			return apperr.New(apperr.Invalid, "invalid_host", "This server does not answer to this host name; see ALLOWED_HOSTS.")
		}
		return next(c)
	}
}

func (h *handlers) cors() middleware.CORSConfig {
	return middleware.CORSConfig{
		// echo takes an empty list for "every origin".
		AllowOriginFunc: func(origin string) (bool, error) { return slices.Contains(h.CORSOrigins, origin), nil },
		AllowMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
			http.MethodDelete},
		AllowHeaders: []string{"Accept", "Authorization", "Content-Type", "Idempotency-Key", "If-Match",
			"X-Request-Id", "X-Requested-With", "X-CSRFToken"},
		ExposeHeaders:    []string{"Content-Disposition", "ETag", "Retry-After", "X-Request-Id"},
		AllowCredentials: true,
		MaxAge:           86400,
	}
}

var crossOrigin = apperr.New(apperr.Forbidden, "cross_origin",
	"A page of another site may not do this; see CORS_ALLOWED_ORIGINS.")

// refuseCrossOrigin refuses writes that a browser sends for a page of another site.
func (h *handlers) refuseCrossOrigin() echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	for _, origin := range h.CORSOrigins {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			h.Log.Warn("not an origin", slog.String("origin", origin), slog.Any("error", err))
		}
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := protection.Check(c.Request()); err != nil {
				return crossOrigin.Because(err)
			}
			return next(c)
		}
	}
}

func limitTime(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), requestTime)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}
