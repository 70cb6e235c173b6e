package seed

import (
	"context"
	"fmt"
)

// everyday is what a system at work has besides: the doctors' notifications of the last
// month, who signed in, and somebody who has asked for a role.
var everyday = []struct{ table, sql string }{
	{"core_notification", `
		INSERT INTO core_notification (user_id, title, message, type, is_read, related_appointment_id, created_at)
		SELECT a.doctor_id, 'New appointment', core_full_name(p.first_name, p.last_name, '') || ' on ' || a.date || ' at ' || left(a.time::text, 5) || '.',
			'appointment_booked', a.created_at < $1::timestamptz - interval '3 days', a.id, a.created_at
		FROM core_appointment a JOIN core_patient p ON p.id = a.patient_id
		WHERE a.xmin = pg_current_xact_id()::xid AND a.created_at >= $1::timestamptz - interval '30 days'
		ORDER BY a.created_at`},
	{"core_loginactivity", `
		INSERT INTO core_loginactivity (user_id, username, timestamp, ip_address, user_agent, status)
		SELECT u.id, u.username, $1::timestamptz - make_interval(days => d, mins => -420 - (hashint8(u.id * 31 + d) & 63)),
			'192.0.2.0'::inet + (u.id % 250), 'Mozilla/5.0', CASE WHEN hashint8(u.id * 17 + d) & 31 = 0 THEN 'failure' ELSE 'success' END
		FROM core_user u CROSS JOIN generate_series(1, 30) d
		WHERE u.xmin = pg_current_xact_id()::xid AND extract(isodow FROM $1::timestamptz - make_interval(days => d)) < 6
		ORDER BY 3`},
	{"core_rolechangerequest", `
		WITH newcomer AS (
			INSERT INTO core_user (username, first_name, last_name, password, date_joined)
			VALUES ('newcomer', 'Samuel', 'Otieno', '!', $1::timestamptz - interval '2 days') ON CONFLICT DO NOTHING
			RETURNING id, date_joined)
		INSERT INTO core_rolechangerequest (user_id, requested_role_id, reason, created_at, updated_at)
		SELECT n.id, r.id, 'I begin on the ward on Monday.', n.date_joined, n.date_joined
		FROM newcomer n, core_role r WHERE r.name = 'Nurse'`},
	{"core_auditlog", `
		INSERT INTO core_auditlog (action, object_type, description, timestamp)
		VALUES ('create', 'seed', 'seed: invented records of the time before ' || $1::timestamptz::text, now())`},
}

func (s *seeding) addEveryday(ctx context.Context) error {
	if s.Appointments == 0 {
		return nil
	}
	s.tell("everyday", 0, len(everyday))
	for i, step := range everyday {
		if _, err := s.tx.Exec(ctx, step.sql, s.midnight); err != nil {
			return fmt.Errorf("%s: %w", step.table, err)
		}
		s.tell("everyday", i+1, len(everyday))
	}
	return nil
}
