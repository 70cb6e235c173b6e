package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// TestTenThousandBookings lets 200 patients all ask for each of 50 slots, over 64
// connections at once. At any time at most four of them are with another doctor, so
// exactly one booking of each slot is right and none may be missing.
func TestTenThousandBookings(t *testing.T) {
	t.Parallel()
	const doctors, times, patients, connections = 5, 10, 200, 64
	pool, err := pg.Open(t.Context(), testkit.URL(t)+fmt.Sprintf("&pool_max_conns=%d", connections))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b := setupOn(t, pool)
	desk := b.as("Receptionist")
	day := b.now.AddDate(0, 0, 7).Format(time.DateOnly)
	var bodies []string
	var doctorIDs []int64
	for range doctors {
		doctorIDs = append(doctorIDs, testkit.User(t, pool, "Doctor").ID)
	}
	for range patients {
		id := testkit.Patient(t, pool, nil).ID
		for i := range times {
			for _, doctor := range doctorIDs {
				bodies = append(bodies, fmt.Sprintf(`{"patient": %d, "doctor": %d, "date": %q, "time": "%02d:00"}`, id, doctor, day, 8+i))
			}
		}
	}

	queue := make(chan string)
	var mu sync.Mutex
	counts := map[int]int{}
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			for body := range queue {
				status := send(b.handler, desk.doer.Token, "/api/appointments/", body)
				mu.Lock()
				counts[status]++
				mu.Unlock()
			}
		})
	}
	for i := range bodies { // spread, so that all slots are fought over all the time
		queue <- bodies[i*7919%len(bodies)]
	}
	close(queue)
	group.Wait()
	require.Equal(t, map[int]int{201: doctors * times, 409: len(bodies) - doctors*times}, counts)

	var rows, slots, overlaps, audited int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*), count(DISTINCT (doctor_id, starts_at)) FROM core_appointment`).Scan(&rows, &slots))
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM core_appointment a JOIN core_appointment b
		ON a.id < b.id AND (a.doctor_id = b.doctor_id OR a.patient_id = b.patient_id)
		AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at`).Scan(&overlaps))
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM core_auditlog WHERE action <> 'view' AND object_type = 'appointment'`).Scan(&audited))
	require.Equal(t, [4]int{doctors * times, doctors * times, 0, doctors * times}, [4]int{rows, slots, overlaps, audited})
}

// send posts a body without what the typed caller checks of each answer, and returns the
// status.
func send(handler http.Handler, token, path, body string) int {
	r := httptest.NewRequest(http.MethodPost, base+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code
}
