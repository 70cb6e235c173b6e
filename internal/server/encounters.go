package server

import (
	"context"

	"chelal/gen/api"
)

func (h *handlers) ListEncounters(context.Context, api.ListEncountersRequestObject) (api.ListEncountersResponseObject, error) {
	return nil, nil
}

func (h *handlers) CreateEncounter(context.Context, api.CreateEncounterRequestObject) (api.CreateEncounterResponseObject, error) {
	return nil, nil
}

func (h *handlers) DeleteEncounter(context.Context, api.DeleteEncounterRequestObject) (api.DeleteEncounterResponseObject, error) {
	return nil, nil
}

func (h *handlers) GetEncounter(context.Context, api.GetEncounterRequestObject) (api.GetEncounterResponseObject, error) {
	return nil, nil
}

func (h *handlers) UpdateEncounter(context.Context, api.UpdateEncounterRequestObject) (api.UpdateEncounterResponseObject, error) {
	return nil, nil
}

func (h *handlers) ReplaceEncounter(context.Context, api.ReplaceEncounterRequestObject) (api.ReplaceEncounterResponseObject, error) {
	return nil, nil
}
