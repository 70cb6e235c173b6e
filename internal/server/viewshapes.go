package server

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"chelal/internal/audit"
	"chelal/internal/auditlog"
)

// showing is what an operation may show of patients.
type showing struct {
	method string
	// whole is the operation's own x-audit: patient for an answer that is about the patient
	// in the path, export for a document that the handler notes.
	whole           string
	answer, refusal *shape
}

// mayPresume reports whether the operation may begin for who is presumed to be calling: it changes
// nothing, and each of its answers is recorded, which confirms the caller.
func (s showing) mayPresume() bool {
	return s.method == http.MethodGet && (s.whole == "patient" || s.whole == "" && s.answer != nil)
}

// shape says where in an answer there are patients' records.
type shape struct {
	object string // the x-audit of the schema: what the records are
	only   string // the property without which one is none: x-audit-if
	inside map[string]*shape
	items  *shape
}

// readShowings reads the x-audit of every operation and of the schemas of its answers.
func readShowings(contract *openapi3.T) map[string]showing {
	showings := map[string]showing{}
	refusal := shapeOf(contract.Components.Schemas["Problem"], nil)
	for _, item := range contract.Paths.Map() {
		for method, op := range item.Operations() {
			s := showing{method: method, refusal: refusal}
			s.whole, _ = op.Extensions["x-audit"].(string)
			if response := op.Responses.Value("200"); response != nil {
				if media := response.Value.Content.Get("application/json"); media != nil {
					s.answer = shapeOf(media.Schema, nil)
				}
			}
			showings[op.OperationID] = s
		}
	}
	return showings
}

// shapeOf returns nil for a schema without patients' records. It does not look into a
// record: what is in it is the same patient's.
func shapeOf(ref *openapi3.SchemaRef, above []*openapi3.Schema) *shape {
	if ref == nil || ref.Value == nil {
		return nil
	}
	for _, s := range above {
		if s == ref.Value {
			return nil
		}
	}
	above = append(above, ref.Value)
	s := &shape{inside: map[string]*shape{}}
	object, marked := ref.Value.Extensions["x-audit"].(string)
	if only, ok := ref.Value.Extensions["x-audit-if"].(string); ok {
		s.only = only
	}
	switch {
	case marked && ref.Value.Items != nil:
		s.items = &shape{object: object}
		return s
	case marked:
		s.object = object
		return s
	}
	s.items = shapeOf(ref.Value.Items, above)
	for name, property := range ref.Value.Properties {
		if inner := shapeOf(property, above); inner != nil {
			s.inside[name] = inner
		}
	}
	for _, part := range ref.Value.AllOf {
		if inner := shapeOf(part, above); inner != nil {
			s.object, s.only = inner.object, inner.only
			for name, property := range inner.inside {
				s.inside[name] = property
			}
		}
	}
	if s.object == "" && s.items == nil && len(s.inside) == 0 {
		return nil
	}
	return s
}

// find appends to found the records in a value of the shape, which is one of the generated
// types or made of maps.
func (s *shape) find(found []auditlog.Viewed, v reflect.Value) []auditlog.Viewed {
	v = plain(v)
	if s == nil || !v.IsValid() {
		return found
	}
	if s.items != nil && v.Kind() == reflect.Slice {
		found = slices.Grow(found, v.Len())
		for i := range v.Len() {
			found = s.items.find(found, v.Index(i))
		}
		return found
	}
	if s.object != "" {
		return s.record(found, v)
	}
	for name, inner := range s.inside {
		found = inner.find(found, property(v, name))
	}
	return found
}

// record reads whose record it is: a patient is its own, and what names no patient but a
// bill is the bill's patient's.
func (s *shape) record(found []auditlog.Viewed, v reflect.Value) []auditlog.Viewed {
	r := auditlog.Viewed{Action: audit.View, Object: s.object, ID: number(property(v, "id"))}
	if s.object == "patient" {
		r.PatientID = r.ID
	} else if r.PatientID = number(property(v, "patient")); r.PatientID == 0 {
		r.BillID = number(property(v, "bill"))
	}
	if r.PatientID == 0 && r.BillID == 0 || s.only != "" && !plain(property(v, s.only)).IsValid() {
		return found
	}
	return append(found, r)
}

// property returns a property by its JSON name. The generated answers with headers have
// the rest in Body.
func property(v reflect.Value, name string) reflect.Value {
	v = plain(v)
	switch v.Kind() {
	case reflect.Map:
		return v.MapIndex(reflect.ValueOf(name))
	case reflect.Struct:
		fields := fieldsOf(v.Type())
		if i, ok := fields[""]; ok {
			return property(v.Field(i), name)
		}
		if i, ok := fields[name]; ok {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

// plain follows pointers, interfaces and nullable.Nullable; null is the zero Value.
func plain(v reflect.Value) reflect.Value {
	for v.IsValid() {
		switch {
		case (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && !v.IsNil():
			v = v.Elem()
		case v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface:
			return reflect.Value{}
		case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.Bool:
			v = v.MapIndex(reflect.ValueOf(true))
		default:
			return v
		}
	}
	return v
}

func number(v reflect.Value) int64 {
	if v = plain(v); v.IsValid() && v.CanInt() {
		return v.Int()
	}
	return 0
}

var fieldsByType sync.Map // of reflect.Type: the fields by their JSON names, Body without one

func fieldsOf(t reflect.Type) map[string]int {
	if known, ok := fieldsByType.Load(t); ok {
		return known.(map[string]int)
	}
	fields := map[string]int{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" || f.Name == "Body" {
			fields[name] = i
		}
	}
	fieldsByType.Store(t, fields)
	return fields
}
