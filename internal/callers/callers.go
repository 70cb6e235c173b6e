// Package callers finds out who has a session.
package callers

import (
	"context"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/pg"
)

const (
	// atOnce is of how many sessions one statement asks.
	atOnce = 200
	// rememberedAtMost bounds their memory to some megabytes.
	rememberedAtMost = 10_000
)

// Callers are those who have sessions.
type Callers struct {
	together *pg.Together[uuid.UUID, map[uuid.UUID]authn.Principal]
	last     *lru.Cache[uuid.UUID, authn.Principal]
}

// New returns the callers whose sessions are on conn.
func New(conn pg.DB) (*Callers, error) {
	last, err := lru.New[uuid.UUID, authn.Principal](rememberedAtMost)
	if err != nil {
		return nil, err
	}
	return &Callers{last: last, together: pg.NewTogether(1, atOnce, pg.One[uuid.UUID], func(ctx context.Context, sessions []uuid.UUID) (map[uuid.UUID]authn.Principal, error) {
		rows, err := db.New().CallersGet(ctx, conn, sessions)
		found := make(map[uuid.UUID]authn.Principal, len(rows))
		for _, row := range rows {
			found[row.SessionID] = PrincipalOf(row)
		}
		return found, err
	})}, nil
}

// Now answers who has a session now, so that a deactivation, a new role and a sign-out take effect
// with the next request. It is false when nobody has it.
func (c *Callers) Now(ctx context.Context, session uuid.UUID) (authn.Principal, bool, error) {
	found, err := c.together.Do(ctx, session)
	if err != nil {
		return authn.Principal{}, false, err
	}
	p, stands := found[session]
	if stands {
		c.last.Add(session, p)
	} else {
		c.last.Remove(session)
	}
	return p, stands, nil
}

// Last answers who had a session when Now was asked last, which may be over; it is false when that
// is not remembered.
func (c *Callers) Last(session uuid.UUID) (authn.Principal, bool) { return c.last.Get(session) }

// PrincipalOf is the one who has a session.
func PrincipalOf(row db.CoreCaller) authn.Principal {
	return authn.Principal{
		UserID: row.UserID, Username: row.Username, Role: row.Role, Session: row.SessionID,
		PasswordChangeRequired: row.PasswordChangeRequired,
	}
}
