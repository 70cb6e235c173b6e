package server_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/auditlog"
	"chelal/internal/authn"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

// TestClockStepped sets the server's clock back and forth by hours while people write:
// they stay signed in over a step back, each write is done once, and the log's chain holds.
func TestClockStepped(t *testing.T) {
	t.Parallel()
	var step atomic.Int64
	pool := testkit.Pool(t)
	b := setupOn(t, pool, func(o *server.Options) {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(step.Load())) }
		tokens, err := authn.NewTokens(secret, nil, 15*time.Minute, o.Now)
		require.NoError(t, err)
		o.Tokens = tokens
	})
	nurse := b.as("Nurse")
	round := func(name string) {
		var all sync.WaitGroup
		for writer := range 4 {
			all.Go(func() {
				for n := range 5 {
					body := fmt.Sprintf(`{"first_name": "Jane", "last_name": "%s-%d-%d", "date_of_birth": "1990-01-15", "gender": "F"}`, name, writer, n)
					for range 2 { // a repeated request is told the same
						if got := nurse.call("POST", "/api/patients/", body, "Idempotency-Key", fmt.Sprintf("%s-%d-%d", name, writer, n)); got.status != 201 {
							t.Errorf("%s: %d %s", name, got.status, got.raw)
						}
					}
				}
			})
		}
		all.Wait()
	}
	round("before")
	step.Store(int64(-time.Hour))
	round("an hour back")
	step.Store(int64(10 * time.Minute))
	round("ten minutes ahead")
	step.Store(0)
	round("after")
	require.Equal(t, 80, rows(b, "core_patient", "first_name = 'Jane'"))
	require.Equal(t, 80, rows(b, "core_auditlog", "action = 'create' AND object_type = 'patient'"))
	step.Store(int64(3 * time.Hour))
	nurse.call("GET", "/api/patients/", nil).refused(t, 401, "token_not_valid")
	step.Store(0)
	require.Equal(t, 200, nurse.call("GET", "/api/patients/", nil).status)

	keys := auditlog.NewKeys(secret)
	for _, at := range []time.Duration{time.Hour, -time.Hour, 0} { // seals are made by a clock that steps, too
		_, err := auditlog.Seal(t.Context(), pool, keys, time.Now().Add(at), "")
		require.NoError(t, err)
		nurse.call("GET", "/api/patients/", nil)
	}
	v, err := auditlog.Verify(t.Context(), pool, keys, 0, func(auditlog.Verification) bool { return true })
	require.NoError(t, err)
	require.Nil(t, v.Broken)
}
