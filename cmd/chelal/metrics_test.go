package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// TestMetrics reads what Prometheus would, after some work, and finds all of it that the Grafana
// dashboard shows.
func TestMetrics(t *testing.T) {
	t.Parallel()
	database, metrics := testkit.URL(t), freeAddress(t)
	h := newHospital(t, database)
	server := serving(t, database, []string{"METRICS_ADDR=" + metrics}, "serve", "--listen", "127.0.0.1:0")
	f := h.follow(server, 0)
	f.tells([]int64{h.book(server)})
	read := func() string {
		response, err := http.Get("http://" + metrics + "/metrics")
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, http.StatusOK, response.StatusCode)
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return string(text)
	}
	require.Eventually(t, func() bool {
		return regexp.MustCompile(`chelal_job_seconds_count\{.*outcome="done"\} [1-9]`).MatchString(read())
	},
		time.Minute, 50*time.Millisecond, "a job was worked")
	text := read()
	require.Contains(t, text, `chelal_http_requests_total{method="POST",route="/api/appointments/",status="201"} 1`)
	require.Contains(t, text, "chelal_sockets 1")
	require.Contains(t, text, "chelal_database_up 1")
	require.Contains(t, text, `chelal_waiting{what="news"} 0`)
	require.NotContains(t, text, "Jane")

	content, err := os.ReadFile("../../web-docs/grafana-dashboard.json")
	require.NoError(t, err)
	plugins.RegisterDefaultPlugins()
	var wrong cog.BuildErrors                                                         // the schema's check answers one that is empty, too
	require.ErrorAs(t, new(dashboard.Dashboard).UnmarshalJSONStrict(content), &wrong) //nolint:staticcheck // the second schema is not what Grafana imports by default
	require.Empty(t, wrong, "by Grafana's schema")
	var shown dashboard.Dashboard //nolint:staticcheck // likewise
	require.NoError(t, json.Unmarshal(content, &shown))
	require.NoError(t, shown.Validate())
	asked := 0
	for _, panel := range shown.Panels {
		for _, target := range panel.Panel.Targets {
			for _, name := range regexp.MustCompile(`(?:chelal|process)_[a-z_]+`).FindAllString(target.(*prometheus.Dataquery).Expr, -1) {
				require.Regexp(t, `(?m)^`+name+`[{ ]`, text, "the dashboard asks for %s", name)
				asked++
			}
		}
	}
	require.Greater(t, asked, 12)

	response, err := http.Get(server.url + "/metrics")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusNotFound, response.StatusCode, "not where patients' data is answered")
	response, err = http.Get("http://" + metrics + "/debug/pprof/heap")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
}
