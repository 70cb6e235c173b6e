package authn_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
)

func TestPrincipalTravelsInTheContext(t *testing.T) {
	t.Parallel()
	nurse := authn.Principal{UserID: 7, Username: "wanjiru", Role: authn.RoleNurse, Session: uuid.New()}
	ctx := authn.WithPrincipal(t.Context(), nurse)
	require.Equal(t, nurse, authn.PrincipalFrom(ctx))
	require.True(t, nurse.SignedIn())
}

func TestNobody(t *testing.T) {
	t.Parallel()
	nobody := authn.PrincipalFrom(t.Context())
	require.Zero(t, nobody)
	require.False(t, nobody.SignedIn())
}
