package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"chelal/internal/app"
	"chelal/internal/backup"
	"chelal/internal/config"
	"chelal/internal/media"
	"chelal/internal/pg/embedded"
)

func (p *program) backupCommand() *cobra.Command {
	var to string
	var keep int
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Save the database and the uploaded files",
		Long: `Save everything of one moment into a new folder inside --to, while people go on working: the
database as pg_dump writes it, the files that its rows name, and a manifest with a checksum of every
table and file. It needs pg_dump, of the server's version or newer. SECRET_KEY is not in it: keep it
elsewhere.

With --keep, older backups in the folder are removed afterwards, but never the last one. With --every
it goes on until it is stopped; a backup that failed is tried again after ten minutes.`,
		Example: `  chelal backup --to /var/backups/chelal --keep 14
  chelal restore --verify /var/backups/chelal/chelal-20260901T020000Z`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case to == "":
				return usageError("--to says into which folder")
			case keep < 0:
				return usageError("--keep is a number of days, 0 for all")
			case every < 0 || every > 0 && every < time.Minute:
				return usageError("--every is a minute or more, such as 24h")
			case every > 0:
				return p.backupEvery(cmd.Context(), every, to, keep)
			}
			return p.backup(cmd.Context(), to, keep)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the `folder` of the backups; it is made")
	cmd.Flags().IntVar(&keep, "keep", 0, "remove backups older than so many `days` (default: none)")
	cmd.Flags().DurationVar(&every, "every", 0, "go on and make one after each such `time`, such as 24h")
	p.databaseFlags(cmd)
	return cmd
}

// backupAgain is how long after one that failed another backup is tried.
const backupAgain = 10 * time.Minute

// backupEvery makes backups until ctx ends.
func (p *program) backupEvery(ctx context.Context, every time.Duration, to string, keep int) error {
	for {
		wait := every
		if err := p.backup(ctx, to, keep); err != nil && ctx.Err() == nil {
			p.say("chelal: the backup failed: %v", err)
			wait = min(every, backupAgain)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func (p *program) backup(ctx context.Context, to string, keep int) error {
	return p.withPool(ctx, func(cfg config.Config, pool *pgxpool.Pool) error {
		store, err := app.Media(cfg)
		if err != nil {
			return err
		}
		progress := p.newProgress()
		path, m, err := backup.Make(ctx, to, backup.Options{
			Pool: pool, URL: string(cfg.DirectURL), Media: store, Secret: []byte(cfg.SecretKey), Program: app.Version(),
			Now: p.now(), Progress: progress.tell,
		})
		progress.end()
		if err != nil {
			return err
		}
		p.print("%s: a database of %s and %s.", path, megabytes(m.Database.Size), plural(len(m.Media), "file"))
		for _, name := range m.Missing {
			p.say("The file %s, which a row names, is not there; it is not in the backup.", name)
		}
		if keep == 0 {
			return nil
		}
		removed, err := backup.Prune(to, time.Duration(keep)*24*time.Hour, p.now())
		for _, name := range removed {
			p.print("Removed %s.", name)
		}
		return err
	})
}

func megabytes(size int64) string { return fmt.Sprintf("%.1f MB", float64(size)/1e6) }

func (p *program) restoreCommand() *cobra.Command {
	var verify bool
	cmd := &cobra.Command{
		Use:   "restore BACKUP",
		Short: "Bring a backup back, or verify one",
		Long: `Bring the backup in the folder BACKUP back into an empty database, and the uploaded files to where
MEDIA_ROOT or MEDIA_URL says. A damaged backup is refused before anything is written. Afterwards every
table is compared with what was saved, and the audit log's chain is verified; it fails when anything
is not as it was. It needs pg_restore, and the hospital's SECRET_KEY.

With --verify the backup is brought back into a PostgreSQL of its own, which is thrown away
afterwards: nothing is touched. Do so now and then: a backup that nobody has restored is a hope.`,
		Example: `  chelal restore --verify /var/backups/chelal/chelal-20260901T020000Z
  chelal restore /var/backups/chelal/chelal-20260901T020000Z`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one BACKUP, the folder that chelal backup has made")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if verify {
				return p.verifyBackup(cmd.Context(), args[0])
			}
			return p.withConfig(cmd.Context(), func(cfg config.Config) error {
				store, err := app.Media(cfg)
				if err != nil {
					return err
				}
				return p.restore(cmd.Context(), args[0], cfg, string(cfg.DatabaseURL), store)
			})
		},
	}
	cmd.Flags().BoolVar(&verify, "verify", false, "restore into a PostgreSQL of its own and throw it away")
	p.databaseFlags(cmd)
	return cmd
}

// verifyBackup restores into a cluster that nobody else sees.
func (p *program) verifyBackup(ctx context.Context, path string) (err error) {
	if _, err := backup.Read(path); err != nil {
		return err
	}
	if p.data, err = os.MkdirTemp("", "chelal-verify-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.data)) }()
	return p.withCluster(ctx, nil, func(cfg config.Config, _ *embedded.Server) error {
		return p.restore(ctx, path, cfg, string(cfg.DatabaseURL), media.Folder(mediaFolder(p.data)))
	})
}

func (p *program) restore(ctx context.Context, path string, cfg config.Config, url string, store media.Store) error {
	progress := p.newProgress()
	r, err := backup.Restore(ctx, path, backup.Target{
		URL: url, Media: store, Secret: []byte(cfg.SecretKey), Keys: app.SealKeys(cfg), Progress: progress.tell,
	})
	progress.end()
	if err != nil {
		return err
	}
	var rows int64
	for _, t := range r.Manifest.Tables {
		rows += t.Rows
	}
	p.print("The backup of %s is back: %d rows in %s, and %s.", r.Manifest.CreatedAt.Format(time.RFC1123),
		rows, plural(len(r.Manifest.Tables), "table"), plural(len(r.Manifest.Media), "file"))
	for _, name := range r.Manifest.Missing {
		p.say("The file %s was missing when the backup was made.", name)
	}
	if len(r.Problems) == 0 {
		p.print("Every table is as it was saved, and %s of the audit log are as they were sealed.", plural(int(r.Audit.Rows), "row"))
		return nil
	}
	var problems []error
	for _, problem := range r.Problems {
		problems = append(problems, errors.New(problem))
	}
	return errors.Join(problems...)
}
