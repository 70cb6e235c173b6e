package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"chelal/gen/api"
	"chelal/internal/apperr"
	"chelal/internal/pg"
)

// operations makes the middleware of each operation from the contract: who may call it
// is decided before what was sent is looked at.
func (h *handlers) operations(contract *openapi3.T, shown map[string]showing) (map[string][]echo.MiddlewareFunc, error) {
	all, err := readOperations(contract)
	if err != nil {
		return nil, err
	}
	byID := map[string][]echo.MiddlewareFunc{}
	for _, op := range all {
		op.mayPresume = shown[op.id].mayPresume()
		route := &routers.Route{Spec: contract, Path: op.path, Method: op.method}
		byID[op.id] = []echo.MiddlewareFunc{refuseOthersPaths(op, all), h.admit(op), h.validate(op, route), h.mayLag(op), answerOnce}
	}
	return byID, nil
}

// refuseOthersPaths answers 405 to what the router takes for a request of this path: a PUT to
// /api/users/me/ is not of the user with the id me, to whom alone it could be sent.
func refuseOthersPaths(op operation, all []operation) echo.MiddlewareFunc {
	allowed := map[string][]string{}
	for _, other := range all {
		if isOf(other.path, op.path) {
			allowed[other.path] = append(allowed[other.path], other.method)
		}
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			methods, fixed := allowed[c.Request().URL.Path]
			if !fixed {
				return next(c)
			}
			c.Response().Header().Set(echo.HeaderAllow, strings.Join(append([]string{http.MethodOptions}, slices.Sorted(slices.Values(methods))...), ", "))
			return echo.ErrMethodNotAllowed
		}
	}
}

// isOf reports whether a path without variables is one of those that a path with some stands for.
func isOf(fixed, path string) bool {
	parts, wanted := strings.Split(fixed, "/"), strings.Split(path, "/")
	return strings.Contains(path, "{") && !strings.Contains(fixed, "{") && len(parts) == len(wanted) && !slices.ContainsFunc(wanted, func(part string) bool {
		there := parts[0]
		parts = parts[1:]
		return part != there && !strings.HasPrefix(part, "{")
	})
}

// validate checks what was sent against the contract and brings texts into the form in
// which they are stored.
func (h *handlers) validate(op operation, route *routers.Route) echo.MiddlewareFunc {
	options := &openapi3filter.Options{SkipSettingDefaults: true}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			c.SetRequest(r.WithContext(withAddress(r.Context(), h.baseURL(c), r.URL)))
			fields, err := checkParameters(c, op, route, options, h.StrictBodies)
			if err != nil {
				return err
			}
			if op.body != nil {
				more, err := h.checkBody(c, op)
				if err != nil {
					return err
				}
				fields = append(fields, more...)
			}
			if len(fields) > 0 {
				return apperr.InvalidFields(fields...)
			}
			return next(c)
		}
	}
}

// mayLag has an operation that the contract allows to lag read from the replica, where there is
// one that follows. Who calls and what was viewed are the primary's in any case.
func (h *handlers) mayLag(op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if !op.mayLag || h.Replica == nil {
			return next
		}
		return func(c echo.Context) error {
			if replica := h.Replica.DB(); replica != nil {
				c.SetRequest(c.Request().WithContext(pg.OnReplica(c.Request().Context(), replica)))
			}
			return next(c)
		}
	}
}

// inContract is the contract's name of what the generated code calls an operation.
func inContract(operation string) string { return strings.ToLower(operation[:1]) + operation[1:] }

// refuseNothing turns a handler's missing answer into an error; the generated code
// would send an empty 200.
func refuseNothing(next strictHandler, operation string) strictHandler {
	return func(c echo.Context, request any) (any, error) {
		response, err := next(c, request)
		if err == nil && response == nil && !c.Response().Committed {
			return nil, fmt.Errorf("the handler of %s gave no answer", operation)
		}
		return response, err
	}
}

// strictHandler is the generated code's handler of one operation.
type strictHandler = api.StrictHandlerFunc

// mountProbes serves what an orchestrator asks: is the process alive, is it of use.
func (h *handlers) mountProbes(e *echo.Echo) {
	e.GET("/livez", func(c echo.Context) error { return c.String(http.StatusOK, "alive\n") })
	e.GET("/readyz", func(c echo.Context) error {
		if err := h.ping(c.Request().Context()); err != nil {
			return err
		}
		return c.String(http.StatusOK, "ready\n")
	})
}
