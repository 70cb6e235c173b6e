package server

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"chelal/internal/apperr"
	"chelal/internal/text"
)

// checkParameters checks path, query and header against the contract. A path that
// names no possible record is NotFound; the rest is listed field by field.
func checkParameters(c echo.Context, op operation, route *routers.Route, options *openapi3filter.Options,
	strict bool) ([]apperr.Field, error) {
	r := c.Request()
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // or a filter that is typed wrongly would list everything
		return nil, malformedQuery.Because(err)
	}
	query, fields := cleanQuery(query, op, strict)
	r.URL.RawQuery = query.Encode()
	input := &openapi3filter.RequestValidationInput{
		Request: r, QueryParams: query, PathParams: pathParameters(c), Route: route, Options: options,
	}
	for _, parameter := range op.parameters {
		p := parameter.Value
		if p.In == openapi3.ParameterInHeader {
			fields = append(fields, checkHeader(r.Header.Values(p.Name), p)...)
			continue
		}
		err := openapi3filter.ValidateParameter(r.Context(), input, p)
		if err == nil {
			continue
		}
		if p.In == openapi3.ParameterInPath {
			return nil, apperr.Missing().Because(err)
		}
		fields = append(fields, parameterField(p, err))
	}
	return fields, nil
}

var malformedQuery = apperr.InvalidFields(apperr.Field{Code: "malformed_query",
	Message: "The query is not in the form name=value&name=value, with % before two hexadecimal digits."})

// cleanQuery drops parameters without a value and names those that the operation does
// not know.
func cleanQuery(query url.Values, op operation, strict bool) (url.Values, []apperr.Field) {
	var fields []apperr.Field
	for name, values := range query {
		parameter := op.parameters.GetByInAndName(openapi3.ParameterInQuery, name)
		switch {
		case parameter == nil && strict:
			fields = append(fields, apperr.Field{Name: name, Code: "unknown_parameter", Message: "There is no such query parameter."})
		case parameter == nil, values[0] == "" && !parameter.AllowEmptyValue:
			delete(query, name)
		case len(values) > 1:
			fields = append(fields, apperr.Field{Name: name, Code: "repeated", Message: "Give this parameter once."})
		default:
			value, ok := text.Clean(values[0])
			if !ok {
				fields = append(fields, unreadable(name))
			}
			query[name] = []string{value}
		}
	}
	slices.SortFunc(fields, func(a, b apperr.Field) int { return strings.Compare(a.Name, b.Name) })
	return query, fields
}

func unreadable(name string) apperr.Field {
	return apperr.Field{Name: name, Code: "invalid_characters",
		Message: "The text holds control characters or is not valid UTF-8."}
}

// checkHeader checks a header of the contract, all of which are short texts.
func checkHeader(values []string, p *openapi3.Parameter) []apperr.Field {
	if len(values) == 0 {
		return nil
	}
	if _, ok := text.Clean(values[0]); !ok || len(values) > 1 {
		return []apperr.Field{unreadable(p.Name)}
	}
	return schemaFields(p.Name, p.Schema.Value.VisitJSON(values[0], openapi3.MultiErrors()), nil)
}

// pathParameters are the path's variables. The generated routes end in a slash, which
// belongs to none of them.
func pathParameters(c echo.Context) map[string]string {
	values := map[string]string{}
	for i, name := range c.ParamNames() {
		values[name] = c.ParamValues()[i]
	}
	return values
}

func parameterField(p *openapi3.Parameter, err error) apperr.Field {
	if schemaErr, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		return schemaField(p.Name, schemaErr)
	}
	if errors.Is(err, openapi3filter.ErrInvalidRequired) {
		return apperr.Field{Name: p.Name, Code: "required", Message: "This parameter is required."}
	}
	return typeField(p.Name, p.Schema.Value)
}
