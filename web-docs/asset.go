package webdocs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// contentTypes is our own table because mime.TypeByExtension depends on the
// machine. Files without an entry (LICENSE, VERSION) are plain text.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".json": "application/json",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// asset is one file. Its name does not change with its content, so a browser asks each time and
// is answered 304 as long as the ETag holds. It takes no memory before it is asked for.
type asset struct {
	contentType string
	content     func() content
}

// content is what is in a file, and the hash of it.
type content struct {
	hash  string
	plain []byte
	// gzipped is made on the first request that accepts it, once: Swagger UI's bundle takes 45 ms.
	gzipped func() []byte
}

func newAsset(name string, read func() []byte) *asset {
	contentType, found := contentTypes[path.Ext(name)]
	if !found {
		contentType = "text/plain; charset=utf-8"
	}
	return &asset{contentType, sync.OnceValue(func() content {
		plain := read()
		sum := sha256.Sum256(plain)
		return content{hex.EncodeToString(sum[:12]), plain, sync.OnceValue(func() []byte { return compress(plain) })}
	})}
}

func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := a.content()
	sent, tag := c.plain, c.hash
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "no-cache")
	h.Add("Vary", "Accept-Encoding")
	if acceptsGzip(r) && len(c.gzipped()) < len(c.plain) {
		sent, tag = c.gzipped(), c.hash+"-gzip"
		h.Set("Content-Encoding", "gzip")
		// ServeContent leaves the length out when it sees an encoding.
		h.Set("Content-Length", strconv.Itoa(len(sent)))
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(sent))
}

func compress(content []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	// Writing to a buffer cannot fail.
	_, _ = z.Write(content)
	_ = z.Close()
	return b.Bytes()
}

func acceptsGzip(r *http.Request) bool {
	for offer := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, weight, weighted := strings.Cut(offer, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
		return !weighted || err == nil && q > 0
	}
	return false
}
