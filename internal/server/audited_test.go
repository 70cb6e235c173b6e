package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// leavesNoRow are the writes that change nothing but the session's own tokens and tickets or whether
// somebody has seen an own notification, and those that other operations carry out, each
// with its own row.
var leavesNoRow = []string{"refreshTokens", "createSocketTicket", "createJobsTicket", "syncOfflineData", "markNotificationRead", "markAllNotificationsRead"}

// showsAgain are the operations that may show what the caller was shown before, and is in
// the log since.
var showsAgain = []string{"syncOfflineData", "getSyncBatch"}

// recordedWrites are the operations of which the tests have seen a row in the audit log.
var recordedWrites sync.Map

// everyWriteRecorded fails unless each operation that writes has left a row.
func everyWriteRecorded() error {
	var missing []string
	for _, item := range testkit.Contract().Paths.Map() {
		for method, op := range item.Operations() {
			_, recorded := recordedWrites.Load(op.OperationID)
			if method != http.MethodGet && !recorded && !slices.Contains(leavesNoRow, op.OperationID) {
				missing = append(missing, op.OperationID)
			}
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("no test has seen a row in the audit log of %v", missing)
	}
	return nil
}

// holdAudited holds every answer of every test against the audit log: a write that
// succeeded has a row with the request's id, and so has every patient whose record was
// shown. It looks for patients in the JSON itself, not by the contract's x-audit.
func (b *bundle) holdAudited(r *http.Request, op *openapi3.Operation, response *http.Response, body []byte) {
	if b.counted || slices.Contains(showsAgain, op.OperationID) {
		return
	}
	if response.StatusCode >= 300 && response.StatusCode != http.StatusConflict || r.Header.Get("Idempotency-Key") != "" {
		return // a repeated write shows its first answer again and has the row of that
	}
	patients := patientsIn(body)
	writes := response.StatusCode < 300 && !slices.Contains([]string{"GET", "HEAD"}, r.Method) && !slices.Contains(leavesNoRow, op.OperationID)
	document := response.Header.Get("Content-Type") == "application/pdf"
	if len(patients) == 0 && !writes && !document {
		return
	}
	where := r.Method + " " + r.URL.String() + ": " + string(body)
	rows, err := b.db.Query(context.Background(), `SELECT action, array_append(patient_ids, patient_id) FROM core_auditlog
		WHERE request_id = $1`, response.Header.Get("X-Request-Id"))
	require.NoError(b.t, err)
	recorded := map[int64]bool{}
	actions := map[string]bool{}
	for rows.Next() {
		var action string
		var patients []*int64
		require.NoError(b.t, rows.Scan(&action, &patients))
		actions[action] = true
		for _, patient := range patients {
			if patient != nil {
				recorded[*patient] = true
			}
		}
	}
	require.NoError(b.t, rows.Err())
	if writes && len(actions) > 0 {
		recordedWrites.Store(op.OperationID, true)
	}
	edits := r.Method == http.MethodPut || r.Method == http.MethodPatch || op.OperationID == "assignRole" // which may change nothing
	require.False(b.t, writes && !edits && len(actions) == 0, "%s left no row in the audit log", where)
	require.False(b.t, document && !actions["export"], "%s was not recorded", where)
	for _, id := range patients {
		require.True(b.t, recorded[id], "patient %d was shown without a row in the audit log by %s", id, where)
	}
}

// patientsIn finds the patients whose records stand in an answer: by patient, wherever
// it is, and by what only a patient's own record has.
func patientsIn(body []byte) []int64 {
	var answer any
	decoder := json.NewDecoder(bytes.NewReader(body))
	if decoder.Decode(&answer) != nil {
		return nil
	}
	var found []int64
	var look func(any)
	look = func(value any) {
		switch v := value.(type) {
		case []any:
			for _, item := range v {
				look(item)
			}
		case map[string]any:
			if id, ok := v["patient"].(float64); ok && v["action"] == nil {
				found = append(found, int64(id))
			}
			if id, ok := v["id"].(float64); ok && v["date_of_birth"] != nil && v["unique_id"] != nil {
				found = append(found, int64(id))
			}
			if v["action"] != nil {
				return // a row of the log is judged by its own test
			}
			for _, item := range v {
				look(item)
			}
		}
	}
	look(answer)
	return found
}

// showsPatients reports whether the contract marks something in the answer of an
// operation as a patient's.
func showsPatients(op *openapi3.Operation) bool {
	if op.Extensions["x-audit"] != nil {
		return true
	}
	response := op.Responses.Value("200")
	if response == nil || response.Value.Content.Get("application/json") == nil {
		return false
	}
	var marked func(ref *openapi3.SchemaRef) bool
	marked = func(ref *openapi3.SchemaRef) bool {
		if ref == nil {
			return false
		}
		found := ref.Value.Extensions["x-audit"] != nil || marked(ref.Value.Items)
		for _, property := range ref.Value.Properties {
			found = found || marked(property)
		}
		for _, part := range ref.Value.AllOf {
			found = found || marked(part)
		}
		return found
	}
	return marked(response.Value.Content.Get("application/json").Schema)
}

// auditActions answers what the log says of a patient, as action, object and operation.
func auditActions(b *bundle, where string, args ...any) []string {
	rows, err := b.db.Query(context.Background(), "SELECT action || ' ' || object_type || ' ' || description FROM core_auditlog WHERE "+where+" ORDER BY id", args...)
	require.NoError(b.t, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.t, err)
	return found
}

func TestViewsAreRecorded(t *testing.T) {
	t.Parallel()

	t.Run("every record of a list, and who, when and from where", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		nurse := b.as("Nurse").from("192.0.2.7")
		var ids []int64
		for range 50 {
			ids = append(ids, testkit.Patient(t, b.db, nil).ID)
		}
		got := nurse.call("GET", "/api/patients/?page_size=200", nil, "X-Request-Id", "the-list")
		require.Equal(t, 200, got.status)
		var recorded []int64
		require.NoError(t, b.db.QueryRow(t.Context(), `SELECT patient_ids FROM core_auditlog WHERE action = 'view' AND object_type = 'patient'
			AND description = 'listPatients' AND user_id = $1 AND username = $2 AND request_id = 'the-list' AND object_id IS NULL
			AND abs(extract(epoch FROM timestamp - $3::timestamptz)) < 1`, // of the server's clock
			nurse.user.ID, nurse.user.Username, b.now).Scan(&recorded))
		require.Subset(t, recorded, ids)
	})

	t.Run("whatever shows a record", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		nurse := b.as("Nurse")
		p := testkit.Patient(t, b.db, nil)
		bill := testkit.Bill(t, b.db, p.ID, "10.00")
		testkit.Payment(t, b.db, bill.ID, "4.00")
		testkit.Prescription(t, b.db, testkit.Encounter(t, b.db, p.ID, testkit.User(t, b.db, "Doctor").ID).ID)
		for path, want := range map[string]string{
			"/api/patients/" + text(p.ID) + "/":            "view patient getPatient",
			"/api/patients/" + text(p.ID) + "/timeline/":   "view patient getPatientTimeline",
			"/api/payments/?bill=" + text(bill.ID):         "view payment listPayments",
			"/api/bill-items/?bill=" + text(bill.ID):       "view billitem listBillItems",
			"/api/bills/" + text(bill.ID) + "/":            "view bill getBill",
			"/api/bills/" + text(bill.ID) + "/invoice.pdf": "export bill getInvoice",
			"/api/prescriptions/?patient=" + text(p.ID):    "view prescription listPrescriptions",
			"/api/encounters/?patient=" + text(p.ID):       "view encounter listEncounters",
			"/api/patients/?search=" + p.UniqueID:          "view patient listPatients",
		} {
			for _, method := range []string{"GET", "HEAD"} {
				got := nurse.call(method, path, nil)
				require.Equal(t, 200, got.status, path)
				require.Equal(t, []string{want}, auditActions(b, "patient_id = $1 AND request_id = $2", p.ID, got.header.Get("X-Request-Id")), path)
			}
		}
	})

	t.Run("an edit that changes nothing, and the duplicates that a registration names", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		nurse := b.as("Nurse")
		made := nurse.call("POST", "/api/patients/", jane())
		id := int64(made.body["id"].(float64))
		same := nurse.call("PATCH", "/api/patients/"+text(id)+"/", map[string]any{"first_name": "Jane"})
		require.Equal(t, []string{"view patient patient: view"}, auditActions(b, "request_id = $1", same.header.Get("X-Request-Id")))
		again := nurse.call("POST", "/api/patients/", jane())
		require.Len(t, again.body["possible_duplicates"], 1)
		require.Equal(t, []string{"view patient createPatient"},
			auditActions(b, "request_id = $1 AND patient_id = $2", again.header.Get("X-Request-Id"), id))
		refused := nurse.call("POST", "/api/patients/?on_duplicate=reject", jane()).refused(t, 409, "possible_duplicate")
		require.Equal(t, []string{"view patient createPatient"},
			auditActions(b, "request_id = $1 AND $2 = ANY (patient_ids)", refused.header.Get("X-Request-Id"), id))
	})

	t.Run("nothing is shown that cannot be recorded", func(t *testing.T) {
		t.Parallel()
		b := setupOn(t, testkit.Pool(t))
		nurse, p := b.as("Nurse"), testkit.Patient(t, b.db, nil)
		bill := testkit.Bill(t, b.db, p.ID, "10.00")
		_, err := b.db.Exec(t.Context(), "ALTER TABLE core_auditlog ADD CONSTRAINT closed CHECK (action = 'login') NOT VALID")
		require.NoError(t, err)
		for _, path := range []string{"/api/patients/", "/api/patients/" + text(p.ID) + "/", "/api/bills/" + text(bill.ID) + "/invoice.pdf"} {
			answer := nurse.call("GET", path, nil).refused(t, 503, "audit_unavailable")
			require.NotContains(t, answer.raw, p.LastName)
			require.NotEmpty(t, answer.header.Get("Retry-After"))
		}
		require.Equal(t, 200, nurse.call("GET", "/api/medications/", nil).status, "what is no patient's needs no row")
	})
}

func text(id int64) string { return strconv.FormatInt(id, 10) }
