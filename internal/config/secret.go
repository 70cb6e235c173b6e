package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that no formatting, encoding or log shows. Convert it to a string
// where it is used.
type Secret string

const redacted = "(secret)"

// String returns a placeholder.
func (Secret) String() string { return redacted }

// Format writes the placeholder for every verb: %d would otherwise show the text.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns the placeholder, for JSON and every other encoding.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns the placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
