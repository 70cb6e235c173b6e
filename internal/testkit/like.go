package testkit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// RequireLike holds that got, decoded JSON, has what want names; "…" is like anything.
func RequireLike(t testing.TB, want, got any, answer string) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		require.True(t, ok, answer)
		for name, value := range w {
			require.Contains(t, g, name, answer)
			RequireLike(t, value, g[name], answer)
		}
	case []any:
		g, ok := got.([]any)
		require.True(t, ok, answer)
		require.Len(t, g, len(w), answer)
		for i := range w {
			RequireLike(t, w[i], g[i], answer)
		}
	default:
		if want != "…" {
			require.Equal(t, want, got, answer)
		}
	}
}
