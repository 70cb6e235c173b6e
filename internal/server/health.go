package server

import (
	"context"
	"time"

	"chelal/gen/api"
	"chelal/internal/pg"
)

// GetHealth answers 200 when the database answers, and 503 when it does not.
func (h *handlers) GetHealth(ctx context.Context, _ api.GetHealthRequestObject) (api.GetHealthResponseObject, error) {
	if err := h.ping(ctx); err != nil {
		return nil, err
	}
	return api.GetHealth200JSONResponse{
		Status: api.HealthStatusHealthy, Database: api.HealthDatabaseHealthy,
		Timestamp: h.Now().UTC().Truncate(time.Microsecond), Version: h.Version,
	}, nil
}

// ping asks the database for a sign of life, and does not wait long for it.
func (h *handlers) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := h.DB.Exec(ctx, "SELECT 1"); err != nil {
		return pg.Unavailable.Because(err)
	}
	return nil
}
