package testkit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/require"

	contract "chelal/api"
)

// Doer sends requests to a handler in process and holds every answer against the
// contract: its status must be documented and its body and headers fit the schema. It
// serves the generated client as its HTTP client.
type Doer struct {
	T       testing.TB
	Handler http.Handler
	// Token is sent as the access token when the request has none.
	Token string
	// From is the client's address, 192.0.2.1 when empty.
	From string
	// After is told of every answer that the contract knows. It may be nil.
	After func(r *http.Request, op *openapi3.Operation, response *http.Response, body []byte)
}

// Do sends a request.
func (d Doer) Do(r *http.Request) (*http.Response, error) {
	if d.Token != "" && r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", "Bearer "+d.Token)
	}
	from := d.From
	if from == "" {
		from = "192.0.2.1"
	}
	r.RemoteAddr = from + ":4711"
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	w := httptest.NewRecorder()
	d.Handler.ServeHTTP(w, r)
	response := w.Result()
	body, err := io.ReadAll(response.Body)
	require.NoError(d.T, err)
	if op := check(d.T, r, response, body); op != nil && d.After != nil {
		d.After(r, op, response, body)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// check fails the test when an answer is not what the contract says. It returns the
// operation, nil when the contract has none.
func check(t testing.TB, r *http.Request, response *http.Response, body []byte) *openapi3.Operation {
	t.Helper()
	route := find(r)
	if route == nil {
		return nil
	}
	err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 response.StatusCode, Header: response.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
	require.NoError(t, err, "%s %s answered %d, which the contract does not allow: %s", r.Method, r.URL.Path, response.StatusCode, body)
	seen.record(route.Operation.OperationID, response.StatusCode)
	return route.Operation
}

// Contract returns the contract as it is written.
var Contract = sync.OnceValue(func() *openapi3.T {
	doc, err := openapi3.NewLoader().LoadFromData(contract.YAML)
	if err != nil {
		panic(err) // the lint test of package contract says it better
	}
	return doc
})

func find(r *http.Request) *routers.Route {
	var best *routers.Route
	for path, item := range Contract().Paths.Map() {
		if matches(path, r.URL.Path) && (best == nil || strings.Count(path, "{") < strings.Count(best.Path, "{")) {
			best = &routers.Route{Spec: Contract(), Path: path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)}
		}
	}
	if best == nil || best.Operation == nil {
		return nil
	}
	return best
}

func matches(template, path string) bool {
	a, b := strings.Split(strings.Trim(template, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !strings.HasPrefix(a[i], "{") {
			return false
		}
	}
	return true
}

// exercised is what the tests of a package have tried of each operation.
type exercised struct {
	sync.Mutex
	kinds map[string]map[string]bool
}

var seen = exercised{kinds: map[string]map[string]bool{}}

func (e *exercised) record(operation string, status int) {
	kind := "bad input"
	switch {
	case status < 300:
		kind = "success"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		kind = "refusal"
	}
	e.Lock()
	defer e.Unlock()
	if e.kinds[operation] == nil {
		e.kinds[operation] = map[string]bool{}
	}
	e.kinds[operation][kind] = true
}

// EveryOperation fails unless the tests have called every operation with success, with
// bad input and, where there can be one, with a refusal. What is missing is listed.
func EveryOperation() error {
	seen.Lock()
	defer seen.Unlock()
	var missing []string
	for _, item := range Contract().Paths.Map() {
		for _, op := range item.Operations() {
			for _, kind := range []string{"success", "refusal", "bad input"} {
				public := op.Responses.Value("401") == nil && op.Responses.Value("403") == nil
				if !seen.kinds[op.OperationID][kind] && (kind != "refusal" || !public) {
					missing = append(missing, fmt.Sprintf("%s: %s", op.OperationID, kind))
				}
			}
		}
	}
	sort.Strings(missing)
	if len(missing) > 0 {
		return errors.New("no test has tried:\n  " + strings.Join(missing, "\n  "))
	}
	return nil
}
