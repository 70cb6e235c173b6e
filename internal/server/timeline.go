package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) GetPatientTimeline(context.Context, api.GetPatientTimelineRequestObject) (api.GetPatientTimelineResponseObject, error) {
	return nil, nil
}
