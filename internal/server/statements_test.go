package server_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/testkit"
)

// statements counts what is sent to PostgreSQL.
type statements struct{ n atomic.Int64 }

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	s.n.Add(1)
	return ctx
}
func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}
func (s *statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) { s.n.Add(1) }
func (*statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)       {}

// countedPool returns a database of the test's own, and what counts the statements sent to it.
func countedPool(t *testing.T) (*statements, *pgxpool.Pool) {
	t.Helper()
	counter := &statements{}
	config := testkit.Pool(t).Config()
	config.ConnConfig.Tracer = counter
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return counter, pool
}

// during returns how many statements f sends.
func (s *statements) during(f func()) int64 {
	before := s.n.Load()
	f()
	return s.n.Load() - before
}

// TestListStatements holds that every list of the contract takes at most three
// statements, besides those that find out who is calling, and not one more for a larger
// page of more rows. A list that shows patients' records takes one more, whatever its
// size, which says so in the audit log and which lists at the same moment share.
func TestListStatements(t *testing.T) {
	t.Parallel()
	counter, pool := countedPool(t)
	b := setupOn(t, pool)
	b.counted = true
	admin := b.as("Admin")
	rows := newListed(b, admin.user)
	account := counter.during(func() { admin.call("GET", "/api/users/me/", nil) })
	authentication := account - 1 // the account itself is read by one

	measure := func(size int) map[string]int64 {
		taken := map[string]int64{}
		for _, path := range listPaths() {
			for _, paging := range []string{"by number", "by cursor"} {
				url := fmt.Sprintf("%s?page_size=%d", strings.ReplaceAll(path, "{id}", fmt.Sprint(rows.ids[path])), size)
				if paging == "by cursor" {
					url += "&cursor="
				}
				var got answer
				taken[path+" "+paging] = counter.during(func() { got = admin.call("GET", url, nil) }) - authentication
				require.Equal(t, 200, got.status, "%s: %s", url, got.raw)
				require.GreaterOrEqual(t, len(got.body["results"].([]any)), min(size, rows.made), "%s has too few rows to tell", url)
			}
		}
		return taken
	}
	rows.fill(t, 5)
	small := measure(2)
	rows.fill(t, 65)
	require.Equal(t, small, measure(200), "more rows take more statements")
	require.Greater(t, len(small), 10)
	for list, n := range small {
		require.Positive(t, n, list)
		most := int64(3)
		if path, _, _ := strings.Cut(list, " "); showsPatients(testkit.Contract().Paths.Value(path).Get) {
			most++
		}
		require.LessOrEqual(t, n, most, list)
	}
}

// listPaths are the paths whose GET answers a list.
func listPaths() []string {
	var paths []string
	for path, item := range testkit.Contract().Paths.Map() {
		if item.Get == nil || item.Get.Responses.Value("200") == nil {
			continue
		}
		body := item.Get.Responses.Value("200").Value.Content.Get("application/json")
		if body != nil && body.Schema.Value.Properties["results"] != nil && body.Schema.Value.Properties["count"] != nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// listed makes rows of everything that is listed.
type listed struct {
	*bundle
	made       int
	caller     db.CoreUser
	patient    db.CorePatient
	doctor     db.CoreUser
	medication db.CoreMedication
	ids        map[string]int64 // the rows that stand in the paths of lists
}

func newListed(b *bundle, caller db.CoreUser) *listed {
	l := &listed{
		bundle: b, caller: caller, patient: testkit.Patient(b.t, b.db, nil), doctor: testkit.User(b.t, b.db, "Doctor"),
		medication: testkit.Medication(b.t, b.db, 0),
	}
	l.ids = map[string]int64{"/api/patients/{id}/timeline/": l.patient.ID, "/api/medications/{id}/stock/": l.medication.ID}
	return l
}

// fill makes rows until there are so many of each kind.
func (l *listed) fill(t *testing.T, total int) {
	t.Helper()
	ctx := context.Background()
	for ; l.made < total; l.made++ {
		auditRow(l.bundle, &l.caller.ID)
		testkit.User(t, l.db, "Nurse")
		testkit.Patient(t, l.db, nil)
		testkit.Medication(t, l.db, 0)
		testkit.Appointment(t, l.db, l.patient.ID, l.doctor.ID, time.Now().Truncate(time.Hour).Add(time.Duration(l.made)*time.Hour))
		testkit.Prescription(t, l.db, testkit.Encounter(t, l.db, l.patient.ID, l.doctor.ID).ID)
		_, err := db.New().RoleCreate(ctx, l.db, testkit.Unique("Role"), "")
		require.NoError(t, err)
		_, err = db.New().StockMove(ctx, l.db, db.StockMoveParams{
			MedicationID: l.medication.ID, Quantity: 1, Kind: "adjustment", Reason: "Delivery", Now: time.Now(),
		})
		require.NoError(t, err)
		testkit.ServiceItem(t, l.db, "10.00")
		testkit.RoleChangeRequest(t, l.db, testkit.User(t, l.db, "").ID, "Nurse")
		testkit.Notification(t, l.db, l.caller.ID)
		testkit.LoginActivity(t, l.db, l.caller.ID)
		reportFile(l.bundle, l.caller.ID)
		testkit.SystemSetting(t, l.db)
		testkit.Payment(t, l.db, testkit.Bill(t, l.db, l.patient.ID, "10.00").ID, "4.00")
	}
}
