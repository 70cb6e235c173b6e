package server_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// atOnce calls f n times at the same moment and counts the statuses.
func atOnce(n int, f func(i int) answer) (map[int]int, []answer) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	answers := make([]answer, n)
	for i := range n {
		wg.Go(func() {
			<-start
			answers[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	counts := map[int]int{}
	for _, a := range answers {
		counts[a.status]++
	}
	return counts, answers
}

func TestRaces(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("two registrations of one username", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		counts, _ := atOnce(8, func(int) answer {
			return b.nobody().call("POST", "/api/register/", map[string]any{"username": "same", "password": "secure words 12"})
		})
		require.Equal(t, map[int]int{201: 1, 409: 7}, counts)
	})

	t.Run("two updates with one ETag", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		desk, p := b.as("Nurse"), testkit.Patient(t, b.db, nil)
		counts, _ := atOnce(16, func(i int) answer {
			return desk.call("PATCH", fmt.Sprintf("/api/patients/%d/", p.ID), map[string]any{"address": fmt.Sprint(i)}, "If-Match", `"1"`)
		})
		require.Equal(t, map[int]int{200: 1, 412: 15}, counts)
	})

	t.Run("200 patients at once", func(t *testing.T) {
		t.Parallel()
		pool := testkit.Pool(t)
		b := setupOn(t, pool)
		desk := b.as("Receptionist")
		counts, answers := atOnce(200, func(i int) answer {
			body := jane()
			body["first_name"], body["contact_info"] = fmt.Sprint("P", i), ""
			return desk.call("POST", "/api/patients/", body)
		})
		require.Equal(t, map[int]int{201: 200}, counts)
		numbers := map[any]bool{}
		for _, a := range answers {
			numbers[a.body["unique_id"]] = true
		}
		require.Len(t, numbers, 200)
		var rows, audited int
		require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM core_patient").Scan(&rows))
		require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM core_auditlog WHERE action <> 'view' AND object_type = 'patient'").Scan(&audited))
		require.Equal(t, [2]int{200, 200}, [2]int{rows, audited})
	})

	t.Run("one idempotency key at once", func(t *testing.T) {
		t.Parallel()
		pool := testkit.Pool(t)
		b := setupOn(t, pool)
		desk := b.as("Receptionist")
		counts, _ := atOnce(16, func(int) answer { return desk.call("POST", "/api/patients/", jane(), "Idempotency-Key", "one") })
		require.Equal(t, 16, counts[201]+counts[409], counts)
		var rows int
		require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM core_patient").Scan(&rows))
		require.Equal(t, 1, rows)
	})

	t.Run("one person registered twice with on_duplicate=reject", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		desk := b.as("Receptionist")
		counts, _ := atOnce(8, func(int) answer { return desk.call("POST", "/api/patients/?on_duplicate=reject", jane()) })
		require.Equal(t, map[int]int{201: 1, 409: 7}, counts)
	})

	t.Run("two Admins demote each other", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		admins := []caller{b.as("Admin"), b.as("Admin")}
		counts, _ := atOnce(2, func(i int) answer {
			return admins[i].call("PATCH", fmt.Sprintf("/api/users/%d/", admins[1-i].user.ID), map[string]any{"is_active": false})
		})
		require.Equal(t, 1, counts[200], counts)
	})

	// A row of the ledger and a notification refer to users, whose locks must let them.
	t.Run("Admins are changed while they move a stock", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		var admins []caller
		for range 12 {
			admins = append(admins, b.as("Admin"))
		}
		m := testkit.Medication(t, b.db, 1000)
		for range 4 {
			counts, _ := atOnce(32, func(i int) answer {
				if i%2 == 0 {
					return admins[i%12].call("POST", stockPath(m.ID), moves([]int{-990, 990}[i/2%2]))
				}
				return admins[(i*5)%12].call("PATCH", fmt.Sprintf("/api/users/%d/", admins[(i*7)%12].user.ID),
					map[string]any{"first_name": fmt.Sprint(i), "role_id": *admins[0].user.RoleID})
			})
			require.Equal(t, 32, counts[200]+counts[201]+counts[409], counts)
		}
	})

	t.Run("forty guesses at once", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		counts, _ := atOnce(40, func(int) answer { return signIn(b.nobody(), "somebody", "guess") })
		require.Equal(t, map[int]int{401: 5, 429: 35}, counts)
	})

	t.Run("one refresh token at once", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		u := withPassword(t, b, "Nurse")
		token := signIn(b.nobody(), u.Username, goodPassword).body["refresh"]
		counts, answers := atOnce(8, func(int) answer { return refresh(b.nobody(), token) })
		require.Equal(t, map[int]int{200: 8}, counts)
		counts, _ = atOnce(2, func(i int) answer { return refresh(b.nobody(), answers[i].body["refresh"]) })
		require.Equal(t, map[int]int{200: 2}, counts)
		refresh(b.nobody(), token).refused(t, 401, "token_not_valid")
	})
}
