package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/testkit"
)

// forest is what merges mean, as simply as it can be said: a duplicate hangs under its
// survivor, and every row is with the root of the tree in which it was made.
type forest struct {
	admin  caller
	doctor int64
	slots  *int // taken by bookings
	ids    []int64
	under  map[int64]int64
	home   map[string]int64
}

// TestMergesAreUndoneInAnyOrder holds, after every step of random merging, undoing and
// working among five patients, that each row is where the forest says; so nothing stays
// at a merged record and none points at another merged one.
func TestMergesAreUndoneInAnyOrder(t *testing.T) {
	t.Parallel()
	b := setupOn(t, testkit.Pool(t)) // merges wait for one another: not in a transaction that lasts
	admin, doctor, slots := b.as("Admin"), testkit.User(t, b.db, "Doctor").ID, 0
	rapid.Check(t, func(rt *rapid.T) {
		f := &forest{admin: admin, doctor: doctor, slots: &slots, under: map[int64]int64{}}
		f.plant()
		patient := rapid.SampledFrom(f.ids)
		rt.Repeat(map[string]func(*rapid.T){
			"":     func(rt *rapid.T) { f.check(rt) },
			"work": func(rt *rapid.T) { f.work(patient.Draw(rt, "whose")) },
			"merge": func(rt *rapid.T) {
				f.merge(rt, patient.Draw(rt, "survivor"), patient.Draw(rt, "duplicate"))
			},
			"unmerge": func(rt *rapid.T) { f.unmerge(rt, patient.Draw(rt, "duplicate")) },
		})
		for _, id := range rapid.Permutation(f.ids).Draw(rt, "order") {
			f.unmerge(rt, id)
			f.check(rt)
		}
		require.Equal(rt, f.home, owners(t, b.db, f.ids...))
	})
}

// plant makes five patients, two of them with accounts, each with an allergy.
func (f *forest) plant() {
	for i := range 5 {
		p := allergic(f.admin.t, f.admin.db, fmt.Sprint("allergy", i))
		if i < 2 {
			account := testkit.User(f.admin.t, f.admin.db, "Patient").ID
			f.admin.call("PATCH", patientPath(p.ID), map[string]any{"user": account})
		}
		f.ids = append(f.ids, p.ID)
	}
	f.home = owners(f.admin.t, f.admin.db, f.ids...)
}

// work makes rows for the record that a patient has now.
func (f *forest) work(id int64) {
	everything(f.admin.t, f.admin.db, f.root(id), f.doctor, *f.slots)
	*f.slots++
	for row, owner := range owners(f.admin.t, f.admin.db, f.ids...) {
		if _, known := f.home[row]; !known {
			f.home[row] = owner
		}
	}
}

func (f *forest) merge(rt *rapid.T, survivor, duplicate int64) {
	want := 200
	switch {
	case survivor == duplicate:
		want = 400
	case f.under[survivor] != 0, f.under[duplicate] != 0, f.hasAccount(survivor) && f.hasAccount(duplicate):
		want = 409
	}
	require.Equal(rt, want, f.admin.merge(survivor, duplicate).status)
	if want == 200 {
		f.under[duplicate] = survivor
	}
}

func (f *forest) unmerge(rt *rapid.T, id int64) {
	want := 409
	if f.under[id] != 0 {
		want = 200
	}
	require.Equal(rt, want, f.admin.unmerge(id).status)
	delete(f.under, id)
}

// check holds that each row is where it should be, and that nobody's allergy is unknown
// to the record that is in use.
func (f *forest) check(rt *rapid.T) {
	for row, owner := range owners(f.admin.t, f.admin.db, f.ids...) {
		require.Equal(rt, f.root(f.home[row]), owner, row)
	}
	for i, id := range f.ids {
		var allergies string
		require.NoError(rt, f.admin.db.QueryRow(context.Background(),
			"SELECT known_allergies FROM core_patient WHERE id = $1", f.root(id)).Scan(&allergies))
		require.Contains(rt, strings.Split(allergies, "; "), fmt.Sprint("allergy", i))
	}
}

func (f *forest) root(id int64) int64 {
	for f.under[id] != 0 {
		id = f.under[id]
	}
	return id
}

// hasAccount answers whether anybody in the tree of a root has one.
func (f *forest) hasAccount(root int64) bool {
	return slices.ContainsFunc(f.ids[:2], func(id int64) bool { return f.root(id) == root })
}
