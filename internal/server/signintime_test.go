package server_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/testkit"
)

// TestSignInTimeTellsNothing compares how long refusals take, among accounts of which some
// still have the hash that they brought from Django. It is not parallel, and the runs are
// interleaved, so that whatever else the machine does falls on all of them alike; the
// medians are bound to each other, not to the clock. Verified plainly, the imported hash
// would take a quarter of the others' time.
func TestSignInTimeTellsNothing(t *testing.T) {
	ctx := context.Background()
	b := setup(t)
	const rounds, iterations = 31, 40_000
	imported := testkit.User(t, b.db, "Nurse")
	_, err := b.db.Exec(ctx, "UPDATE core_user SET password = $2 WHERE id = $1", imported.ID, djangoHash(goodPassword, "seasalt", iterations))
	require.NoError(t, err)
	_, err = b.db.Exec(ctx, "UPDATE core_user SET password = $2 WHERE id = $1", testkit.User(t, b.db, "Nurse").ID,
		djangoHash(goodPassword, "seasalt", 2*iterations))
	require.NoError(t, err)
	deactivated := withPassword(t, b, "Nurse")
	_, err = b.db.Exec(ctx, "UPDATE core_user SET is_active = false WHERE id = $1", deactivated.ID)
	require.NoError(t, err)

	kinds := []struct{ name, username, password string }{
		{"an unknown user", "nobody", "wrong"},
		{"a wrong password", withPassword(t, b, "Nurse").Username, "wrong"},
		{"a deactivated account", deactivated.Username, goodPassword},
		{"an account with two-factor", enrol(t, b, "Nurse").user.Username, "wrong"},
		{"an account imported from Django", imported.Username, "wrong"},
		{"an unknown user, again", "nobody at all", "wrong"},
	}
	took := make([][]time.Duration, len(kinds))
	for round := range rounds {
		for i := range kinds {
			kind := (i + round) % len(kinds)
			c := b.nobody().from(fmt.Sprintf("198.51.%d.%d", 100+kind, round+1))
			start := time.Now()
			signIn(c, kinds[kind].username, kinds[kind].password).refused(t, 401, "invalid_credentials")
			took[kind] = append(took[kind], time.Since(start))
		}
	}
	medians := make([]time.Duration, len(kinds))
	for i, kind := range kinds {
		slices.Sort(took[i])
		medians[i] = took[i][rounds/2]
		t.Logf("%-32s median %v, quartiles %v and %v", kind.name, medians[i], took[i][rounds/4], took[i][3*rounds/4])
	}
	for i, kind := range kinds {
		ratio := float64(medians[i]) / float64(medians[0])
		require.InDelta(t, 1, ratio, 0.3, "%s takes %.2f times as long as %s", kind.name, ratio, kinds[0].name)
	}
}

// TestPasswordFormsOfManyAccounts holds that each form is told once, and that a sign-in
// reads a few entries of an index however many accounts there are.
func TestPasswordFormsOfManyAccounts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := &watched{Pool: testkit.Pool(t), t: t}
	_, err := w.Exec(ctx, `INSERT INTO core_user (username, password)
		SELECT 'many' || n, (ARRAY['!', '', 'pbkdf2_sha256$600000$s$h', 'pbkdf2_sha256$x$s$h', '$argon2id$v=19$m=19456,t=2,p=1$s$h',
			'argon2$argon2id$v=19$m=102400,t=2,p=8$s$h'])[1 + n % 6]
		FROM generate_series(1, 20000) n`)
	require.NoError(t, err)
	_, err = w.Exec(ctx, "ANALYZE core_user")
	require.NoError(t, err)
	forms, err := db.New().PasswordForms(ctx, w)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"pbkdf2_sha256$600000", "$argon2id$v=19$m=19456,t=2,p=1", "argon2$argon2id$v=19$m=102400,t=2,p=8"}, forms)
	require.NotEmpty(t, w.plans)
	for _, plan := range w.plans {
		require.NotContains(t, plan, "Seq Scan on core_user")
		require.Contains(t, plan, "core_user_password_form_idx")
	}
}
