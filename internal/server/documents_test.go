package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/server"
	"chelal/internal/testkit"
)

func TestDocuments(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Pacific/Kiritimati") // UTC+14
	require.NoError(t, err)
	b := setup(t, func(o *server.Options) { o.Zone = zone })
	b.now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) // already the 2nd in the hospital
	owner, desk, admin := b.as("Patient"), b.as("Receptionist"), b.as("Admin")
	patient := testkit.Patient(t, b.db, &owner.user.ID)
	bill := testkit.Bill(t, b.db, patient.ID, "1500.00")
	_, err = b.db.Exec(t.Context(), "UPDATE core_bill SET date_issued = $1 WHERE id = $2", b.now, bill.ID)
	require.NoError(t, err)
	made := desk.call("POST", "/api/payments/", cash(bill.ID, "1000"))
	second := desk.call("POST", "/api/payments/", cash(bill.ID, "300"))
	require.Equal(t, 201, admin.call("POST", paymentPath(made)+"refund/", refunding("100")).status)
	invoice, receipt := fmt.Sprintf("/api/bills/%d/invoice.pdf", bill.ID), paymentPath(made)+"receipt.pdf"

	t.Run("an invoice", func(t *testing.T) {
		got := owner.call("GET", invoice, nil)
		require.Equal(t, 200, got.status)
		require.Equal(t, "application/pdf", got.header.Get("Content-Type"))
		require.Equal(t, fmt.Sprint(len(got.raw)), got.header.Get("Content-Length"))
		require.Regexp(t, `^inline; filename="INV-\d{7}\.pdf"$`, got.header.Get("Content-Disposition"))
		text, pages := testkit.PDF(t, []byte(got.raw))
		require.Equal(t, 1, pages)
		for _, wanted := range []string{"Hospital\nINVOICE\nINV-", patient.LastName + "\nPatient number " + patient.UniqueID,
			"2 March 2026", "Partially paid", "1,500.00\n1,500.00\nConsultation\n", "Paid\n1,200.00\nBalance due\n300.00\n"} {
			require.Contains(t, text, wanted)
		}
		require.Equal(t, got.raw, desk.call("GET", invoice+"/", nil).raw, "the same bytes, with and without the slash")
	})

	t.Run("a receipt", func(t *testing.T) {
		got := owner.call("GET", receipt, nil)
		require.Equal(t, 200, got.status)
		require.Equal(t, fmt.Sprintf(`inline; filename="%s.pdf"`, made.body["receipt_number"]), got.header.Get("Content-Disposition"))
		text, _ := testkit.PDF(t, []byte(got.raw))
		for _, wanted := range []string{fmt.Sprint(made.body["receipt_number"]), "2 March 2026", "Method\nCash\nReceived by\n" + desk.user.FirstName[:9],
			"1,000.00\nPayment on invoice INV-", "−100.00\nRefund of 2 March 2026: Charged twice", "900.00\nBalance after this payment\n600.00\n"} {
			require.Contains(t, text, wanted)
		}
		require.Equal(t, got.raw, desk.call("GET", receipt, nil).raw)
		text, _ = testkit.PDF(t, []byte(desk.call("GET", paymentPath(second)+"receipt.pdf", nil).raw))
		require.Contains(t, text, "Amount received\n300.00\nBalance after this payment\n300.00\n")
	})

	t.Run("the hospital's head", func(t *testing.T) {
		_, err := b.db.Exec(t.Context(), `INSERT INTO core_systemsetting (key, value) VALUES
			('hospital_name', 'Mission Hospital'), ('hospital_address', E'1 Main St\nKisumu'), ('hospital_phone', '+254 712 345 678')
			ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value`)
		require.NoError(t, err)
		text, _ := testkit.PDF(t, []byte(desk.call("GET", invoice, nil).raw))
		require.Contains(t, text, "Mission Hospital\n1 Main St\nKisumu\n+254 712 345 678\nINVOICE\n")
	})

	t.Run("who sees them", func(t *testing.T) {
		for _, path := range []string{invoice, receipt} {
			b.as("Patient").call("GET", path, nil).refused(t, 404, "not_found")
			b.nobody().call("GET", path, nil).refused(t, 401, "not_authenticated")
			b.as("").call("GET", path, nil).refused(t, 403, "forbidden")
			desk.call("GET", path+"?colour=red", nil).refused(t, 400, "invalid")
		}
		desk.call("GET", "/api/bills/x/invoice.pdf", nil).refused(t, 404, "not_found")
		var exports int
		require.NoError(t, b.db.QueryRow(t.Context(), `SELECT count(*) FROM core_auditlog WHERE action = 'export' AND patient_id = $1
			AND username = $2 AND (object_type, object_id) IN (('bill', $3), ('payment', $4))`,
			patient.ID, owner.user.Username, fmt.Sprint(bill.ID), fmt.Sprint(made.body["id"])).Scan(&exports))
		require.Equal(t, 2, exports, "who got a document is in the audit log, who was refused is not")
	})

	t.Run("what is void has none", func(t *testing.T) {
		require.Equal(t, 204, admin.call("DELETE", paymentPath(second), nil).status)
		desk.call("GET", paymentPath(second)+"receipt.pdf", nil).refused(t, 404, "not_found")
	})
}
