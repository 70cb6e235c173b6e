// Package auditlog keeps the audit log: it writes what was read, seals what was written and
// verifies what was sealed.
package auditlog

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/callers"
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
	Shown  []Viewed
	Caller authn.Principal
	// Presumed says that the caller is who had the session a while ago. The log then takes the
	// answer only if that is so now.
	Presumed  bool
	Operation string // of the contract
	RequestID string
	IP        netip.Addr
	At        time.Time
}

// viewsAtOnce bounds how many records a statement notes; those of one answer stay together.
const viewsAtOnce = 2_000

// ErrNotAsPresumed says that another is calling than was presumed, or nobody: signed out,
// deactivated, of another role. Nothing was written.
var ErrNotAsPresumed = errors.New("auditlog: the caller is not as presumed")

// Views writes views into the log by group commit: a read costs a share of a commit.
type Views struct {
	together *pg.Together[Answer, confirmed]
	patients *pg.Together[patientAsked, map[patientShown]db.CorePatient]
}

// confirmed are those who have their sessions now.
type confirmed map[authn.Principal]bool

// NewViews returns what writes views on conn.
func NewViews(conn pg.DB) *Views {
	size := func(a Answer) int { return max(1, len(a.Shown)) }
	return &Views{
		together: pg.NewTogether(1, viewsAtOnce, size, func(ctx context.Context, answers []Answer) (confirmed, error) {
			if err := findPatients(ctx, conn, answers); err != nil {
				return nil, err
			}
			return write(ctx, conn, answers)
		}),
		patients: newPatients(conn),
	}
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
// record. ErrNotAsPresumed is for who is presumed to be calling and is not. When ctx ends before, it
// may be committed or not. Under pg.WithTx it is written at once, and committed with what there is to
// show.
func (v *Views) Write(ctx context.Context, a Answer) error {
	if len(a.Shown) == 0 && !a.Presumed {
		return nil
	}
	now, err := v.together.Do(ctx, a)
	if err == nil && a.Presumed && !now[a.Caller] {
		return ErrNotAsPresumed
	}
	return err
}

// Waiting answers how many views wait for a statement under way to end.
func (v *Views) Waiting() int { return v.together.Waiting() }

func write(ctx context.Context, conn pg.DB, answers []Answer) (confirmed, error) {
	rows, err := db.New().ViewsCreate(ctx, conn, columns(answers))
	if err != nil {
		return nil, err
	}
	now := make(confirmed, len(rows))
	for _, row := range rows {
		now[callers.PrincipalOf(db.CoreCaller(row))] = true
	}
	return now, nil
}

func columns(answers []Answer) db.ViewsCreateParams {
	var p db.ViewsCreateParams
	for _, a := range answers {
		if a.Presumed && !slices.Contains(p.PresumedSessions, a.Caller.Session) {
			p.PresumedSessions = append(p.PresumedSessions, a.Caller.Session)
		}
		address := addressOf(a)
		for _, k := range kinds(a.Shown) {
			p.Presumed = append(p.Presumed, a.Presumed)
			p.SessionIds = append(p.SessionIds, a.Caller.Session)
			p.UserIds = append(p.UserIds, a.Caller.UserID)
			p.Usernames = append(p.Usernames, a.Caller.Username)
			p.Roles = append(p.Roles, a.Caller.Role)
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

// addressOf is empty when it is not known.
func addressOf(a Answer) string {
	if !a.IP.IsValid() {
		return ""
	}
	return a.IP.String()
}

// kind are records of one kind in an answer.
type kind struct {
	action, object string
	ids, patients  []int64
}

func kinds(shown []Viewed) []*kind {
	var all []*kind
	for n, v := range shown {
		i := slices.IndexFunc(all, func(k *kind) bool { return k.action == v.Action && k.object == v.Object })
		if i < 0 {
			i = len(all)
			left := len(shown) - n
			all = append(all, &kind{action: v.Action, object: v.Object, ids: make([]int64, 0, left), patients: make([]int64, 0, left)})
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
