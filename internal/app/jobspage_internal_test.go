package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

func TestTheJobsPageIsRivers(t *testing.T) {
	t.Parallel()
	page, err := newJobsPage(t.Context(), testkit.Pool(t), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	get := func(path, kind string) string {
		t.Helper()
		recorder := httptest.NewRecorder()
		page.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
		require.Equal(t, 200, recorder.Code, recorder.Body.String())
		require.Contains(t, recorder.Header().Get("Content-Type"), kind)
		return recorder.Body.String()
	}
	script := regexp.MustCompile(`src="(/river/assets/[^"]+\.js)"`).FindStringSubmatch(get("/river/", "text/html"))
	require.Len(t, script, 2, "the page brings its own script")
	get(script[1], "javascript")
	require.Contains(t, get("/river/api/states", "json"), `"completed"`)
}
