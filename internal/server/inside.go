package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"chelal/gen/api"
	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/sync"
)

// mountInside serves the operations to the program itself: with all that stands before each
// of them, so that no rule is forgotten, and without what is for requests from outside.
func (h *handlers) mountInside(strict api.ServerInterface, operations map[string][]echo.MiddlewareFunc) {
	h.inside = echo.New()
	h.inside.HTTPErrorHandler = h.writeProblem
	h.inside.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true, DisableErrorHandler: true}))
	api.RegisterHandlersWithOptions(h.inside, strict, api.RegisterHandlersOptions{OperationMiddlewares: operations})
}

type onBehalfKey struct{}

func isInside(r *http.Request) bool { return r.Context().Value(onBehalfKey{}) != nil }

// sendInside answers a request as the endpoint would answer the caller of ctx.
func (h *handlers) sendInside(ctx context.Context, r sync.Request) sync.Answer {
	ctx = context.WithValue(ctx, onBehalfKey{}, authn.PrincipalFrom(ctx))
	request, err := http.NewRequestWithContext(ctx, r.Method, r.Path, bytes.NewReader(r.Body))
	if err != nil {
		h.Log.Error("no request of an operation", slog.Any("error", err))
		return sync.Answer{Status: http.StatusInternalServerError}
	}
	if r.Body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if r.Version != 0 {
		request.Header.Set("If-Match", etag(r.Version))
	}
	answer := unwritten()
	h.inside.ServeHTTP(answer, request)
	return sync.Answer{Status: answer.status, Body: answer.body}
}

// problemInside words a refusal as sendInside's answers do.
func (h *handlers) problemInside(ctx context.Context, refusal *apperr.Error) json.RawMessage {
	body, err := json.Marshal(problemBody(refusal, statuses[refusal.Kind], change.OriginFrom(ctx).RequestID))
	if err != nil {
		panic(fmt.Errorf("word a refusal: %w", err)) // it is made of texts and numbers
	}
	return body
}
