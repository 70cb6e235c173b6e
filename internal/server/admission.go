package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/authz"
)

// The refusals before an operation begins.
var (
	notSignedIn = apperr.New(apperr.Unauthenticated, "not_authenticated",
		"Sign in first: send the access token as Authorization: Bearer.")
	tokenNotValid = apperr.New(apperr.Unauthenticated, "token_not_valid",
		"The access token is not valid or has expired. Sign in again or refresh it.")
	passwordChangeRequired = apperr.New(apperr.Forbidden, "password_change_required",
		"Choose a new password first: POST /api/profile/password/.")
)

// admit finds out who is calling and refuses whoever may not. A public operation does
// not look at the token: a stale one must not keep anybody from signing in.
//
// An operation that may presume begins for who had the session when it was used last. The statement
// that records its answer in the audit log confirms that this is so still. Where it is not, or
// anything is refused before, the operation begins anew for who is calling now.
func (h *handlers) admit(op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if op.permission == authz.Public {
				return next(c)
			}
			r := c.Request()
			p, presumed, err := h.presume(op, r)
			if err != nil {
				return err
			}
			if err := h.limitUser(r, p); err != nil {
				return err
			}
			if presumed {
				if answered, err := attempt(op, c, p, next); answered {
					return err
				}
				if p, err = h.caller(r); err != nil {
					return err
				}
			}
			if err := op.refuse(p); err != nil {
				return err
			}
			c.SetRequest(r.WithContext(authn.WithPrincipal(r.Context(), p)))
			return next(c)
		}
	}
}

// attempt carries an operation out for p, who is presumed to be calling. Unless p was confirmed,
// nothing is answered.
func attempt(op operation, c echo.Context, p authn.Principal, next echo.HandlerFunc) (answered bool, err error) {
	if op.refuse(p) != nil {
		return false, nil
	}
	r := c.Request()
	attempted, address := r.WithContext(withPresumed(r.Context(), p)), *r.URL
	attempted.URL = &address // which validation writes to
	c.SetRequest(attempted)
	err = next(c)
	return err == nil || c.Response().Committed, err
}

// refuse says why somebody may not call the operation.
func (op operation) refuse(p authn.Principal) error {
	switch {
	case p.PasswordChangeRequired && !op.evenIfPasswordExpired:
		return passwordChangeRequired
	case !op.permission.Allows(p):
		return authz.Refusal
	}
	return nil
}

// caller is the user on whose behalf the program itself asks, and else the one who has the
// session of the token. Nothing from outside can set the former.
func (h *handlers) caller(r *http.Request) (authn.Principal, error) {
	if p, ok := r.Context().Value(onBehalfKey{}).(authn.Principal); ok {
		return p, nil
	}
	return h.authenticate(r.Context(), r.Header.Get("Authorization"))
}

// authenticate reads who has the session of the token as it is now, so that a
// deactivation, a new role and a sign-out take effect with the next request.
func (h *handlers) authenticate(ctx context.Context, header string) (authn.Principal, error) {
	claims, err := h.claims(header)
	if err != nil {
		return authn.Principal{}, err
	}
	return h.principal(ctx, claims, tokenNotValid)
}

// claims are what a valid token says.
func (h *handlers) claims(header string) (authn.Claims, error) {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return authn.Claims{}, notSignedIn
	}
	return h.Tokens.Verify(strings.TrimSpace(token))
}

// principal answers who has a session now, and gone when it is over.
func (h *handlers) principal(ctx context.Context, claims authn.Claims, gone *apperr.Error) (authn.Principal, error) {
	p, stands, err := h.callers.Now(ctx, claims.Session)
	if err != nil {
		return authn.Principal{}, err
	}
	if !stands || p.UserID != claims.UserID {
		return authn.Principal{}, gone
	}
	return p, nil
}

// presume answers who had the session of the token when it was used last, where that is remembered
// and the operation may begin so, and else who is calling.
func (h *handlers) presume(op operation, r *http.Request) (p authn.Principal, presumed bool, err error) {
	if !op.mayPresume || isInside(r) {
		p, err = h.caller(r)
		return p, false, err
	}
	claims, err := h.claims(r.Header.Get("Authorization"))
	if err != nil {
		return p, false, err
	}
	if p, known := h.callers.Last(claims.Session); known && p.UserID == claims.UserID && !p.PasswordChangeRequired {
		return p, true, nil
	}
	p, err = h.principal(r.Context(), claims, tokenNotValid)
	return p, false, err
}

type presumedKey struct{}

// withPresumed returns a context that carries p, who has to be confirmed before anything is answered.
func withPresumed(ctx context.Context, p authn.Principal) context.Context {
	return context.WithValue(authn.WithPrincipal(ctx, p), presumedKey{}, true)
}

// isPresumed reports whether the context's principal has yet to be confirmed.
func isPresumed(ctx context.Context) bool { return ctx.Value(presumedKey{}) != nil }
