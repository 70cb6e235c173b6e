package server

import (
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	contract "chelal/api"
	webdocs "chelal/web-docs"
)

// mountDocs serves the contract and the documentation.
func mountDocs(e *echo.Echo, doc *openapi3.T) {
	e.GET("/openapi.yaml", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/yaml", contract.YAML)
	})
	e.GET("/openapi.json", func(c echo.Context) error { return c.JSON(http.StatusOK, doc) })
	docs := echo.WrapHandler(webdocs.Handler(problemCodes, permissions(doc)))
	e.GET("/docs", docs)
	e.GET("/docs/*", docs)
}

// permissions says of each operation who may call it.
func permissions(doc *openapi3.T) (all []webdocs.Permission) {
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			class, _ := op.Extensions["x-permission"].(string) // it has one, or the server would not start
			all = append(all, webdocs.Permission{Summary: op.Summary, Method: method, Path: path, Class: class})
		}
	}
	return all
}
