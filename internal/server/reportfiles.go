package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/authz"
	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/listing"
	"chelal/internal/media"
	"chelal/internal/reportfile"
)

// reportFilesAtOnce is how many files a user may wait for.
const reportFilesAtOnce = 5

var (
	reportFilesWaiting = apperr.New(apperr.Conflict, "too_many_report_files",
		fmt.Sprintf("%d of your report files are still being written. Wait for one of them.", reportFilesAtOnce))
	reportNotReady = apperr.New(apperr.Conflict, "report_not_ready", "The file is still being written. You are notified when it is ready.")
	reportFailed   = apperr.New(apperr.Conflict, "report_failed", "The file could not be written; its error says why.")
)

// ListReportFiles answers the own files, to an Admin everybody's.
func (h *handlers) ListReportFiles(ctx context.Context, r api.ListReportFilesRequestObject) (api.ListReportFilesResponseObject, error) {
	p := r.Params
	var where []listing.Condition
	if own := authz.OwnUnlessAdmin(authn.PrincipalFrom(ctx)); own != nil {
		where = append(where, listing.ReportFilesOf(*own))
	}
	request := pageOf(p.Page, p.PageSize, p.Cursor, string(valueOr(p.Ordering, api.ListReportFilesParamsOrderingMinusCreatedAt)), where)
	page, err := listing.ReportFiles.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListReportFiles200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, toAPIReportFile),
	}, nil
}

// GetReportFile answers an own file, to an Admin anybody's.
func (h *handlers) GetReportFile(ctx context.Context, r api.GetReportFileRequestObject) (api.GetReportFileResponseObject, error) {
	row, err := db.New().ReportFileGet(ctx, h.DB, r.ID, authz.OwnUnlessAdmin(authn.PrincipalFrom(ctx)))
	return api.GetReportFile200JSONResponse(toAPIReportFile(row)), err
}

// CreateReportFile asks for a file, which a job writes.
func (h *handlers) CreateReportFile(ctx context.Context, r api.CreateReportFileRequestObject) (api.CreateReportFileResponseObject, error) {
	if r.Body.DateFrom.After(r.Body.DateTo.Time) {
		return nil, apperr.InvalidFields(apperr.Field{Name: "date_from", Code: "after_date_to", Message: "The first day is after the last one."})
	}
	return once(ctx, h, "createReportFile", r.Params.IdempotencyKey, api.CreateReportFileResponseObject.VisitCreateReportFileResponse,
		func(c *change.Change) (api.CreateReportFileResponseObject, error) {
			if _, err := db.New().UserLock(ctx, c.Tx, c.Actor.UserID); err != nil {
				return nil, err
			}
			pending, err := db.New().ReportFilesPending(ctx, c.Tx, c.Actor.UserID)
			if err != nil {
				return nil, err
			}
			if pending >= reportFilesAtOnce {
				return nil, reportFilesWaiting
			}
			row, err := db.New().ReportFileCreate(ctx, c.Tx, db.ReportFileCreateParams{
				RequestedByID: &c.Actor.UserID, Kind: string(r.Body.Kind), Format: string(r.Body.Format),
				DateFrom: r.Body.DateFrom.Time, DateTo: r.Body.DateTo.Time, Now: c.Now,
			})
			if err != nil {
				return nil, err
			}
			if err := c.Record(audit.Entry{Action: audit.Create, Object: "reportfile", ID: row.ID, After: row}); err != nil {
				return nil, err
			}
			return api.CreateReportFile202JSONResponse(toAPIReportFile(row)), c.Enqueue(ctx, jobs.WriteReport{FileID: row.ID}, nil)
		})
}

// DownloadReportFile answers the file, as it comes from where it lies.
func (h *handlers) DownloadReportFile(ctx context.Context, r api.DownloadReportFileRequestObject) (api.DownloadReportFileResponseObject, error) {
	row, err := db.New().ReportFileGet(ctx, h.DB, r.ID, authz.OwnUnlessAdmin(authn.PrincipalFrom(ctx)))
	switch {
	case err != nil:
		return nil, err
	case row.Status == "pending":
		return nil, reportNotReady
	case row.Status == "failed":
		return nil, reportFailed
	}
	file, size, err := h.Media.Open(ctx, reportfile.Name(row))
	if errors.Is(err, media.ErrMissing) {
		return nil, apperr.Missing().Because(err)
	}
	if err != nil {
		return nil, err
	}
	noteExport(ctx, "reportfile", row.ID, 0)
	name := fmt.Sprintf(`attachment; filename="%s-%s-%s.%s"`, row.Kind, row.DateFrom.Format(time.DateOnly), row.DateTo.Format(time.DateOnly), row.Format)
	if row.Format == "pdf" {
		return api.DownloadReportFile200ApplicationPdfResponse{
			Body: file, ContentLength: size, Headers: api.DownloadReportFile200ResponseHeaders{ContentDisposition: name},
		}, nil
	}
	return api.DownloadReportFile200TextCsvResponse{
		Body: file, ContentLength: size, Headers: api.DownloadReportFile200ResponseHeaders{ContentDisposition: name},
	}, nil
}

func toAPIReportFile(f db.CoreReportfile) api.ReportFile {
	return api.ReportFile{
		ID: f.ID, Kind: api.ReportFileKind(f.Kind), Format: api.ReportFileFormat(f.Format), DateFrom: toAPIDate(f.DateFrom), DateTo: toAPIDate(f.DateTo),
		Status: api.ReportFileStatus(f.Status), Error: f.Error, RequestedBy: toNullable(f.RequestedByID), CreatedAt: f.CreatedAt,
		Rows: toNullable(f.RowCount), Size: toNullable(f.Size), FinishedAt: toNullable(f.FinishedAt),
		ExpiresAt: f.CreatedAt.Add(reportfile.Lifetime),
	}
}
