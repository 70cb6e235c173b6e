package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"chelal/internal/app"
	"chelal/internal/auditlog"
	"chelal/internal/config"
)

func (p *program) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Verify the audit log, or seal it now",
		Example: `  chelal audit verify
  chelal audit verify --head 310:9f2c41…
  chelal audit seal`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q: it is verify or seal", args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return usageError("say verify or seal") },
	}
	cmd.AddCommand(p.auditVerifyCommand(), p.auditSealCommand())
	return cmd
}

func (p *program) auditVerifyCommand() *cobra.Command {
	var noted string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Walk along the chain of seals; fails where it is broken",
		Long: `Hash every sealed row of the audit log again and hold it against its seal. The last line is
the head of the chain: keep it elsewhere, and give it to a later run as --head. That the end
of the log was cut off, or all of it made anew by somebody who has SECRET_KEY, shows so only.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			head, err := readHead(noted)
			if err != nil {
				return err
			}
			p.serving = true
			return p.withPool(cmd.Context(), func(cfg config.Config, pool *pgxpool.Pool) error {
				return p.verifyAudit(cmd, cfg, pool, head)
			})
		},
	}
	cmd.Flags().StringVar(&noted, "head", "", "a `head` that was noted before, as SEAL:HASH: it must still be in the chain")
	p.databaseFlags(cmd)
	return cmd
}

func (p *program) verifyAudit(cmd *cobra.Command, cfg config.Config, pool *pgxpool.Pool, noted auditlog.Head) error {
	progress := p.newProgress()
	defer progress.end()
	newest, err := auditlog.Newest(cmd.Context(), pool)
	if err != nil {
		return err
	}
	if err := auditlog.CheckNoted(cmd.Context(), pool, noted); err != nil {
		return err
	}
	found, err := auditlog.Verify(cmd.Context(), pool, app.SealKeys(cfg), 0, func(v auditlog.Verification) bool {
		progress.tell("verifying seals", v.Head.Seal, max(newest.Seal, v.Head.Seal))
		return true
	})
	if err != nil {
		return err
	}
	progress.end()
	if found.Broken != nil {
		return fmt.Errorf("the audit log is broken: %s Intact before it: %d rows, %d seals", found.Broken.Detail, found.Rows, found.Seals)
	}
	p.print("The audit log is intact. Rows verified: %d; seals: %d; rows not sealed yet: %d.", found.Rows, found.Seals, found.Unsealed)
	if len(found.Archived) > 0 {
		p.print("Archived rows: %d, of %s.", found.ArchivedRows, strings.Join(found.Archived, ", "))
	}
	p.print("%d:%s", found.Head.Seal, found.Head.Hash)
	return nil
}

func readHead(s string) (auditlog.Head, error) {
	if s == "" {
		return auditlog.Head{}, nil
	}
	number, hash, _ := strings.Cut(s, ":")
	seal, err := strconv.ParseInt(number, 10, 64)
	if err != nil || seal < 1 || len(hash) != 64 {
		return auditlog.Head{}, usageError("--head is SEAL:HASH, as chelal audit verify prints it")
	}
	return auditlog.Head{Seal: seal, Hash: strings.ToLower(hash)}, nil
}

func (p *program) auditSealCommand() *cobra.Command {
	var accept string
	cmd := &cobra.Command{
		Use:   "seal",
		Short: "Seal what is complete of the audit log now",
		Long: `Seal what is complete of the audit log now, as the background job does every minute. Nothing
is sealed behind a newest seal that neither SECRET_KEY nor SECRET_KEY_OLD has signed. Where
the old key is lost, look at the log, and then accept that seal by its hash.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.serving = true
			return p.withPool(cmd.Context(), func(cfg config.Config, pool *pgxpool.Pool) error {
				sealed, err := auditlog.Seal(cmd.Context(), pool, app.SealKeys(cfg), p.now(), strings.ToLower(accept))
				if errors.Is(err, auditlog.ErrSignature) {
					return fmt.Errorf("%w: set SECRET_KEY_OLD, or see --accept-head (the newest seal is %d:%s)", err,
						sealed.Head.Seal, sealed.Head.Hash)
				}
				if err != nil {
					return err
				}
				p.print("Rows sealed: %d; seals made: %d.", sealed.Rows, sealed.Seals)
				p.print("%d:%s", sealed.Head.Seal, sealed.Head.Hash)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&accept, "accept-head", "", "seal behind the newest seal with this `hash`, whoever signed it")
	p.databaseFlags(cmd)
	return cmd
}
