package seed

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// everyday is what a system at work has besides, of the last month: the doctors'
// notifications, who signed in, somebody who has asked for a role, and who made which
// record. What the system keeps for longer than that would be most of a large database,
// and say nothing else.
var everyday = []struct{ table, sql string }{
	{"core_notification", `
		INSERT INTO core_notification (user_id, title, message, type, is_read, related_appointment_id, created_at)
		SELECT a.doctor_id, 'New appointment', core_full_name(p.first_name, p.last_name, '') || ' on ' || a.date || ' at ' || left(a.time::text, 5) || '.',
			'appointment_booked', a.created_at < @now::timestamptz - interval '3 days', a.id, a.created_at
		FROM core_appointment a JOIN core_patient p ON p.id = a.patient_id
		WHERE a.xmin = pg_current_xact_id()::xid AND a.created_at >= @midnight::timestamptz - interval '30 days'
		ORDER BY a.created_at`},
	{"core_loginactivity", `
		INSERT INTO core_loginactivity (user_id, username, timestamp, ip_address, user_agent, status)
		SELECT u.id, u.username, @midnight::timestamptz - make_interval(days => d, mins => -420 - (hashint8(u.id * 31 + d) & 63)),
			'192.0.2.0'::inet + (u.id % 250), 'Mozilla/5.0', CASE WHEN hashint8(u.id * 17 + d) & 31 = 0 THEN 'failure' ELSE 'success' END
		FROM core_user u CROSS JOIN generate_series(0, 30) d
		WHERE u.xmin = pg_current_xact_id()::xid AND extract(isodow FROM @midnight::timestamptz - make_interval(days => d)) < 6
		  AND @midnight::timestamptz - make_interval(days => d, mins => -420 - (hashint8(u.id * 31 + d) & 63)) <= @now
		ORDER BY 3`},
	{"core_rolechangerequest", `
		WITH newcomer AS (
			INSERT INTO core_user (username, first_name, last_name, password, date_joined)
			VALUES ('newcomer', 'Samuel', 'Otieno', '!', @midnight::timestamptz - interval '2 days') ON CONFLICT DO NOTHING
			RETURNING id, date_joined)
		INSERT INTO core_rolechangerequest (user_id, requested_role_id, reason, created_at, updated_at)
		SELECT n.id, r.id, 'I begin on the ward on Monday.', n.date_joined, n.date_joined
		FROM newcomer n, core_role r WHERE r.name = 'Nurse'`},
	{"core_auditlog", `
		WITH desk AS (
			SELECT u.id FROM core_user u JOIN core_role r ON r.id = u.role_id WHERE r.name = 'Receptionist' ORDER BY u.id LIMIT 1
		), made (object, id, patient_id, user_id, at) AS (
			SELECT 'patient', p.id, p.id, (SELECT id FROM desk), p.created_at FROM core_patient p
			WHERE p.xmin = pg_current_xact_id()::xid AND p.created_at >= @midnight::timestamptz - interval '30 days'
			UNION ALL
			SELECT 'appointment', a.id, a.patient_id, (SELECT id FROM desk), a.created_at FROM core_appointment a
			WHERE a.xmin = pg_current_xact_id()::xid AND a.created_at >= @midnight::timestamptz - interval '30 days'
			UNION ALL
			SELECT 'encounter', e.id, e.patient_id, e.doctor_id, e.created_at FROM core_encounter e
			WHERE e.xmin = pg_current_xact_id()::xid AND e.created_at >= @midnight::timestamptz - interval '30 days'
			UNION ALL
			SELECT 'prescription', r.id, e.patient_id, e.doctor_id, r.created_at FROM core_prescription r JOIN core_encounter e ON e.id = r.encounter_id
			WHERE r.xmin = pg_current_xact_id()::xid AND r.created_at >= @midnight::timestamptz - interval '30 days'
			UNION ALL
			SELECT 'bill', b.id, b.patient_id, (SELECT id FROM desk), b.date_issued FROM core_bill b
			WHERE b.xmin = pg_current_xact_id()::xid AND b.date_issued >= @midnight::timestamptz - interval '30 days'
			UNION ALL
			SELECT 'payment', y.id, b.patient_id, y.received_by_id, y.payment_date FROM core_payment y JOIN core_bill b ON b.id = y.bill_id
			WHERE y.xmin = pg_current_xact_id()::xid AND y.payment_date >= @midnight::timestamptz - interval '30 days'
		)
		INSERT INTO core_auditlog (user_id, username, action, object_type, object_id, patient_id, description, timestamp)
		SELECT m.user_id, coalesce(u.username, ''), 'create', m.object, m.id, m.patient_id, m.object || ': create', m.at
		FROM made m LEFT JOIN core_user u ON u.id = m.user_id
		ORDER BY m.at`},
	{"core_auditlog", `
		INSERT INTO core_auditlog (action, object_type, description, timestamp)
		SELECT 'create', 'seed', 'seed: invented records of the time before ' || @now::timestamptz::text, now()`},
}

func (s *seeding) addEveryday(ctx context.Context) error {
	if s.Appointments == 0 {
		return nil
	}
	s.tell("everyday", 0, len(everyday))
	for i, step := range everyday {
		if _, err := s.tx.Exec(ctx, step.sql, pgx.NamedArgs{"midnight": s.midnight, "now": s.Now}); err != nil {
			return fmt.Errorf("%s: %w", step.table, err)
		}
		s.tell("everyday", i+1, len(everyday))
	}
	return s.lowStock(ctx)
}
