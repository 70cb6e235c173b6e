package auditlog

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/pg"
)

// Keys sign seals: the first one new ones, all of them are known.
type Keys [][]byte

// NewKeys derives the keys of the secrets, the current one first.
func NewKeys(secrets ...[]byte) Keys {
	var keys Keys
	for _, secret := range secrets {
		keys = append(keys, authn.DeriveKey(secret, "audit-seal"))
	}
	return keys
}

func (k Keys) sign(hash []byte) []byte {
	mac := hmac.New(sha256.New, k[0])
	mac.Write(hash)
	return mac.Sum(nil)
}

func (k Keys) signed(s db.SealLatestRow) bool {
	return slices.ContainsFunc(k, func(key []byte) bool { return hmac.Equal(Keys{key}.sign(s.Hash), s.Signature) })
}

// ErrSignature is the answer to a newest seal that none of the keys has signed. Nothing
// is sealed behind it: that would put a good signature on somebody else's chain.
var ErrSignature = errors.New("the newest seal of the audit log is not signed by SECRET_KEY or SECRET_KEY_OLD")

// sealedAtOnce is about how many rows a range has, so that a broken place is a small one.
const sealedAtOnce = 10_000

// How many rows are read at once, and where there is a rest behind them: some milliseconds of work.
const (
	pageRows       = 2_000
	pageBeforeRest = 500
)

// Sealed is what was done by sealing.
type Sealed struct {
	Seals, Rows int64
	Head        Head
}

// Head is the newest seal. Kept elsewhere, it shows when the end of the log is cut off.
type Head struct {
	Seal int64
	Hash string // hexadecimal
}

func headOf(s db.SealLatestRow) Head { return Head{s.ID, hex.EncodeToString(s.Hash)} }

// Newest answers the newest seal, the zero Head when there is none.
func Newest(ctx context.Context, conn db.DBTX) (Head, error) {
	seal, err := db.New().SealLatest(ctx, conn)
	if errors.Is(err, pgx.ErrNoRows) {
		return Head{}, nil
	}
	return headOf(seal), err
}

// CheckNoted returns an error that says so when a head that was noted before is no longer
// in the chain. The zero Head always is.
func CheckNoted(ctx context.Context, conn db.DBTX, noted Head) error {
	if noted.Seal == 0 {
		return nil
	}
	seal, err := db.New().SealGet(ctx, conn, noted.Seal)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("the audit log is broken: seal %d, which was noted, is gone", noted.Seal)
	case err != nil:
		return err
	case headOf(db.SealLatestRow(seal)) != noted:
		return fmt.Errorf("the audit log is broken: seal %d is another than the one that was noted", noted.Seal)
	}
	return nil
}

// Seal seals every row that is complete when it begins and not sealed yet. Any number of
// processes may do so at once. accept may name the hash of a newest seal whose key is lost;
// without it such a seal is ErrSignature.
func Seal(ctx context.Context, conn pg.DB, keys Keys, now time.Time, accept string) (Sealed, error) {
	return seal(ctx, conn, sealing{keys: keys, now: now, accept: accept})
}

// SealGently is Seal beside others who are not to notice: it rests after each page of rows, and
// is told for how long it worked. What rest fails with ends it.
func SealGently(ctx context.Context, conn pg.DB, keys Keys, now time.Time, rest Rest) (Sealed, error) {
	return seal(ctx, conn, sealing{keys: keys, now: now, rest: rest})
}

// Rest waits until there may be work again.
type Rest func(ctx context.Context, worked time.Duration) error

func seal(ctx context.Context, conn pg.DB, one sealing) (Sealed, error) {
	one.now = one.now.UTC().Truncate(time.Microsecond)
	if err := BeginEra(ctx, conn); err != nil {
		return Sealed{}, err
	}
	// What is complete is asked before the rows are read: then all of it is seen. It is asked
	// once, or sealing would go on for as long as others write.
	horizon, err := db.New().SealHorizon(ctx, conn)
	if err != nil {
		return Sealed{}, err
	}
	one.complete = horizon.Complete
	var all Sealed
	for {
		more := false
		err := pg.InTx(ctx, conn, func(tx pgx.Tx) error {
			s := one
			s.tx = tx
			var err error
			more, err = s.seal(ctx)
			all.Seals, all.Rows, all.Head = all.Seals+s.done.Seals, all.Rows+s.done.Rows, headOf(s.latest)
			return err
		})
		if err != nil || !more {
			return all, err
		}
	}
}

// sealing is the sealing of one range.
type sealing struct {
	tx       pgx.Tx
	keys     Keys
	now      time.Time
	accept   string
	rest     Rest  // nil for none
	complete int64 // below this transaction
	latest   db.SealLatestRow
	done     Sealed
}

// seal seals one range and reports whether another may follow.
func (s *sealing) seal(ctx context.Context) (bool, error) {
	q := db.New()
	if err := q.SealsLock(ctx, s.tx); err != nil {
		return false, err
	}
	latest, err := q.SealLatest(ctx, s.tx)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		latest.Era = 1
	case err != nil:
		return false, err
	}
	s.latest = latest
	if latest.ID > 0 && !s.keys.signed(latest) && headOf(latest).Hash != s.accept {
		return false, ErrSignature
	}
	last, err := q.AuditLast(ctx, s.tx)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	era, from, to := latest.Era, latest.ToXid, s.complete
	if last.Era > era {
		to = math.MaxInt64 // an era that is over is complete
	}
	r, err := readRange(ctx, s.tx, era, from, to, sealedAtOnce, s.rest)
	if err != nil {
		return false, err
	}
	if r.rows == 0 && last.Era > era {
		if r, err = readRange(ctx, s.tx, last.Era, 0, s.complete, sealedAtOnce, s.rest); err != nil {
			return false, err
		}
	}
	if r.rows == 0 {
		return false, nil
	}
	return r.era < last.Era || r.to < s.complete, s.write(ctx, r)
}

func (s *sealing) write(ctx context.Context, r *sealedRange) error {
	for _, name := range slices.Sorted(maps.Keys(r.parts)) {
		part := r.parts[name]
		next := db.SealLatestRow{
			ID: s.latest.ID + 1, Era: r.era, FromXid: r.from, ToXid: r.to, PartitionName: name, RowCount: part.rows,
			SealedAt: s.now, Content: part.hash.Sum(nil),
		}
		next.Hash = chain(s.latest.Hash, next)
		next.Signature = s.keys.sign(next.Hash)
		if err := db.New().SealCreate(ctx, s.tx, db.SealCreateParams(next)); err != nil {
			return err
		}
		s.latest = next
		s.done.Seals++
		s.done.Rows += part.rows
	}
	return nil
}

// chain is the hash of a seal behind the one that has the hash previous.
func chain(previous []byte, s db.SealLatestRow) []byte {
	h := sha256.New()
	h.Write(previous)
	header, err := json.Marshal([]any{s.ID, s.Era, s.FromXid, s.ToXid, s.PartitionName, s.RowCount,
		s.SealedAt.UTC().Format(time.RFC3339Nano), hex.EncodeToString(s.Content)})
	if err != nil {
		panic(err) // numbers and texts
	}
	h.Write(header)
	return h.Sum(nil)
}

// sealedRange are the rows that the transactions from one up to another, which is not
// among them, wrote in an era.
type sealedRange struct {
	era      int32
	from, to int64
	rows     int64
	parts    map[string]*part
}

// part are those of them in one partition.
type part struct {
	rows int64
	hash hash.Hash
}

// readRange reads the rows of a range in pages, and rests between them unless rest is nil. With a
// number of rows at which to end it ends there, but never within a transaction.
func readRange(ctx context.Context, conn pg.DB, era int32, from, to int64, most int64, rest Rest) (*sealedRange, error) {
	r := &sealedRange{era: era, from: from, to: to, parts: map[string]*part{}}
	page := db.AuditRangeParams{Era: era, AfterXid: from, AfterID: math.MinInt64, ToXid: to, Most: pageRows}
	if rest != nil {
		page.Most = pageBeforeRest
	}
	for {
		began := time.Now()
		rows, err := readPage(ctx, conn, page)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			r.add(row)
		}
		if len(rows) < int(page.Most) {
			// Of an era that is over nothing more can come: its end is that of its rows.
			if r.to == math.MaxInt64 && len(rows) > 0 {
				r.to = rows[len(rows)-1].Xid + 1
			} else if r.to == math.MaxInt64 {
				r.to = page.AfterXid + 1
			}
			return r, nil
		}
		if rest != nil {
			if err := rest(ctx, time.Since(began)); err != nil {
				return nil, err
			}
		}
		page.AfterXid, page.AfterID = rows[len(rows)-1].Xid, rows[len(rows)-1].ID
		if most > 0 && r.rows >= most {
			r.to, page.ToXid, most = page.AfterXid+1, page.AfterXid+1, 0
		}
	}
}

// inOrder has the planner follow the index. It expects few rows of the latest transactions,
// and for each page it would sort all that is left of a bulk load.
const inOrder = "SET LOCAL enable_sort = off"

func readPage(ctx context.Context, conn pg.DB, page db.AuditRangeParams) (rows []db.AuditRangeRow, err error) {
	err = pg.InTx(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, inOrder); err != nil {
			return err
		}
		rows, err = db.New().AuditRange(ctx, tx, page)
		return err
	})
	return rows, err
}

func (r *sealedRange) add(row db.AuditRangeRow) {
	p := r.parts[row.PartitionName]
	if p == nil {
		p = &part{hash: sha256.New()}
		r.parts[row.PartitionName] = p
	}
	fmt.Fprintf(p.hash, "%d:%s", len(row.Content), row.Content)
	p.rows++
	r.rows++
}

// BeginEra begins a new era when the cluster's transactions are behind those in the log,
// as they are when the database was restored into another cluster. It is to be called
// before anything is written.
func BeginEra(ctx context.Context, conn pg.DB) error {
	q := db.New()
	last, err := q.AuditLast(ctx, conn)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if seal, err := q.SealLatest(ctx, conn); err == nil && (seal.Era > last.Era || seal.Era == last.Era && seal.ToXid > last.Xid) {
		last = db.AuditLastRow{Era: seal.Era, Xid: seal.ToXid - 1}
	} else if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	// After the rows: of a transaction that was committed by then, the cluster knows. The other
	// way round, one that began and ended in between would seem to come from another cluster.
	horizon, err := q.SealHorizon(ctx, conn)
	if err != nil {
		return err
	}
	if last.Era == 0 || horizon.Next > last.Xid {
		return nil
	}
	_, err = conn.Exec(ctx, fmt.Sprintf("ALTER TABLE ONLY core_auditlog ALTER COLUMN era SET DEFAULT %d", last.Era+1))
	return err
}
