package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/change"
	"chelal/internal/patient"
	"chelal/internal/pg"
)

// belonging is a kind of rows that belong to a patient. Its queries move those of a
// merge's duplicate to the survivor, and back.
type belonging struct {
	name           string
	merge, unmerge move
}

type move func(ctx context.Context, conn db.DBTX, mergeID int64) (int64, error)

// belongings are all there are; a test finds a table that is missing.
var belongings = []belonging{
	{"appointments", db.New().MergeAppointments, db.New().UnmergeAppointments},
	{"encounters", db.New().MergeEncounters, db.New().UnmergeEncounters},
	{"bills", db.New().MergeBills, db.New().UnmergeBills},
	{"identifiers", db.New().MergeIdentifiers, db.New().UnmergeIdentifiers},
	{"earlier duplicates", db.New().MergePointers, db.New().UnmergePointers},
}

// MergePatient moves everything that belongs to a duplicate to a patient.
func (h *handlers) MergePatient(ctx context.Context, r api.MergePatientRequestObject) (api.MergePatientResponseObject, error) {
	if r.Body.Duplicate == r.ID {
		return nil, samePatient
	}
	return once(ctx, h, "mergePatient", r.Params.IdempotencyKey, api.MergePatientResponseObject.VisitMergePatientResponse,
		func(c *change.Change) (api.MergePatientResponseObject, error) {
			row, err := mergePatients(ctx, c, r.ID, r.Body.Duplicate)
			return api.MergePatient200JSONResponse{
				Body: toAPIPatient(row), Headers: api.MergePatient200ResponseHeaders{ETag: etag(row.Version)},
			}, err
		})
}

// mergePatients returns the survivor.
func mergePatients(ctx context.Context, c *change.Change, survivorID, duplicateID int64) (db.CorePatient, error) {
	if err := db.New().MergesLock(ctx, c.Tx); err != nil {
		return db.CorePatient{}, err
	}
	records, err := lockRecords(ctx, c, survivorID, duplicateID)
	if err != nil {
		return db.CorePatient{}, err
	}
	survivor, duplicate := records[survivorID], records[duplicateID]
	m, err := createMerge(ctx, c, survivor, duplicate)
	if err != nil {
		return db.CorePatient{}, err
	}
	moved, err := moveBelongings(ctx, c, m.ID, func(b belonging) move { return b.merge })
	if err != nil {
		return db.CorePatient{}, err
	}
	survivor.after.KnownAllergies = m.AllergiesAfter
	if m.UserID != nil {
		survivor.after.UserID, duplicate.after.UserID = m.UserID, nil
	}
	duplicate.after.MergedIntoID = &survivorID
	description := fmt.Sprintf("%s merged into %s, with %s", duplicate.before.UniqueID, survivor.before.UniqueID, moved)
	// The duplicate first: an account belongs to one record at a time.
	if _, err := duplicate.write(ctx, c, description); err != nil {
		return db.CorePatient{}, err
	}
	return survivor.write(ctx, c, description)
}

// createMerge notes what the merge of two locked records, each nil when there is none,
// will do; it refuses what cannot be merged.
func createMerge(ctx context.Context, c *change.Change, survivor, duplicate *record) (db.CorePatientmerge, error) {
	if err := checkMerge(survivor, duplicate); err != nil {
		return db.CorePatientmerge{}, err
	}
	allergies, ok := patient.JoinAllergies(survivor.before.KnownAllergies, duplicate.before.KnownAllergies)
	if !ok {
		return db.CorePatientmerge{}, allergiesTooLong
	}
	return db.New().MergeCreate(ctx, c.Tx, db.MergeCreateParams{
		SurvivorID: survivor.before.ID, DuplicateID: duplicate.before.ID, UserID: duplicate.before.UserID,
		AllergiesBefore: survivor.before.KnownAllergies, AllergiesAfter: allergies, Now: c.Now,
	})
}

func checkMerge(survivor, duplicate *record) error {
	switch {
	case survivor == nil:
		return apperr.Missing()
	case duplicate == nil:
		return noSuchDuplicate
	case duplicate.before.MergedIntoID != nil:
		return checkUnmerged(duplicate.before, "duplicate")
	case survivor.before.UserID != nil && duplicate.before.UserID != nil:
		return bothHaveAccounts
	}
	return checkUnmerged(survivor.before, "")
}

// checkUnmerged refuses a record that was merged into another: it is history. The field
// is the property that names the record, or empty when the path does.
func checkUnmerged(p db.CorePatient, field string) error {
	if p.MergedIntoID == nil {
		return nil
	}
	refusal := recordMerged
	if field != "" {
		refusal = refusal.OnField(field, refusal.Code)
	}
	return refusal.With("merged_into", *p.MergedIntoID)
}

// UnmergePatient gives a duplicate back what its merge took.
func (h *handlers) UnmergePatient(ctx context.Context, r api.UnmergePatientRequestObject) (api.UnmergePatientResponseObject, error) {
	return once(ctx, h, "unmergePatient", r.Params.IdempotencyKey, api.UnmergePatientResponseObject.VisitUnmergePatientResponse,
		func(c *change.Change) (api.UnmergePatientResponseObject, error) {
			row, err := unmergePatient(ctx, c, r.ID)
			return api.UnmergePatient200JSONResponse{
				Body: toAPIPatient(row), Headers: api.UnmergePatient200ResponseHeaders{ETag: etag(row.Version)},
			}, err
		})
}

// unmergePatient returns the duplicate. Its records are with the holder, who is another
// than the survivor of its merge when that was itself merged later.
func unmergePatient(ctx context.Context, c *change.Change, id int64) (db.CorePatient, error) {
	m, holderID, err := openMerge(ctx, c, id)
	if err != nil {
		return db.CorePatient{}, err
	}
	records, err := lockRecords(ctx, c, id, holderID, m.SurvivorID)
	if err != nil {
		return db.CorePatient{}, err
	}
	duplicate, holder, survivor := records[id], records[holderID], records[m.SurvivorID]
	if err := db.New().MergeClose(ctx, c.Tx, c.Now, m.ID); err != nil {
		return db.CorePatient{}, err
	}
	moved, err := moveBelongings(ctx, c, m.ID, func(b belonging) move { return b.unmerge })
	if err != nil {
		return db.CorePatient{}, err
	}
	if err := db.New().MergeForget(ctx, c.Tx, m.ID); err != nil {
		return db.CorePatient{}, err
	}
	if survivor.before.KnownAllergies == m.AllergiesAfter {
		if survivor.after.KnownAllergies, err = allergiesLeft(ctx, c, m); err != nil {
			return db.CorePatient{}, err
		}
	}
	if m.UserID != nil && valueOr(holder.before.UserID, 0) == *m.UserID {
		duplicate.after.UserID, holder.after.UserID = m.UserID, nil
	}
	duplicate.after.MergedIntoID = nil
	description := fmt.Sprintf("%s no longer merged into %s, with %s", duplicate.before.UniqueID, survivor.before.UniqueID, moved)
	if survivor != holder {
		if _, err := survivor.write(ctx, c, description); err != nil {
			return db.CorePatient{}, err
		}
	}
	// The holder before the duplicate: an account belongs to one record at a time.
	if _, err := holder.write(ctx, c, description); err != nil {
		return db.CorePatient{}, err
	}
	return duplicate.write(ctx, c, description)
}

// openMerge finds the merge of a duplicate that can be undone, and who has its records.
func openMerge(ctx context.Context, c *change.Change, duplicateID int64) (m db.CorePatientmerge, holderID int64, err error) {
	if err := db.New().MergesLock(ctx, c.Tx); err != nil {
		return m, 0, err
	}
	duplicate, err := db.New().PatientGet(ctx, c.Tx, duplicateID, nil)
	if err != nil {
		return m, 0, err
	}
	if duplicate.MergedIntoID == nil {
		return m, 0, notMerged
	}
	m, err = db.New().MergeOpen(ctx, c.Tx, duplicateID)
	return m, *duplicate.MergedIntoID, err
}

// allergiesLeft answers what the survivor of an undone merge is known to be allergic to:
// what it was before, and what those have who are still merged into it.
func allergiesLeft(ctx context.Context, c *change.Change, m db.CorePatientmerge) (string, error) {
	others, err := db.New().MergedAllergies(ctx, c.Tx, m.SurvivorID)
	left := m.AllergiesBefore
	for _, other := range others {
		joined, ok := patient.JoinAllergies(left, other)
		if !ok {
			return m.AllergiesAfter, nil
		}
		left = joined
	}
	return left, err
}

// record is a patient whom a merge, or the undoing of one, changes.
type record struct{ before, after db.CorePatient }

// lockRecords locks the patients with these ids and those merged into them. Before them it
// locks their accounts and the doctors of their bookings: a booking that gets another
// patient is compared with the doctor's others once more, which somebody may be making.
func lockRecords(ctx context.Context, c *change.Change, ids ...int64) (map[int64]*record, error) {
	patients, err := db.New().MergeRecords(ctx, c.Tx, ids)
	if err != nil {
		return nil, err
	}
	users, err := db.New().MergeUsers(ctx, c.Tx, ids)
	if err != nil {
		return nil, err
	}
	locked, err := lockParties(ctx, c, users, patients)
	if err != nil {
		return nil, err
	}
	usersNow, err := db.New().MergeUsers(ctx, c.Tx, ids)
	if err == nil && !slices.Equal(users, usersNow) {
		err = recordsChanged
	}
	records := map[int64]*record{}
	for id, row := range locked.patients {
		records[id] = &record{row, row}
	}
	return records, err
}

// moveBelongings moves what belongs to a merge's duplicate and says how much it was.
func moveBelongings(ctx context.Context, c *change.Change, mergeID int64, way func(belonging) move) (string, error) {
	var moved []string
	for _, b := range belongings {
		n, err := way(b)(ctx, c.Tx, mergeID)
		if errors.Is(pg.Translate(err), pg.SlotTaken) {
			return "", overlappingBookings.Because(err)
		}
		if err != nil {
			return "", err
		}
		moved = append(moved, fmt.Sprintf("%s: %d", b.name, n))
	}
	return strings.Join(moved, ", "), nil
}

func (r *record) write(ctx context.Context, c *change.Change, description string) (db.CorePatient, error) {
	row, err := db.New().PatientMerged(ctx, c.Tx, db.PatientMergedParams{
		ID: r.before.ID, KnownAllergies: r.after.KnownAllergies, UserID: r.after.UserID,
		MergedIntoID: r.after.MergedIntoID, Now: c.Now,
	})
	if err != nil {
		return row, err
	}
	return row, c.Record(audit.Entry{
		Action: audit.Edit, Object: "patient", ID: row.ID, PatientID: &row.ID, Description: description,
		Before: r.before, After: row,
	})
}

var (
	recordMerged = apperr.New(apperr.Conflict, "patient_merged",
		"This record was merged into another; use that one.")
	notMerged        = apperr.New(apperr.Conflict, "not_merged", "This record is not merged into another.")
	bothHaveAccounts = apperr.New(apperr.Conflict, "both_have_accounts",
		"Both records have an account; unlink one of them first.")
	overlappingBookings = apperr.New(apperr.Conflict, "overlapping_bookings",
		"Both records have bookings at the same time; cancel or move one of them first.")
	allergiesTooLong = apperr.New(apperr.Conflict, "allergies_too_long",
		"The known allergies of both records together exceed 10,000 characters; shorten one of them first.")
	recordsChanged = apperr.New(apperr.Conflict, "changed_meanwhile",
		"Somebody changed the bookings or the account of these records at the same moment. Repeat the request.")
	samePatient = apperr.InvalidFields(apperr.Field{Name: "duplicate", Code: "same_patient",
		Message: "A record cannot be merged into itself."})
	noSuchDuplicate = apperr.InvalidFields(apperr.Field{Name: "duplicate", Code: "does_not_exist",
		Message: "There is no patient with this id."})
)
