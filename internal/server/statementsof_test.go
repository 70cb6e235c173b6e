package server_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/picture"
	"chelal/internal/testkit"
)

var update = flag.Bool("update", false, "write testdata/statements.txt anew")

// TestStatementsOfEveryOperation holds each operation of the contract to so many statements as
// testdata/statements.txt says, the transaction's begin and commit and the question who is calling
// included, for a caller whom the server knows. Whoever changes that number sees it in the diff.
func TestStatementsOfEveryOperation(t *testing.T) {
	t.Parallel()
	counter, pool := countedPool(t)
	b := setupOn(t, pool)
	b.counted = true
	changes := &change.Store{DB: pool, Now: time.Now} // the first job of a process asks for PostgreSQL's version
	require.NoError(t, changes.Do(t.Context(), func(c *change.Change) error { return picture.RemoveLater(t.Context(), c, "x", c.Now) }))
	var lines strings.Builder
	for _, target := range targets() {
		c, id := actor(b, "Admin", ownRow(target.path), target.path)
		row := strings.NewReplacer("{id}", fmt.Sprint(id), "{batch}", syncBatchOf(b, c, "own")).Replace(target.path) + required(b, target.Operation)
		s := &siege{c, target, newReferences(b), row, nil}
		body := map[string]any{}
		if s.body() != nil {
			body = s.valid()
		}
		if prepare := prepared[s.OperationID]; prepare != nil {
			prepare(s, id, body)
		}
		if s.RequestBody == nil {
			body = nil
		}
		s.known()
		var got answer
		n := counter.during(func() { got = s.call(s.method, s.row, body) })
		require.Less(t, got.status, 300, "%s: %s", s.OperationID, got.raw)
		fmt.Fprintf(&lines, "%s %d\n", s.OperationID, n)
	}
	const file = "testdata/statements.txt"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(lines.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), lines.String(), "if it has to be so: go test ./internal/server -run %s -args -update", t.Name())
}

func ownRow(path string) string {
	if strings.Contains(path, "notifications") {
		return "own"
	}
	return "foreign"
}

// prepared makes what an operation needs beside its row, and a body that fits it.
var prepared = map[string]func(s *siege, id int64, body map[string]any){
	"adjustStock": func(_ *siege, _ int64, body map[string]any) { body["quantity"] = 5 },
	"assignRole":  func(s *siege, _ int64, body map[string]any) { body["user_id"] = s.refs.ids["user"] },
	"changePassword": func(s *siege, _ int64, body map[string]any) {
		s.withPassword()
		body["current_password"] = goodPassword
	},
	"createEncounter": func(s *siege, _ int64, body map[string]any) {
		delete(body, "appointment")
		body["doctor"] = s.refs.ids["doctor"]
	},
	"deleteRole": func(s *siege, _ int64, _ map[string]any) { s.ownRole() },
	"disableTwoFactor": func(s *siege, _ int64, body map[string]any) {
		e := enrol(s.t, s.bundle, "Admin")
		s.caller = e.caller
		body["password"], body["otp"] = goodPassword, codeOf(s.t, e.secret, s.now)
	},
	"dispensePrescription": func(s *siege, _ int64, body map[string]any) { body["medication"] = s.refs.ids["medication"] },
	"enableTwoFactor": func(s *siege, _ int64, body map[string]any) {
		body["otp"] = codeOf(s.t, s.call("POST", "/api/profile/2fa/setup/", nil).body["secret"].(string), s.now)
	},
	"refreshTokens": func(s *siege, _ int64, body map[string]any) {
		s.withPassword()
		body["refresh"] = signInWith(s.caller, s.user.Username, goodPassword, "").body["refresh"]
	},
	"refundPayment":        func(_ *siege, _ int64, body map[string]any) { body["amount"] = "1.00" },
	"replaceEncounter":     func(_ *siege, _ int64, body map[string]any) { delete(body, "appointment") },
	"replaceMedication":    func(_ *siege, _ int64, body map[string]any) { body["name"] = testkit.Unique("Medication") },
	"replacePayment":       func(_ *siege, _ int64, body map[string]any) { body["amount"] = "4.00" },
	"replaceRole":          func(s *siege, _ int64, body map[string]any) { s.ownRole(); body["name"] = testkit.Unique("Role") },
	"replaceServiceItem":   func(_ *siege, _ int64, body map[string]any) { body["code"] = testkit.Unique("S") },
	"replaceSystemSetting": func(_ *siege, _ int64, body map[string]any) { body["key"] = testkit.Unique("key") },
	"replaceUser": func(_ *siege, _ int64, body map[string]any) {
		body["username"] = testkit.Unique("doctor")
		body["email"] = testkit.Unique("doctor") + "@example.org"
	},
	"signIn": func(s *siege, _ int64, body map[string]any) {
		s.withPassword()
		body["username"], body["password"] = s.user.Username, goodPassword
	},
	"unmergePatient": func(s *siege, id int64, _ map[string]any) {
		merged := s.call("POST", fmt.Sprintf("/api/patients/%d/merge/", s.refs.ids["patient"]), map[string]any{"duplicate": id})
		require.Less(s.t, merged.status, 300, merged.raw)
	},
	"updateProfile": func(_ *siege, _ int64, body map[string]any) { body["email"] = testkit.Unique("jane") + "@example.org" },
}

// withPassword makes the caller one who has a password.
func (s *siege) withPassword() { s.caller = s.asUser(withPassword(s.t, s.bundle, "Admin")) }

// ownRole makes the row a role that is not built in.
func (s *siege) ownRole() {
	role, err := db.New().RoleCreate(s.t.Context(), s.db, testkit.Unique("Role"), "")
	require.NoError(s.t, err)
	s.row = fmt.Sprintf("/api/roles/%d/", role.ID)
}
