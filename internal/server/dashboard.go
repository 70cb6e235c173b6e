package server

import (
	"context"
	"time"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/pg"
	"chelal/internal/scheduling"
)

// GetDashboard answers what the caller's role wants to see first.
func (h *handlers) GetDashboard(ctx context.Context, _ api.GetDashboardRequestObject) (api.GetDashboardResponseObject, error) {
	d := &dashboard{handlers: h, caller: authn.PrincipalFrom(ctx), now: h.Now(), today: h.today()}
	var err error
	if d.answer, err = pg.Alike(ctx, h.DB, dashboards{d.caller.Role, d.today}, d.ofRole); err != nil {
		return nil, err
	}
	if err := d.fill(ctx, d.appointments, d.counts, d.notices); err != nil {
		return nil, err
	}
	d.alerts()
	return api.GetDashboard200JSONResponse(d.answer), nil
}

// dashboards are those of a role on a day, which have most in common.
type dashboards struct {
	role  string
	today time.Time
}

// ofRole answers what everybody of the caller's role sees alike.
func (d dashboard) ofRole(ctx context.Context) (api.Dashboard, error) {
	var err error
	if d.answer.SystemHealth, err = d.systemHealth(ctx); err != nil {
		return d.answer, err
	}
	err = d.fill(ctx, d.history, d.trends, d.changes, d.birthdays, d.anniversaries, d.stock, d.activity)
	return d.answer, err
}

// fill asks at once what several parts need.
func (d *dashboard) fill(ctx context.Context, parts ...func(context.Context, db.DBTX) error) error {
	questions := convert(parts, func(part func(context.Context, db.DBTX) error) pg.Question {
		return func(conn db.DBTX) error { return part(ctx, conn) }
	})
	return pg.AtOnce(ctx, d.DB, questions...)
}

// dashboard is one answer in the making. What only some roles see is in dashboardroles.go.
type dashboard struct {
	*handlers
	caller  authn.Principal
	now     time.Time
	today   time.Time
	overdue bool // whether a bill is
	answer  api.Dashboard
}

func (d *dashboard) history(ctx context.Context, conn db.DBTX) error {
	totals, err := readTotals(ctx, conn, "patients", "open_bills", "revenue")
	d.answer.TotalPatients = totals["patients"].Count
	d.answer.PendingBills = totals["open_bills"].Count
	d.answer.TotalRevenue = totals["revenue"].Amount.Float()
	return err
}

// trends are of the last 30 days, today among them.
func (d *dashboard) trends(ctx context.Context, conn db.DBTX) error {
	const month, week = 30, 7
	var days []time.Time
	for i := range month {
		days = append(days, d.today.AddDate(0, 0, i+1-month))
	}
	figures, err := readFigures(ctx, conn, days, d.today.AddDate(0, 0, 1), nil, "patients", "revenue")
	if err != nil {
		return err
	}
	a := &d.answer
	for i, day := range days {
		a.PatientRegistrationsTrend30 = append(a.PatientRegistrationsTrend30,
			api.CountOfDay{Date: toAPIDate(day), Count: figures["patients"][i].count})
		a.RevenueTrend30 = append(a.RevenueTrend30,
			api.TotalOfDay{Date: toAPIDate(day), Total: figures["revenue"][i].amount.Float()})
	}
	a.PatientRegistrationsTrend, a.RevenueTrend = a.PatientRegistrationsTrend30[month-week:], a.RevenueTrend30[month-week:]
	a.RevenueBreakdown = toAPIRevenueByMethod(together(figures["revenue"]))
	d.revenueToday(a.RevenueTrend[week-1].Total)
	return nil
}

func (d *dashboard) counts(ctx context.Context, conn db.DBTX) error {
	counts, err := db.New().DashboardCounts(ctx, conn, d.today, d.caller.UserID)
	d.answer.TodayAppointments, d.answer.UnreadNotifications = counts.Appointments, counts.Unread
	d.overdue = counts.OverdueBills
	d.roleRequests(counts.RoleRequests)
	return err
}

func (d *dashboard) notices(ctx context.Context, conn db.DBTX) error {
	rows, err := db.New().NotificationsLatest(ctx, conn, d.caller.UserID)
	d.answer.Notifications = convert(rows, toAPIDashboardNotification)
	return err
}

func (d *dashboard) changes(ctx context.Context, conn db.DBTX) error {
	rows, err := db.New().AuditLatest(ctx, conn)
	d.answer.WhatsNew = convert(rows, toAPIWhatsNew)
	return err
}

func (d *dashboard) birthdays(ctx context.Context, conn db.DBTX) error {
	rows, err := db.New().PatientBirthdays(ctx, conn, birthdaysOn(d.today))
	d.answer.BirthdaysToday = convert(rows, func(r db.PatientBirthdaysRow) api.PersonName {
		return api.PersonName{ID: r.ID, FirstName: r.FirstName, LastName: r.LastName}
	})
	return err
}

func (d *dashboard) anniversaries(ctx context.Context, conn db.DBTX) error {
	starts, ends := earlierYears(d.today, d.Zone)
	rows, err := db.New().StaffAnniversaries(ctx, conn, starts, ends)
	d.answer.Anniversaries = convert(rows, func(r db.StaffAnniversariesRow) api.PersonName {
		return api.PersonName{ID: r.ID, FirstName: r.FirstName, LastName: r.LastName}
	})
	return err
}

// birthdaysOn are the days of the year on which people were born who have their birthday
// today, such as 131 for the last of January. In years without a 29 February, those who
// were born on it have theirs the day before.
func birthdaysOn(today time.Time) []int32 {
	number := func(day time.Time) int32 { return int32(day.Month())*100 + int32(day.Day()) }
	days := []int32{number(today)}
	if days[0] == 228 && number(today.AddDate(0, 0, 1)) != 229 {
		days = append(days, 229)
	}
	return days
}

// earlierYears are a hundred spans: of each earlier year from the start of this day to
// the start of tomorrow. So the day before the 1st of March has with it the 29th of
// February, where that year had one.
func earlierYears(today time.Time, zone *time.Location) (starts, ends []time.Time) {
	start := func(day time.Time, yearsAgo int) time.Time {
		return scheduling.DayStart(time.Date(day.Year()-yearsAgo, day.Month(), day.Day(), 0, 0, 0, 0, time.UTC), zone)
	}
	for ago := 1; ago <= 100; ago++ {
		starts = append(starts, start(today, ago))
		ends = append(ends, start(today.AddDate(0, 0, 1), ago))
	}
	return starts, ends
}

func toAPIDashboardNotification(n db.CoreNotification) api.DashboardNotification {
	return api.DashboardNotification{ID: n.ID, Title: n.Title, Message: n.Message, IsRead: n.IsRead, CreatedAt: n.CreatedAt}
}

func toAPIWhatsNew(r db.AuditLatestRow) api.WhatsNew {
	return api.WhatsNew{Action: r.Action, Description: r.Description, Timestamp: r.Timestamp}
}
