package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"chelal/internal/apperr"
	"chelal/internal/text"
)

// maxDepth is how deep arrays and objects may nest; records are flat.
const maxDepth = 32

var (
	unsupportedMediaType = apperr.New(apperr.Unsupported, "unsupported_media_type",
		"Send the body as JSON, with Content-Type: application/json.")
	malformed = apperr.New(apperr.Invalid, "malformed_json", "The body is not one JSON value.")
)

// checkedBody carries the checked value to the generated binding, which takes it as it
// is instead of reading the text a second time.
type checkedBody struct {
	io.Reader
	value any
}

func (checkedBody) Close() error          { return nil }
func (b checkedBody) ValidatedValue() any { return b.value }

// checkBody reads the body, JSON or a form that says the same, brings its texts into their
// stored form and checks it against the operation's schema. What it returns names every
// wrong field.
func (h *handlers) checkBody(c echo.Context, op operation) ([]apperr.Field, error) {
	value, err := h.readValue(c, op)
	if err != nil {
		return nil, err
	}
	r := c.Request()
	fields := cleanTexts("", value, op.body)
	if len(fields) == 0 {
		err = op.body.VisitJSON(value, openapi3.MultiErrors(), openapi3.VisitAsRequest())
		fields = schemaFields("", err, op.answered)
	}
	checked, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	r.Body = checkedBody{bytes.NewReader(checked), value}
	r.ContentLength = int64(len(checked))
	r.Header.Set("Content-Type", "application/json")
	c.SetRequest(r.WithContext(withBody(r.Context(), checked)))
	return fields, nil
}

// readValue reads the body; an empty one counts as an object without properties.
func (h *handlers) readValue(c echo.Context, op operation) (any, error) {
	if isForm(c.Request(), op) {
		return h.readForm(c, op)
	}
	data, err := readBody(c.Response(), c.Request(), max(h.MaxBody, op.maxBody))
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return map[string]any{}, nil
	}
	return parseJSON(data)
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if exceeded, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge(exceeded.Limit)
	}
	if err != nil {
		return nil, apperr.New(apperr.Invalid, "body_broken_off", "The body ended before it was complete.").Because(err)
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if len(data) > 0 && mediaType != "application/json" || r.Header.Get("Content-Encoding") != "" {
		return nil, unsupportedMediaType
	}
	if !utf8.Valid(data) {
		return nil, malformed.Because(errors.New("not UTF-8"))
	}
	return data, nil
}

// parseJSON reads exactly one value. encoding/json alone would take the last of two
// properties of one name, and ignore what follows the value.
func parseJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	value, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed.Because(err)
	}
	return value, nil
}

func parseValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, malformed.Because(err)
	}
	if depth > maxDepth {
		return nil, apperr.New(apperr.Invalid, "too_deep", fmt.Sprintf("The body nests deeper than %d levels.", maxDepth))
	}
	switch token {
	case json.Delim('{'):
		return parseObject(d, depth)
	case json.Delim('['):
		list := []any{}
		for d.More() {
			value, err := parseValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := d.Token()
		return list, wrapMalformed(err)
	}
	return token, nil
}

func parseObject(d *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, malformed.Because(err)
		}
		name, _ := token.(string)
		if _, twice := object[name]; twice {
			return nil, apperr.InvalidFields(apperr.Field{Name: name, Code: "repeated", Message: "Give this property once."})
		}
		if object[name], err = parseValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return object, wrapMalformed(err)
}

func wrapMalformed(err error) error {
	if err != nil {
		return malformed.Because(err)
	}
	return nil
}

// cleanTexts brings every text of value into its stored form, in place, and names those
// that cannot be stored. Passwords stay as they were typed.
func cleanTexts(path string, value any, schema *openapi3.Schema) []apperr.Field {
	var fields []apperr.Field
	switch v := value.(type) {
	case map[string]any:
		for name, item := range v {
			property := propertySchema(schema, name)
			if _, ok := text.Clean(name); !ok {
				fields = append(fields, unreadable(path))
				continue
			}
			if s, ok := item.(string); ok {
				v[name], fields = cleanText(fields, join(path, name), s, property)
				continue
			}
			if n, ok := item.(json.Number); ok && isDecimal(property) {
				v[name] = decimalText(n)
				continue
			}
			fields = append(fields, cleanTexts(join(path, name), item, property)...)
		}
	case []any:
		for i, item := range v {
			if s, ok := item.(string); ok {
				v[i], fields = cleanText(fields, join(path, strconv.Itoa(i)), s, nil)
				continue
			}
			fields = append(fields, cleanTexts(join(path, strconv.Itoa(i)), item, itemSchema(schema))...)
		}
	}
	return fields
}

func cleanText(fields []apperr.Field, path, s string, schema *openapi3.Schema) (string, []apperr.Field) {
	cleaned, ok := text.Clean(s)
	if !ok {
		return s, append(fields, unreadable(path))
	}
	if schema != nil && schema.Format == "password" {
		return s, fields
	}
	return cleaned, fields
}

// isDecimal reports whether a property is exact decimals, which a caller may also send as
// a number. From here on it is a string, so that no float ever comes between.
func isDecimal(schema *openapi3.Schema) bool {
	return schema != nil && schema.Extensions["x-decimal"] == true
}

// decimalText writes a number such as 150, 12.5 or 1.5e2 as a decimal. What has more than
// two decimals, or an exponent that no amount needs, stays as it was sent, for the schema
// to refuse.
func decimalText(n json.Number) string {
	const longest, furthest = 24, 12
	digits, exponent, _ := strings.Cut(strings.ToLower(n.String()), "e")
	if shift, err := strconv.Atoi(exponent); exponent != "" && (err != nil || max(shift, -shift) > furthest) || len(digits) > longest {
		return n.String()
	}
	exact, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return n.String()
	}
	text := exact.FloatString(2)
	if rounded, _ := new(big.Rat).SetString(text); rounded.Cmp(exact) != 0 {
		return n.String()
	}
	return text
}

func propertySchema(schema *openapi3.Schema, name string) *openapi3.Schema {
	if schema == nil || schema.Properties[name] == nil {
		return nil
	}
	return schema.Properties[name].Value
}

func itemSchema(schema *openapi3.Schema) *openapi3.Schema {
	if schema == nil || schema.Items == nil {
		return nil
	}
	return schema.Items.Value
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
