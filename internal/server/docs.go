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
	docs := echo.WrapHandler(webdocs.Handler(problemCodes))
	e.GET("/docs", docs)
	e.GET("/docs/*", docs)
}
