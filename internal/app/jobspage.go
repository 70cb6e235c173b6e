package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"riverqueue.com/riverui"

	"chelal/internal/pg"
)

// jobsPage is River's own page of its jobs, which the server shows to Admins. It asks the
// database for figures again and again, so it begins when somebody first looks.
type jobsPage struct {
	page  *riverui.Handler
	begin sync.Once
	ctx   context.Context //nolint:containedctx // the process's, for what runs beside the requests
	log   *slog.Logger
}

func newJobsPage(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) (*jobsPage, error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: pg.RiverSchema, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("prepare the page of the jobs: %w", err)
	}
	page, err := riverui.NewHandler(&riverui.HandlerOpts{Endpoints: riverui.NewEndpoints(client, nil), Logger: log, Prefix: "/river"})
	if err != nil {
		return nil, fmt.Errorf("prepare the page of the jobs: %w", err)
	}
	return &jobsPage{page: page, ctx: ctx, log: log}, nil
}

// ServeHTTP answers for River.
func (p *jobsPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.begin.Do(func() {
		if err := p.page.Start(p.ctx); err != nil {
			p.log.Error("the page of the jobs has no figures", slog.Any("error", err))
		}
	})
	p.page.ServeHTTP(w, r)
}
