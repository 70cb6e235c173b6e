package media_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/media"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	old, current := []byte("an old key"), []byte("the present key")
	links, name := media.NewLinks(current, old), media.NewName()
	for second := range 1800 {
		now := time.Unix(1_800_000_000+int64(second), 0)
		remaining, ok := links.Check(name, query(t, links.Sign(name, now)), now)
		require.True(t, ok)
		require.Greater(t, remaining, 15*time.Minute)
		require.LessOrEqual(t, remaining, 30*time.Minute)
		_, ok = links.Check(name, query(t, links.Sign(name, now)), now.Add(remaining))
		require.False(t, ok)
	}
	now := time.Unix(1_800_000_000, 0)
	require.Equal(t, links.Sign(name, now), links.Sign(name, now.Add(14*time.Minute)), "a browser's cache finds it again")
	before := query(t, media.NewLinks(old).Sign(name, now))
	_, ok := links.Check(name, before, now)
	require.True(t, ok)
	_, ok = media.NewLinks(current).Check(name, before, now)
	require.False(t, ok)
	_, ok = links.Check(media.NewName(), before, now)
	require.False(t, ok)
	_, ok = links.Check(name, url.Values{}, now)
	require.False(t, ok)
}

func query(t *testing.T, text string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(text)
	require.NoError(t, err)
	return values
}
