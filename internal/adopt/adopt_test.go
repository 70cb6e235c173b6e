package adopt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/internal/adopt"
	"chelal/internal/auditlog"
	"chelal/internal/authn"
	"chelal/internal/media"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// django returns a connection to a database of the Django system with a hospital in it.
func django(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), testkit.EmptyURL(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the test is over
	_, err = conn.Exec(t.Context(), "SET timezone TO 'UTC'")
	require.NoError(t, err)
	for _, file := range []string{"testdata/django.sql", "testdata/hospital.sql"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), string(text))
		require.NoError(t, err, file)
	}
	return conn
}

var options = adopt.Options{Zone: "Africa/Nairobi"}

// texts answers the rows of a query with one column.
func texts(t *testing.T, conn interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}, sql string, args ...any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	require.NoError(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err, sql)
	return found
}

// issues are those that the hospital has, each with its rows.
var issues = map[string]string{
	"role.name role_renamed":                               "3",
	"user.email email_taken":                               "24,25",
	"user.email email_is_username":                         "26",
	"user.password password_unreadable":                    "20",
	"user.username username_changed":                       "27",
	"user.language_preference language_unknown":            "28",
	"user.preferences preferences_unreadable":              "28",
	"user.two_factor_enabled second_factor_off":            "28,29",
	"user.profile_image image_left_behind":                 "29,30",
	"user.email email_trimmed":                             "15,16",
	"loginactivity.ip_address address_was_network":         "10",
	"core_user_groups. table_left_behind":                  "0",
	"patient.blood_group column_unknown":                   "0",
	"patient.gender gender_unknown":                        "5,6",
	"patient.first_name name_missing":                      "6,7",
	"appointment.status status_renamed":                    "705,706,707,708",
	"medication.name name_taken":                           "2,3",
	"medication.current_stock stock_too_large":             "4",
	"billitem.amount line_amount_moved":                    "1002,1009,1010,1011",
	"billitem.description description_missing":             "1008",
	"billitem.quantity quantity_below_one":                 "1009",
	"bill.total_amount bill_overpaid":                      "405",
	"bill.total_amount total_negative":                     "408",
	"bill.lines total_is_not_the_sum":                      "401,402,405,410",
	"bill.is_paid paid_without_payments":                   "403",
	"bill.is_paid paid_and_not_marked":                     "404",
	"payment.amount payment_negative":                      "905,907",
	"payment.amount payment_of_nothing":                    "908",
	"payment.refund refund_without_payment":                "907",
	"payment.method method_renamed":                        "901,902,903,904",
	"rolechangerequest.status request_closed":              "1,4",
	"rolechangerequest.reviewed_by_id own_request_decided": "3",
	"loginactivity.status status_renamed":                  "9",
	"systemsetting.value setting_not_valid":                "2",
}

func TestAHospitalIsTakenOver(t *testing.T) {
	t.Parallel()
	from, pool := django(t), testkit.Pool(t)
	r, err := adopt.Run(t.Context(), from, pool, options)
	require.NoError(t, err)
	require.False(t, r.Already)

	found := map[string]string{}
	for _, line := range texts(t, pool, `SELECT table_name || '.' || column_name || ' ' || code || ' ' || string_agg(row_id::text, ',' ORDER BY row_id)
		FROM core_adoptionissue WHERE code <> 'appointments_overlap' GROUP BY table_name, column_name, code`) {
		cut := strings.LastIndex(line, " ")
		found[line[:cut]] = line[cut+1:]
	}
	require.Equal(t, issues, found)
	for _, i := range r.Issues {
		require.NotContains(t, adopt.Explain(i.Code), "_", "%s has no sentence", i.Code)
	}
	overlapping := texts(t, pool, "SELECT row_id::text FROM core_adoptionissue WHERE code = 'appointments_overlap' ORDER BY row_id")
	require.Subset(t, overlapping, []string{"701", "702"})
	require.NotContains(t, overlapping, "703")
	require.NotContains(t, overlapping, "704")
	for _, c := range r.Tables {
		switch c.Table {
		case "core_role": // Patient is here, too; Lab Technician comes
			require.Equal(t, adopt.Count{Table: "core_role", Source: 7, Here: 7}, c)
		case "core_billitem": // 401, 402, 405, 410 have lines that make up their totals: 410 four
			require.Equal(t, c.Source+7, c.Here)
		case "core_payment":
			require.Equal(t, c.Source-3, c.Here)
		case "core_systemsetting":
			require.EqualValues(t, 9, c.Here, "motto comes to the eight here")
		default:
			require.Equal(t, c.Source, c.Here, c.Table)
		}
	}

	t.Run("every value is as it was", func(t *testing.T) { sameAsBefore(t, from, pool) })
	t.Run("money", func(t *testing.T) {
		require.Equal(t, []string{
			"401 500.00 0.00 f", "402 30.00 0.00 f", "403 80.00 0.00 f", "404 80.00 80.00 t", "405 100.00 100.00 t",
			"406 100.00 50.00 f", "407 100.00 0.00 f", "408 0.00 0.00 f", "409 60.00 0.00 f", "410 300000000.00 0.00 f", "411 0.00 0.00 f",
		}, texts(t, pool, "SELECT concat_ws(' ', id, total_amount, amount_paid, is_paid) FROM core_bill WHERE id > 400 ORDER BY id"))
		require.Equal(t, []string{"903 60.00", "904 10.00", "906 10.00"}, texts(t, pool, "SELECT payment_id || ' ' || amount FROM core_refund ORDER BY payment_id"))
		require.Equal(t, []string{"invoice 311 311", "receipt 205 205"}, texts(t, pool, `SELECT c.kind || ' ' || c.last || ' ' || count(n.number)
			FROM core_documentcounter c JOIN core_documentnumber n ON n.kind = c.kind GROUP BY c.kind, c.last ORDER BY 1`))
	})
	t.Run("people sign in as before", func(t *testing.T) {
		stored := texts(t, pool, "SELECT password FROM core_user WHERE id = 2")[0]
		ok, _, err := authn.NewHasher(1).Verify(t.Context(), stored, "kept as it was")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, []string{"1 Admin", "2 Doctor", "11 Receptionist", "21 Lab Technician"}, texts(t, pool,
			"SELECT u.id || ' ' || r.name FROM core_user u JOIN core_role r ON r.id = u.role_id WHERE u.id IN (1, 2, 11, 21) ORDER BY u.id"))
	})
	t.Run("the clock of the hospital", func(t *testing.T) {
		require.Equal(t, []string{"2030-05-05 07:00 20"}, texts(t, pool,
			"SELECT to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' ' || duration_minutes FROM core_appointment WHERE id = 700"))
	})
	t.Run("the log is sealed and verified", func(t *testing.T) {
		keys := auditlog.NewKeys([]byte("a secret of the tests, long enough to be one"))
		_, err := auditlog.Seal(t.Context(), pool, keys, time.Now(), "")
		require.NoError(t, err)
		v, err := auditlog.Verify(t.Context(), pool, keys, 0, func(auditlog.Verification) bool { return true })
		require.NoError(t, err)
		require.Nil(t, v.Broken)
		require.EqualValues(t, 801, v.Rows+v.Unsealed, "and that it was taken over; it is sealed when no older transaction is open")
	})
	t.Run("work goes on", func(t *testing.T) {
		require.NoError(t, pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			testkit.Payment(t, tx, testkit.Bill(t, tx, testkit.Patient(t, tx, nil).ID, "10.00").ID, "4.00")
			testkit.User(t, tx, "Nurse")
			return nil
		}))
	})
	t.Run("once is enough", func(t *testing.T) {
		before := digest(t, pool)
		again, err := adopt.Run(t.Context(), from, pool, options)
		require.NoError(t, err)
		require.True(t, again.Already)
		require.Equal(t, r.Issues, again.Issues)
		require.Equal(t, before, digest(t, pool))
		require.Empty(t, texts(t, pool, "SELECT nspname::text FROM pg_namespace WHERE nspname = 'adoption'"), "the copy is gone")
	})
}

// sameAsBefore compares a checksum of every column of every table, of the rows without an issue.
func sameAsBefore(t *testing.T, from *pgx.Conn, pool *pgxpool.Pool) {
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	compared := 0
	for _, line := range texts(t, from, `SELECT table_name || ' ' || column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name LIKE 'core\_%' AND table_name NOT LIKE 'core_user\__%' ORDER BY 1`) {
		table, column, _ := strings.Cut(line, " ")
		switch {
		case table == "core_role" || table == "core_systemsetting" || strings.HasSuffix(line, "role_id"),
			line == "core_patient blood_group", line == "core_user two_factor_secret", line == "core_medication updated_at":
			continue // by name, elsewhere, or not taken over
		}
		flagged := texts(t, pool, `SELECT row_id::text FROM core_adoptionissue WHERE table_name = $1 AND (column_name = $2 OR code LIKE 'payment\_%')`,
			strings.TrimPrefix(table, "core_"), column)
		value := fmt.Sprintf("coalesce(nullif(%q::text, ''), '-')", column)
		if column == "preferences" {
			value = "coalesce(preferences::text, '{}')"
		}
		sql := fmt.Sprintf(`SELECT count(*) || ' ' || md5(string_agg(id || ' ' || %s, ',' ORDER BY id)) FROM %s WHERE id::text <> ALL ($1)`, value, table)
		if table == "core_auditlog" || table == "core_billitem" {
			sql += fmt.Sprintf(" AND id <= %s", map[string]string{"core_auditlog": "800", "core_billitem": "1011"}[table])
		}
		require.Equal(t, texts(t, from, sql, flagged), texts(t, conn, sql, flagged), line)
		compared++
	}
	require.Greater(t, compared, 80)
}

// digest is a checksum of every table, but for when its rows were written.
func digest(t *testing.T, pool *pgxpool.Pool) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for _, table := range texts(t, pool, `SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
		AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname LIKE 'core\_%'`) {
		sums[table] = texts(t, pool, fmt.Sprintf(`SELECT coalesce(md5(string_agg(r, ',' ORDER BY r)), '')
			FROM (SELECT (to_jsonb(x) - '{id,xid,era,found_at,finished_at,two_factor_step}'::text[]
				- CASE WHEN %t THEN '{timestamp}'::text[] ELSE '{}' END)::text AS r FROM %s x) rows`, table == "core_auditlog", table))[0]
	}
	return sums
}

// TestKilledMidway cuts the connection in every step, and what the next run makes of it is
// what one run without a break makes.
func TestKilledMidway(t *testing.T) {
	t.Parallel()
	from := django(t)
	whole := testkit.Pool(t)
	steps := 0
	counting := options
	counting.Progress = func(step string, _, all int64) {
		if step != "copying" {
			steps = int(all)
		}
	}
	_, err := adopt.Run(t.Context(), from, whole, counting)
	require.NoError(t, err)
	require.Greater(t, steps, 8)
	want := digest(t, whole)
	for n := range steps {
		pool := testkit.Pool(t)
		// The last statement of each step fails once: all that the step did is lost, as with a kill.
		_, err := pool.Exec(t.Context(), fmt.Sprintf(`CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF (SELECT count(*) FROM core_adoptionstep) = %d THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$;
			CREATE CONSTRAINT TRIGGER die AFTER INSERT ON core_adoptionstep DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()`, n+1))
		require.NoError(t, err)
		_, err = adopt.Run(t.Context(), from, pool, options)
		require.Error(t, err, "step %d", n)
		require.Len(t, texts(t, pool, "SELECT name FROM core_adoptionstep"), n)
		_, err = pool.Exec(t.Context(), "DROP TRIGGER die ON core_adoptionstep; DROP FUNCTION die")
		require.NoError(t, err)
		var r adopt.Report
		require.Eventually(t, func() bool { // the lock of the killed one goes with its process
			r, err = adopt.Run(t.Context(), from, pool, options)
			return !errors.Is(err, adopt.ErrBusy)
		}, time.Minute, 10*time.Millisecond)
		require.NoError(t, err)
		require.False(t, r.Already)
		require.Equal(t, want, digest(t, pool), "step %d", n)
	}
}

// TestPictures takes those over that are there and can be drawn.
func TestPictures(t *testing.T) {
	t.Parallel()
	from, pool, folder := django(t), testkit.Pool(t), t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "media", "profile_images"), 0o755))
	var drawing bytes.Buffer
	require.NoError(t, png.Encode(&drawing, image.NewGray(image.Rect(0, 0, 700, 350))))
	for name, content := range map[string][]byte{
		"media/profile_images/a.png": drawing.Bytes(), "media/profile_images/text.png": []byte("no picture"), "outside.png": drawing.Bytes(),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), content, 0o644))
	}
	_, err := from.Exec(t.Context(), `UPDATE core_user SET profile_image = 'profile_images/text.png' WHERE id = 28;
		UPDATE core_user SET profile_image = '../outside.png' WHERE id = 27; UPDATE core_user SET profile_image = 'profile_images/gone.png' WHERE id = 26`)
	require.NoError(t, err)
	uploads, err := os.OpenRoot(filepath.Join(folder, "media"))
	require.NoError(t, err)
	defer uploads.Close()
	o, kept := options, t.TempDir()
	o.Pictures, o.Media = uploads, media.Folder(kept)
	o.DryRun = true
	_, err = adopt.Run(t.Context(), from, pool, o)
	require.NoError(t, err)
	files, err := os.ReadDir(kept)
	require.NoError(t, err)
	require.Empty(t, files, "a dry run keeps nothing")
	o.DryRun = false
	_, err = adopt.Run(t.Context(), from, pool, o)
	require.NoError(t, err)
	require.Equal(t, []string{"26 image_missing profile_images/gone.png -", "27 image_missing ../outside.png -", "28 image_unreadable profile_images/text.png -"},
		texts(t, pool, `SELECT row_id || ' ' || code || ' ' || old_value || ' ' || coalesce(new_value, '-') FROM core_adoptionissue
			WHERE column_name = 'profile_image' AND code <> 'image_redrawn' ORDER BY row_id`))
	names := texts(t, pool, `SELECT u.profile_image FROM core_user u JOIN core_adoptionissue i ON i.row_id = u.id AND i.new_value = u.profile_image
		WHERE i.code = 'image_redrawn' AND i.old_value = 'profile_images/a.png' AND u.id IN (29, 30)`)
	require.Len(t, names, 2, "each account has its own")
	for _, name := range names {
		file, _, err := o.Media.Open(t.Context(), name)
		require.NoError(t, err)
		drawn, err := jpeg.DecodeConfig(file)
		require.NoError(t, err)
		require.Equal(t, 512, drawn.Width)
		require.NoError(t, file.Close())
	}
	require.Len(t, texts(t, pool, "SELECT kind FROM river.river_job WHERE kind = 'remove_picture' AND state = 'scheduled'"), 2,
		"each would be removed if nobody named it")
}

func TestADryRunWritesNothing(t *testing.T) {
	t.Parallel()
	from, pool := django(t), testkit.Pool(t)
	before := digest(t, pool)
	dry := options
	dry.DryRun = true
	r, err := adopt.Run(t.Context(), from, pool, dry)
	require.NoError(t, err)
	require.NotEmpty(t, r.Issues)
	require.Equal(t, before, digest(t, pool))
	require.Empty(t, texts(t, pool, "SELECT nspname::text FROM pg_namespace WHERE nspname = 'adoption'"))
	done, err := adopt.Run(t.Context(), from, pool, options)
	require.NoError(t, err)
	require.Equal(t, r, done, "it is what the dry run said")
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	from, pool := django(t), testkit.Pool(t)
	empty, err := pgx.Connect(t.Context(), testkit.EmptyURL(t))
	require.NoError(t, err)
	defer empty.Close(context.Background())
	_, err = adopt.Run(t.Context(), empty, pool, options)
	require.ErrorIs(t, err, adopt.ErrNotDjango)
	_, err = from.Exec(t.Context(), "ALTER TABLE core_patient RENAME COLUMN known_allergies TO allergies")
	require.NoError(t, err)
	_, err = adopt.Run(t.Context(), from, pool, options)
	require.ErrorContains(t, err, "core_patient.known_allergies")
	_, err = from.Exec(t.Context(), "ALTER TABLE core_patient RENAME COLUMN allergies TO known_allergies")
	require.NoError(t, err)

	other, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	_, err = other.Exec(t.Context(), "SELECT pg_advisory_lock(hashtextextended('chelal adopt', 0))")
	require.NoError(t, err)
	_, err = adopt.Run(t.Context(), from, pool, options)
	require.ErrorIs(t, err, adopt.ErrBusy)
	_, err = other.Exec(t.Context(), "SELECT pg_advisory_unlock_all()")
	require.NoError(t, err)
	other.Release()

	testkit.Patient(t, pool, nil)
	_, err = adopt.Run(t.Context(), from, pool, options)
	require.ErrorIs(t, err, adopt.ErrNotEmpty)
	require.Empty(t, texts(t, pool, "SELECT name FROM core_adoptionstep"))
}
