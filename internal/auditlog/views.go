// Package auditlog keeps the audit log: it writes what was read, seals what was written and
// verifies what was sealed.
package auditlog

import (
	"context"
	"net/netip"
	"sync"
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

const (
	// viewsAtOnce bounds a statement; the views of one request stay together.
	viewsAtOnce = 2_000
	// writeTime is how long one statement may take, whoever waits for it.
	writeTime = 5 * time.Second
)

// Views writes views into the log by group commit: while one statement is on its way,
// those who come meanwhile gather for the next. So a read costs a share of a commit, and
// the busier the server the smaller the share.
type Views struct {
	db   pg.DB
	turn chan struct{} // held by whoever writes

	mu     sync.Mutex
	groups []*group
}

// group are the views of one statement. err is to be read when done is closed.
type group struct {
	views []Viewed
	done  chan struct{}
	err   error
}

// NewViews returns what writes views on conn.
func NewViews(conn pg.DB) *Views { return &Views{db: conn, turn: make(chan struct{}, 1)} }

// Write returns nil when the views are committed. When ctx ends before, they may be
// committed or not. Under pg.WithTx they are written at once, and committed with what
// there is to show.
func (v *Views) Write(ctx context.Context, views []Viewed) error {
	if len(views) == 0 {
		return nil
	}
	if pg.Joined(ctx) {
		return db.New().ViewsCreate(ctx, v.db, columns(views))
	}
	g := v.join(views)
	for {
		select {
		case <-g.done:
			return g.err
		case <-ctx.Done():
			return ctx.Err()
		case v.turn <- struct{}{}:
			v.writeNext(ctx)
			<-v.turn
		}
	}
}

// Waiting answers how many views wait for a statement under way to end.
func (v *Views) Waiting() (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, g := range v.groups {
		n += len(g.views)
	}
	return n
}

// join adds views to the last group that waits, or to a new one when it is full.
func (v *Views) join(views []Viewed) *group {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := len(v.groups); n > 0 && len(v.groups[n-1].views)+len(views) <= viewsAtOnce {
		v.groups[n-1].views = append(v.groups[n-1].views, views...)
		return v.groups[n-1]
	}
	g := &group{views: append([]Viewed{}, views...), done: make(chan struct{})}
	v.groups = append(v.groups, g)
	return g
}

// writeNext writes the group that waits longest, if any. It goes on when ctx ends: others
// wait for the group too.
func (v *Views) writeNext(ctx context.Context) {
	v.mu.Lock()
	if len(v.groups) == 0 {
		v.mu.Unlock()
		return
	}
	g := v.groups[0]
	v.groups = v.groups[1:]
	v.mu.Unlock()

	defer close(g.done)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	g.err = db.New().ViewsCreate(ctx, v.db, columns(g.views))
}

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
