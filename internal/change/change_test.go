package change_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/pg"
	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestJobIsThereWithTheChangeAndKnowsItsRequest(t *testing.T) {
	t.Parallel()
	conn := testkit.Tx(t)
	store := &change.Store{DB: conn, Now: time.Now}
	ctx := change.WithOrigin(t.Context(), change.Origin{RequestID: "request-1"})
	enqueue := func(ctx context.Context, end error) error {
		return store.Do(ctx, func(c *change.Change) error {
			require.NoError(t, c.Enqueue(ctx, jobs.FoldFigures{}, nil))
			return end
		})
	}
	failure := errors.New("no")
	require.ErrorIs(t, enqueue(ctx, failure), failure)
	require.Empty(t, metadata(t, conn))
	require.NoError(t, enqueue(ctx, nil))
	require.Equal(t, []map[string]string{{"request_id": "request-1"}}, metadata(t, conn))
}

// metadata are those of all jobs.
func metadata(t *testing.T, conn pg.DB) []map[string]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT metadata FROM river.river_job ORDER BY id")
	require.NoError(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
	require.NoError(t, err)
	all := make([]map[string]string, len(found))
	for i, text := range found {
		require.NoError(t, json.Unmarshal(text, &all[i]))
	}
	return all
}
