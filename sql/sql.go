// Package sql holds the schema's migrations, embedded in the program.
package sql

import "embed"

// Migrations are golang-migrate's files, up and down, in the folder migrations.
//
//go:embed migrations/*.sql
var Migrations embed.FS
