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

	"github.com/jackc/pgx/v5"
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
