package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/testkit"
)

// known has the server remember who has the caller's session.
func (c caller) known() caller {
	c.t.Helper()
	require.Equal(c.t, 200, c.call("GET", "/api/users/me/", nil).status)
	return c
}

// TestNobodyIsShownWhatThePresumedMightSee changes who is calling after the server has learned it,
// and asks for everything that is read: each is answered as though the server had known nothing, and
// the log says nothing of what was not shown.
func TestNobodyIsShownWhatThePresumedMightSee(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string
		status int
		code   string
	}{
		"signed out":                 {"UPDATE core_session SET revoked_at = now() WHERE user_id = $1", 401, "token_not_valid"},
		"deactivated":                {"UPDATE core_user SET is_active = false WHERE id = $1", 401, "token_not_valid"},
		"without a role":             {"UPDATE core_user SET role_id = NULL WHERE id = $1", 403, "forbidden"},
		"has to change the password": {"UPDATE core_user SET password_change_required = true WHERE id = $1", 403, "password_change_required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			asked := 0
			for _, target := range targets() {
				if target.method != http.MethodGet || !showsPatients(target.Operation) {
					continue
				}
				admin, id := actor(b, "Admin", ownRow(target.path), target.path)
				path := strings.ReplaceAll(target.path, "{id}", fmt.Sprint(id)) + required(b, target.Operation)
				admin.known()
				_, err := b.db.Exec(t.Context(), c.change, admin.user.ID)
				require.NoError(t, err)
				for _, query := range []string{"", "?colour=red"} { // nor is anything told of what is wrong
					got := admin.call("GET", path+query, nil)
					require.Equal(t, c.status, got.status, "%s: %s", path, got.raw)
					require.Equal(t, c.code, got.body["code"], path)
				}
				require.Empty(t, auditActions(b, "user_id = $1", admin.user.ID), path)
				asked++
			}
			require.Greater(t, asked, 10)
		})
	}
}

// TestWhoIsCallingIsConfirmedWithWhatIsShown holds that a change of who is calling which leaves the
// right to see something is answered for who it is now, with one row in the log.
func TestWhoIsCallingIsConfirmedWithWhatIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := testkit.Patient(t, b.db, nil)
	for name, change := range map[string]string{
		"another name": "UPDATE core_user SET username = 'renamed' || id WHERE id = $1",
		"another role": "UPDATE core_user SET role_id = (SELECT id FROM core_role WHERE name = 'Doctor') WHERE id = $1",
	} {
		for operation, path := range map[string]string{
			"getPatient":         "/api/patients/" + text(p.ID) + "/",
			"getPatientTimeline": "/api/patients/" + text(p.ID) + "/timeline/",
			"listPatients":       "/api/patients/?search=" + p.UniqueID,
		} {
			nurse := b.as("Nurse").known()
			_, err := b.db.Exec(t.Context(), change, nurse.user.ID)
			require.NoError(t, err)
			now, err := db.New().UserGet(t.Context(), b.db, nurse.user.ID)
			require.NoError(t, err)
			for _, caller := range []string{"another than presumed", "as presumed"} {
				where := operation + " by who has " + name + ", " + caller
				got := nurse.call("GET", path, nil)
				require.Equal(t, 200, got.status, where)
				require.Equal(t, []string{"view patient " + operation},
					auditActions(b, "request_id = $1 AND patient_id = $2 AND username = $3", got.header.Get("X-Request-Id"), p.ID, now.CoreUser.Username), where)
				require.Len(t, auditActions(b, "request_id = $1", got.header.Get("X-Request-Id")), 1, where)
			}
		}
	}

	t.Run("a Patient whose account is given another record", func(t *testing.T) {
		patient := b.as("Patient").known()
		own := testkit.Patient(t, b.db, &patient.user.ID)
		require.Equal(t, 200, patient.call("GET", "/api/patients/"+text(own.ID)+"/", nil).status)
		_, err := b.db.Exec(t.Context(), "UPDATE core_patient SET user_id = NULL WHERE id = $1", own.ID)
		require.NoError(t, err)
		patient.call("GET", "/api/patients/"+text(own.ID)+"/", nil).refused(t, 404, "not_found")
		patient.call("GET", "/api/patients/"+text(own.ID)+"/timeline/", nil).refused(t, 404, "not_found")
	})
}

// TestSigningOutUnderLoad has many read patients with a session while it is signed out: none that
// asks afterwards is shown anything.
func TestSigningOutUnderLoad(t *testing.T) {
	t.Parallel()
	b := setupOn(t, testkit.Pool(t))
	p := testkit.Patient(t, b.db, nil)
	nurse := b.as("Nurse").known()
	paths := []string{"/api/patients/" + text(p.ID) + "/", "/api/patients/", "/api/patients/" + text(p.ID) + "/timeline/", "/api/patients/?search=" + p.UniqueID}
	var over atomic.Bool
	var shown, late atomic.Int64
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			for afterwards := 0; afterwards < 5; {
				began := over.Load()
				got := nurse.call("GET", paths[n%len(paths)], nil)
				switch {
				case got.status == 200 && began:
					late.Add(1)
				case got.status == 200:
					shown.Add(1)
				case got.status != 401:
					t.Errorf("%d %s", got.status, got.raw)
				}
				if began {
					afterwards++
				}
			}
		})
	}
	require.Eventually(t, func() bool { return shown.Load() > 100 }, time.Minute, time.Millisecond)
	require.Equal(t, 204, nurse.call("POST", "/api/auth/logout/", nil).status)
	over.Store(true)
	all.Wait()
	require.Zero(t, late.Load())
}
