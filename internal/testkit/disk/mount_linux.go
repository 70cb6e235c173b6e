package disk

import "syscall"

func mount(dir, options string) (unmount func() error, err error) {
	err = syscall.Mount("tmpfs", dir, "tmpfs", 0, options)
	return func() error { return syscall.Unmount(dir, 0) }, err
}
