package server_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"chelal/internal/authz"
	"chelal/internal/testkit"
)

// secretOf stands in every text of the victim's records.
const secretOf = "Victim9Qx"

// TestForeignIds calls every operation of the contract as a Patient with a record and as a
// user without a role, and what is everybody's own as a Nurse too, and puts the ids of
// another patient's records wherever an id can stand: in the path, the query and the body.
// The answer is the one for an id that does not exist, nothing of the other's stands in
// it, and nothing changes.
func TestForeignIds(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"Patient", "Nurse", ""} {
		for _, target := range targets() {
			class := target.Extensions["x-permission"]
			if role == "Nurse" && class != "self" && class != "owner" {
				continue // a nurse may read every patient's records
			}
			t.Run(fmt.Sprintf("%s as %q", target.OperationID, role), func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				s := &siege{caller: b.as(role), target: target, refs: newReferences(b), row: required(b, target.Operation)}
				execute(t, b, "INSERT INTO core_systemsetting (key, value) VALUES ('patient_self_booking', 'true') ON CONFLICT (key) DO UPDATE SET value = 'true'")
				var own int64
				if role == "Patient" {
					own = testkit.Patient(t, b.db, &s.user.ID).ID
				}
				s.trespass(s.victim(), own)
			})
		}
	}
}

const nowhere = 987654321

// victim writes the secret into the records that the references are, and returns their
// ids. Whoever looks may know users and medications; those are not secret.
func (s *siege) victim() []int64 {
	t, b := s.t.(*testing.T), s.bundle
	owner := testkit.User(t, b.db, "Patient")
	ids := s.refs.ids
	ids["prescription"] = testkit.Prescription(t, b.db, ids["encounter"]).ID
	for table, columns := range map[string]string{
		"patient": "first_name last_name address contact_info known_allergies", "duplicate": "first_name last_name", "appointment": "notes",
		"encounter": "notes diagnosis", "prescription": "medication_name instructions", "bill": "notes", "payment": "reference",
	} {
		set := strings.Join(strings.Fields(columns), " = '"+secretOf+"', ") + " = '" + secretOf + "'"
		execute(t, b, fmt.Sprintf("UPDATE core_%s SET %s WHERE id = %d", strings.Replace(table, "duplicate", "patient", 1), set, ids[table]))
	}
	execute(t, b, "UPDATE core_patient SET user_id = $1 WHERE id = $2", owner.ID, ids["patient"])
	execute(t, b, "UPDATE core_user SET first_name = $1, last_name = $2 WHERE id = $3", secretOf, secretOf, owner.ID)
	execute(t, b, "INSERT INTO core_notification (user_id, title, message) VALUES ($1, $2, $3)", owner.ID, secretOf, secretOf)
	execute(t, b, "INSERT INTO core_rolechangerequest (user_id, requested_role_id, reason) VALUES ($1, $2, $3)", owner.ID, ids["role_id"], secretOf)
	execute(t, b, "INSERT INTO core_loginactivity (user_id, username, user_agent) VALUES ($1, $2, $3)", owner.ID, secretOf, secretOf)
	var notification, request, activity int64
	require.NoError(t, b.db.QueryRow(t.Context(), `SELECT (SELECT max(id) FROM core_notification), (SELECT max(id) FROM core_rolechangerequest),
		(SELECT max(id) FROM core_loginactivity)`).Scan(&notification, &request, &activity))
	all := []int64{owner.ID, notification, request, activity}
	for _, name := range []string{"patient", "duplicate", "appointment", "encounter", "prescription", "bill", "payment"} {
		all = append(all, ids[name])
	}
	return all
}

// trespass sends each id in each place beside the same request with an id that there is
// not, and compares the answers. Only what is somebody's own is hidden: anybody may read
// a role, and the caller the own record.
func (s *siege) trespass(ids []int64, own int64) {
	s.t.Helper()
	class := authz.Class(s.Extensions["x-permission"].(string))
	hidden := class == authz.StaffOrOwn || class == authz.Self || class == authz.Owner
	before := checksums(s.t, s.db)
	for _, place := range s.idPlaces() {
		absent := s.ask(place, nowhere)
		for _, id := range ids {
			got := s.ask(place, id)
			where := fmt.Sprintf("%s with %d in %s: %s", s.OperationID, id, place, got.raw)
			require.NotContains(s.t, got.raw, secretOf, where)
			if hidden && strings.HasPrefix(place, "path") && id != own {
				require.Equal(s.t, absent.status, got.status, where)
				require.Equal(s.t, scrubbed(absent), scrubbed(got), where)
			}
		}
	}
	for table, sum := range checksums(s.t, s.db) {
		if table != "core_auditlog" || s.method != "GET" {
			require.Equal(s.t, before[table], sum, "%s changed %s", s.OperationID, table)
		}
	}
}

// idPlaces are the places for an id: "path" and the names of parameters and properties.
func (s *siege) idPlaces() []string {
	var all []string
	for _, p := range s.parameters {
		if p.Value.In == openapi3.ParameterInPath {
			all = append(all, "path "+p.Value.Name)
		}
		if p.Value.In == openapi3.ParameterInQuery && (p.Value.Schema.Value.Type.Is("integer") || p.Value.Name == "doctor" || p.Value.Name == "search") {
			all = append(all, "query "+p.Value.Name)
		}
	}
	if s.body() != nil {
		for name, property := range s.body().Properties {
			if property.Value.Type.Is("integer") {
				all = append(all, "body "+name)
			}
		}
	}
	if len(all) == 0 {
		all = append(all, "none")
	}
	slices.Sort(all)
	return all
}

// ask sends a request with an id in one place, and takes back what it did.
func (s *siege) ask(place string, id int64) answer {
	kind, name, _ := strings.Cut(place, " ")
	path, body := s.path, ""
	if kind == "path" {
		path = strings.ReplaceAll(path, "{"+name+"}", fmt.Sprint(id))
	}
	path = strings.ReplaceAll(path, "{id}", fmt.Sprint(nowhere)) + s.row
	if kind == "query" {
		u, err := url.Parse(path)
		require.NoError(s.t, err)
		values := u.Query()
		values.Set(name, fmt.Sprint(id))
		u.RawQuery = values.Encode()
		path = u.String()
	}
	if s.body() != nil {
		value := maps.Clone(s.valid())
		if kind == "body" {
			value[name] = id
		}
		body = encode(s.t, value)
	}
	var got answer
	s.attempt(func() bool {
		got = s.call(s.method, path, body)
		return true
	})
	require.Less(s.t, got.status, 500, "%s: %s", place, got.raw)
	return got
}

// scrubbed is a problem without what differs from request to request.
func scrubbed(a answer) map[string]any {
	body := maps.Clone(a.body)
	delete(body, "instance")
	return body
}
