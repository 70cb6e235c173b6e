package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// sentences returns what to tell of an error: a line for each of several problems.
func sentences(err error) []string {
	if c, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return []string{fmt.Sprintf("the database %q at %s:%d cannot be opened as user %q: %s. Check DATABASE_URL or the DB_ variables, or use --data",
			c.Config.Database, c.Config.Host, c.Config.Port, c.Config.User, lastCause(c))}
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "53100" {
		return []string{"the disk that holds the database is full; free some space and start again: " + e.Message}
	}
	return strings.Split(strings.ReplaceAll(err.Error(), "\n\t", " "), "\n")
}

// lastCause is what the last address that was tried has answered.
func lastCause(err error) string {
	for {
		if pgErr, ok := err.(*pgconn.PgError); ok { //nolint:errorlint // this very one, not one inside
			return pgErr.Message
		}
		var next error
		switch e := err.(type) { //nolint:errorlint // the chain is walked by hand
		case interface{ Unwrap() []error }:
			if all := e.Unwrap(); len(all) > 0 {
				next = all[len(all)-1]
			}
		case interface{ Unwrap() error }:
			next = e.Unwrap()
		}
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
