package backup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/internal/auditlog"
	"chelal/internal/backup"
	"chelal/internal/media"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var (
	secret = []byte("a secret of the tests, long enough to be one")
	keys   = auditlog.NewKeys(secret)
)

// hospital is one with people, money, files and a sealed audit log.
type hospital struct {
	url     string
	pool    *pgxpool.Pool
	options backup.Options
}

func newHospital(t *testing.T) hospital {
	t.Helper()
	h := hospital{url: testkit.URL(t)}
	var err error
	h.pool, err = pg.Open(t.Context(), h.url)
	require.NoError(t, err)
	t.Cleanup(h.pool.Close)
	store := media.Folder(t.TempDir())
	h.options = backup.Options{Pool: h.pool, URL: h.url, Media: store, Secret: secret, Program: "test", Now: time.Date(2026, 9, 1, 2, 0, 0, 0, time.UTC)}
	for range 20 {
		testkit.Payment(t, h.pool, testkit.Bill(t, h.pool, testkit.Patient(t, h.pool, nil).ID, "10.00").ID, "4.00")
	}
	there, gone := testkit.User(t, h.pool, "Nurse"), testkit.User(t, h.pool, "Nurse")
	require.NoError(t, store.Put(t.Context(), "profile_images/a.png", []byte("an image")))
	for id, name := range map[int64]string{there.ID: "profile_images/a.png", gone.ID: "profile_images/gone.png"} {
		_, err := h.pool.Exec(t.Context(), "UPDATE core_user SET profile_image = $2 WHERE id = $1", id, name)
		require.NoError(t, err)
	}
	_, err = h.pool.Exec(t.Context(), "INSERT INTO core_auditlog (action, details) SELECT 'create', jsonb_build_object('n', n) FROM generate_series(1, 100) n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { // no row is sealed while another test's transaction could still write before it
		sealed, err := auditlog.Seal(t.Context(), h.pool, keys, time.Now(), "")
		require.NoError(t, err)
		return sealed.Rows > 0
	}, time.Minute, 20*time.Millisecond)
	return h
}

func (h hospital) save(t *testing.T) string {
	t.Helper()
	testkit.Program(t, "pg_dump", "--version") // fails the test where it has to be there
	path, _, err := backup.Make(t.Context(), t.TempDir(), h.options)
	require.NoError(t, err)
	return path
}

func target(t *testing.T) backup.Target {
	t.Helper()
	return backup.Target{URL: testkit.EmptyURL(t), Media: media.Folder(t.TempDir()), Secret: secret, Keys: keys}
}

func TestABackupIsBroughtBack(t *testing.T) {
	t.Parallel()
	h := newHospital(t)
	path := h.save(t)
	require.Equal(t, "chelal-20260901T020000Z", filepath.Base(path))
	m, err := backup.Read(path)
	require.NoError(t, err)
	require.Equal(t, []string{"profile_images/gone.png"}, m.Missing)
	require.EqualValues(t, 20, m.Tables["public.core_payment"].Rows)

	to := target(t)
	r, err := backup.Restore(t.Context(), path, to)
	require.NoError(t, err)
	require.Empty(t, r.Problems)
	require.Positive(t, r.Audit.Seals)

	image, _, err := to.Media.Open(t.Context(), "profile_images/a.png")
	require.NoError(t, err)
	content, err := io.ReadAll(image)
	require.NoError(t, err)
	require.NoError(t, image.Close())
	require.Equal(t, "an image", string(content))

	pool, err := pg.Open(t.Context(), to.URL)
	require.NoError(t, err)
	defer pool.Close()
	for table := range m.Tables { // not by the manifest's own checksums
		was, is := dump(t, h.pool, table), dump(t, pool, table)
		require.Equal(t, was, is, table)
	}
	testkit.Payment(t, pool, testkit.Bill(t, pool, testkit.Patient(t, pool, nil).ID, "10.00").ID, "4.00") // work goes on
	status, err := pg.MigrateStatus(t.Context(), to.URL)
	require.NoError(t, err)
	require.Equal(t, status.Latest, status.Version)

	_, err = backup.Restore(t.Context(), path, to)
	require.ErrorIs(t, err, backup.ErrNotEmpty)
}

func dump(t *testing.T, pool *pgxpool.Pool, table string) string {
	t.Helper()
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	var text bytes.Buffer
	_, err = conn.Conn().PgConn().CopyTo(t.Context(), &text, "COPY (SELECT t::text FROM "+table+" t ORDER BY 1) TO STDOUT")
	require.NoError(t, err)
	return text.String()
}

// TestABackupIsOfOneMoment takes one while payments are taken: each is there with its bill's
// balance and its row of the log, or not at all.
func TestABackupIsOfOneMoment(t *testing.T) {
	t.Parallel()
	h := newHospital(t)
	bill := testkit.Bill(t, h.pool, testkit.Patient(t, h.pool, nil).ID, "100000.00")
	working, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for working.Err() == nil {
				if err := pg.InTx(t.Context(), h.pool, func(tx pgx.Tx) error {
					_, err := tx.Exec(t.Context(), `WITH p AS (INSERT INTO core_payment (bill_id, amount, method) VALUES ($1, 1, 'Cash') RETURNING id)
						INSERT INTO core_auditlog (action, object_type, object_id) SELECT 'create', 'payment', id::text FROM p`, bill.ID)
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	path := h.save(t)
	stop()
	all.Wait()
	to := target(t)
	r, err := backup.Restore(t.Context(), path, to)
	require.NoError(t, err)
	require.Empty(t, r.Problems)
	pool, err := pg.Open(t.Context(), to.URL)
	require.NoError(t, err)
	defer pool.Close()
	var whole bool
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT b.amount_paid = count(p.id) AND count(p.id) = (SELECT count(*) FROM core_auditlog
		WHERE object_type = 'payment') FROM core_bill b LEFT JOIN core_payment p ON p.bill_id = b.id WHERE b.id = $1 GROUP BY b.id`, bill.ID).Scan(&whole))
	require.True(t, whole)
}

func TestWhatIsNotAsItWasIsTold(t *testing.T) {
	t.Parallel()
	h := newHospital(t)
	path := h.save(t)
	manifest, err := os.ReadFile(filepath.Join(path, "manifest.json"))
	require.NoError(t, err)
	var m backup.Manifest
	require.NoError(t, json.Unmarshal(manifest, &m))
	write := func(change func(*backup.Manifest)) {
		var changed backup.Manifest
		require.NoError(t, json.Unmarshal(manifest, &changed))
		change(&changed)
		text, err := json.Marshal(changed)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(path, "manifest.json"), text, 0o600))
	}
	for want, change := range map[string]func(*backup.Manifest){
		"core_payment has 20 rows and had 21": func(m *backup.Manifest) {
			m.Tables["public.core_payment"] = backup.Table{Rows: 21, Checksum: m.Tables["public.core_payment"].Checksum}
		},
		"rows of public.core_payment are not as they were": func(m *backup.Manifest) { m.Tables["public.core_payment"] = backup.Table{Rows: 20, Checksum: "7"} },
		"core_lost is missing":                             func(m *backup.Manifest) { m.Tables["public.core_lost"] = backup.Table{} },
		"which was noted, is gone":                         func(m *backup.Manifest) { m.Seal.Seal = 99 },
	} {
		write(change)
		r, err := backup.Restore(t.Context(), path, target(t))
		require.NoError(t, err)
		require.Len(t, r.Problems, 1, want)
		require.Contains(t, r.Problems[0], want)
	}
	write(func(*backup.Manifest) {})
	other := target(t)
	other.Secret, other.Keys = []byte("another secret, which is long enough too"), auditlog.NewKeys([]byte("another secret, which is long enough too"))
	r, err := backup.Restore(t.Context(), path, other)
	require.NoError(t, err)
	require.NotEmpty(t, r.Problems)
	require.Contains(t, r.Problems[0], "SECRET_KEY")

	for want, damage := range map[string]func(){
		"database.dump is not as it was saved": func() { alter(t, filepath.Join(path, "database.dump")) },
		"media/profile_images/a.png is not":    func() { alter(t, filepath.Join(path, "media/profile_images/a.png")) },
		"not to be trusted":                    func() { write(func(m *backup.Manifest) { m.Media[0].Name = "../../../outside" }) },
		"cannot be read":                       func() { require.NoError(t, os.WriteFile(filepath.Join(path, "manifest.json"), []byte("{"), 0o600)) },
	} {
		copied := filepath.Join(t.TempDir(), "copy")
		require.NoError(t, os.CopyFS(copied, os.DirFS(path)))
		damage()
		to := target(t)
		_, err := backup.Restore(t.Context(), path, to)
		require.ErrorContains(t, err, want)
		require.Zero(t, tablesIn(t, to.URL), "nothing is written")
		require.NoError(t, os.RemoveAll(path))
		require.NoError(t, os.CopyFS(path, os.DirFS(copied)))
	}
	require.NoError(t, os.Remove(filepath.Join(path, "manifest.json")))
	_, err = backup.Restore(t.Context(), path, target(t))
	require.ErrorContains(t, err, "no complete backup")
}

func alter(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	content[len(content)/2] ^= 1
	require.NoError(t, os.WriteFile(file, content, 0o600))
}

func tablesIn(t *testing.T, url string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&n))
	return n
}

func TestAFailedBackupLeavesNothing(t *testing.T) {
	t.Parallel()
	h := newHospital(t)
	h.options.URL = "postgres://nobody:wrong@127.0.0.1:1/nothing"
	folder := t.TempDir()
	_, _, err := backup.Make(t.Context(), folder, h.options)
	require.ErrorContains(t, err, "pg_dump")
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestPrune(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	now := time.Date(2026, 9, 20, 2, 0, 0, 0, time.UTC)
	for _, name := range []string{"chelal-20260901T020000Z", "chelal-20260907T020000Z", "chelal-20260908T020000Z", "chelal-20260901T020000Z.part", "chelal-20260920T010000Z.part", "something"} {
		require.NoError(t, os.Mkdir(filepath.Join(folder, name), 0o700))
	}
	removed, err := backup.Prune(folder, 12*24*time.Hour, now)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"chelal-20260901T020000Z", "chelal-20260907T020000Z", "chelal-20260901T020000Z.part"}, removed)
	removed, err = backup.Prune(folder, time.Hour, now)
	require.NoError(t, err)
	require.Empty(t, removed, "the last one stays however old it is")
}
