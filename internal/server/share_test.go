package server_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// TestWhatIsTheSameForAllIsReadOnce holds a report up until many have asked for it.
func TestWhatIsTheSameForAllIsReadOnce(t *testing.T) {
	t.Parallel()
	counter, pool := countedPool(t)
	b := setupOn(t, pool)
	b.counted = true
	nurse, patient := b.as("Nurse"), b.as("Patient")
	testkit.Patient(t, b.db, nil)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "LOCK TABLE core_figure")
	require.NoError(t, err)

	const callers = 60
	var all sync.WaitGroup
	taken := counter.during(func() {
		for range callers {
			all.Go(func() {
				if a := nurse.call("GET", "/api/report/patient_count/", nil); a.status != 200 || a.body["patient_count"] != 1.0 {
					t.Errorf("%d %s", a.status, a.raw)
				}
			})
		}
		require.Eventually(t, func() bool { return pool.Stat().AcquiredConns() == 2 }, 30*time.Second, time.Millisecond)
		require.Equal(t, 403, patient.call("GET", "/api/report/patient_count/", nil).status, "who may not see it gets no share")
		require.NoError(t, tx.Rollback(t.Context()))
		all.Wait()
	})
	require.Less(t, taken, int64(callers), "statements")
}

// TestDashboardsOfManyAtOnce holds that everybody has the own dashboard, whoever asks beside.
func TestDashboardsOfManyAtOnce(t *testing.T) {
	t.Parallel()
	b := setupOn(t, testkit.Pool(t))
	testkit.Medication(t, b.db, 1)
	var all sync.WaitGroup
	for i, role := range []string{"Admin", "Admin", "Doctor", "Doctor", "Nurse", "Receptionist", "Pharmacist", "Pharmacist"} {
		user := b.as(role)
		for range i {
			execute(t, b, "INSERT INTO core_notification (user_id, title, message) VALUES ($1, $2, 'm')", user.user.ID, fmt.Sprint("for ", user.user.ID))
		}
		if role == "Doctor" {
			start := time.Date(b.now.Year(), b.now.Month(), b.now.Day(), 12+i, 0, 0, 0, time.UTC)
			testkit.Appointment(t, b.db, testkit.Patient(t, b.db, nil).ID, user.user.ID, start)
		}
		for range 10 {
			all.Go(func() {
				a, err := user.GetDashboardWithResponse(context.Background())
				if err != nil || a.JSON200 == nil {
					t.Errorf("%s: %v %s", role, err, a.Body)
					return
				}
				d := a.JSON200
				if d.UnreadNotifications != int64(i) || i > 0 && d.Notifications[0].Title != fmt.Sprint("for ", user.user.ID) {
					t.Errorf("%s %d has the notifications of somebody else: %s", role, i, a.Body)
				}
				if own := d.MyAppointmentsToday; (own != nil) != (role == "Doctor") || own != nil && (len(*own) != 1 || (*own)[0].Doctor != user.user.ID) {
					t.Errorf("%s %d has the appointments of somebody else: %s", role, i, a.Body)
				}
				for part, seen := range map[string]bool{"Admin": d.MostActiveUsers != nil, "Receptionist": d.RevenueToday != nil && d.MostActiveUsers == nil} {
					if seen != (role == part) {
						t.Errorf("%s %d has the dashboard of another role: %s", role, i, a.Body)
					}
				}
			})
		}
	}
	all.Wait()
}
