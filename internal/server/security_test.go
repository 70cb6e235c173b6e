package server_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
	"chelal/internal/ratelimit"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

// This file is the list of what protects the API, one test each, for a reviewer to go
// through. What is generated from the contract stands beside it: attack_test.go (hostile
// input), attackids_test.go (other people's ids), matrix_test.go (roles). Tests of
// their own have signing in (auth_test.go, twofactor_test.go, signintime_test.go) and the links
// of pictures (profile_test.go, ../media/links_test.go).

// forged signs a token as the server does, with any header, claims and key.
func forged(header, claims string, key []byte) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(header)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}

func TestAccessTokensThatAreNot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.as("Admin")
	session := testkit.Session(t, b.db, admin.user.ID)
	good, _, err := b.tokens.Issue(admin.user.ID, session)
	require.NoError(t, err)
	key := authn.DeriveKey(secret, "access-token")
	const header = `{"alg":"HS256","typ":"at+jwt"}`
	claims := func(change ...string) string {
		all := fmt.Sprintf(`{"iss":"chelal","aud":["chelal-api"],"sub":"%d","sid":"%s","iat":%d,"exp":%d,"jti":"x"}`,
			admin.user.ID, session, b.now.Unix(), b.now.Add(time.Minute).Unix())
		for i := 0; i+1 < len(change); i += 2 {
			require.Contains(t, all, change[i])
			all = strings.Replace(all, change[i], change[i+1], 1)
		}
		return all
	}
	require.Equal(t, 200, b.with(forged(header, claims(), key), admin.user).call("GET", "/api/users/me/", nil).status, "the forger knows how")
	pair := forged(header, claims(), key)
	unsigned := pair[:strings.LastIndex(pair, ".")+1]
	refresh, _ := authn.NewRefreshToken()
	sub, exp := fmt.Sprintf(`"sub":"%d"`, admin.user.ID), fmt.Sprintf(`"exp":%d`, b.now.Add(time.Minute).Unix())

	for name, token := range map[string]string{
		"alg none":                  strings.TrimSuffix(forged(`{"alg":"none","typ":"at+jwt"}`, claims(), nil), "."),
		"alg none without a mac":    base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + strings.Split(pair, ".")[1] + ".",
		"alg NoNe":                  forged(`{"alg":"NoNe","typ":"at+jwt"}`, claims(), key),
		"alg RS256":                 forged(`{"alg":"RS256","typ":"at+jwt"}`, claims(), key),
		"alg HS512":                 forged(`{"alg":"HS512","typ":"at+jwt"}`, claims(), key),
		"no alg":                    forged(`{"typ":"at+jwt"}`, claims(), key),
		"another key":               forged(header, claims(), []byte("another key of some length or other")),
		"the empty key":             forged(header, claims(), nil),
		"the secret itself":         forged(header, claims(), secret),
		"the key of another use":    forged(header, claims(), authn.DeriveKey(secret, "idempotency")),
		"no signature":              unsigned,
		"another's signature":       unsigned + strings.Split(good, ".")[2],
		"an ordinary JWT":           forged(`{"alg":"HS256","typ":"JWT"}`, claims(), key),
		"kid of a file":             forged(`{"alg":"HS256","typ":"at+jwt","kid":"../../dev/null"}`, claims(), nil),
		"kid of SQL":                forged(`{"alg":"HS256","typ":"at+jwt","kid":"' UNION SELECT ''--"}`, claims(), nil),
		"a key of its own":          forged(`{"alg":"HS256","typ":"at+jwt","jwk":{"kty":"oct","k":"YQ"}}`, claims(), []byte("a")),
		"a key from elsewhere":      forged(`{"alg":"HS256","typ":"at+jwt","jku":"https://evil.test/keys"}`, claims(), []byte("a")),
		"a critical extension":      forged(`{"alg":"HS256","typ":"at+jwt","crit":["b64"],"b64":false}`, claims(), []byte("a")),
		"expired":                   forged(header, claims(exp, fmt.Sprintf(`"exp":%d`, b.now.Add(-time.Second).Unix())), key),
		"never expiring":            forged(header, claims(","+exp, ""), key),
		"expiring at 0":             forged(header, claims(exp, `"exp":0`), key),
		"expiring in words":         forged(header, claims(exp, `"exp":"never"`), key),
		"from the future":           forged(header, claims(fmt.Sprintf(`"iat":%d`, b.now.Unix()), fmt.Sprintf(`"iat":%d`, b.now.Add(time.Hour).Unix())), key),
		"another issuer":            forged(header, claims(`"iss":"chelal"`, `"iss":"django"`), key),
		"another audience":          forged(header, claims(`"chelal-api"`, `"chelal"`), key),
		"another user":              forged(header, claims(sub, `"sub":"987654321"`), key),
		"no user":                   forged(header, claims(sub, `"sub":""`), key),
		"a user by another name":    forged(header, claims(`"sub":"`, `"sub":"0`), key),
		"a session that is not":     forged(header, claims(session.String(), uuid.NewString()), key),
		"a session of SQL":          forged(header, claims(session.String(), "' OR true --"), key),
		"a refresh token":           refresh,
		"twice":                     good + " " + good,
		"huge":                      strings.Repeat("a", 60_000),
		"huge with valid signature": forged(header, claims("{", `{"x":"`+strings.Repeat("x", 8000)+`",`), key),
		"dots":                      "..", "nothing": ".", "a NUL": "a\x00b",
	} {
		require.Equal(t, 401, b.with(token, admin.user).call("GET", "/api/users/me/", nil).status, name)
	}
	for _, header := range []string{"Basic " + good, good, "Token " + good, "Bearer", "Bearer  ", "Bearer " + good[:len(good)-1]} {
		require.Equal(t, 401, b.nobody().call("GET", "/api/users/me/", nil, "Authorization", header).status, "%.12s", header)
	}
	require.Equal(t, 401, b.nobody().call("GET", "/api/users/me/?access_token="+good, nil).status, "a token in the query ends up in logs")
	require.Equal(t, 401, b.nobody().call("GET", "/api/users/me/", nil, "Cookie", "access="+good).status)
}

// TestEveryOperationAsksWhoIsCalling holds that no operation but the public ones answers
// without a token, with one that is not good, or because some header says so; whatever
// else is wrong with the request.
func TestEveryOperationAsksWhoIsCalling(t *testing.T) {
	t.Parallel()
	b := setup(t)
	unsigned := forged(`{"alg":"none","typ":"at+jwt"}`, `{"iss":"chelal","aud":["chelal-api"],"sub":"1","sid":"`+uuid.NewString()+`","iat":1,"exp":9999999999}`, nil)
	for _, target := range targets() {
		if target.Extensions["x-permission"] == "public" {
			continue
		}
		for _, id := range []string{"1", "x", "99999999999999999999"} {
			path := strings.ReplaceAll(target.path, "{id}", id) + "?no_such=1&page=x"
			for _, header := range [][]string{nil, {"Authorization", "Bearer " + unsigned}, {"X-Forwarded-User", "admin"}, {"X-Original-URL", "/api/health/"},
				{"X-HTTP-Method-Override", "OPTIONS"}, {"X-Forwarded-For", "127.0.0.1"}, {"Content-Type", "text/plain"}} {
				b.nobody().call(target.method, path, `{"no_such"`, header...).refused(t, 401, map[bool]string{true: "token_not_valid", false: "not_authenticated"}[len(header) > 1 && header[0] == "Authorization"])
			}
		}
	}
}

// TestRefusalsComeInOrder holds that a caller without the permission learns nothing of
// what else is wrong: 401, 403, 400, 404.
func TestRefusalsComeInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	roleless, admin := b.as(""), b.as("Admin")
	for _, target := range targets() {
		class := target.Extensions["x-permission"]
		path := strings.NewReplacer("{id}", "987654321", "{batch}", uuid.NewString()).Replace(target.path)
		body := ""
		if target.body() != nil {
			body = `{"no_such_property": 1}`
		}
		if class != "public" && class != "self" && class != "any" && class != "owner" {
			for _, id := range []string{"987654321", "x"} {
				roleless.call(target.method, strings.ReplaceAll(target.path, "{id}", id)+"?no_such=1", body).refused(t, 403, "forbidden")
			}
		}
		admin.call(target.method, path+"?no_such=1", body).refused(t, 400, "invalid")
		if strings.Contains(target.path, "{id}") {
			require.Equal(t, 404, admin.call(target.method, strings.ReplaceAll(target.path, "{id}", "x"), body).status, target.OperationID)
		}
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	limit := ratelimit.Limit{PerSecond: 1, Burst: 3}

	t.Run("of an address", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(o *server.Options) { o.AddressLimit = limit })
		here, there := b.nobody().from("203.0.113.1"), b.nobody().from("203.0.113.2")
		for _, path := range []string{"/api/health/", "/docs/", "/api/nothing/"} {
			require.NotEqual(t, 429, here.call("GET", path, nil).status)
		}
		refused := here.call("GET", "/api/health/", nil, "X-Forwarded-For", "203.0.113.9").refused(t, 429, "too_many_requests")
		require.Equal(t, "1", refused.header.Get("Retry-After"))
		require.Equal(t, "DENY", refused.header.Get("X-Frame-Options"))
		require.Equal(t, 200, there.call("GET", "/api/health/", nil).status)
		b.now = b.now.Add(time.Second)
		require.Equal(t, 200, here.call("GET", "/api/health/", nil).status)
		here.call("GET", "/api/health/", nil).refused(t, 429, "too_many_requests")
	})

	t.Run("of a line with many IPv6 addresses", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(o *server.Options) { o.AddressLimit = limit })
		for i := range 3 {
			require.Equal(t, 200, b.nobody().from(fmt.Sprintf("[2001:db8::%d]", i)).call("GET", "/api/health/", nil).status)
		}
		b.nobody().from("[2001:db8::ffff]").call("GET", "/api/health/", nil).refused(t, 429, "too_many_requests")
		require.Equal(t, 200, b.nobody().from("[2001:db8:0:1::1]").call("GET", "/api/health/", nil).status)
	})

	t.Run("of a client behind a trusted proxy", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(o *server.Options) {
			o.AddressLimit, o.TrustedProxies = limit, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		})
		proxy := b.nobody().from("10.0.0.1")
		for range 3 {
			require.Equal(t, 200, proxy.call("GET", "/api/health/", nil, "X-Forwarded-For", "203.0.113.1").status)
		}
		for _, forwarded := range []string{"203.0.113.1", "198.51.100.7, 203.0.113.1", "203.0.113.1, 10.9.9.9"} {
			proxy.call("GET", "/api/health/", nil, "X-Forwarded-For", forwarded).refused(t, 429, "too_many_requests")
		}
		require.Equal(t, 200, proxy.call("GET", "/api/health/", nil, "X-Forwarded-For", "203.0.113.2").status)
	})

	t.Run("of a user, from wherever", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(o *server.Options) { o.UserLimit = limit })
		nurse := b.as("Nurse")
		for i := range 3 {
			require.Equal(t, 200, nurse.from(fmt.Sprintf("203.0.113.%d", i)).call("GET", "/api/users/me/", nil).status)
		}
		nurse.from("203.0.113.9").call("GET", "/api/users/me/", nil).refused(t, 429, "too_many_requests")
		require.Equal(t, 200, b.as("Nurse").call("GET", "/api/users/me/", nil).status)
		require.Equal(t, 200, nurse.call("GET", "/api/health/", nil).status, "a public operation does not look who is calling")
	})

	t.Run("of a user, of whom what is refused counts once", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(o *server.Options) { o.UserLimit = limit })
		nurse := b.as("Nurse").known()
		for range 2 {
			nurse.call("GET", "/api/patients/0/", nil).refused(t, 404, "not_found")
		}
		nurse.call("GET", "/api/patients/0/", nil).refused(t, 429, "too_many_requests")
	})
}

// TestHeadersOnEveryAnswer holds that what tells a browser to be careful comes with every
// answer, those of errors and of the documentation too.
func TestHeadersOnEveryAnswer(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	b := setupOn(t, pool, func(o *server.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")} })
	nurse := b.as("Nurse")
	paths := map[string]int{"/api/health/": 200, "/api/users/me/": 200, "/api/nothing/": 404, "/nothing": 404, "/docs/": 200, "/docs/nothing": 404,
		"/docs/errors/": 200, "/openapi.json": 200, "/openapi.yaml": 200, "/livez": 200, "/readyz": 200, "/api/patients/0/": 404,
		"/api/patients/?page=x": 400, "/api/audit-logs/": 0}
	check := func(path string, want int) {
		t.Helper()
		for peer, secure := range map[string]bool{"192.0.2.1": false, "10.0.0.1": true} {
			a := nurse.from(peer).call("GET", path, nil, "X-Forwarded-Proto", "https", "X-Forwarded-Ssl", "on", "X-Url-Scheme", "https")
			if want != 0 {
				require.Equal(t, want, a.status, path)
			}
			require.Equal(t, "DENY", a.header.Get("X-Frame-Options"), path)
			require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"), path)
			require.Equal(t, "1; mode=block", a.header.Get("X-XSS-Protection"), path)
			require.Equal(t, "same-origin", a.header.Get("Referrer-Policy"), path)
			require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'", path)
			require.Contains(t, a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
			require.NotContains(t, a.header.Get("Content-Security-Policy"), "unsafe", path)
			require.Equal(t, secure, a.header.Get("Strict-Transport-Security") != "", "%s from %s: HSTS under TLS only, by the word of a trusted proxy only", path, peer)
			require.Empty(t, a.header.Get("Server"), path)
			require.NotEmpty(t, a.header.Get("X-Request-Id"), path)
			if strings.HasPrefix(path, "/api/") {
				require.Equal(t, "no-store", a.header.Get("Cache-Control"), path)
			}
		}
	}
	for path, want := range paths {
		check(path, want)
	}
	pool.Close()
	check("/api/patients/", 503)
	check("/readyz", 503)
}

func TestOtherSites(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *server.Options) { o.CORSOrigins = []string{"https://front.test"} })
	desk := b.as("Receptionist")
	for _, origin := range []string{"https://evil.test", "https://front.test.evil.test", "https://front.test:444", "http://front.test", "null", "https://FRONT.test"} {
		a := desk.call("GET", "/api/patients/", nil, "Origin", origin)
		require.Equal(t, 200, a.status, "reading is refused by the browser, not here")
		require.Empty(t, a.header.Get("Access-Control-Allow-Origin"), origin)
		require.Empty(t, desk.call("OPTIONS", "/api/patients/", nil, "Origin", origin, "Access-Control-Request-Method", "POST").header.Get("Access-Control-Allow-Origin"), origin)
	}
	require.Equal(t, "https://front.test", desk.call("GET", "/api/patients/", nil, "Origin", "https://front.test").header.Get("Access-Control-Allow-Origin"))
	for _, target := range targets() {
		if target.method == http.MethodGet {
			continue
		}
		path := strings.ReplaceAll(target.path, "{id}", "1")
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.test"}, {"Origin", "null"}} {
			desk.call(target.method, path, nil, header...).refused(t, 403, "cross_origin")
		}
	}
}

// TestPathsAndMethods holds that no other spelling of a path or a method reaches an
// operation past its permission.
func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nobody, admin := b.nobody(), b.as("Admin")
	for _, path := range []string{"//api/users/", "/api//users/", "/API/users/", "/api/users//", "/api/./users/", "/api/x/../users/", "/api/%2e%2e/api/users/",
		"/api/users/..;/", "/api/users/;x=1/", "/api/users.json", "/api/%75sers/", "/api/users/%2f", "/%61pi/users/", "/api/users/1%00/", "/api/health/../users/",
		"/docs/../api/users/", "/docs/..%2fapi%2fusers/", "/api/health/%2e%2e/users/me/", "/api\\users\\"} {
		require.Contains(t, []int{401, 404}, nobody.call("GET", path, nil).status, path)
		require.Contains(t, []int{200, 400, 404}, admin.call("GET", path, nil).status, path)
	}
	for _, target := range targets() {
		path := strings.ReplaceAll(target.path, "{id}", "1")
		for _, method := range []string{"HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "BREW", "get", "PUT", "PATCH", "DELETE", "POST", "GET"} {
			a := nobody.call(method, path, nil)
			require.Less(t, a.status, 500, "%s %s", method, path)
			if a.status < 300 && method != "OPTIONS" {
				require.Equal(t, "public", operationAt(method, target.path), "%s %s", method, path)
			}
		}
	}
}

// operationAt is the permission of what a method does at a path of the contract.
func operationAt(method, path string) any {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	op := testkit.Contract().Paths.Value(path).GetOperation(method)
	if op == nil {
		return nil
	}
	return op.Extensions["x-permission"]
}

// TestStatementsAreConstant holds that no SQL outside of sqlc's constants is made of
// anything but constants: where the source builds a statement, it is on this list, with
// the reason why no request has a part in it.
func TestStatementsAreConstant(t *testing.T) {
	t.Parallel()
	allowed := map[string]string{
		"../listing/listing.go": "fragments of the List's own columns, placeholders and whole numbers",
		"../listing/count.go":   "the same fragments",
	}
	sql := regexp.MustCompile(`(Sprintf\([^)]*"[^"]*\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|ORDER BY|LIMIT|OFFSET)\b)|("[^"]*\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|ORDER BY|LIMIT)\b[^"]*" \+ [a-z])`)
	for _, dir := range []string{".", "../listing", "../change", "../audit", "../authn", "../authz", "../worker", "../sync", "../reporting"} {
		entries, err := os.ReadDir(dir)
		if os.IsNotExist(err) {
			continue
		}
		require.NoError(t, err)
		for _, entry := range entries {
			path := dir + "/" + entry.Name()
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || allowed[path] != "" {
				continue
			}
			source, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NotRegexp(t, sql, string(source), "%s builds a statement", path)
		}
	}
}
