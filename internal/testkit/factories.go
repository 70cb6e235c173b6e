package testkit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/pg"
)

// Unique returns a text that no other test uses.
func Unique(prefix string) string { return fmt.Sprintf("%s%d", prefix, rand.Uint64()) }

// User makes an active user of a role, without one when role is "". Nobody can sign in
// with it; give it a Session.
func User(t testing.TB, conn pg.DB, role string) db.CoreUser {
	t.Helper()
	ctx := context.Background()
	var roleID *int64
	if role != "" {
		require.NoError(t, conn.QueryRow(ctx, "SELECT id FROM core_role WHERE name = $1", role).Scan(&roleID))
	}
	name := Unique("user")
	email := name + "@example.org"
	u, err := db.New().UserCreate(ctx, conn, db.UserCreateParams{
		Username: name, Email: &email, FirstName: "First" + name, LastName: "Last" + name, RoleID: roleID, IsActive: true,
		LanguagePreference: "en", Preferences: []byte("{}"), Password: "!", DateJoined: time.Now(),
	})
	require.NoError(t, err)
	return u
}

// Session makes a session of a user and returns its id, for an access token.
func Session(t testing.TB, conn pg.DB, userID int64) uuid.UUID {
	t.Helper()
	id := uuid.New()
	require.NoError(t, db.New().SessionCreate(context.Background(), conn, db.SessionCreateParams{
		ID: id, UserID: userID, Now: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	}))
	return id
}

// Patient makes a patient, linked to a user when one is given.
func Patient(t testing.TB, conn pg.DB, userID *int64) db.CorePatient {
	t.Helper()
	p, err := db.New().PatientCreate(context.Background(), conn, db.PatientCreateParams{
		FirstName: Unique("First"), LastName: Unique("Last"), DateOfBirth: time.Date(1990, 1, 15, 0, 0, 0, 0, time.UTC),
		Gender: "F", ContactInfo: fmt.Sprintf("+254 %09d", rand.IntN(1e9)), Address: "123 Main St", UserID: userID, Now: time.Now(),
	})
	require.NoError(t, err)
	return p
}
