package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/oapi-codegen/nullable"
	"github.com/oapi-codegen/runtime/types"
	"github.com/stretchr/testify/require"

	"chelal/gen/client"
	"chelal/internal/pg/embedded"
)

func TestAcknowledgedPatientsSurviveAKill(t *testing.T) {
	folder := t.TempDir()
	dir := filepath.Join(folder, ".chelal")
	p := startProcess(t, folder, "--patients", "20")
	_, api := signIn(t, p.url, "receptionist")

	var acknowledged sync.Map
	var count atomic.Int32
	enough := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				id, err := register(t.Context(), api, w, n)
				if err != nil {
					return // the server is gone
				}
				acknowledged.Store(id, true)
				if count.Add(1) == 200 {
					close(enough)
				}
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(time.Minute):
		require.Fail(t, "too few patients could be registered", p.output.String())
	}
	kill(t, p, dir)
	writers.Wait()

	again := startProcess(t, folder)
	var ids []string
	acknowledged.Range(func(id, _ any) bool { ids = append(ids, id.(string)); return true })
	var found int
	query(t, dir, &found, "SELECT count(*) FROM core_patient WHERE unique_id = ANY($1)", ids)
	require.Equal(t, len(ids), found)
	_, api = signIn(t, again.url, "receptionist")
	_, err := register(t.Context(), api, 9, 0)
	require.NoError(t, err)
}

// TestSyncBatchGoesOnAfterAKill ends the program and its PostgreSQL in the middle of a batch
// of offline operations; started again it does the rest, and nothing twice.
func TestSyncBatchGoesOnAfterAKill(t *testing.T) {
	const total = 3000
	folder := t.TempDir()
	dir := filepath.Join(folder, ".chelal")
	p := startProcess(t, folder, "--patients", "20")
	_, api := signIn(t, p.url, "receptionist")
	operations := make([]client.SyncOperation, total)
	for i := range operations {
		operations[i] = client.SyncOperation{OpID: uuid.New(), Entity: client.SyncEntityPatients, Action: client.SyncActionCreate,
			Data: nullable.NewNullableWithValue(map[string]any{"first_name": "Offline", "last_name": fmt.Sprint("Patient", i),
				"date_of_birth": fmt.Sprintf("%d-01-01", 1920+i%100), "gender": "F"})}
	}
	sent, err := api.SyncOfflineDataWithResponse(t.Context(), nil, client.SyncWrite{DeviceID: new("tablet"), Operations: operations})
	require.NoError(t, err)
	require.NotNil(t, sent.JSON202, string(sent.Body))
	batch := sent.JSON202.Batch
	progress := func(api *client.ClientWithResponses) int32 {
		got, err := api.GetSyncBatchWithResponse(t.Context(), batch, nil)
		require.NoError(t, err)
		require.NotNil(t, got.JSON200, string(got.Body))
		return got.JSON200.Done
	}
	require.Eventually(t, func() bool { return progress(api) > 0 }, time.Minute, time.Millisecond)
	kill(t, p, dir)

	var done, made int
	query(t, dir, &done, "SELECT done FROM core_syncbatch")
	query(t, dir, &made, "SELECT count(*) FROM core_patient WHERE first_name = 'Offline'")
	require.Equal(t, done, made)
	require.Less(t, done, total, "it was killed too late")
	again := startProcess(t, folder)
	_, api = signIn(t, again.url, "receptionist")
	require.Eventually(t, func() bool { return progress(api) == total }, 10*time.Minute, 100*time.Millisecond)
	end, err := api.GetSyncBatchWithResponse(t.Context(), batch, nil)
	require.NoError(t, err)
	require.EqualValues(t, total, end.JSON200.Applied)
	query(t, dir, &made, "SELECT count(*) FROM core_patient WHERE first_name = 'Offline'")
	require.Equal(t, total, made)
}

// register makes a patient and returns its number once the server has said 201.
func register(ctx context.Context, api *client.ClientWithResponses, writer, n int) (string, error) {
	answer, err := api.CreatePatientWithResponse(ctx, nil, client.CreatePatientJSONRequestBody{
		FirstName: fmt.Sprintf("Given%d", writer), LastName: fmt.Sprintf("Family%d", n), Gender: "F",
		DateOfBirth: types.Date{Time: time.Date(1950+n%70, 1, 1+n%28, 0, 0, 0, 0, time.UTC)},
	})
	if err != nil {
		return "", err
	}
	if answer.StatusCode() != http.StatusCreated {
		return "", fmt.Errorf("%s: %s", answer.Status(), answer.Body)
	}
	return answer.JSON201.UniqueID, nil
}

// kill ends the program and its PostgreSQL without a chance to tidy up.
func kill(t *testing.T, p *process, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "postgres", "postmaster.pid"))
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(text), "\n")
	postmaster, err := strconv.Atoi(first)
	require.NoError(t, err)
	require.NoError(t, p.Process.Kill())
	require.NoError(t, syscall.Kill(postmaster, syscall.SIGKILL))
}

// query and execute work on the database of the cluster in dir, running or not.
func query(t *testing.T, dir string, into any, sql string, args ...any) {
	t.Helper()
	onCluster(t, dir, func(conn *pgx.Conn) error { return conn.QueryRow(t.Context(), sql, args...).Scan(into) })
}

func execute(t *testing.T, dir, sql string) {
	t.Helper()
	onCluster(t, dir, func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), sql)
		return err
	})
}

func onCluster(t *testing.T, dir string, f func(*pgx.Conn) error) {
	t.Helper()
	cluster, err := embedded.Start(t.Context(), embedded.Options{Dir: dir})
	require.NoError(t, err)
	defer func() { require.NoError(t, cluster.Stop()) }()
	conn, err := pgx.Connect(t.Context(), cluster.URL("chelal"))
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	require.NoError(t, f(conn))
}
