// Package backup saves a hospital whole and brings it back: the database at one moment, the
// files that its rows name, and a manifest that says what there was, so that what is restored can be
// compared. A backup is a folder: database.dump as pg_dump writes it, media, and manifest.json,
// which is written last.
package backup

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/gen/db"
	"chelal/internal/auditlog"
	"chelal/internal/authn"
	"chelal/internal/media"
	"chelal/internal/reportfile"
)

const (
	dumpFile     = "database.dump"
	manifestFile = "manifest.json"
	mediaFolder  = "media"
	prefix       = "chelal-"
	timeFormat   = "20060102T150405Z"
)

// Manifest says what is in a backup.
type Manifest struct {
	Program   string    `json:"program"` // the version that made it
	CreatedAt time.Time `json:"created_at"`
	Schema    int64     `json:"schema"` // the number of the last migration
	// Key tells whether a SECRET_KEY is that of the hospital; it says nothing about the key.
	Key      string           `json:"key"`
	Database File             `json:"database"`
	Media    []File           `json:"media"`
	Missing  []string         `json:"missing"` // files that rows name and that were not there
	Tables   map[string]Table `json:"tables"`
	Seal     auditlog.Head    `json:"seal"` // the newest of the audit log
}

// File is one of the backup.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Table is what a table held: how many rows, and a checksum over all of them in any order.
type Table struct {
	Rows     int64  `json:"rows"`
	Checksum string `json:"checksum"`
}

// Options are what a backup is made of.
type Options struct {
	Pool    *pgxpool.Pool
	URL     string // of the database, for pg_dump
	Media   media.Store
	Secret  []byte
	Program string
	Now     time.Time
	// Progress is told of each part as it is done. It may be nil.
	Progress func(part string, done, all int64)
}

// Make makes a backup in a new folder inside folder and answers its path. Until it is complete the
// folder has another name.
func Make(ctx context.Context, folder string, o Options) (path string, m Manifest, err error) {
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", m, err
	}
	path = filepath.Join(folder, prefix+o.Now.UTC().Format(timeFormat))
	part := path + ".part"
	if err := os.Mkdir(part, 0o700); err != nil {
		return "", m, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(part))
		}
	}()
	m = Manifest{Program: o.Program, CreatedAt: o.Now.UTC(), Key: fingerprint(o.Secret), Media: []File{}, Missing: []string{}}
	if err := m.fill(ctx, part, o); err != nil {
		return "", m, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return "", m, err
	}
	if _, err := save(part, manifestFile, strings.NewReader(string(text))); err != nil {
		return "", m, err
	}
	return path, m, os.Rename(part, path)
}

// fingerprint tells keys apart without telling the key.
func fingerprint(secret []byte) string {
	mac := hmac.New(sha256.New, authn.DeriveKey(secret, "backup"))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// fill reads everything of one moment: pg_dump gets the snapshot of the transaction that counts.
// Files come before the dump, which takes long: what a row names then is hardly ever gone.
func (m *Manifest) fill(ctx context.Context, folder string, o Options) error {
	tx, err := o.Pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it only read
	var snapshot string
	if err := tx.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&snapshot); err != nil {
		return err
	}
	if err := m.saveMedia(ctx, tx, folder, o); err != nil {
		return err
	}
	o.Progress("database", 0, 1)
	if err := run(ctx, o.URL, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--snapshot="+snapshot,
		"--file="+filepath.Join(folder, dumpFile)); err != nil {
		return err
	}
	if m.Database, err = describe(folder, dumpFile); err != nil {
		return err
	}
	o.Progress("database", 1, 1)
	if err := tx.QueryRow(ctx, "SELECT version FROM schema_migrations").Scan(&m.Schema); err != nil {
		return err
	}
	if m.Seal, err = auditlog.Newest(ctx, tx); err != nil {
		return err
	}
	m.Tables, err = count(ctx, tx, o.Progress)
	return err
}

func (m *Manifest) saveMedia(ctx context.Context, tx pgx.Tx, folder string, o Options) error {
	names, err := named(ctx, tx)
	if err != nil {
		return err
	}
	for n, name := range names {
		switch f, err := saveOne(ctx, folder, name, o.Media); {
		case errors.Is(err, media.ErrMissing):
			m.Missing = append(m.Missing, name)
		case err != nil:
			return fmt.Errorf("save %s: %w", name, err)
		default:
			m.Media = append(m.Media, f)
		}
		o.Progress("files", int64(n+1), int64(len(names)))
	}
	return nil
}

func saveOne(ctx context.Context, folder, name string, store media.Store) (File, error) {
	in, _, err := store.Open(ctx, name)
	if err != nil {
		return File{}, err
	}
	defer func() { _ = in.Close() }() // it was read
	f, err := save(folder, mediaFolder+"/"+name, in)
	f.Name = name
	return f, err
}

// named answers the names of the files that rows have.
func named(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, "SELECT profile_image FROM core_user WHERE profile_image IS NOT NULL ORDER BY 1")
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	rows, err = tx.Query(ctx, "SELECT id, format FROM core_reportfile WHERE status = 'ready' ORDER BY id")
	if err != nil {
		return nil, err
	}
	reports, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var f db.CoreReportfile
		err := row.Scan(&f.ID, &f.Format)
		return reportfile.Name(f), err
	})
	return append(names, reports...), err
}

// save writes a file that outlasts a crash.
func save(folder, name string, from io.Reader) (File, error) {
	path := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return File{}, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return File{}, err
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, sum), from)
	if err == nil {
		err = f.Sync()
	}
	return File{name, size, hex.EncodeToString(sum.Sum(nil))}, errors.Join(err, f.Close())
}

func describe(folder, name string) (File, error) {
	f, err := os.Open(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		return File{}, err
	}
	defer func() { _ = f.Close() }() // it was read
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err == nil {
		err = f.Sync()
	}
	return File{name, size, hex.EncodeToString(sum.Sum(nil))}, err
}

// Prune removes the backups in folder that are older than keep, and those that were never
// completed, but never the newest complete one. It answers what it removed.
func Prune(folder string, keep time.Duration, now time.Time) (removed []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var complete []string
	for _, e := range entries {
		name, begun := strings.CutSuffix(e.Name(), ".part")
		made, err := time.Parse(prefix+timeFormat, name)
		switch {
		case err != nil || !e.IsDir():
		case !begun:
			complete = append(complete, e.Name())
		case now.Sub(made) > 24*time.Hour: // nobody is at it any more
			removed = append(removed, e.Name())
		}
	}
	slices.Sort(complete)
	for i, name := range complete {
		if made, _ := time.Parse(prefix+timeFormat, name); i < len(complete)-1 && now.Sub(made) > keep {
			removed = append(removed, name)
		}
	}
	for _, name := range removed {
		err = errors.Join(err, os.RemoveAll(filepath.Join(folder, name)))
	}
	return removed, err
}

// Read reads the manifest of a backup.
func Read(path string) (m Manifest, err error) {
	text, err := os.ReadFile(filepath.Join(path, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("%s is no complete backup: it has no %s", path, manifestFile)
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s cannot be read: %w", filepath.Join(path, manifestFile), err)
	}
	return m, nil
}
