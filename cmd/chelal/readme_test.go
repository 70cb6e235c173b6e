package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/testkit"
)

// TestReadmeTour runs the commands of the README's tour against `chelal dev`, and
// compares their answers with those printed there.
func TestReadmeTour(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.GreaterOrEqual(t, play(t, string(readme), startDev(t, nil)), 8)
}

// play runs the commands of a page, its blocks of sh, against a server, and compares their
// answers with the blocks of json that follow them. It returns how many it compared.
func play(t *testing.T, page, address string) (compared int) {
	t.Helper()
	const mark = "\n--- end of step ---\n"
	var script strings.Builder
	wanted := map[int]string{}
	steps := 0
	for _, block := range regexp.MustCompile("(?s)```(sh|json)\n(.*?)```").FindAllStringSubmatch(page, -1) {
		if block[1] == "json" {
			require.NotContains(t, wanted, steps-1, "an answer without a command: %s", block[2])
			wanted[steps-1] = block[2]
			continue
		}
		script.WriteString(strings.ReplaceAll(block[2], "127.0.0.1:8000", address) + "\nprintf '%s' \"$MARK\"\n")
		steps++
	}
	cmd := exec.Command("bash", "-eu", "-c", script.String())
	cmd.Env = append(os.Environ(), "MARK="+mark)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	output, err := cmd.Output()
	require.NoError(t, err, errors.String())
	answers := strings.Split(string(output), mark)
	for i, text := range wanted {
		var want, got any
		require.NoError(t, json.Unmarshal([]byte(text), &want), text)
		require.NoError(t, json.Unmarshal([]byte(answers[i]), &got), answers[i])
		testkit.RequireLike(t, want, got, answers[i])
	}
	return len(wanted)
}

// startDev runs `chelal dev` on a free port and a database of its own until the test
// ends, and returns its address; vars are variables of its environment, by name.
func startDev(t *testing.T, vars map[string]string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := ln.Addr().String()
	require.NoError(t, ln.Close())
	ctx, stop := context.WithCancel(context.Background())
	dir := t.TempDir() // before the clean-up below, which must come first
	ready, done := make(chan struct{}), make(chan int, 1)
	out := &readyWriter{ready: ready}
	var complaints bytes.Buffer
	go func() {
		args := []string{"dev", "--listen", address, "--data", dir, "--patients", "20"}
		done <- run(ctx, args, func(name string) string { return vars[name] }, strings.NewReader(""), out, &complaints)
	}()
	t.Cleanup(func() {
		stop()
		require.Zero(t, <-done, complaints.String())
	})
	select {
	case <-ready:
	case code := <-done:
		done <- code
		t.Fatalf("chelal dev ended with %d: %s", code, complaints.String())
	}
	return address
}

// readyWriter closes ready when dev says that Ctrl-C stops it, its last line.
type readyWriter struct {
	text  bytes.Buffer
	ready chan struct{}
	said  bool
}

func (w *readyWriter) Write(b []byte) (int, error) {
	w.text.Write(b)
	if !w.said && strings.Contains(w.text.String(), "Ctrl-C") {
		w.said = true
		close(w.ready)
	}
	return len(b), nil
}
