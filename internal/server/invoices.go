package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) GetInvoice(context.Context, api.GetInvoiceRequestObject) (api.GetInvoiceResponseObject, error) {
	return nil, nil
}
