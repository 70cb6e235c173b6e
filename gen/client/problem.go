package client

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ProblemError is what the server says instead of doing what it was asked for, after RFC
// 9457. Code is a stable word for programs, Detail a sentence for people, Errors names every
// wrong field; the other properties come with certain codes, such as NextFree with slot_taken.
type ProblemError struct {
	Problem
	// RetryAfter is when the request may be repeated, of the statuses 429 and 503.
	RetryAfter time.Duration
}

// Error is the sentence for people.
func (p *ProblemError) Error() string { return p.Detail }

// problemOf reads the error of an answer that is no success, also where a proxy gave it,
// and closes its body.
func problemOf(response *http.Response) *ProblemError {
	defer response.Body.Close()
	p := &ProblemError{}
	const most = 1 << 20
	body, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil || !strings.Contains(response.Header.Get("Content-Type"), "json") || json.Unmarshal(body, &p.Problem) != nil || p.Code == "" {
		p.Problem = Problem{
			Type: "about:blank", Title: http.StatusText(response.StatusCode), Status: int64(response.StatusCode),
			Code: "unexpected", Detail: "The server answered with status " + response.Status + ".",
		}
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	return p
}
