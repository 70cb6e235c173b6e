package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/gen/db"
	"chelal/internal/auditlog"
	"chelal/internal/authn"
	"chelal/internal/media"
	"chelal/internal/pg"
	"chelal/internal/server"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) {
	testkit.Main(m, func() error {
		if flag.Lookup("test.run").Value.String() != "" {
			return nil // a part of the tests cannot exercise the whole contract
		}
		return errors.Join(testkit.EveryOperation(), everyWriteRecorded())
	})
}

var (
	secret = []byte("a secret of the tests, long enough to be one")
	hasher = authn.NewHasher(2)
	base   = "http://hospital.test"
)

// bundle is a server on a database of the test's own.
type bundle struct {
	t       testing.TB
	db      pg.DB
	handler http.Handler
	tokens  *authn.Tokens
	now     time.Time
	options server.Options
	counted bool // statements are: the test sends none of its own
}

func setup(t testing.TB, change ...func(*server.Options)) *bundle {
	t.Helper()
	return setupOn(t, testkit.Tx(t), change...)
}

func setupOn(t testing.TB, conn pg.DB, change ...func(*server.Options)) *bundle {
	t.Helper()
	b := &bundle{t: t, db: conn, now: time.Now()}
	tokens, err := authn.NewTokens(secret, nil, 15*time.Minute, func() time.Time { return b.now })
	require.NoError(t, err)
	b.tokens = tokens
	b.options = server.Options{
		DB: conn, Now: func() time.Time { return b.now }, Log: slog.New(slog.DiscardHandler), Hasher: hasher,
		Tokens: tokens, Secret: secret, SealKeys: auditlog.NewKeys(secret), RefreshLifetime: 7 * 24 * time.Hour, Zone: time.UTC, Version: "test",
		StrictBodies: true, MaxBody: 1 << 20, Media: media.Folder(t.TempDir()),
	}
	for _, f := range change {
		f(&b.options)
	}
	b.handler, err = server.New(b.options)
	require.NoError(t, err)
	return b
}

// caller sends requests as somebody.
type caller struct {
	*bundle
	doer testkit.Doer
	user db.CoreUser
	*client.ClientWithResponses
}

// as returns a caller who is a new user of a role; "" is a user without one.
func (b *bundle) as(role string) caller {
	b.t.Helper()
	return b.asUser(testkit.User(b.t, b.db, role))
}

func (b *bundle) asUser(u db.CoreUser) caller {
	b.t.Helper()
	token, _, err := b.tokens.Issue(u.ID, testkit.Session(b.t, b.db, u.ID))
	require.NoError(b.t, err)
	return b.with(token, u)
}

// nobody returns a caller who is not signed in.
func (b *bundle) nobody() caller { return b.with("", db.CoreUser{}) }

func (b *bundle) with(token string, u db.CoreUser) caller {
	b.t.Helper()
	doer := testkit.Doer{T: b.t, Handler: b.handler, Token: token, After: b.holdAudited}
	c, err := client.NewClientWithResponses(base, client.WithHTTPClient(doer))
	require.NoError(b.t, err)
	return caller{b, doer, u, c}
}

// from returns the caller at another address.
func (c caller) from(address string) caller {
	c.doer.From = address
	return c
}

// answer is a response with its JSON body.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// call sends a body, which is JSON text or a value, with header pairs.
func (c caller) call(method, path string, body any, header ...string) answer {
	c.t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		encoded, err := json.Marshal(body)
		require.NoError(c.t, err)
		text = string(encoded)
	}
	r, err := http.NewRequest(method, base+path, bytes.NewReader([]byte(text)))
	require.NoError(c.t, err)
	if text != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := c.doer.Do(r)
	require.NoError(c.t, err)
	raw, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	a := answer{status: response.StatusCode, header: response.Header, raw: string(raw)}
	_ = json.Unmarshal(raw, &a.body) // not every answer is an object
	return a
}

// refused requires a problem with this status and code, and returns it.
func (a answer) refused(t testing.TB, status int, code string) answer {
	t.Helper()
	require.Equal(t, status, a.status, a.raw)
	require.Equal(t, code, a.body["code"], a.raw)
	return a
}

// fields are the names and codes of a problem's errors.
func (a answer) fields() map[string]string {
	fields := map[string]string{}
	list, _ := a.body["errors"].([]any)
	for _, item := range list {
		entry := item.(map[string]any)
		fields[entry["field"].(string)] = entry["code"].(string)
	}
	return fields
}

func jane() map[string]any {
	return map[string]any{
		"first_name": "Jane", "last_name": "Smith", "date_of_birth": "1990-01-15", "gender": "F",
		"contact_info": "+1234567890", "address": "123 Main St", "known_allergies": "Penicillin",
	}
}
