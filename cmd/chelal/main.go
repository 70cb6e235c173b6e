// Command chelal is a hospital's backend: the API, its background jobs, and the tools
// of the person who operates it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // the machine may have no time zone database
)

func main() { os.Exit(runProcess(time.Now)) }

// runProcess runs the program by a clock, until it is done or a signal ends it, and answers the exit code.
func runProcess(now func() time.Time) int {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // under nohup it is, and stays so
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, func() {
		time.Sleep(time.Second) // task and timeout pass on what the terminal has sent already
		stop()                  // a second Ctrl-C ends the program at once
	})
	p := &program{now: now, getenv: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	return p.run(ctx, os.Args[1:])
}
