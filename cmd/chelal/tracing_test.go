package main

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"chelal/internal/testkit"
)

// traces collects what an OpenTelemetry collector is sent.
type traces struct {
	mu    sync.Mutex
	spans []*trace.Span
	raw   bytes.Buffer
}

func (c *traces) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unpacked
	}
	text, err := io.ReadAll(body)
	var sent collector.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(text, &sent) != nil {
		http.Error(w, "not a trace", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(text)
	for _, resource := range sent.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

// of answers the names of the spans of a trace.
func (c *traces) of(id string) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if hex.EncodeToString(s.TraceId) == id {
			names = append(names, s.Name)
		}
	}
	return names
}

// TestTraces follows a trace that a client began through the request, its statements and the
// job that it enqueued, and finds nothing of the patient in it.
func TestTraces(t *testing.T) {
	t.Parallel()
	got := &traces{}
	endpoint := httptest.NewServer(got)
	t.Cleanup(endpoint.Close)
	database := testkit.URL(t)
	h := newHospital(t, database)
	server := serving(t, database, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint.URL, "OTEL_BSP_SCHEDULE_DELAY=100"}, "serve", "--listen", "127.0.0.1:0")
	ask := func(method, path, body, id string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, server.url+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+h.desk)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("traceparent", "00-"+id+"-00f067aa0ba902b7-01")
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Less(t, answer.StatusCode, 300, "%s", text)
	}
	const reading, working = "4bf92f3577b34da6a3ce929d0e0e4736", "5bf92f3577b34da6a3ce929d0e0e4736"
	ask(http.MethodPost, "/api/patients/", `{"first_name": "Secretive", "last_name": "Unmistakable", "date_of_birth": "1990-01-15", "gender": "F"}`, reading)
	ask(http.MethodGet, "/api/patients/?search=Unmistakable", "", reading)
	ask(http.MethodPost, "/api/report-files/", `{"kind": "bills", "format": "csv", "date_from": "2026-01-01", "date_to": "2026-01-31"}`, working)
	for id, names := range map[string][]string{
		reading: {"POST /api/patients/", "GET /api/patients/", "CallersGet", "PatientCreate", "PatientList", "ViewsCreate"},
		working: {"POST /api/report-files/", "job write_report"},
	} {
		for _, name := range names {
			require.Eventually(t, func() bool {
				for _, span := range got.of(id) {
					if strings.Contains(span, name) {
						return true
					}
				}
				return false
			}, time.Minute, 20*time.Millisecond, "%s in %s", name, got.of(id))
		}
	}
	got.mu.Lock()
	defer got.mu.Unlock()
	require.NotContains(t, got.raw.String(), "Unmistakable")
	require.NotContains(t, got.raw.String(), "Secretive")
}
