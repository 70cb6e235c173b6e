package embedded

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// lock is the file whose lock decides who owns a cluster. The kernel drops the
// lock with its holder, however that ends. The file is never deleted: somebody
// may hold it open and wait.
type lock struct{ file *os.File }

func openLock(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	return &lock{file: f}, err
}

// take reports whether the lock is now ours; it does not wait.
func (l *lock) take() (bool, error) {
	err := syscall.Flock(int(l.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("the lock %s cannot be taken: %w", l.file.Name(), err)
	}
	if err := l.file.Truncate(0); err != nil {
		return true, err
	}
	_, err = l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return true, err
}

// holder returns the process that wrote itself into the file, or 0. It serves
// messages alone, since the file may be read between two holders.
func (l *lock) holder() int {
	text := make([]byte, 20)
	n, _ := l.file.ReadAt(text, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	return pid
}

func (l *lock) release() error { return errors.Join(l.file.Truncate(0), l.file.Close()) }

func (l *lock) close() error { return l.file.Close() }
