package patientimport

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/internal/apperr"
)

// chunk is how many patients one statement writes: few enough that progress is
// seen and that no statement runs into a time limit.
const chunk = 2000

// outcome is what the database did.
type outcome struct {
	created, allergies int
	differing          []int
}

// write brings the rows into the database in one transaction. It holds a lock that
// makes imports wait for one another; against everybody else the unique constraint
// of identifiers stands.
func write(ctx context.Context, pool *pgxpool.Pool, rows []row, o Options) (outcome, error) {
	// Read committed: what the import before this one wrote must be seen after the lock.
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return outcome{}, fmt.Errorf("begin the import: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := stage(ctx, tx, rows); err != nil {
		return outcome{}, err
	}
	done, err := compare(ctx, tx)
	if err != nil {
		return outcome{}, err
	}
	if err := insert(ctx, tx, done.created, o); err != nil || o.DryRun {
		return done, err
	}
	if err := tx.Commit(ctx); err != nil {
		return outcome{}, fmt.Errorf("commit the import: %w", err)
	}
	return done, nil
}

// stage takes the lock and copies the rows into a temporary table.
func stage(ctx context.Context, tx pgx.Tx, rows []row) error {
	for _, sql := range []string{lockSQL, stageSQL} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("prepare the import: %w", err)
		}
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"patient_import"}, []string{
		"line", "system", "value", "fhir_id", "first_name", "last_name", "date_of_birth", "gender", "contact_info",
		"address", "known_allergies", "allergies",
	}, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		r := &rows[i]
		return []any{r.line, r.key.system, r.key.value, r.fhirID, r.FirstName, r.LastName, r.DateOfBirth, r.Gender,
			r.ContactInfo, r.Address, r.KnownAllergies, r.allergies}, nil
	}))
	if err != nil {
		return fmt.Errorf("copy the patients: %w", err)
	}
	return nil
}

// compare finds who is new, and which of the others differ from their records.
func compare(ctx context.Context, tx pgx.Tx) (done outcome, err error) {
	for _, sql := range []string{analyzeSQL, hashJoinsSQL, newSQL, newIndexSQL} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return done, fmt.Errorf("compare the patients: %w", err)
		}
	}
	if err := tx.QueryRow(ctx, countSQL).Scan(&done.created, &done.allergies); err != nil {
		return done, fmt.Errorf("count the new patients: %w", err)
	}
	differing, err := tx.Query(ctx, differingSQL)
	if err == nil {
		done.differing, err = pgx.AppendRows([]int(nil), differing, pgx.RowTo[int])
	}
	if err == nil {
		_, err = tx.Exec(ctx, anyJoinsSQL)
	}
	if err != nil {
		return done, fmt.Errorf("compare the patients: %w", err)
	}
	return done, nil
}

// insert writes the new patients, their identifiers and their audit rows.
func insert(ctx context.Context, tx pgx.Tx, total int, o Options) error {
	for after := 0; after < total; after += chunk {
		batch := &pgx.Batch{}
		batch.Queue(patientSQL, after, chunk, o.RequestID)
		batch.Queue(identifierSQL, after, chunk)
		batch.Queue(fhirIdentifierSQL, after, chunk, FHIRSystem)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return writeError(err)
		}
		if o.Progress != nil {
			o.Progress("writing patients", int64(min(after+chunk, total)), int64(total))
		}
	}
	return nil
}

// writeError explains the one refusal that another writer can cause: an identifier
// was given to somebody while the import ran.
func writeError(err error) error {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.ConstraintName == "core_patientidentifier_value_key" {
		return apperr.New(apperr.Conflict, "identifier_taken",
			"Somebody recorded a patient of the file while the import ran, so nothing was written. Run it again.").Because(err)
	}
	return fmt.Errorf("write the patients: %w", err)
}
