package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldest is the first major version whose features the schema relies on.
const oldest = 15

// needed are the extensions that the schema creates.
var needed = []string{"pg_trgm", "btree_gist", "unaccent"}

// places are where packagers put initdb and postgres, besides the PATH.
var places = []string{
	"/usr/lib/postgresql/*/bin",
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/usr/pgsql-*/bin",
	"/usr/local/pgsql/bin",
}

// build is one installation of PostgreSQL.
type build struct {
	bin        string // the folder of initdb and postgres
	major      int
	statements bool // pg_stat_statements is there
}

// FindBinaries returns the folder of an installed initdb and postgres that can
// serve this program, and their major version. The error says what was passed
// over and why.
func FindBinaries() (dir string, version int, err error) {
	b, err := find(context.Background(), unprivileged(""), candidates(), 0)
	return b.bin, b.major, err
}

// find returns the first usable build, of the major version asked for unless it is 0.
func find(ctx context.Context, a *account, bins []string, major int) (build, error) {
	refused := []error{errors.New("no usable PostgreSQL is installed")}
	for _, bin := range bins {
		b, err := inspect(ctx, a, bin)
		if err == nil && major != 0 && b.major != major {
			err = fmt.Errorf("%s is version %d", bin, b.major)
		}
		if err == nil {
			return b, nil
		}
		refused = append(refused, err)
	}
	return build{}, inOneLine(refused)
}

func candidates() []string {
	var found []string
	if p, err := exec.LookPath("initdb"); err == nil {
		// The PATH often holds a link; postgres lies beside its target.
		if p, err = filepath.EvalSymlinks(p); err == nil {
			found = append(found, filepath.Dir(p))
		}
	}
	for _, place := range places {
		bins, _ := filepath.Glob(place) // fails on a malformed pattern alone
		slices.SortStableFunc(bins, func(a, b string) int { return cmp.Compare(lastNumber(b), lastNumber(a)) })
		found = append(found, bins...)
	}
	return slices.Compact(slices.DeleteFunc(found, func(bin string) bool {
		_, err := os.Stat(filepath.Join(bin, "initdb"))
		return err != nil
	}))
}

var digits = regexp.MustCompile(`\d+`)

func lastNumber(path string) int {
	all := digits.FindAllString(path, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(all[len(all)-1])
	return n
}

// inspect asks initdb about its installation. `initdb --show` does nothing but
// print; it fails without a postgres of the same version beside it, and it knows
// where the extensions are, which no rule of thumb over all packagers does.
func inspect(ctx context.Context, a *account, bin string) (build, error) {
	out, err := a.command(ctx, filepath.Join(bin, "initdb"), "--show", "-D", "/nonexistent").CombinedOutput()
	if err != nil {
		return build{}, fmt.Errorf("%s does not run (%s)", bin, cmp.Or(lastMeaningful(string(out)), err.Error()))
	}
	b := build{bin: bin}
	if b.major, err = strconv.Atoi(digits.FindString(shown(out, "VERSION"))); err != nil {
		return build{}, fmt.Errorf("%s does not tell its version", bin)
	}
	if b.major < oldest {
		return build{}, fmt.Errorf("%s is version %d, and %d is the oldest that will do", bin, b.major, oldest)
	}
	extensions := filepath.Join(shown(out, "share_path"), "extension")
	for _, name := range needed {
		if !hasExtension(extensions, name) {
			return build{}, fmt.Errorf("%s lacks the extension %s", bin, name)
		}
	}
	b.statements = hasExtension(extensions, "pg_stat_statements")
	return b, nil
}

func hasExtension(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name+".control"))
	return err == nil
}

func shown(out []byte, name string) string {
	for line := range strings.Lines(string(out)) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
