// Package metrics counts what a process does and looks at what waits, for Prometheus. It
// holds no names, no ids and no texts of anybody.
package metrics

import (
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Metrics are those of one process.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	jobs     *prometheus.HistogramVec
}

// seconds are the bounds between which requests and jobs are counted.
var seconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60}

// New returns the metrics of a process that works on pool and has so many sockets open.
func New(version string, pool *pgxpool.Pool, sockets func() int) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chelal_http_requests_total", Help: "Requests answered, by route and status."}, []string{"method", "route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chelal_http_request_seconds", Help: "How long requests took, by route.", Buckets: seconds}, []string{"method", "route"}),
		jobs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chelal_job_seconds", Help: "How long jobs took, by kind and whether they were done.", Buckets: seconds}, []string{"kind", "outcome"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "chelal_info", Help: "1; the version is in the label.", ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chelal_sockets", Help: "WebSockets that are open."}, func() float64 { return float64(sockets()) })
	m.registry.MustRegister(m.requests, m.took, m.jobs, info, open, &database{pool}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Answered counts a request. The route is the path with the names of its variables.
func (m *Metrics) Answered(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(method, route).Observe(took.Seconds())
}

// Worked counts a job.
func (m *Metrics) Worked(kind string, err error, took time.Duration) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	m.jobs.WithLabelValues(kind, outcome).Observe(took.Seconds())
}

// Handler serves /metrics, and profiles under /debug/pprof/. It asks nobody who they are, so it
// belongs on an address of its own.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
