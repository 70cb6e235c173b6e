package text_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/text"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in, want string
		ok       bool
	}{
		"plain":               {"Wanjiru", "Wanjiru", true},
		"surrounding space":   {"  Wanjiru\u00a0\n", "Wanjiru", true},
		"composed":            {"Ade\u0301", "Ad\u00e9", true},
		"newline and tab":     {"a\n\tb", "a\n\tb", true},
		"line ends of a form": {"a\r\nb", "a\nb", true},
		"bare return":         {"a\rb", "", false},
		"null byte":           {"a\x00b", "", false},
		"escape":              {"a\x1bb", "", false},
		"C1 control":          {"a\u0085b", "", false},
		"not UTF-8":           {"a\xffb", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := text.Clean(c.in)
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.want, got)
		})
	}
}
