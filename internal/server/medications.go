package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) ListMedications(context.Context, api.ListMedicationsRequestObject) (api.ListMedicationsResponseObject, error) {
	return nil, nil
}

func (h *handlers) CreateMedication(context.Context, api.CreateMedicationRequestObject) (api.CreateMedicationResponseObject, error) {
	return nil, nil
}

func (h *handlers) DeleteMedication(context.Context, api.DeleteMedicationRequestObject) (api.DeleteMedicationResponseObject, error) {
	return nil, nil
}

func (h *handlers) GetMedication(context.Context, api.GetMedicationRequestObject) (api.GetMedicationResponseObject, error) {
	return nil, nil
}

func (h *handlers) UpdateMedication(context.Context, api.UpdateMedicationRequestObject) (api.UpdateMedicationResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReplaceMedication(context.Context, api.ReplaceMedicationRequestObject) (api.ReplaceMedicationResponseObject, error) {
	return nil, nil
}

func (h *handlers) ListStockMovements(context.Context, api.ListStockMovementsRequestObject) (api.ListStockMovementsResponseObject, error) {
	return nil, nil
}

func (h *handlers) AdjustStock(context.Context, api.AdjustStockRequestObject) (api.AdjustStockResponseObject, error) {
	return nil, nil
}
