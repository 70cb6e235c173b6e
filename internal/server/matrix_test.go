package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/authz"
	"chelal/internal/testkit"
)

// passes is the specification's table of classes, written a second time and as plainly
// as can be: a mistake in package authz is not repeated here.
var passes = map[authz.Class][]string{
	authz.Public:     {"nobody", "none", "Admin", "Doctor", "Nurse", "Receptionist", "Pharmacist", "Patient"},
	authz.Self:       {"none", "Admin", "Doctor", "Nurse", "Receptionist", "Pharmacist", "Patient"},
	authz.Any:        {"none", "Admin", "Doctor", "Nurse", "Receptionist", "Pharmacist", "Patient"},
	authz.Owner:      {"none", "Admin", "Doctor", "Nurse", "Receptionist", "Pharmacist", "Patient"},
	authz.Staff:      {"Admin", "Doctor", "Nurse", "Receptionist", "Pharmacist"},
	authz.StaffOrOwn: {"Admin", "Doctor", "Nurse", "Receptionist", "Pharmacist", "Patient"},
	authz.Doctor:     {"Admin", "Doctor"},
	authz.Pharmacist: {"Admin", "Pharmacist"},
	authz.FrontDesk:  {"Admin", "Receptionist"},
	authz.Admin:      {"Admin"},
}

// TestPermissionMatrix calls every operation of the contract as every role, on an own, a
// foreign and an absent row, with a body that is not valid: whoever passes the class
// gets as far as the validation or the row, nobody else does.
func TestPermissionMatrix(t *testing.T) {
	t.Parallel()
	for path, item := range testkit.Contract().Paths.Map() {
		for method, op := range item.Operations() {
			t.Run(op.OperationID, func(t *testing.T) {
				t.Parallel()
				name, _ := op.Extensions["x-permission"].(string)
				class, err := authz.Parse(name)
				require.NoError(t, err)
				allowed := strings.Join(passes[class], " ")
				for _, role := range passes[authz.Public] {
					for _, row := range []string{"own", "foreign", "absent"} {
						t.Run(role+" on the "+row+" row", func(t *testing.T) {
							expect(t, method, path, op, class, role, row, strings.Contains(" "+allowed+" ", " "+role+" "))
						})
					}
				}
			})
		}
	}
}

func expect(t *testing.T, method, path string, op *openapi3.Operation, class authz.Class, role, row string, allowed bool) {
	t.Helper()
	b := setup(t)
	c, id := actor(b, role, row, path)
	filled := strings.NewReplacer("{id}", fmt.Sprint(id), "{batch}", syncBatchOf(b, c, row)).Replace(path)
	filled += required(b, op)
	answers := []answer{c.call(method, filled, probe(op))}
	if method == http.MethodGet { // from then on the server presumes who is calling
		answers = append(answers, c.call(method, filled, nil))
	}
	for _, answer := range answers {
		where := fmt.Sprintf("%s as %s on the %s row: %s", op.OperationID, role, row, answer.raw)
		switch {
		case role == "nobody" && !allowed:
			require.Equal(t, http.StatusUnauthorized, answer.status, where)
		case !allowed:
			require.Equal(t, http.StatusForbidden, answer.status, where)
		case op.RequestBody != nil:
			require.Contains(t, []int{400, 401}, answer.status, where) // an unknown refresh token is 401
		case !strings.Contains(path, "{"):
			require.Contains(t, []int{200, 204}, answer.status, where)
		case row == "absent", row == "foreign" && (role == "Patient" && class == authz.StaffOrOwn || confined(path, class, role)):
			require.Equal(t, http.StatusNotFound, answer.status, where)
		default:
			require.Contains(t, []int{200, 204, 409}, answer.status, where) // 409: a built-in role, the last Admin, records
		}
	}
}

// confined reports whether a role sees only the own ones of such rows.
func confined(path string, class authz.Class, role string) bool {
	return (class == authz.Self || strings.Contains(path, "{batch}") || strings.Contains(path, "report-files")) && role != "Admin" || strings.Contains(path, "notifications")
}

// actor makes the caller and the row that it is to try.
func actor(b *bundle, role, row, path string) (caller, int64) {
	c := b.nobody()
	if role == "none" {
		c = b.as("")
	} else if role != "nobody" {
		c = b.as(role)
	}
	const absent = 987654321
	var owner *int64
	if row == "own" && role != "nobody" {
		owner = &c.user.ID
	}
	if row == "absent" {
		return c, absent
	}
	doctor := func() int64 { return testkit.User(b.t, b.db, "Doctor").ID }
	patient := func() int64 { return testkit.Patient(b.t, b.db, owner).ID }
	switch {
	case strings.Contains(path, "audit-logs"):
		return c, auditRow(b, owner)
	case strings.Contains(path, "patients"):
		return c, patient()
	case strings.Contains(path, "appointments"):
		return c, testkit.Appointment(b.t, b.db, patient(), doctor(), time.Now().Truncate(time.Hour)).ID
	case strings.Contains(path, "encounters"):
		return c, testkit.Encounter(b.t, b.db, patient(), doctor()).ID
	case strings.Contains(path, "prescriptions"):
		return c, testkit.Prescription(b.t, b.db, testkit.Encounter(b.t, b.db, patient(), doctor()).ID).ID
	case strings.Contains(path, "service-catalog"):
		return c, testkit.ServiceItem(b.t, b.db, "10.00").ID
	case strings.Contains(path, "bill-items"):
		bill := testkit.Bill(b.t, b.db, patient(), "10.00")
		items, err := db.New().BillItemsOf(b.t.Context(), b.db, bill.ID)
		require.NoError(b.t, err)
		return c, items[0].ID
	case strings.Contains(path, "bills"):
		return c, testkit.Bill(b.t, b.db, patient(), "10.00").ID
	case strings.Contains(path, "payments"):
		return c, testkit.Payment(b.t, b.db, testkit.Bill(b.t, b.db, patient(), "10.00").ID, "5.00").ID
	case strings.Contains(path, "medications"):
		return c, testkit.Medication(b.t, b.db, 0).ID
	case strings.Contains(path, "role-change-requests"):
		return c, testkit.RoleChangeRequest(b.t, b.db, ownerOr(b, owner), "Nurse").ID
	case strings.Contains(path, "notifications"):
		return c, testkit.Notification(b.t, b.db, ownerOr(b, owner)).ID
	case strings.Contains(path, "report-files"):
		return c, reportFile(b, ownerOr(b, owner))
	case strings.Contains(path, "login-activity"):
		return c, testkit.LoginActivity(b.t, b.db, ownerOr(b, owner))
	case strings.Contains(path, "system-settings"):
		return c, testkit.SystemSetting(b.t, b.db).ID
	case strings.Contains(path, "users"):
		if owner != nil {
			return c, *owner
		}
		return c, testkit.User(b.t, b.db, "Nurse").ID
	}
	return c, roleID(b.t, b, "Nurse")
}

// auditRow makes a row of the audit log.
func auditRow(b *bundle, userID *int64) (id int64) {
	require.NoError(b.t, b.db.QueryRow(b.t.Context(), "INSERT INTO core_auditlog (user_id, action) VALUES ($1, 'login') RETURNING id",
		userID).Scan(&id))
	return id
}

// ownerOr returns the owner, or without one somebody else.
func ownerOr(b *bundle, owner *int64) int64 {
	if owner != nil {
		return *owner
	}
	return testkit.User(b.t, b.db, "").ID
}

// syncBatchOf makes a batch of offline operations, the caller's own or another's.
func syncBatchOf(b *bundle, c caller, row string) string {
	id, owner := uuid.New(), c.user.ID
	if row != "own" || owner == 0 {
		owner = testkit.User(b.t, b.db, "Nurse").ID
	}
	if row != "absent" {
		err := db.New().SyncBatchCreate(b.t.Context(), b.db, db.SyncBatchCreateParams{ID: id, UserID: owner, DeviceID: "tablet", Total: 1, Now: b.now})
		require.NoError(b.t, err)
	}
	return id.String()
}

// probe is a body that no operation accepts, or none where none is taken.
func probe(op *openapi3.Operation) any {
	if op.RequestBody == nil {
		return nil
	}
	return map[string]any{"no_such_property": 1}
}

// required are the query parameters without which an operation is not valid.
func required(b *bundle, op *openapi3.Operation) string {
	if op.OperationID == "getAvailability" {
		return fmt.Sprintf("?doctor=%d&date=2026-12-01", testkit.User(b.t, b.db, "Doctor").ID)
	}
	return ""
}
