package callers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
	"chelal/internal/callers"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestWhoHadASessionIsRememberedUntilItIsAskedAgain(t *testing.T) {
	t.Parallel()
	conn := testkit.Tx(t)
	known, err := callers.New(conn)
	require.NoError(t, err)
	nurse := testkit.User(t, conn, "Nurse")
	session := testkit.Session(t, conn, nurse.ID)
	now := func() (authn.Principal, bool) {
		p, stands, err := known.Now(t.Context(), session)
		require.NoError(t, err)
		return p, stands
	}
	_, remembered := known.Last(session)
	require.False(t, remembered, "nobody has asked")

	want := authn.Principal{UserID: nurse.ID, Username: nurse.Username, Role: "Nurse", Session: session}
	p, stands := now()
	require.True(t, stands)
	require.Equal(t, want, p)
	last, remembered := known.Last(session)
	require.True(t, remembered)
	require.Equal(t, want, last)

	_, err = conn.Exec(t.Context(), "UPDATE core_user SET role_id = NULL, password_change_required = true WHERE id = $1", nurse.ID)
	require.NoError(t, err)
	last, _ = known.Last(session)
	require.Equal(t, want, last, "until it is asked again")
	p, _ = now()
	want.Role, want.PasswordChangeRequired = "", true
	require.Equal(t, want, p)
	last, _ = known.Last(session)
	require.Equal(t, want, last)

	_, err = conn.Exec(t.Context(), "UPDATE core_session SET revoked_at = now() WHERE id = $1", session)
	require.NoError(t, err)
	_, stands = now()
	require.False(t, stands)
	_, remembered = known.Last(session)
	require.False(t, remembered)
	_, stands, err = known.Now(t.Context(), uuid.New())
	require.NoError(t, err)
	require.False(t, stands)
}
