package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) ListBills(context.Context, api.ListBillsRequestObject) (api.ListBillsResponseObject, error) {
	return nil, nil
}

func (h *handlers) CreateBill(context.Context, api.CreateBillRequestObject) (api.CreateBillResponseObject, error) {
	return nil, nil
}

func (h *handlers) DeleteBill(context.Context, api.DeleteBillRequestObject) (api.DeleteBillResponseObject, error) {
	return nil, nil
}

func (h *handlers) GetBill(context.Context, api.GetBillRequestObject) (api.GetBillResponseObject, error) {
	return nil, nil
}

func (h *handlers) UpdateBill(context.Context, api.UpdateBillRequestObject) (api.UpdateBillResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReplaceBill(context.Context, api.ReplaceBillRequestObject) (api.ReplaceBillResponseObject, error) {
	return nil, nil
}
