package listing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/listing"
	"chelal/internal/pg"
	"chelal/internal/seed"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// watched runs every statement and keeps its plan.
type watched struct {
	pg.DB
	t          *testing.T
	statements int
	plans      []string
}

func (w *watched) explain(ctx context.Context, sql string, args []any) {
	w.statements++
	if strings.HasPrefix(sql, "EXPLAIN") {
		return
	}
	rows, err := w.DB.Query(ctx, "EXPLAIN "+sql, args...)
	require.NoError(w.t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(w.t, err)
	w.plans = append(w.plans, sql+"\n"+strings.Join(lines, "\n"))
}

func (w *watched) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	w.explain(ctx, sql, args)
	return w.DB.Query(ctx, sql, args...)
}

func (w *watched) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	w.explain(ctx, sql, args)
	return w.DB.QueryRow(ctx, sql, args...)
}

// TestPatientsAtScale holds that no list reads the whole table, whatever it is asked,
// and that three statements are enough.
func TestPatientsAtScale(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := testkit.Pool(t)
	const total = 30_000
	_, err := seed.Run(ctx, pool, seed.Options{Patients: total, RNGSeed: 1, Now: time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	_, err = pool.Exec(ctx, "ANALYZE core_patient")
	require.NoError(t, err)
	var rare string
	require.NoError(t, pool.QueryRow(ctx, "SELECT unique_id FROM core_patient ORDER BY id DESC LIMIT 1").Scan(&rare))

	everybody := slices.Clip(listing.PatientsFound(""))
	requests := map[string]listing.Request{
		"first page":   {Ordering: "id", Page: 1, Size: 50, Where: everybody},
		"a late page":  {Ordering: "last_name", Page: 100, Size: 100, Where: everybody},
		"by number":    {Ordering: "id", Page: 1, Size: 50, Where: listing.PatientsFound(rare)},
		"by telephone": {Ordering: "id", Page: 1, Size: 50, Where: listing.PatientsFound("+254 712 345 6")},
		"by name":      {Ordering: "last_name", Page: 1, Size: 50, Where: listing.PatientsFound("wanj kam")},
		"nobody":       {Ordering: "id", Page: 1, Size: 50, Where: listing.PatientsFound("qqqqqqq")},
		"born then": {Ordering: "id", Page: 1, Size: 50, Where: append(everybody,
			listing.PatientsBornAfter(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)),
			listing.PatientsBornBefore(time.Date(1980, 1, 7, 0, 0, 0, 0, time.UTC)))},
		"of a rare gender": {Ordering: "last_name", Page: 1, Size: 50, Where: append(everybody, listing.PatientsOfGender("Other"))},
		"own":              {Ordering: "id", Page: 1, Size: 50, Where: append(everybody, listing.PatientsOf(1))},
	}
	for _, ordering := range []string{"id", "first_name", "last_name", "date_of_birth", "created_at", "updated_at"} {
		requests["cursor "+ordering] = listing.Request{Ordering: "-" + ordering, Size: 50, Cursor: new(""), Where: everybody}
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			w := &watched{DB: pool, t: t}
			page, err := listing.Patients.Read(ctx, w, request)
			require.NoError(t, err)
			if request.Cursor != nil {
				request.Cursor = &page.Next
				_, err = listing.Patients.Read(ctx, w, request)
				require.NoError(t, err)
			}
			require.LessOrEqual(t, w.statements, 3)
			for _, plan := range w.plans {
				if strings.Contains(plan, "WHERE true\n AND p.merged_into_id IS NULL LIMIT 10001") {
					continue // counts the first 10,001 rows, whichever come first
				}
				require.NotContains(t, plan, "Seq Scan", plan)
			}
		})
	}

	t.Run("counts", func(t *testing.T) {
		page, err := listing.Patients.Read(ctx, pool, listing.Request{Ordering: "id", Page: 1, Size: 1, Where: everybody})
		require.NoError(t, err)
		require.True(t, page.IsEstimate)
		require.InEpsilon(t, total, *page.Count, 0.05)
		w := &watched{DB: pool, t: t}
		again, err := listing.Patients.Read(ctx, w, listing.Request{Ordering: "id", Page: 1, Size: 1, Where: everybody})
		require.NoError(t, err)
		require.Equal(t, page.Count, again.Count)
		require.True(t, again.IsEstimate)
		require.NotContains(t, strings.Join(w.plans, ""), "LIMIT 10001", "that there are so many is known")
		one, err := listing.Patients.Read(ctx, pool, listing.Request{Ordering: "id", Page: 1, Size: 1, Where: listing.PatientsFound(rare)})
		require.NoError(t, err)
		require.False(t, one.IsEstimate)
		require.EqualValues(t, 1, *one.Count)
	})

	t.Run("numbered pages end at row 10,000", func(t *testing.T) {
		last, err := listing.Patients.Read(ctx, pool, listing.Request{Ordering: "id", Page: 100, Size: 100})
		require.NoError(t, err)
		require.Len(t, last.Rows, 100)
		require.False(t, last.More)
		_, err = listing.Patients.Read(ctx, pool, listing.Request{Ordering: "id", Page: 101, Size: 100})
		require.ErrorContains(t, err, "cursor=")
	})

	t.Run("a cursor neither repeats nor skips while rows come and go", func(t *testing.T) {
		seen := map[int64]bool{}
		cursor := ""
		for round := 0; ; round++ {
			page, err := listing.Patients.Read(ctx, pool, listing.Request{Ordering: "last_name", Size: 200, Cursor: &cursor})
			require.NoError(t, err)
			for _, row := range page.Rows {
				require.False(t, seen[row.ID], "twice")
				seen[row.ID] = true
			}
			if round%50 == 0 {
				_, err := pool.Exec(ctx, "INSERT INTO core_patient (first_name, last_name, date_of_birth, gender) VALUES ('A', $1, '1990-01-15', 'F')",
					fmt.Sprint("AAA", round))
				require.NoError(t, err)
			}
			if !page.More {
				break
			}
			cursor = page.Next
		}
		require.GreaterOrEqual(t, len(seen), total)
	})
}

// TestSearchesByNumber holds that the numbered pages of a search are what its cursor walks
// through, and that their count is exact as far as it has to be.
func TestSearchesByNumber(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := testkit.Pool(t)
	_, err := seed.Run(ctx, pool, seed.Options{Patients: 3_000, RNGSeed: 1, Now: time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	const size = 30
	ids := func(page listing.Page[db.CorePatient], into []int64) []int64 {
		for _, row := range page.Rows {
			into = append(into, row.ID)
		}
		return into
	}
	for _, search := range []string{"kam", "ka", "wan kam", "qqqqqqq"} {
		for _, ordering := range []string{"id", "-last_name", "date_of_birth", "-updated_at"} {
			where := listing.PatientsFound(search)
			var walked, numbered []int64
			for cursor := ""; ; {
				page, err := listing.Patients.Read(ctx, pool, listing.Request{Ordering: ordering, Size: size, Cursor: &cursor, Where: where})
				require.NoError(t, err)
				walked = ids(page, walked)
				if cursor = page.Next; !page.More {
					break
				}
			}
			for number := int64(1); ; number++ {
				w := &watched{DB: pool, t: t}
				page, err := listing.Patients.Read(ctx, w, listing.Request{Ordering: ordering, Size: size, Page: number, Where: where})
				require.NoError(t, err)
				require.Equal(t, 1, w.statements)
				require.EqualValues(t, len(walked), *page.Count)
				require.False(t, page.IsEstimate)
				if numbered = ids(page, numbered); !page.More {
					_, err = listing.Patients.Read(ctx, pool, listing.Request{Ordering: ordering, Size: size, Page: number + 1, Where: where})
					require.ErrorContains(t, err, "no such page")
					break
				}
			}
			require.Equal(t, walked, numbered, "%s by %s", search, ordering)
			require.Equal(t, search == "qqqqqqq", len(numbered) == 0)
		}
	}

	_, err = pool.Exec(ctx, `INSERT INTO core_patient (first_name, last_name, date_of_birth, gender)
		SELECT 'Zz', 'Zzyzx', '1990-01-15', 'F' FROM generate_series(1, $1)`, listing.Reach)
	require.NoError(t, err)
	last := listing.Request{Ordering: "-id", Size: 100, Page: 100, Where: listing.PatientsFound("zzyzx")}
	page, err := listing.Patients.Read(ctx, pool, last)
	require.NoError(t, err)
	require.EqualValues(t, listing.Reach, *page.Count)
	require.False(t, page.IsEstimate)
	require.Len(t, page.Rows, 100)
	require.False(t, page.More)
	highest := page.Rows[0].ID + 99*100

	_, err = pool.Exec(ctx, "INSERT INTO core_patient (first_name, last_name, date_of_birth, gender) VALUES ('Zz', 'Zzyzx', '1990-01-15', 'F')")
	require.NoError(t, err)
	last.Page = 1
	page, err = listing.Patients.Read(ctx, pool, last)
	require.NoError(t, err)
	require.Greater(t, *page.Count, int64(listing.Reach))
	require.True(t, page.IsEstimate)
	require.Greater(t, page.Rows[0].ID, highest, "the page is of all that match")
	last.Page = 101
	_, err = listing.Patients.Read(ctx, pool, last)
	require.ErrorContains(t, err, "cursor=")
}

func TestWords(t *testing.T) {
	t.Parallel()
	for search, words := range map[string][]any{
		"":                 nil,
		"  ":               nil,
		"jane smith":       {"jane", "smith"},
		"+254 712 345-678": {"254712345678"},
		"0712 345":         {"712345"},
		"00":               {"00"},
		"12 Main":          {"12", "Main"},
	} {
		var got []any
		for _, condition := range listing.Words("c", search) {
			got = append(got, condition.Args...)
		}
		require.Equal(t, words, got, search)
	}
}
