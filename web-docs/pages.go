package webdocs

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

//go:embed *.html guides
var sources embed.FS

// templates are the pages, which share the head and the header of layout.html.
var templates = template.Must(template.ParseFS(sources, "*.html"))

// Permission says who may call an operation of the contract.
type Permission struct{ Summary, Method, Path, Class string }

// pages renders every page, by the path it is served under.
func pages(codes []Code, permissions []Permission) map[string][]byte {
	all := map[string][]byte{
		root:                       render("index.html", nil),
		root + "live.html":         render("live.html", nil),
		root + "offline-sync.html": render("offline-sync.html", nil),
		root + "realtime.html":     render("realtime.html", nil),
		errorsPath:                 render("errors.html", byStatus(codes)),
	}
	guides := readGuides(permissions)
	for _, g := range guides {
		all[g.Path] = render("guide.html", g)
	}
	all[root+"guides/"] = render("guides.html", append(guides,
		guide{Path: root + "offline-sync.html", Title: "Offline sync", Summary: "What a device records without a network, and how it gets here once."},
		guide{Path: root + "realtime.html", Title: "Realtime", Summary: "News over WebSockets: what there is to listen to, and what to do when the line breaks."}))
	return all
}

// render panics on an error: the templates are part of the binary and tests render them.
func render(name string, data any) []byte {
	var page bytes.Buffer
	if err := templates.ExecuteTemplate(&page, name, data); err != nil {
		panic(err)
	}
	return page.Bytes()
}

// guide is a page that is written in Markdown. Its title and its summary are its first
// heading and its first paragraph.
type guide struct {
	Path, Title, Summary string
	Body                 template.HTML
}

var markdown = goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))

// readGuides reads the guides in the order of the numbers before their names. Where one says
// {{permissions}}, it shows who may call what.
func readGuides(permissions []Permission) []guide {
	names, err := fs.Glob(sources, "guides/*.md")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	var table bytes.Buffer
	sorted := slices.SortedFunc(slices.Values(permissions), func(a, b Permission) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	if err := templates.ExecuteTemplate(&table, "permissions", sorted); err != nil {
		panic(err) // as in render
	}
	var guides []guide
	for _, name := range names {
		source, err := sources.ReadFile(name)
		if err != nil {
			panic(err) // the file is part of the binary
		}
		var body bytes.Buffer
		document := markdown.Parser().Parse(text.NewReader(source))
		if err := markdown.Renderer().Render(&body, source, document); err != nil {
			panic(err) // as in render
		}
		_, slug, _ := strings.Cut(strings.TrimSuffix(path.Base(name), ".md"), "-")
		guides = append(guides, guide{
			Path: root + "guides/" + slug + ".html", Title: plain(document.FirstChild(), source), Summary: plain(document.FirstChild().NextSibling(), source),
			Body: template.HTML(strings.Replace(body.String(), "<p>{{permissions}}</p>", table.String(), 1)), // our own text
		})
	}
	return guides
}

// plain is the text of a block without its markup.
func plain(block ast.Node, source []byte) string {
	var words strings.Builder
	_ = ast.Walk(block, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function has no error
		if t, ok := n.(*ast.Text); ok && entering {
			words.Write(t.Segment.Value(source))
			if t.SoftLineBreak() {
				words.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return words.String()
}
