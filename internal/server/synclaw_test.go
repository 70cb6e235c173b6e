package server_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/testkit"
)

// offline is a device with what it has recorded and what it knows of two patients: the
// version that it has seen, and the own operation that it last recorded on each.
type offline struct {
	caller
	name    string
	pending []any
	version map[int64]any
	last    map[int64]any
}

// TestSyncLaws holds of two devices that send what they recorded in any interleaving, again
// and again, in pieces and at once: each operation has one effect and one result, and no
// version of a row is written over by who has not seen it.
func TestSyncLaws(t *testing.T) {
	t.Parallel()
	b := setupOn(t, testkit.Pool(t))
	nurses := []caller{b.as("Nurse"), b.as("Nurse")}
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		ids := []int64{testkit.Patient(t, b.db, nil).ID, testkit.Patient(t, b.db, nil).ID}
		devices := []*offline{}
		for i, nurse := range nurses {
			devices = append(devices, &offline{caller: nurse, name: testkit.Unique(fmt.Sprint("tablet", i)),
				version: map[int64]any{ids[0]: 1, ids[1]: 1}, last: map[int64]any{}})
		}
		w := &exchange{seen: seen, devices: devices, results: map[any]record{}}
		for range rapid.IntRange(4, 14).Draw(rt, "steps") {
			d := devices[rapid.IntRange(0, 1).Draw(rt, "device")]
			switch rapid.IntRange(0, 7).Draw(rt, "step") {
			case 0:
				w.send(rt, d)
			case 1:
				w.sendAtOnce(rt, devices[0], devices[1], devices[0], devices[1])
			case 2:
				w.read(d, rapid.SampledFrom(ids).Draw(rt, "patient"))
			default:
				d.record(rapid.SampledFrom(ids).Draw(rt, "patient"), rapid.IntRange(0, 3).Draw(rt, "what"))
			}
		}
		w.sendAtOnce(rt, devices...)
		w.check(rt, b, ids)
	})
	for _, status := range []string{"applied", "duplicate", "conflict", "rejected"} {
		require.Greater(t, seen[status], 20, "too few are %s to tell", status)
	}
}

// record adds an operation: a change of a patient on the version seen or on the own change
// before, a new patient, or a bill of the one before.
func (d *offline) record(patient int64, what int) {
	n := len(d.pending)
	switch {
	case what == 0:
		p := jane()
		p["first_name"], p["contact_info"] = d.name, fmt.Sprint(n)
		d.pending = append(d.pending, op("patients", "create", "temp_id", fmt.Sprint("p", n), "data", p))
	case what == 1 && n > 0:
		d.pending = append(d.pending, op("bills", "create", "data", record{"patient": fmt.Sprint("p", n-1), "notes": d.name}))
	default:
		o := op("patients", "update", "id", patient, "data", record{"address": fmt.Sprint(d.name, " ", n)})
		if d.last[patient] != nil {
			o["base_op"] = d.last[patient]
		} else {
			o["base_version"] = d.version[patient]
		}
		d.last[patient] = o["op_id"]
		d.pending = append(d.pending, o)
	}
}

// exchange is everything that was answered, by op_id.
type exchange struct {
	devices []*offline
	results map[any]record
	seen    map[string]int // how many there were of each status
}

// some are the last operations of a device, with all that have no result yet and perhaps some
// that have one.
func (w *exchange) some(rt *rapid.T, d *offline) []any {
	decided := 0
	for decided < len(d.pending) && w.results[d.pending[decided].(record)["op_id"]] != nil {
		decided++
	}
	return d.pending[rapid.IntRange(max(0, decided-8), decided).Draw(rt, "from"):]
}

// send sends what a device has recorded, perhaps all of it twice.
func (w *exchange) send(rt *rapid.T, d *offline) {
	sent := w.some(rt, d)
	if rapid.Bool().Draw(rt, "twice") {
		sent = slices.Concat(sent, sent)
	}
	w.heard(rt, d.sync(d.name, sent...))
}

func (w *exchange) sendAtOnce(rt *rapid.T, devices ...*offline) {
	var all sync.WaitGroup
	answers := make([][]record, len(devices))
	for i, d := range devices {
		sent := w.some(rt, d)
		all.Go(func() { answers[i] = d.sync(d.name, sent...) })
	}
	all.Wait()
	for _, results := range answers {
		w.heard(rt, results)
	}
}

// heard requires that an operation always has the result that it had first.
func (w *exchange) heard(rt *rapid.T, results []record) {
	for _, r := range results {
		w.seen[r["status"].(string)]++
		r = maps.Clone(r)
		if r["status"] == "duplicate" {
			r["status"] = r["first_status"]
			delete(r, "first_status")
		}
		if first := w.results[r["op_id"]]; first != nil {
			require.Equal(rt, first, r)
		}
		w.results[r["op_id"]] = r
	}
}

// read is a device that is online for a moment: it sees the row as it is.
func (w *exchange) read(d *offline, patient int64) {
	d.version[patient] = d.call("GET", patientPath(patient), nil).body["version"]
	delete(d.last, patient)
}

func (w *exchange) check(rt *rapid.T, b *bundle, ids []int64) {
	versions := map[int64]int{ids[0]: 1, ids[1]: 1}
	for _, d := range w.devices {
		made, billed := 0, 0
		for _, item := range d.pending {
			o := item.(record)
			r := w.results[o["op_id"]]
			require.NotNil(rt, r, "every operation has a result")
			switch {
			case o["entity"] == "bills" && r["status"] == "applied":
				billed++
			case o["action"] == "create" && o["entity"] == "patients":
				require.Equal(rt, "applied", r["status"])
				made++
			case o["action"] == "update":
				w.checkUpdate(rt, o, r, versions)
			}
		}
		require.Equal(rt, made, rows(b, "core_patient", "first_name = '"+d.name+"'"))
		require.Equal(rt, billed, rows(b, "core_bill", "notes = '"+d.name+"'"))
	}
	for _, id := range ids {
		require.Equal(rt, 1, rows(b, "core_patient", fmt.Sprintf("id = %d AND version = %d", id, versions[id])), "each applied change is one version")
		require.Equal(rt, versions[id]-1, rows(b, "core_auditlog", fmt.Sprintf("object_type = 'patient' AND action = 'edit' AND object_id = '%d'", id)))
	}
}

// checkUpdate requires that a change that was applied made the version after the one that it builds
// on, and that one that was not says what differs.
func (w *exchange) checkUpdate(rt *rapid.T, o, r record, versions map[int64]int) {
	base := o["base_version"]
	if o["base_op"] != nil {
		before := w.results[o["base_op"]]
		if before["status"] != "applied" {
			require.Equal(rt, "dependency_rejected", r["problem"].(record)["code"])
			return
		}
		base = before["version"]
	}
	switch r["status"] {
	case "applied":
		require.EqualValues(rt, fmt.Sprint(r["version"]), fmt.Sprint(float(base)+1), "nobody came in between")
		require.Equal(rt, o["data"].(record)["address"], r["row"].(record)["address"])
		versions[o["id"].(int64)]++
	case "conflict":
		require.NotEqual(rt, float(base), float(r["version"]))
		require.NotEmpty(rt, r["fields"])
		require.Equal(rt, o["data"].(record)["address"], r["fields"].([]any)[0].(record)["yours"])
	default:
		require.Fail(rt, "an update ends as applied or in conflict", r)
	}
}

func float(v any) float64 {
	if n, ok := v.(int); ok {
		return float64(n)
	}
	return v.(float64)
}
