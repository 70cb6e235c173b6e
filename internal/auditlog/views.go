// Package auditlog keeps the audit log: it writes what was read, seals what was written and
// verifies what was sealed.
package auditlog

import (
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
		if err := findPatients(ctx, conn, answers); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, db.New().ViewsCreate(ctx, conn, columns(answers))
	})}
}

// findPatients finds whose records those are that name only a bill.
func findPatients(ctx context.Context, conn pg.DB, answers []Answer) error {
	var bills []int64
	for _, a := range answers {
		for _, v := range a.Shown {
			if v.PatientID == 0 {
				bills = append(bills, v.BillID)
			}
		}
	}
	if len(bills) == 0 {
		return nil
	}
	rows, err := db.New().BillsPatients(ctx, conn, bills)
	if err != nil {
		return err
	}
	of := map[int64]int64{}
	for _, row := range rows {
		of[row.ID] = row.PatientID
	}
	for _, a := range answers {
		for i, v := range a.Shown {
			if v.PatientID == 0 {
				a.Shown[i].PatientID = of[v.BillID]
			}
		}
	}
	return nil
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
			patient, patients := oneOrMany(k.patients)
			var object int64
			var objects string
			if k.object != "patient" { // which are the patients: an index less has to know the row
				object, objects = oneOrMany(k.ids)
			}
			p.ObjectID = append(p.ObjectID, object)
			p.ObjectIds = append(p.ObjectIds, objects)
			p.PatientID = append(p.PatientID, patient)
			p.PatientIds = append(p.PatientIds, patients)
			p.Descriptions = append(p.Descriptions, a.Operation)
			p.Timestamps = append(p.Timestamps, a.At)
			p.RequestIds = append(p.RequestIds, a.RequestID)
			p.IPAddresses = append(p.IPAddresses, address)
		}
	}
	return p
}

// kind are records of one kind in an answer.
type kind struct {
	action, object string
	ids, patients  []int64
}

func kinds(shown []Viewed) []*kind {
	var all []*kind
	for _, v := range shown {
		i := slices.IndexFunc(all, func(k *kind) bool { return k.action == v.Action && k.object == v.Object })
		if i < 0 {
			i = len(all)
			all = append(all, &kind{action: v.Action, object: v.Object})
		}
		all[i].ids, all[i].patients = append(all[i].ids, v.ID), append(all[i].patients, v.PatientID)
	}
	return all
}

// oneOrMany answers the id when it is but one, however often, and otherwise all of them, each
// once, as PostgreSQL writes an array.
func oneOrMany(ids []int64) (one int64, many string) {
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 1 {
		return ids[0], ""
	}
	text := []byte{'{'}
	for _, id := range ids {
		text = append(strconv.AppendInt(text, id, 10), ',')
	}
	text[len(text)-1] = '}'
	return 0, string(text)
}
