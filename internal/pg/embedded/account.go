package embedded

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
)

// account is the user who runs PostgreSQL when the caller is root, since
// PostgreSQL refuses to run as root. A nil account is the caller's own user.
type account struct {
	name     string
	uid, gid int
}

// unprivileged returns the account for a data directory: its owner, so that the
// files stay with whoever made them, else postgres, else nobody.
func unprivileged(data string) *account {
	if os.Geteuid() != 0 {
		return nil
	}
	if info, err := os.Stat(data); err == nil {
		if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 {
			return &account{name: fmt.Sprintf("with id %d", s.Uid), uid: int(s.Uid), gid: int(s.Gid)}
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		if a := lookup(name); a != nil {
			return a
		}
	}
	return &account{name: "nobody", uid: 65534, gid: 65534} // an image without /etc/passwd
}

func lookup(name string) *account {
	u, err := user.Lookup(name)
	if err != nil {
		return nil
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	if uidErr != nil || gidErr != nil || uid == 0 {
		return nil
	}
	return &account{name: name, uid: int(uid), gid: int(gid)}
}

// command prepares a program of PostgreSQL. It runs as the account; in a session
// of its own, so that Ctrl-C at the terminal reaches only the caller, who then
// stops it in order; in a folder that everybody may enter; and without the
// caller's environment, whose PGDATA, PGPORT or PGOPTIONS would divert it.
// ctx ends the program together with the programs it has started.
func (a *account) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if a != nil {
		// No supplementary groups: root's must go, and none is needed.
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// give makes the account the owner of files that the caller has made.
func (a *account) give(paths ...string) error {
	if a == nil {
		return nil
	}
	for _, p := range paths {
		if err := os.Lchown(p, a.uid, a.gid); err != nil {
			return err
		}
	}
	return nil
}

// reaches reports whether the account may enter dir by its path.
func (a *account) reaches(dir string) bool {
	if a == nil {
		return true
	}
	cmd := a.command(context.Background(), "/bin/sh", "-c", ":")
	cmd.Dir = dir
	return cmd.Run() == nil
}

// handOver returns the path under which cmd, not yet started, can use dir, which
// belongs to the account. A folder above it may be closed to the account, as
// root's home is; Linux then lets the child in through a descriptor that the
// caller has opened, which the caller closes once the child is started.
func (a *account) handOver(dir string) (path string, files []*os.File, err error) {
	if a.reaches(dir) {
		return dir, nil, nil
	}
	if runtime.GOOS != "linux" {
		return "", nil, fmt.Errorf("PostgreSQL may not run as root, and the user %s may not enter %s: choose another folder with --data",
			a.name, dir)
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return "/proc/self/fd/3", []*os.File{f}, nil // 3 is the first of exec.Cmd's ExtraFiles
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // opened for reading
	}
}
