package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"chelal/internal/app"
	"chelal/internal/checkup"
	"chelal/internal/config"
	"chelal/internal/pg"
)

func (p *program) checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell whether this deployment is safe; fails when it is dangerous",
		Long: `Look at every setting and at the state of the database, and tell what is safe, what is
worth a warning and what is dangerous, with what to do about it. Nothing is changed.`,
		Example: `  chelal check
  chelal check --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := p.check(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				err = p.printJSON(report)
			} else {
				err = p.printFindings(report)
			}
			if err == nil && report.Level == checkup.Danger {
				err = fmt.Errorf("this deployment is not safe: %d of %d findings are dangerous", report.Count(checkup.Danger), len(report.Findings))
			}
			return err
		},
	}
	p.databaseFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the findings as JSON, for a program")
	return cmd
}

// check looks at as much as there is: at the database though the settings are wrong, and
// at the settings though the database is away.
func (p *program) check(ctx context.Context) (checkup.Report, error) {
	findings := checkup.EnvFile(envFile)
	look := func(cfg config.Config) error {
		findings = checkup.Join(findings, checkup.Settings(cfg))
		findings = append(findings, lookAtDatabase(ctx, cfg)...)
		return ctx.Err()
	}
	var err error
	if p.data != "" {
		err = p.withConfig(ctx, look)
	} else {
		cfg, problems := config.Load(p.getenv, envFile)
		findings = append(findings, checkup.Problems(problems)...)
		err = look(cfg)
	}
	return checkup.NewReport(findings), err
}

func lookAtDatabase(ctx context.Context, cfg config.Config) []checkup.Finding {
	pool, err := pg.Open(ctx, string(cfg.DatabaseURL))
	if err != nil {
		return []checkup.Finding{{Level: checkup.Danger, Subject: "database", Found: strings.Join(sentences(err), " ") + ".",
			Advice: "Nothing in it was looked at."}}
	}
	defer pool.Close()
	if err := app.CheckMigrated(ctx, cfg); err != nil {
		return []checkup.Finding{{Level: checkup.Danger, Subject: "migrations", Found: err.Error() + ".",
			Advice: "Nothing else in the database was looked at."}}
	}
	demo := checkup.Known{Password: demoPassword}
	for _, account := range demoAccounts {
		demo.Usernames = append(demo.Usernames, account.username)
	}
	findings := []checkup.Finding{{Level: checkup.OK, Subject: "migrations", Found: "the schema is this program's."}}
	return append(findings, checkup.State(ctx, pool, time.Now, demo)...)
}

// printFindings writes a line a finding, with the advice below it.
func (p *program) printFindings(report checkup.Report) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, f := range report.Findings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Level, f.Subject, f.Found)
		if f.Advice != "" {
			fmt.Fprintf(w, "\t\t-> %s\n", f.Advice)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	p.print("\n%d dangers, %d warnings, %d in order.", report.Count(checkup.Danger), report.Count(checkup.Warning), report.Count(checkup.OK))
	return nil
}
