package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) ListPrescriptions(context.Context, api.ListPrescriptionsRequestObject) (api.ListPrescriptionsResponseObject, error) {
	return nil, nil
}

func (h *handlers) CreatePrescription(context.Context, api.CreatePrescriptionRequestObject) (api.CreatePrescriptionResponseObject, error) {
	return nil, nil
}

func (h *handlers) DeletePrescription(context.Context, api.DeletePrescriptionRequestObject) (api.DeletePrescriptionResponseObject, error) {
	return nil, nil
}

func (h *handlers) GetPrescription(context.Context, api.GetPrescriptionRequestObject) (api.GetPrescriptionResponseObject, error) {
	return nil, nil
}

func (h *handlers) UpdatePrescription(context.Context, api.UpdatePrescriptionRequestObject) (api.UpdatePrescriptionResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReplacePrescription(context.Context, api.ReplacePrescriptionRequestObject) (api.ReplacePrescriptionResponseObject, error) {
	return nil, nil
}

func (h *handlers) DispensePrescription(context.Context, api.DispensePrescriptionRequestObject) (api.DispensePrescriptionResponseObject, error) {
	return nil, nil
}
