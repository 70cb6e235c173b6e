package server

import (
	"context"
	"time"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/authz"
)

// appointments are the next ones, a doctor's own, and what the front desk looks at.
func (d *dashboard) appointments(ctx context.Context, conn db.DBTX) error {
	parts := map[string]*[]api.Appointment{"next": {}}
	var doctor *int64
	if d.caller.Role == authn.RoleDoctor {
		doctor = &d.caller.UserID
		d.answer.MyAppointmentsToday = &[]api.Appointment{}
		parts["own"] = d.answer.MyAppointmentsToday
	}
	receives := authz.FrontDesk.Allows(d.caller) || d.caller.Role == authn.RoleNurse
	if receives {
		d.answer.PatientQueue, d.answer.TodaySchedule = &[]api.Appointment{}, &[]api.Appointment{}
		parts["waiting"], parts["to_come"] = d.answer.PatientQueue, d.answer.TodaySchedule
	}
	rows, err := db.New().DashboardAppointments(ctx, conn, db.DashboardAppointmentsParams{
		Today: d.today, Now: d.now, DoctorID: doctor, FrontDesk: receives,
	})
	for _, r := range rows {
		part := parts[r.Part]
		*part = append(*part, toAPIAppointment(db.AppointmentGetRow{
			CoreAppointment: r.CoreAppointment, PatientName: r.PatientName, DoctorName: r.DoctorName,
		}))
	}
	d.answer.RecentAppointments = *parts["next"]
	return err
}

func (d *dashboard) revenueToday(total float64) {
	if authz.FrontDesk.Allows(d.caller) {
		d.answer.RevenueToday = &total
	}
}

func (d *dashboard) stock(ctx context.Context, conn db.DBTX) error {
	if !authz.Pharmacist.Allows(d.caller) {
		return nil
	}
	rows, err := db.New().MedicationsLow(ctx, conn)
	low := convert(rows, toAPIMedication)
	d.answer.LowStockAlerts = &low
	return err
}

func (d *dashboard) roleRequests(pending int64) {
	if authz.Admin.Allows(d.caller) {
		d.answer.PendingRoleRequests = &pending
	}
}

// activity is of the last 24 hours, of which the first one counts whole.
func (d *dashboard) activity(ctx context.Context, conn db.DBTX) error {
	if !authz.Admin.Allows(d.caller) {
		return nil
	}
	rows, err := db.New().UserActivity(ctx, conn, d.now.Add(-24*time.Hour))
	var active int64
	most := []api.ActiveUser{}
	for _, r := range rows {
		active = r.ActiveUsers
		if r.Changes > 0 && r.Username != "" { // who is deleted has no name
			most = append(most, api.ActiveUser{Username: r.Username, Actions: r.Changes})
		}
	}
	d.answer.ActiveUsers, d.answer.MostActiveUsers = &active, &most
	return err
}

// alerts say to Admins what of the other parts needs a look.
func (d *dashboard) alerts() {
	if !authz.Admin.Allows(d.caller) {
		return
	}
	found := []api.SystemAlert{}
	for _, alert := range []struct {
		holds   bool
		code    api.SystemAlertCode
		message string
	}{
		{d.answer.SystemHealth.BackgroundJobs == api.SystemHealthBackgroundJobsStopped, api.SystemAlertCodeJobsStopped,
			"No worker runs, so background jobs wait. Start chelal worker."},
		{d.answer.SystemHealth.BackgroundJobs == api.SystemHealthBackgroundJobsBehind, api.SystemAlertCodeJobsBehind,
			"Background jobs wait for more than five minutes. The worker's log says why."},
		{d.answer.SystemHealth.Database == api.SystemHealthDatabaseSlow, api.SystemAlertCodeDatabaseSlow,
			"The database takes long over small questions. See what keeps it busy."},
		{len(*d.answer.LowStockAlerts) > 0, api.SystemAlertCodeLowStock,
			"Medications are at or below their reorder level."},
		{d.overdue, api.SystemAlertCodeOverdueBills,
			"Bills are past their due date and not paid."},
	} {
		if alert.holds {
			found = append(found, api.SystemAlert{Code: alert.code, Message: alert.message})
		}
	}
	d.answer.SystemAlerts = &found
}
