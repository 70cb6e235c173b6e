package server_test

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/server"
	"chelal/internal/testkit"
)

func djangoHash(password, salt string, iterations int) string {
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), iterations, 32)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("pbkdf2_sha256$%d$%s$%s", iterations, salt, base64.StdEncoding.EncodeToString(key))
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	desk := b.as("Receptionist")
	const total = 45
	for range total {
		testkit.Patient(t, b.db, nil)
	}

	t.Run("by number", func(t *testing.T) {
		first := desk.call("GET", "/api/patients/?page_size=20&ordering=last_name", nil)
		require.EqualValues(t, total, first.body["count"])
		require.Nil(t, first.body["previous"])
		require.Equal(t, base+"/api/patients/?ordering=last_name&page=2&page_size=20", first.body["next"])
		second := desk.call("GET", strings.TrimPrefix(first.body["next"].(string), base), nil)
		require.Equal(t, base+"/api/patients/?ordering=last_name&page_size=20", second.body["previous"])
		third := desk.call("GET", "/api/patients/?page=3", nil)
		require.Len(t, third.body["results"], 5)
		require.Nil(t, third.body["next"])
		require.Equal(t, base+"/api/patients/?page=2", third.body["previous"])
		desk.call("GET", "/api/patients/?page=4", nil).refused(t, 404, "invalid_page")
		desk.call("GET", "/api/patients/?page=600&page_size=20", nil).refused(t, 404, "invalid_page")
		require.Len(t, desk.call("GET", "/api/patients/?page_size=5000", nil).body["results"], total, "a larger size counts as 200")
		require.Equal(t, map[string]string{"page": "too_small", "page_size": "wrong_type"},
			desk.call("GET", "/api/patients/?page=0&page_size=x", nil).refused(t, 400, "invalid").fields())
	})

	t.Run("by cursor, in every order", func(t *testing.T) {
		for _, field := range []string{"id", "first_name", "last_name", "date_of_birth", "created_at", "updated_at"} {
			for _, ordering := range []string{field, "-" + field} {
				seen := map[any]bool{}
				next := any(base + "/api/patients/?page_size=7&cursor=&ordering=" + url.QueryEscape(ordering))
				for next != nil {
					page := desk.call("GET", strings.TrimPrefix(next.(string), base), nil)
					require.Equal(t, 200, page.status, page.raw)
					require.Nil(t, page.body["count"])
					require.Nil(t, page.body["previous"])
					for _, row := range page.body["results"].([]any) {
						id := row.(map[string]any)["id"]
						require.False(t, seen[id], "%s: a row came twice", ordering)
						seen[id] = true
					}
					next = page.body["next"]
				}
				require.Len(t, seen, total, ordering)
			}
		}
	})

	t.Run("forged cursors", func(t *testing.T) {
		for _, cursor := range []string{"x", "e30", base64.RawURLEncoding.EncodeToString([]byte(`{"o":"id","k":["x"]}`)),
			base64.RawURLEncoding.EncodeToString([]byte(`{"o":"-id","k":["1"]}`))} {
			require.Equal(t, map[string]string{"cursor": "invalid_cursor"},
				setup(t).as("Nurse").call("GET", "/api/patients/?cursor="+cursor, nil).refused(t, 400, "invalid").fields(), cursor)
		}
	})
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	b := setup(t)
	desk := b.as("Receptionist")
	first := desk.call("POST", "/api/patients/", jane(), "Idempotency-Key", "k1")
	require.Equal(t, 201, first.status, first.raw)
	again := desk.call("POST", "/api/patients/", jane(), "Idempotency-Key", "k1")
	require.Equal(t, first.raw, again.raw)
	require.Equal(t, first.header.Get("ETag"), again.header.Get("ETag"))
	require.Equal(t, 201, again.status)
	other := jane()
	other["first_name"] = "Joan"
	desk.call("POST", "/api/patients/", other, "Idempotency-Key", "k1").refused(t, 422, "idempotency_key_reused")
	foreign := b.as("Receptionist").call("POST", "/api/patients/", other, "Idempotency-Key", "k1")
	require.Equal(t, 201, foreign.status, "another user's key is another key")

	bad := jane()
	bad["user"] = 999999999
	desk.call("POST", "/api/patients/", bad, "Idempotency-Key", "k2").refused(t, 400, "invalid")
	require.Equal(t, 201, desk.call("POST", "/api/patients/", jane(), "Idempotency-Key", "k2").status, "a failure stores nothing")

	b.now = b.now.Add(25 * time.Hour)
	late := b.asUser(desk.user).call("POST", "/api/patients/", jane(), "Idempotency-Key", "k1")
	require.NotEqual(t, first.body["id"], late.body["id"])
	desk2 := b.asUser(desk.user)
	desk2.call("POST", "/api/patients/", jane(), "Idempotency-Key", strings.Repeat("k", 256)).refused(t, 400, "invalid")
}

func TestTransport(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *server.Options) {
		o.MaxBody = 1000
		o.AllowedHosts = []string{"hospital.test"}
		o.CORSOrigins = []string{"https://front.test"}
	})
	desk := b.as("Receptionist")

	t.Run("bodies", func(t *testing.T) {
		for name, body := range map[string]string{
			"not JSON": `{`, "two values": `{} {}`, "list": `[]`, "text": `"x"`, "not UTF-8": "{\"first_name\": \"\xff\"}",
			"deep": strings.Repeat("[", 100) + strings.Repeat("]", 100), "twice": `{"gender": "F", "gender": "M"}`,
		} {
			a := desk.call("POST", "/api/patients/", body)
			require.Equal(t, 400, a.status, "%s: %s", name, a.raw)
		}
		desk.call("POST", "/api/patients/", jane(), "Content-Type", "text/plain").refused(t, 415, "unsupported_media_type")
		desk.call("POST", "/api/patients/", `{"first_name": "`+strings.Repeat("x", 1000)+`"}`).refused(t, 413, "too_large")
		require.Contains(t, desk.call("POST", "/api/patients/", nil).refused(t, 400, "invalid").fields(), "first_name")
	})

	t.Run("paths and methods", func(t *testing.T) {
		desk.call("GET", "/api/nothing/", nil).refused(t, 404, "no_such_path")
		require.NotEmpty(t, desk.call("DELETE", "/api/patients/", nil).refused(t, 405, "method_not_allowed").header.Get("Allow"))
		// This path is not that of a user with the id me, to whom alone PUT is known.
		require.Equal(t, "OPTIONS, GET", desk.call("PUT", "/api/users/me/", nil).refused(t, 405, "method_not_allowed").header.Get("Allow"))
		require.Equal(t, 200, desk.call("HEAD", "/api/patients/", nil).status)
	})

	t.Run("query", func(t *testing.T) {
		require.Equal(t, map[string]string{"serch": "unknown_parameter", "search": "invalid_characters"},
			desk.call("GET", "/api/patients/?serch=x&search=%00", nil).refused(t, 400, "invalid").fields())
		require.Equal(t, map[string]string{"page": "repeated"},
			desk.call("GET", "/api/patients/?page=1&page=2", nil).refused(t, 400, "invalid").fields())
	})

	t.Run("a query that does not parse", func(t *testing.T) {
		require.Equal(t, map[string]string{"": "malformed_query"},
			desk.call("GET", "/api/patients/?gender=%zz", nil).refused(t, 400, "invalid").fields())
	})

	t.Run("headers", func(t *testing.T) {
		a := desk.call("GET", "/api/health/", nil, "X-Request-Id", "abc-1")
		require.Equal(t, "abc-1", a.header.Get("X-Request-Id"))
		require.Equal(t, "DENY", a.header.Get("X-Frame-Options"))
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
		require.Equal(t, "1; mode=block", a.header.Get("X-XSS-Protection"))
		made := desk.call("GET", "/api/nothing/", nil, "X-Request-Id", "no spaces allowed")
		require.NotEqual(t, "no spaces allowed", made.header.Get("X-Request-Id"))
		require.Equal(t, made.header.Get("X-Request-Id"), made.body["instance"])
	})

	t.Run("origins and hosts", func(t *testing.T) {
		preflight := desk.call("OPTIONS", "/api/patients/", nil, "Origin", "https://front.test", "Access-Control-Request-Method", "PATCH")
		require.Equal(t, "https://front.test", preflight.header.Get("Access-Control-Allow-Origin"))
		require.Contains(t, preflight.header.Get("Access-Control-Allow-Methods"), "PATCH")
		stranger := desk.call("OPTIONS", "/api/patients/", nil, "Origin", "https://evil.test", "Access-Control-Request-Method", "PATCH")
		require.Empty(t, stranger.header.Get("Access-Control-Allow-Origin"))
		desk.call("POST", "/api/patients/", jane(), "Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site").refused(t, 403, "cross_origin")
		require.Equal(t, 201, desk.call("POST", "/api/patients/", jane(), "Origin", "https://front.test", "Sec-Fetch-Site", "cross-site").status)
		r, err := http.NewRequest(http.MethodGet, base+"/api/health/", nil)
		require.NoError(t, err)
		r.Host = "elsewhere.test"
		response, err := desk.doer.Do(r)
		require.NoError(t, err)
		require.Equal(t, 400, response.StatusCode)
	})
}

func TestLenientBodies(t *testing.T) {
	t.Parallel()
	desk := setup(t, func(o *server.Options) { o.StrictBodies = false }).as("Receptionist")
	body := jane()
	body["insurance"], body["First_Name"], body["unique_id"] = "none", "Other", "MINE"
	made := desk.call("POST", "/api/patients/?colour=red", body)
	require.Equal(t, 201, made.status, made.raw)
	require.Equal(t, "Jane", made.body["first_name"])
	require.NotEqual(t, "MINE", made.body["unique_id"])
}

func TestHospitalDay(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Pacific/Kiritimati") // UTC+14
	require.NoError(t, err)
	b := setup(t, func(o *server.Options) { o.Zone = zone })
	b.now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) // already the 2nd in the hospital
	desk := b.as("Receptionist")
	body := jane()
	body["date_of_birth"] = "2026-03-02"
	require.Equal(t, 201, desk.call("POST", "/api/patients/", body).status)
	body["date_of_birth"] = "2026-03-03"
	require.Equal(t, map[string]string{"date_of_birth": "in_the_future"}, desk.call("POST", "/api/patients/", body).refused(t, 400, "invalid").fields())
}

func TestHealthAndDocs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	health := b.nobody().call("GET", "/api/health", nil)
	require.Equal(t, "healthy", health.body["status"], health.raw)
	b.nobody().call("GET", "/api/health/?x=1", nil).refused(t, 400, "invalid")
	for _, path := range []string{"/docs/", "/docs/errors/", "/openapi.json", "/openapi.yaml", "/livez", "/readyz"} {
		require.Equal(t, 200, b.nobody().call("GET", path, nil).status, path)
	}
}

func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	b := setupOn(t, pool)
	desk := b.as("Nurse")
	pool.Close()
	for _, path := range []string{"/api/health/", "/api/patients/"} {
		require.NotEmpty(t, desk.call("GET", path, nil).refused(t, 503, "unavailable").header.Get("Retry-After"))
	}
}

// TestProblemCodes holds that every code that the source can answer is explained at
// /docs/errors/.
func TestProblemCodes(t *testing.T) {
	t.Parallel()
	page := setup(t).nobody().call("GET", "/docs/errors/", nil).raw
	pattern := regexp.MustCompile(`apperr\.New\(apperr\.\w+, "(\w+)"`)
	found := 0
	for _, dir := range []string{".", "../apperr", "../authn", "../authz", "../listing", "../pg"} {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, entry := range entries {
			if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
				continue
			}
			source, err := os.ReadFile(dir + "/" + entry.Name())
			require.NoError(t, err)
			for _, match := range pattern.FindAllSubmatch(source, -1) {
				found++
				require.Contains(t, page, `id="`+string(match[1])+`"`, "%s is not explained", match[1])
			}
		}
	}
	require.Greater(t, found, 20)
}
