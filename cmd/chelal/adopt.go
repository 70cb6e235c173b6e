package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"chelal/internal/adopt"
	"chelal/internal/app"
	"chelal/internal/config"
)

func (p *program) adoptCommand() *cobra.Command {
	var from, uploads, issues string
	var apply bool
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "Take over a hospital from the Django system before this one",
		Long: `Take over a hospital from the Django system before this one: every row of its PostgreSQL
with its id, into this database, which has to be fresh. The Django system's database is only read,
at one moment: stop it first, or what it still writes stays behind. Passwords stay as they are.

What cannot stand here as it is, such as overlapping appointments, negative payments or totals that
do not add up, is changed as little as possible and reported: in the table core_adoptionissue, and
with --issues in a file. Without --apply nothing is written. What a kill or a lost connection leaves
undone, the same command finishes; done once, it does nothing more.

Set HOSPITAL_TIME_ZONE to the hospital's before: appointments are by its clock. Say with --media
where the Django system keeps uploads (MEDIA_ROOT), a folder or a copy of it, or profile pictures stay behind.`,
		Example: `  chelal adopt --from postgres://chelal@db.example/chelal --issues issues.csv
  chelal adopt --from postgres://chelal@db.example/chelal --media /srv/chelal/media --apply`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" {
				return usageError("--from says which database to take over")
			}
			return p.adopt(cmd.Context(), from, uploads, issues, apply)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "`URL` of the Django system's database; its password may stand in PGPASSFILE")
	cmd.Flags().StringVar(&uploads, "media", "", "the `folder` of the Django system's uploads")
	cmd.Flags().StringVar(&issues, "issues", "", "write every issue into this `file`, as CSV")
	cmd.Flags().BoolVar(&apply, "apply", false, "do it; without it everything is tried and taken back")
	p.databaseFlags(cmd)
	return cmd
}

func (p *program) adopt(ctx context.Context, from, uploads, issues string, apply bool) (err error) {
	source, err := pgx.Connect(ctx, from)
	if err != nil {
		return fmt.Errorf("the database at --from cannot be opened: %s", lastCause(err))
	}
	defer func() { _ = source.Close(context.WithoutCancel(ctx)) }() // it was only read
	var list io.Writer
	if issues != "" {
		f, openErr := os.OpenFile(issues, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // it names what patients have
		if openErr != nil {
			return fmt.Errorf("the file of the issues cannot be written: %w", openErr)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		list = f
	}
	var pictures *os.Root
	if uploads != "" {
		if pictures, err = os.OpenRoot(uploads); err != nil {
			return fmt.Errorf("the folder at --media cannot be read: %w", err)
		}
		defer func() { _ = pictures.Close() }() // it was only read
	}
	return p.withPool(ctx, func(cfg config.Config, pool *pgxpool.Pool) error {
		store, err := app.Media(cfg)
		if err != nil {
			return err
		}
		progress := p.newProgress()
		report, err := adopt.Run(ctx, source, pool, adopt.Options{
			DryRun: !apply, Zone: cfg.Zone.String(), Pictures: pictures, Media: store, Issues: list, Progress: progress.tell,
		})
		progress.end()
		if err != nil {
			return err
		}
		return p.printAdoption(report, apply)
	})
}

func (p *program) printAdoption(r adopt.Report, applied bool) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "TABLE\tROWS THERE\tROWS HERE\n")
	for _, c := range r.Tables {
		fmt.Fprintf(w, "%s\t%d\t%d\n", c.Table, c.Source, c.Here)
	}
	if len(r.Issues) > 0 {
		fmt.Fprintf(w, "\nISSUE\tROWS\tFIRST\tWHAT IT MEANS\n")
	}
	for _, i := range r.Issues {
		fmt.Fprintf(w, "%s.%s\t%d\t%d\t%s\n", i.Table, i.Column, i.Rows, i.First, adopt.Explain(i.Code))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	p.print("")
	switch {
	case r.Already:
		p.print("This hospital was taken over before; nothing was done.")
	case applied:
		p.print("The hospital is taken over, and every value compared. Each issue is a row of core_adoptionissue.")
	default:
		p.print("This was a dry run: nothing was written. Do it with --apply.")
	}
	return nil
}
