package server

import (
	"context"
	"sync/atomic"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"chelal/internal/fastjson"
	"chelal/internal/pg"
)

// asked is all that an answer depends on that is the same for everybody.
type asked struct{ path, query string }

// sharedAnswer is the answer to all who asked for it at the same time.
type sharedAnswer struct {
	response any
	callers  atomic.Int64
}

// shareAnswers has those who ask at the same time for what is the same for all of them share
// the answer, as who asks a list does. It may not be changed after that.
func (h *handlers) shareAnswers(contract *openapi3.T) func(strictHandler, string) strictHandler {
	same := map[string]bool{}
	for _, item := range contract.Paths.Map() {
		for _, op := range item.Operations() {
			same[op.OperationID], _ = op.Extensions["x-same-for-all"].(bool)
		}
	}
	return func(next strictHandler, operation string) strictHandler {
		if !same[inContract(operation)] {
			return next
		}
		return func(c echo.Context, request any) (any, error) {
			u := c.Request().URL
			a, err := pg.Alike(c.Request().Context(), h.DB, asked{u.Path, u.Query().Encode()}, func(ctx context.Context) (*sharedAnswer, error) {
				response, err := next(c.Echo().NewContext(c.Request().WithContext(ctx), nil), request)
				return &sharedAnswer{response: response}, err
			})
			if err != nil {
				return nil, err
			}
			if a.callers.Add(1) == 2 {
				fastjson.Share(a.response)
			}
			return a.response, nil
		}
	}
}
