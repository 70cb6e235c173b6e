package media

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder keeps files below path, which it makes when the first one comes.
func Folder(path string) Store { return folder(path) }

type folder string

func (f folder) Put(ctx context.Context, name string, image []byte) error {
	return f.Write(ctx, name, ContentType, func(w io.Writer) error {
		_, err := w.Write(image)
		return err
	})
}

// Write writes under another name first, so that nobody ever reads half a file.
func (f folder) Write(_ context.Context, name, _ string, write func(io.Writer) error) error {
	var refused error
	err := f.put(filepath.FromSlash(name), func(w io.Writer) error {
		refused = write(w)
		return refused
	})
	switch {
	case refused != nil:
		return refused
	case err != nil:
		return unavailable.Because(fmt.Errorf("store a file in MEDIA_ROOT: %w", err))
	}
	return nil
}

func (f folder) put(name string, write func(io.Writer) error) (err error) {
	if err := os.MkdirAll(string(f), 0o750); err != nil {
		return err
	}
	root, err := os.OpenRoot(string(f)) // nothing below it leads out again
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := root.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	part := name + ".part"
	if err := writeSynced(root, part, write); err != nil {
		return errors.Join(err, root.RemoveAll(part))
	}
	if err := root.Rename(part, name); err != nil {
		return err
	}
	return syncFolder(root, filepath.Dir(name))
}

func writeSynced(root *os.Root, name string, write func(io.Writer) error) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(file, 64<<10)
	if err = write(buffered); err == nil {
		err = buffered.Flush()
	}
	return errors.Join(err, file.Sync(), file.Close())
}

// syncFolder makes the renamed entry outlast a crash.
func syncFolder(root *os.Root, name string) error {
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (f folder) Open(_ context.Context, name string) (io.ReadCloser, int64, error) {
	file, err := os.OpenInRoot(string(f), filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, ErrMissing
	}
	if err != nil {
		return nil, 0, unavailable.Because(fmt.Errorf("read an image of MEDIA_ROOT: %w", err))
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, unavailable.Because(errors.Join(err, file.Close()))
	}
	return file, info.Size(), nil
}

func (f folder) Remove(_ context.Context, name string) error {
	root, err := os.OpenRoot(string(f))
	if err == nil {
		err = errors.Join(root.Remove(filepath.FromSlash(name)), root.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unavailable.Because(fmt.Errorf("remove an image of MEDIA_ROOT: %w", err))
	}
	return nil
}
