package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) GetDashboardStats(context.Context, api.GetDashboardStatsRequestObject) (api.GetDashboardStatsResponseObject, error) {
	return nil, nil
}

func (h *handlers) GetDashboard(context.Context, api.GetDashboardRequestObject) (api.GetDashboardResponseObject, error) {
	return nil, nil
}
