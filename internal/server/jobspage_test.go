package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/server"
)

// browser shows the page of the jobs, with what it keeps of cookies.
type browser struct {
	*bundle
	cookies []*http.Cookie
}

func (w *browser) visit(method, target, body string) *http.Response {
	w.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, cookie := range w.cookies {
		if strings.HasPrefix(r.URL.Path, cookie.Path) {
			r.AddCookie(cookie)
		}
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	response := recorder.Result()
	w.cookies = append(w.cookies, response.Cookies()...)
	return response
}

func (w *browser) refused(method, target string, status int, code string) {
	w.t.Helper()
	response := w.visit(method, target, "")
	body, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	require.Equal(w.t, status, response.StatusCode, string(body))
	require.Contains(w.t, string(body), `"code":"`+code+`"`)
}

// jobsLink is a fresh link, without the host.
func jobsLink(t *testing.T, admin caller) string {
	t.Helper()
	a := admin.call("POST", "/api/river-ticket/", nil)
	require.Equal(t, 200, a.status, a.raw)
	link, err := url.Parse(a.body["url"].(string))
	require.NoError(t, err)
	return link.RequestURI()
}

func TestThePageOfTheJobs(t *testing.T) {
	t.Parallel()
	var served []string
	withPage := func(o *server.Options) {
		o.Jobs = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			served = append(served, r.Method+" "+r.URL.Path+" "+string(body))
		})
	}
	b := setup(t, withPage)
	admin := b.as("Admin")
	w := &browser{bundle: b}
	w.refused("GET", "/river/", 401, "jobs_not_open")
	w.refused("POST", "/river/api/jobs/cancel", 401, "jobs_not_open")
	w.refused("GET", "/river/?ticket=cht_x", 401, "jobs_not_open")
	w.refused("GET", "/river/?ticket="+admin.call("POST", "/api/ws-ticket/", nil).body["ticket"].(string), 401, "jobs_not_open")
	require.Empty(t, served)

	link := jobsLink(t, admin)
	opened := w.visit("GET", link, "")
	require.Equal(t, 303, opened.StatusCode)
	require.Equal(t, "/river/", opened.Header.Get("Location"))
	require.Len(t, w.cookies, 1)
	pass := w.cookies[0]
	require.True(t, pass.HttpOnly && pass.SameSite == http.SameSiteStrictMode && pass.Path == "/river/" && !pass.Secure)
	(&browser{bundle: b}).refused("GET", link, 401, "jobs_not_open")

	page := w.visit("GET", "/river/queues", "")
	require.Equal(t, 200, page.StatusCode)
	require.Contains(t, page.Header.Get("Content-Security-Policy"), "script-src 'self';")
	require.Equal(t, 200, w.visit("POST", "/river/api/jobs/cancel", `{"ids":["7"]}`).StatusCode)
	require.Equal(t, []string{"GET /river/queues ", `POST /river/api/jobs/cancel {"ids":["7"]}`}, served)
	var by int64
	var description string
	require.NoError(t, b.db.QueryRow(t.Context(), "SELECT user_id, description FROM core_auditlog WHERE object_type = 'job'").Scan(&by, &description))
	require.Equal(t, admin.user.ID, by)
	require.Equal(t, `job: POST /river/api/jobs/cancel {"ids":["7"]}`, description)
	require.Equal(t, 413, w.visit("POST", "/river/api/jobs/cancel", strings.Repeat("x", 65<<10)).StatusCode)

	// The pass is no token, and a token no pass.
	b.with(pass.Value, admin.user).call("GET", "/api/users/me/", nil).refused(t, 401, "token_not_valid")
	r := httptest.NewRequest(http.MethodGet, "/river/", nil)
	r.Header.Set("Authorization", "Bearer "+admin.doer.Token)
	recorder := httptest.NewRecorder()
	b.handler.ServeHTTP(recorder, r)
	require.Equal(t, 401, recorder.Code)

	b.now = b.now.Add(time.Hour + time.Second)
	w.refused("GET", "/river/", 401, "jobs_not_open")
}

func TestWhoMaySeeThePageOfTheJobs(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *server.Options) { o.Jobs = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}) })
	b.as("Doctor").call("POST", "/api/river-ticket/", nil).refused(t, 403, "forbidden")
	b.nobody().call("POST", "/api/river-ticket/", nil).refused(t, 401, "not_authenticated")
	b.as("Admin").call("POST", "/api/river-ticket/?x=1", nil).refused(t, 400, "invalid")

	for what, change := range map[string]string{
		"another role": "UPDATE core_user SET role_id = (SELECT id FROM core_role WHERE name = 'Nurse') WHERE id = $1",
		"deactivated":  "UPDATE core_user SET is_active = false WHERE id = $1",
		"signed out":   "UPDATE core_session SET revoked_at = now() WHERE user_id = $1",
	} {
		admin := b.as("Admin")
		w, late := &browser{bundle: b}, &browser{bundle: b}
		require.Equal(t, 303, w.visit("GET", jobsLink(t, admin), "").StatusCode)
		require.Equal(t, 200, w.visit("GET", "/river/", "").StatusCode)
		unused := jobsLink(t, admin)
		execute(t, b, change, admin.user.ID)
		status, code := 401, "jobs_not_open"
		if what == "another role" {
			status, code = 403, "forbidden"
		}
		w.refused("GET", "/river/", status, code)
		late.refused("GET", unused, status, code)
	}

	expired := jobsLink(t, b.as("Admin"))
	b.now = b.now.Add(31 * time.Second)
	(&browser{bundle: b}).refused("GET", expired, 401, "jobs_not_open")

	without := setup(t)
	require.Equal(t, 404, (&browser{bundle: without}).visit("GET", "/river/", "").StatusCode)
}
