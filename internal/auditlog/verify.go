package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"chelal/gen/db"
	"chelal/internal/pg"
)

// Verification is what a walk along the chain of seals found.
type Verification struct {
	Rows, Seals, Unsealed int64
	Head                  Head // the last seal that was verified
	// Archived are the partitions that are no longer there, ArchivedRows how many rows
	// they had by their seals.
	Archived     []string
	ArchivedRows int64
	// Complete says that the walk reached the newest seal or a broken place.
	Complete bool
	Broken   *Break
}

// Break is a place that is not as it was sealed.
type Break struct {
	Seal         int64
	Code, Detail string
}

// The codes of a Break.
const (
	SealMissing      = "seal_missing"
	SealChanged      = "seal_changed"
	RowChanged       = "row_changed"
	RowsRemoved      = "rows_removed"
	RowsInserted     = "rows_inserted"
	PartitionMissing = "partition_missing"
	BadSignature     = "signature"
)

// Verify walks the chain of seals behind the one with the id after (0 for all of it) and
// hashes every sealed row again, in bounded memory. It stops at the first broken place,
// and when goOn, which is told of each range, answers false.
func Verify(ctx context.Context, conn pg.DB, keys Keys, after int64, goOn func(Verification) bool) (Verification, error) {
	w := &walk{conn: conn, keys: keys, archived: map[string]bool{}}
	if err := w.begin(ctx, after); err != nil || w.Broken != nil {
		return w.Verification, err
	}
	for {
		seals, err := w.nextRange(ctx)
		if err != nil {
			return w.Verification, err
		}
		if len(seals) == 0 {
			w.Complete = true
			return w.Verification, w.end(ctx)
		}
		if err := w.verify(ctx, seals); err != nil {
			return w.Verification, err
		}
		if w.Broken != nil || !goOn(w.Verification) {
			return w.Verification, nil
		}
	}
}

// walk is a verification under way.
type walk struct {
	Verification
	conn       pg.DB
	keys       Keys
	latest     db.SealLatestRow // the last seal that was verified
	waiting    []db.SealListRow // read and not yet verified
	partitions []string
	archived   map[string]bool
}

func (w *walk) breakAt(seal int64, code, format string, args ...any) {
	w.Complete, w.Broken = true, &Break{seal, code, fmt.Sprintf(format, args...)}
}

func (w *walk) begin(ctx context.Context, after int64) (err error) {
	if w.partitions, err = db.New().AuditPartitionNames(ctx, w.conn); err != nil || after == 0 {
		return err
	}
	seal, err := db.New().SealGet(ctx, w.conn, after)
	if errors.Is(err, pgx.ErrNoRows) {
		w.breakAt(after, SealMissing, "There is no seal %d.", after)
		return nil
	}
	w.latest = db.SealLatestRow(seal)
	w.Head = headOf(w.latest)
	return err
}

// nextRange answers the seals of the next range, one a partition; none at the end.
func (w *walk) nextRange(ctx context.Context) ([]db.SealListRow, error) {
	const most = 500
	for {
		n := slices.IndexFunc(w.waiting, func(s db.SealListRow) bool {
			return s.Era != w.waiting[0].Era || s.FromXid != w.waiting[0].FromXid
		})
		if n > 0 {
			seals := w.waiting[:n]
			w.waiting = w.waiting[n:]
			return seals, nil
		}
		after := w.latest.ID
		if len(w.waiting) > 0 {
			after = w.waiting[len(w.waiting)-1].ID
		}
		more, err := db.New().SealList(ctx, w.conn, after, most)
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			seals := w.waiting
			w.waiting = nil
			return seals, nil
		}
		w.waiting = append(w.waiting, more...)
	}
}

// verify verifies the seals of one range and the rows that they cover.
func (w *walk) verify(ctx context.Context, seals []db.SealListRow) error {
	first := seals[0]
	if err := w.verifyBetween(ctx, first); err != nil || w.Broken != nil {
		return err
	}
	r, err := readRange(ctx, w.conn, first.Era, first.FromXid, first.ToXid, 0, nil)
	if err != nil {
		return err
	}
	for _, seal := range seals {
		s := db.SealLatestRow(seal)
		switch {
		case s.ID != w.latest.ID+1:
			w.breakAt(w.latest.ID+1, SealMissing, "Seal %d is missing.", w.latest.ID+1)
		case !bytes.Equal(s.Hash, chain(w.latest.Hash, s)):
			w.breakAt(s.ID, SealChanged, "Seal %d is not as it was made, or the one before it is not.", s.ID)
		default:
			w.verifyRows(s, r.parts[s.PartitionName])
		}
		if w.Broken != nil {
			return nil
		}
		delete(r.parts, s.PartitionName)
		w.latest, w.Head = s, headOf(s)
		w.Seals++
	}
	for _, name := range slices.Sorted(maps.Keys(r.parts)) {
		w.breakAt(first.ID, RowsInserted, "%d rows were put into %s behind its seal, where there were none.", r.parts[name].rows, name)
		return nil
	}
	return nil
}

// verifyBetween finds rows that were put between the last range and the next, which can
// only be between two eras; within one, ranges follow without a gap.
func (w *walk) verifyBetween(ctx context.Context, next db.SealListRow) error {
	switch {
	case w.latest.ID == 0, next.Era == w.latest.Era && next.FromXid == w.latest.ToXid:
		return nil
	case next.Era <= w.latest.Era || next.FromXid != 0:
		if next.ID == w.latest.ID+1 { // otherwise the missing seal says it better
			w.breakAt(next.ID, SealChanged, "Seal %d does not begin where the one before it ends.", next.ID)
		}
		return nil
	}
	r, err := readRange(ctx, w.conn, w.latest.Era, w.latest.ToXid, math.MaxInt64, 0, nil)
	if err == nil && r.rows > 0 {
		w.breakAt(next.ID, RowsInserted, "%d rows were put into an era that was sealed.", r.rows)
	}
	return err
}

// verifyRows holds what a seal says against the rows that it covers, nil when there are
// none.
func (w *walk) verifyRows(s db.SealLatestRow, found *part) {
	var rows int64
	if found != nil {
		rows = found.rows
	}
	switch {
	case found == nil && !slices.Contains(w.partitions, s.PartitionName):
		w.archive(s)
	case rows < s.RowCount:
		w.breakAt(s.ID, RowsRemoved, "Of the %d rows of %s that seal %d covers, %d are left.", s.RowCount, s.PartitionName, s.ID, rows)
	case rows > s.RowCount:
		w.breakAt(s.ID, RowsInserted, "Seal %d covers %d rows of %s, and there are %d.", s.ID, s.RowCount, s.PartitionName, rows)
	case !bytes.Equal(found.hash.Sum(nil), s.Content):
		w.breakAt(s.ID, RowChanged, "A row of %s that seal %d covers was changed.", s.PartitionName, s.ID)
	default:
		w.Rows += rows
	}
}

// archive notes that the rows of a seal are gone with their month. Months go from the
// oldest on: one that is gone while an older one is there was not archived.
func (w *walk) archive(s db.SealLatestRow) {
	if oldest := slices.Min(w.partitions); oldest < s.PartitionName {
		w.breakAt(s.ID, PartitionMissing, "%s, which seal %d covers, is gone, while the older %s is there.", s.PartitionName, s.ID, oldest)
		return
	}
	if !w.archived[s.PartitionName] {
		w.archived[s.PartitionName] = true
		w.Archived = append(w.Archived, s.PartitionName)
	}
	w.ArchivedRows += s.RowCount
}

// end looks at what is behind the newest seal.
func (w *walk) end(ctx context.Context) error {
	highest, err := db.New().SealHighest(ctx, w.conn)
	if err != nil {
		return err
	}
	switch {
	case highest > w.latest.ID:
		newest, err := db.New().SealLatest(ctx, w.conn)
		if err == nil && newest.ID >= highest {
			w.Complete = false // made meanwhile
			return nil
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		w.breakAt(w.latest.ID+1, SealMissing, "Seal %d is missing; the newest one was %d.", w.latest.ID+1, highest)
		return nil
	case w.latest.ID > 0 && !w.keys.signed(w.latest):
		w.breakAt(w.latest.ID, BadSignature, "Seal %d, the newest, is not signed by SECRET_KEY or SECRET_KEY_OLD.", w.latest.ID)
		return nil
	}
	w.Unsealed, err = db.New().AuditUnsealed(ctx, w.conn, max(w.latest.Era, 1), w.latest.ToXid)
	return err
}
