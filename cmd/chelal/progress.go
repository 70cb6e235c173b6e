package main

import (
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a long step is: a bar on a terminal, and elsewhere a line when
// the step is done and, while it takes long, after every tenth.
type progress struct {
	*program
	terminal bool
	bar      *progressbar.ProgressBar
	step     string
	tenths   int64
	shown    time.Time
}

func (p *program) newProgress() *progress {
	return &progress{program: p, terminal: isTerminal(p.stderr)}
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// tell takes the state of a step; total is 0 where it is not known.
func (p *progress) tell(step string, done, total int64) {
	if step != p.step {
		p.begin(step, total)
	}
	if p.bar != nil {
		_ = p.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
		return
	}
	if total <= 0 {
		return
	}
	switch tenths := 10 * done / total; {
	case p.tenths == 10: // said already
	case tenths == 10:
		p.tenths = tenths
		p.say("%s: done", step)
	case tenths > p.tenths && time.Since(p.shown) > time.Second:
		p.tenths, p.shown = tenths, time.Now()
		p.say("%s: %d %%", step, 10*tenths)
	}
}

func (p *progress) begin(step string, total int64) {
	p.end()
	p.step, p.tenths, p.shown = step, 0, time.Now()
	if !p.terminal {
		return
	}
	if total <= 0 {
		total = -1
	}
	bytes := strings.HasPrefix(step, "reading")
	p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(p.stderr), progressbar.OptionSetDescription(step),
		progressbar.OptionSetWidth(30), progressbar.OptionShowBytes(bytes), progressbar.OptionShowCount(),
		progressbar.OptionThrottle(50*time.Millisecond), progressbar.OptionSetPredictTime(total > 0))
}

// end closes the line of the bar.
func (p *progress) end() {
	if p.bar != nil {
		_, _ = io.WriteString(p.stderr, "\n")
		p.bar = nil
	}
}
