package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) ReportAppointmentsByDoctor(context.Context, api.ReportAppointmentsByDoctorRequestObject) (api.ReportAppointmentsByDoctorResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReportAppointmentsToday(context.Context, api.ReportAppointmentsTodayRequestObject) (api.ReportAppointmentsTodayResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReportBilling(context.Context, api.ReportBillingRequestObject) (api.ReportBillingResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReportPatientCount(context.Context, api.ReportPatientCountRequestObject) (api.ReportPatientCountResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReportRevenue(context.Context, api.ReportRevenueRequestObject) (api.ReportRevenueResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReportTopMedications(context.Context, api.ReportTopMedicationsRequestObject) (api.ReportTopMedicationsResponseObject, error) {
	return nil, nil
}
