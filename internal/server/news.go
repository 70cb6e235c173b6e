package server

import (
	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/realtime"
)

// announceNotification tells its user of a notification.
func announceNotification(c *change.Change, n db.CoreNotification) error {
	return c.Announce(change.Event{
		Topic: string(realtime.Notifications), Type: string(api.LiveNotificationTypeNotification), UserID: &n.UserID,
		Data: toAPINotification(n),
	})
}
