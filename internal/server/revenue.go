package server

import (
	"context"
	"time"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"chelal/gen/api"
	"chelal/internal/apperr"
	"chelal/internal/reporting"
)

// ReportRevenue answers what was paid less what was refunded, period by period.
func (h *handlers) ReportRevenue(ctx context.Context, r api.ReportRevenueRequestObject) (api.ReportRevenueResponseObject, error) {
	period := reporting.Period(valueOr(r.Params.Period, api.ReportRevenueParamsPeriodDay))
	span, err := h.revenueSpan(period, r.Params)
	if err != nil {
		return nil, err
	}
	days := period.FirstDays(span)
	figures, err := readFigures(ctx, h.DB, days, span.To.AddDate(0, 0, 1), (*string)(r.Params.Method), "revenue")
	if err != nil {
		return nil, err
	}
	sum := together(figures["revenue"])
	report := api.ReportRevenue200JSONResponse{
		Period: api.RevenueReportPeriod(period), DateFrom: toAPIDate(span.From), DateTo: toAPIDate(span.To),
		TotalRevenue: sum.amount.Float(), Payments: sum.count, ByMethod: toAPIRevenueByMethod(sum),
	}
	for i, f := range figures["revenue"] {
		report.Series = append(report.Series, toAPIRevenueOfPeriod(days[i], f))
	}
	return report, nil
}

// revenueSpan is the span that the caller asks for, or as much of the present as a
// report by that period shows.
func (h *handlers) revenueSpan(period reporting.Period, p api.ReportRevenueParams) (reporting.Span, error) {
	to := valueOr(p.DateTo, openapi_types.Date{Time: h.today()}).Time
	span := period.Latest(to)
	span.From = valueOr(p.DateFrom, openapi_types.Date{Time: span.From}).Time
	switch {
	case span.From.Year() < 1:
		return span, tooEarly
	case span.From.After(to):
		return span, backwards
	case !period.Allows(span):
		return span, tooLong
	}
	return span, nil
}

var (
	tooEarly = apperr.InvalidFields(apperr.Field{Name: "date_to", Code: "out_of_range",
		Message: "The report would begin before the calendar does. Name a later day."})
	backwards = apperr.InvalidFields(apperr.Field{Name: "date_from", Code: "after_date_to",
		Message: "The first day is after the last one, which is today unless date_to names another."})
	tooLong = apperr.InvalidFields(apperr.Field{Name: "date_from", Code: "too_long",
		Message: "Ask for at most 400 days by day, and for at most ten years by week or month."})
)

func toAPIRevenueOfPeriod(first time.Time, f figure) api.RevenueOfPeriod {
	return api.RevenueOfPeriod{
		Date: toAPIDate(first), Total: f.amount.Float(), Payments: f.count, ByMethod: toAPIRevenueByMethod(f),
	}
}
