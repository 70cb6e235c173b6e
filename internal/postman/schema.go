package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// formats are those that JSON schema validators know.
var formats = []string{"date", "date-time", "email", "uuid"}

// definitions are the contract's schemas as JSON schemas, and those of the answers that have
// no name, by the operation and "Answer".
func definitions(doc *openapi3.T, unnamed map[string]*openapi3.SchemaRef) (string, error) {
	all := map[string]any{}
	for _, of := range []map[string]*openapi3.SchemaRef{doc.Components.Schemas, unnamed} {
		for name, ref := range of {
			text, err := json.Marshal(ref.Value)
			if err != nil {
				return "", err
			}
			var schema any
			if err := json.Unmarshal(text, &schema); err != nil {
				return "", err
			}
			all[name] = asJSONSchema(schema)
		}
	}
	text, err := json.Marshal(map[string]any{"definitions": all})
	return string(text), err
}

// asJSONSchema rewrites what OpenAPI 3.0 says in words of its own, and leaves out what says
// nothing of the value.
func asJSONSchema(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = asJSONSchema(v[i])
		}
	case map[string]any:
		for _, name := range slices.Collect(maps.Keys(v)) {
			switch format, _ := v[name].(string); {
			case name == "$ref":
				v[name] = strings.Replace(format, "#/components/schemas/", "#/definitions/", 1)
			case name == "properties":
				for property, schema := range v[name].(map[string]any) {
					v[name].(map[string]any)[property] = asJSONSchema(schema)
				}
			case strings.HasPrefix(name, "x-"), slices.Contains([]string{"example", "description", "discriminator", "readOnly"}, name),
				name == "format" && !slices.Contains(formats, format):
				delete(v, name)
			case name != "enum" && name != "default":
				v[name] = asJSONSchema(v[name])
			}
		}
		if v["nullable"] == true {
			delete(v, "nullable")
			return map[string]any{"anyOf": []any{v, map[string]any{"type": "null"}}}
		}
	}
	return value
}
