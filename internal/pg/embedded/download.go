package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// The build to download. zonky's builds of this version exist for Linux (also
// Alpine) and macOS, on amd64 and arm64, and have the extensions.
const (
	downloadVersion = "17.11.0"
	downloadMajor   = 17
)

// cache takes the download when the account that runs PostgreSQL for root cannot
// enter the cluster's folder. The data can be handed to it as an open folder; a
// program can be run by its path alone.
var cache = "/var/cache/chelal"

// downloaded lists where an earlier download may be.
func (c *cluster) downloaded() []string {
	homes := []string{c.builds}
	if c.account != nil {
		homes = append(homes, cache)
	}
	var found []string
	for _, home := range homes {
		bin := filepath.Join(buildIn(home), "bin")
		if _, err := os.Stat(bin); err == nil {
			found = append(found, bin)
		}
	}
	return found
}

func buildIn(home string) string { return filepath.Join(home, "bin-"+downloadVersion) }

// download fetches the build into a work folder, which is renamed once the
// build has proved to work: a kill in between leaves no half of a build.
func (c *cluster) download(ctx context.Context) (build, error) {
	home := c.builds
	if !c.account.reaches(home) {
		home = cache
	}
	c.note(fmt.Sprintf("Downloading PostgreSQL %s (about 15 MB) into %s, which happens once", downloadVersion, home))
	if err := os.MkdirAll(home, 0o755); err != nil {
		return build{}, err
	}
	work, err := os.MkdirTemp(home, "download-")
	if err != nil {
		return build{}, err
	}
	defer os.RemoveAll(work)
	if err := fetch(ctx, work); err != nil {
		return build{}, err
	}
	if err := c.giveAll(work); err != nil {
		return build{}, err
	}
	if _, err := inspect(ctx, c.account, filepath.Join(work, "build", "bin")); err != nil {
		return build{}, err
	}
	err = os.Rename(filepath.Join(work, "build"), buildIn(home))
	if err != nil && !errors.Is(err, fs.ErrExist) { // another process was faster, which is as good
		return build{}, err
	}
	return inspect(ctx, c.account, filepath.Join(buildIn(home), "bin"))
}

// fetch downloads the build, checks its SHA-256 and unpacks it into work/build.
//
// The library has no call for this: Start alone fetches, and goes on to initdb,
// which fails for root. So Start is made to end after unpacking, for everybody: it
// first clears the data directory, which os.RemoveAll declines for a path that
// ends in a dot. Whether the fetch succeeded is judged by the files.
func fetch(ctx context.Context, work string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	target := filepath.Join(work, "build")
	library := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(downloadVersion).
		CachePath(filepath.Join(work, "archive")).
		RuntimePath(target).
		DataPath(work + "/.").
		Port(uint32(port)).
		Logger(io.Discard))

	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute) // the library itself waits for ever
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() { // the library panics when its files vanish, as they do once ctx is over
			if p := recover(); p != nil {
				done <- fmt.Errorf("the download broke: %v", p)
			}
		}()
		done <- library.Start()
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err = <-done:
	}
	if _, statErr := os.Stat(filepath.Join(target, "bin", "initdb")); statErr == nil {
		return nil
	}
	return err
}

// giveAll lets the account into a folder and all that is in it.
func (c *cluster) giveAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return c.account.give(path)
	})
}
