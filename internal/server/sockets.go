package server

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/realtime"
)

// mountSockets serves what the contract describes under the tag live.
func (h *handlers) mountSockets(e *echo.Echo) {
	e.GET("/ws/notifications/", h.listen(realtime.Notifications))
	e.GET("/ws/notifications/:user_id/", h.listen(realtime.Notifications))
	e.GET("/ws/appointments/", h.listen(realtime.Appointments))
	e.GET("/ws/dashboard/", h.listen(realtime.Dashboard))
}

// listen opens a socket. What is refused is refused before, as everywhere.
func (h *handlers) listen(topic realtime.Topic) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if err := h.checkOrigin(r); err != nil {
			return err
		}
		asked, err := h.readSocketQuery(r)
		if err != nil {
			return err
		}
		who, err := h.whoListens(r.Context(), r, asked.ticket)
		if err != nil {
			return err
		}
		c.SetRequest(r.WithContext(authn.WithPrincipal(r.Context(), who)))
		if err := h.limitUser(r, who); err != nil {
			return err
		}
		if who.PasswordChangeRequired {
			return passwordChangeRequired
		}
		if !topic.Allows(who) {
			return authz.Refusal
		}
		if len(asked.wrong) > 0 {
			return apperr.InvalidFields(asked.wrong...)
		}
		if id := c.Param("user_id"); id != "" && id != strconv.FormatInt(who.UserID, 10) {
			return apperr.Missing()
		}
		err = h.Live.Serve(c.Response(), r, c.Response().Header(), realtime.Listener{Who: who, Topic: topic, After: asked.after})
		if err == nil {
			c.Response().Status, c.Response().Committed = http.StatusSwitchingProtocols, true
		}
		return err
	}
}

// checkOrigin refuses what a browser asks for a page of another site. Other clients send
// no origin.
func (h *handlers) checkOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(h.CORSOrigins, origin) {
		return nil
	}
	if u, err := url.Parse(origin); err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
		return nil
	}
	return crossOrigin
}

var tokenInURL = apperr.New(apperr.Invalid, "token_in_url",
	"A token does not belong into a URL, which ends up in logs: sign out, for it may be in one. "+
		"Send it as Sec-WebSocket-Protocol: bearer, <token>, or get a ticket from POST /api/ws-ticket/.")

// socketQuery is what a socket's URL says, and what in it is wrong.
type socketQuery struct {
	ticket string
	after  *int64
	wrong  []apperr.Field
}

func (h *handlers) readSocketQuery(r *http.Request) (socketQuery, error) {
	var asked socketQuery
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return asked, malformedQuery.Because(err)
	}
	for name, values := range query {
		value := values[0]
		switch {
		case slices.Contains([]string{"token", "access", "access_token", "bearer", "jwt"}, strings.ToLower(name)):
			return asked, tokenInURL
		case len(values) > 1:
			asked.wrong = append(asked.wrong, apperr.Field{Name: name, Code: "repeated", Message: "Give this parameter once."})
		case name == "ticket":
			asked.ticket = value
		case name == "last_event_id" && value != "":
			id, err := strconv.ParseInt(value, 10, 64)
			if err != nil || id < 0 {
				asked.wrong = append(asked.wrong, apperr.Field{Name: name, Code: "invalid_type", Message: "Send the id of the last message that came."})
			}
			asked.after = &id
		case name != "last_event_id" && h.StrictBodies:
			asked.wrong = append(asked.wrong, apperr.Field{Name: name, Code: "unknown_parameter", Message: "There is no such query parameter."})
		}
	}
	slices.SortFunc(asked.wrong, func(a, b apperr.Field) int { return strings.Compare(a.Name, b.Name) })
	return asked, nil
}

var (
	noListener = apperr.New(apperr.Unauthenticated, "not_authenticated",
		"Sign in first: send the access token as Sec-WebSocket-Protocol: bearer, <token>, or a ticket of POST /api/ws-ticket/.")
	ticketNotValid = apperr.New(apperr.Unauthenticated, "ticket_not_valid",
		"The ticket was used already, is too old, or its session has ended. Get another from POST /api/ws-ticket/.")
)

// whoListens finds out who asks, by a ticket, which is used up, or an access token.
func (h *handlers) whoListens(ctx context.Context, r *http.Request, ticket string) (authn.Principal, error) {
	if ticket != "" {
		used, err := db.New().TicketUse(ctx, h.DB, db.TicketUseParams{Hash: authn.HashTicket(ticket), Purpose: forSocket, Now: h.Now()})
		if isMissing(err) {
			return authn.Principal{}, ticketNotValid.Because(err)
		}
		if err != nil {
			return authn.Principal{}, err
		}
		return h.principal(ctx, authn.Claims{UserID: used.UserID, Session: used.SessionID}, ticketNotValid)
	}
	token, ok := realtime.Token(r)
	if !ok {
		return authn.Principal{}, noListener
	}
	claims, err := h.Tokens.Verify(token)
	if err != nil {
		return authn.Principal{}, err
	}
	return h.principal(ctx, claims, tokenNotValid)
}

// CreateSocketTicket gives the caller a ticket for one socket.
func (h *handlers) CreateSocketTicket(ctx context.Context, _ api.CreateSocketTicketRequestObject) (api.CreateSocketTicketResponseObject, error) {
	ticket, expires, err := h.newTicket(ctx, authn.PrincipalFrom(ctx), forSocket, ticketLifetime)
	return api.CreateSocketTicket200JSONResponse{Ticket: ticket, ExpiresAt: expires}, err
}
