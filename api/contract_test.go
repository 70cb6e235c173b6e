package contract_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	contract "chelal/api"
)

// TestContract holds what every operation must say.
func TestContract(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(contract.YAML)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(context.Background(), openapi3.EnableExamplesValidation()))
	ids := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		versions(t, path, item)
		for method, op := range item.Operations() {
			where := method + " " + path
			require.False(t, ids[op.OperationID], where)
			ids[op.OperationID] = true
			require.NotEmpty(t, op.Summary, where)
			require.NotEmpty(t, op.Description, where)
			require.NotEmpty(t, op.Tags, where)
			permission, ok := op.Extensions["x-permission"].(string)
			require.True(t, ok, where)
			require.Equal(t, permission == "public", op.Security != nil && len(*op.Security) == 0, "%s: security and x-permission disagree", where)
			problems(t, where, method, path, permission, op)
			if method == "POST" && !slices.Contains(answersSecrets, path) {
				require.NotNil(t, op.Parameters.GetByInAndName("header", "Idempotency-Key"), where)
			}
			bodies(t, where, op)
			answers(t, where, op)
		}
	}
	require.NotEmpty(t, ids)
}

// answersSecrets are the POSTs whose answers are not kept for a repetition.
var answersSecrets = []string{
	"/api/auth/", "/api/auth/refresh/", "/api/ws-ticket/", "/api/river-ticket/", "/api/profile/password/", "/api/profile/2fa/setup/",
	"/api/profile/2fa/enable/", "/api/profile/2fa/disable/",
}

// versions holds that a record which counts its versions answers them as ETags and is
// changed and deleted under If-Match, in whole or in part.
func versions(t *testing.T, path string, item *openapi3.PathItem) {
	t.Helper()
	if !slices.Contains(pathVariables(path), "id") || item.Get == nil {
		return
	}
	read := item.Get.Responses.Value("200").Value
	if body := read.Content.Get("application/json"); body == nil || body.Schema.Value.Properties["version"] == nil {
		return
	}
	require.NotNil(t, read.Headers["ETag"], path)
	require.Equal(t, item.Put == nil, item.Patch == nil, "%s: PUT and PATCH stand side by side", path)
	for _, op := range []*openapi3.Operation{item.Put, item.Patch, item.Delete} {
		if op == nil {
			continue
		}
		require.NotNil(t, op.Parameters.GetByInAndName("header", "If-Match"), op.OperationID)
		if changed := op.Responses.Value("200"); changed != nil {
			require.NotNil(t, changed.Value.Headers["ETag"], op.OperationID)
		}
	}
}

// problems holds that an operation documents the refusals that it can answer.
func problems(t *testing.T, where, method, path, permission string, op *openapi3.Operation) {
	t.Helper()
	wanted := []string{"400", "429", "503"}
	if permission != "public" {
		wanted = append(wanted, "401", "403")
	}
	if method != "GET" {
		wanted = append(wanted, "403") // a page of another site is refused
	}
	if slices.Contains(pathVariables(path), "id") {
		wanted = append(wanted, "404")
	}
	if op.RequestBody != nil {
		wanted = append(wanted, "413", "415")
	}
	if op.Parameters.GetByInAndName("header", "If-Match") != nil {
		wanted = append(wanted, "412")
	}
	if op.Parameters.GetByInAndName("header", "Idempotency-Key") != nil {
		require.Equal(t, "POST", method, where)
		wanted = append(wanted, "409", "422")
	}
	for _, status := range wanted {
		response := op.Responses.Value(status)
		require.NotNil(t, response, "%s does not document %s", where, status)
		require.NotNil(t, response.Value.Content.Get("application/problem+json").Example, where)
	}
}

func pathVariables(path string) []string {
	var names []string
	for start := 0; start < len(path); start++ {
		if path[start] == '{' {
			end := start + slices.Index([]byte(path[start:]), '}')
			names = append(names, path[start+1:end])
		}
	}
	return names
}

// bodies holds that a request body refuses unknown properties and comes with an example.
func bodies(t *testing.T, where string, op *openapi3.Operation) {
	t.Helper()
	if op.RequestBody == nil {
		return
	}
	schema := op.RequestBody.Value.Content.Get("application/json").Schema.Value
	require.NotNil(t, schema.AdditionalProperties.Has, "%s: additionalProperties", where)
	require.False(t, *schema.AdditionalProperties.Has, "%s: additionalProperties", where)
	require.NotNil(t, schema.Example, "%s: example", where)
}

// answers holds that a success in JSON comes with an example: its schema's own, or, of a
// list, that of its rows.
func answers(t *testing.T, where string, op *openapi3.Operation) {
	t.Helper()
	for status, response := range op.Responses.Map() {
		media := response.Value.Content.Get("application/json")
		if !strings.HasPrefix(status, "2") || media == nil {
			continue
		}
		schema := media.Schema.Value
		if rows := schema.Properties["results"]; rows != nil && schema.Example == nil {
			schema = rows.Value.Items.Value
		}
		require.True(t, media.Example != nil || schema.Example != nil, "%s: an example of its %s", where, status)
	}
}

// TestPatientsRecordsAreMarked holds that whatever an answer shows of a patient stands in
// a schema with x-audit, and that every document is an export: so that it is recorded.
func TestPatientsRecordsAreMarked(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(contract.YAML)
	require.NoError(t, err)
	for path, item := range doc.Paths.Map() {
		if item.Get == nil {
			continue
		}
		for status, response := range item.Get.Responses.Map() {
			for media, content := range response.Value.Content {
				where := path + " " + status
				switch media {
				case "application/json":
					unmarked(t, where, content.Schema)
				case "application/pdf", "text/csv":
					require.Equal(t, "export", item.Get.Extensions["x-audit"], "%s answers a document", where)
				}
			}
		}
	}
}

// tells are the properties that only a record of a patient has.
var tells = []string{"patient", "patient_name", "date_of_birth", "diagnosis", "known_allergies"}

func unmarked(t *testing.T, where string, ref *openapi3.SchemaRef) {
	t.Helper()
	if ref == nil || ref.Value.Extensions["x-audit"] != nil {
		return
	}
	unmarked(t, where+"[]", ref.Value.Items)
	for name, property := range ref.Value.Properties {
		require.NotContains(t, tells, name, "%s: a record of a patient without x-audit", where)
		unmarked(t, where+"."+name, property)
	}
	for _, part := range ref.Value.AllOf {
		unmarked(t, where, part)
	}
}
