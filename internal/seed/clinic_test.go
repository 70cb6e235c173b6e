package seed

import (
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// TestTheBooksAreRight holds what a run writes all at once against what the triggers
// would have kept, twice, since the second run goes on where the first ended.
func TestTheBooksAreRight(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	for run := range 2 {
		result, err := Run(t.Context(), pool, Options{Patients: 1500, Appointments: 4000, RNGSeed: uint64(run), Now: wednesday(t)})
		require.NoError(t, err)
		require.Greater(t, result.Encounters, 2000)
		require.Greater(t, result.Prescriptions, result.Encounters)
		require.InDelta(t, 0.88, float64(result.Bills)/float64(result.Encounters), 0.05)
		require.InDelta(t, 0.86, float64(result.Payments)/float64(result.Bills), 0.05)

		for what, query := range map[string]string{
			"visits are of their appointments": `SELECT FROM core_encounter e JOIN core_appointment a ON a.id = e.appointment_id
				WHERE (a.patient_id, a.doctor_id) <> (e.patient_id, e.doctor_id) OR e.created_at < a.starts_at AND e.created_at < a.updated_at - interval '1 day'`,
			"bills are of their encounters": `SELECT FROM core_bill b JOIN core_encounter e ON e.id = b.encounter_id
				WHERE e.patient_id <> b.patient_id OR b.date_issued < e.created_at`,
			"totals": `SELECT FROM core_bill b WHERE total_amount <> (SELECT sum(amount * quantity) FROM core_billitem i WHERE i.bill_id = b.id)`,
			"paid": `SELECT FROM core_bill b WHERE amount_paid <> coalesce((SELECT sum(p.amount - p.refunded_amount)
				FROM core_payment p WHERE p.bill_id = b.id), 0)`,
			"refunded": `SELECT FROM core_payment p WHERE refunded_amount <> coalesce((SELECT sum(r.amount) FROM core_refund r WHERE r.payment_id = p.id), 0)`,
			"stock":    `SELECT FROM core_medication m WHERE current_stock <> (SELECT sum(quantity) FROM core_stockmovement s WHERE s.medication_id = m.id)`,
			"ledger": `SELECT FROM (SELECT stock_after, sum(quantity) OVER (PARTITION BY medication_id ORDER BY id) AS sum
				FROM core_stockmovement) l WHERE stock_after <> sum`,
			"dispensed once": `SELECT FROM core_prescription r FULL JOIN core_stockmovement s ON s.prescription_id = r.id
				WHERE (r.dispensed_at IS NULL) <> (s.id IS NULL) AND (s.id IS NULL OR s.kind = 'dispense')`,
			"numbers": `SELECT FROM core_documentcounter c LEFT JOIN (SELECT kind, count(*), max(number) FROM core_documentnumber GROUP BY kind) n
				USING (kind) WHERE (c.last, c.last) IS DISTINCT FROM (n.count, n.max)`,
			"numbered": `SELECT FROM core_bill b WHERE NOT EXISTS (SELECT FROM core_documentnumber n WHERE n.bill_id = b.id)
				UNION ALL SELECT FROM core_payment p WHERE NOT EXISTS (SELECT FROM core_documentnumber n WHERE n.payment_id = p.id)`,
			"figures": `SELECT FROM core_figure f FULL JOIN (SELECT name, bucket, key, sum(count) AS count, sum(amount) AS amount
				FROM core_figure_source GROUP BY name, bucket, key) s USING (name, bucket, key)
				WHERE (f.count, f.amount) IS DISTINCT FROM (s.count, s.amount)`,
			"nothing is still to come": `SELECT FROM core_encounter WHERE created_at > '2026-03-18T15:20+13:00'
				UNION ALL SELECT FROM core_bill WHERE date_issued > '2026-03-18T15:20+13:00'
				UNION ALL SELECT FROM core_payment WHERE payment_date > '2026-03-18T15:20+13:00'
				UNION ALL SELECT FROM core_refund WHERE created_at > '2026-03-18T15:20+13:00'
				UNION ALL SELECT FROM core_prescription WHERE dispensed_at > '2026-03-18T15:20+13:00'
				UNION ALL SELECT FROM core_loginactivity WHERE timestamp > '2026-03-18T15:20+13:00'
				UNION ALL SELECT FROM core_auditlog WHERE timestamp > '2026-03-18T15:20+13:00' AND object_type <> 'seed'`,
			"the audit log has what was made in the last month": `SELECT FROM (SELECT
				(SELECT count(*) FROM core_auditlog WHERE object_type <> 'seed') AS logged,
				(SELECT count(*) FROM core_patient WHERE created_at >= '2026-02-16T00:00+13:00')
				+ (SELECT count(*) FROM core_appointment WHERE created_at >= '2026-02-16T00:00+13:00')
				+ (SELECT count(*) FROM core_encounter WHERE created_at >= '2026-02-16T00:00+13:00')
				+ (SELECT count(*) FROM core_prescription WHERE created_at >= '2026-02-16T00:00+13:00')
				+ (SELECT count(*) FROM core_bill WHERE date_issued >= '2026-02-16T00:00+13:00')
				+ (SELECT count(*) FROM core_payment WHERE payment_date >= '2026-02-16T00:00+13:00') AS made) c WHERE logged <> made`,
			"triggers": `SELECT FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'O'`,
		} {
			t.Log(what)
			requireNone(t, pool, query)
		}
	}
	require.Positive(t, ask[int](t, pool, "SELECT count(*) FROM core_medication WHERE current_stock <= reorder_level"), "something is low")
	for _, table := range append([]string{"core_medication", "core_serviceitem", "core_documentnumber", "core_figure",
		"core_notification", "core_loginactivity", "core_rolechangerequest", "core_auditlog"}, followed...) {
		require.Positive(t, ask[int](t, pool, "SELECT count(*) FROM "+table), table)
	}
}
