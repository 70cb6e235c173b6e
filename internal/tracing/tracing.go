// Package tracing sends traces to an OpenTelemetry collector: a span for each request, each
// statement and each job, tied together by the trace that the caller began. They name routes,
// statements and kinds of jobs, and hold no values. Without a collector it costs nothing.
package tracing

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// provider makes the spans; nil while nobody collects them.
var provider atomic.Pointer[sdktrace.TracerProvider]

var w3c = propagation.TraceContext{}

// Start sends spans to the collector at endpoint, such as http://collector:4318, until stop, which
// sends what is left. An empty endpoint sends none. The sampler is that of OTEL_TRACES_SAMPLER.
func Start(ctx context.Context, endpoint, version string) (stop func(context.Context), err error) {
	if endpoint == "" {
		return func(context.Context) {}, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimSuffix(endpoint, "/")+"/v1/traces"))
	if err != nil {
		return nil, fmt.Errorf("prepare the traces: %w", err)
	}
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "chelal"), attribute.String("service.version", version))))
	provider.Store(p)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) // a collector that is away is its operator's to see
	return func(ctx context.Context) {
		provider.Store(nil)
		_ = p.Shutdown(ctx) // spans that cannot be sent are lost
	}, nil
}

// On reports whether somebody collects spans.
func On() bool { return provider.Load() != nil }

func start(ctx context.Context, name string, kind trace.SpanKind) (context.Context, trace.Span) {
	p := provider.Load()
	if p == nil {
		return ctx, trace.SpanFromContext(context.Background())
	}
	return p.Tracer("chelal").Start(ctx, name, trace.WithSpanKind(kind))
}

// Request begins the span of a request, as a part of the trace that its header names.
func Request(ctx context.Context, header http.Header, method string) (context.Context, trace.Span) {
	return start(w3c.Extract(ctx, propagation.HeaderCarrier(header)), method, trace.SpanKindServer)
}

// EndRequest names the span by the route and ends it.
func EndRequest(span trace.Span, method, route, requestID string, status int) {
	span.SetName(method + " " + route)
	span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status), attribute.String("chelal.request_id", requestID))
	if status >= 500 {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// Job begins the span of a job, as a part of the trace in which it was enqueued.
func Job(ctx context.Context, kind, parent string) (context.Context, trace.Span) {
	return start(w3c.Extract(ctx, propagation.MapCarrier{"traceparent": parent}), "job "+kind, trace.SpanKindConsumer)
}

// EndJob ends the span.
func EndJob(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "") // its text may hold what the job is about
	}
	span.End()
}

// Parent answers the traceparent of the context, empty without a trace.
func Parent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier.Get("traceparent")
}

// Follow returns ctx with the span of another context, and nothing else of it.
func Follow(ctx, other context.Context) context.Context {
	return trace.ContextWithSpan(ctx, trace.SpanFromContext(other))
}

// Statements returns what makes a span of each statement, nil while nobody collects them.
func Statements() pgx.QueryTracer {
	p := provider.Load()
	if p == nil {
		return nil
	}
	return otelpgx.NewTracer(otelpgx.WithTracerProvider(p), otelpgx.WithSpanNameFunc(nameOf), otelpgx.WithDisableConnectionDetailsInAttributes(),
		otelpgx.WithDisableSQLStatementInAttributes())
}

// nameOf is the name that sqlc gave a statement, or its first word.
func nameOf(sql string) string {
	if name, ok := strings.CutPrefix(sql, "-- name: "); ok {
		sql = name
	}
	first, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	return first
}
