package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// attempts is how often a request is sent at most while the server is busy or away.
const attempts = 3

// transport sends the requests of a session.
type transport struct {
	http        HttpRequestDoer
	longestWait time.Duration
	tokens      *tokens // nil for what is asked without a token
}

// Do sends a request, and repeats it where that is safe: with a new access token once after
// the old one was refused, and a little later when the server was too busy or away. A POST
// is safe to repeat because it always carries an Idempotency-Key. Whatever is no success
// is returned as a *ProblemError.
func (t *transport) Do(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	if request.Method == http.MethodPost && request.Header.Get("Idempotency-Key") == "" {
		request.Header.Set("Idempotency-Key", uuid.NewString())
	}
	replayable := request.Body == nil || request.GetBody != nil
	harmless := request.Method != http.MethodPut && request.Method != http.MethodPatch && request.Method != http.MethodDelete
	refused, renewed := "", false
	for attempt := 1; ; attempt++ {
		response, access, err := t.send(request, refused)
		if err == nil {
			return response, nil
		}
		if isRefused(err) && access != "" && replayable && !renewed {
			refused, renewed = access, true
			continue
		}
		wait, again := t.whether(err, harmless, attempt)
		if !again || !replayable || attempt == attempts || ctx.Err() != nil {
			return nil, err
		}
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// send sends the request once, with the access token that it returns.
func (t *transport) send(request *http.Request, refused string) (response *http.Response, access string, err error) {
	sent := request.Clone(request.Context())
	if request.GetBody != nil {
		if sent.Body, err = request.GetBody(); err != nil {
			return nil, "", err
		}
	}
	if t.tokens != nil && request.Header.Get("Authorization") == "" {
		if access, err = t.tokens.access(request.Context(), refused); err != nil {
			return nil, "", fmt.Errorf("renew the access token: %w", err)
		}
		sent.Header.Set("Authorization", "Bearer "+access)
	}
	response, err = t.http.Do(sent)
	if err != nil {
		return nil, access, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, access, problemOf(response)
	}
	return response, access, nil
}

// whether says whether a request that failed may be sent again, and after how long.
// A request that was answered with 429 was not begun; others may have been done.
func (t *transport) whether(err error, harmless bool, attempt int) (wait time.Duration, again bool) {
	problem, answered := errors.AsType[*ProblemError](err)
	switch {
	case !answered:
		return time.Second << attempt / 8, harmless
	case problem.Status == http.StatusTooManyRequests, problem.Status == http.StatusServiceUnavailable && harmless:
		return problem.RetryAfter, problem.RetryAfter <= t.longestWait
	}
	return 0, false
}

func isRefused(err error) bool {
	problem, ok := errors.AsType[*ProblemError](err)
	return ok && problem.Status == http.StatusUnauthorized && problem.Code == "token_not_valid"
}

// pause waits a little longer than asked, and each time differently, so that not everybody
// returns at once.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d + rand.N(d/4+time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
