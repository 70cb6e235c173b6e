package server

import (
	"context"

	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/notice"
)

// audience is who is told of something: users by id and every user of a role.
type audience struct {
	Users []int64
	Roles []string
}

// notify tells each active user of the audience, in the own language and once, within
// the change that there is to tell of. Those who listen hear of it at once.
func notify(ctx context.Context, c *change.Change, n notice.Notice, to audience, appointmentID *int64) error {
	sent, err := db.New().NotificationSend(ctx, c.Tx, db.NotificationSendParams{
		Type: n.Type, AppointmentID: appointmentID, Now: c.Now, UserIds: to.Users, Roles: to.Roles,
		TitleEn: n.En.Title, MessageEn: n.En.Message,
		TitleFr: n.Fr.Title, MessageFr: n.Fr.Message,
		TitleSw: n.Sw.Title, MessageSw: n.Sw.Message,
	})
	for _, one := range sent {
		if err := announceNotification(c, one); err != nil {
			return err
		}
	}
	return err
}
