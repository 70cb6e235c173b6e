package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"syscall"
)

// explain makes a sentence of the system errors that a person can mend, and
// leaves every other error as it is.
func (c *cluster) explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return c.diskFull(err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("this user may not use %s for the database cluster; choose another folder with --data: %w", c.dir, err)
	}
	return err
}

func (c *cluster) diskFull(cause error) error {
	return fmt.Errorf("the disk that holds %s is full; free some space and start again: %w", c.dir, cause)
}

// gaveUp makes a sentence of what a program of PostgreSQL wrote before it ended.
func (c *cluster) gaveUp(program, output string) error {
	line := errors.New(lastMeaningful(output))
	switch {
	case strings.Contains(output, "No space left on device"), strings.Contains(output, "Disk quota exceeded"),
		strings.Contains(output, "Check free disk space"): // the hint that follows a write cut short
		return c.diskFull(line)
	case passing.MatchString(output):
		return fmt.Errorf("%w: %w", errAgain, line)
	case line.Error() == "":
		return fmt.Errorf("%s ended without a word; its log is %s", program, c.path("postgres.log"))
	}
	return fmt.Errorf("%s failed: %w", program, line)
}

// errAgain marks failures that another attempt may not meet: the free port was
// taken by somebody else; the last backends of a killed server still leave; or a
// server whose owner was killed while it started has appeared, to be taken over.
var errAgain = errors.New("PostgreSQL could not start yet")

var passing = regexp.MustCompile(`Address already in use|pre-existing shared memory block|lock file "postmaster.pid" already exists`)

var (
	logPrefix = regexp.MustCompile(`^(?:\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] )?(?:initdb: )?(?:(?i)(FATAL|PANIC|ERROR): +)?`)
	fatal     = regexp.MustCompile(`(?i)\b(fatal|panic|error): `)
)

// lastMeaningful returns the last complaint in a program's output, without the
// prefix of the log; where nothing complains, the last line.
func lastMeaningful(output string) string {
	last, severe := "", false
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || severe && !fatal.MatchString(line) {
			continue
		}
		last, severe = line, fatal.MatchString(line)
	}
	return logPrefix.ReplaceAllString(last, "")
}

// since returns what was appended to a file after offset. A log that cannot be
// read says nothing: it is asked only to explain another failure.
func since(path string, offset int64) string {
	text, err := os.ReadFile(path)
	if err != nil || int64(len(text)) < offset {
		return ""
	}
	return string(text[offset:])
}

// inOneLine joins errors with semicolons, where errors.Join would break the line.
func inOneLine(errs []error) error {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}
