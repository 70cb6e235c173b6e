package server_test

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/report"
	"chelal/internal/reportfile"
	"chelal/internal/testkit"
)

// reportFile is a file of a user's that can be downloaded.
func reportFile(b *bundle, owner int64) int64 {
	b.t.Helper()
	f, err := db.New().ReportFileCreate(b.t.Context(), b.db, db.ReportFileCreateParams{
		RequestedByID: &owner, Kind: "patients", Format: "csv", DateFrom: b.now, DateTo: b.now, Now: b.now,
	})
	require.NoError(b.t, err)
	content := "id,unique_id\r\n"
	require.NoError(b.t, b.options.Media.Write(b.t.Context(), reportfile.Name(f), "text/csv", func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	}))
	rows, size := int64(0), int64(len(content))
	_, err = db.New().ReportFileFinish(b.t.Context(), b.db, db.ReportFileFinishParams{ID: f.ID, Status: "ready", RowCount: &rows, Size: &size, Now: b.now})
	require.NoError(b.t, err)
	return f.ID
}

func asked(kind, format string) map[string]any {
	return map[string]any{"kind": kind, "format": format, "date_from": "2026-01-01", "date_to": "2026-01-31"}
}

// TestReportFile goes all the way, with the job done by hand.
func TestReportFile(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	b := setupOn(t, pool)
	nurse, admin := b.as("Nurse"), b.as("Admin")
	p := testkit.Patient(t, b.db, nil)
	execute(t, b, "UPDATE core_patient SET created_at = '2026-01-31T23:59:00Z', first_name = '=SUM(A1)' WHERE id = $1", p.ID)
	for format, kind := range map[string]string{"csv": "text/csv", "pdf": "application/pdf"} {
		key := uuid.NewString()
		made := nurse.call("POST", "/api/report-files/", asked("patients", format), "Idempotency-Key", key)
		require.Equal(t, 202, made.status, made.raw)
		require.Equal(t, made.body["id"], nurse.call("POST", "/api/report-files/", asked("patients", format), "Idempotency-Key", key).body["id"])
		require.Equal(t, "pending", made.body["status"])
		path := fmt.Sprintf("/api/report-files/%v/", made.body["id"])
		nurse.call("GET", path+"download/", nil).refused(t, 409, "report_not_ready")

		f, err := db.New().ReportFileGet(t.Context(), b.db, int64(made.body["id"].(float64)), nil)
		require.NoError(t, err)
		source := reportfile.Source{Pool: pool, Zone: time.UTC}
		require.NoError(t, b.options.Media.Write(t.Context(), reportfile.Name(f), kind, func(w io.Writer) error {
			_, err := source.Write(t.Context(), f, report.Hospital{}, w)
			return err
		}))
		rows, size := int64(1), int64(100)
		_, err = db.New().ReportFileFinish(t.Context(), b.db, db.ReportFileFinishParams{ID: f.ID, Status: "ready", RowCount: &rows, Size: &size, Now: b.now})
		require.NoError(t, err)

		got := nurse.call("GET", path+"download/", nil)
		require.Equal(t, 200, got.status)
		require.Contains(t, got.header.Get("Content-Type"), kind)
		require.Equal(t, `attachment; filename="patients-2026-01-01-2026-01-31.`+format+`"`, got.header.Get("Content-Disposition"))
		if format == "csv" {
			require.Contains(t, got.raw, p.UniqueID+",'=SUM(A1),")
			require.Contains(t, got.raw, ",2026-01-31T23:59:00+00:00\r\n")
		} else {
			text, pages := testkit.PDF(t, []byte(got.raw))
			require.Equal(t, 1, pages)
			require.Contains(t, text, p.UniqueID)
		}
		require.Equal(t, 200, admin.call("GET", path, nil).status)
		b.as("Doctor").call("GET", path, nil).refused(t, 404, "not_found")
		b.as("Doctor").call("GET", path+"download/", nil).refused(t, 404, "not_found")
		require.EqualValues(t, 0, b.as("Doctor").call("GET", "/api/report-files/", nil).body["count"])
	}
	require.EqualValues(t, 2, nurse.call("GET", "/api/report-files/", nil).body["count"])
	require.EqualValues(t, 2, admin.call("GET", "/api/report-files/?ordering=created_at", nil).body["count"])
	var exports int
	require.NoError(t, b.db.QueryRow(t.Context(), `SELECT count(*) FROM core_auditlog WHERE action = 'export' AND object_type = 'reportfile'
		AND user_id = $1`, nurse.user.ID).Scan(&exports))
	require.Equal(t, 2, exports)

	execute(t, b, "UPDATE core_reportfile SET status = 'failed', error = 'x' WHERE requested_by_id = $1 AND format = 'pdf'", nurse.user.ID)
	var failed int64
	require.NoError(t, b.db.QueryRow(t.Context(), "SELECT id FROM core_reportfile WHERE status = 'failed'").Scan(&failed))
	nurse.call("GET", fmt.Sprintf("/api/report-files/%d/download/", failed), nil).refused(t, 409, "report_failed")
}

func TestReportFileRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nurse := b.as("Nurse")
	backwards := asked("bills", "csv")
	backwards["date_from"] = "2026-02-01"
	require.Equal(t, map[string]string{"date_from": "after_date_to"}, nurse.call("POST", "/api/report-files/", backwards).refused(t, 400, "invalid").fields())
	nurse.call("POST", "/api/report-files/", asked("users", "csv")).refused(t, 400, "invalid")
	nurse.call("POST", "/api/report-files/", asked("bills", "xlsx")).refused(t, 400, "invalid")
	nurse.call("GET", "/api/report-files/?ordering=size", nil).refused(t, 400, "invalid")
	path := fmt.Sprintf("/api/report-files/%d/", reportFile(b, nurse.user.ID))
	nurse.call("GET", path+"?x=1", nil).refused(t, 400, "invalid")
	nurse.call("GET", path+"download/?x=1", nil).refused(t, 400, "invalid")
	b.as("Patient").call("POST", "/api/report-files/", asked("bills", "csv")).refused(t, 403, "forbidden")
}

func TestAUserWaitsForFiveReportFiles(t *testing.T) {
	t.Parallel()
	b := setupOn(t, testkit.Pool(t))
	nurse := b.as("Nurse")
	var made, refused atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			switch a := nurse.call("POST", "/api/report-files/", asked("revenue", "csv")); a.status {
			case 202:
				made.Add(1)
			case 409:
				refused.Add(1)
			}
		})
	}
	all.Wait()
	require.Equal(t, []int32{5, 15}, []int32{made.Load(), refused.Load()})
	require.Equal(t, 202, b.as("Doctor").call("POST", "/api/report-files/", asked("revenue", "csv")).status)
	var jobs int
	require.NoError(t, b.db.QueryRow(t.Context(), "SELECT count(*) FROM river.river_job WHERE kind = 'write_report'").Scan(&jobs))
	require.Equal(t, 6, jobs)
}
