package config

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reader turns variables into values and collects what is wrong with them.
type reader struct {
	getenv   func(string) string
	file     map[string]string
	problems []error
}

func (r *reader) problem(name, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(name+" "+format, args...))
}

// text is the value of a variable, or what stands in the file that the variable's name with
// _FILE names, as containers are given secrets.
func (r *reader) text(name, fallback string) string {
	if value := r.variable(name); value != "" {
		return value
	}
	path := r.variable(name + "_FILE")
	if path == "" {
		return fallback
	}
	content, err := os.ReadFile(path)
	if err != nil {
		r.problem(name+"_FILE", "names a file that cannot be read: %w", err)
	}
	if value := strings.TrimSpace(string(content)); value != "" {
		return value
	}
	return fallback
}

func (r *reader) variable(name string) string {
	if value := strings.TrimSpace(r.getenv(name)); value != "" {
		return value
	}
	return strings.TrimSpace(r.file[name])
}

// list reads values separated by commas.
func (r *reader) list(name string) []string {
	var values []string
	for value := range strings.SplitSeq(r.text(name, ""), ",") {
		if value = strings.TrimSpace(value); value != "" {
			values = append(values, value)
		}
	}
	return values
}

// boolean knows the spellings of Django's settings files too.
func (r *reader) boolean(name string, fallback bool) bool {
	switch value := strings.ToLower(r.text(name, strconv.FormatBool(fallback))); value {
	case "true", "1", "yes", "on":
		return true
	case "false", "0", "no", "off":
		return false
	default:
		r.problem(name, "must be true or false, not %q", value)
		return fallback
	}
}

func (r *reader) number(name string, fallback int64) int64 {
	value := r.text(name, strconv.FormatInt(fallback, 10))
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n <= 0 {
		r.problem(name, "must be a whole number above 0, not %q", value)
		return fallback
	}
	return n
}

func (r *reader) duration(name string, fallback time.Duration) time.Duration {
	value := r.text(name, fallback.String())
	d, err := time.ParseDuration(value)
	if err != nil || d < time.Second {
		r.problem(name, "must be a duration of a second or more, as 15m or 168h, not %q", value)
		return fallback
	}
	return d
}

func (r *reader) choice(name, fallback string, choices ...string) string {
	value := strings.ToLower(r.text(name, fallback))
	if !slices.Contains(choices, value) {
		r.problem(name, "must be one of %s, not %q", strings.Join(choices, ", "), value)
		return fallback
	}
	return value
}

func (r *reader) level(name string, fallback slog.Level) slog.Level {
	var level slog.Level
	value := r.text(name, fallback.String())
	if err := level.UnmarshalText([]byte(value)); err != nil {
		r.problem(name, "must be one of debug, info, warn, error, not %q", value)
		return fallback
	}
	return level
}

// zone refuses Local: the hospital's day must not depend on the machine.
func (r *reader) zone(name, fallback string) *time.Location {
	value := r.text(name, fallback)
	zone, err := time.LoadLocation(value)
	if err != nil || value == "Local" {
		r.problem(name, "must be a name of the time zone database, as Africa/Nairobi, not %q", value)
		return time.UTC
	}
	return zone
}
