package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/config"
)

// newAdmin is the account that createadmin is to make.
type newAdmin struct {
	username, email     string
	firstName, lastName string
	passwordOnStdin     bool
}

func (p *program) createAdminCommand() *cobra.Command {
	var a newAdmin
	cmd := &cobra.Command{
		Use:   "createadmin",
		Short: "Make an account of role Admin",
		Long: `Make an account of role Admin, as the first one of a hospital. The password is asked for,
without showing it, or read as one line from standard input.`,
		Example: `  chelal createadmin --username jane --email jane@hospital.example
  pass show chelal | chelal createadmin --username jane --email jane@hospital.example --password-stdin`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.check(); err != nil {
				return err
			}
			password, err := p.readNewPassword(cmd.Context(), a.passwordOnStdin)
			if err != nil {
				return err
			}
			if err := a.checkPassword(password); err != nil {
				return err
			}
			return p.withPool(cmd.Context(), func(_ config.Config, pool *pgxpool.Pool) error {
				if err := a.create(cmd.Context(), pool, password); err != nil {
					return err
				}
				p.print("The Admin %s may sign in now.", a.username)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&a.username, "username", "", "the `name` to sign in with (required)")
	cmd.Flags().StringVar(&a.email, "email", "", "the e-mail `address` (required)")
	cmd.Flags().StringVar(&a.firstName, "first-name", "", "the person's first `name`")
	cmd.Flags().StringVar(&a.lastName, "last-name", "", "the person's last `name`")
	cmd.Flags().BoolVar(&a.passwordOnStdin, "password-stdin", false, "read the password from standard input")
	p.databaseFlags(cmd)
	return cmd
}

// usernames are those that the contract accepts, up to maxUsername characters: written as {1,150}, the
// pattern alone would hold 6 MB of every process.
var usernames = regexp.MustCompile(`^[\p{L}\p{M}\p{N}_.@+-]+$`)

const maxUsername = 150

func (a *newAdmin) check() error {
	address, err := mail.ParseAddress(a.email)
	switch {
	case a.username == "" || a.email == "":
		return usageError("--username and --email are needed")
	case !usernames.MatchString(a.username) || utf8.RuneCountInString(a.username) > maxUsername:
		return usageError("a username has up to 150 letters, digits and the signs @ . + - _")
	case err != nil || address.Address != a.email || len(a.email) > 254:
		return usageError("--email is not an e-mail address")
	}
	return nil
}

func (a *newAdmin) checkPassword(password string) error {
	broken := authn.CheckPassword(password, authn.Person{
		Username: a.username, FirstName: a.firstName, LastName: a.lastName, Email: a.email,
	})
	if len(broken) == 0 {
		return nil
	}
	var reasons []string
	for _, field := range broken {
		reasons = append(reasons, field.Message)
	}
	return fmt.Errorf("the password will not do. %s", strings.Join(reasons, " "))
}

// create makes the account, and writes into the audit log that it came from here.
func (a *newAdmin) create(ctx context.Context, pool *pgxpool.Pool, password string) error {
	hash, err := authn.NewHasher(1).Hash(ctx, password)
	if err != nil {
		return err
	}
	store := &change.Store{DB: pool, Now: time.Now}
	err = store.Do(ctx, func(c *change.Change) error {
		role, err := adminRole(ctx, c)
		if err != nil {
			return err
		}
		user, err := db.New().UserCreate(ctx, c.Tx, db.UserCreateParams{
			Username: a.username, Email: &a.email, FirstName: a.firstName, LastName: a.lastName, RoleID: &role, IsActive: true,
			LanguagePreference: "en", Preferences: []byte("{}"), Password: hash, DateJoined: c.Now,
		})
		if err != nil {
			return err
		}
		return c.Record(audit.Entry{
			Action: audit.Create, Object: "user", ID: user.ID, After: user, Description: "Admin made by chelal createadmin",
		})
	})
	if e, ok := errors.AsType[*apperr.Error](err); ok && e.Kind == apperr.Conflict {
		return fmt.Errorf("%s Nothing was changed", e.Message)
	}
	return err
}

func adminRole(ctx context.Context, c *change.Change) (int64, error) {
	roles, err := db.New().RoleList(ctx, c.Tx)
	for _, r := range roles {
		if r.Name == authn.RoleAdmin {
			return r.ID, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("the role %s is missing from the database", authn.RoleAdmin)
	}
	return 0, err
}
