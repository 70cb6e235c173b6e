// Package adopt takes over a hospital from the Django system before this one: every row with its
// id, from its PostgreSQL into a fresh database. What cannot stand as it is here is changed as
// little as it can be and reported, in core_adoptionissue. It works in steps, each a
// transaction: first a copy of all rows as they are at one moment, then a table after the other
// from the copy. What a kill leaves undone the next run does.
package adopt

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/media"
	"chelal/internal/pg"
	"chelal/internal/picture"
	"chelal/internal/setting"
)

//go:embed steps/*.sql
var statements embed.FS

// Options say how to adopt.
type Options struct {
	// DryRun does everything and takes it back.
	DryRun bool
	// Zone is the IANA name of the hospital's time zone, by whose clock its appointments are.
	Zone string
	// Pictures is the folder of the Django system's uploads, MEDIA_ROOT. When it is nil, the
	// pictures of accounts are left behind.
	Pictures *os.Root
	// Media keeps the pictures.
	Media media.Store
	// Issues gets every issue as CSV with a header. It may be nil.
	Issues io.Writer
	// Progress is told of each step as it ends, which of how many it is. It may be nil.
	Progress func(step string, done, all int64)
}

// Report is what came of it.
type Report struct {
	// Already says that the hospital had been taken over before, and nothing was done.
	Already bool
	// Tables are the tables in their order.
	Tables []Count
	Issues []Issue
}

// Count is how many rows a table had and has.
type Count struct {
	Table        string
	Source, Here int64
}

// Issue is how many values of a column could not stand for the same reason.
type Issue struct {
	Table, Column, Code string
	Rows                int64
	// First is the lowest id of such a row.
	First int64
}

// The errors of Run that are for the person at the terminal.
var (
	ErrNotEmpty = errors.New("this database has accounts or patients of its own; take a hospital over into a fresh one, which chelal migrate up has prepared")
	ErrBusy     = errors.New("another chelal adopt is at work on this database")
)

// lastStep ends it.
const lastStep = "comparison"

// step is a transaction.
type step struct {
	name string
	work func(context.Context, pgx.Tx) error
}

// Run takes the hospital at from over into the database of pool.
func Run(ctx context.Context, from *pgx.Conn, pool *pgxpool.Pool, o Options) (Report, error) {
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return Report{}, err
	}
	defer conn.Release()
	var mine bool
	const lock = "hashtextextended('chelal adopt', 0)"
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock("+lock+")").Scan(&mine); err != nil {
		return Report{}, err
	}
	if !mine {
		return Report{}, ErrBusy
	}
	defer func() { _, _ = conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock("+lock+")") }() // its end unlocks it too
	a := &adoption{from: from, to: conn.Conn(), changes: &change.Store{DB: pool, Now: time.Now}, options: o}
	if !o.DryRun {
		return a.run(ctx, a.to, "taking over")
	}
	tx, err := a.to.Begin(ctx)
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // that is the point
	return a.run(ctx, tx, "trying")
}

// adoption is a hospital being taken over.
type adoption struct {
	from, to *pgx.Conn
	changes  *change.Store // for what has to outlast a step that fails
	options  Options
}

func (a *adoption) steps() []step {
	all := []step{{"copy", a.copy}, {"roles", script("roles")}, {"users", users}, {"pictures", a.pictures}}
	for _, name := range []string{"patients", "appointments", "care", "billing", "system"} {
		all = append(all, step{name, script(name)})
	}
	return append(all, step{"settings", settings}, step{"ids", script("finish")}, step{lastStep, compare})
}

// script runs the statements of a file.
func script(name string) func(context.Context, pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error {
		text, err := statements.ReadFile("steps/" + name + ".sql")
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, string(text))
		return err
	}
}

// run takes each step that was not taken yet, in a transaction of its own, or under the one
// that is to be taken back.
func (a *adoption) run(ctx context.Context, conn pg.DB, doing string) (Report, error) {
	steps := a.steps()
	already := true
	for n, s := range steps {
		err := pg.InTx(ctx, conn, func(tx pgx.Tx) error {
			taken, err := take(ctx, tx, s)
			already = already && !taken
			return err
		})
		if err != nil {
			return Report{}, err
		}
		a.options.Progress(doing+": "+s.name, int64(n+1), int64(len(steps)))
	}
	r, err := a.report(ctx)
	r.Already = already
	return r, err
}

// take takes a step, unless it was taken before, and says which.
func take(ctx context.Context, tx pgx.Tx, s step) (bool, error) {
	done, err := tx.Exec(ctx, "INSERT INTO core_adoptionstep (name) VALUES ($1) ON CONFLICT DO NOTHING", s.name)
	if err != nil || done.RowsAffected() == 0 {
		return false, err
	}
	if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = 0; SET LOCAL client_min_messages = warning"); err != nil {
		return false, err
	}
	if err := s.work(ctx, tx); err != nil {
		return false, fmt.Errorf("step %s: %w", s.name, err)
	}
	return true, nil
}

const foundSQL = `
CREATE SCHEMA adoption;
CREATE FUNCTION adoption.found(the_table text, the_row bigint, the_column text, the_code text, before text, after text) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO core_adoptionissue (table_name, row_id, column_name, code, old_value, new_value)
    VALUES (the_table, the_row, the_column, the_code, before, after)
$$`

// copy copies every row as it is into the schema adoption.
func (a *adoption) copy(ctx context.Context, tx pgx.Tx) error {
	var ours bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM core_user) OR EXISTS (SELECT FROM core_patient)").Scan(&ours); err != nil {
		return err
	}
	if ours {
		return ErrNotEmpty
	}
	if err := db.New().HospitalZoneSet(ctx, tx, a.options.Zone); err != nil {
		return err
	}
	from, err := open(ctx, a.from)
	if err != nil {
		return err
	}
	defer from.close(ctx)
	if _, err := tx.Exec(ctx, foundSQL); err != nil {
		return err
	}
	for n, t := range tables {
		if err := from.copyTo(ctx, tx, t); err != nil {
			return err
		}
		unknown, err := from.unknown(ctx, t)
		if err != nil {
			return err
		}
		for name, filled := range unknown {
			if err := find(ctx, tx, t.name, 0, name, "column_unknown", fmt.Sprintf("%d rows", filled), ""); err != nil {
				return err
			}
		}
		a.options.Progress("copying", int64(n+1), int64(len(tables)))
	}
	for _, name := range leftBehind {
		left, err := from.count(ctx, name)
		if err != nil {
			return err
		}
		if left > 0 {
			if err := find(ctx, tx, name, 0, "", "table_left_behind", fmt.Sprintf("%d rows", left), ""); err != nil {
				return err
			}
		}
	}
	return nil
}

func find(ctx context.Context, tx pgx.Tx, table string, row int64, column, code, before, after string) error {
	_, err := tx.Exec(ctx, "SELECT adoption.found($1, $2, $3, $4, nullif($5, ''), nullif($6, ''))", table, row, column, code, before, after)
	return err
}

// users also tells whose password cannot be checked any more; an unusable one, as Django calls
// it, begins with an exclamation mark and never could.
func users(ctx context.Context, tx pgx.Tx) error {
	if err := script("users")(ctx, tx); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT id, password FROM adoption."user" WHERE password <> '' AND password NOT LIKE '!%' ORDER BY id`)
	if err != nil {
		return err
	}
	type account struct {
		ID       int64
		Password string
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[account])
	if err != nil {
		return err
	}
	for _, u := range accounts {
		if authn.Readable(u.Password) {
			continue
		}
		form, _, _ := strings.Cut(u.Password, "$")
		if err := find(ctx, tx, "user", u.ID, "password", "password_unreadable", form, ""); err != nil {
			return err
		}
	}
	return nil
}

// pictures draws the pictures of accounts anew, under names that nobody can guess.
func (a *adoption) pictures(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT id, profile_image FROM adoption."user" WHERE profile_image <> '' ORDER BY id`)
	if err != nil {
		return err
	}
	type account struct {
		ID    int64
		Image string
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[account])
	if err != nil {
		return err
	}
	for n, u := range accounts {
		name, code, err := a.picture(ctx, u.Image)
		if err != nil {
			return fmt.Errorf("the picture %s of account %d: %w", u.Image, u.ID, err)
		}
		if err := find(ctx, tx, "user", u.ID, "profile_image", code, u.Image, name); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE core_user SET profile_image = nullif($2, '') WHERE id = $1", u.ID, name); err != nil {
			return err
		}
		a.options.Progress("drawing pictures", int64(n+1), int64(len(accounts)))
	}
	return nil
}

// picture keeps one and answers its name here, "" when it cannot be kept, and the issue's code.
func (a *adoption) picture(ctx context.Context, path string) (name, code string, err error) {
	if a.options.Pictures == nil {
		return "", "image_left_behind", nil
	}
	file, err := a.options.Pictures.ReadFile(path)
	if !filepath.IsLocal(path) || errors.Is(err, fs.ErrNotExist) {
		return "", "image_missing", nil
	}
	if err != nil {
		return "", "", err
	}
	drawn, err := media.Redraw(ctx, file)
	if refused, ok := errors.AsType[*apperr.Error](err); ok && refused.Kind == apperr.Invalid {
		return "", "image_unreadable", nil
	}
	if err != nil || a.options.DryRun {
		return media.NewName(), "image_redrawn", err
	}
	name, err = picture.Keep(ctx, a.changes, a.options.Media, drawn)
	return name, "image_redrawn", err
}

// settings are the same when their keys are. Values that this program cannot read stay behind.
func settings(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, "SELECT id, key, value, description, category, is_public, updated_at FROM adoption.systemsetting ORDER BY id")
	if err != nil {
		return err
	}
	type row struct {
		ID                                int64
		Key, Value, Description, Category string
		IsPublic                          bool
		UpdatedAt                         any
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, r := range all {
		values[r.Key] = r.Value
	}
	for _, r := range all {
		wrong := setting.Check(r.Key, r.Value)
		if other, ok := values[setting.OtherEnd(r.Key)]; wrong == nil && ok {
			wrong = setting.CheckHours(r.Key, r.Value, other)
		}
		if wrong != nil {
			if err := find(ctx, tx, "systemsetting", r.ID, "value", "setting_not_valid", r.Value, ""); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO core_systemsetting (id, key, value, description, category, is_public, updated_at)
			SELECT CASE WHEN EXISTS (SELECT FROM core_systemsetting c WHERE c.id = $1)
				THEN greatest((SELECT max(c.id) FROM core_systemsetting c), (SELECT max(s.id) FROM adoption.systemsetting s)) + 1 ELSE $1 END,
				$2, $3, $4, $5, $6, $7
			ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, description = EXCLUDED.description, category = EXCLUDED.category,
				is_public = EXCLUDED.is_public, updated_at = EXCLUDED.updated_at`,
			r.ID, r.Key, r.Value, r.Description, r.Category, r.IsPublic, r.UpdatedAt); err != nil {
			return err
		}
	}
	return nil
}
