package listing

import (
	"context"

	"chelal/gen/db"
)

// Notifications are listed by when they were made.
var Notifications = List[db.CoreNotification]{
	Query: db.NotificationList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.CoreNotification, error) {
		return db.New().NotificationList(ctx, conn)
	},
	Orders: map[string]Order[db.CoreNotification]{
		"created_at": {[]Column{{"n.created_at", "timestamptz"}, {"n.id", "bigint"}},
			func(n db.CoreNotification) []string { return []string{instant(n.CreatedAt), id(n.ID)} }},
	},
}

// NotificationsOf narrows notifications to those of a user.
func NotificationsOf(userID int64) Condition { return Condition{"n.user_id = ?", []any{userID}} }

// NotificationsRead narrows notifications to read or to unread ones.
func NotificationsRead(read bool) Condition {
	if read {
		return Condition{SQL: "n.is_read"}
	}
	return Condition{SQL: "NOT n.is_read"}
}

// NotificationsAbout narrows notifications to a type.
func NotificationsAbout(kind string) Condition { return Condition{"n.type = ?", []any{kind}} }
