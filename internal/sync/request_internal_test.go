package sync

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"chelal/internal/apperr"
)

// operation reads an operation as it is sent.
func operation(t *testing.T, text string) Operation {
	t.Helper()
	var op Operation
	require.NoError(t, json.Unmarshal([]byte(text), &op))
	return op
}

func row(entity string, id, version int64) origin {
	return origin{OpID: uuid.New(), Entity: entity, Applied: true, ID: &id, Version: &version}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	lost := origin{OpID: uuid.New(), Entity: "patients"}
	base := row("patients", 7, 3)
	p := past{names: map[string]origin{"p": row("patients", 7, 1), "e": row("encounters", 8, 1), "lost": lost}, base: &base}
	for text, want := range map[string]Request{
		`{"entity": "patients", "action": "create", "temp_id": "new", "data": {"first_name": "p"}}`: {
			Method: http.MethodPost, Path: "/api/patients/", Body: []byte(`{"first_name":"p"}`)},
		`{"entity": "bills", "action": "create", "data": {"patient": "p", "encounter": "e", "notes": "p"}}`: {
			Method: http.MethodPost, Path: "/api/bills/", Body: []byte(`{"encounter":8,"notes":"p","patient":7}`)},
		`{"entity": "bills", "action": "update", "id": 5, "base_version": 9, "data": {"encounter": null, "patient": 12}}`: {
			Method: http.MethodPatch, Path: "/api/bills/5/", Version: 9, Body: []byte(`{"encounter":null,"patient":12}`)},
		`{"entity": "patients", "action": "update", "temp_id": "p", "base_op": "` + uuid.NewString() + `", "data": {"address": "x"}}`: {
			Method: http.MethodPatch, Path: "/api/patients/7/", Version: 3, Body: []byte(`{"address":"x"}`)},
		`{"entity": "patients", "action": "delete", "temp_id": "p", "base_version": 1}`: {
			Method: http.MethodDelete, Path: "/api/patients/7/", Version: 1},
	} {
		got, err := operation(t, text).request(p)
		require.NoError(t, err, text)
		got.ID = nil
		require.Equal(t, want, got, text)
	}
	for text, code := range map[string]string{
		`{"entity": "bills", "action": "create", "data": {"patient": "lost"}}`:                                 "dependency_rejected",
		`{"entity": "patients", "action": "delete", "temp_id": "lost", "base_version": 1}`:                     "dependency_rejected",
		`{"entity": "patients", "action": "create", "temp_id": "p", "data": {}}`:                               "temp_id_taken",
		`{"entity": "bills", "action": "create", "data": {"patient": "e"}}`:                                    "invalid",
		`{"entity": "bills", "action": "delete", "id": 5}`:                                                     "invalid",
		`{"entity": "bills", "action": "delete", "id": 7, "base_op": "` + uuid.NewString() + `"}`:              "invalid",
		`{"entity": "patients", "action": "delete", "id": 8, "base_op": "` + uuid.NewString() + `"}`:           "invalid",
		`{"entity": "patients", "action": "delete", "id": 8, "base_version": 1, "data": {"address": "x"}}`:     "invalid",
		`{"entity": "patients", "action": "update", "id": 8, "base_version": 1, "data": {}}`:                   "invalid",
		`{"entity": "patients", "action": "create", "id": 8, "base_version": 1, "data": {"address": "x"}}`:     "invalid",
		`{"entity": "payments", "action": "update", "temp_id": "p", "base_version": 1, "data": {"amount": 1}}`: "invalid",
	} {
		_, err := operation(t, text).request(p)
		require.Equal(t, code, apperr.From(err).Code, text)
	}
}

func TestHashIsOfWhatIsAsked(t *testing.T) {
	t.Parallel()
	hash := func(text string) string {
		sum, err := operation(t, text).hash()
		require.NoError(t, err)
		return string(sum)
	}
	one := hash(`{"op_id": "0b5d2a3e-5c0f-4f7b-9a51-8d1f6f1f2a11", "entity": "bills", "data": {"notes": "a", "patient": 1}, "id": null}`)
	require.Equal(t, one, hash(`{"entity": "bills", "data": {"patient": 1, "notes": "a"}}`))
	for _, other := range []string{`{"entity": "bills", "data": {"patient": 2, "notes": "a"}}`, `{"entity": "payments", "data": {"patient": 1, "notes": "a"}}`,
		`{"entity": "bills", "data": {"patient": 1, "notes": "a"}, "base_version": 1}`, `{"entity": "bills", "id": 1, "data": {"patient": 1, "notes": "a"}}`} {
		require.NotEqual(t, one, hash(other), other)
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ yours, theirs, base, want string }{
		{`{"a": 1, "b": "x"}`, `{"a": 1, "b": "y", "c": 2}`, ``, `[{"field": "b", "yours": "x", "theirs": "y"}]`},
		{`{"a": " x "}`, `{"a": "x"}`, ``, `null`},
		{`{"amount": 5}`, `{"amount": "5.00"}`, ``, `null`},
		{`{"amount": "5"}`, `{"amount": "5.10"}`, ``, `[{"field": "amount", "yours": "5", "theirs": "5.10"}]`},
		{`{"notes": "5"}`, `{"notes": "5.00"}`, ``, `[{"field": "notes", "yours": "5", "theirs": "5.00"}]`},
		{`{"time": "09:30"}`, `{"time": "09:30:00"}`, ``, `null`},
		{`{"time": "09:30"}`, `{"time": "09:30:15"}`, ``, `[{"field": "time", "yours": "09:30", "theirs": "09:30:15"}]`},
		{`{"user": null}`, `{"user": 4}`, ``, `[{"field": "user", "yours": null, "theirs": 4}]`},
		{`{"a": 1}`, `{"a": 3, "b": 4, "c": 5, "version": 2, "updated_at": "z"}`, `{"a": 2, "b": 5, "c": 5, "version": 1, "updated_at": "y"}`,
			`[{"field": "a", "base": 2, "yours": 1, "theirs": 3}, {"field": "b", "base": 5, "theirs": 4}]`},
		{`{}`, `{"a": 3}`, `{"a": 2}`, `[{"field": "a", "base": 2, "theirs": 3}]`},
		{`{}`, `{"a": 3}`, `{"a": 3, "once": []}`, `null`},
		{`{"gone": 1}`, `{}`, ``, `[{"field": "gone", "yours": 1, "theirs": null}]`},
	} {
		var yours map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(test.yours), &yours))
		got, err := json.Marshal(differences(yours, json.RawMessage(test.theirs), json.RawMessage(test.base)))
		require.NoError(t, err)
		require.JSONEq(t, test.want, string(got))
	}
}
