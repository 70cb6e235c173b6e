// Package auditlog keeps the audit log: it writes what was read, seals what was written and
// verifies what was sealed.
package auditlog

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"chelal/gen/db"
	"chelal/internal/pg"
)

// Viewed is a record of a patient that somebody is about to see, for the log.
type Viewed struct {
	Action string // audit.View or audit.Export
	// Object is the table without its prefix, ID the row's, 0 when there is none.
	Object string
	ID     int64
	// PatientID says whose it is; where it is 0, BillID does.
	PatientID, BillID int64

	UserID    int64
	Username  string
	Operation string // of the contract
	RequestID string
	IP        netip.Addr
	At        time.Time
}

// viewsAtOnce bounds a statement; the views of one request stay together.
const viewsAtOnce = 2_000

// Views writes views into the log by group commit: a read costs a share of a commit.
type Views struct {
	together *pg.Together[[]Viewed, struct{}]
}

// NewViews returns what writes views on conn.
func NewViews(conn pg.DB) *Views {
	size := func(views []Viewed) int { return len(views) }
	return &Views{pg.NewTogether(1, viewsAtOnce, size, func(ctx context.Context, asked [][]Viewed) (struct{}, error) {
		return struct{}{}, db.New().ViewsCreate(ctx, conn, columns(slices.Concat(asked...)))
	})}
}

// Write returns nil when the views are committed. When ctx ends before, they may be
// committed or not. Under pg.WithTx they are written at once, and committed with what
// there is to show.
func (v *Views) Write(ctx context.Context, views []Viewed) error {
	if len(views) == 0 {
		return nil
	}
	_, err := v.together.Do(ctx, views)
	return err
}

// Waiting answers how many views wait for a statement under way to end.
func (v *Views) Waiting() int { return v.together.Waiting() }

func columns(views []Viewed) db.ViewsCreateParams {
	var p db.ViewsCreateParams
	for _, v := range views {
		address := ""
		if v.IP.IsValid() {
			address = v.IP.String()
		}
		p.UserIds = append(p.UserIds, v.UserID)
		p.Usernames = append(p.Usernames, v.Username)
		p.Actions = append(p.Actions, v.Action)
		p.ObjectTypes = append(p.ObjectTypes, v.Object)
		p.ObjectIds = append(p.ObjectIds, v.ID)
		p.PatientIds = append(p.PatientIds, v.PatientID)
		p.BillIds = append(p.BillIds, v.BillID)
		p.Descriptions = append(p.Descriptions, v.Operation)
		p.Timestamps = append(p.Timestamps, v.At)
		p.RequestIds = append(p.RequestIds, v.RequestID)
		p.IPAddresses = append(p.IPAddresses, address)
	}
	return p
}
