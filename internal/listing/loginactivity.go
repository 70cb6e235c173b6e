package listing

import (
	"context"
	"net/netip"
	"time"

	"chelal/gen/db"
)

// LoginActivity is listed by when it was.
var LoginActivity = List[db.LoginActivityListRow]{
	Query: db.LoginActivityList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.LoginActivityListRow, error) {
		return db.New().LoginActivityList(ctx, conn)
	},
	Orders: map[string]Order[db.LoginActivityListRow]{
		"timestamp": {[]Column{{"l.timestamp", "timestamptz"}, {"l.id", "bigint"}},
			func(r db.LoginActivityListRow) []string { return []string{instant(r.Timestamp), id(r.ID)} }},
	},
}

// LoginActivityOf narrows attempts to those with a user's account.
func LoginActivityOf(userID int64) Condition { return Condition{"l.user_id = ?", []any{userID}} }

// LoginActivityEnded narrows attempts to those that ended in a way.
func LoginActivityEnded(status string) Condition { return Condition{"l.status = ?", []any{status}} }

// LoginActivityAt narrows attempts to those from an address.
func LoginActivityAt(address netip.Addr) Condition {
	return Condition{"l.ip_address = ?", []any{address}}
}

// LoginActivityFrom narrows attempts to those of the moment or later.
func LoginActivityFrom(t time.Time) Condition { return Condition{"l.timestamp >= ?", []any{t}} }

// LoginActivityUntil narrows attempts to those before the moment.
func LoginActivityUntil(t time.Time) Condition { return Condition{"l.timestamp < ?", []any{t}} }
