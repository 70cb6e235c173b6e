package worker_test

import (
	"context"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/mail"
	"chelal/internal/media"
	"chelal/internal/testkit"
	"chelal/internal/worker"
)

// desk is a database, a mail server and a patient who has an address.
type desk struct {
	*pgxpool.Pool
	smtp    *testkit.SMTP
	mailer  *mail.Server
	patient db.CorePatient
	doctor  db.CoreUser
	now     time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	pool := testkit.Pool(t)
	account := testkit.User(t, pool, "Patient")
	_, err := pool.Exec(t.Context(), "UPDATE core_user SET language_preference = 'sw' WHERE id = $1", account.ID)
	require.NoError(t, err)
	d := &desk{
		Pool: pool, smtp: testkit.MailServer(t, nil, false), patient: testkit.Patient(t, pool, &account.ID),
		doctor: testkit.User(t, pool, "Doctor"), now: time.Date(2026, 3, 28, 8, 0, 0, 0, time.UTC),
	}
	d.mailer, err = mail.New("smtp://"+d.smtp.Address+"?tls=none", "desk@hospital.example")
	require.NoError(t, err)
	return d
}

func (d *desk) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	_, err := d.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// run works one job, and says whether it failed or was put off.
func (d *desk) run(t *testing.T, args river.JobArgs) river.EventKind {
	t.Helper()
	client, err := worker.New(worker.Options{
		Pool: d.Pool, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return d.now }, Mailer: d.mailer,
		WorkSyncBatch: func(context.Context, uuid.UUID) error { return nil }, SealKeys: sealKeys, Media: media.Folder(t.TempDir()),
	})
	require.NoError(t, err)
	events, cancel := client.Subscribe(river.EventKindJobCompleted, river.EventKindJobFailed, river.EventKindJobSnoozed)
	defer cancel()
	asked, err := client.Insert(t.Context(), args, nil)
	require.NoError(t, err)
	require.NoError(t, client.Start(t.Context()))
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	for {
		select {
		case e := <-events:
			if e.Job.ID == asked.Job.ID {
				require.NoError(t, client.Stop(ctx))
				return e.Kind
			}
		case <-ctx.Done():
			require.Fail(t, "the job did not run")
		}
	}
}

// remind prepares what is due and sends all that is prepared.
func (d *desk) remind(t *testing.T) {
	t.Helper()
	store := &change.Store{DB: d.Pool, Now: func() time.Time { return d.now }}
	require.NoError(t, store.Do(t.Context(), func(c *change.Change) error {
		_, err := db.New().MailRemind(t.Context(), c.Tx, db.MailRemindParams{Now: d.now, Until: d.now.Add(24 * time.Hour), Most: 10})
		return err
	}))
	rows, err := d.Query(t.Context(), "SELECT id FROM core_maildelivery WHERE state = 'pending'")
	require.NoError(t, err)
	var ids []int64
	for rows.Next() {
		var id int64
		require.NoError(t, rows.Scan(&id))
		ids = append(ids, id)
	}
	for _, id := range ids {
		require.Equal(t, river.EventKindJobCompleted, d.run(t, jobs.SendMail{DeliveryID: id}))
	}
}

func (d *desk) news(t *testing.T, a db.CoreAppointment, kind string, occurrence int64) int64 {
	t.Helper()
	id, err := db.New().MailCreate(t.Context(), d, db.MailCreateParams{
		AppointmentID: a.ID, PatientID: a.PatientID, DoctorID: a.DoctorID, Kind: kind, Occurrence: occurrence, Date: a.Date,
		Time: a.Time, DurationMinutes: a.DurationMinutes, StartsAt: a.StartsAt, Now: d.now,
	})
	require.NoError(t, err)
	return id
}

func (d *desk) state(t *testing.T, id int64) (state, reason string) {
	t.Helper()
	require.NoError(t, d.QueryRow(t.Context(), "SELECT state, reason FROM core_maildelivery WHERE id = $1", id).Scan(&state, &reason))
	return state, reason
}

func TestReminders(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	start := time.Date(2026, 3, 29, 9, 0, 0, 0, time.UTC) // clocks of Europe go forward that night
	a := testkit.Appointment(t, d, d.patient.ID, d.doctor.ID, start)
	d.remind(t)
	require.Empty(t, d.smtp.Mails(), "25 hours before")
	d.now = start.Add(-24 * time.Hour)
	d.remind(t)
	require.Len(t, d.smtp.Mails(), 1)
	require.Contains(t, d.smtp.Mails()[0].Raw, "Subject: Kumbusho la miadi")
	d.remind(t)
	require.Len(t, d.smtp.Mails(), 1, "never twice")

	move := "UPDATE core_appointment SET starts_at = $2, ends_at = $2::timestamptz + interval '30 min' WHERE id = $1"
	d.exec(t, move, a.ID, start.Add(48*time.Hour))
	d.remind(t)
	require.Len(t, d.smtp.Mails(), 1, "moved away")
	d.exec(t, move, a.ID, start)
	d.remind(t)
	require.Len(t, d.smtp.Mails(), 1, "moved back: the patient was reminded of this time")
	d.exec(t, move, a.ID, start.Add(48*time.Hour))
	d.now = start.Add(24 * time.Hour)
	d.remind(t)
	require.Len(t, d.smtp.Mails(), 2, "another time is another reminder")

	gone := testkit.Appointment(t, d, d.patient.ID, d.doctor.ID, d.now.Add(10*time.Hour))
	d.exec(t, "UPDATE core_appointment SET status = 'cancelled' WHERE id = $1", gone.ID)
	soon := testkit.Appointment(t, d, d.patient.ID, d.doctor.ID, d.now.Add(12*time.Hour))
	d.news(t, soon, "booked", soon.Version)
	d.remind(t)
	require.Len(t, d.smtp.Mails(), 3, "of what was booked that late the booking tells, of what is cancelled nothing")
	require.Contains(t, d.smtp.Mails()[2].Raw, "Subject: Miadi imewekwa")
}

func TestACrashBetweenSendingAndRecording(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := testkit.Appointment(t, d, d.patient.ID, d.doctor.ID, d.now.Add(30*time.Hour))
	booked, reminder := d.news(t, a, "booked", a.Version), d.news(t, a, "reminder", a.StartsAt.Unix())
	for _, id := range []int64{booked, reminder} { // as of a process that died over them
		_, err := db.New().MailClaim(t.Context(), d, db.MailClaimParams{ID: id, Now: d.now, Lost: d.now})
		require.NoError(t, err)
		require.Equal(t, river.EventKindJobSnoozed, d.run(t, jobs.SendMail{DeliveryID: id}), "it may still be under way")
	}
	d.now = d.now.Add(time.Hour)
	for _, id := range []int64{booked, reminder} {
		require.Equal(t, river.EventKindJobCompleted, d.run(t, jobs.SendMail{DeliveryID: id}))
	}
	require.Len(t, d.smtp.Mails(), 1)
	state, _ := d.state(t, booked)
	require.Equal(t, "sent", state)
	state, _ = d.state(t, reminder)
	require.Equal(t, "unknown", state)
	require.Equal(t, river.EventKindJobCompleted, d.run(t, jobs.SendMail{DeliveryID: booked}))
	require.Len(t, d.smtp.Mails(), 1, "what is sent is not sent again")
}

func TestWhatBecomesOfAMail(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := testkit.Appointment(t, d, d.patient.ID, d.doctor.ID, d.now.Add(30*time.Hour))
	booked := d.news(t, a, "booked", 1)
	d.smtp.Rcpt = func(string) error { return testkit.Refusal(450) }
	require.Equal(t, river.EventKindJobFailed, d.run(t, jobs.SendMail{DeliveryID: booked}), "to be tried again")
	state, reason := d.state(t, booked)
	require.Equal(t, []string{"pending", "450"}, []string{state, reason})
	moved := d.news(t, a, "rescheduled", 2)
	d.smtp.Rcpt = nil
	require.Equal(t, river.EventKindJobCompleted, d.run(t, jobs.SendMail{DeliveryID: booked}))
	_, reason = d.state(t, booked)
	require.Equal(t, "superseded", reason, "no older news after newer ones")
	d.smtp.Rcpt = func(string) error { return testkit.Refusal(550) }
	require.Equal(t, river.EventKindJobCompleted, d.run(t, jobs.SendMail{DeliveryID: moved}))
	state, reason = d.state(t, moved)
	require.Equal(t, []string{"failed", "550"}, []string{state, reason})

	d.smtp.Rcpt = nil
	cancelled := d.news(t, a, "cancelled", 3)
	d.exec(t, "DELETE FROM core_appointment WHERE id = $1", a.ID)
	require.Equal(t, river.EventKindJobCompleted, d.run(t, jobs.SendMail{DeliveryID: cancelled}))
	require.Len(t, d.smtp.Mails(), 1)
	require.Contains(t, d.smtp.Mails()[0].Raw, "Miadi")
	var leaked int
	require.NoError(t, d.QueryRow(t.Context(), "SELECT count(*) FROM river.river_job WHERE errors::text LIKE '%example.org%'").Scan(&leaked))
	require.Zero(t, leaked)
}

func TestNoShowsAreMarkedAndAudited(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	missed := testkit.Appointment(t, d, d.patient.ID, d.doctor.ID, d.now.Add(-25*time.Hour))
	late := testkit.Appointment(t, d, d.patient.ID, d.doctor.ID, d.now.Add(-24*time.Hour))
	require.Equal(t, river.EventKindJobCompleted, d.run(t, jobs.MarkNoShows{}))
	for id, want := range map[int64]string{missed.ID: "no_show", late.ID: "scheduled"} {
		row, err := db.New().AppointmentGet(t.Context(), d, id, nil)
		require.NoError(t, err)
		require.Equal(t, want, row.CoreAppointment.Status)
	}
	var entries int
	require.NoError(t, d.QueryRow(t.Context(), `SELECT count(*) FROM core_auditlog WHERE object_type = 'appointment' AND user_id IS NULL
		AND details::text LIKE '%no_show%'`).Scan(&entries))
	require.Equal(t, 1, entries)
	require.Equal(t, 1, count(t, d.Pool, "core_event WHERE type = 'appointment.updated' AND data->>'status' = 'no_show'"))
}

// TestMailsInTheLanguageOfTheirReader reads both forms of each mail, as a mail program would.
func TestMailsInTheLanguageOfTheirReader(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := testkit.Appointment(t, d, d.patient.ID, d.doctor.ID, d.now.Add(12*time.Hour))
	version := a.Version
	for language, subjects := range map[string]map[string]string{
		"en": {"booked": "Appointment booked", "rescheduled": "Appointment rescheduled", "cancelled": "Appointment cancelled", "reminder": "Appointment reminder"},
		"fr": {"booked": "Rendez-vous fixé", "rescheduled": "Rendez-vous déplacé", "cancelled": "Rendez-vous annulé", "reminder": "Rappel de rendez-vous"},
		"sw": {"booked": "Miadi imewekwa", "rescheduled": "Miadi imebadilishwa", "cancelled": "Miadi imeghairiwa", "reminder": "Kumbusho la miadi"},
	} {
		d.exec(t, "UPDATE core_user SET language_preference = $1 WHERE id = $2", language, *d.patient.UserID)
		for kind, subject := range subjects {
			version++
			require.Equal(t, river.EventKindJobCompleted, d.run(t, jobs.SendMail{DeliveryID: d.news(t, a, kind, version)}))
			mails := d.smtp.Mails()
			got, text, html := readMail(t, mails[len(mails)-1].Raw)
			require.Equal(t, subject, got)
			require.Contains(t, text, d.patient.FirstName)
			require.Contains(t, text, "20:00")
			require.Contains(t, html, `<html lang="`+language+`">`)
			require.Contains(t, html, strings.TrimSpace(text))
		}
	}
}

// readMail takes a mail of two forms apart.
func readMail(t *testing.T, raw string) (subject, text, html string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	require.NoError(t, err)
	subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)
	parts := multipart.NewReader(m.Body, parameters["boundary"])
	for _, form := range []*string{&text, &html} {
		part, err := parts.NextPart()
		require.NoError(t, err)
		body, err := io.ReadAll(part)
		require.NoError(t, err)
		*form = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	return subject, text, html
}

func TestMailsGoToAnAddressOnly(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for contact, to := range map[string]string{"mother@example.org": "mother@example.org", "0712 345678": "", "": ""} {
		patient := testkit.Patient(t, d, nil)
		d.exec(t, "UPDATE core_patient SET contact_info = $1 WHERE id = $2", contact, patient.ID)
		id := d.news(t, testkit.Appointment(t, d, patient.ID, testkit.User(t, d, "Doctor").ID, d.now.Add(30*time.Hour)), "booked", 1)
		before := len(d.smtp.Mails())
		require.Equal(t, river.EventKindJobCompleted, d.run(t, jobs.SendMail{DeliveryID: id}))
		state, reason := d.state(t, id)
		if to == "" {
			require.Equal(t, []string{"dropped", "no_address"}, []string{state, reason})
			require.Len(t, d.smtp.Mails(), before)
			continue
		}
		require.Equal(t, "sent", state)
		require.Equal(t, to, d.smtp.Mails()[before].To)
	}
}
