package server_test

import (
	"compress/gzip"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

func TestUnchangedAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nurse := b.as("Nurse")
	p := testkit.Patient(t, b.db, nil)
	for _, path := range []string{"/api/patients/?page=1", "/api/patients/?cursor=", "/api/patients/" + text(p.ID) + "/timeline/", "/api/medications/"} {
		first := nurse.call("GET", path, nil)
		tag := first.header.Get("ETag")
		require.NotEmpty(t, tag, path)
		require.Equal(t, tag, nurse.call("GET", path, nil).header.Get("ETag"), "the same answer has the same tag: %s", path)
		for _, known := range []string{tag, tag[2:], `"other", ` + tag, "*"} {
			same := nurse.call("GET", path, nil, "If-None-Match", known)
			require.Equal(t, 304, same.status, "%s %s", path, known)
			require.Empty(t, same.raw)
			require.Equal(t, tag, same.header.Get("ETag"))
			require.NotEmpty(t, same.header.Get("X-Request-Id"))
		}
		require.Equal(t, 304, nurse.call("HEAD", path, nil, "If-None-Match", tag).status)
		require.Equal(t, 200, nurse.call("GET", path, nil, "If-None-Match", `"other"`).status)
	}
	path := "/api/patients/?page=1"
	tag := nurse.call("GET", path, nil).header.Get("ETag")
	nurse.call("PATCH", "/api/patients/"+text(p.ID)+"/", map[string]any{"address": "5 New Road"})
	changed := nurse.call("GET", path, nil, "If-None-Match", tag)
	require.Equal(t, 200, changed.status)
	require.Contains(t, changed.raw, "5 New Road")
	require.Equal(t, 401, b.nobody().call("GET", path, nil, "If-None-Match", "*").status)
	require.Equal(t, 404, nurse.call("GET", "/api/patients/?page=99", nil, "If-None-Match", "*").status)
	require.Equal(t, []string{"view patient listPatients"}, auditActions(b, "request_id = $1",
		nurse.call("GET", "/api/patients/?search="+p.UniqueID, nil, "If-None-Match", "*").header.Get("X-Request-Id")), "it is still shown")
}

func TestAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nurse := b.as("Nurse")
	for range 10 {
		testkit.Patient(t, b.db, nil)
	}
	get := func(path, encoding string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer "+nurse.doer.Token)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, r)
		return w.Result()
	}
	long := get("/api/patients/", "br, gzip")
	require.Equal(t, "gzip", long.Header.Get("Content-Encoding"))
	require.Contains(t, long.Header.Values("Vary"), "Accept-Encoding")
	plain, err := gzip.NewReader(long.Body)
	require.NoError(t, err)
	var page struct{ Results []any }
	require.NoError(t, json.NewDecoder(plain).Decode(&page))
	require.GreaterOrEqual(t, len(page.Results), 10)
	require.Empty(t, get("/api/patients/", "identity").Header.Get("Content-Encoding"))
	require.Empty(t, get("/api/patients/?search=nobody+at+all", "gzip").Header.Get("Content-Encoding"), "a short one is not worth it")
}
