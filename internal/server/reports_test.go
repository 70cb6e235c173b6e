package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/gen/db"
	"chelal/internal/money"
	"chelal/internal/scheduling"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

// hospitals are zones and moments at which days, months and clocks change.
var hospitals = []struct{ zone, now string }{
	{"Africa/Nairobi", "2026-03-01T00:10:00+03:00"},
	{"Africa/Nairobi", "2026-12-31T23:59:59+03:00"},
	{"America/St_Johns", "2026-03-08T12:00:00-02:30"}, // the clocks change
	{"America/St_Johns", "2026-11-01T23:50:00-03:30"},
	{"Pacific/Apia", "2026-02-28T23:50:00+13:00"},
	{"Pacific/Apia", "2012-01-05T00:00:00+14:00"},      // the 30th of December was left out
	{"America/Sao_Paulo", "2018-11-04T01:05:00-02:00"}, // the day begins at 01:00
}

// inHospital runs a test in each of the hospitals.
func inHospital(t *testing.T, test func(t *testing.T, b *bundle)) {
	for _, c := range hospitals {
		t.Run(c.zone+" "+c.now, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(c.zone)
			require.NoError(t, err)
			now, err := time.Parse(time.RFC3339, c.now)
			require.NoError(t, err)
			b := setupOn(t, testkit.Pool(t), func(o *server.Options) { o.Zone = zone }) // its own: all tests have one core_hospital
			execute(t, b, "UPDATE core_hospital SET zone = $1", c.zone)
			b.now = now
			test(t, b)
		})
	}
}

func (b *bundle) day(at time.Time) string { return at.In(b.options.Zone).Format(time.DateOnly) }

// moments are around the beginnings of days up to a month ago, and now.
func (b *bundle) moments() []time.Time {
	today, _ := scheduling.Wall(b.now, b.options.Zone)
	moments := []time.Time{b.now, b.now}
	for _, ago := range []int{0, 1, 5, 6, 7, 28, 29, 30} {
		start := scheduling.DayStart(today.AddDate(0, 0, -ago), b.options.Zone)
		moments = append(moments, start, start.Add(-time.Second), start.Add(time.Minute))
	}
	return moments
}

// flow is money that came in, or went out again.
type flow struct {
	at     time.Time
	method string
	amount money.Amount
	count  int64
}

// takeMoney makes payments and refunds at the bundle's moments.
func takeMoney(t *testing.T, b *bundle) []flow {
	t.Helper()
	var flows []flow
	q := db.New()
	methods := []string{"Cash", "Card", "Mobile Money", "Insurance", "Bank Transfer"}
	bill := testkit.Bill(t, b.db, testkit.Patient(t, b.db, nil).ID, "100000.00")
	for i, at := range b.moments() {
		f := flow{at, methods[i%len(methods)], money.Amount(10_000 + 101*i), 1}
		created, err := q.PaymentCreate(t.Context(), b.db, db.PaymentCreateParams{BillID: bill.ID, Amount: f.amount, Method: f.method, Now: at})
		require.NoError(t, err)
		flows = append(flows, f)
		if i%4 == 1 {
			f.amount, f.count, f.at = -money.Amount(33*i), 0, at.Add(7*time.Hour)
			if f.at.After(b.now) {
				f.at = at
			}
			_, err := q.RefundCreate(t.Context(), b.db, db.RefundCreateParams{PaymentID: created.CorePayment.ID, Amount: -f.amount, Reason: "Charged twice", Now: f.at})
			require.NoError(t, err)
			flows = append(flows, f)
		}
		if i == len(methods) {
			_, err := q.FiguresFold(t.Context(), b.db, 5)
			require.NoError(t, err)
		}
	}
	return flows
}

// within is what flowed in on days from one up to and with another, of one method or of
// all when method is "".
func within(b *bundle, flows []flow, from, to, method string) (total float64, payments int64) {
	var sum money.Amount
	for _, f := range flows {
		if day := b.day(f.at); day >= from && day <= to && (method == "" || f.method == method) {
			sum += f.amount
			payments += f.count
		}
	}
	return sum.Float(), payments
}

func TestRevenueReport(t *testing.T) {
	t.Parallel()
	inHospital(t, func(t *testing.T, b *bundle) {
		flows := takeMoney(t, b)
		desk := b.as("Nurse")
		today, _ := time.Parse(time.DateOnly, b.day(b.now))
		for _, query := range []string{"", "?period=week", "?period=month", "?method=Cash", "?period=month&method=Mobile+Money",
			"?date_from=" + b.day(b.now), "?period=week&date_from=" + today.AddDate(0, 0, -10).Format(time.DateOnly),
			"?period=month&date_from=" + today.AddDate(0, 0, -29).Format(time.DateOnly) + "&date_to=" + today.AddDate(0, 0, -1).Format(time.DateOnly),
		} {
			a := desk.call("GET", "/api/report/revenue/"+query, nil)
			require.Equal(t, 200, a.status, a.raw)
			method := ""
			if _, after, ok := strings.Cut(query, "method="); ok {
				method = strings.ReplaceAll(after, "+", " ")
			}
			from, to := a.body["date_from"].(string), a.body["date_to"].(string)
			requireRevenue(t, b, a.body, flows, from, to, method)
			series := a.body["series"].([]any)
			for i, item := range series {
				last := to
				if i+1 < len(series) {
					next, err := time.Parse(time.DateOnly, series[i+1].(map[string]any)["date"].(string))
					require.NoError(t, err)
					last = next.AddDate(0, 0, -1).Format(time.DateOnly)
				}
				row := item.(map[string]any)
				row["total_revenue"] = row["total"]
				requireRevenue(t, b, row, flows, row["date"].(string), last, method)
			}
			require.Equal(t, from, series[0].(map[string]any)["date"])
		}
		series := desk.call("GET", "/api/report/revenue/?date_from=2000-01-01&date_to=2000-01-03", nil).body["series"].([]any)
		require.Len(t, series, 3, "days without any revenue")
		require.Equal(t, map[string]any{"date": "2000-01-02", "total": 0.0, "payments": 0.0, "by_method": []any{}}, series[1])
	})
}

func requireRevenue(t *testing.T, b *bundle, body map[string]any, flows []flow, from, to, method string) {
	t.Helper()
	total, payments := within(b, flows, from, to, method)
	require.InDelta(t, total, body["total_revenue"], 0, "%s to %s", from, to)
	require.EqualValues(t, payments, body["payments"], "%s to %s", from, to)
	byMethod := body["by_method"].([]any)
	require.Equal(t, total != 0, len(byMethod) > 0)
	before := 1e9
	for _, item := range byMethod {
		row := item.(map[string]any)
		of, _ := within(b, flows, from, to, row["method"].(string))
		require.InDelta(t, of, row["total"], 0)
		require.Equal(t, row["method"], row["department"])
		require.LessOrEqual(t, of, before, "the largest first")
		before = of
	}
}

func TestRevenueReportSpans(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.now = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	desk := b.as("Receptionist")
	for query, want := range map[string][2]any{
		"":                                   {"2026-03-02", 30},
		"?period=week":                       {"2026-01-12", 12},
		"?period=month":                      {"2025-04-01", 12},
		"?date_to=2024-02-29":                {"2024-01-31", 30},
		"?period=month&date_from=2016-04-01": {"2016-04-01", 120},
		"?date_from=2025-02-25":              {"2025-02-25", 400},
	} {
		a := desk.call("GET", "/api/report/revenue/"+query, nil)
		require.Equal(t, 200, a.status, a.raw)
		require.Equal(t, want, [2]any{a.body["date_from"], len(a.body["series"].([]any))}, query)
	}
	for query, want := range map[string]map[string]string{
		"?date_from=2026-04-01":                    {"date_from": "after_date_to"},
		"?date_from=2026-03-02&date_to=2026-03-01": {"date_from": "after_date_to"},
		"?date_from=2025-02-24":                    {"date_from": "too_long"},
		"?period=week&date_from=2016-03-31":        {"date_from": "too_long"},
		"?period=year&method=Shells":               {"period": "invalid_choice", "method": "invalid_choice"},
		"?date_from=2026-02-30&date_to=x":          {"date_from": "invalid_date", "date_to": "invalid_date"},
	} {
		require.Equal(t, want, desk.call("GET", "/api/report/revenue/"+query, nil).refused(t, 400, "invalid").fields(), query)
	}
	require.Equal(t, 200, desk.call("GET", "/api/report/revenue/?date_from=0001-01-01&date_to=0001-01-31", nil).status)
	require.Equal(t, 200, desk.call("GET", "/api/report/revenue/?date_from=9999-12-01&date_to=9999-12-31", nil).status)
}

func TestReportsOfAllHistory(t *testing.T) {
	t.Parallel()
	inHospital(t, func(t *testing.T, b *bundle) {
		ctx := context.Background()
		flows := takeMoney(t, b)
		testkit.Bill(t, b.db, testkit.Patient(t, b.db, nil).ID, "12.34")
		merged := testkit.Patient(t, b.db, nil)
		_, err := b.db.Exec(ctx, "UPDATE core_patient SET merged_into_id = (SELECT min(id) FROM core_patient) WHERE id = $1", merged.ID)
		require.NoError(t, err)
		desk := b.as("Pharmacist")
		for _, fold := range []int32{0, 7, 1000} {
			_, err := db.New().FiguresFold(ctx, b.db, fold)
			require.NoError(t, err)
			var patients, appointments, bills, open int64
			var due money.Amount
			require.NoError(t, b.db.QueryRow(ctx, `SELECT
				(SELECT count(*) FROM core_patient WHERE merged_into_id IS NULL), (SELECT count(*) FROM core_appointment), (SELECT count(*) FROM core_bill),
				(SELECT count(*) FROM core_bill WHERE NOT is_paid), (SELECT sum(total_amount - amount_paid) FROM core_bill WHERE NOT is_paid)`).
				Scan(&patients, &appointments, &bills, &open, &due))
			revenue, _ := within(b, flows, "0001-01-01", "9999-12-31", "")
			today, _ := within(b, flows, b.day(b.now), b.day(b.now), "")

			count, err := desk.ReportPatientCountWithResponse(ctx)
			require.NoError(t, err)
			require.Equal(t, patients, count.JSON200.PatientCount)
			require.Equal(t, b.day(b.now), count.JSON200.ReportDate.Format(time.DateOnly))
			stats, err := desk.GetDashboardStatsWithResponse(ctx)
			require.NoError(t, err)
			require.Equal(t, client.DashboardStats{TotalPatients: patients, TotalAppointments: appointments, TotalBills: bills, TotalRevenue: revenue}, *stats.JSON200)
			billing, err := desk.ReportBillingWithResponse(ctx)
			require.NoError(t, err)
			require.Equal(t, client.BillingStats{
				TotalRevenue: revenue, PendingBillsCount: open, PendingBillsAmount: due.Float(), CollectionsToday: today,
				ReportDate: count.JSON200.ReportDate,
			}, *billing.JSON200)
			require.NotZero(t, today)
			require.NotZero(t, due)
		}
	})
}

// book makes an appointment at a moment of the bundle's hospital, in a state.
func enter(t *testing.T, b *bundle, patientID, doctorID int64, at time.Time, status scheduling.Status) db.CoreAppointment {
	t.Helper()
	date, clock := scheduling.Wall(at, b.options.Zone)
	a, err := db.New().AppointmentCreate(t.Context(), b.db, db.AppointmentCreateParams{
		PatientID: patientID, DoctorID: doctorID, Date: date, Time: clock, DurationMinutes: 1, StartsAt: at,
		EndsAt: at.Add(time.Minute), Status: string(status), OverbookReason: "Emergency", Now: at,
	})
	require.NoError(t, err)
	return a
}

func TestReportsOfAppointments(t *testing.T) {
	t.Parallel()
	inHospital(t, func(t *testing.T, b *bundle) {
		ctx := context.Background()
		busy, other, gone := testkit.User(t, b.db, "Doctor"), testkit.User(t, b.db, "Doctor"), testkit.User(t, b.db, "Doctor")
		patient := testkit.Patient(t, b.db, nil)
		var today []int64
		for i, at := range b.moments() {
			doctor := busy
			if i%3 == 0 {
				doctor = other
			}
			a := enter(t, b, patient.ID, doctor.ID, at, scheduling.Scheduled)
			if b.day(at) == b.day(b.now) {
				today = append(today, a.ID)
			}
		}
		left := enter(t, b, patient.ID, gone.ID, b.now.AddDate(0, 0, -3), scheduling.Cancelled)
		_, err := db.New().AppointmentDelete(ctx, b.db, left.ID, left.Version)
		require.NoError(t, err)
		desk := b.as("Receptionist")

		answer, err := desk.ReportAppointmentsTodayWithResponse(ctx)
		require.NoError(t, err)
		require.Equal(t, b.day(b.now), answer.JSON200.Date.Format(time.DateOnly))
		require.EqualValues(t, len(today), answer.JSON200.Count)
		var ids []int64
		before := ""
		for _, a := range answer.JSON200.Appointments {
			ids = append(ids, a.ID)
			require.GreaterOrEqual(t, a.Time, before)
			before = a.Time
			require.Equal(t, patient.FirstName+" "+patient.LastName, a.PatientName)
			require.Contains(t, []string{busy.FirstName + " " + busy.LastName, other.FirstName + " " + other.LastName}, a.DoctorName)
		}
		require.ElementsMatch(t, today, ids)

		doctors, err := desk.ReportAppointmentsByDoctorWithResponse(ctx)
		require.NoError(t, err)
		rows := doctors.JSON200.AppointmentsByDoctor
		require.Len(t, rows, 2, "a doctor without any is left out")
		require.Equal(t, [2]int64{busy.ID, 17}, [2]int64{rows[0].DoctorID, rows[0].AppointmentCount})
		require.Equal(t, [2]int64{other.ID, 9}, [2]int64{rows[1].DoctorID, rows[1].AppointmentCount})
		require.Equal(t, [3]string{busy.FirstName, busy.LastName, busy.FirstName + " " + busy.LastName},
			[3]string{rows[0].DoctorFirstName, rows[0].DoctorLastName, rows[0].DoctorName})
	})
}

func TestReportOfMedications(t *testing.T) {
	t.Parallel()
	b := setup(t)
	encounter := testkit.Encounter(t, b.db, testkit.Patient(t, b.db, nil).ID, testkit.User(t, b.db, "Doctor").ID)
	prescribe := func(name string) db.CorePrescription {
		r, err := db.New().PrescriptionCreate(t.Context(), b.db, db.PrescriptionCreateParams{
			EncounterID: encounter.ID, MedicationName: name, Dosage: "1", Frequency: "daily", AllergyCheck: "not_checked", Now: b.now,
		})
		require.NoError(t, err)
		return r
	}
	for name, times := range map[string]int{"Amoxil": 3, "AMOXIL": 2, "amoxil": 1, "Panadol": 4, "Écoline": 2, "écoline": 1} {
		for range times {
			prescribe(name)
		}
	}
	for i := range 9 {
		prescribe(fmt.Sprintf("Other %d", i))
	}
	withdrawn := prescribe("Withdrawn")
	_, err := db.New().PrescriptionDelete(t.Context(), b.db, withdrawn.ID, withdrawn.Version)
	require.NoError(t, err)
	for _, fold := range []int32{0, 5, 100} {
		_, err := db.New().FiguresFold(t.Context(), b.db, fold)
		require.NoError(t, err)
		answer, err := b.as("Doctor").ReportTopMedicationsWithResponse(t.Context())
		require.NoError(t, err)
		want := []client.MedicationCount{{MedicationName: "Amoxil", Count: 6}, {MedicationName: "Panadol", Count: 4}, {MedicationName: "Écoline", Count: 3}}
		for i := range 7 {
			want = append(want, client.MedicationCount{MedicationName: fmt.Sprintf("Other %d", i), Count: 1})
		}
		require.Equal(t, want, answer.JSON200.TopMedications)
	}
}

// reportPaths are all that this file and dashboard_test.go are about.
var reportPaths = []string{
	"/api/dashboard/", "/api/dashboard-stats/", "/api/report/patient_count/", "/api/report/appointments_today/",
	"/api/report/appointments_by_doctor/", "/api/report/top_prescribed_medications/", "/api/report/billing-stats/", "/api/report/revenue/",
}

func TestReportRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	patient, nurse := b.as("Patient"), b.as("Nurse")
	for _, path := range reportPaths {
		b.nobody().call("GET", path, nil).refused(t, 401, "not_authenticated")
		patient.call("GET", path, nil).refused(t, 403, "forbidden")
		b.as("").call("GET", path, nil).refused(t, 403, "forbidden")
		require.Equal(t, map[string]string{"page": "unknown_parameter"}, nurse.call("GET", path+"?page=2", nil).refused(t, 400, "invalid").fields(), path)
		require.Equal(t, 200, nurse.call("GET", path, nil).status, path)
	}
}
