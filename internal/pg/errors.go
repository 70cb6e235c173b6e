package pg

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"chelal/internal/apperr"
)

// Constraints says, for each constraint that a written row can break, what the caller
// is told. A constraint that is missing here is a fault of this program.
var Constraints = map[string]*apperr.Error{
	"core_role_name_key": apperr.New(apperr.Conflict, "role_name_taken",
		"A role with this name already exists.").OnField("name", "role_name_taken"),
	"core_user_username_key": apperr.New(apperr.Conflict, "username_taken",
		"A user with that username already exists.").OnField("username", "username_taken"),
	"core_user_email_key": apperr.New(apperr.Conflict, "email_taken",
		"A user with that e-mail address already exists.").OnField("email", "email_taken"),
	"core_user_username_email_check": apperr.InvalidFields(apperr.Field{Name: "username", Code: "username_is_other_email",
		Message: "A username with an @ must be the account's own e-mail address."}),
	"core_user_role_fkey":              apperr.InvalidFields(unknownRole),
	"core_rolechangerequest_role_fkey": unknown("requested_role"),
	"core_rolechangerequest_pending_key": apperr.New(apperr.Conflict, "request_pending",
		"A request for this role is pending already.").OnField("requested_role", "request_pending"),
	"core_rolechangerequest_reviewer_check": OwnRequest,
	"core_systemsetting_key_key": apperr.New(apperr.Conflict, "setting_key_taken",
		"A setting with this key already exists.").OnField("key", "setting_key_taken"),
	"core_patient_gender_check": apperr.InvalidFields(apperr.Field{Name: "gender", Code: "invalid_choice",
		Message: "Use one of M, F, O, U, male, female, other, unknown, prefer-not-to-say."}),
	"core_patient_user_fkey": apperr.InvalidFields(apperr.Field{Name: "user", Code: "does_not_exist",
		Message: "There is no user with this id."}),
	"core_patient_user_key": apperr.New(apperr.Conflict, "user_already_linked",
		"This account is linked to another patient.").OnField("user", "user_already_linked"),
	"core_appointment_patient_fkey":       unknown("patient"),
	"core_appointment_doctor_fkey":        unknown("doctor"),
	"core_appointment_doctor_excl":        SlotTaken,
	"core_appointment_patient_excl":       SlotTaken,
	"core_encounter_patient_fkey":         unknown("patient"),
	"core_encounter_appointment_fkey":     unknown("appointment"),
	"core_encounter_doctor_fkey":          unknown("doctor"),
	"core_medication_name_key":            medicationNameTaken,
	"core_medication_name_lower_key":      medicationNameTaken,
	"core_medication_stock_check":         InsufficientStock,
	"core_medication_stock_limit_check":   tooMuchStock,
	"core_stockmovement_medication_fkey":  unknown("medication"),
	"core_stockmovement_prescription_key": AlreadyDispensed,
	"core_serviceitem_code_key": apperr.New(apperr.Conflict, "service_code_taken",
		"A service with this code already exists.").OnField("code", "service_code_taken"),
	"core_bill_patient_fkey":          unknown("patient"),
	"core_bill_encounter_fkey":        unknown("encounter"),
	"core_bill_balance_check":         Overpayment,
	"core_billitem_bill_fkey":         unknown("bill"),
	"core_billitem_service_item_fkey": unknown("service_item"),
	"core_billitem_line_check": apperr.InvalidFields(apperr.Field{Name: "amount", Code: "too_large",
		Message: "Amount times quantity is at most 99999999.99."}),
	"core_payment_bill_fkey":            UnknownBill,
	"core_payment_amount_check":         AmountTooSmall,
	"core_payment_refunded_check":       OverRefund,
	"core_refund_payment_fkey":          unknown("payment"),
	"core_refund_amount_check":          AmountTooSmall,
	"core_prescription_encounter_fkey":  unknown("encounter"),
	"core_prescription_medication_fkey": unknown("medication"),
}

// InUse says, for each foreign key that keeps a row from being deleted, what the caller
// is told.
var InUse = map[string]*apperr.Error{
	"core_user_role_fkey": apperr.New(apperr.Conflict, "role_in_use",
		"Users hold this role. Give them another role first."),
	"core_appointment_patient_fkey":    patientHasRecords,
	"core_encounter_patient_fkey":      patientHasRecords,
	"core_bill_patient_fkey":           patientHasRecords,
	"core_patient_merged_into_fkey":    patientMergedInto,
	"core_patientmerge_survivor_fkey":  patientMergedInto,
	"core_patientmerge_duplicate_fkey": patientMergedInto,
	"core_appointment_doctor_fkey":     userHasRecords,
	"core_encounter_doctor_fkey":       userHasRecords,
	"core_prescription_dispenser_fkey": userHasRecords,
	"core_stockmovement_user_fkey":     userHasRecords,
	"core_payment_bill_fkey": apperr.New(apperr.Conflict, "bill_has_payments",
		"Something was paid on this bill. Its payments must be deleted or refunded, and then it stays for the record."),
	"core_refund_payment_fkey": apperr.New(apperr.Conflict, "payment_has_refunds",
		"Something of this payment was refunded, which must not vanish."),
	"core_billitem_service_item_fkey": apperr.New(apperr.Conflict, "service_in_use",
		"A bill names this service. Set is_active to false instead."),
	"core_prescription_medication_fkey":    medicationInUse,
	"core_stockmovement_medication_fkey":   medicationInUse,
	"core_stockmovement_prescription_fkey": AlreadyDispensed,
}

var (
	unknownRole = apperr.Field{Name: "role_id", Code: "does_not_exist", Message: "There is no role with this id."}

	patientHasRecords = apperr.New(apperr.Conflict, "has_records",
		"This patient has appointments, encounters or bills, which must not vanish. Merge a duplicate instead of deleting it.")
	userHasRecords = apperr.New(apperr.Conflict, "has_records",
		"This user has appointments, encounters or other records, which must not vanish. Deactivate the account instead.")
	patientMergedInto = apperr.New(apperr.Conflict, "has_records",
		"This record was part of a merge, which must not vanish.")
	medicationNameTaken = apperr.New(apperr.Conflict, "medication_name_taken",
		"A medication with this name already exists.").OnField("name", "medication_name_taken")
	medicationInUse = apperr.New(apperr.Conflict, "medication_in_use",
		"This medication has been in stock or was prescribed, which must not vanish.")
	tooMuchStock = apperr.InvalidFields(apperr.Field{Name: "quantity", Code: "too_large",
		Message: "The stock would exceed 1,000,000,000."})
)

// unknown says that a property names a record that does not exist.
func unknown(property string) *apperr.Error {
	return apperr.InvalidFields(apperr.Field{Name: property, Code: "does_not_exist",
		Message: "There is no " + property + " with this id."})
}

// What the handlers complete or answer by themselves, too.
var (
	OwnRequest = apperr.New(apperr.Forbidden, "own_request",
		"Nobody decides an own request. Ask another Admin.")
	UnknownBill    = unknown("bill")
	AmountTooSmall = apperr.InvalidFields(apperr.Field{Name: "amount", Code: "too_small",
		Message: "The amount must be above zero."})
	SlotTaken = apperr.New(apperr.Conflict, "slot_taken",
		"The doctor or the patient has another appointment at that time.")
	InsufficientStock = apperr.New(apperr.Conflict, "insufficient_stock", "There is not so much in stock.").
				OnField("quantity", "insufficient_stock")
	Overpayment = apperr.New(apperr.Conflict, "overpayment", "That is more than what is due on the bill.").
			OnField("amount", "overpayment")
	OverRefund = apperr.New(apperr.Conflict, "over_refund", "That is more than what is left of the payment.").
			OnField("amount", "over_refund")
	AlreadyDispensed = apperr.New(apperr.Conflict, "already_dispensed",
		"What has been dispensed does not change, nor is it dispensed again.")
)

// Unavailable is what callers are told while the database is away.
var Unavailable = apperr.New(apperr.Unavailable, "unavailable",
	"The database does not answer at the moment. Try again shortly.").After(5 * time.Second)

// Translate turns an error of PostgreSQL into what the caller is told. No rows become
// the NotFound error; what it does not know it returns as it is.
func Translate(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*apperr.Error](err); ok {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.Missing().Because(err)
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return translateServer(pgErr)
	}
	if isAway(err) {
		return Unavailable.Because(err)
	}
	return err
}

// translateServer reads what the server itself said.
func translateServer(err *pgconn.PgError) error {
	if known := broken(err); known != nil {
		return known.Because(err)
	}
	switch {
	case err.Code == "22003":
		return apperr.New(apperr.Invalid, "out_of_range", "A number, or a sum that would come of it, is too large.").Because(err)
	case strings.HasPrefix(err.Code, "57P"), strings.HasPrefix(err.Code, "08"), err.Code == "53300", err.Code == "57014",
		err.Code == "40001", err.Code == "40P01", err.Code == "53100", err.Code == "25006":
		return Unavailable.Because(err)
	}
	return err
}

// broken finds what the caller is told of a broken constraint. A foreign key has two
// sides, which only the message tells apart; where the server speaks another language,
// a key that stands in one table alone is still found.
func broken(err *pgconn.PgError) *apperr.Error {
	likely, other := Constraints, InUse
	if strings.HasPrefix(err.Message, "update or delete") {
		likely, other = InUse, Constraints
	}
	if known := likely[err.ConstraintName]; known != nil {
		return known
	}
	return other[err.ConstraintName]
}

// isAway reports whether the connection, not the statement, failed.
func isAway(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	for _, sign := range []string{"conn closed", "closed pool", "unexpected EOF"} {
		if strings.Contains(err.Error(), sign) { // pgx exports no values for these
			return true
		}
	}
	return errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err)
}
