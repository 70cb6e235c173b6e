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
	rapid.Check(t, func(rt *rapid.T) {
		ids := []int64{testkit.Patient(t, b.db, nil).ID, testkit.Patient(t, b.db, nil).ID}
		devices := []*offline{}
		for i, nurse := range nurses {
			devices = append(devices, &offline{caller: nurse, name: testkit.Unique(fmt.Sprint("tablet", i)),
				version: map[int64]any{ids[0]: 1, ids[1]: 1}, last: map[int64]any{}})
		}
		w := &exchange{devices: devices, results: map[any]record{}}
		device := rapid.Custom(func(rt *rapid.T) *offline { return devices[rapid.IntRange(0, 1).Draw(rt, "device")] })
		rt.Repeat(map[string]func(*rapid.T){
			"record": func(rt *rapid.T) {
				device.Draw(rt, "who").record(rapid.SampledFrom(ids).Draw(rt, "patient"), rapid.IntRange(0, 3).Draw(rt, "what"))
			},
			"send": func(rt *rapid.T) { w.send(rt, device.Draw(rt, "who")) },
			"both send at once, twice": func(rt *rapid.T) {
				w.sendAtOnce(rt, devices[0], devices[1], devices[0], devices[1])
			},
			"read": func(rt *rapid.T) { w.read(device.Draw(rt, "who"), rapid.SampledFrom(ids).Draw(rt, "patient")) },
		})
		w.sendAtOnce(rt, devices...)
		w.check(rt, b, ids)
	})
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
}

// send sends what a device has recorded from some point on, perhaps some of it twice. What it
// refers to is always sent before it, or was.
func (w *exchange) send(rt *rapid.T, d *offline) {
	sent := slices.Clone(d.pending)
	if len(sent) > 0 && rapid.Bool().Draw(rt, "twice") {
		sent = append(sent, sent[rapid.IntRange(0, len(sent)-1).Draw(rt, "from"):]...)
	}
	w.heard(rt, d.sync(d.name, sent...))
}

func (w *exchange) sendAtOnce(rt *rapid.T, devices ...*offline) {
	var all sync.WaitGroup
	answers := make([][]record, len(devices))
	for i, d := range devices {
		all.Go(func() { answers[i] = d.sync(d.name, d.pending...) })
	}
	all.Wait()
	for _, results := range answers {
		w.heard(rt, results)
	}
}

// heard requires that an operation always has the result that it had first.
func (w *exchange) heard(rt *rapid.T, results []record) {
	for _, r := range results {
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
