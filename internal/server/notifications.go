package server

import (
	"context"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/listing"
)

// ListNotifications answers the caller's notifications.
func (h *handlers) ListNotifications(ctx context.Context, r api.ListNotificationsRequestObject) (api.ListNotificationsResponseObject, error) {
	p := r.Params
	where := []listing.Condition{listing.NotificationsOf(authn.PrincipalFrom(ctx).UserID)}
	if p.IsRead != nil {
		where = append(where, listing.NotificationsRead(*p.IsRead))
	}
	if p.Type != nil {
		where = append(where, listing.NotificationsAbout(*p.Type))
	}
	request := pageOf(p.Page, p.PageSize, p.Cursor,
		string(valueOr(p.Ordering, api.ListNotificationsParamsOrderingMinusCreatedAt)), where)
	page, err := listing.Notifications.Read(ctx, h.DB, request)
	if err != nil {
		return nil, err
	}
	e := surround(ctx, request, page)
	return api.ListNotifications200JSONResponse{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, toAPINotification),
	}, nil
}

// GetNotification answers one of the caller's notifications.
func (h *handlers) GetNotification(ctx context.Context, r api.GetNotificationRequestObject) (api.GetNotificationResponseObject, error) {
	row, err := db.New().NotificationGet(ctx, h.DB, r.ID, authn.PrincipalFrom(ctx).UserID)
	if err != nil {
		return nil, err
	}
	return api.GetNotification200JSONResponse{
		Body: toAPINotification(row), Headers: api.GetNotification200ResponseHeaders{ETag: etag(row.Version)},
	}, nil
}

// CountUnreadNotifications answers how many notifications the caller has not read.
func (h *handlers) CountUnreadNotifications(ctx context.Context, _ api.CountUnreadNotificationsRequestObject) (api.CountUnreadNotificationsResponseObject, error) {
	unread, err := db.New().NotificationUnread(ctx, h.DB, authn.PrincipalFrom(ctx).UserID)
	return api.CountUnreadNotifications200JSONResponse{Unread: unread}, err
}

const markedAsRead = "marked as read"

// MarkNotificationRead marks one of the caller's notifications. That, like reading a mail,
// leaves no trace in the audit log.
func (h *handlers) MarkNotificationRead(ctx context.Context, r api.MarkNotificationReadRequestObject) (api.MarkNotificationReadResponseObject, error) {
	return once(ctx, h, "markNotificationRead", r.Params.IdempotencyKey, api.MarkNotificationReadResponseObject.VisitMarkNotificationReadResponse,
		func(c *change.Change) (api.MarkNotificationReadResponseObject, error) {
			_, err := db.New().NotificationRead(ctx, c.Tx, r.ID, c.Actor.UserID)
			return api.MarkNotificationRead200JSONResponse{Status: markedAsRead}, err
		})
}

// MarkAllNotificationsRead marks whatever the caller has not read.
func (h *handlers) MarkAllNotificationsRead(ctx context.Context, r api.MarkAllNotificationsReadRequestObject) (api.MarkAllNotificationsReadResponseObject, error) {
	return once(ctx, h, "markAllNotificationsRead", r.Params.IdempotencyKey,
		api.MarkAllNotificationsReadResponseObject.VisitMarkAllNotificationsReadResponse,
		func(c *change.Change) (api.MarkAllNotificationsReadResponseObject, error) {
			marked, err := db.New().NotificationReadAll(ctx, c.Tx, c.Actor.UserID)
			return api.MarkAllNotificationsRead200JSONResponse{Status: markedAsRead, Marked: marked}, err
		})
}

// DeleteNotification removes one of the caller's notifications.
func (h *handlers) DeleteNotification(ctx context.Context, r api.DeleteNotificationRequestObject) (api.DeleteNotificationResponseObject, error) {
	return api.DeleteNotification204Response{}, remove(ctx, h, r.ID, r.Params.IfMatch, removal[db.CoreNotification]{
		Object: "notification", Delete: db.New().NotificationDelete,
		Lock: func(ctx context.Context, conn db.DBTX, id int64) (db.CoreNotification, error) {
			return db.New().NotificationLock(ctx, conn, id, authn.PrincipalFrom(ctx).UserID)
		},
		Version: func(row db.CoreNotification) int64 { return row.Version },
	})
}

func toAPINotification(n db.CoreNotification) api.Notification {
	return api.Notification{
		ID: n.ID, Title: n.Title, Message: n.Message, Type: n.Type, IsRead: n.IsRead, CreatedAt: n.CreatedAt,
		User: n.UserID, RelatedAppointment: toNullable(n.RelatedAppointmentID), Version: n.Version,
	}
}
