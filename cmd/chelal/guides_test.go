package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// guides are the guides by their file's name.
func guides(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../web-docs/guides/*.md")
	require.NoError(t, err)
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all[filepath.Base(file)] = string(text)
	}
	require.GreaterOrEqual(t, len(all), 9)
	return all
}

// TestGuides runs the commands of every guide, and follows every link of every page.
func TestGuides(t *testing.T) {
	t.Parallel()
	address := startDev(t, nil)
	compared := 0
	for name, text := range guides(t) {
		t.Run(name, func(t *testing.T) { compared += play(t, text, address) })
	}
	require.GreaterOrEqual(t, compared, 17)
	t.Run("links", func(t *testing.T) { followLinks(t, "http://"+address, "/docs/guides/") })
}

// followLinks opens every page that one leads to, and finds every place in them that is linked.
func followLinks(t *testing.T, base, start string) {
	t.Helper()
	pages, waiting := map[string]string{}, []string{start}
	link := regexp.MustCompile(`href="(/[^"#]*)?(#[^"]*)?"`)
	for len(waiting) > 0 {
		path := waiting[0]
		waiting = waiting[1:]
		if _, seen := pages[path]; seen {
			continue
		}
		response, err := http.Get(base + path)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, path)
		pages[path] = string(body)
		if strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
			for _, match := range link.FindAllStringSubmatch(string(body), -1) {
				if match[1] != "" {
					waiting = append(waiting, match[1])
				}
			}
		}
	}
	require.Greater(t, len(pages), 12)
	for path, text := range pages {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			if place := strings.TrimPrefix(match[2], "#"); place != "" {
				to := match[1]
				if to == "" {
					to = path
				}
				require.Contains(t, pages[to], `id="`+place+`"`, "%s links to %s#%s", path, to, place)
			}
		}
	}
}

// TestGuidesNameWhatThereIs holds the guides' problem codes, variables and commands against
// the program.
func TestGuidesNameWhatThereIs(t *testing.T) {
	t.Parallel()
	read := func(file string) string {
		text, err := os.ReadFile(filepath.FromSlash(file))
		require.NoError(t, err)
		return string(text)
	}
	codes, variables := read("../../internal/server/codes.go"), read("../../web-docs/configuration.md")
	others := map[string]bool{} // words of other kinds
	for _, name := range []string{"unknown_parameter", "page_size", "count_is_estimate", "pg_dump"} {
		others[name] = true
	}
	for name, text := range guides(t) {
		for _, match := range regexp.MustCompile("`([a-z]+(?:_[a-z]+)+)`").FindAllStringSubmatch(text, -1) {
			require.True(t, others[match[1]] || strings.Contains(codes, `Code: "`+match[1]+`"`), "%s: there is no code %s", name, match[1])
		}
		for _, match := range regexp.MustCompile("`([A-Z]+(?:_[A-Z]+)+)`").FindAllStringSubmatch(text, -1) {
			require.Contains(t, variables, "`"+match[1], "%s: there is no variable %s", name, match[1])
		}
		for _, match := range regexp.MustCompile("(?:`|\\n)chelal ([a-z]+(?: [a-z]+)?)").FindAllStringSubmatch(text, -1) {
			code, _, stderr := chelal(t, nil, "", append(strings.Fields(match[1]), "--help")...)
			require.Zero(t, code, "%s: chelal %s: %s", name, match[1], stderr)
		}
	}
}

// TestTroubleshootingSaysWhatTheProgramSays holds the last words of the process against those
// that the guide prints.
func TestTroubleshootingSaysWhatTheProgramSays(t *testing.T) {
	t.Parallel()
	guide := guides(t)["8-troubleshooting.md"]
	const nobody = "postgres://chelal@127.0.0.1:1/chelal"
	for _, vars := range []map[string]string{
		{"DATABASE_URL": nobody, "SECRET_KEY": strings.Repeat("not a secret ", 3)},
		{"DATABASE_URL": nobody},
	} {
		code, _, stderr := chelal(t, vars, "", "serve", "--listen", "127.0.0.1:0")
		require.Equal(t, 1, code)
		require.Contains(t, guide, "```console\n"+stderr+"```")
	}
}
