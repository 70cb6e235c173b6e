package auditlog

import (
	"context"

	"github.com/google/uuid"

	"chelal/gen/db"
	"chelal/internal/pg"
)

// patientAsked is a patient that somebody wants to see.
type patientAsked struct {
	answer Answer
	id     int64
}

// patientShown is a patient that somebody is shown.
type patientShown struct {
	session uuid.UUID
	id      int64
}

// Patient reads a patient and writes into the log that the caller is about to see the record: both
// in one statement, which others who look at patients share. The caller is presumed. ok is false
// when the caller is another or there is no such patient; nothing was written then.
func (v *Views) Patient(ctx context.Context, a Answer, id int64) (row db.CorePatient, ok bool, err error) {
	found, err := v.patients.Do(ctx, patientAsked{a, id})
	row, ok = found[patientShown{a.Caller.Session, id}]
	return row, ok, err
}

func newPatients(conn pg.DB) *pg.Together[patientAsked, map[patientShown]db.CorePatient] {
	return pg.NewTogether(1, viewsAtOnce, pg.One[patientAsked], func(ctx context.Context, asked []patientAsked) (map[patientShown]db.CorePatient, error) {
		var p db.PatientsShowParams
		for _, q := range asked {
			a := q.answer
			p.SessionIds = append(p.SessionIds, a.Caller.Session)
			p.Usernames = append(p.Usernames, a.Caller.Username)
			p.Roles = append(p.Roles, a.Caller.Role)
			p.PatientIds = append(p.PatientIds, q.id)
			p.Descriptions = append(p.Descriptions, a.Operation)
			p.Timestamps = append(p.Timestamps, a.At)
			p.RequestIds = append(p.RequestIds, a.RequestID)
			p.IPAddresses = append(p.IPAddresses, addressOf(a))
		}
		rows, err := db.New().PatientsShow(ctx, conn, p)
		found := make(map[patientShown]db.CorePatient, len(rows))
		for _, row := range rows {
			found[patientShown{row.SessionID, row.CorePatient.ID}] = row.CorePatient
		}
		return found, err
	})
}
