// Package webdocs holds the documentation that the server itself serves below
// /docs/: Swagger UI on the contract, the guides, a live page, and the page of problem
// codes. Everything is embedded; no page loads anything from another host.
package webdocs

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
)

// ContentSecurityPolicy is sent with every answer of Handler. Pictures may be
// data: (icons in Swagger UI's style sheet) and blob: (an operation that answers
// with a picture, shown under Try it out); the rest comes from this server.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const (
	root       = "/docs/"
	errorsPath = root + "errors/"
)

//go:embed live.js chelal-client.gen.js docs.js docs.css icon.svg swagger-ui chelal_backend_api.postman_collection.json grafana-dashboard.json
var files embed.FS

// Handler serves the paths below /docs/, which it expects unstripped: the API
// reference at /docs/, the page of the given problem codes at /docs/errors/, the
// guides at /docs/guides/, one of which says who may call what, and the files that they
// load. Other paths are 404, other methods than GET and HEAD are 405. Anyone may read them;
// the pages ask /openapi.json and the API from the reader's browser.
func Handler(codes []Code, permissions []Permission) http.Handler {
	assets := embedded()
	for at, page := range pages(codes, permissions) {
		assets[at] = newAsset("page.html", func() []byte { return page })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", ContentSecurityPolicy)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "The documentation can only be read: use GET.", http.StatusMethodNotAllowed)
			return
		}
		if a, found := assets[r.URL.Path]; found {
			a.ServeHTTP(w, r)
			return
		}
		if _, found := assets[r.URL.Path+"/"]; found {
			http.Redirect(w, r, r.URL.Path+"/", http.StatusPermanentRedirect)
			return
		}
		http.NotFound(w, r)
	})
}

// embedded returns the embedded files by the path they are served under.
func embedded() map[string]*asset {
	assets := map[string]*asset{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			assets[servedAt(name)] = newAsset(name, func() []byte { return fileOf(name) })
		}
		return err
	})
	if err != nil {
		panic(err) // the files are part of the binary
	}
	return assets
}

func fileOf(name string) []byte {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it was found there
	}
	return content
}

func servedAt(name string) string { return path.Join(root, name) }
