package realtime_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// sockets is how many listen, in a process of their own.
const sockets = 5000

// BenchmarkBroadcast commits an event to all of 5,000 sockets every 100 ms and measures
// how long after the commit began a client has it, and what that takes of the process that
// serves.
func BenchmarkBroadcast(b *testing.B) {
	pool := testkit.Pool(b)
	h := newHouse(b, pool)
	before := memory()
	exe, err := os.Executable()
	require.NoError(b, err)
	clients := exec.Command(exe)
	clients.Env = append(os.Environ(), "CHELAL_TEST_IS_AUDIENCE="+h.url)
	clients.Stderr = os.Stderr
	in, err := clients.StdinPipe()
	require.NoError(b, err)
	out, err := clients.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, clients.Start())
	answers := bufio.NewScanner(out)
	require.True(b, answers.Scan(), "they could not all come in")
	perSocket := float64(memory()-before) / sockets

	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	cpu := processor()
	b.ResetTimer()
	for range b.N {
		<-tick.C
		execute(b, pool, toAll, time.Now().UnixNano())
		h.relay.Wake()
	}
	_, err = fmt.Fprintln(in, b.N)
	require.NoError(b, err)
	require.True(b, answers.Scan(), "not everything arrived")
	b.StopTimer()
	used := processor() - cpu
	var got delivery
	require.NoError(b, json.Unmarshal(answers.Bytes(), &got))
	require.NoError(b, clients.Wait())
	require.Equal(b, b.N*sockets, got.Messages)
	b.ReportMetric(got.P50, "p50-ms")
	b.ReportMetric(got.P99, "p99-ms")
	b.ReportMetric(got.Max, "max-ms")
	b.ReportMetric(100*used.Seconds()/b.Elapsed().Seconds(), "%cpu")
	b.ReportMetric(perSocket/1024, "KiB/socket")
	b.ReportMetric(0, "ns/op") // it would be the ticker's
}

// toAll is a broadcast that says when it was sent.
const toAll = `INSERT INTO core_event (topic, type, to_staff, data) VALUES ('appointments', 'appointment.updated', true,
	jsonb_build_object('appointment', 12, 'patient', 3, 'doctor', 7, 'status', 'confirmed', 'version', 2, 'sent', $1::bigint))`

// delivery is what the audience has seen, in milliseconds.
type delivery struct {
	Messages      int
	P50, P99, Max float64
}

// audience is the process of the clients: it says when all listen, and, once it is told how
// many broadcasts there were, what it has got.
func audience() {
	url := os.Getenv("CHELAL_TEST_IS_AUDIENCE")
	var all sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	arrived := make(chan struct{}, 1)
	places := make(chan struct{}, 32)
	var opening sync.WaitGroup
	for range sockets {
		places <- struct{}{}
		opening.Go(func() {
			defer func() { <-places }()
			conn, _, err := websocket.DefaultDialer.Dial(url, nil)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			if _, _, err := conn.ReadMessage(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			all.Go(func() {
				for {
					_, text, err := conn.ReadMessage()
					if err != nil {
						return
					}
					now := time.Now()
					var m struct{ Data struct{ Sent int64 } }
					if json.Unmarshal(text, &m) != nil || m.Data.Sent == 0 {
						continue
					}
					mu.Lock()
					took = append(took, now.Sub(time.Unix(0, m.Data.Sent)))
					mu.Unlock()
					select {
					case arrived <- struct{}{}:
					default:
					}
				}
			})
		})
	}
	opening.Wait()
	fmt.Println("all listen")
	lines := bufio.NewScanner(os.Stdin)
	lines.Scan()
	broadcasts, _ := strconv.Atoi(lines.Text())
	for {
		mu.Lock()
		n := len(took)
		mu.Unlock()
		if n >= broadcasts*sockets {
			break
		}
		<-arrived
	}
	slices.Sort(took)
	at := func(part float64) float64 { return took[int(part*float64(len(took)-1))].Seconds() * 1000 }
	_ = json.NewEncoder(os.Stdout).Encode(delivery{len(took), at(0.5), at(0.99), at(1)})
}

// memory is what the heap and the stacks take after a collection.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// processor is the time that this process has had of the processors.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
