// Package testkit is what tests share: a real PostgreSQL, factories, and a client that
// holds every answer against the contract.
package testkit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/internal/pg"
	"chelal/internal/pg/embedded"
)

// cluster is the PostgreSQL of this test program: the one at TEST_DATABASE_URL, or one
// of its own, started when the first test asks for it.
type cluster struct {
	server   *embedded.Server
	dir      string
	admin    string
	template string
	pool     *pgxpool.Pool
	makeCopy sync.Mutex // two copies of one template at once refuse each other
}

var shared = sync.OnceValues(startCluster)

var started struct {
	sync.Mutex
	cluster *cluster
}

// Main runs the tests of a package and stops the database afterwards. Call it from
// TestMain; checks run when the tests have passed, and may fail the run.
func Main(m *testing.M, checks ...func() error) {
	code := m.Run()
	if code == 0 {
		for _, check := range checks {
			if err := check(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
	}
	started.Lock()
	defer started.Unlock()
	if c := started.cluster; c != nil {
		if err := c.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the test database:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func startCluster() (*cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	c := &cluster{admin: os.Getenv("TEST_DATABASE_URL")}
	if c.admin == "" {
		dir, err := os.MkdirTemp("", "chelal-test-")
		if err != nil {
			return nil, err
		}
		c.dir = dir
		if c.server, err = embedded.Start(ctx, embedded.Options{Dir: dir, Builds: builds(), Unsafe: true}); err != nil {
			return nil, err
		}
		c.admin = c.server.URL("postgres")
	}
	started.Lock()
	started.cluster = c
	started.Unlock()
	return c, c.prepare(ctx)
}

// builds is where a PostgreSQL that had to be downloaded serves all packages' tests.
func builds() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "chelal")
}

// prepare makes the migrated template that tests copy. Its time zone is an odd one, so
// that nothing comes to rely on the server's.
func (c *cluster) prepare(ctx context.Context) error {
	c.template = fmt.Sprintf("chelal_test_%d_%d", os.Getpid(), rand.Uint32())
	if err := c.exec(ctx, "CREATE DATABASE "+c.template); err != nil {
		return err
	}
	if err := c.exec(ctx, "ALTER DATABASE "+c.template+" SET timezone TO 'Canada/Newfoundland'"); err != nil {
		return err
	}
	if err := pg.MigrateUp(ctx, c.url(c.template)); err != nil {
		return err
	}
	base := c.template + "_base"
	if err := c.exec(ctx, "CREATE DATABASE "+base+" TEMPLATE "+c.template); err != nil {
		return err
	}
	var err error
	c.pool, err = pg.Open(ctx, c.url(base)+poolSize(c.url(base), 24))
	return err
}

func poolSize(address string, n int) string {
	if u, err := url.Parse(address); err == nil && u.RawQuery != "" {
		return fmt.Sprintf("&pool_max_conns=%d", n)
	}
	return fmt.Sprintf("?pool_max_conns=%d", n)
}

func (c *cluster) stop() error {
	ctx := context.Background()
	if c.pool != nil {
		c.pool.Close()
	}
	if c.server == nil {
		if err := c.exec(ctx, "DROP DATABASE IF EXISTS "+c.template+"_base"); err != nil {
			return err
		}
		return c.exec(ctx, "DROP DATABASE IF EXISTS "+c.template)
	}
	if err := c.server.Stop(); err != nil {
		return err
	}
	return os.RemoveAll(c.dir)
}

func (c *cluster) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, c.admin)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

func (c *cluster) url(database string) string {
	u, err := url.Parse(c.admin)
	if err != nil {
		return c.admin
	}
	u.Path = "/" + database
	return u.String()
}

// Tx returns a transaction on a migrated database that is rolled back after the test.
// What the test does in it commits to savepoints. One statement at a time: for what
// happens at once use Pool.
func Tx(t testing.TB) pg.DB {
	t.Helper()
	c, err := shared()
	require.NoError(t, err)
	ctx := context.Background()
	tx, err := c.pool.Begin(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, tx.Rollback(ctx)) })
	return tx
}

// Pool returns a pool on a migrated database of the test's own.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Open(context.Background(), URL(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// URL returns the address of a migrated database of the test's own.
func URL(t testing.TB) string {
	t.Helper()
	c, err := shared()
	require.NoError(t, err)
	return create(t, c, "TEMPLATE "+c.template)
}

// EmptyURL returns the address of a database without any schema.
func EmptyURL(t testing.TB) string {
	t.Helper()
	c, err := shared()
	require.NoError(t, err)
	return create(t, c, "")
}

func create(t testing.TB, c *cluster, template string) string {
	t.Helper()
	name := fmt.Sprintf("%s_%d", c.template, rand.Uint32())
	c.makeCopy.Lock()
	defer c.makeCopy.Unlock()
	require.NoError(t, c.exec(context.Background(), "CREATE DATABASE "+name+" "+template))
	t.Cleanup(func() {
		require.NoError(t, c.exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"))
	})
	return c.url(name)
}
