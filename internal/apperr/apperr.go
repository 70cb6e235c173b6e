// Package apperr holds the errors a caller may see. Each has a kind, a stable
// code, a public sentence and, kept apart, the private cause for the log. The
// package knows neither HTTP nor SQL: the server turns kinds into statuses, and
// package pg turns constraint names into errors of this package.
package apperr

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of refusal an error is.
type Kind int

// The kinds, from "the caller can correct it" to "nobody outside can".
const (
	Internal        Kind = iota // something is wrong here; the caller learns nothing more
	Invalid                     // the input is malformed or breaks a rule
	Unauthenticated             // nobody is signed in, or the token is not valid
	Forbidden                   // signed in, but not allowed
	NotFound                    // no such row, or none that the caller may see
	NoMethod                    // the path exists, the method does not
	Conflict                    // the row's present state does not allow it
	Stale                       // the caller's version of the row is not the current one
	TooLarge                    // the body is larger than accepted
	Unsupported                 // the body's media type is not accepted
	Mismatch                    // the idempotency key was used for another request
	TooMany                     // a limit is reached; try again after RetryAfter
	Unavailable                 // a service this one needs is away; try again after RetryAfter
)

// Field is what is wrong with one property of a body or one parameter. Name is
// the property's path (`items.0.amount`) or the parameter's name.
type Field struct {
	Name    string
	Code    string
	Message string
}

// Error is a refusal. Message is a sentence that helps the caller act; it never
// holds a submitted value, since it may be logged.
type Error struct {
	Kind       Kind
	Code       string
	Message    string
	Fields     []Field
	RetryAfter time.Duration
	// Details are further members of the answer, by their JSON name.
	Details map[string]any
	cause   error
}

// New returns an error of a kind. code is the stable word that programs compare.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// InvalidFields returns an Invalid error that names every wrong field.
func InvalidFields(fields ...Field) *Error {
	return &Error{Kind: Invalid, Code: "invalid", Message: invalidMessage(fields), Fields: fields}
}

func invalidMessage(fields []Field) string {
	if len(fields) == 1 && fields[0].Name == "" {
		return "The request is not valid: " + fields[0].Message
	}
	if len(fields) == 1 {
		return fmt.Sprintf("The field %q is not valid: %s", fields[0].Name, fields[0].Message)
	}
	return fmt.Sprintf("%d fields are not valid; see errors.", len(fields))
}

// Missing returns the NotFound error. A row that the caller may not see must
// answer with the same error as one that does not exist, so there is one text.
func Missing() *Error {
	return New(NotFound, "not_found", "There is no such record, or you may not see it.")
}

// Because returns a copy of e with a private cause, which only the log sees.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// With returns a copy of e with one more member of the answer.
func (e *Error) With(name string, value any) *Error {
	c := *e
	c.Details = map[string]any{name: value}
	for k, v := range e.Details {
		c.Details[k] = v
	}
	return &c
}

// After returns a copy of e that tells the caller when to try again.
func (e *Error) After(wait time.Duration) *Error {
	c := *e
	c.RetryAfter = wait
	return &c
}

// OnField returns a copy of e that names the field at fault.
func (e *Error) OnField(name, code string) *Error {
	c := *e
	c.Fields = []Field{{Name: name, Code: code, Message: e.Message}}
	return &c
}

// Error holds the public sentence and the private cause, for the log.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Message + ": " + e.cause.Error()
	}
	return e.Message
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target has the same code, so that errors.Is finds a copy.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// From returns err as an *Error; anything foreign becomes an Internal error
// whose message tells nothing.
func From(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return New(Internal, "internal", "Something went wrong here. The request id identifies it in the log.").Because(err)
}
