package checkup

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"chelal/internal/authn"
	"chelal/internal/pg"
)

// sealLag is how old the oldest row of the audit log may be that is not sealed: the job
// runs each minute.
const sealLag = 15 * time.Minute

// Known are accounts whose password everybody knows.
type Known struct {
	Usernames []string
	Password  string
}

// State looks at a database that has this program's schema, and at this machine. What
// cannot be looked at is a warning.
func State(ctx context.Context, conn pg.DB, now func() time.Time, demo Known) []Finding {
	var findings []Finding
	for _, look := range []struct {
		subject string
		at      func() (Finding, error)
	}{
		{"database role", func() (Finding, error) { return databaseRole(ctx, conn) }},
		{"database version", func() (Finding, error) { return databaseVersion(ctx, conn) }},
		{"demo accounts", func() (Finding, error) { return demoAccounts(ctx, conn, demo) }},
		{"Admins", func() (Finding, error) { return admins(ctx, conn) }},
		{"two-factor", func() (Finding, error) { return twoFactor(ctx, conn) }},
		{"background jobs", func() (Finding, error) { return workers(ctx, conn) }},
		{"failed jobs", func() (Finding, error) { return failedJobs(ctx, conn) }},
		{"audit log", func() (Finding, error) { return auditLog(ctx, conn) }},
		{"audit seals", func() (Finding, error) { return auditSeals(ctx, conn) }},
		{"clock", func() (Finding, error) { return clock(ctx, conn, now) }},
		{"disk", disk},
	} {
		finding, err := look.at()
		if err != nil {
			finding = warning("", "cannot be looked at: "+err.Error(), "Run chelal check again, as a role that may.")
		}
		finding.Subject = look.subject
		findings = append(findings, finding)
	}
	return findings
}

func databaseRole(ctx context.Context, conn pg.DB) (Finding, error) {
	var super bool
	err := conn.QueryRow(ctx, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super)
	if super {
		return warning("", "is a superuser, which may read the server's files and stop its triggers.",
			"Make a role that owns this database and no more, and use it in DATABASE_URL."), err
	}
	return ok("", "is no superuser."), err
}

func databaseVersion(ctx context.Context, conn pg.DB) (Finding, error) {
	var number int
	err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&number)
	if err == nil && number < 150_000 {
		return danger("", fmt.Sprintf("PostgreSQL %d is older than 15.", number/10_000), "Upgrade it to 15 or newer."), nil
	}
	return ok("", fmt.Sprintf("PostgreSQL %d.", number/10_000)), err
}

func demoAccounts(ctx context.Context, conn pg.DB, demo Known) (Finding, error) {
	rows, err := conn.Query(ctx, "SELECT username, password FROM core_user WHERE is_active AND username = ANY($1) ORDER BY username", demo.Usernames)
	if err != nil {
		return Finding{}, err
	}
	var open []string
	var username, hash string
	hashes := map[string]string{}
	if _, err := pgx.ForEachRow(rows, []any{&username, &hash}, func() error { hashes[username] = hash; return nil }); err != nil {
		return Finding{}, err
	}
	hasher := authn.NewHasher(1)
	for _, name := range demo.Usernames {
		if hashes[name] == "" {
			continue
		}
		known, _, err := hasher.Verify(ctx, hashes[name], demo.Password)
		if err != nil {
			return Finding{}, err
		}
		if known {
			open = append(open, name)
		}
	}
	if len(open) > 0 {
		return danger("", "anybody can sign in as "+strings.Join(open, ", ")+".", "Change the passwords or deactivate the accounts."), nil
	}
	return ok("", "none has the password that everybody knows."), nil
}

func admins(ctx context.Context, conn pg.DB) (Finding, error) {
	var n int
	err := conn.QueryRow(ctx, `SELECT count(*) FROM core_user u JOIN core_role r ON r.id = u.role_id
		WHERE r.name = 'Admin' AND u.is_active`).Scan(&n)
	switch {
	case err == nil && n == 0:
		return warning("", "there is none, so nobody can give roles.", "chelal createadmin"), nil
	case n == 1:
		return warning("", "there is only one.", "Give a second person the role, for the day when the first is away."), err
	}
	return ok("", fmt.Sprintf("there are %d.", n)), err
}

func twoFactor(ctx context.Context, conn pg.DB) (Finding, error) {
	rows, err := conn.Query(ctx, `SELECT u.username FROM core_user u JOIN core_role r ON r.id = u.role_id
		WHERE r.name = 'Admin' AND u.is_active AND NOT u.two_factor_enabled ORDER BY u.username`)
	if err != nil {
		return Finding{}, err
	}
	without, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(without) == 0 {
		return ok("", "every Admin signs in with two factors."), err
	}
	who := strings.Join(without[:min(len(without), 5)], ", ")
	if len(without) > 5 {
		who += fmt.Sprintf(" and %d others", len(without)-5)
	}
	return warning("", "a stolen password is enough to be "+who+".", "Each of them switches it on under /api/profile/2fa/setup/."), nil
}

// workers asks whether a process has led the background jobs of late; River's leader
// renews its term every few seconds.
func workers(ctx context.Context, conn pg.DB) (Finding, error) {
	var alive bool
	var waiting float64
	err := conn.QueryRow(ctx, fmt.Sprintf(`SELECT EXISTS (SELECT FROM %[1]s.river_leader WHERE expires_at > now()),
		coalesce((SELECT extract(epoch FROM now() - min(scheduled_at)) FROM %[1]s.river_job WHERE state = 'available'), 0)::float8`,
		pg.RiverSchema)).Scan(&alive, &waiting)
	switch {
	case err != nil:
		return Finding{}, err
	case !alive:
		return warning("", "no process works them: no reminder is sent, nothing expires, the audit log is not sealed.",
			"Run chelal serve without --workers=false, or chelal worker."), nil
	case waiting > 15*60:
		return warning("", fmt.Sprintf("the oldest has waited for %s.", time.Duration(waiting*float64(time.Second)).Round(time.Minute)),
			"Run more processes of chelal worker."), nil
	}
	return ok("", "are worked."), nil
}

func failedJobs(ctx context.Context, conn pg.DB) (Finding, error) {
	var n int
	err := conn.QueryRow(ctx, "SELECT count(*) FROM "+pg.RiverSchema+".river_job WHERE state = 'discarded'").Scan(&n)
	if n > 0 {
		return warning("", fmt.Sprintf("%d were given up after every attempt had failed.", n), "See why in the table river_job, column errors."), err
	}
	return ok("", "none."), err
}

func auditLog(ctx context.Context, conn pg.DB) (Finding, error) {
	var open, month, stray bool
	err := conn.QueryRow(ctx, `SELECT
		(SELECT count(*) < 2 FROM pg_trigger WHERE tgrelid = 'core_auditlog'::regclass AND tgenabled IN ('O', 'A')
			AND tgname IN ('core_auditlog_append_only', 'core_auditlog_no_truncate')),
		to_regclass('core_auditlog_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')) IS NULL,
		EXISTS (SELECT FROM core_auditlog_default)`).Scan(&open, &month, &stray)
	switch {
	case err != nil:
		return Finding{}, err
	case open:
		return danger("", "its triggers are off, so that rows can be changed and removed.", "ALTER TABLE core_auditlog ENABLE TRIGGER ALL, and find out who did it."), nil
	case month:
		return warning("", "has no partition for this month.", "See whether the background jobs run."), nil
	case stray:
		return warning("", "has rows of a month that it has no partition for.", "See whether the clocks are right and the background jobs run."), nil
	}
	return ok("", "only grows."), nil
}

// auditSeals asks whether what is written is sealed soon: until then a superuser of the
// database could change it unseen.
func auditSeals(ctx context.Context, conn pg.DB) (Finding, error) {
	var since *time.Time
	err := conn.QueryRow(ctx, `SELECT (SELECT l.timestamp FROM core_auditlog l
		WHERE (l.era, l.xid) >= (coalesce(s.era, 0), coalesce(s.to_xid, '0')) ORDER BY l.era, l.xid, l.id LIMIT 1)
		FROM (VALUES (1)) one LEFT JOIN (SELECT era, to_xid FROM core_auditseal ORDER BY id DESC LIMIT 1) s ON true`).Scan(&since)
	if err == nil && since != nil && time.Since(*since) > sealLag {
		return warning("", "nothing of what was written since "+since.UTC().Format(time.RFC3339)+" is sealed.",
			"See whether the background jobs run and what the log says of seal_audit; chelal audit seal does it at once."), nil
	}
	return ok("", "what was written is sealed."), err
}

// clock compares this machine's clock with the database's. Tokens are good to a minute.
func clock(ctx context.Context, conn pg.DB, now func() time.Time) (Finding, error) {
	var there time.Time
	before := now()
	if err := conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&there); err != nil {
		return Finding{}, err
	}
	after := now()
	apart := there.Sub(before.Add(after.Sub(before)/2)).Abs() - after.Sub(before)/2
	found := fmt.Sprintf("this machine and the database are %s apart.", max(apart, 0).Round(time.Second))
	switch {
	case apart > time.Minute:
		return danger("", found, "Set both by NTP: tokens and lock-outs go by these clocks."), nil
	case apart > 2*time.Second:
		return warning("", found, "Set both by NTP."), nil
	}
	return ok("", found), nil
}

// disk looks at where the program runs, which may hold the database and the files.
func disk() (Finding, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(".", &s); err != nil {
		return Finding{}, err
	}
	free, total := s.Bavail*uint64(s.Bsize), max(s.Blocks*uint64(s.Bsize), 1)
	found := fmt.Sprintf("%d GiB free, %d %%.", free>>30, 100*free/total)
	if free < 1<<30 || 100*free/total < 5 {
		return warning("", found, "Make room before the database stops writing."), nil
	}
	return ok("", found), nil
}
