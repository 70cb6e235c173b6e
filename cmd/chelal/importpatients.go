package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"chelal/internal/config"
	"chelal/internal/patientimport"
)

func (p *program) importCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Take over the records of another system",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q: only patients can be imported", args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return usageError("say what to import: patients") },
	}
	cmd.AddCommand(p.importPatientsCommand())
	return cmd
}

func (p *program) importPatientsCommand() *cobra.Command {
	var format, allergies string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "patients FILE",
		Short: "Take over patients from a CSV file or a FHIR export",
		Long: `Take over patients from a CSV file with a header line, or from the NDJSON of a FHIR R4 bulk
export. FILE may be - for standard input. It is all or nothing: one wrong line, and
nothing is written; every wrong line is named. It may be repeated: patients who were
imported before are known again and left as they are.`,
		Example: `  chelal import patients patients.csv --dry-run
  chelal import patients Patient.ndjson --allergies AllergyIntolerance.ndjson
  zcat patients.csv.gz | chelal import patients - --format csv`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one FILE to import, or - for standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if allergies == "-" && args[0] == "-" {
				return usageError("only one of the files can be standard input")
			}
			if format != "" && format != "csv" && format != "fhir" {
				return usageError("--format is csv or fhir")
			}
			return p.importPatients(cmd.Context(), args[0], allergies, patientimport.Options{Format: format, DryRun: dryRun})
		},
	}
	cmd.Flags().StringVar(&allergies, "allergies", "", "`file` of the patients' AllergyIntolerance resources (FHIR)")
	cmd.Flags().StringVar(&format, "format", "", "csv or fhir (default by the file's name or beginning)")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "do everything but write")
	p.databaseFlags(cmd)
	return cmd
}

// importPatients opens the files before the database: a mistyped name is told at once.
func (p *program) importPatients(ctx context.Context, patients, allergies string, o patientimport.Options) error {
	in, closeIn, err := p.open(patients)
	if err != nil {
		return err
	}
	defer closeIn()
	if allergies != "" {
		more, closeMore, err := p.open(allergies)
		if err != nil {
			return err
		}
		defer closeMore()
		o.Allergies = more
	}
	return p.withPool(ctx, func(cfg config.Config, pool *pgxpool.Pool) error {
		o.Today = p.now().In(cfg.Zone)
		progress := p.newProgress()
		o.Progress = progress.tell
		report, err := patientimport.Run(ctx, pool, in, o)
		progress.end()
		if err != nil {
			p.printBad(report)
			return err
		}
		p.printReport(report, o.DryRun)
		return nil
	})
}

// open opens a file for reading; - is standard input.
func (p *program) open(path string) (io.Reader, func(), error) {
	if path == "-" {
		return p.stdin, func() {}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	return f, func() { _ = f.Close() }, nil
}
