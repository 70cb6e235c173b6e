package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// program is what the commands share: the world outside, and the flag --data.
type program struct {
	now            func() time.Time
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer

	data    string // the folder of the embedded cluster, "" for the configured database
	serving bool   // a SECRET_KEY is needed
	started bool   // the command line was understood
}

// run is the program without the process. It returns the exit code: 0 done, 1 failed,
// 2 not understood, 130 interrupted.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.rootCommand()
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		p.say("chelal: interrupted")
		return 130
	case !p.started || errors.As(err, new(usageError)):
		p.say("chelal: %v\nSee %s --help", err, cmd.CommandPath())
		return 2
	}
	for _, line := range sentences(err) {
		p.say("chelal: %s", line)
	}
	return 1
}

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "chelal",
		Short: "A hospital's backend",
		Long: `chelal is a hospital's backend. To look at it, with demo data and its own database:

  chelal dev

To run it for a hospital: set DATABASE_URL and SECRET_KEY, in the environment or in a
file .env, then

  chelal migrate up
  chelal createadmin --username jane --email jane@hospital.example
  chelal serve`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRun:  func(*cobra.Command, []string) { p.started = true },
	}
	root.AddCommand(p.devCommand(), p.serveCommand(), p.workerCommand(), p.healthCommand(), p.migrateCommand(), p.createAdminCommand(),
		p.seedCommand(), p.importCommand(), p.adoptCommand(), p.backupCommand(), p.restoreCommand(),
		p.auditCommand(), p.checkCommand(), p.dbCommand(), p.routesCommand(), p.versionCommand())
	return root
}

// usageError is a mistake on the command line that cobra cannot see.
type usageError string

func (e usageError) Error() string { return string(e) }

// say writes a line for the person at the terminal.
func (p *program) say(format string, args ...any) { fmt.Fprintf(p.stderr, format+"\n", args...) }

// print writes a line of the command's result.
func (p *program) print(format string, args ...any) { fmt.Fprintf(p.stdout, format+"\n", args...) }

// printJSON writes a result for a program.
func (p *program) printJSON(result any) error {
	encoder := json.NewEncoder(p.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(result)
}
