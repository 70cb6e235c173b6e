package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Topic is what a session may listen to.
type Topic string

// The topics: the own notifications; what becomes of appointments; the dashboard's figures.
const (
	LiveNotifications Topic = "notifications"
	LiveAppointments  Topic = "appointments"
	LiveDashboard     Topic = "dashboard"
)

// News is what a topic tells: a LiveState, and a LiveNotification, LiveAppointment or
// LiveFigures according to the topic.
type News interface {
	// EventID grows with each event; listening can begin behind it.
	EventID() int64
}

// EventID is the id to resume from.
func (e LiveState) EventID() int64 { return e.ID }

// EventID is the id to resume from.
func (e LiveNotification) EventID() int64 { return e.ID }

// EventID is the id to resume from.
func (e LiveAppointment) EventID() int64 { return e.ID }

// EventID is the id to resume from.
func (e LiveFigures) EventID() int64 { return e.ID }

const (
	// quiet is after how long a line counts as broken: the server sends a ping every 30 seconds.
	quiet        = 75 * time.Second
	longestPause = 30 * time.Second
)

// Live yields what the topic tells until ctx ends, each event once. The first is a LiveState ready;
// after a LiveState resync, what is shown is to be read anew, because something was missed that
// cannot be told any more. When the line breaks it comes back and resumes. It ends with an error when
// the account is signed out or may not listen. It begins behind the event after, of up to 24
// hours ago, or, where after is 0, with what happens from now on.
func (s *Session) Live(ctx context.Context, topic Topic, after int64) iter.Seq2[News, error] {
	return func(yield func(News, error) bool) {
		line := line{session: s, topic: topic, last: after}
		for failures := 0; ctx.Err() == nil; failures++ {
			heard, err := line.listen(ctx, yield)
			if heard {
				failures = 0
			}
			var left *leftError
			switch {
			case errors.As(err, &left) || ctx.Err() != nil:
				return
			case !passing(err):
				yield(nil, err)
				return
			}
			wait := min(time.Second<<min(failures, 5), longestPause)
			if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) && closed.Code == websocket.CloseServiceRestart {
				wait = comeBackAfter(closed.Text)
			}
			_ = pause(ctx, wait) // the loop ends with ctx
		}
	}
}

// leftError says that the caller does not want more.
type leftError struct{}

func (*leftError) Error() string { return "the caller left" }

// passing says whether an error may be over in a moment.
func passing(err error) bool {
	if problem, ok := errors.AsType[*ProblemError](err); ok {
		return problem.Status == http.StatusTooManyRequests || problem.Status >= http.StatusInternalServerError
	}
	return !websocket.IsCloseError(err, websocket.ClosePolicyViolation)
}

func comeBackAfter(reason string) time.Duration {
	said := struct {
		ReconnectAfterMs int64 `json:"reconnect_after_ms"`
	}{ReconnectAfterMs: 1000}
	_ = json.Unmarshal([]byte(reason), &said) // a second, where it says nothing
	return time.Duration(said.ReconnectAfterMs) * time.Millisecond
}

// line is a topic listened to over one socket after another.
type line struct {
	session *Session
	topic   Topic
	last    int64 // the last event that came
}

// listen yields what one socket tells until it breaks, which is the error.
func (l *line) listen(ctx context.Context, yield func(News, error) bool) (heard bool, err error) {
	socket, err := l.open(ctx)
	if err != nil {
		return false, err
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { _ = socket.Close() })()
	alive := func() error { return socket.SetReadDeadline(time.Now().Add(quiet)) }
	pong := socket.PingHandler()
	socket.SetPingHandler(func(data string) error {
		if err := alive(); err != nil {
			return err
		}
		return pong(data)
	})
	for {
		if err := alive(); err != nil {
			return heard, err
		}
		var message LiveMessage
		if err := socket.ReadJSON(&message); err != nil {
			return heard, err
		}
		value, err := message.ValueByDiscriminator()
		news, known := value.(News)
		if err != nil || !known {
			continue // a kind of event that is newer than this client
		}
		heard, l.last = true, max(l.last, news.EventID())
		if !yield(news, nil) {
			return heard, &leftError{}
		}
	}
}

func (l *line) open(ctx context.Context) (*websocket.Conn, error) {
	ticket, err := l.session.CreateSocketTicketWithResponse(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{"ticket": {ticket.JSON200.Ticket}}
	if l.last > 0 {
		query.Set("last_event_id", strconv.FormatInt(l.last, 10))
	}
	address := fmt.Sprintf("ws%s/ws/%s/?%s", strings.TrimPrefix(l.session.server, "http"), l.topic, query.Encode())
	socket, response, err := l.session.dialer.DialContext(ctx, address, nil)
	if err != nil && response != nil {
		return nil, problemOf(response)
	}
	return socket, err
}
