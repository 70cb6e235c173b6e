// Package auditlog keeps the audit log: it writes what was read, seals what was written and
// verifies what was sealed.
package auditlog

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"chelal/gen/db"
	"chelal/internal/pg"
)

// Viewed is a record of a patient that somebody is about to see, for the log.
type Viewed struct {
	Action string // audit.View or audit.Export
	// Object is the table without its prefix, ID the row's.
	Object string
	ID     int64
	// PatientID says whose it is; where it is 0, BillID does.
	PatientID, BillID int64
}

// Answer is what an answer shows, and to whom.
type Answer struct {
	Shown     []Viewed
	UserID    int64
	Username  string
	Operation string // of the contract
	RequestID string
	IP        netip.Addr
	At        time.Time
}

// viewsAtOnce bounds how many records a statement notes; those of one answer stay together.
const viewsAtOnce = 2_000

// Views writes views into the log by group commit: a read costs a share of a commit.
type Views struct {
	together *pg.Together[Answer, struct{}]
}

// NewViews returns what writes views on conn.
func NewViews(conn pg.DB) *Views {
	size := func(a Answer) int { return len(a.Shown) }
	return &Views{pg.NewTogether(1, viewsAtOnce, size, func(ctx context.Context, answers []Answer) (struct{}, error) {
		return struct{}{}, db.New().ViewsCreate(ctx, conn, columns(answers))
	})}
}

// Write returns nil when what the answer shows is committed to the log: a row for each kind of
// record. When ctx ends before, it may be committed or not. Under pg.WithTx it is written at
// once, and committed with what there is to show.
func (v *Views) Write(ctx context.Context, a Answer) error {
	if len(a.Shown) == 0 {
		return nil
	}
	_, err := v.together.Do(ctx, a)
	return err
}

// Waiting answers how many views wait for a statement under way to end.
func (v *Views) Waiting() int { return v.together.Waiting() }

func columns(answers []Answer) db.ViewsCreateParams {
	var p db.ViewsCreateParams
	for _, a := range answers {
		address := ""
		if a.IP.IsValid() {
			address = a.IP.String()
		}
		for _, k := range kinds(a.Shown) {
			p.UserIds = append(p.UserIds, a.UserID)
			p.Usernames = append(p.Usernames, a.Username)
			p.Actions = append(p.Actions, k.action)
			p.ObjectTypes = append(p.ObjectTypes, k.object)
			p.ObjectIds = append(p.ObjectIds, array(k.ids))
			p.PatientIds = append(p.PatientIds, array(k.patients))
			p.BillIds = append(p.BillIds, array(k.bills))
			p.Descriptions = append(p.Descriptions, a.Operation)
			p.Timestamps = append(p.Timestamps, a.At)
			p.RequestIds = append(p.RequestIds, a.RequestID)
			p.IPAddresses = append(p.IPAddresses, address)
		}
	}
	return p
}

// kind are records of one kind in an answer. They have either patients or bills.
type kind struct {
	action, object       string
	ids, patients, bills []int64
}

func kinds(shown []Viewed) []*kind {
	var all []*kind
	for _, v := range shown {
		i := slices.IndexFunc(all, func(k *kind) bool {
			return k.action == v.Action && k.object == v.Object && (len(k.bills) > 0) == (v.PatientID == 0)
		})
		if i < 0 {
			i = len(all)
			all = append(all, &kind{action: v.Action, object: v.Object})
		}
		k := all[i]
		k.ids = append(k.ids, v.ID)
		if v.PatientID != 0 {
			k.patients = append(k.patients, v.PatientID)
		} else {
			k.bills = append(k.bills, v.BillID)
		}
	}
	return all
}

// array writes the ids as PostgreSQL writes an array, each of them once.
func array(ids []int64) string {
	slices.Sort(ids)
	text := []byte{'{'}
	for _, id := range slices.Compact(ids) {
		text = append(strconv.AppendInt(text, id, 10), ',')
	}
	return string(append(bytes.TrimSuffix(text, []byte{','}), '}'))
}
