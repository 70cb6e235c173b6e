package media

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"time"
)

// A link is good for one to two windows. Within a window it stays the same, so that a
// browser finds in its cache what it has read before.
const window = 15 * time.Minute

// Links signs and checks the links to images.
type Links struct {
	keys [][]byte // the first signs, all verify
}

// NewLinks returns Links that sign under current and accept what an old key signed too.
func NewLinks(current []byte, old ...[]byte) *Links {
	return &Links{keys: append([][]byte{current}, old...)}
}

// Sign returns the query that opens an image from now on for a while.
func (l *Links) Sign(name string, now time.Time) string {
	expires := strconv.FormatInt(now.Truncate(window).Add(2*window).Unix(), 10)
	return "expires=" + expires + "&signature=" + signature(l.keys[0], name, expires)
}

// Check returns how long the link with this query still opens the image; ok is false when
// it does not.
func (l *Links) Check(name string, query url.Values, now time.Time) (remaining time.Duration, ok bool) {
	expires, given := query.Get("expires"), query.Get("signature")
	for _, key := range l.keys {
		if !hmac.Equal([]byte(signature(key, name, expires)), []byte(given)) {
			continue
		}
		seconds, err := strconv.ParseInt(expires, 10, 64)
		remaining = time.Unix(seconds, 0).Sub(now)
		return remaining, err == nil && remaining > 0
	}
	return 0, false
}

func signature(key []byte, name, expires string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(name + "\n" + expires))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
