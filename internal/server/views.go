package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"time"

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
		operation = inContract(operation)
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
				found = s.refusal.find(nil, reflect.ValueOf(refusal.Details))
			case err != nil || s.method != http.MethodGet:
			case s.whole == "export" && len(exports) == 0:
				return nil, fmt.Errorf("the handler of %s noted no export", operation)
			case s.whole == "patient":
				id, _ := strconv.ParseInt(c.Param("id"), 10, 64) // the row was found by it
				found = []auditlog.Viewed{{Action: audit.View, Object: "patient", ID: id, PatientID: id}}
			default:
				found = s.answer.find(nil, reflect.ValueOf(response))
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
	err := h.views.Write(ctx, auditlog.Answer{
		Shown: found, UserID: caller.UserID, Username: caller.Username, Operation: operation,
		RequestID: origin.RequestID, IP: origin.IP, At: h.Now().UTC().Truncate(time.Microsecond),
	})
	if err == nil || errors.Is(err, context.Canceled) { // the caller left
		return err
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
