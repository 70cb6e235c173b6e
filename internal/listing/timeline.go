package listing

import (
	"context"

	"chelal/gen/db"
	"chelal/internal/pg"
)

// Timeline answers a page of what happened to a patient, the latest first, in one
// statement; only entries of one kind unless kind is empty. r is a request by cursor. It
// returns Invalid for a cursor it did not make.
func Timeline(ctx context.Context, conn pg.DB, patientID int64, kind string, r Request) (Page[db.PatientTimelineRow], error) {
	r.Ordering, r.Size = "timeline", min(max(r.Size, 1), MaxSize)
	before := []string{"infinity", "", "0"}
	if *r.Cursor != "" {
		var err error
		if before, err = decodeCursor(*r.Cursor, r.Ordering, len(before)); err != nil {
			return Page[db.PatientTimelineRow]{}, err
		}
	}
	rows, err := db.New().PatientTimeline(ctx, conn, db.PatientTimelineParams{
		PatientID: patientID, Kind: kind, At: before[0], Type: before[1], ID: before[2], Most: int32(r.Size) + 1,
	})
	if err != nil {
		return Page[db.PatientTimelineRow]{}, explainCursor(r, err)
	}
	return cut(rows, r, byTime), nil
}

// byTime is the order that the statement has by itself.
var byTime = Order[db.PatientTimelineRow]{Key: func(t db.PatientTimelineRow) []string {
	return []string{instant(t.At), t.Type, id(t.ID)}
}}
