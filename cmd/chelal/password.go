package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// readNewPassword asks for a password twice, or reads one line of standard input.
func (p *program) readNewPassword(ctx context.Context, fromStdin bool) (string, error) {
	if fromStdin {
		line, err := bufio.NewReader(p.stdin).ReadString('\n')
		if err != nil && err != io.EOF {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	if !isTerminal(p.stdin) {
		return "", usageError("there is no terminal to ask for the password; give it with --password-stdin")
	}
	first, err := p.ask(ctx, "Password: ")
	if err != nil {
		return "", err
	}
	again, err := p.ask(ctx, "Once more: ")
	if err == nil && first != again {
		err = errors.New("the two passwords differ; nothing was changed")
	}
	return first, err
}

// ask reads a line without showing it. It restores the terminal when ctx ends, since the
// shell would otherwise go on without showing what is typed.
func (p *program) ask(ctx context.Context, prompt string) (string, error) {
	terminal := int(p.stdin.(*os.File).Fd())
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	type answer struct {
		text []byte
		err  error
	}
	answered := make(chan answer, 1)
	_, _ = io.WriteString(p.stderr, prompt)
	go func() {
		text, err := term.ReadPassword(terminal)
		answered <- answer{text, err}
	}()
	select {
	case a := <-answered:
		p.say("")
		return string(a.text), a.err
	case <-ctx.Done():
		p.say("")
		return "", errors.Join(ctx.Err(), term.Restore(terminal, before))
	}
}
