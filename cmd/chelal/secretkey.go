package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"chelal/internal/config"
)

// keptKey returns the SECRET_KEY of an embedded cluster, and makes it the first time.
func keptKey(dir string) (config.Secret, error) {
	path := filepath.Join(dir, "secret-key")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	key := strings.TrimSpace(string(text))
	if err == nil && len(key) < 32 {
		err = fmt.Errorf("%s is damaged; delete it, and everybody has to sign in again", path)
	}
	return config.Secret(key), err
}

// makeKey writes a new key under another name first, so that no kill leaves half of one.
func makeKey(path string) (config.Secret, error) {
	key := rand.Text() + rand.Text()
	if err := os.WriteFile(path+".new", []byte(key+"\n"), 0o600); err != nil {
		return "", err
	}
	return config.Secret(key), os.Rename(path+".new", path)
}
