package patientimport

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"chelal/internal/apperr"
	"chelal/internal/testkit"
)

func run(t *testing.T, pool *pgxpool.Pool, patients string, o Options) Report {
	t.Helper()
	o.Today = today
	report, err := Run(context.Background(), pool, strings.NewReader(patients), o)
	require.NoError(t, err)
	return report
}

const twoPeople = header +
	"Ann,Otieno,1990-02-28,F,0700 123456,\"1, Moi Ave\",Nuts; dust,7\n" +
	"Suharto,,1950-01-01,male,,,,\n"

func TestCSVIsWritten(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	require.Equal(t, Report{Lines: 2, Created: 2}, run(t, pool, twoPeople, Options{RequestID: "import-1"}))

	rows, err := pool.Query(context.Background(), `SELECT concat_ws('|', p.first_name, p.last_name, p.date_of_birth, p.gender,
			p.contact_info, p.address, p.known_allergies, k.system, left(k.value, 8))
		FROM core_patient p JOIN core_patientidentifier k ON k.patient_id = p.id ORDER BY p.id`)
	require.NoError(t, err)
	require.Equal(t, []string{
		"Ann|Otieno|1990-02-28|F|0700 123456|1, Moi Ave|Nuts; dust|csv|7",
		"Suharto||1950-01-01|male||||csv-sha256|3003c9d5",
	}, collect(t, rows))
}

func TestCreatedPatientsAreAudited(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	run(t, pool, twoPeople, Options{RequestID: "import-1"})
	require.Equal(t, 2, count(t, pool, "core_auditlog"))
	var line string
	var details, uniqueID string
	require.NoError(t, pool.QueryRow(context.Background(), `SELECT concat_ws('|', coalesce(a.user_id, 0), a.username, a.action,
			a.object_type, a.object_id = p.id::text, a.description, a.request_id), a.details, p.unique_id
		FROM core_auditlog a JOIN core_patient p ON p.id = a.patient_id WHERE p.first_name = 'Ann'`).Scan(&line, &details, &uniqueID))
	require.Equal(t, "0||create|patient|t|Patient imported|import-1", line)
	want, err := json.Marshal(map[string]any{"after": map[string]string{"first_name": "Ann", "last_name": "Otieno",
		"date_of_birth": "1990-02-28", "gender": "F", "contact_info": "0700 123456", "address": "1, Moi Ave",
		"known_allergies": "Nuts; dust", "unique_id": uniqueID}})
	require.NoError(t, err)
	require.JSONEq(t, string(want), details)
}

func TestASecondRunCreatesNothing(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	run(t, pool, twoPeople, Options{})
	changed := strings.Replace(twoPeople, "1, Moi Ave", "2, Moi Ave", 1) + "New,Person,2000-01-01,O,,,,\n"
	require.Equal(t, Report{Lines: 3, Created: 1, Existing: 2, Differing: []int{2}}, run(t, pool, changed, Options{}))
	require.Equal(t, 3, count(t, pool, "core_patient"))
	require.Zero(t, count(t, pool, "core_patient WHERE address = '2, Moi Ave'"))
}

func TestADryRunWritesNothing(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	require.Equal(t, Report{Lines: 2, Created: 2}, run(t, pool, twoPeople, Options{DryRun: true}))
	requireEmpty(t, pool)
	require.Equal(t, 2, run(t, pool, twoPeople, Options{}).Created)
}

func TestOneWrongLineAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	report, err := Run(context.Background(), pool, strings.NewReader(twoPeople+"A\x00,B,1990-01-01,F,,,,\n"), Options{Today: today})
	require.ErrorContains(t, err, "One line is not valid, so nothing was written.")
	require.Equal(t, Report{Lines: 3, BadCount: 1,
		Bad: []BadLine{{File: "patients", Line: 4, Field: "first_name", Reason: "It holds a control character."}}}, report)
	requireEmpty(t, pool)
}

func TestAnImportWithoutPatients(t *testing.T) {
	t.Parallel()
	require.Equal(t, Report{}, run(t, testkit.Pool(t), header, Options{}))
}

// many is more than two chunks of people.
func many() string {
	var file strings.Builder
	file.WriteString(header)
	for i := range 2*chunk + 1 {
		fmt.Fprintf(&file, "A,B,1990-01-01,F,,,,%d\n", i)
	}
	return file.String()
}

// An import that is stopped between two chunks leaves nothing of the first.
func TestAStoppedImportLeavesNothing(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	ctx, stop := context.WithCancel(context.Background())
	report, err := Run(ctx, pool, strings.NewReader(many()), Options{Today: today, Progress: func(step string, _, _ int64) {
		if step == "writing patients" {
			stop()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, report.Created)
	requireEmpty(t, pool)
}

func TestProgressOfWriting(t *testing.T) {
	t.Parallel()
	var done []int64
	run(t, testkit.Pool(t), many(), Options{Progress: func(step string, n, total int64) {
		if step == "writing patients" {
			require.EqualValues(t, 2*chunk+1, total)
			done = append(done, n)
		}
	}})
	require.Equal(t, []int64{chunk, 2 * chunk, 2*chunk + 1}, done)
}

// The reception may record a patient of the file, with the same identifier, while
// an import is between looking and writing. Then the constraint decides.
func TestAnIdentifierTakenMeanwhile(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	ctx := context.Background()
	run(t, pool, header+"Zoe,Z,1990-01-01,F,,,,z\n", Options{})
	var once bool
	_, err := Run(ctx, pool, strings.NewReader(many()), Options{Today: today, Progress: func(step string, _, _ int64) {
		if step == "writing patients" && !once {
			once = true
			_, err := pool.Exec(ctx, `INSERT INTO core_patientidentifier (patient_id, system, value)
				SELECT id, 'csv', $1 FROM core_patient`, fmt.Sprint(2*chunk))
			require.NoError(t, err)
		}
	}})
	require.ErrorIs(t, err, apperr.New(apperr.Conflict, "identifier_taken", ""))
	require.Equal(t, 1, count(t, pool, "core_patient"))
}

func TestTwoImportsAtOnceCreateEachPatientOnce(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	type result struct {
		report Report
		err    error
	}
	results := make(chan result)
	const imports = 3
	for range imports {
		go func() {
			report, err := Run(context.Background(), pool, strings.NewReader(many()), Options{Today: today})
			results <- result{report, err}
		}()
	}
	created, existing := 0, 0
	for range imports {
		r := <-results
		require.NoError(t, r.err)
		created, existing = created+r.report.Created, existing+r.report.Existing
	}
	require.Equal(t, 2*chunk+1, created)
	require.Equal(t, (imports-1)*(2*chunk+1), existing)
	require.Equal(t, created, count(t, pool, "core_patient"))
	require.Equal(t, created, count(t, pool, "core_auditlog"))
}

// Statistics taken while an import is under way say that there are no patients, and
// stay so until the next ANALYZE. The comparison must not trust them: its nested loop
// took longer than ten minutes on 100,000 patients.
func TestStaleStatisticsDoNotDecideThePlan(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	ctx := context.Background()
	run(t, pool, many(), Options{Progress: func(step string, n, total int64) {
		if step == "writing patients" && n == total {
			_, err := pool.Exec(ctx, `ANALYZE core_patient, core_patientidentifier`)
			require.NoError(t, err)
		}
	}})
	in, err := take(t, many(), Options{})
	require.NoError(t, err)
	tx, err := pool.Begin(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback(ctx) })
	require.NoError(t, stage(ctx, tx, in.rows))

	plan := func() string {
		rows, err := tx.Query(ctx, "EXPLAIN "+differingSQL)
		require.NoError(t, err)
		return strings.Join(collect(t, rows), "\n")
	}
	require.Contains(t, plan(), "Nested Loop")
	for _, sql := range []string{analyzeSQL, hashJoinsSQL} {
		_, err = tx.Exec(ctx, sql)
		require.NoError(t, err)
	}
	require.NotContains(t, plan(), "Nested Loop")
}

func TestAllergiesOfPatientsImportedBefore(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	number := `,"identifier":[` + fmt.Sprintf(mr, "http://h", "7") + `]`
	run(t, pool, patientLine("1", number), Options{})

	allergies := allergyLine("Patient/1", "Dust", "")
	require.Equal(t, Report{Lines: 1, Created: 1, AllergiesLeft: 1},
		run(t, pool, patientLine("2", ""), Options{Allergies: strings.NewReader(allergies)}))
	require.Equal(t, Report{Lines: 1, Existing: 1, Differing: []int{1}, AllergiesLeft: 1},
		run(t, pool, patientLine("1", number), Options{Allergies: strings.NewReader(allergies)}))

	report, err := Run(context.Background(), pool, strings.NewReader(patientLine("3", "")), Options{
		Today: today, Allergies: strings.NewReader(allergies + "\n" + allergyLine("Patient/9", "Dust", "") + "x\n")})
	require.Error(t, err)
	require.Equal(t, []BadLine{
		{"allergies", 3, "patient", "The patient is neither in the file of patients nor imported before."},
		{"allergies", 4, "", "It is not JSON (byte 1). There must be one resource a line."},
	}, report.Bad)
	require.Equal(t, 2, count(t, pool, "core_patient"))
}

// Two servers may give one resource id to two people; a medical record number keeps
// them apart.
func TestOneResourceIDOfTwoServers(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	for i, system := range []string{"http://h", "http://i"} {
		line := patientLine("1", `,"identifier":[`+fmt.Sprintf(mr, system, "7")+`]`)
		require.Equal(t, 1, run(t, pool, line, Options{}).Created)
		require.Equal(t, 1, run(t, pool, line, Options{}).Existing)
		require.Equal(t, i+1, count(t, pool, "core_patient"))
	}
}

func TestSynthea(t *testing.T) {
	t.Parallel()
	const folder = "../../../shared/data/synthea"
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the sample data is not here")
	}
	pool := testkit.Pool(t)
	synthea := func() Report {
		report, err := Run(context.Background(), pool, open(t, folder, "1144-patients.ndjson"),
			Options{Today: today, Allergies: open(t, folder, "1144-allergies.ndjson")})
		require.NoError(t, err)
		return report
	}
	first := synthea()
	require.Equal(t, Report{Lines: 1144, Created: 1144, Allergies: first.Allergies}, first)
	require.Equal(t, 835, first.Allergies)
	require.Equal(t, Report{Lines: 1144, Existing: 1144, AllergiesLeft: first.Allergies}, synthea())

	require.Equal(t, 1144, count(t, pool, `core_patient WHERE first_name <> '' AND last_name <> '' AND gender IN ('male', 'female')
		AND contact_info LIKE '555-%' AND address LIKE '%, US' AND date_of_birth > '1900-01-01'`))
	rows, err := pool.Query(context.Background(), `SELECT concat_ws('|', first_name, last_name, date_of_birth, gender, contact_info, address)
		FROM core_patient ORDER BY id LIMIT 2`)
	require.NoError(t, err)
	require.Equal(t, []string{
		"Andrew29|Goldner995|1943-03-17|male|555-806-9773|847 Tremblay Crossroad, Bloom, KS, 00000, US",
		"Micheal721 Omar359|Bailey598|1983-08-10|male|555-315-8314|317 Towne Extension Apt 37, Ulysses, KS, 67880, US",
	}, collect(t, rows))
}

func open(t *testing.T, folder, name string) io.Reader {
	t.Helper()
	f, err := os.Open(filepath.Join(folder, name))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}
