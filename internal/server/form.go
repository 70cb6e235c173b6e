package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"chelal/internal/apperr"
	"chelal/internal/media"
)

var (
	malformedForm = apperr.New(apperr.Invalid, "malformed_form", "The body is not a form as multipart/form-data describes it.")
	imageTooLarge = apperr.New(apperr.TooLarge, "too_large", "The image is larger than 5 MiB.")
)

type uploadKey struct{}

// uploadFrom returns the file that came with a form, nil when none did.
func uploadFrom(ctx context.Context) []byte {
	upload, _ := ctx.Value(uploadKey{}).([]byte)
	return upload
}

// isForm reports whether the request brings a form to an operation that takes one.
func isForm(r *http.Request, op operation) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return op.form != nil && mediaType == "multipart/form-data" && r.Header.Get("Content-Encoding") == ""
}

// readForm reads a form as the JSON object that says the same. Its file goes into the
// context: it is read no further than the largest image, and never onto a disk.
func (h *handlers) readForm(c echo.Context, op operation) (map[string]any, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, media.MaxSize+h.MaxBody)
	form, err := r.MultipartReader()
	if err != nil {
		return nil, malformedForm.Because(err)
	}
	value := map[string]any{}
	for {
		part, err := form.NextPart()
		if err == io.EOF { // not errors.Is: of a form that breaks off the error wraps it
			return value, nil
		}
		if err != nil {
			return nil, formError(err)
		}
		if _, twice := value[part.FormName()]; twice {
			return nil, apperr.InvalidFields(apperr.Field{Name: part.FormName(), Code: "repeated", Message: "Give this property once."})
		}
		if err := h.readPart(c, op, part, value); err != nil {
			return nil, err
		}
	}
}

func (h *handlers) readPart(c echo.Context, op operation, part *multipart.Part, value map[string]any) error {
	name := part.FormName()
	if isFile(part) {
		data, err := io.ReadAll(io.LimitReader(part, media.MaxSize+1))
		if err != nil {
			return formError(err)
		}
		switch schema := propertySchema(op.form, name); {
		case len(data) > media.MaxSize:
			return imageTooLarge
		case schema == nil || schema.Format != "binary":
			value[name] = nil // there is no such property, or it is no file: the schema says so
		case len(data) > 0: // an empty file is what a browser sends where none was chosen
			if uploadFrom(c.Request().Context()) != nil {
				return apperr.InvalidFields(apperr.Field{Name: name, Code: "repeated", Message: "Give this property once."})
			}
			c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), uploadKey{}, data)))
		}
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(part, h.MaxBody+1))
	switch {
	case err != nil:
		return formError(err)
	case int64(len(text)) > h.MaxBody:
		return tooLarge(h.MaxBody)
	case !utf8.Valid(text):
		return malformedForm.Because(errors.New("not UTF-8"))
	}
	value[name] = formValue(string(text), propertySchema(op.body, name))
	return nil
}

// formValue is what the text of a part stands for: JSON where an object is asked for.
func formValue(text string, schema *openapi3.Schema) any {
	if schema != nil && schema.Type.Is("object") {
		if object, err := parseJSON([]byte(text)); err == nil {
			return object
		}
	}
	return text
}

// isFile reports whether a part came with a file's name, be it an empty one.
func isFile(part *multipart.Part) bool {
	_, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	_, named := parameters["filename"]
	return err == nil && named
}

func formError(err error) error {
	if limit, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit.Limit)
	}
	return malformedForm.Because(err)
}

func tooLarge(limit int64) error {
	return apperr.New(apperr.TooLarge, "too_large", fmt.Sprintf("The body is larger than %d bytes.", limit))
}
