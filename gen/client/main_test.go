package client_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// server is `chelal dev`, started for these tests as a process. Its access tokens live for
// two seconds.
var server string

func TestMain(m *testing.M) {
	code, err := withServer(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withServer(run func() int) (code int, err error) {
	folder, err := os.MkdirTemp("", "chelal-client-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, "chelal")
	if output, err := exec.Command("go", "build", "-o", program, "chelal/cmd/chelal").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the server: %w\n%s", err, output)
	}
	cmd := exec.Command(program, "dev", "--data", filepath.Join(folder, "data"), "--listen", "127.0.0.1:0", "--patients", "250")
	cmd.Env = append(os.Environ(), "ACCESS_TOKEN_LIFETIME=2s", "LOG_LEVEL=warn")
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if stopped := cmd.Wait(); err == nil {
			err = stopped
		}
	}()
	lines := bufio.NewScanner(output)
	for address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`); server == ""; {
		if !lines.Scan() {
			return 0, fmt.Errorf("chelal dev did not come up: %w", lines.Err())
		}
		server = address.FindString(lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, output) }()
	return run(), nil
}
