package server

import (
	"context"
	"time"

	"chelal/gen/api"
	"chelal/gen/db"
)

const (
	// slow is how long a statement that reads next to nothing may take.
	slow = 250 * time.Millisecond
	// late is how long a job may wait for a worker.
	late = 5 * time.Minute
)

// systemHealth asks the database for the state of the background jobs, and sees from
// that how it does itself.
func (h *handlers) systemHealth(ctx context.Context) (api.SystemHealth, error) {
	began := h.Now()
	jobs, err := db.New().JobsState(ctx, h.DB, began, began.Add(-late))
	health := api.SystemHealth{
		Database:       api.SystemHealthDatabaseHealthy,
		BackgroundJobs: api.SystemHealthBackgroundJobsRunning,
		Status:         api.SystemHealthStatusOperational,
	}
	if h.Now().Sub(began) > slow {
		health.Database = api.SystemHealthDatabaseSlow
	}
	switch {
	case !jobs.Alive:
		health.BackgroundJobs = api.SystemHealthBackgroundJobsStopped
	case jobs.Late:
		health.BackgroundJobs = api.SystemHealthBackgroundJobsBehind
	}
	if health.Database != api.SystemHealthDatabaseHealthy || health.BackgroundJobs != api.SystemHealthBackgroundJobsRunning {
		health.Status = api.SystemHealthStatusDegraded
	}
	return health, err
}
