package server_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/gen/db"
	"chelal/internal/testkit"
)

const goodPassword = "correct horse battery"

// withPassword makes a user who can sign in.
func withPassword(t testing.TB, b *bundle, role string) db.CoreUser {
	t.Helper()
	u := testkit.User(t, b.db, role)
	hash, err := hasher.Hash(context.Background(), goodPassword)
	require.NoError(t, err)
	_, err = b.db.Exec(context.Background(), "UPDATE core_user SET password = $2 WHERE id = $1", u.ID, hash)
	require.NoError(t, err)
	return u
}

func signIn(c caller, name, password string) answer {
	return c.call("POST", "/api/auth/", map[string]any{"username": name, "password": password})
}

func refresh(c caller, token any) answer {
	return c.call("POST", "/api/auth/refresh/", map[string]any{"refresh": token})
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("by name and by e-mail, until sign-out", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		u := withPassword(t, b, "Nurse")
		typed, err := b.nobody().SignInWithResponse(ctx, client.SignIn{Username: u.Username, Password: goodPassword})
		require.NoError(t, err)
		require.Equal(t, u.ID, typed.JSON200.User.ID)
		require.Equal(t, 200, signIn(b.nobody(), "USER"+(*u.Email)[4:], goodPassword).status)

		c := b.with(typed.JSON200.Access, u)
		require.Equal(t, 200, c.call("GET", "/api/users/me/", nil).status)
		require.Equal(t, 204, c.call("POST", "/api/auth/logout/", nil).status)
		c.call("GET", "/api/users/me/", nil).refused(t, 401, "token_not_valid")
		refresh(b.nobody(), typed.JSON200.Refresh).refused(t, 401, "token_not_valid")

		var actions []string
		require.NoError(t, b.db.QueryRow(ctx, "SELECT array_agg(action ORDER BY id) FROM core_auditlog WHERE user_id = $1", u.ID).Scan(&actions))
		require.Equal(t, []string{"login", "login", "logout"}, actions)
	})

	t.Run("a stale token does not keep anybody from signing in", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		u := withPassword(t, b, "")
		require.Equal(t, 200, signIn(b.with("garbage", u), u.Username, goodPassword).status)
	})

	t.Run("unknown, wrong and deactivated answer alike", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		u := withPassword(t, b, "Nurse")
		wrong := signIn(b.nobody(), u.Username, "wrong").refused(t, 401, "invalid_credentials")
		unknown := signIn(b.nobody(), "nobody", "wrong").refused(t, 401, "invalid_credentials")
		_, err := b.db.Exec(ctx, "UPDATE core_user SET is_active = false WHERE id = $1", u.ID)
		require.NoError(t, err)
		inactive := signIn(b.nobody(), u.Username, goodPassword).refused(t, 401, "invalid_credentials")
		require.Equal(t, wrong.body["detail"], unknown.body["detail"])
		require.Equal(t, wrong.body["detail"], inactive.body["detail"])
		require.Equal(t, `Bearer realm="api"`, wrong.header.Get("WWW-Authenticate"))
	})

	t.Run("a Django hash is verified and renewed", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		u := testkit.User(t, b.db, "Doctor")
		// django.contrib.auth.hashers.make_password("lètmein-please", "seasalt", iterations 1000)
		_, err := b.db.Exec(ctx, "UPDATE core_user SET password = $2 WHERE id = $1", u.ID, djangoHash("lètmein-please", "seasalt", 1000))
		require.NoError(t, err)
		require.Equal(t, 200, signIn(b.nobody(), u.Username, "lètmein-please").status)
		var hash string
		require.NoError(t, b.db.QueryRow(ctx, "SELECT password FROM core_user WHERE id = $1", u.ID).Scan(&hash))
		require.Contains(t, hash, "$argon2id$")
		require.Equal(t, 200, signIn(b.nobody(), u.Username, "lètmein-please").status)
	})

	t.Run("bad input", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		require.Equal(t, map[string]string{"username": "required", "password": "required", "email": "unknown_property"},
			b.nobody().call("POST", "/api/auth/", map[string]any{"email": "x"}).refused(t, 400, "invalid").fields())
		b.nobody().call("POST", "/api/auth/refresh/", map[string]any{}).refused(t, 400, "invalid")
		refresh(b.nobody(), "chr_unknown").refused(t, 401, "token_not_valid")
		b.as("").call("POST", "/api/auth/logout/?x=1", nil).refused(t, 400, "invalid")
	})
}

func TestLockout(t *testing.T) {
	t.Parallel()

	t.Run("five failures of a name", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		u := withPassword(t, b, "Nurse")
		for _, name := range []string{u.Username, "nobody"} {
			for range 5 {
				signIn(b.nobody(), name, "wrong").refused(t, 401, "invalid_credentials")
			}
			blocked := signIn(b.nobody(), name, goodPassword).refused(t, 429, "too_many_attempts")
			seconds, err := strconv.Atoi(blocked.header.Get("Retry-After"))
			require.NoError(t, err)
			require.InDelta(t, 900, seconds, 1)
		}
		require.Equal(t, 200, signIn(b.nobody().from("192.0.2.77"), u.Username, goodPassword).status, "others are not locked out")
		b.now = b.now.Add(16 * time.Minute)
		require.Equal(t, 200, signIn(b.nobody(), u.Username, goodPassword).status)
	})

	t.Run("a success clears the name", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		u := withPassword(t, b, "Nurse")
		for range 3 {
			for range 4 {
				signIn(b.nobody(), u.Username, "wrong").refused(t, 401, "invalid_credentials")
				b.now = b.now.Add(time.Second)
			}
			require.Equal(t, 200, signIn(b.nobody(), u.Username, goodPassword).status)
			b.now = b.now.Add(time.Second)
		}
	})

	t.Run("twenty failures of an address", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		u := withPassword(t, b, "Nurse")
		for i := range 20 {
			signIn(b.nobody(), fmt.Sprint("name", i), "wrong").refused(t, 401, "invalid_credentials")
		}
		signIn(b.nobody(), u.Username, goodPassword).refused(t, 429, "too_many_attempts")
	})

	t.Run("a forwarded address counts only from a trusted proxy", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for i := range 5 {
			b.nobody().call("POST", "/api/auth/", map[string]any{"username": "x", "password": "y"}, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
		}
		b.nobody().call("POST", "/api/auth/", map[string]any{"username": "x", "password": "y"}, "X-Forwarded-For", "203.0.113.99").
			refused(t, 429, "too_many_attempts")
	})
}

func TestRefreshTokens(t *testing.T) {
	t.Parallel()

	t.Run("a client that keeps its first token stays signed in", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		u := withPassword(t, b, "Nurse")
		first := signIn(b.nobody(), u.Username, goodPassword).body["refresh"]
		for range 4 {
			pair := refresh(b.nobody(), first)
			require.Equal(t, 200, pair.status, pair.raw)
			require.Equal(t, 200, b.with(pair.body["access"].(string), u).call("GET", "/api/users/me/", nil).status)
		}
	})

	t.Run("a token dies when its successor is used, and its reuse ends the session", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		u := withPassword(t, b, "Nurse")
		first := signIn(b.nobody(), u.Username, goodPassword).body["refresh"]
		second := refresh(b.nobody(), first).body["refresh"]
		third := refresh(b.nobody(), second)
		require.Equal(t, 200, third.status)
		refresh(b.nobody(), first).refused(t, 401, "token_not_valid")
		refresh(b.nobody(), third.body["refresh"]).refused(t, 401, "token_not_valid")
		b.with(third.body["access"].(string), u).call("GET", "/api/users/me/", nil).refused(t, 401, "token_not_valid")
	})

	t.Run("they expire", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		u := withPassword(t, b, "Nurse")
		pair := signIn(b.nobody(), u.Username, goodPassword)
		b.now = b.now.Add(16 * time.Minute)
		b.with(pair.body["access"].(string), u).call("GET", "/api/users/me/", nil).refused(t, 401, "token_not_valid")
		require.Equal(t, 200, refresh(b.nobody(), pair.body["refresh"]).status)
		b.now = b.now.Add(8 * 24 * time.Hour)
		refresh(b.nobody(), pair.body["refresh"]).refused(t, 401, "token_not_valid")
	})
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.as("Admin")
	name := testkit.Unique("nurse")
	require.Equal(t, 201, admin.call("POST", "/api/users/", map[string]any{"username": name, "password": "first words of all", "role_id": roleID(t, b, "Nurse")}).status)
	pair := signIn(b.nobody(), name, "first words of all")
	require.Equal(t, true, pair.body["user"].(map[string]any)["password_change_required"])
	nurse := b.with(pair.body["access"].(string), db.CoreUser{})
	nurse.call("GET", "/api/patients/", nil).refused(t, 403, "password_change_required")
	require.Equal(t, 200, nurse.call("GET", "/api/users/me/", nil).status)

	change := func(current, next string) answer {
		return nurse.call("POST", "/api/profile/password/", map[string]any{"current_password": current, "new_password": next})
	}
	require.Equal(t, map[string]string{"current_password": "wrong_password"}, change("wrong", goodPassword).refused(t, 400, "invalid").fields())
	require.Contains(t, change("first words of all", "password").refused(t, 400, "invalid").fields(), "new_password")
	changed := change("first words of all", goodPassword)
	require.Equal(t, 200, changed.status, changed.raw)
	nurse.call("GET", "/api/users/me/", nil).refused(t, 401, "token_not_valid")
	refresh(b.nobody(), pair.body["refresh"]).refused(t, 401, "token_not_valid")
	again := b.with(changed.body["access"].(string), db.CoreUser{})
	require.Equal(t, 200, again.call("GET", "/api/patients/", nil).status)
	signIn(b.nobody(), name, "first words of all").refused(t, 401, "invalid_credentials")
	require.Equal(t, 200, signIn(b.nobody(), name, goodPassword).status)
}

func TestRegister(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	name := testkit.Unique("john")
	made := b.nobody().call("POST", "/api/register/", map[string]any{
		"username": name, "email": name + "@example.com", "password": "secure words 12", "first_name": "John",
		"role_id": roleID(t, b, "Admin"), "reason": "I would like to",
	})
	require.Equal(t, 201, made.status, made.raw)
	require.Equal(t, "User registered successfully", made.body["message"])
	require.Nil(t, made.body["user"].(map[string]any)["role"], "nobody chooses the own role")
	var status, reason string
	require.NoError(t, b.db.QueryRow(ctx, `SELECT q.status, q.reason FROM core_rolechangerequest q
		JOIN core_user u ON u.id = q.user_id WHERE u.username = $1`, name).Scan(&status, &reason))
	require.Equal(t, [2]string{"pending", "I would like to"}, [2]string{status, reason})

	in := signIn(b.nobody(), name, "secure words 12")
	b.with(in.body["access"].(string), db.CoreUser{}).call("GET", "/api/patients/", nil).refused(t, 403, "forbidden")

	b.nobody().call("POST", "/api/register/", map[string]any{"username": name, "password": "secure words 12"}).refused(t, 409, "username_taken")
	b.nobody().call("POST", "/api/register/", map[string]any{"username": testkit.Unique("x"), "password": "secure words 12", "role_id": 999999}).
		refused(t, 400, "invalid")
	b.nobody().call("POST", "/api/register/", map[string]any{"username": "x", "password": "secure words 12", "is_staff": true, "role": 1}).
		refused(t, 400, "invalid")
	_, err := b.db.Exec(ctx, "UPDATE core_systemsetting SET value = 'false' WHERE key = 'registration_enabled'")
	require.NoError(t, err)
	b.nobody().call("POST", "/api/register/", map[string]any{"username": testkit.Unique("x"), "password": "secure words 12"}).
		refused(t, 403, "registration_disabled")
}
