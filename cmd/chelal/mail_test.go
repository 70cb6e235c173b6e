package main

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/testkit"
)

// mailing starts a process of `chelal worker` that sends mails to a server.
func mailing(t *testing.T, database string, server *testkit.SMTP) *instance {
	t.Helper()
	i, _ := launch(t, database, []string{"EMAIL_URL=smtp://" + server.Address + "?tls=none", "EMAIL_FROM=desk@hospital.example"}, "worker")
	return i
}

// TestMailsOfAWorkerThatIsKilled kills the process while the server has the whole mail and
// has not said yet that it takes it. Who reads the log of the server knows that it did; the
// next process cannot: it sends news again under the same id, and a reminder never.
func TestMailsOfAWorkerThatIsKilled(t *testing.T) {
	database := testkit.URL(t)
	h := newHospital(t, database)
	_, err := h.pool.Exec(t.Context(), "UPDATE core_patient SET contact_info = 'patient@example.org' WHERE id = $1", h.patient)
	require.NoError(t, err)
	appointment := testkit.Appointment(t, h.pool, h.patient, h.doctor, time.Now().Add(100*time.Hour).Truncate(time.Hour))
	server := testkit.MailServer(t, nil, false)
	arrived, answer := make(chan struct{}, 10), make(chan struct{})
	server.Data = func() error {
		arrived <- struct{}{}
		<-answer
		return nil
	}
	changes := &change.Store{DB: h.pool, Now: time.Now}
	require.NoError(t, changes.Do(t.Context(), func(c *change.Change) error {
		for _, kind := range []string{"booked", "reminder"} {
			id, err := db.New().MailCreate(t.Context(), c.Tx, db.MailCreateParams{
				AppointmentID: appointment.ID, PatientID: h.patient, DoctorID: h.doctor, Kind: kind, Occurrence: 1, Date: appointment.Date,
				Time: appointment.Time, DurationMinutes: 30, StartsAt: appointment.StartsAt, Now: c.Now,
			})
			if err != nil {
				return err
			}
			if err := c.Enqueue(t.Context(), jobs.SendMail{DeliveryID: id}, nil); err != nil {
				return err
			}
		}
		return nil
	}))

	first := mailing(t, database, server)
	for range 2 {
		select {
		case <-arrived:
		case <-time.After(time.Minute):
			require.Fail(t, "the mails were not sent")
		}
	}
	first.kill()
	close(answer)
	require.Eventually(t, func() bool { return len(server.Mails()) == 2 }, time.Minute, 20*time.Millisecond)

	// As the time that a mail is surely lost, and that River leaves a job to its worker, go by.
	_, err = h.pool.Exec(t.Context(), "UPDATE core_maildelivery SET claimed_at = claimed_at - interval '11 minutes'")
	require.NoError(t, err)
	_, err = h.pool.Exec(t.Context(), "UPDATE river.river_job SET state = 'available' WHERE kind = 'send_mail' AND state = 'running'")
	require.NoError(t, err)
	mailing(t, database, server)
	state := func(kind string) (s string) {
		require.NoError(t, h.pool.QueryRow(t.Context(), "SELECT state FROM core_maildelivery WHERE kind = $1", kind).Scan(&s))
		return s
	}
	require.Eventually(t, func() bool { return state("booked") == "sent" && state("reminder") == "unknown" }, time.Minute, 50*time.Millisecond,
		"what became of the mails")
	ids := map[string]int{}
	for _, mail := range server.Mails() {
		ids[regexp.MustCompile(`Message-ID: <[^>]+>`).FindString(mail.Raw)]++
	}
	var times []int
	for _, n := range ids {
		times = append(times, n)
	}
	require.ElementsMatch(t, []int{1, 2}, times, "news twice under one id, the reminder once")
}
