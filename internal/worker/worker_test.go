package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/auditlog"
	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/media"
	"chelal/internal/reportfile"
	"chelal/internal/testkit"
	"chelal/internal/worker"
)

// sealKeys sign the seals of the tests.
var sealKeys = auditlog.NewKeys([]byte("a secret of the tests, long enough to be one"))

func TestMain(m *testing.M) { testkit.Main(m) }

func TestExpireRunsAtTheStartAndRemovesOnlyWhatIsPastItsTime(t *testing.T) {
	pool, ctx := testkit.Pool(t), t.Context()
	now := time.Now().UTC()
	user := testkit.User(t, pool, "Doctor")
	q := db.New()
	lasting := addSession(t, pool, user.ID, now.Add(time.Minute))
	addSession(t, pool, user.ID, now.Add(-time.Minute))
	for hash, expires := range map[string]time.Time{"dead": now.Add(-time.Second), "alive": now.Add(time.Hour)} {
		require.NoError(t, q.RefreshTokenCreate(ctx, pool, db.RefreshTokenCreateParams{
			SessionID: lasting, TokenHash: []byte(hash), Now: now, ExpiresAt: expires,
		}))
	}
	for key, made := range map[string]time.Time{"old": now.Add(-25 * time.Hour), "fresh": now.Add(-23 * time.Hour)} {
		require.NoError(t, q.IdempotencyStore(ctx, pool, db.IdempotencyStoreParams{
			Operation: "test", Key: key, RequestHash: []byte("h"), Status: 201, Header: []byte("{}"), Start: []byte("{}"), Rest: []byte{}, Now: made,
		}))
	}
	_, err := pool.Exec(ctx, `INSERT INTO core_figure (name, bucket, key, count, amount) VALUES
		('changes', $1, '7', 1, 0), ('other_actions', $1, '7', 1, 0), ('changes', $2, '7', 1, 0), ('revenue', $1, 'Cash', 1, 5)`,
		now.Add(-49*time.Hour), now.Add(-47*time.Hour))
	require.NoError(t, err)
	for hash, expires := range map[string]time.Time{"old": now.Add(-time.Second), "fresh": now.Add(time.Second)} {
		require.NoError(t, q.TicketCreate(ctx, pool, db.TicketCreateParams{Hash: []byte(hash), Purpose: "socket", ExpiresAt: expires}))
	}
	for _, age := range []string{"25 hours", "25 hours", "23 hours"} {
		_, err := pool.Exec(ctx, "INSERT INTO core_event (topic, type, created_at) VALUES ('access', 'x', now() - $1::interval)", age)
		require.NoError(t, err)
		_, err = q.EventsNumber(ctx, pool, 10)
		require.NoError(t, err)
	}
	_, err = pool.Exec(ctx, "INSERT INTO core_event (topic, type, created_at) VALUES ('access', 'x', now() - interval '25 hours')")
	require.NoError(t, err)

	work(t, pool, now, "expire")

	require.Equal(t, 1, count(t, pool, "core_figure WHERE name = 'changes'"))
	require.Zero(t, count(t, pool, "core_figure WHERE name = 'other_actions'"))
	require.Equal(t, 1, count(t, pool, "core_figure WHERE name = 'revenue'"))
	require.Equal(t, 1, count(t, pool, "core_ticket"))
	var left string
	require.NoError(t, pool.QueryRow(ctx, "SELECT string_agg(coalesce(number::text, 'none'), ' ' ORDER BY number) FROM core_event WHERE type = 'x'").Scan(&left))
	require.Equal(t, "3 none", left, "what has no number yet has not been told")
	require.Equal(t, 1, count(t, pool, "core_session"))
	require.Equal(t, 1, count(t, pool, "core_refreshtoken"))
	require.Equal(t, 1, count(t, pool, "core_idempotencykey"))
}

// TestAPeriodicJobIsNotJoinedByAnother has somebody in the way of the sealing while the
// periodic jobs are asked for once more, as they are when another process takes the lead.
func TestAPeriodicJobIsNotJoinedByAnother(t *testing.T) {
	pool, ctx := testkit.Pool(t), t.Context()
	tx, err := pool.Begin(ctx)
	require.NoError(t, err)
	require.NoError(t, db.New().SealsLock(ctx, tx))
	_, err = pool.Exec(ctx, "INSERT INTO core_auditlog (action) VALUES ('create')")
	require.NoError(t, err)
	client, err := worker.New(worker.Options{
		Pool: pool, Log: slog.New(slog.DiscardHandler), Now: time.Now, SealKeys: sealKeys, Media: media.Folder(t.TempDir()),
		WorkSyncBatch: func(context.Context, uuid.UUID) error { return nil },
	})
	require.NoError(t, err)
	require.NoError(t, client.Start(ctx))
	asked := func(kind string, times int) {
		t.Helper()
		require.Eventually(t, func() bool { return count(t, pool, "river.river_job WHERE kind = '"+kind+"'") == times }, time.Minute, 50*time.Millisecond)
	}
	asked("fold_figures", 1)
	asked("seal_audit", 1)
	require.Eventually(t, func() bool {
		return count(t, pool, "river.river_job WHERE kind = 'fold_figures' AND state = 'completed'") == 1
	},
		time.Minute, 50*time.Millisecond)
	_, err = pool.Exec(ctx, "DELETE FROM river.river_leader")
	require.NoError(t, err)
	asked("fold_figures", 2)
	require.Equal(t, 1, count(t, pool, "river.river_job WHERE kind = 'seal_audit'"))
	require.NoError(t, tx.Rollback(ctx))
	require.NoError(t, client.Stop(context.WithoutCancel(ctx)))
	require.Equal(t, 1, count(t, pool, "core_auditseal"))
}

// TestJobsOfADeadProcessAreTakenUp leaves a periodic job as a process does that was killed
// over it some minutes ago.
func TestJobsOfADeadProcessAreTakenUp(t *testing.T) {
	pool := testkit.Pool(t)
	work(t, pool, time.Now(), "fold_figures")
	_, err := pool.Exec(t.Context(), `UPDATE river.river_job SET state = 'running', finalized_at = NULL, attempted_at = now() - interval '6 minutes'
		WHERE kind = 'fold_figures'`)
	require.NoError(t, err)
	work(t, pool, time.Now(), "fold_figures")
	require.Equal(t, 1, count(t, pool, "river.river_job WHERE kind = 'fold_figures' AND state = 'completed' AND attempt = 2"))
}

func TestExpireMakesTheNextPartitions(t *testing.T) {
	pool := testkit.Pool(t)
	month := time.Now().UTC().AddDate(0, 0, 1-time.Now().UTC().Day()).AddDate(0, 3, 0)
	for _, name := range []string{"core_auditlog_200601", "core_loginactivity_200601"} {
		_, err := pool.Exec(t.Context(), "DROP TABLE "+month.Format(name))
		require.NoError(t, err)
	}
	work(t, pool, time.Now(), "expire")
	require.Equal(t, 0, count(t, pool, month.Format("core_auditlog_200601")))
	require.Equal(t, 0, count(t, pool, month.Format("core_loginactivity_200601")))
}

// TestExpirePassesOverAMonthOfAWrongClock has a row from a clock that was far ahead, which
// is in the way of its month's partition.
func TestExpirePassesOverAMonthOfAWrongClock(t *testing.T) {
	pool := testkit.Pool(t)
	first := time.Now().UTC().AddDate(0, 0, 1-time.Now().UTC().Day())
	for _, ahead := range []int{2, 3} {
		_, err := pool.Exec(t.Context(), "DROP TABLE "+first.AddDate(0, ahead, 0).Format("core_auditlog_200601"))
		require.NoError(t, err)
	}
	_, err := pool.Exec(t.Context(), "INSERT INTO core_auditlog (action, timestamp) VALUES ('create', $1)", first.AddDate(0, 2, 1))
	require.NoError(t, err)
	work(t, pool, time.Now(), "expire")
	require.Equal(t, 0, count(t, pool, first.AddDate(0, 3, 0).Format("core_auditlog_200601")))
	require.Equal(t, 1, count(t, pool, "core_auditlog_default"))
}

func TestRemovePictureKeepsWhatAnAccountNames(t *testing.T) {
	pool, ctx := testkit.Pool(t), t.Context()
	store := media.Folder(t.TempDir())
	named, replaced := media.NewName(), media.NewName()
	_, err := pool.Exec(ctx, "UPDATE core_user SET profile_image = $2 WHERE id = $1", testkit.User(t, pool, "Nurse").ID, named)
	require.NoError(t, err)
	changes := change.Store{DB: pool, Now: time.Now}
	for _, name := range []string{named, replaced} {
		require.NoError(t, store.Put(ctx, name, []byte("image")))
	}
	require.NoError(t, changes.Do(ctx, func(c *change.Change) error {
		return errors.Join(c.Enqueue(ctx, jobs.RemovePicture{Name: named}, nil), c.Enqueue(ctx, jobs.RemovePicture{Name: replaced}, nil))
	}))
	workOn(t, worker.Options{Pool: pool, Now: time.Now, Media: store}, "remove_picture", "remove_picture")
	_, _, err = store.Open(ctx, replaced)
	require.ErrorIs(t, err, media.ErrMissing)
	kept, _, err := store.Open(ctx, named)
	require.NoError(t, err)
	require.NoError(t, kept.Close())
}

func TestReportFiles(t *testing.T) {
	pool, ctx := testkit.Pool(t), t.Context()
	store := media.Folder(t.TempDir())
	user := testkit.User(t, pool, "Doctor")
	testkit.Patient(t, pool, nil)
	now := time.Now()
	files := func(format string) db.CoreReportfile {
		f, err := db.New().ReportFileCreate(ctx, pool, db.ReportFileCreateParams{
			RequestedByID: &user.ID, Kind: "patients", Format: format, DateFrom: now.AddDate(0, 0, -1), DateTo: now.AddDate(0, 0, 1), Now: now,
		})
		require.NoError(t, err)
		return f
	}
	run := func(ids ...int64) {
		t.Helper()
		changes := &change.Store{DB: pool, Now: time.Now}
		require.NoError(t, changes.Do(ctx, func(c *change.Change) error {
			for _, id := range ids {
				if err := c.Enqueue(ctx, jobs.WriteReport{FileID: id}, nil); err != nil {
					return err
				}
			}
			return nil
		}))
		workOn(t, worker.Options{Pool: pool, Now: time.Now, SealKeys: sealKeys, Media: store, Zone: time.UTC,
			WorkSyncBatch: func(context.Context, uuid.UUID) error { return nil }}, slices.Repeat([]string{"write_report"}, len(ids))...)
	}
	sheet, page := files("csv"), files("pdf")
	run(sheet.ID, page.ID, sheet.ID, 987654321) // twice at once, and one that is gone
	for _, f := range []db.CoreReportfile{sheet, page} {
		done, err := db.New().ReportFileGet(ctx, pool, f.ID, nil)
		require.NoError(t, err)
		require.Equal(t, []any{"ready", int64(1)}, []any{done.Status, *done.RowCount})
		content, size, err := store.Open(ctx, reportfile.Name(f))
		require.NoError(t, err)
		require.Equal(t, size, *done.Size)
		require.NoError(t, content.Close())
	}
	require.Equal(t, 2, count(t, pool, "core_notification WHERE type = 'report_ready'"), "once for each file")
	require.Equal(t, 2, count(t, pool, "core_auditlog WHERE object_type = 'reportfile'"))

	_, err := pool.Exec(ctx, `INSERT INTO core_patient (first_name, last_name, date_of_birth, gender, created_at)
		SELECT 'A', 'B', '1990-01-15', 'F', $1 FROM generate_series(1, $2) n`, now, reportfile.MaxPDF)
	require.NoError(t, err)
	large := files("pdf")
	run(large.ID)
	failed, err := db.New().ReportFileGet(ctx, pool, large.ID, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"failed", reportfile.TooManyRows.Message}, []string{failed.Status, failed.Error})
	_, _, err = store.Open(ctx, reportfile.Name(large))
	require.ErrorIs(t, err, media.ErrMissing)

	_, err = pool.Exec(ctx, "UPDATE core_reportfile SET created_at = now() - interval '8 days' WHERE id <> $1", page.ID)
	require.NoError(t, err)
	workOn(t, worker.Options{Pool: pool, Now: time.Now, SealKeys: sealKeys, Media: store, Zone: time.UTC,
		WorkSyncBatch: func(context.Context, uuid.UUID) error { return nil }}, "expire")
	require.Equal(t, 1, count(t, pool, "core_reportfile"))
	_, _, err = store.Open(ctx, reportfile.Name(sheet))
	require.ErrorIs(t, err, media.ErrMissing)
	content, _, err := store.Open(ctx, reportfile.Name(page))
	require.NoError(t, err)
	require.NoError(t, content.Close())
}

func TestFoldFiguresLeavesNoDifference(t *testing.T) {
	pool := testkit.Pool(t)
	for range 3 {
		testkit.Patient(t, pool, nil)
	}
	require.Equal(t, 6, count(t, pool, "core_figuredelta"))
	work(t, pool, time.Now(), "fold_figures")
	require.Zero(t, count(t, pool, "core_figuredelta"))
	totals, err := db.New().FigureTotals(t.Context(), pool, []string{"patients"})
	require.NoError(t, err)
	require.Equal(t, []db.FigureTotalsRow{{Name: "patients", Count: 3}}, totals)
}

// work starts a client and stops it when the first job of a kind is done.
func work(t *testing.T, pool *pgxpool.Pool, now time.Time, kind string) {
	t.Helper()
	workWith(t, pool, now, kind, make(chan uuid.UUID, 100))
}

// workWith is work that tells which batches of offline operations were to be worked on.
func workWith(t *testing.T, pool *pgxpool.Pool, now time.Time, kind string, batches chan<- uuid.UUID) {
	t.Helper()
	workOn(t, worker.Options{
		Pool: pool, Now: func() time.Time { return now }, SealKeys: sealKeys, Media: media.Folder(t.TempDir()),
		WorkSyncBatch: func(_ context.Context, batch uuid.UUID) error {
			batches <- batch
			return nil
		},
	}, kind)
}

// workOn starts a client and stops it when as many jobs of each kind are done as are named.
func workOn(t *testing.T, o worker.Options, kinds ...string) {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	client, err := worker.New(o)
	require.NoError(t, err)
	done, cancel := client.Subscribe(river.EventKindJobCompleted, river.EventKindJobFailed)
	defer cancel()
	require.NoError(t, client.Start(t.Context()))
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	for len(kinds) > 0 {
		select {
		case e := <-done:
			require.Equal(t, river.EventKindJobCompleted, e.Kind, e.Job.Kind)
			if i := slices.Index(kinds, e.Job.Kind); i >= 0 {
				kinds = slices.Delete(kinds, i, i+1)
			}
		case <-ctx.Done():
			require.Fail(t, "the job did not run")
		}
	}
	require.NoError(t, client.Stop(ctx))
}

func addSession(t *testing.T, pool *pgxpool.Pool, userID int64, expires time.Time) uuid.UUID {
	t.Helper()
	id := uuid.New()
	require.NoError(t, db.New().SessionCreate(t.Context(), pool, db.SessionCreateParams{
		ID: id, UserID: userID, Now: time.Now(), ExpiresAt: expires,
	}))
	return id
}

func count(t *testing.T, pool *pgxpool.Pool, table string) int {
	t.Helper()
	var n int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}
