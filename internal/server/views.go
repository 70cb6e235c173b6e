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

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/auditlog"
	"chelal/internal/authn"
	"chelal/internal/authz"
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
			v := &viewing{operation: operation}
			ctx := context.WithValue(c.Request().Context(), viewingKey{}, v)
			c.SetRequest(c.Request().WithContext(ctx))
			response, err := next(c, request)

			var found []auditlog.Viewed
			refusal, refused := errors.AsType[*apperr.Error](err)
			switch {
			case v.recorded:
				return response, err
			case err != nil && isPresumed(ctx): // it is asked anew who is calling
				return nil, err
			case refused:
				found = s.refusal.find(nil, reflect.ValueOf(refusal.Details))
			case err != nil || s.method != http.MethodGet:
			case s.whole == "export" && len(v.exports) == 0:
				return nil, fmt.Errorf("the handler of %s noted no export", operation)
			case s.whole == "patient":
				id, _ := strconv.ParseInt(c.Param("id"), 10, 64) // the row was found by it
				found = []auditlog.Viewed{{Action: audit.View, Object: "patient", ID: id, PatientID: id}}
			default:
				found = s.answer.find(nil, reflect.ValueOf(response))
			}
			if writeErr := h.writeViews(ctx, operation, append(found, v.exports...)); writeErr != nil {
				return nil, writeErr
			}
			return response, err
		}
	}
}

func (h *handlers) writeViews(ctx context.Context, operation string, found []auditlog.Viewed) error {
	err := h.views.Write(ctx, h.shownTo(ctx, operation, found))
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, auditlog.ErrNotAsPresumed) { // Canceled: the caller left
		return err
	}
	h.Log.Error("the audit log cannot be written", slog.String("request_id", change.OriginFrom(ctx).RequestID), slog.Any("error", err))
	return auditUnavailable.Because(err)
}

// shownTo is an answer to the caller, as the log has it.
func (h *handlers) shownTo(ctx context.Context, operation string, shown []auditlog.Viewed) auditlog.Answer {
	origin := change.OriginFrom(ctx)
	return auditlog.Answer{
		Shown: shown, Caller: authn.PrincipalFrom(ctx), Presumed: isPresumed(ctx), Operation: operation,
		RequestID: origin.RequestID, IP: origin.IP, At: h.Now().UTC().Truncate(time.Microsecond),
	}
}

var auditUnavailable = apperr.New(apperr.Unavailable, "audit_unavailable",
	"What is read of patients is recorded, which is not possible at the moment. Try again shortly.").After(5 * time.Second)

type viewingKey struct{}

// viewing is what an operation notes itself of what it shows.
type viewing struct {
	operation string
	exports   []auditlog.Viewed
	recorded  bool // all of it
}

// noteExport has the audit log say that the caller got a patient's document.
func noteExport(ctx context.Context, object string, id, patientID int64) {
	if v, ok := ctx.Value(viewingKey{}).(*viewing); ok {
		v.exports = append(v.exports, auditlog.Viewed{Action: audit.Export, Object: object, ID: id, PatientID: patientID})
	}
}

// viewPatient reads the patient that is all of an answer, to a Patient the own record only. Where the
// caller is presumed, it is read, recorded and confirmed in one statement: nothing may be refused
// after it.
func (h *handlers) viewPatient(ctx context.Context, id int64) (db.CorePatient, error) {
	own := authz.OwnRows(authn.PrincipalFrom(ctx))
	v, ok := ctx.Value(viewingKey{}).(*viewing)
	if !ok || own != nil || !isPresumed(ctx) {
		return db.New().PatientGet(ctx, h.DB, id, own)
	}
	row, found, err := h.views.Patient(ctx, h.shownTo(ctx, v.operation, nil), id)
	if err == nil && !found {
		err = apperr.Missing()
	}
	v.recorded = err == nil
	return row, err
}
