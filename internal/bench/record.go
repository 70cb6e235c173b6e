package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// record writes a CPU profile of the server under the mixed load, for the compiler.
func (h *hospital) record(ctx context.Context, o options) error {
	works, err := h.works(ctx, commonNames)
	if err != nil {
		return err
	}
	const profiled = 30 * time.Second
	profile := make(chan error, 1)
	go func() { profile <- h.profile(ctx, profiled, o.record) }()
	_, err = h.closedLoop("mixed load", 16, profiled+2*time.Second, h.day(works, h.writes()))
	return errors.Join(err, <-profile)
}

// profile asks the server for one.
func (h *hospital) profile(ctx context.Context, length time.Duration, file string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/debug/pprof/profile?seconds=%.0f", h.metrics, length.Seconds()), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was read
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("no profile: %s", response.Status)
	}
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}
