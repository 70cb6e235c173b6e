package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/change"
)

const (
	jobsPath = "/river/"
	// jobsCookie is what a browser shows instead of a token, which it cannot send with a page.
	jobsCookie = "chelal_jobs"
	// jobsPass is how long the page stays open; the Admin's session may end before.
	jobsPass = time.Hour
)

// What tickets are for.
const (
	forSocket   = "socket"
	forJobs     = "jobs"
	forJobsPass = "jobs_pass"
)

var jobsNotOpen = apperr.New(apperr.Unauthenticated, "jobs_not_open",
	"This page opens with a link of POST /api/river-ticket/, which works once and within 30 seconds. Get a new one.")

// mountJobs serves the page of the background jobs to Admins, where there is one.
func (h *handlers) mountJobs(e *echo.Echo) {
	if h.Jobs == nil {
		return
	}
	e.GET("/river", func(c echo.Context) error { return c.Redirect(http.StatusMovedPermanently, jobsPath) })
	e.Any(jobsPath+"*", h.serveJobs)
}

// serveJobs shows the page to whoever has a pass, and changes a ticket into one.
func (h *handlers) serveJobs(c echo.Context) error {
	r := c.Request()
	if ticket := c.QueryParam("ticket"); ticket != "" && r.Method == http.MethodGet {
		return h.openJobs(c, ticket)
	}
	cookie, err := r.Cookie(jobsCookie)
	if err != nil {
		return jobsNotOpen.Because(err)
	}
	pass, err := db.New().TicketGet(r.Context(), h.DB, db.TicketGetParams{
		Hash: authn.HashTicket(cookie.Value), Purpose: forJobsPass, Now: h.Now(),
	})
	if isMissing(err) {
		return jobsNotOpen.Because(err)
	}
	if err != nil {
		return err
	}
	who, err := h.admin(r.Context(), authn.Claims{UserID: pass.UserID, Session: pass.SessionID})
	if err != nil {
		return err
	}
	r = r.WithContext(authn.WithPrincipal(r.Context(), who))
	c.SetRequest(r)
	if err := h.limitUser(r, who); err != nil {
		return err
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := h.recordJobs(r); err != nil {
			return err
		}
	}
	// The page sets styles of single elements, and draws arrows as images of its own.
	c.Response().Header().Set("Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "+
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Jobs.ServeHTTP(c.Response(), r)
	return nil
}

// openJobs gives the browser a pass for a ticket, and takes the ticket out of its address.
func (h *handlers) openJobs(c echo.Context, ticket string) error {
	r := c.Request()
	used, err := db.New().TicketUse(r.Context(), h.DB, db.TicketUseParams{Hash: authn.HashTicket(ticket), Purpose: forJobs, Now: h.Now()})
	if isMissing(err) {
		return jobsNotOpen.Because(err)
	}
	if err != nil {
		return err
	}
	who, err := h.admin(r.Context(), authn.Claims{UserID: used.UserID, Session: used.SessionID})
	if err != nil {
		return err
	}
	pass, _, err := h.newTicket(r.Context(), who, forJobsPass, jobsPass)
	if err != nil {
		return err
	}
	c.SetCookie(&http.Cookie{
		Name: jobsCookie, Value: pass, Path: jobsPath, MaxAge: int(jobsPass.Seconds()),
		HttpOnly: true, Secure: h.scheme(r) == "https", SameSite: http.SameSiteStrictMode,
	})
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusSeeOther, jobsPath)
}

// admin answers who has a session, provided that this is an Admin now.
func (h *handlers) admin(ctx context.Context, claims authn.Claims) (authn.Principal, error) {
	who, err := h.principal(ctx, claims, jobsNotOpen)
	switch {
	case err != nil:
		return who, err
	case who.PasswordChangeRequired:
		return who, passwordChangeRequired
	case !authz.Admin.Allows(who):
		return who, authz.Refusal
	}
	return who, nil
}

// jobsBody bounds what the page sends: ids of jobs, or the settings of a queue.
const jobsBody = 64 << 10

var jobsBodyTooLarge = apperr.New(apperr.TooLarge, "too_large", "The page of the jobs sends at most 64 KiB.")

// recordJobs writes down what an Admin is about to do to jobs.
func (h *handlers) recordJobs(r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, jobsBody+1))
	if err != nil || len(body) > jobsBody {
		return jobsBodyTooLarge.Because(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return h.changes.Do(r.Context(), func(c *change.Change) error {
		return c.Record(audit.Entry{Action: audit.Edit, Object: "job",
			Description: "job: " + r.Method + " " + r.URL.Path + " " + string(bytes.ToValidUTF8(body, []byte("?")))})
	})
}

// ticketLifetime is for the request that follows at once.
const ticketLifetime = 30 * time.Second

func (h *handlers) newTicket(ctx context.Context, who authn.Principal, purpose string, lifetime time.Duration) (string, time.Time, error) {
	ticket, hash := authn.NewTicket()
	expires := h.Now().UTC().Add(lifetime).Truncate(time.Microsecond)
	return ticket, expires, db.New().TicketCreate(ctx, h.DB, db.TicketCreateParams{
		Hash: hash, Purpose: purpose, SessionID: who.Session, UserID: who.UserID, ExpiresAt: expires,
	})
}

// CreateJobsTicket gives an Admin the address at which the page of the jobs opens.
func (h *handlers) CreateJobsTicket(ctx context.Context, _ api.CreateJobsTicketRequestObject) (api.CreateJobsTicketResponseObject, error) {
	ticket, expires, err := h.newTicket(ctx, authn.PrincipalFrom(ctx), forJobs, ticketLifetime)
	return api.CreateJobsTicket200JSONResponse{
		URL: addressFrom(ctx).base + jobsPath + "?ticket=" + ticket, ExpiresAt: expires,
	}, err
}
