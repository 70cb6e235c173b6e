package allergy_test

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/allergy"
)

type recorded struct {
	Category []string `json:"category"`
	Code     struct {
		Text   string `json:"text"`
		Coding []struct {
			Display string `json:"display"`
		} `json:"coding"`
	} `json:"code"`
}

// readRecorded reads the allergies of generated patient records, if they are there.
func readRecorded(t *testing.T) (all []recorded) {
	t.Helper()
	file, err := os.Open("../../../shared/data/synthea/1144-allergies.ndjson")
	if err != nil {
		t.Skip("the optional data is absent")
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r recorded
		require.NoError(t, json.Unmarshal(lines.Bytes(), &r))
		all = append(all, r)
	}
	require.NoError(t, lines.Err())
	return all
}

func TestRecordedAllergies(t *testing.T) {
	t.Parallel()
	all := readRecorded(t)
	require.Len(t, all, 835)
	drugs := 0
	for _, r := range all {
		for _, text := range []string{r.Code.Text, r.Code.Coding[0].Display} {
			paracetamol, itself := allergy.Check(text, "paracetamol"), allergy.Check(text, text)
			require.Empty(t, paracetamol.Unknown, text)
			require.Equal(t, allergy.Clear, paracetamol.Outcome, text)
			require.Equal(t, allergy.Conflict, itself.Outcome, text)
			require.Equal(t, r.Category[0] == "medication", itself.MedicationKnown, text)
		}
		if r.Category[0] == "medication" {
			drugs++
		}
	}
	require.Equal(t, 91, drugs)
}
