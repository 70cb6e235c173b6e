package server

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/labstack/echo/v4"
)

// answerOnce tags the answers to GET that have no version, of lists, figures and reports, by
// all that stands in them, and answers 304 to who has the same already.
func answerOnce(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method != http.MethodGet {
			return next(c)
		}
		response := c.Response()
		tagging := &tagger{ResponseWriter: response.Writer, response: response, known: c.Request().Header.Values("If-None-Match")}
		response.Writer = tagging
		err := next(c)
		response.Writer = tagging.ResponseWriter
		return err
	}
}

// tagger holds the header back until the body comes, which the generated code writes in one go.
type tagger struct {
	http.ResponseWriter
	response *echo.Response
	known    []string
	held     bool
}

func (t *tagger) WriteHeader(status int) {
	header := t.Header()
	t.held = status == http.StatusOK && header.Get("ETag") == "" && header.Get(echo.HeaderContentType) == "application/json"
	if !t.held {
		t.ResponseWriter.WriteHeader(status)
	}
}

func (t *tagger) Write(body []byte) (int, error) {
	if !t.held {
		return t.ResponseWriter.Write(body)
	}
	t.held = false
	tag := `W/"` + strconv.FormatUint(xxhash.Sum64(body), 36) + `"`
	t.Header().Set("ETag", tag)
	if !isKnown(tag, t.known) {
		t.Header().Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
		return t.ResponseWriter.Write(body)
	}
	t.response.Status = http.StatusNotModified
	t.Header().Del(echo.HeaderContentType)
	t.ResponseWriter.WriteHeader(http.StatusNotModified)
	return len(body), nil
}

// Unwrap lets http.ResponseController through.
func (t *tagger) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// isKnown compares weakly, as RFC 9110, 13.1.2 has it.
func isKnown(tag string, known []string) bool {
	for _, line := range known {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
				return true
			}
		}
	}
	return false
}
