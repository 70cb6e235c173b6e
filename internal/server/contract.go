package server

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"chelal/gen/api"
	"chelal/internal/authz"
)

func init() {
	// The format as such is a pattern, which the 31st of February would pass.
	openapi3.DefineStringFormatValidator("date", openapi3.NewCallbackValidator(func(s string) error {
		_, err := time.Parse(time.DateOnly, s)
		return err
	}))
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewCallbackValidator(func(s string) error {
		_, err := time.Parse(time.RFC3339, s)
		return err
	}))
}

// strictContract is the embedded contract as it is written, read once: it takes a
// hundred times longer than to make a server of it.
var strictContract = sync.OnceValues(api.GetSpec)

// loadContract returns the embedded contract, not to be changed. Without strict bodies an
// unknown property is not refused but ignored.
func loadContract(strictBodies bool) (*openapi3.T, error) {
	if strictBodies {
		return strictContract()
	}
	doc, err := api.GetSpec()
	if err != nil {
		return nil, err
	}
	yes := true
	for _, schema := range doc.Components.Schemas {
		if schema.Value.AdditionalProperties.Has != nil {
			schema.Value.AdditionalProperties.Has = &yes
		}
	}
	return doc, nil
}

// operation is what the server needs to know of one operation of the contract.
type operation struct {
	id         string
	method     string
	path       string
	permission authz.Class
	// evenIfPasswordExpired admits an account that must choose a new password first.
	evenIfPasswordExpired bool
	// mayLag lets a replica answer.
	mayLag bool
	// mayPresume lets it begin before it is sure who calls.
	mayPresume bool
	body       *openapi3.Schema
	form       *openapi3.Schema // of multipart/form-data, where it is taken too
	// maxBody is how many bytes the body may have, where any may have less.
	maxBody    int64
	parameters openapi3.Parameters
	// answered are the properties of the answer; sent in a body they are read-only.
	answered openapi3.Schemas
}

// readOperations reads every operation; one without a permission class is an error.
func readOperations(doc *openapi3.T) ([]operation, error) {
	var operations []operation
	var problems []error
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			name, _ := op.Extensions["x-permission"].(string)
			class, err := authz.Parse(name)
			if err != nil {
				problems = append(problems, fmt.Errorf("%s %s: x-permission: %w", method, path, err))
				continue
			}
			even, _ := op.Extensions["x-while-password-change-required"].(bool)
			maxBody, _ := op.Extensions["x-max-body-bytes"].(float64)
			mayLag, _ := op.Extensions["x-may-lag"].(bool)
			operations = append(operations, operation{
				id: op.OperationID, method: method, path: path, permission: class, evenIfPasswordExpired: even, mayLag: mayLag,
				body: bodySchema(op, "application/json"), form: bodySchema(op, "multipart/form-data"), maxBody: int64(maxBody),
				answered:   answeredProperties(op),
				parameters: append(append(openapi3.Parameters{}, item.Parameters...), op.Parameters...),
			})
		}
	}
	return operations, errors.Join(problems...)
}

func bodySchema(op *openapi3.Operation, mediaType string) *openapi3.Schema {
	if op.RequestBody == nil {
		return nil
	}
	media := op.RequestBody.Value.Content[mediaType]
	if media == nil {
		return nil
	}
	return media.Schema.Value
}

func answeredProperties(op *openapi3.Operation) openapi3.Schemas {
	for _, status := range []string{"200", "201"} {
		response := op.Responses.Value(status)
		if response == nil {
			continue
		}
		media := response.Value.Content.Get("application/json")
		if media == nil {
			continue
		}
		properties := openapi3.Schemas{}
		for name, schema := range media.Schema.Value.Properties {
			properties[name] = schema
		}
		for _, part := range media.Schema.Value.AllOf {
			for name, schema := range part.Value.Properties {
				properties[name] = schema
			}
		}
		return properties
	}
	return nil
}
