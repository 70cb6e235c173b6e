package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// run runs one of PostgreSQL's programs on a database. What it needs to know stands in its
// environment, where other users of the machine do not see it.
func run(ctx context.Context, database, name string, args ...string) error {
	program, err := find(name)
	if err != nil {
		return err
	}
	environment, err := libpq(database)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") }), environment...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(said.String()))
	}
	return nil
}

// find finds the newest of a program: an older pg_dump refuses a newer server.
func find(name string) (string, error) {
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // Debian keeps them apart
	if err != nil {
		return "", err
	}
	if len(installed) > 0 {
		return slices.MaxFunc(installed, func(a, b string) int { return major(a) - major(b) }), nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is needed, of the server's version or newer: install PostgreSQL's client programs (Debian: postgresql-client)", name)
	}
	return path, nil
}

func major(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return n
}

// libpq writes a database's address as PostgreSQL's programs read it from their environment.
func libpq(database string) ([]string, error) {
	c, err := pgx.ParseConfig(database)
	if err != nil {
		return nil, fmt.Errorf("the database URL is not valid: %w", err)
	}
	environment := []string{"PGHOST=" + c.Host, fmt.Sprintf("PGPORT=%d", c.Port), "PGUSER=" + c.User, "PGPASSWORD=" + c.Password, "PGDATABASE=" + c.Database}
	u, err := url.Parse(database)
	if err != nil {
		return nil, errors.New("the database URL is not valid")
	}
	for parameter, variable := range map[string]string{
		"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
	} {
		if value := u.Query().Get(parameter); value != "" {
			environment = append(environment, variable+"="+value)
		}
	}
	return environment, nil
}
