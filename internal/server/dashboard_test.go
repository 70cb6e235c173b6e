package server_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/gen/db"
	"chelal/internal/scheduling"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

func dashboard(t *testing.T, c caller) client.Dashboard {
	t.Helper()
	answer, err := c.GetDashboardWithResponse(t.Context())
	require.NoError(t, err)
	require.Equal(t, 200, answer.StatusCode(), string(answer.Body))
	return *answer.JSON200
}

func register(t *testing.T, b *bundle, birth, at time.Time) db.CorePatient {
	t.Helper()
	p, err := db.New().PatientCreate(t.Context(), b.db, db.PatientCreateParams{
		FirstName: testkit.Unique("First"), LastName: testkit.Unique("Last"), DateOfBirth: birth, Gender: "F", Now: at,
	})
	require.NoError(t, err)
	return p
}

func execute(t *testing.T, b *bundle, sql string, args ...any) {
	t.Helper()
	_, err := b.db.Exec(context.Background(), sql, args...)
	require.NoError(t, err)
}

func TestDashboardFigures(t *testing.T) {
	t.Parallel()
	inHospital(t, func(t *testing.T, b *bundle) {
		flows := takeMoney(t, b)
		moments := b.moments()
		for _, at := range moments {
			register(t, b, b.now.AddDate(-30, 1, 0), at)
		}
		execute(t, b, "UPDATE core_patient SET merged_into_id = $1 WHERE id = $2", register(t, b, b.now, b.now).ID, register(t, b, b.now, b.now).ID)
		moments = append(moments, b.now)
		_, err := db.New().FiguresFold(t.Context(), b.db, 20)
		require.NoError(t, err)
		d := dashboard(t, b.as("Receptionist"))
		require.EqualValues(t, len(moments)+1, d.TotalPatients) // and the one who pays
		require.EqualValues(t, 1, d.PendingBills)
		total, _ := within(b, flows, "0001-01-01", "9999-12-31", "")
		require.InDelta(t, total, d.TotalRevenue, 0)

		today, _ := scheduling.Wall(b.now, b.options.Zone)
		require.Len(t, d.RevenueTrend30, 30)
		require.Len(t, d.PatientRegistrationsTrend30, 30)
		for i := range 30 {
			day := today.AddDate(0, 0, i-29).Format(time.DateOnly)
			revenue, _ := within(b, flows, day, day, "")
			require.Equal(t, day, d.RevenueTrend30[i].Date.Format(time.DateOnly))
			require.InDelta(t, revenue, d.RevenueTrend30[i].Total, 0, day)
			var registered int64
			for _, at := range moments {
				if b.day(at) == day {
					registered++
				}
			}
			require.Equal(t, day, d.PatientRegistrationsTrend30[i].Date.Format(time.DateOnly))
			require.Equal(t, registered, d.PatientRegistrationsTrend30[i].Count, day)
		}
		require.Equal(t, d.RevenueTrend30[23:], d.RevenueTrend)
		require.Equal(t, d.PatientRegistrationsTrend30[23:], d.PatientRegistrationsTrend)
		require.InDelta(t, d.RevenueTrend30[29].Total, *d.RevenueToday, 0)
		require.Len(t, d.RevenueBreakdown, 5)
		for _, m := range d.RevenueBreakdown {
			of, _ := within(b, flows, today.AddDate(0, 0, -29).Format(time.DateOnly), b.day(b.now), string(m.Method))
			require.InDelta(t, of, m.Total, 0)
		}
	})
}

func TestDashboardAppointments(t *testing.T) {
	t.Parallel()
	inHospital(t, func(t *testing.T, b *bundle) {
		doctor, other := b.as("Doctor"), testkit.User(t, b.db, "Doctor")
		patient := testkit.Patient(t, b.db, nil)
		var all []db.CoreAppointment
		moments := b.moments()
		for _, ahead := range []time.Duration{time.Second, 2 * time.Second, time.Hour, 24 * time.Hour, 48 * time.Hour} {
			moments = append(moments, b.now.Add(ahead))
		}
		states := []scheduling.Status{scheduling.Scheduled, scheduling.CheckedIn, scheduling.Confirmed, scheduling.Cancelled}
		for i, at := range moments {
			for j, status := range states {
				all = append(all, enter(t, b, patient.ID, []int64{doctor.user.ID, other.ID}[(i+j)%2], at, status))
			}
		}
		slices.SortFunc(all, func(x, y db.CoreAppointment) int {
			return 4*x.Date.Compare(y.Date) + 2*int(min(max(x.Time-y.Time, -1), 1)) + int(min(max(x.ID-y.ID, -1), 1))
		})
		picked := func(most int, keep func(a db.CoreAppointment) bool) []int64 {
			ids := []int64{}
			for _, a := range all {
				if len(ids) < most && keep(a) {
					ids = append(ids, a.ID)
				}
			}
			return ids
		}
		ids := func(list []client.Appointment) []int64 {
			ids := []int64{}
			for _, a := range list {
				ids = append(ids, a.ID)
				require.Equal(t, patient.FirstName+" "+patient.LastName, a.PatientName)
			}
			return ids
		}
		today, _ := scheduling.Wall(b.now, b.options.Zone)
		isToday := func(a db.CoreAppointment) bool { return a.Date.Equal(today) }
		next := picked(5, func(a db.CoreAppointment) bool { return !a.Date.Before(today) })
		require.Len(t, next, 5)

		d := dashboard(t, doctor)
		require.EqualValues(t, len(picked(1000, isToday)), d.TodayAppointments)
		require.NotZero(t, d.TodayAppointments)
		require.Equal(t, next, ids(d.RecentAppointments))
		require.Equal(t, picked(1000, func(a db.CoreAppointment) bool { return isToday(a) && a.DoctorID == doctor.user.ID }), ids(*d.MyAppointmentsToday))
		for _, role := range []string{"Receptionist", "Nurse", "Admin"} {
			d := dashboard(t, b.as(role))
			require.Equal(t, next, ids(d.RecentAppointments))
			require.Equal(t, picked(200, func(a db.CoreAppointment) bool { return isToday(a) && a.Status == "checked_in" }), ids(*d.PatientQueue))
			require.Equal(t, picked(50, func(a db.CoreAppointment) bool {
				return isToday(a) && (a.Status == "scheduled" || a.Status == "confirmed") && !a.StartsAt.Before(b.now.Truncate(time.Microsecond))
			}), ids(*d.TodaySchedule))
			require.NotEmpty(t, *d.TodaySchedule)
		}
	})
}

// parts are what only some roles see.
var parts = map[string][]string{
	"Admin": {"patient_queue", "today_schedule", "low_stock_alerts", "revenue_today", "active_users", "most_active_users",
		"pending_role_requests", "system_alerts"},
	"Doctor":       {"my_appointments_today"},
	"Nurse":        {"patient_queue", "today_schedule"},
	"Receptionist": {"patient_queue", "today_schedule", "revenue_today"},
	"Pharmacist":   {"low_stock_alerts"},
}

func TestDashboardOfEachRole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	all := map[string]bool{}
	for _, names := range parts {
		for _, name := range names {
			all[name] = true
		}
	}
	for role, names := range parts {
		a := b.as(role).call("GET", "/api/dashboard/", nil)
		require.Equal(t, 200, a.status, a.raw)
		for name := range all {
			value, there := a.body[name]
			require.Equal(t, slices.Contains(names, name), there, "%s sees %s", role, name)
			require.True(t, !there || value != nil, "%s is not null, though there is nothing in it", name)
		}
	}
}

func TestDashboardOfAnAdmin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.now = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	ctx := context.Background()
	admin, nurse := b.as("Admin"), b.as("Nurse")
	low := testkit.Medication(t, b.db, 10)
	testkit.Medication(t, b.db, 11)
	bill := testkit.Bill(t, b.db, testkit.Patient(t, b.db, nil).ID, "10.00")
	execute(t, b, "UPDATE core_bill SET due_date = '2026-05-03' WHERE id = $1", bill.ID)
	execute(t, b, "INSERT INTO core_rolechangerequest (user_id, requested_role_id) SELECT $1, id FROM core_role WHERE name IN ('Admin', 'Doctor')", nurse.user.ID)
	execute(t, b, "UPDATE core_rolechangerequest SET status = 'rejected' WHERE id = (SELECT min(id) FROM core_rolechangerequest)")
	for range 2 {
		require.Equal(t, 201, nurse.call("POST", "/api/patients/", jane()).status)
	}
	require.Equal(t, 201, admin.call("POST", "/api/patients/", jane()).status)
	audit := "INSERT INTO core_auditlog (user_id, username, action, object_type, description, timestamp) VALUES ($1, $2, $3, $4, $5, $6)"
	guest := testkit.User(t, b.db, "Doctor")
	execute(t, b, audit, guest.ID, guest.Username, "login", "user", "user: login", b.now.Add(-23*time.Hour))
	execute(t, b, audit, guest.ID+1, "late", "edit", "patient", "patient: edit", b.now.Add(-25*time.Hour))
	execute(t, b, audit, nurse.user.ID, nurse.user.Username, "edit", "role", "role: edit", b.now.Add(time.Second))
	execute(t, b, audit, nil, "", "delete", "bill", "bill: delete", b.now.Add(time.Second))

	d := dashboard(t, admin)
	require.Equal(t, low.ID, (*d.LowStockAlerts)[0].ID)
	require.Len(t, *d.LowStockAlerts, 1)
	require.EqualValues(t, 1, *d.PendingRoleRequests)
	require.EqualValues(t, 3, *d.ActiveUsers)
	require.Equal(t, []client.ActiveUser{{Username: nurse.user.Username, Actions: 3}, {Username: admin.user.Username, Actions: 1}}, *d.MostActiveUsers)
	var codes []client.SystemAlertCode
	for _, alert := range *d.SystemAlerts {
		codes = append(codes, alert.Code)
	}
	require.Equal(t, []client.SystemAlertCode{"jobs_stopped", "low_stock", "overdue_bills"}, codes)
	var news []string
	for _, n := range d.WhatsNew {
		news = append(news, n.Action+" "+n.Description)
	}
	require.Equal(t, []string{"delete bill: delete", "create patient: create", "create patient: create"}, news)

	execute(t, b, "UPDATE core_bill SET due_date = '2026-05-04' WHERE id = $1", bill.ID)
	_, err := db.New().StockMove(ctx, b.db, db.StockMoveParams{MedicationID: low.ID, Quantity: 1, Kind: "adjustment", Reason: "Found", Now: b.now})
	require.NoError(t, err)
	execute(t, b, "INSERT INTO river.river_leader (elected_at, expires_at, leader_id) VALUES ($1, $2, 'x')", b.now, b.now.Add(time.Second))
	require.Empty(t, *dashboard(t, admin).SystemAlerts)
}

func TestDashboardNotifications(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nurse := b.as("Nurse")
	for i := range 7 {
		execute(t, b, "INSERT INTO core_notification (user_id, title, message, is_read) VALUES ($1, $2, 'm', $3)", nurse.user.ID, fmt.Sprint("n", i), i > 3)
	}
	execute(t, b, "INSERT INTO core_notification (user_id, message) VALUES ($1, 'not hers')", b.as("Nurse").user.ID)
	d := dashboard(t, nurse)
	require.EqualValues(t, 4, d.UnreadNotifications)
	var titles []string
	for _, n := range d.Notifications {
		titles = append(titles, n.Title)
	}
	require.Equal(t, []string{"n6", "n5", "n4", "n3", "n2"}, titles)
	require.Equal(t, [2]bool{true, false}, [2]bool{d.Notifications[0].IsRead, d.Notifications[4].IsRead})
}

func TestSystemHealth(t *testing.T) {
	t.Parallel()
	var passes time.Duration // with each look at the clock
	now := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	b := setup(t, func(o *server.Options) {
		o.Now = func() time.Time {
			now = now.Add(passes)
			return now
		}
	})
	nurse := b.as("Nurse")
	health := func() client.SystemHealth { return dashboard(t, nurse).SystemHealth }
	require.Equal(t, client.SystemHealth{Database: "healthy", BackgroundJobs: "stopped", Status: "degraded"}, health())
	execute(t, b, "INSERT INTO river.river_leader (elected_at, expires_at, leader_id) VALUES ($1, $2, 'x')", now, now.Add(time.Hour))
	require.Equal(t, client.SystemHealth{Database: "healthy", BackgroundJobs: "running", Status: "operational"}, health())
	job := "INSERT INTO river.river_job (state, kind, args, max_attempts, scheduled_at) VALUES ($1, 'expire', '{}', 25, $2)"
	execute(t, b, job, "available", now.Add(-4*time.Minute))
	execute(t, b, job, "scheduled", now.Add(-6*time.Minute))
	require.Equal(t, "operational", string(health().Status))
	execute(t, b, job, "available", now.Add(-6*time.Minute))
	require.Equal(t, client.SystemHealth{Database: "healthy", BackgroundJobs: "behind", Status: "degraded"}, health())
	execute(t, b, "DELETE FROM river.river_job")
	passes = 300 * time.Millisecond
	require.Equal(t, client.SystemHealth{Database: "slow", BackgroundJobs: "running", Status: "degraded"}, health())
	passes = 0
	execute(t, b, "UPDATE river.river_leader SET expires_at = $1", now)
	require.Equal(t, client.SystemHealth{Database: "healthy", BackgroundJobs: "stopped", Status: "degraded"}, health())
}

func TestBirthdays(t *testing.T) {
	t.Parallel()
	for today, want := range map[string][]string{
		"2026-02-28": {"1996-02-28", "1996-02-29"},
		"2028-02-28": {"1996-02-28"},
		"2028-02-29": {"1996-02-29"},
		"2026-03-01": {"1996-03-01"},
		"2026-12-31": {"1996-12-31"},
	} {
		t.Run(today, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation("Pacific/Apia")
			require.NoError(t, err)
			b := setup(t, func(o *server.Options) { o.Zone = zone })
			day, err := time.Parse(time.DateOnly, today)
			require.NoError(t, err)
			b.now = scheduling.DayStart(day, zone)
			names := map[int64]string{}
			for _, born := range []string{"1996-02-27", "1996-02-28", "1996-02-29", "1996-03-01", "1996-12-31", "1997-01-01"} {
				birth, err := time.Parse(time.DateOnly, born)
				require.NoError(t, err)
				p := register(t, b, birth, b.now)
				names[p.ID] = born
				execute(t, b, "UPDATE core_patient SET merged_into_id = $1 WHERE id = $2", p.ID, register(t, b, birth, b.now).ID)
			}
			var got []string
			for _, p := range dashboard(t, b.as("Nurse")).BirthdaysToday {
				got = append(got, names[p.ID])
			}
			require.ElementsMatch(t, want, got)
		})
	}

	t.Run("twenty of many, by name", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.now = time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
		for i := range 30 {
			register(t, b, time.Date(1996, 2, 28+i%2, 0, 0, 0, 0, time.UTC), b.now)
		}
		var want, got []int64
		require.NoError(t, b.db.QueryRow(t.Context(), "SELECT array_agg(id) FROM (SELECT id FROM core_patient ORDER BY last_name, first_name, id LIMIT 20) p").Scan(&want))
		for _, p := range dashboard(t, b.as("Nurse")).BirthdaysToday {
			got = append(got, p.ID)
		}
		require.Equal(t, want, got)
	})
}

func TestAnniversaries(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Pacific/Apia")
	require.NoError(t, err)
	at := func(text string) time.Time {
		moment, err := time.ParseInLocation(time.DateTime, text, zone)
		require.NoError(t, err)
		return moment
	}
	for now, want := range map[string][]string{
		"2026-02-28 00:00:00": {"2025-02-28 00:00:00", "2020-02-28 23:59:59", "2020-02-29 12:00:00"},
		"2024-02-28 12:00:00": {"2020-02-28 23:59:59"},
		"2024-02-29 12:00:00": {"2020-02-29 12:00:00"},
		"2026-03-01 23:59:59": {"2025-03-01 00:00:00"},
		"2026-12-31 12:00:00": {"1999-12-31 23:59:59"},
	} {
		t.Run(now, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(o *server.Options) { o.Zone = zone })
			b.now = at(now)
			joined := map[int64]string{}
			for _, moment := range []string{"2025-02-28 00:00:00", "2020-02-28 23:59:59", "2020-02-29 12:00:00", "2025-03-01 00:00:00",
				"1999-12-31 23:59:59", "2000-01-01 00:00:00", "2026-02-28 00:00:00", now} {
				for _, role := range []string{"Nurse", "Patient", "", "Doctor"} {
					u := testkit.User(t, b.db, role)
					execute(t, b, "UPDATE core_user SET date_joined = $1, is_active = $2 WHERE id = $3", at(moment), role != "Doctor", u.ID)
					joined[u.ID] = role + moment
				}
			}
			var got []string
			for _, p := range dashboard(t, b.as("Pharmacist")).Anniversaries {
				got = append(got, joined[p.ID])
			}
			for i := range want {
				want[i] = "Nurse" + want[i]
			}
			require.ElementsMatch(t, want, got)
		})
	}
}
