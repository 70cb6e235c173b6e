package server

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/pg"
)

var (
	keyReused = apperr.New(apperr.Mismatch, "idempotency_key_reused",
		"This Idempotency-Key was used for another request. Take a new key for a new action.")
	keyInFlight = apperr.New(apperr.Conflict, "idempotency_in_flight",
		"The first request with this Idempotency-Key is still being worked on. Repeat it shortly.")
)

// storedAnswer is an answer given before; as an error it ends the handler that would
// have given it again.
type storedAnswer struct {
	status int
	header http.Header
	body   []byte
}

func (*storedAnswer) Error() string { return "answered before" }

// once runs f as a change. With an idempotency key the answer, rendered by visit (the
// generated method of its type), is stored in the change's own transaction; a repeat
// gets it as it was, and f does not run. A failed change stores nothing.
func once[R any](ctx context.Context, h *handlers, operation string, key *string,
	visit func(R, http.ResponseWriter) error, f func(*change.Change) (R, error)) (R, error) {
	var response R
	if key == nil {
		err := h.changes.Do(ctx, func(c *change.Change) (err error) {
			response, err = f(c)
			return err
		})
		return response, err
	}
	before := h.lookUp(ctx, operation, *key)
	err := h.changes.DoAfter(ctx, before.ask(ctx), func(c *change.Change) error {
		if err := before.answer(); err != nil {
			return err
		}
		var err error
		if response, err = f(c); err != nil {
			return err
		}
		return before.store(ctx, c, func(w http.ResponseWriter) error { return visit(response, w) })
	})
	return response, err
}

// findAnswer returns the answer that was given before under the key, if any, as once
// does. It is for what is not one change.
func (h *handlers) findAnswer(ctx context.Context, operation string, key *string) error {
	if key == nil {
		return nil
	}
	before := h.lookUp(ctx, operation, *key)
	return h.changes.DoAfter(ctx, before.ask(ctx), func(*change.Change) error { return before.answer() })
}

// lookup is the question whether a request was answered before.
type lookup struct {
	db.IdempotencyGetParams
	hash   []byte
	locked bool // the key is this transaction's until its end
	found  *db.IdempotencyGetRow
}

func (h *handlers) lookUp(ctx context.Context, operation, key string) *lookup {
	return &lookup{hash: h.requestHash(ctx), IdempotencyGetParams: db.IdempotencyGetParams{
		UserID: authn.PrincipalFrom(ctx).UserID, Operation: operation, Key: key, Since: h.changes.Now().Add(-change.KeyLifetime),
	}}
}

// requestHash is keyed: a body may hold a password, which its plain hash would betray.
func (h *handlers) requestHash(ctx context.Context) []byte {
	mac := hmac.New(sha256.New, h.requestKey)
	address := addressFrom(ctx)
	mac.Write([]byte(address.path + "?" + address.values().Encode()))
	mac.Write([]byte{0})
	mac.Write(bodyFrom(ctx))
	return mac.Sum(nil)
}

// ask locks the key before it looks: what another transaction stored under it is then seen.
func (l *lookup) ask(ctx context.Context) []pg.Question {
	return []pg.Question{func(conn db.DBTX) (err error) {
		l.locked, err = db.New().IdempotencyLock(ctx, conn, fmt.Sprintf("idempotency %d %s %s", l.UserID, l.Operation, l.Key))
		return err
	}, func(conn db.DBTX) error {
		row, err := db.New().IdempotencyGet(ctx, conn, l.IdempotencyGetParams)
		if isMissing(err) {
			return nil
		}
		l.found = &row
		return err
	}}
}

// answer returns nil when the key is new.
func (l *lookup) answer() error {
	switch {
	case !l.locked:
		return keyInFlight
	case l.found == nil:
		return nil
	case !bytes.Equal(l.found.RequestHash, l.hash):
		return keyReused
	}
	answer := &storedAnswer{status: int(l.found.Status), body: l.found.Body}
	if err := json.Unmarshal(l.found.Header, &answer.header); err != nil {
		return err
	}
	return answer
}

// store keeps the answer, with the end of the change.
func (l *lookup) store(ctx context.Context, c *change.Change, render func(http.ResponseWriter) error) error {
	rendered := &rendering{header: http.Header{}, status: http.StatusOK}
	if err := render(rendered); err != nil {
		return err
	}
	header, err := json.Marshal(rendered.header)
	if err != nil {
		return err
	}
	return db.New().IdempotencyStore(ctx, c.Last, db.IdempotencyStoreParams{
		UserID: l.UserID, Operation: l.Operation, Key: l.Key, RequestHash: l.hash,
		Status: int32(rendered.status), Header: header, Body: append([]byte{}, rendered.body.Bytes()...), Now: c.Now,
	})
}

// rendering is a ResponseWriter that keeps the answer.
type rendering struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *rendering) Header() http.Header         { return r.header }
func (r *rendering) WriteHeader(status int)      { r.status = status }
func (r *rendering) Write(b []byte) (int, error) { return r.body.Write(b) }

// replayStored writes a stored answer instead of the handler's.
func replayStored(next strictHandler, _ string) strictHandler {
	return func(c echo.Context, request any) (any, error) {
		response, err := next(c, request)
		answer, ok := errors.AsType[*storedAnswer](err)
		if !ok {
			return response, err
		}
		for name, values := range answer.header {
			c.Response().Header()[name] = values
		}
		c.Response().WriteHeader(answer.status)
		_, err = c.Response().Write(answer.body)
		return nil, err
	}
}
