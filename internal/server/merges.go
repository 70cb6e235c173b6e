package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) MergePatient(context.Context, api.MergePatientRequestObject) (api.MergePatientResponseObject, error) {
	return nil, nil
}

func (h *handlers) UnmergePatient(context.Context, api.UnmergePatientRequestObject) (api.UnmergePatientResponseObject, error) {
	return nil, nil
}
