package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) ListBillItems(context.Context, api.ListBillItemsRequestObject) (api.ListBillItemsResponseObject, error) {
	return nil, nil
}

func (h *handlers) CreateBillItem(context.Context, api.CreateBillItemRequestObject) (api.CreateBillItemResponseObject, error) {
	return nil, nil
}

func (h *handlers) DeleteBillItem(context.Context, api.DeleteBillItemRequestObject) (api.DeleteBillItemResponseObject, error) {
	return nil, nil
}

func (h *handlers) GetBillItem(context.Context, api.GetBillItemRequestObject) (api.GetBillItemResponseObject, error) {
	return nil, nil
}

func (h *handlers) UpdateBillItem(context.Context, api.UpdateBillItemRequestObject) (api.UpdateBillItemResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReplaceBillItem(context.Context, api.ReplaceBillItemRequestObject) (api.ReplaceBillItemResponseObject, error) {
	return nil, nil
}
