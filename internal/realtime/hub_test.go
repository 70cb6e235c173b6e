package realtime_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"chelal/internal/testkit"
)

// TestASlowReaderIsCutAndResumes: somebody does not read. Others are told without delay,
// and after the cut nothing is missing.
func TestASlowReaderIsCutAndResumes(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.Pool(t))
	quick := h.listen(t, -1)
	require.Equal(t, "ready", quick.next().Type)
	slow := h.listen(t, -1)
	require.Equal(t, "ready", slow.next().Type)

	// As much as fills the buffers of both systems, and the queue.
	const steps, step = 8, 200
	for i := range steps {
		execute(t, h.pool, `INSERT INTO core_event (topic, type, to_staff, data)
			SELECT 'appointments', 'x', true, jsonb_build_object('n', g, 'text', repeat('x', 12000))
			FROM generate_series($1::int, $2::int) g ORDER BY g`, i*step+1, (i+1)*step)
		h.relay.Wake()
		for n := range step {
			require.Equal(t, i*step+n+1, quick.next().Data.N)
		}
	}
	var last heard
	for {
		m, err := slow.read()
		if err != nil {
			break
		}
		require.Equal(t, last.Data.N+1, m.Data.N)
		last = m
	}
	require.Less(t, last.Data.N, steps*step, "it was not cut")
	again := h.listen(t, last.ID)
	for n := last.Data.N + 1; n <= steps*step; n++ {
		require.Equal(t, n, again.next().Data.N)
	}
	require.Equal(t, "ready", again.next().Type)
}

// TestClosingSpreadsTheReturn also holds that a closed hub leaves nothing behind.
func TestClosingSpreadsTheReturn(t *testing.T) {
	pool := testkit.Pool(t)
	before := goleak.IgnoreCurrent()
	h := newHouse(t, pool)
	var all []*listener
	for range 40 {
		l := h.listen(t, -1)
		require.Equal(t, "ready", l.next().Type)
		all = append(all, l)
	}
	began := time.Now()
	closed := make(chan struct{})
	go func() {
		h.close()
		close(closed)
	}()
	hints := map[int]bool{}
	for _, l := range all {
		_, err := l.read()
		var end *websocket.CloseError
		require.ErrorAs(t, err, &end)
		require.Equal(t, websocket.CloseServiceRestart, end.Code)
		var hint struct {
			ReconnectAfterMS int `json:"reconnect_after_ms"`
		}
		require.NoError(t, json.Unmarshal([]byte(end.Text), &hint))
		require.GreaterOrEqual(t, hint.ReconnectAfterMS, 0)
		require.Less(t, hint.ReconnectAfterMS, 1000)
		hints[hint.ReconnectAfterMS] = true
	}
	<-closed
	require.Greater(t, len(hints), 20, "spread")
	t.Logf("closed in %v", time.Since(began))
	_, _, err := websocket.DefaultDialer.Dial(h.url, nil)
	require.Error(t, err)
	goleak.VerifyNone(t, before, goleak.IgnoreTopFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"))
}
