package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"chelal/internal/apperr"
	"chelal/internal/change"
	"chelal/internal/pg"
)

// statuses is the only place that knows which status a kind of error has.
var statuses = map[apperr.Kind]int{
	apperr.Internal:        http.StatusInternalServerError,
	apperr.Invalid:         http.StatusBadRequest,
	apperr.Unauthenticated: http.StatusUnauthorized,
	apperr.Forbidden:       http.StatusForbidden,
	apperr.NotFound:        http.StatusNotFound,
	apperr.NoMethod:        http.StatusMethodNotAllowed,
	apperr.Conflict:        http.StatusConflict,
	apperr.Stale:           http.StatusPreconditionFailed,
	apperr.TooLarge:        http.StatusRequestEntityTooLarge,
	apperr.Unsupported:     http.StatusUnsupportedMediaType,
	apperr.Mismatch:        http.StatusUnprocessableEntity,
	apperr.TooMany:         http.StatusTooManyRequests,
	apperr.Unavailable:     http.StatusServiceUnavailable,
}

// statusLeft is logged, in the words of nginx's log, for a caller who left before the answer.
const statusLeft = 499

type fieldProblem struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// writeProblem answers an error as application/problem+json (RFC 9457).
func (h *handlers) writeProblem(err error, c echo.Context) {
	if c.Response().Committed {
		h.Log.Error("the answer broke off", slog.String("request_id", requestID(c)), slog.Any("error", err))
		return
	}
	if errors.Is(err, context.Canceled) { // which is no failure, and nobody would read that it was one
		c.Response().WriteHeader(statusLeft)
		return
	}
	e := known(err)
	status := statuses[e.Kind]
	switch e.Kind {
	case apperr.Internal:
		h.Log.Error("internal error", slog.String("request_id", requestID(c)), slog.String("route", c.Path()), slog.Any("error", err))
	case apperr.Unavailable:
		h.Log.Warn("a service is away", slog.String("request_id", requestID(c)), slog.String("route", c.Path()), slog.Any("error", err))
	}
	header := c.Response().Header()
	switch e.Kind {
	case apperr.Unauthenticated:
		header.Set("WWW-Authenticate", `Bearer realm="api"`)
	case apperr.TooMany, apperr.Unavailable:
		header.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(e.RetryAfter.Seconds())))))
	}
	body, err := json.Marshal(problemBody(e, status, requestID(c)))
	if err == nil {
		err = c.Blob(status, "application/problem+json", body)
	}
	if err != nil {
		h.Log.Error("write a problem", slog.String("request_id", requestID(c)), slog.Any("error", err))
	}
}

func problemBody(e *apperr.Error, status int, id string) map[string]any {
	body := map[string]any{
		"type": "/docs/errors/#" + e.Code, "title": http.StatusText(status), "status": status,
		"code": e.Code, "detail": e.Message, "instance": id,
	}
	for name, value := range e.Details {
		body[name] = value
	}
	if len(e.Fields) > 0 {
		fields := make([]fieldProblem, len(e.Fields))
		for i, f := range e.Fields {
			fields[i] = fieldProblem{f.Name, f.Code, f.Message}
		}
		body["errors"] = fields
	}
	return body
}

// known returns err as an error that callers may see.
func known(err error) *apperr.Error {
	if httpErr, ok := errors.AsType[*echo.HTTPError](err); ok {
		return fromEcho(httpErr)
	}
	return apperr.From(pg.Translate(err))
}

// fromEcho translates what the router and the generated binding refuse.
func fromEcho(err *echo.HTTPError) *apperr.Error {
	switch err.Code {
	case http.StatusNotFound:
		return apperr.New(apperr.NotFound, "no_such_path", "There is nothing at this path. The API is described at /docs/.").Because(err)
	case http.StatusMethodNotAllowed:
		return apperr.New(apperr.NoMethod, "method_not_allowed", "This path does not know this method; Allow names those it does.").Because(err)
	case http.StatusUnsupportedMediaType:
		return unsupportedMediaType.Because(err)
	case http.StatusBadRequest:
		return apperr.New(apperr.Invalid, "invalid", "The request is not valid.").Because(err)
	}
	return apperr.From(err)
}

func requestID(c echo.Context) string { return change.OriginFrom(c.Request().Context()).RequestID }
