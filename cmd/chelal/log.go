package main

import (
	"log/slog"

	"chelal/internal/config"
)

// newLog writes to stderr, in the format and from the level that the configuration names.
func (p *program) newLog(cfg config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(p.stderr, options))
	}
	return slog.New(slog.NewTextHandler(p.stderr, options))
}
