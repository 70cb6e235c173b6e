package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"chelal/internal/auditlog"
	"chelal/internal/media"
	"chelal/internal/pg"
	"chelal/internal/reportfile"
)

// Target is where a backup is brought back to.
type Target struct {
	URL   string // of an empty database
	Media media.Store
	// Secret is the hospital's; the audit log is verified with Keys, of it and of older ones.
	Secret   []byte
	Keys     auditlog.Keys
	Progress func(part string, done, all int64) // may be nil
}

// Result is what was found after a restore.
type Result struct {
	Manifest Manifest
	Audit    auditlog.Verification
	// Problems has a sentence for each thing that is not as it was.
	Problems []string
}

// ErrNotEmpty is the answer to a database with tables in it.
var ErrNotEmpty = errors.New("the database has tables already; restore into an empty one, such as a new CREATE DATABASE makes")

// Restore brings a backup back and compares every table and file with the manifest, and walks
// along the audit log's chain. A damaged backup is refused before anything is written. With an
// error something may have been written; with Problems all was, and not all is as it should be.
func Restore(ctx context.Context, path string, t Target) (r Result, err error) {
	if t.Progress == nil {
		t.Progress = func(string, int64, int64) {}
	}
	if r.Manifest, err = Read(path); err != nil {
		return r, err
	}
	if err := whole(path, r.Manifest, t.Progress); err != nil {
		return r, err
	}
	if r.Manifest.Key != fingerprint(t.Secret) {
		r.Problems = append(r.Problems, "SECRET_KEY is not the one of this hospital: second factors cannot be read, and the seals of the audit log are not recognized")
	}
	conn, err := pgx.Connect(ctx, t.URL)
	if err != nil {
		return r, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // the work is done
	var tables int64
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')").Scan(&tables); err != nil {
		return r, err
	}
	if tables > 0 {
		return r, ErrNotEmpty
	}
	t.Progress("restoring the database", 0, 1)
	if err := run(ctx, t.URL, "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges",
		"--dbname="+conn.Config().Database, filepath.Join(path, dumpFile)); err != nil {
		return r, err
	}
	t.Progress("restoring the database", 1, 1)
	for n, f := range r.Manifest.Media {
		if err := bring(ctx, path, f, t.Media); err != nil {
			return r, fmt.Errorf("restore the file %s: %w", f.Name, err)
		}
		t.Progress("restoring files", int64(n+1), int64(len(r.Manifest.Media)))
	}
	return r, r.compare(ctx, conn, t)
}

// whole holds every file of the backup against the manifest.
func whole(path string, m Manifest, progress func(string, int64, int64)) error {
	files := []File{m.Database}
	for _, f := range m.Media {
		f.Name = mediaFolder + "/" + f.Name
		files = append(files, f)
	}
	for n, f := range files {
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return fmt.Errorf("the backup is not to be trusted: its manifest names the file %q", f.Name)
		}
		found, err := describe(path, f.Name)
		if err != nil {
			return fmt.Errorf("the backup is damaged: %w", err)
		}
		if found != f {
			return fmt.Errorf("the backup is damaged: %s is not as it was saved", f.Name)
		}
		progress("checking the backup", int64(n+1), int64(len(files)))
	}
	return nil
}

func bring(ctx context.Context, path string, f File, store media.Store) error {
	in, err := os.Open(filepath.Join(path, mediaFolder, filepath.FromSlash(f.Name)))
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was read
	return store.Write(ctx, f.Name, contentType(f.Name), func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// contentType is for buckets; the server says it by itself.
func contentType(name string) string {
	if kind, ok := reportfile.ContentTypes[strings.TrimPrefix(filepath.Ext(name), ".")]; ok {
		return kind
	}
	return media.ContentType
}

func (r *Result) compare(ctx context.Context, conn *pgx.Conn, t Target) error {
	err := pg.InTx(ctx, conn, func(tx pgx.Tx) error {
		is, err := count(ctx, tx, func(string, int64, int64) {})
		r.Problems = append(r.Problems, differences(r.Manifest.Tables, is)...)
		return err
	})
	if err != nil {
		return err
	}
	t.Progress("verifying the audit log", 0, 1)
	if r.Audit, err = auditlog.Verify(ctx, conn, t.Keys, 0, func(auditlog.Verification) bool { return true }); err != nil {
		return err
	}
	t.Progress("verifying the audit log", 1, 1)
	if r.Audit.Broken != nil {
		r.Problems = append(r.Problems, "the audit log is broken: "+r.Audit.Broken.Detail)
	}
	if err := auditlog.CheckNoted(ctx, conn, r.Manifest.Seal); err != nil {
		r.Problems = append(r.Problems, err.Error())
	}
	return nil
}
