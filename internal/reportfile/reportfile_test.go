package reportfile_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/report"
	"chelal/internal/reportfile"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func execute(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// write returns the lines of a CSV file, the headings first.
func write(t testing.TB, s reportfile.Source, kind, from, to string) [][]string {
	t.Helper()
	var file bytes.Buffer
	n, err := s.Write(t.Context(), db.CoreReportfile{Kind: kind, Format: "csv", DateFrom: day(from), DateTo: day(to)}, report.Hospital{}, &file)
	require.NoError(t, err)
	lines, err := csv.NewReader(&file).ReadAll()
	require.NoError(t, err)
	require.EqualValues(t, len(lines)-1, n)
	return lines
}

func TestKinds(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	zone, err := time.LoadLocation("America/St_Johns")
	require.NoError(t, err)
	execute(t, pool, "UPDATE core_hospital SET zone = $1", zone.String())
	s := reportfile.Source{Pool: pool, Zone: zone}
	patient, doctor := testkit.Patient(t, pool, nil), testkit.User(t, pool, "Doctor")
	// On either side of midnight in the hospital, which is 03:30 and, in summer, 02:30 in UTC.
	inside, outside := "2026-03-02T03:29:59Z", "2026-03-02T03:30:00Z"
	execute(t, pool, "UPDATE core_patient SET created_at = $1, first_name = '=1+2', known_allergies = E'pollen,\n\"dust\"' WHERE id = $2", inside, patient.ID)
	execute(t, pool, "UPDATE core_patient SET created_at = $1 WHERE id = $2", outside, testkit.Patient(t, pool, nil).ID)
	lines := write(t, s, "patients", "2026-03-01", "2026-03-01")
	require.Len(t, lines, 2)
	require.Equal(t, []string{"id", "unique_id", "first_name", "last_name", "date_of_birth", "gender", "contact_info", "address", "known_allergies",
		"created_at"}, lines[0])
	require.Equal(t, []string{fmt.Sprint(patient.ID), patient.UniqueID, "'=1+2"}, lines[1][:3])
	require.Equal(t, []string{"pollen,\n\"dust\"", "2026-03-01T23:59:59-03:30"}, lines[1][8:])

	booked := testkit.Appointment(t, pool, patient.ID, doctor.ID, time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC))
	execute(t, pool, "UPDATE core_appointment SET notes = '@cmd' WHERE id = $1", booked.ID)
	require.Equal(t, [][]string{{fmt.Sprint(booked.ID), booked.Date.Format(time.DateOnly), "10:00", "30", "scheduled", fmt.Sprint(patient.ID),
		"=1+2 " + patient.LastName, fmt.Sprint(doctor.ID), doctor.FirstName + " " + doctor.LastName, "'@cmd"}},
		unquoted(write(t, s, "appointments", "2026-07-01", "2026-07-01")[1:]))
	require.Len(t, write(t, s, "appointments", "2026-07-02", "2026-07-30"), 1)

	bill := testkit.Bill(t, pool, patient.ID, "100.50")
	execute(t, pool, "UPDATE core_bill SET date_issued = $1 WHERE id = $2", "2026-07-01T12:00:00Z", bill.ID)
	paid := testkit.Payment(t, pool, bill.ID, "60.25")
	execute(t, pool, "UPDATE core_payment SET payment_date = $1, method = 'Card', reference = '-7' WHERE id = $2", "2026-07-02T02:29:00Z", paid.ID)
	require.Equal(t, []string{"2026-07-01T09:30:00-02:30", "", fmt.Sprint(patient.ID)}, remove(write(t, s, "bills", "2026-07-01", "2026-07-01")[1], 2, 3, 4))
	require.Regexp(t, `^INV-\d{7}$`, write(t, s, "bills", "2026-07-01", "2026-07-01")[1][1])
	require.Equal(t, []string{"100.50", "60.25", "40.25"}, write(t, s, "bills", "2026-07-01", "2026-07-01")[1][6:])
	require.Equal(t, []string{"Card", "'-7", "60.25", "0.00"}, write(t, s, "payments", "2026-07-01", "2026-07-01")[1][6:10])
	require.Equal(t, [][]string{{"date", "method", "payments", "total"}, {"2026-07-01", "Card", "1", "60.25"}}, write(t, s, "revenue", "2026-07-01", "2026-07-31"))
	require.Len(t, write(t, s, "payments", "2026-07-02", "2026-07-31"), 1)
}

// unquoted takes the defence off a name that begins like a formula.
func unquoted(rows [][]string) [][]string {
	for _, row := range rows {
		row[6] = strings.TrimPrefix(row[6], "'")
	}
	return rows
}

func remove(row []string, columns ...int) (kept []string) {
	for _, i := range columns {
		kept = append(kept, row[i])
	}
	return kept
}

func TestPDF(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	s := reportfile.Source{Pool: pool, Zone: time.UTC}
	execute(t, pool, `INSERT INTO core_patient (first_name, last_name, date_of_birth, gender, created_at)
		SELECT 'Wanjiru' || n, repeat('Long name ', 9), '1990-01-15', 'F', '2026-03-01T08:00:00Z' FROM generate_series(1, 60) n`)
	file := db.CoreReportfile{Kind: "patients", Format: "pdf", DateFrom: day("2026-03-01"), DateTo: day("2026-03-31"), CreatedAt: day("2026-04-01")}
	draw := func() ([]byte, error) {
		var out bytes.Buffer
		_, err := s.Write(t.Context(), file, report.Hospital{Name: "Hospital of Good Hope"}, &out)
		return out.Bytes(), err
	}
	pdf, err := draw()
	require.NoError(t, err)
	text, pages := testkit.PDF(t, pdf)
	require.Equal(t, 3, pages)
	for _, part := range []string{"Hospital of Good Hope", "Patients registered", "2026-03-01 to 2026-03-31", "Wanjiru1\n", "Wanjiru60\n", "Page 3 of 3", "60 rows", "…", "2026-03-01 08:00\n"} {
		require.Contains(t, text, part)
	}
	again, err := draw()
	require.NoError(t, err)
	require.True(t, bytes.Equal(pdf, again), "the same file")

	execute(t, pool, `INSERT INTO core_patient (first_name, last_name, date_of_birth, gender, created_at)
		SELECT 'A', 'B', '1990-01-15', 'F', '2026-03-01T08:00:00Z' FROM generate_series(61, $1) n`, reportfile.MaxPDF+1)
	_, err = draw()
	require.ErrorIs(t, err, reportfile.TooManyRows)
}

// watch counts what is written, and how far the heap grows meanwhile.
type watch struct{ written, highest uint64 }

func (w *watch) Write(p []byte) (int, error) {
	if w.written>>20 != (w.written+uint64(len(p)))>>20 { // each MiB
		w.highest = max(w.highest, heap())
	}
	w.written += uint64(len(p))
	return len(p), nil
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func many(t testing.TB, rows int) (reportfile.Source, db.CoreReportfile) {
	t.Helper()
	pool := testkit.Pool(t)
	execute(t, pool, "ALTER TABLE core_patient DISABLE TRIGGER USER")
	execute(t, pool, `INSERT INTO core_patient (first_name, last_name, date_of_birth, gender, address, created_at)
		SELECT 'Wanjiru', 'Kamau', '1990-01-15', 'F', repeat('x', 255), '2026-03-01T08:00:00Z' FROM generate_series(1, $1) n`, rows)
	execute(t, pool, "ANALYZE core_patient")
	return reportfile.Source{Pool: pool, Zone: time.UTC},
		db.CoreReportfile{Kind: "patients", Format: "csv", DateFrom: day("2026-03-01"), DateTo: day("2026-03-01")}
}

// TestManyRowsTakeLittleMemory is not parallel: the heap is everybody's.
func TestManyRowsTakeLittleMemory(t *testing.T) {
	s, file := many(t, 60_000)
	runtime.GC()
	before := heap()
	var w watch
	n, err := s.Write(t.Context(), file, report.Hospital{}, &w)
	require.NoError(t, err)
	require.EqualValues(t, 60_000, n)
	require.Greater(t, w.written, uint64(16<<20))
	require.Less(t, w.highest, before+10<<20, "less than what was written")
}

func BenchmarkCSV(b *testing.B) {
	const rows = 1_000_000
	s, file := many(b, rows)
	var w watch
	runtime.GC()
	before := heap()
	for b.Loop() {
		n, err := s.Write(b.Context(), file, report.Hospital{}, io.MultiWriter(&w))
		require.NoError(b, err)
		require.EqualValues(b, rows, n)
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(w.highest-before)/(1<<20), "MiB-heap")
}
