package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// wanted returns the major version that made the data directory, or 0 where
// there is no data yet.
func (c *cluster) wanted() (int, error) {
	text, err := os.ReadFile(filepath.Join(c.data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(c.data); err == nil {
			return 0, fmt.Errorf("%s is not a PostgreSQL data directory; move it away and start again", c.data)
		}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s is damaged: PG_VERSION holds no number", c.data)
	}
	return major, nil
}

// build returns the binaries for this folder: those installed, those downloaded
// before, or a download.
func (c *cluster) build(ctx context.Context) (build, error) {
	major, err := c.wanted()
	if err != nil {
		return build{}, err
	}
	b, missing := find(ctx, c.account, append(candidates(), c.downloaded()...), major)
	if missing == nil || ctx.Err() != nil {
		return b, ctx.Err()
	}
	if major != 0 && major != downloadMajor {
		return build{}, fmt.Errorf("the data in %s was made by PostgreSQL %d (%w); install that version, or start anew with --reset",
			c.dir, major, missing)
	}
	b, err = c.download(ctx)
	if err != nil {
		return build{}, fmt.Errorf("%w, and none could be downloaded (%w); install it (apt-get install postgresql, brew install postgresql)",
			missing, err)
	}
	return b, nil
}

// ensure returns the password, and creates the cluster where there is none.
func (c *cluster) ensure(ctx context.Context, b build) (string, error) {
	_, err := os.Stat(c.data)
	exists := err == nil
	password, err := c.readPassword()
	switch {
	case errors.Is(err, fs.ErrNotExist) && exists:
		return "", fmt.Errorf("the password of the cluster, %s, is gone; put it back, or start anew with --reset", c.path("password"))
	case errors.Is(err, fs.ErrNotExist):
		// The password comes first, so that no kill leaves a cluster without one.
		password = rand.Text()
		if err := writeWhole(c.path("password"), password); err != nil {
			return "", err
		}
	case err != nil:
		return "", err
	}
	if exists {
		return password, nil
	}
	return password, c.create(ctx, b, password)
}

func (c *cluster) readPassword() (string, error) {
	text, err := os.ReadFile(c.path("password"))
	return string(text), err
}

// writeWhole writes a private file that is never seen half written.
func writeWhole(path, text string) error {
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// create runs initdb in a folder of its own, which becomes the data directory in
// one step at the end: a kill in between leaves nothing but that folder.
func (c *cluster) create(ctx context.Context, b build, password string) error {
	c.note(fmt.Sprintf("Creating a PostgreSQL %d cluster in %s", b.major, c.dir))
	work, err := os.MkdirTemp(c.dir, "initdb-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	secret := filepath.Join(work, "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		return err
	}
	if err := c.account.give(work, secret); err != nil {
		return err
	}
	if err := c.initdb(ctx, b, work); err != nil {
		return err
	}
	return os.Rename(filepath.Join(work, "data"), c.data)
}

func (c *cluster) initdb(ctx context.Context, b build, work string) error {
	path, files, err := c.account.handOver(work)
	if err != nil {
		return err
	}
	defer closeAll(files)
	var out []byte
	for _, locale := range locales(b.major) {
		args := append([]string{
			"--pgdata=" + path + "/data", "--username=" + superuser, "--pwfile=" + path + "/password",
			"--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums", "--no-instructions",
		}, locale...)
		if c.unsafe {
			args = append(args, "--no-sync")
		}
		cmd := c.account.command(ctx, filepath.Join(b.bin, "initdb"), args...)
		cmd.ExtraFiles = files
		if out, err = cmd.CombinedOutput(); err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if !strings.Contains(string(out), "invalid locale name") {
			break
		}
	}
	return c.gaveUp("initdb", string(out))
}
