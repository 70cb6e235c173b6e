package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"chelal/internal/config"
	"chelal/internal/dbstats"
)

func (p *program) dbCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "db",
		Short:   "Tell how the database is doing",
		Example: "  chelal db stats",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q: it is stats", args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return usageError("say stats") },
	}
	cmd.AddCommand(p.dbStatsCommand())
	return cmd
}

func (p *program) dbStatsCommand() *cobra.Command {
	var rows int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Connections, sizes, bloat, use of indexes, slow statements and what waits, as tables",
		Long: `Ask PostgreSQL who is connected, which tables are large, want a vacuum or are bloated, which
indexes are used and which are not, which statements take long, and what the background jobs have still
to do. What PostgreSQL counts, it has counted since its statistics were reset. Nothing is changed.`,
		Example: `  chelal db stats
  chelal db stats --rows 50
  chelal db stats --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if rows < 1 {
				return usageError("--rows must be at least 1")
			}
			return p.withPool(cmd.Context(), func(_ config.Config, pool *pgxpool.Pool) error {
				tables, err := dbstats.Look(cmd.Context(), pool, rows)
				if err != nil {
					return err
				}
				if asJSON {
					return p.printJSON(tables)
				}
				return p.printTables(tables)
			})
		},
	}
	p.databaseFlags(cmd)
	cmd.Flags().IntVar(&rows, "rows", 10, "how many rows of a long table to show")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the tables as JSON, for a program")
	return cmd
}

func (p *program) printTables(tables []dbstats.Table) error {
	for i, table := range tables {
		if i > 0 {
			p.print("")
		}
		p.print("%s", table.Title)
		switch {
		case table.Note != "":
			p.print("  %s", table.Note)
		case len(table.Rows) == 0:
			p.print("  none")
		default:
			w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "  %s\n", strings.Join(table.Columns, "\t"))
			for _, row := range table.Rows {
				fmt.Fprintf(w, "  %s\n", strings.Join(row, "\t"))
			}
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}
