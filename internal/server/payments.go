package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) ListPayments(context.Context, api.ListPaymentsRequestObject) (api.ListPaymentsResponseObject, error) {
	return nil, nil
}

func (h *handlers) CreatePayment(context.Context, api.CreatePaymentRequestObject) (api.CreatePaymentResponseObject, error) {
	return nil, nil
}

func (h *handlers) DeletePayment(context.Context, api.DeletePaymentRequestObject) (api.DeletePaymentResponseObject, error) {
	return nil, nil
}

func (h *handlers) GetPayment(context.Context, api.GetPaymentRequestObject) (api.GetPaymentResponseObject, error) {
	return nil, nil
}

func (h *handlers) UpdatePayment(context.Context, api.UpdatePaymentRequestObject) (api.UpdatePaymentResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReplacePayment(context.Context, api.ReplacePaymentRequestObject) (api.ReplacePaymentResponseObject, error) {
	return nil, nil
}

func (h *handlers) GetReceipt(context.Context, api.GetReceiptRequestObject) (api.GetReceiptResponseObject, error) {
	return nil, nil
}

func (h *handlers) RefundPayment(context.Context, api.RefundPaymentRequestObject) (api.RefundPaymentResponseObject, error) {
	return nil, nil
}
