package listing

import (
	"context"
	"strconv"
	"time"

	"chelal/gen/db"
)

// AuditLogs are listed by when it was done.
var AuditLogs = List[db.AuditLogListRow]{
	Query: db.AuditLogList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.AuditLogListRow, error) {
		return db.New().AuditLogList(ctx, conn)
	},
	Orders: map[string]Order[db.AuditLogListRow]{
		"timestamp": {deedOrder, func(r db.AuditLogListRow) []string { return []string{instant(r.Timestamp), id(r.ID)} }},
	},
}

// Trail are the same rows, as people may know them themselves.
var Trail = List[db.TrailListRow]{
	Query: db.TrailList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.TrailListRow, error) {
		return db.New().TrailList(ctx, conn)
	},
	Orders: map[string]Order[db.TrailListRow]{
		"timestamp": {deedOrder, func(r db.TrailListRow) []string { return []string{instant(r.Timestamp), id(r.ID)} }},
	},
}

var deedOrder = []Column{{"a.timestamp", "timestamptz"}, {"a.id", "bigint"}}

// DeedsOf narrows the log to what a user did.
func DeedsOf(userID int64) Condition { return Condition{"a.user_id = ?", []any{userID}} }

// DeedsBy narrows the log to an action.
func DeedsBy(action string) Condition { return Condition{"a.action = ?", []any{action}} }

// DeedsTo narrows the log to a kind of records.
func DeedsTo(object string) Condition { return Condition{"a.object_type = ?", []any{object}} }

// DeedsToRecord narrows the log to records with an id, also where they were shown among others.
// What was shown of a patient names it as the patient alone.
func DeedsToRecord(objectID string) Condition {
	id, err := strconv.ParseInt(objectID, 10, 64)
	if err != nil { // a setting's key
		return Condition{"a.object_id = ?", []any{objectID}}
	}
	return Condition{`(a.object_id = ? OR a.object_ids @> ARRAY[?::bigint]
		OR a.object_type = 'patient' AND (a.patient_id = ? OR a.patient_ids @> ARRAY[?::bigint]))`, []any{objectID, id, id, id}}
}

// DeedsByRequest narrows the log to what a request did.
func DeedsByRequest(requestID string) Condition {
	return Condition{"a.request_id = ?", []any{requestID}}
}

// DeedsAbout narrows the log to what concerns a patient and whoever was merged into it.
func DeedsAbout(patientID int64) Condition {
	return deedsAbout(`SELECT ?::bigint UNION SELECT p.id FROM core_patient p WHERE p.merged_into_id = ?`, patientID)
}

// DeedsAboutRecordOf narrows the log to what concerns the patient record of a user.
func DeedsAboutRecordOf(userID int64) Condition {
	return deedsAbout(`SELECT o.id FROM core_patient o WHERE o.user_id = ? UNION
		SELECT p.id FROM core_patient o JOIN core_patient p ON p.merged_into_id = o.id WHERE o.user_id = ?`, userID)
}

// deedsAbout takes the statement that selects the patients. It names id twice.
func deedsAbout(patients string, id int64) Condition {
	return Condition{"(a.patient_id = ANY (ARRAY(" + patients + ")) OR a.patient_ids && ARRAY(" + patients + "))", []any{id, id, id, id}}
}

// DeedsFrom narrows the log to the moment or later.
func DeedsFrom(t time.Time) Condition { return Condition{"a.timestamp >= ?", []any{t}} }

// DeedsUntil narrows the log to before the moment.
func DeedsUntil(t time.Time) Condition { return Condition{"a.timestamp < ?", []any{t}} }

// DeedsFound narrows the log to changes whose username and description hold every word.
func DeedsFound(search string) []Condition {
	words := Words("(' ' || core_search_key(a.username || ' ' || a.description))", search)
	if len(words) == 0 {
		return nil
	}
	return append(words, Condition{SQL: "a.action <> 'view'"})
}
