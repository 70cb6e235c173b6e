package news

import (
	"context"
	"time"

	"chelal/gen/db"
	"chelal/internal/change"
	"chelal/internal/notice"
	"chelal/internal/realtime"
)

// Audience is who is told of something: users by id and every user of a role.
type Audience struct {
	Users []int64
	Roles []string
}

// Notify tells each active user of the audience, in the own language and once, within
// the change that there is to tell of. Those who listen hear of it at once.
func Notify(ctx context.Context, c *change.Change, n notice.Notice, to Audience, appointmentID *int64) error {
	sent, err := db.New().NotificationSend(ctx, c.Tx, db.NotificationSendParams{
		Type: n.Type, AppointmentID: appointmentID, Now: c.Now, UserIds: to.Users, Roles: to.Roles,
		TitleEn: n.En.Title, MessageEn: n.En.Message,
		TitleFr: n.Fr.Title, MessageFr: n.Fr.Message,
		TitleSw: n.Sw.Title, MessageSw: n.Sw.Message,
	})
	for _, one := range sent {
		if err := announce(c, one); err != nil {
			return err
		}
	}
	return err
}

// notification is the contract's Notification.
type notification struct {
	ID                 int64     `json:"id"`
	User               int64     `json:"user"`
	Title              string    `json:"title"`
	Message            string    `json:"message"`
	Type               string    `json:"type"`
	IsRead             bool      `json:"is_read"`
	RelatedAppointment *int64    `json:"related_appointment"`
	CreatedAt          time.Time `json:"created_at"`
	Version            int64     `json:"version"`
}

func announce(c *change.Change, n db.CoreNotification) error {
	return c.Announce(change.Event{
		Topic: string(realtime.Notifications), Type: "notification", UserID: &n.UserID,
		Data: notification{
			ID: n.ID, User: n.UserID, Title: n.Title, Message: n.Message, Type: n.Type, IsRead: n.IsRead,
			RelatedAppointment: n.RelatedAppointmentID, CreatedAt: n.CreatedAt, Version: n.Version,
		},
	})
}
