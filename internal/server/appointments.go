package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) ListAppointments(context.Context, api.ListAppointmentsRequestObject) (api.ListAppointmentsResponseObject, error) {
	return nil, nil
}

func (h *handlers) CreateAppointment(context.Context, api.CreateAppointmentRequestObject) (api.CreateAppointmentResponseObject, error) {
	return nil, nil
}

func (h *handlers) GetAvailability(context.Context, api.GetAvailabilityRequestObject) (api.GetAvailabilityResponseObject, error) {
	return nil, nil
}

func (h *handlers) DeleteAppointment(context.Context, api.DeleteAppointmentRequestObject) (api.DeleteAppointmentResponseObject, error) {
	return nil, nil
}

func (h *handlers) GetAppointment(context.Context, api.GetAppointmentRequestObject) (api.GetAppointmentResponseObject, error) {
	return nil, nil
}

func (h *handlers) UpdateAppointment(context.Context, api.UpdateAppointmentRequestObject) (api.UpdateAppointmentResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReplaceAppointment(context.Context, api.ReplaceAppointmentRequestObject) (api.ReplaceAppointmentResponseObject, error) {
	return nil, nil
}
