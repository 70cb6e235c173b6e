package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"chelal/internal/pg"
	"chelal/internal/testkit"
)

// unrecorded is a database that takes the rows of views and forgets them.
type unrecorded struct{ pg.DB }

func (u unrecorded) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if strings.HasPrefix(sql, "-- name: ViewsCreate ") {
		return pgconn.CommandTag{}, nil
	}
	return u.DB.Exec(ctx, sql, args...)
}

// BenchmarkViews reads a patient, and a list of twenty, with and without the rows of the
// audit log; on a database that waits for its disk, with 1 and with 32 callers.
func BenchmarkViews(b *testing.B) {
	pool := testkit.Pool(b)
	lasting(b, pool)
	var id int64
	for range 40 {
		id = testkit.Patient(b, pool, nil).ID
	}
	for _, path := range []string{fmt.Sprintf("/api/patients/%d/", id), "/api/patients/"} {
		for _, callers := range []int{1, 32} {
			for name, conn := range map[string]pg.DB{"recorded": pool, "unrecorded": unrecorded{pool}} {
				b.Run(fmt.Sprintf("%s/%d/%s", map[bool]string{true: "list", false: "one"}[path == "/api/patients/"], callers, name), func(b *testing.B) {
					c := setupOn(b, conn)
					c.counted = true
					nurse := c.as("Nurse")
					b.SetParallelism(callers)
					work := func() {
						if got := nurse.call("GET", path, nil); got.status != 200 {
							b.Error(got.raw)
						}
					}
					if callers == 1 {
						for b.Loop() {
							work()
						}
					} else {
						b.RunParallel(func(p *testing.PB) {
							for p.Next() {
								work()
							}
						})
					}
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
				})
			}
		}
	}
}

// lasting makes commits wait for the disk, as they do where nothing may be lost; the
// cluster of the tests does not by itself.
func lasting(b *testing.B, pool *pgxpool.Pool) {
	for _, sql := range []string{"ALTER SYSTEM SET fsync = on", "ALTER SYSTEM SET synchronous_commit = on",
		"ALTER SYSTEM SET full_page_writes = on", "SELECT pg_reload_conf()"} {
		if _, err := pool.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
}
