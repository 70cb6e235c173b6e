// Package change is the one way to write: a transaction with one clock reading, who
// acts and from where, and the audit rows that are committed with the change.
package change

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"golang.org/x/sync/semaphore"

	"chelal/gen/db"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/pg"
	"chelal/internal/tracing"
)

// KeyLifetime is how long the contract promises that a repeated POST answers as the
// first did; stored answers may be removed after it.
const KeyLifetime = 24 * time.Hour

// Origin is where a change comes from.
type Origin struct {
	RequestID string
	IP        netip.Addr
	UserAgent string
	// Offline is set while something is carried out that a device recorded offline.
	Offline *Offline
}

// Offline says where something was recorded before it was sent.
type Offline struct {
	Device     string     `json:"device_id"`
	OpID       uuid.UUID  `json:"op_id"`
	RecordedAt *time.Time `json:"recorded_at"` // by the clock of the device
}

type originKey struct{}

// WithOrigin returns a context whose changes are recorded as coming from o.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginFrom returns where ctx's request comes from; the zero value outside a request.
func OriginFrom(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}

// Store makes changes on a database.
type Store struct {
	DB  pg.DB
	Now func() time.Time
	// Committed is called after each commit. It may be nil.
	Committed func()
	// Turns are how many transactions may be under way at once; nil when as many as there are
	// connections. Changes wait for one another, for the next number of a receipt above all, and
	// who waits in the database holds a connection that a read could use.
	Turns *semaphore.Weighted
}

// Change is a transaction under way. Use Tx for everything that belongs to it.
type Change struct {
	Tx     pgx.Tx
	Now    time.Time
	Actor  authn.Principal
	Origin Origin
	// Document is what Number gives a number, or nil.
	Document *Document
	record   db.ChangeRecordParams // what was recorded and announced so far
	last     []pg.Question
}

// Do runs f in a transaction and commits it, with what f recorded, announced and asks last, when f
// returns nil. It returns errors of PostgreSQL as what the caller is told of them.
func (s *Store) Do(ctx context.Context, f func(*Change) error) error {
	return s.DoAfter(ctx, nil, f)
}

// DoAfter is Do with what is asked first in any case, which is sent with the BEGIN.
func (s *Store) DoAfter(ctx context.Context, first []pg.Question, f func(*Change) error) error {
	return s.inTurn(ctx, func() error {
		return pg.InTxBetween(ctx, s.DB, first, func(tx pgx.Tx) ([]pg.Question, error) {
			c := &Change{
				Tx: tx, Now: s.Now().UTC().Truncate(time.Microsecond),
				Actor: authn.PrincipalFrom(ctx), Origin: OriginFrom(ctx),
			}
			if err := f(c); err != nil {
				return nil, err
			}
			return append([]pg.Question{c.write(ctx)}, c.last...), nil
		})
	})
}

// Last asks something as the last of the transaction, with its COMMIT and after what was recorded:
// what others are made to wait for is then done in the database at once. A question is answered when
// the COMMIT is on its way, so its own error undoes nothing, and its answer counts when Do returns nil.
func (c *Change) Last(questions ...pg.Question) { c.last = append(c.last, questions...) }

// Document is what gets the next number of its kind, which is known, as it is written, when Do has returned.
type Document struct{ Kind, Number string }

// Number gives a document the next number of its kind. Until the transaction ends, everybody else who
// wants one waits: so it is taken last.
func (c *Change) Number(ctx context.Context, p db.DocumentNumberTakeParams) {
	c.Document, p.Now = &Document{Kind: p.Kind}, c.Now
	c.Last(func(conn db.DBTX) error {
		return db.New().DocumentNumberLock(ctx, conn, p.Kind)
	}, func(conn db.DBTX) (err error) {
		c.Document.Number, err = db.New().DocumentNumberTake(ctx, conn, p)
		return err
	})
}

// InTx is the transaction of Do, for whoever puts several changes into one.
func (s *Store) InTx(ctx context.Context, f func(pgx.Tx) error) error {
	return s.inTurn(ctx, func() error { return pg.InTx(ctx, s.DB, f) })
}

// inTurn runs a transaction. One that is a part of another has that one's turn.
func (s *Store) inTurn(ctx context.Context, transaction func() error) error {
	if s.Turns != nil && !pg.Joined(ctx) {
		if err := s.Turns.Acquire(ctx, 1); err != nil {
			return pg.Translate(err)
		}
		defer s.Turns.Release(1)
	}
	err := transaction()
	if err == nil && s.Committed != nil {
		s.Committed()
	}
	return pg.Translate(err)
}

// Record adds a row to the audit log. It is written at the end of the transaction.
func (c *Change) Record(e audit.Entry) error {
	if c.Origin.Offline != nil {
		e.Offline = c.Origin.Offline
	}
	details, err := e.Details()
	if err != nil {
		return err
	}
	r := &c.record
	user := int64(0)
	if c.Actor.SignedIn() {
		user = c.Actor.UserID
	}
	r.UserIds, r.Usernames = append(r.UserIds, user), append(r.Usernames, c.Actor.Username)
	r.Actions, r.ObjectTypes, r.ObjectIds = append(r.Actions, e.Action), append(r.ObjectTypes, e.Object), append(r.ObjectIds, e.ID)
	r.PatientIds, r.Details = append(r.PatientIds, orZero(e.PatientID)), append(r.Details, string(details))
	r.Descriptions = append(r.Descriptions, cmp.Or(e.Description, e.Object+": "+e.Action))
	return nil
}

func orZero(id *int64) int64 {
	if id == nil {
		return 0
	}
	return *id
}

// Edit changes a row from before, which is locked, into wanted: write makes it so and returns
// the row as it is then, which is recorded as e says. What is wanted already is not written
// again: there is no new version of a record that stays as it is. The log then says only that
// the caller saw a patient's record.
func Edit[R any](c *Change, e audit.Entry, before, wanted R, write func() (R, error)) (R, error) {
	e.Action, e.Before, e.After = audit.Edit, before, wanted
	alters, err := e.Alters()
	if err != nil {
		return before, err
	}
	if !alters {
		return before, c.see(e)
	}
	after, err := write()
	if err != nil {
		return after, err
	}
	e.After = after
	return after, c.Record(e)
}

func (c *Change) see(e audit.Entry) error {
	if e.PatientID == nil {
		return nil
	}
	return c.Record(audit.Entry{Action: audit.View, Object: e.Object, ID: e.ID, PatientID: e.PatientID})
}

// queue inserts jobs and works none.
var queue = sync.OnceValues(func() (*river.Client[pgx.Tx], error) {
	return river.NewClient(riverpgxv5.New(nil), &river.Config{Schema: pg.RiverSchema})
})

// Metadata is what a job knows of the request that enqueued it.
type Metadata struct {
	RequestID string `json:"request_id"`
	Trace     string `json:"traceparent,omitempty"` // as W3C writes it
}

// Enqueue asks for a background job, which there is when the change is committed. opts may
// be nil. The job's metadata hold the id of the request that caused it.
func (c *Change) Enqueue(ctx context.Context, args river.JobArgs, opts *river.InsertOpts) error {
	client, err := queue()
	if err != nil {
		return err
	}
	var o river.InsertOpts
	if opts != nil {
		o = *opts
	}
	if o.Metadata, err = json.Marshal(Metadata{RequestID: c.Origin.RequestID, Trace: tracing.Parent(ctx)}); err != nil {
		return err
	}
	if _, err := client.InsertTx(ctx, c.Tx, args, &o); err != nil {
		return fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return nil
}

// write writes what was recorded and announced.
func (c *Change) write(ctx context.Context) pg.Question {
	return func(conn db.DBTX) error {
		r := c.record
		if len(r.Actions)+len(r.Topics) == 0 {
			return nil
		}
		r.Now, r.RequestID = c.Now, c.Origin.RequestID
		if c.Origin.IP.IsValid() {
			r.IPAddress = &c.Origin.IP
		}
		return db.New().ChangeRecord(ctx, conn, r)
	}
}
