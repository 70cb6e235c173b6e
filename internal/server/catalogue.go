package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) ListServiceItems(context.Context, api.ListServiceItemsRequestObject) (api.ListServiceItemsResponseObject, error) {
	return nil, nil
}

func (h *handlers) CreateServiceItem(context.Context, api.CreateServiceItemRequestObject) (api.CreateServiceItemResponseObject, error) {
	return nil, nil
}

func (h *handlers) DeleteServiceItem(context.Context, api.DeleteServiceItemRequestObject) (api.DeleteServiceItemResponseObject, error) {
	return nil, nil
}

func (h *handlers) GetServiceItem(context.Context, api.GetServiceItemRequestObject) (api.GetServiceItemResponseObject, error) {
	return nil, nil
}

func (h *handlers) UpdateServiceItem(context.Context, api.UpdateServiceItemRequestObject) (api.UpdateServiceItemResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReplaceServiceItem(context.Context, api.ReplaceServiceItemRequestObject) (api.ReplaceServiceItemResponseObject, error) {
	return nil, nil
}
