package webdocs

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var codes = []Code{
	{Code: "slot_taken", Status: 409, Title: "Slot taken", Meaning: "The time is taken.", WhatToDo: "Choose another."},
	{Code: "invalid", Status: 400, Title: "Invalid <input>", Meaning: "A field is wrong.", WhatToDo: "Correct it."},
	{Code: "conflict", Status: 409, Title: "Conflict", Meaning: "The state forbids it.", WhatToDo: "Read it again."},
}

// ask sends a request to a fresh Handler; headers are name, value, name, value.
func ask(t *testing.T, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	Handler(codes, nil).ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(b)
}

func embeddedNames(t *testing.T) []string {
	t.Helper()
	var names []string
	require.NoError(t, fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	}))
	require.Greater(t, len(names), 5)
	return names
}

func TestEveryEmbeddedFileIsServed(t *testing.T) {
	t.Parallel()
	types := map[string]string{
		"docs.js":                         "text/javascript; charset=utf-8",
		"live.js":                         "text/javascript; charset=utf-8",
		"chelal-client.gen.js":            "text/javascript; charset=utf-8",
		"docs.css":                        "text/css; charset=utf-8",
		"icon.svg":                        "image/svg+xml",
		"swagger-ui/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
		"swagger-ui/swagger-ui.css":       "text/css; charset=utf-8",
		"chelal_backend_api.postman_collection.json": "application/json",
		"grafana-dashboard.json":                     "application/json",
	}
	for _, name := range embeddedNames(t) {
		want, err := files.ReadFile(name)
		require.NoError(t, err)
		r := ask(t, http.MethodGet, servedAt(name))
		require.Equal(t, http.StatusOK, r.StatusCode, name)
		require.True(t, string(want) == body(t, r), "%s is served changed", name)
		require.Equal(t, strconv.Itoa(len(want)), r.Header.Get("Content-Length"), name)
		require.Equal(t, ContentSecurityPolicy, r.Header.Get("Content-Security-Policy"), name)
		wantType, named := types[name]
		if !named {
			wantType = "text/plain; charset=utf-8"
		}
		require.Equal(t, wantType, r.Header.Get("Content-Type"), name)
		delete(types, name)
	}
	require.Empty(t, types, "no longer embedded")
}

func TestHeadHasNoBody(t *testing.T) {
	t.Parallel()
	r := ask(t, http.MethodHead, "/docs/docs.css")
	require.Equal(t, http.StatusOK, r.StatusCode)
	require.NotEqual(t, "0", r.Header.Get("Content-Length"))
	require.Empty(t, body(t, r))
}

func TestUnchangedFileIs304(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/docs/", "/docs/errors/", "/docs/swagger-ui/swagger-ui-bundle.js"} {
		plain := ask(t, http.MethodGet, path).Header.Get("ETag")
		gzipped := ask(t, http.MethodGet, path, "Accept-Encoding", "gzip").Header.Get("ETag")
		require.NotEmpty(t, plain)
		require.NotEqual(t, plain, gzipped, "two representations under one strong tag")

		r := ask(t, http.MethodGet, path, "Accept-Encoding", "gzip", "If-None-Match", gzipped)
		require.Equal(t, http.StatusNotModified, r.StatusCode)
		require.Equal(t, "no-cache", r.Header.Get("Cache-Control"))
		require.Equal(t, ContentSecurityPolicy, r.Header.Get("Content-Security-Policy"))
		require.Empty(t, body(t, r))

		require.Equal(t, http.StatusOK, ask(t, http.MethodGet, path, "If-None-Match", `"other"`).StatusCode)
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	for _, name := range embeddedNames(t) {
		want, err := files.ReadFile(name)
		require.NoError(t, err)
		r := ask(t, http.MethodGet, servedAt(name), "Accept-Encoding", "gzip, deflate, br")
		require.Equal(t, "Accept-Encoding", r.Header.Get("Vary"), name)
		sent := body(t, r)
		require.Equal(t, strconv.Itoa(len(sent)), r.Header.Get("Content-Length"), name)
		if r.Header.Get("Content-Encoding") == "" {
			require.Less(t, len(want), 200, "%s is worth compressing", name)
			continue
		}
		z, err := gzip.NewReader(strings.NewReader(sent))
		require.NoError(t, err)
		got, err := io.ReadAll(z)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "%s unpacks to something else", name)
	}
}

func TestAcceptsGzip(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"":                   false,
		"br":                 false,
		"gzip":               true,
		"br, GZIP":           true,
		"gzip;q=0.5":         true,
		"deflate, gzip; q=1": true,
		"gzip;q=0":           false,
		"gzip;q=nonsense":    false,
		"x-gzip-like":        false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/docs/", nil)
		r.Header.Set("Accept-Encoding", header)
		require.Equal(t, want, acceptsGzip(r), header)
	}
}

func TestOtherRequests(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/", "/docs/index.html", "/docs/errors.html.tmpl", "/docs/webdocs.go", "/docs/README.md",
		"/docs/swagger-ui/", "/docs/../docs/docs.js", "/docs/errors//", "/docs/nothing",
	} {
		require.Equal(t, http.StatusNotFound, ask(t, http.MethodGet, path).StatusCode, path)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		r := ask(t, method, "/docs/")
		require.Equal(t, http.StatusMethodNotAllowed, r.StatusCode, method)
		require.Equal(t, "GET, HEAD", r.Header.Get("Allow"), method)
	}
	for from, to := range map[string]string{"/docs": "/docs/", "/docs/errors": "/docs/errors/"} {
		r := ask(t, http.MethodGet, from)
		require.Equal(t, http.StatusPermanentRedirect, r.StatusCode)
		require.Equal(t, to, r.Header.Get("Location"))
	}
}

// A page that loads from another host would leak who reads it and fail in a
// hospital without internet; an inline script or style would be stopped by the
// content security policy.
func TestPagesLoadNothingForeignOrInline(t *testing.T) {
	t.Parallel()
	foreign := regexp.MustCompile(`(?i)[a-z]+://|["'(=]//`)
	inline := regexp.MustCompile(`(?i)<script>|<style|\s(style|on[a-z]+)=|javascript:`)
	for _, path := range []string{"/docs/", "/docs/errors/", "/docs/offline-sync.html", "/docs/realtime.html", "/docs/docs.js", "/docs/docs.css"} {
		text := body(t, ask(t, http.MethodGet, path))
		require.Empty(t, foreign.FindAllString(text, -1), path)
		if strings.HasSuffix(path, "/") || strings.HasSuffix(path, ".html") {
			require.Empty(t, inline.FindAllString(text, -1), path)
		}
	}
	for _, name := range embeddedNames(t) {
		content, err := files.ReadFile(name)
		require.NoError(t, err)
		require.NotContains(t, name, ".map")
		require.False(t, bytes.Contains(content, []byte("sourceMappingURL")), "%s points at a source map", name)
	}
}

func TestErrorsPage(t *testing.T) {
	t.Parallel()
	page := body(t, ask(t, http.MethodGet, "/docs/errors/"))
	at := 0
	for _, want := range []string{
		`<h2 id="status-400">400 Bad Request</h2>`, `<article id="invalid">`, "Invalid &lt;input&gt;", "A field is wrong.", "Correct it.",
		`<h2 id="status-409">409 Conflict</h2>`, `<article id="conflict">`, `<article id="slot_taken">`,
	} {
		found := strings.Index(page[at:], want)
		require.GreaterOrEqual(t, found, 0, "%s is missing or out of order", want)
		at += found
	}
	require.Equal(t, 2, strings.Count(page, "<h2 "))
	require.Equal(t, "slot_taken", codes[0].Code, "the caller's slice was sorted")
}
