package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"chelal/internal/apperr"
)

// schemaFields turns what the validator found into fields, each once. The texts are
// made here from the schema: the validator's own hold the submitted values, which may
// be a patient's. A property that the operation answers with is read-only.
func schemaFields(prefix string, err error, answered openapi3.Schemas) []apperr.Field {
	var fields []apperr.Field
	for _, e := range schemaErrors(err) {
		path := prefix
		for _, step := range e.JSONPointer() {
			path = join(path, step)
		}
		field := schemaField(path, e)
		if field.Code == "unknown_property" && answered[field.Name] != nil {
			field.Code, field.Message = "read_only", "The server sets this property; leave it out."
		}
		fields = append(fields, field)
	}
	slices.SortFunc(fields, func(a, b apperr.Field) int { return strings.Compare(a.Name+a.Code, b.Name+b.Code) })
	return slices.CompactFunc(fields, func(a, b apperr.Field) bool { return a.Name == b.Name })
}

func schemaErrors(err error) []*openapi3.SchemaError {
	if many, ok := errors.AsType[openapi3.MultiError](err); ok {
		var all []*openapi3.SchemaError
		for _, e := range many {
			all = append(all, schemaErrors(e)...)
		}
		return all
	}
	if e, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		return []*openapi3.SchemaError{e}
	}
	return nil
}

// schemaField words one violation.
func schemaField(path string, e *openapi3.SchemaError) apperr.Field {
	schema := e.Schema
	f := apperr.Field{Name: path, Code: "invalid", Message: "This value is not valid."}
	switch e.SchemaField {
	case "required":
		f.Code, f.Message = "required", "This field is required."
	case "nullable":
		f.Code, f.Message = "null", "This field may not be null."
	case "properties":
		var name string
		if _, err := fmt.Sscanf(e.Reason, "property %q is unsupported", &name); err == nil {
			f.Name = join(path, name)
		}
		f.Code, f.Message = "unknown_property", "There is no such property."
	case "type":
		return typeField(path, schema)
	case "enum":
		f.Code, f.Message = "invalid_choice", "Use one of "+choices(schema.Enum)+"."
	case "pattern", "anyOf":
		f.Code, f.Message = "invalid", patternMessage(schema)
	case "format":
		f.Code, f.Message = "invalid_"+schema.Format, formatMessage(schema.Format)
	case "minLength":
		f.Code, f.Message = "blank", "This field may not be blank."
	case "maxLength":
		f.Code, f.Message = "too_long", fmt.Sprintf("Use at most %d characters.", *schema.MaxLength)
	case "minimum":
		f.Code, f.Message = "too_small", fmt.Sprintf("The least value is %v.", *schema.Min)
	case "maximum":
		f.Code, f.Message = "too_large", fmt.Sprintf("The greatest value is %v.", *schema.Max)
	case "maxItems":
		f.Code, f.Message = "too_many", fmt.Sprintf("Send at most %d at once.", *schema.MaxItems)
	case "maxProperties":
		f.Code, f.Message = "too_many", fmt.Sprintf("Use at most %d properties.", *schema.MaxProps)
	}
	return f
}

func typeField(path string, schema *openapi3.Schema) apperr.Field {
	wanted := "a value of another type"
	switch {
	case schema.Type.Is("string"):
		wanted = "a text"
	case schema.Type.Is("integer"):
		wanted = "an integer"
	case schema.Type.Is("number"):
		wanted = "a number"
	case schema.Type.Is("boolean"):
		wanted = "true or false"
	case schema.Type.Is("array"):
		wanted = "a list"
	case schema.Type.Is("object"):
		wanted = "an object"
	}
	return apperr.Field{Name: path, Code: "wrong_type", Message: "Send " + wanted + "."}
}

func patternMessage(schema *openapi3.Schema) string {
	if message, ok := schema.Extensions["x-pattern-message"].(string); ok {
		return message
	}
	return "This value does not have the right form."
}

func formatMessage(format string) string {
	switch format {
	case "date":
		return "Use a date of the calendar in the form YYYY-MM-DD."
	case "date-time":
		return "Use a time with its offset, such as 2026-01-15T08:30:00Z."
	}
	return "This value does not have the right form."
}

func choices(enum []any) string {
	words := make([]string, len(enum))
	for i, v := range enum {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}
