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
	"slices"

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

// writtenAnswer is an answer that is written already, as one that was given before is; as an error it
// takes the place of what the handler would have answered.
type writtenAnswer struct {
	status int
	header http.Header
	body   []byte
}

// unwritten is an answer to be written.
func unwritten() *writtenAnswer {
	return &writtenAnswer{status: http.StatusOK, header: http.Header{}, body: []byte{}}
}

func (*writtenAnswer) Error() string { return "answered already" }

func (a *writtenAnswer) Header() http.Header    { return a.header }
func (a *writtenAnswer) WriteHeader(status int) { a.status = status }
func (a *writtenAnswer) Write(b []byte) (int, error) {
	a.body = append(a.body, b...)
	return len(b), nil
}

// numberToCome stands in an answer where a document's number will: no text of PostgreSQL has this
// character, so nobody's words are taken for it.
const numberToCome = "\x00"

// parts returns the body before and after the number of a document; all of it where there is none.
func (a *writtenAnswer) parts(d *change.Document) (start, rest []byte, err error) {
	if d == nil {
		return a.body, []byte{}, nil
	}
	const written = `"\u0000"`
	at := bytes.Index(a.body, []byte(written))
	if at < 0 {
		return nil, nil, errors.New("the answer has no place for the number of its " + d.Kind)
	}
	return a.body[:at+1], a.body[at+len(written)-1:], nil
}

// once runs f as a change. Its answer is written by visit (the generated method of its
// type), and with an idempotency key stored in the change's own transaction; a repeat
// gets it as it was, and f does not run. A failed change stores nothing. Where f makes
// a document, whose number comes last, its answer has numberToCome in that place.
func once[R any](ctx context.Context, h *handlers, operation string, key *string,
	visit func(R, http.ResponseWriter) error, f func(*change.Change) (R, error)) (none R, err error) {
	var document *change.Document
	var start, rest []byte
	answer := unwritten()
	before := h.lookUp(ctx, operation, key)
	err = h.changes.DoAfter(ctx, before.ask(ctx), func(c *change.Change) error {
		if err := before.answer(); err != nil {
			return err
		}
		response, err := f(c)
		if err != nil {
			return err
		}
		if err := visit(response, answer); err != nil {
			return err
		}
		document = c.Document
		if start, rest, err = answer.parts(document); err != nil {
			return err
		}
		return before.store(ctx, c, answer, start, rest)
	})
	if err != nil {
		return none, err
	}
	if document != nil {
		answer.body = slices.Concat(start, []byte(document.Number), rest)
	}
	return none, answer
}

// findAnswer returns the answer that was given before under the key, if any, as once
// does. It is for what is not one change.
func (h *handlers) findAnswer(ctx context.Context, operation string, key *string) error {
	if key == nil {
		return nil
	}
	before := h.lookUp(ctx, operation, key)
	return h.changes.DoAfter(ctx, before.ask(ctx), func(*change.Change) error { return before.answer() })
}

// lookup is the question whether a request was answered before; nil for one without a key, of which
// nothing is known or kept.
type lookup struct {
	db.IdempotencyGetParams
	hash   []byte
	locked bool // the key is this transaction's until its end
	found  *db.IdempotencyGetRow
}

func (h *handlers) lookUp(ctx context.Context, operation string, key *string) *lookup {
	if key == nil {
		return nil
	}
	return &lookup{hash: h.requestHash(ctx), IdempotencyGetParams: db.IdempotencyGetParams{
		UserID: authn.PrincipalFrom(ctx).UserID, Operation: operation, Key: *key, Since: h.changes.Now().Add(-change.KeyLifetime),
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
	if l == nil {
		return nil
	}
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
	case l == nil:
		return nil
	case !l.locked:
		return keyInFlight
	case l.found == nil:
		return nil
	case !bytes.Equal(l.found.RequestHash, l.hash):
		return keyReused
	}
	answer := &writtenAnswer{status: int(l.found.Status), body: l.found.Body}
	if err := json.Unmarshal(l.found.Header, &answer.header); err != nil {
		return err
	}
	return answer
}

// store keeps the answer, in its parts, with the end of the change.
func (l *lookup) store(ctx context.Context, c *change.Change, answer *writtenAnswer, start, rest []byte) error {
	if l == nil {
		return nil
	}
	header, err := json.Marshal(answer.header)
	if err != nil {
		return err
	}
	p := db.IdempotencyStoreParams{
		UserID: l.UserID, Operation: l.Operation, Key: l.Key, RequestHash: l.hash,
		Status: int32(answer.status), Header: header, Start: start, Rest: rest, Now: c.Now,
	}
	if c.Document != nil {
		p.Numbered = c.Document.Kind
	}
	c.Last(func(conn db.DBTX) error { return db.New().IdempotencyStore(ctx, conn, p) })
	return nil
}

// sendWritten sends an answer that is written already instead of the handler's.
func sendWritten(next strictHandler, _ string) strictHandler {
	return func(c echo.Context, request any) (any, error) {
		response, err := next(c, request)
		answer, ok := errors.AsType[*writtenAnswer](err)
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
