package server

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/pg"
)

// beginSession makes a session with its first tokens for a user whose attempt to sign
// in succeeded, and records both.
func (h *handlers) beginSession(ctx context.Context, c *change.Change, u db.CoreUser, attempt int64) (api.TokenPair, error) {
	q := db.New()
	c.Actor.UserID, c.Actor.Username, c.Actor.Session = u.ID, u.Username, uuid.Must(uuid.NewV7())
	session := db.SessionCreateParams{
		ID: c.Actor.Session, UserID: u.ID, Now: c.Now, ExpiresAt: c.Now.Add(h.RefreshLifetime), UserAgent: c.Origin.UserAgent,
	}
	if c.Origin.IP.IsValid() {
		session.IPAddress = &c.Origin.IP
	}
	if err := q.SessionCreate(ctx, c.Tx, session); err != nil {
		return api.TokenPair{}, err
	}
	if err := q.LoginDecide(ctx, c.Tx, db.LoginDecideParams{ID: attempt, Status: "success", UserID: &u.ID}); err != nil {
		return api.TokenPair{}, err
	}
	if err := c.Record(audit.Entry{Action: audit.Login, Object: "user", ID: u.ID}); err != nil {
		return api.TokenPair{}, err
	}
	return h.issue(ctx, c, u.ID, c.Actor.Session, nil)
}

// issue makes a new pair of tokens of a session; parent is the token it is exchanged for.
func (h *handlers) issue(ctx context.Context, c *change.Change, userID int64, session uuid.UUID, parent *int64) (api.TokenPair, error) {
	refresh, hash := authn.NewRefreshToken()
	err := db.New().RefreshTokenCreate(ctx, c.Tx, db.RefreshTokenCreateParams{
		SessionID: session, ParentID: parent, TokenHash: hash, Now: c.Now, ExpiresAt: c.Now.Add(h.RefreshLifetime),
	})
	if err != nil {
		return api.TokenPair{}, err
	}
	access, _, err := h.Tokens.Issue(userID, session)
	return api.TokenPair{Access: access, Refresh: refresh}, err
}

var (
	refreshNotValid = apperr.New(apperr.Unauthenticated, "token_not_valid",
		"The refresh token is not valid or has expired. Sign in again.")
	errReused = errors.New("a superseded refresh token was used again")
)

// RefreshTokens exchanges a refresh token for a new pair. The one before it in its
// family dies now. A dead one that is used again ends the session: a thief and the
// user both hold it, and nobody can tell which of them is asking.
func (h *handlers) RefreshTokens(ctx context.Context, r api.RefreshTokensRequestObject) (api.RefreshTokensResponseObject, error) {
	var pair api.TokenPair
	reused := false
	err := h.changes.Do(ctx, func(c *change.Change) error {
		q := db.New()
		token, err := q.RefreshTokenLock(ctx, c.Tx, authn.HashRefreshToken(r.Body.Refresh), c.Now)
		if isMissing(err) {
			return refreshNotValid
		}
		if err != nil {
			return err
		}
		superseded, err := q.RefreshTokenState(ctx, c.Tx, token.ID)
		if err != nil {
			return err
		}
		if reused = superseded != nil; reused {
			return endFamily(ctx, c, token)
		}
		if token.ParentID != nil {
			if err := q.RefreshTokenSupersede(ctx, c.Tx, c.Now, *token.ParentID); err != nil {
				return err
			}
		}
		if err := q.SessionExtend(ctx, c.Tx, c.Now.Add(h.RefreshLifetime), token.SessionID); err != nil {
			return err
		}
		pair, err = h.issue(ctx, c, token.UserID, token.SessionID, &token.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if reused {
		return nil, refreshNotValid.Because(errReused)
	}
	return api.RefreshTokens200JSONResponse(pair), nil
}

func endFamily(ctx context.Context, c *change.Change, token db.RefreshTokenLockRow) error {
	if _, err := db.New().SessionRevoke(ctx, c.Tx, c.Now, token.SessionID); err != nil {
		return err
	}
	return c.Record(audit.Entry{Action: audit.Logout, Object: "user", ID: token.UserID,
		Description: "Session ended: a superseded refresh token was used again"})
}

// The limits of signing in, each within the window.
const (
	attemptWindow   = 15 * time.Minute
	attemptsPerName = 5  // failures for one name from one address
	attemptsPerIP   = 20 // failures from one address
	codesPerAccount = 10 // failures of the second factor, from whatever addresses
)

var tooManyAttempts = apperr.New(apperr.TooMany, "too_many_attempts",
	"Too many failed attempts to sign in. Try again later.")

// beginAttempt writes an attempt down before its password is checked, so that a hundred
// at once cannot all slip under the limit; until it is decided it counts as a failure.
// Over the limit it answers TooMany, whether or not the account exists.
func (h *handlers) beginAttempt(ctx context.Context, name string) (int64, error) {
	now := h.Now().UTC().Truncate(time.Microsecond)
	origin := change.OriginFrom(ctx)
	var id int64
	var wait time.Duration
	err := pg.InTx(ctx, h.DB, func(tx pgx.Tx) error {
		q := db.New()
		if err := q.LoginAttemptLock(ctx, tx, origin.IP); err != nil {
			return err
		}
		failures, err := q.LoginFailures(ctx, tx, db.LoginFailuresParams{
			Username: name, IPAddress: origin.IP, Since: now.Add(-attemptWindow), Most: attemptsPerIP,
		})
		if err != nil {
			return err
		}
		status := "pending"
		if wait = waitFor(failures, now); wait > 0 {
			status = "blocked"
		}
		id, err = q.LoginAttempt(ctx, tx, db.LoginAttemptParams{
			Username: name, Now: now, IPAddress: origin.IP, UserAgent: origin.UserAgent, Status: status,
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	if wait > 0 {
		return 0, tooManyAttempts.After(wait)
	}
	return id, nil
}

// waitFor answers how long until the failures, the latest first, are under both limits.
// Attempts that are still being decided are worth a second's wait.
func waitFor(failures []db.LoginFailuresRow, now time.Time) time.Duration {
	var wait time.Duration
	ofName := 0
	for i, f := range failures {
		if f.OfName {
			ofName++
		}
		if i+1 != attemptsPerIP && (!f.OfName || ofName != attemptsPerName) {
			continue
		}
		until := f.Timestamp.Add(attemptWindow).Sub(now)
		if f.Status == "pending" {
			until = time.Second
		}
		wait = max(wait, until)
	}
	return wait
}
