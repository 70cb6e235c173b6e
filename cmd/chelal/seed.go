package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"chelal/internal/config"
	"chelal/internal/seed"
)

func (p *program) seedCommand() *cobra.Command {
	var patients, appointments int
	var rngSeed uint64
	var force bool
	cmd := &cobra.Command{
		Use:   "seed",
		Short: "Add invented patients, appointments and what came of them, in any number",
		Long: `Add invented patients, doctors and appointments, as many as are asked for, and what came of
them: encounters, prescriptions, stock, bills and payments. They look like a hospital's and
cannot be told from real ones afterwards, so this is refused while DEBUG is off. The
database's user must own the tables, and others wait for them meanwhile.`,
		Example: `  chelal seed --data .chelal --patients 5000
  chelal seed --patients 1000000 --appointments 5000000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if patients < 0 || appointments < 0 {
				return usageError("--patients and --appointments cannot be negative")
			}
			if !cmd.Flags().Changed("appointments") {
				appointments = 3 * patients
			}
			return p.withPool(cmd.Context(), func(cfg config.Config, pool *pgxpool.Pool) error {
				if !cfg.Debug && !force {
					return errors.New("DEBUG is off, so this may be a hospital's database, and invented patients cannot be " +
						"told from real ones afterwards; say --force if that is meant")
				}
				return p.seed(cmd.Context(), pool, seed.Options{
					Patients: patients, Appointments: appointments, RNGSeed: rngSeed, Now: p.now().In(cfg.Zone),
				})
			})
		},
	}
	cmd.Flags().IntVar(&patients, "patients", 1000, "how many patients to add")
	cmd.Flags().IntVar(&appointments, "appointments", 0, "how many appointments to add (default three a patient)")
	cmd.Flags().Uint64Var(&rngSeed, "rng-seed", 1, "decides names and dates: the same `number` makes the same people")
	cmd.Flags().BoolVar(&force, "force", false, "add them even though DEBUG is off")
	p.databaseFlags(cmd)
	return cmd
}

// seed adds the data and shows how far it is.
func (p *program) seed(ctx context.Context, pool *pgxpool.Pool, o seed.Options) error {
	progress := p.newProgress()
	o.Progress = func(step string, done, total int) { progress.tell(step, int64(done), int64(total)) }
	added, err := seed.Run(ctx, pool, o)
	progress.end()
	if err != nil {
		return err
	}
	p.print("Added %d patients, %d doctors and %d appointments, and of these %d encounters, %d prescriptions, %d bills and %d payments.",
		added.Patients, added.Doctors, added.Appointments, added.Encounters, added.Prescriptions, added.Bills, added.Payments)
	return nil
}
