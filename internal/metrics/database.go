package metrics

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"chelal/gen/db"
)

// database looks at the pool and at what waits in the database, whenever it is asked.
type database struct{ pool *pgxpool.Pool }

var (
	up        = prometheus.NewDesc("chelal_database_up", "Whether the database answered.", nil, nil)
	conns     = prometheus.NewDesc("chelal_database_connections", "Connections of this process, by what they do.", []string{"state"}, nil)
	connsMost = prometheus.NewDesc("chelal_database_connections_max", "As many connections this process may open.", nil, nil)
	waited    = prometheus.NewDesc("chelal_database_waits_total", "How often a connection had to be waited for.", nil, nil)
	waitedFor = prometheus.NewDesc("chelal_database_wait_seconds_total", "How long connections were waited for.", nil, nil)
	waiting   = prometheus.NewDesc("chelal_waiting", "What is still to be done: jobs by their queue, news to be told, mails to be sent.", []string{"what"}, nil)
	oldest    = prometheus.NewDesc("chelal_waiting_oldest_seconds", "How long the oldest of it has waited.", []string{"what"}, nil)
)

// Describe is part of prometheus.Collector.
func (d *database) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{up, conns, connsMost, waited, waitedFor, waiting, oldest} {
		to <- desc
	}
}

// Collect is part of prometheus.Collector. Without an answer of the database what waits is
// left out.
func (d *database) Collect(to chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	stat := d.pool.Stat()
	gauge(conns, float64(stat.AcquiredConns()), "used")
	gauge(conns, float64(stat.IdleConns()), "idle")
	gauge(connsMost, float64(stat.MaxConns()))
	to <- prometheus.MustNewConstMetric(waited, prometheus.CounterValue, float64(stat.EmptyAcquireCount()))
	to <- prometheus.MustNewConstMetric(waitedFor, prometheus.CounterValue, stat.EmptyAcquireWaitTime().Seconds())

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	rows, err := db.New().Waiting(ctx, d.pool)
	if err != nil {
		gauge(up, 0)
		return
	}
	gauge(up, 1)
	for _, row := range rows {
		gauge(waiting, float64(row.Rows), row.What)
		gauge(oldest, row.Seconds, row.What)
	}
}
