package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/auditlog"
	"chelal/internal/authn"
	"chelal/internal/change"
)

// recordViews writes into the audit log which patients' records an answer shows, before
// it is sent: nobody sees a record without a trace. What is looked for stands in the
// contract, as x-audit; the answer itself says whose records they are. A change has its
// own row, so of other methods than GET only refusals are looked through.
func (h *handlers) recordViews(shown map[string]showing) func(strictHandler, string) strictHandler {
	return func(next strictHandler, operation string) strictHandler {
		operation = strings.ToLower(operation[:1]) + operation[1:] // as in the contract
		s := shown[operation]
		return func(c echo.Context, request any) (any, error) {
			var exports []auditlog.Viewed
			ctx := context.WithValue(c.Request().Context(), exportsKey{}, &exports)
			c.SetRequest(c.Request().WithContext(ctx))
			response, err := next(c, request)

			var found []auditlog.Viewed
			refusal, refused := errors.AsType[*apperr.Error](err)
			switch {
			case refused:
				found = s.refusal.find(reflect.ValueOf(refusal.Details))
			case err != nil || s.method != http.MethodGet:
			case s.whole == "export" && len(exports) == 0:
				return nil, fmt.Errorf("the handler of %s noted no export", operation)
			case s.whole == "patient":
				id, _ := strconv.ParseInt(c.Param("id"), 10, 64) // the row was found by it
				found = []auditlog.Viewed{{Object: "patient", ID: id, PatientID: id}}
			default:
				found = s.answer.find(reflect.ValueOf(response))
			}
			if writeErr := h.writeViews(ctx, operation, append(found, exports...)); writeErr != nil {
				return nil, writeErr
			}
			return response, err
		}
	}
}

func (h *handlers) writeViews(ctx context.Context, operation string, found []auditlog.Viewed) error {
	if len(found) == 0 {
		return nil
	}
	caller, origin := authn.PrincipalFrom(ctx), change.OriginFrom(ctx)
	now := h.Now().UTC().Truncate(time.Microsecond)
	for i := range found {
		v := &found[i]
		if v.Action == "" {
			v.Action = audit.View
		}
		v.UserID, v.Username, v.Operation = caller.UserID, caller.Username, operation
		v.RequestID, v.IP, v.At = origin.RequestID, origin.IP, now
	}
	err := h.views.Write(ctx, found)
	if err == nil {
		return nil
	}
	h.Log.Error("the audit log cannot be written", slog.String("request_id", origin.RequestID), slog.Any("error", err))
	return auditUnavailable.Because(err)
}

var auditUnavailable = apperr.New(apperr.Unavailable, "audit_unavailable",
	"What is read of patients is recorded, which is not possible at the moment. Try again shortly.").After(5 * time.Second)

type exportsKey struct{}

// noteExport has the audit log say that the caller got a patient's document.
func noteExport(ctx context.Context, object string, id, patientID int64) {
	if exports, ok := ctx.Value(exportsKey{}).(*[]auditlog.Viewed); ok {
		*exports = append(*exports, auditlog.Viewed{Action: audit.Export, Object: object, ID: id, PatientID: patientID})
	}
}

// showing is what an operation may show of patients.
type showing struct {
	method string
	// whole is the operation's own x-audit: patient for an answer that is about the patient
	// in the path, export for a document that the handler notes.
	whole           string
	answer, refusal *shape
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

// find returns the records in a value of the shape, which is one of the generated types
// or made of maps.
func (s *shape) find(v reflect.Value) []auditlog.Viewed {
	v = plain(v)
	if s == nil || !v.IsValid() {
		return nil
	}
	var found []auditlog.Viewed
	if s.items != nil && v.Kind() == reflect.Slice {
		for i := range v.Len() {
			found = append(found, s.items.find(v.Index(i))...)
		}
		return found
	}
	if s.object != "" {
		return s.record(v)
	}
	for name, inner := range s.inside {
		found = append(found, inner.find(property(v, name))...)
	}
	return found
}

// record reads whose record it is: a patient is its own, and what names no patient but a
// bill is the bill's patient's.
func (s *shape) record(v reflect.Value) []auditlog.Viewed {
	r := auditlog.Viewed{Object: s.object, ID: number(property(v, "id")), PatientID: number(property(v, "patient"))}
	if s.object == "patient" {
		r.PatientID = r.ID
	}
	if r.PatientID == 0 {
		r.BillID = number(property(v, "bill"))
	}
	if r.PatientID == 0 && r.BillID == 0 || s.only != "" && !plain(property(v, s.only)).IsValid() {
		return nil
	}
	return []auditlog.Viewed{r}
}

// property returns a property by its JSON name. The generated answers with headers have
// the rest in Body.
func property(v reflect.Value, name string) reflect.Value {
	v = plain(v)
	switch v.Kind() {
	case reflect.Map:
		return v.MapIndex(reflect.ValueOf(name))
	case reflect.Struct:
		if body := v.FieldByName("Body"); body.IsValid() {
			return property(body, name)
		}
		if i, ok := fieldsOf(v.Type())[name]; ok {
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

var fieldsByType sync.Map // of reflect.Type: the fields by their JSON names

func fieldsOf(t reflect.Type) map[string]int {
	if known, ok := fieldsByType.Load(t); ok {
		return known.(map[string]int)
	}
	fields := map[string]int{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		fields[name] = i
	}
	fieldsByType.Store(t, fields)
	return fields
}
