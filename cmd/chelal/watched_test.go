package main

import (
	"bytes"
	"strings"
	"sync"
)

// watched keeps what a program writes, and closes seen at the end of its welcome.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
	seen chan struct{}
}

func newWatched() *watched { return &watched{seen: make(chan struct{})} }

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	const end = "Ctrl-C stops it."
	before := strings.Contains(w.text.String(), end)
	n, err := w.text.Write(p)
	if !before && strings.Contains(w.text.String(), end) {
		close(w.seen)
	}
	return n, err
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
