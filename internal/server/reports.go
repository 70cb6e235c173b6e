package server

import (
	"context"
	"time"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/pg"
)

// ReportPatientCount answers how many patients there are.
func (h *handlers) ReportPatientCount(ctx context.Context, _ api.ReportPatientCountRequestObject) (api.ReportPatientCountResponseObject, error) {
	totals, err := readTotals(ctx, h.DB, "patients")
	if err != nil {
		return nil, err
	}
	return api.ReportPatientCount200JSONResponse{
		PatientCount: totals["patients"].Count, ReportDate: toAPIDate(h.today()),
	}, nil
}

// ReportBilling answers what was earned and what is still due.
func (h *handlers) ReportBilling(ctx context.Context, _ api.ReportBillingRequestObject) (api.ReportBillingResponseObject, error) {
	today := h.today()
	var totals map[string]db.FigureTotalsRow
	var figures map[string][]figure
	err := pg.AtOnce(ctx, h.DB, func(conn db.DBTX) (err error) {
		totals, err = readTotals(ctx, conn, "revenue", "open_bills")
		return err
	}, func(conn db.DBTX) (err error) {
		figures, err = readFigures(ctx, conn, []time.Time{today}, today.AddDate(0, 0, 1), nil, "revenue")
		return err
	})
	if err != nil {
		return nil, err
	}
	return api.ReportBilling200JSONResponse{
		TotalRevenue: totals["revenue"].Amount.Float(), PendingBillsCount: totals["open_bills"].Count,
		PendingBillsAmount: totals["open_bills"].Amount.Float(),
		CollectionsToday:   figures["revenue"][0].amount.Float(), ReportDate: toAPIDate(today),
	}, nil
}

// GetDashboardStats answers the totals over all of history.
func (h *handlers) GetDashboardStats(ctx context.Context, _ api.GetDashboardStatsRequestObject) (api.GetDashboardStatsResponseObject, error) {
	totals, err := readTotals(ctx, h.DB, "patients", "appointments", "bills", "revenue")
	if err != nil {
		return nil, err
	}
	return api.GetDashboardStats200JSONResponse{
		TotalPatients: totals["patients"].Count, TotalAppointments: totals["appointments"].Count,
		TotalBills: totals["bills"].Count, TotalRevenue: totals["revenue"].Amount.Float(),
	}, nil
}

// ReportAppointmentsToday answers all appointments of the hospital's day.
func (h *handlers) ReportAppointmentsToday(ctx context.Context, _ api.ReportAppointmentsTodayRequestObject) (api.ReportAppointmentsTodayResponseObject, error) {
	today := h.today()
	rows, err := db.New().AppointmentsOfDay(ctx, h.DB, today)
	if err != nil {
		return nil, err
	}
	return api.ReportAppointmentsToday200JSONResponse{
		Count: int64(len(rows)), Date: toAPIDate(today),
		Appointments: convert(rows, func(r db.AppointmentsOfDayRow) api.Appointment {
			return toAPIAppointment(db.AppointmentGetRow(r))
		}),
	}, nil
}

// ReportAppointmentsByDoctor answers how many appointments each doctor ever had.
func (h *handlers) ReportAppointmentsByDoctor(ctx context.Context, _ api.ReportAppointmentsByDoctorRequestObject) (api.ReportAppointmentsByDoctorResponseObject, error) {
	rows, err := db.New().AppointmentCounts(ctx, h.DB)
	if err != nil {
		return nil, err
	}
	return api.ReportAppointmentsByDoctor200JSONResponse{AppointmentsByDoctor: convert(rows, toAPIDoctorCount)}, nil
}

// ReportTopMedications answers which medications are prescribed most.
func (h *handlers) ReportTopMedications(ctx context.Context, _ api.ReportTopMedicationsRequestObject) (api.ReportTopMedicationsResponseObject, error) {
	rows, err := db.New().MedicationCounts(ctx, h.DB)
	if err != nil {
		return nil, err
	}
	return api.ReportTopMedications200JSONResponse{TopMedications: convert(rows, toAPIMedicationCount)}, nil
}

func toAPIDoctorCount(r db.AppointmentCountsRow) api.DoctorCount {
	return api.DoctorCount{
		DoctorID: r.ID, DoctorFirstName: r.FirstName, DoctorLastName: r.LastName, DoctorName: r.Name, AppointmentCount: r.Count,
	}
}

func toAPIMedicationCount(r db.MedicationCountsRow) api.MedicationCount {
	return api.MedicationCount{MedicationName: r.Name, Count: r.Count}
}
