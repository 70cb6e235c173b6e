package realtime

import (
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
)

// TestWhoReceivesWhat: whom the news does not name gets nothing, and an unknown topic has
// no listeners.
func TestWhoReceivesWhat(t *testing.T) {
	t.Parallel()
	nurse, patient, unlinked := viewer{1, authn.RoleNurse, 0}, viewer{2, authn.RolePatient, 20}, viewer{3, authn.RolePatient, 0}
	none, nobody := viewer{4, "", 0}, viewer{}
	all := []viewer{nurse, patient, unlinked, none, nobody}
	for name, test := range map[string]struct {
		news
		who []viewer
	}{
		"nobody is named":         {news{}, nil},
		"staff":                   {news{toStaff: true}, []viewer{nurse}},
		"a user":                  {news{userID: 4}, []viewer{none}},
		"a patient":               {news{patientID: 20}, []viewer{patient}},
		"another patient":         {news{patientID: 21}, nil},
		"the id of another thing": {news{userID: 20, patientID: 2}, nil},
		"staff and a patient":     {news{toStaff: true, patientID: 20}, []viewer{nurse, patient}},
		"whoever listens":         {news{toAll: true}, all},
	} {
		var got []viewer
		for _, v := range all {
			if v.receives(&test.news) {
				got = append(got, v)
			}
		}
		require.Equal(t, test.who, got, name)
	}
	for _, role := range []string{"", authn.RolePatient, authn.RoleAdmin} {
		require.False(t, Topic("bills").Allows(authn.Principal{UserID: 1, Role: role}), "even to an Admin")
		require.False(t, accessChanges.Allows(authn.Principal{UserID: 1, Role: role}))
	}
}
