package listing

import (
	"context"

	"chelal/gen/db"
)

// ReportFiles are listed by when they were asked for.
var ReportFiles = List[db.CoreReportfile]{
	Query: db.ReportFileList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.CoreReportfile, error) {
		return db.New().ReportFileList(ctx, conn)
	},
	Orders: map[string]Order[db.CoreReportfile]{
		"created_at": {[]Column{{"f.created_at", "timestamptz"}, {"f.id", "bigint"}},
			func(f db.CoreReportfile) []string { return []string{instant(f.CreatedAt), id(f.ID)} }},
	},
}

// ReportFilesOf narrows files to those that a user asked for.
func ReportFilesOf(userID int64) Condition { return Condition{"f.requested_by_id = ?", []any{userID}} }
