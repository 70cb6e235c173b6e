package money_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/money"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]money.Amount{
		"0": 0, "150": 15000, "150.5": 15050, "150.05": 15005, "00.10": 10, "-0.5": -50, "99999999.99": 9999999999,
		"999999999999999.99": 99999999999999999,
	} {
		got, err := money.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "-", ".", "1.", ".5", "1.234", "1e2", "+1", "1,5", " 1", "--1", "1.-5", "0x10", "NaN", "٣", "9999999999999999"} {
		_, err := money.Parse(text)
		require.Error(t, err, text)
	}
}

func TestAnAmountSurvivesEveryForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount(rapid.Int64Range(-99999999999999999, 99999999999999999).Draw(t, "hundredths"))
		parsed, err := money.Parse(a.String())
		require.NoError(t, err)
		require.Equal(t, a, parsed)
		value, err := a.Value()
		require.NoError(t, err)
		var scanned, decoded money.Amount
		require.NoError(t, scanned.Scan(value))
		encoded, err := json.Marshal(a)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(encoded, &decoded))
		require.Equal(t, [2]money.Amount{a, a}, [2]money.Amount{scanned, decoded})
	})
	require.Error(t, new(money.Amount).Scan(1.5))
	require.Error(t, new(money.Amount).Scan("1.005"))
	require.Equal(t, "-92233720368547758.08", money.Amount(math.MinInt64).String())
}

func TestArithmetic(t *testing.T) {
	t.Parallel()
	require.Equal(t, money.Amount(3750), money.Amount(1250).Times(3))
	require.InDelta(t, 12.5, money.Amount(1250).Float(), 0)
}
