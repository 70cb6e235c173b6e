// Package realtime tells those who listen over WebSockets what has happened. Changes
// write events in their own transactions (package change). A Relay numbers what was
// committed, and a Hub follows the numbers in the database: what it tells is what stands
// there, each event once and in order. Redis says only that there is something new.
package realtime

import (
	"encoding/json"
	"time"

	"chelal/gen/db"
	"chelal/internal/authn"
	"chelal/internal/authz"
)

// Topic is what a socket tells of.
type Topic string

// The topics.
const (
	Notifications Topic = "notifications"
	Appointments  Topic = "appointments"
	Dashboard     Topic = "dashboard"

	// accessChanges tell the hub itself that a user may see something else now.
	accessChanges Topic = "access"
)

// classes says who may listen to a topic; to one that is not here nobody may.
var classes = map[Topic]authz.Class{
	Notifications: authz.Self,
	Appointments:  authz.StaffOrOwn,
	Dashboard:     authz.Staff,
}

// Allows reports whether p, who is signed in, may listen to the topic.
func (t Topic) Allows(p authn.Principal) bool {
	class, known := classes[t]
	return known && class.Allows(p)
}

// viewer is who listens, and what decides which rows that user may see.
type viewer struct {
	userID    int64
	role      string
	patientID int64 // 0 when the account is not a patient's
}

func (v viewer) principal() authn.Principal { return authn.Principal{UserID: v.userID, Role: v.role} }

func (v viewer) isStaff() bool { return authz.OwnRows(v.principal()) == nil }

// receives reports whether v may be told: whom the news does not name gets nothing.
func (v viewer) receives(n *news) bool {
	return n.toAll || n.toStaff && v.isStaff() || n.userID != 0 && n.userID == v.userID ||
		n.patientID != 0 && n.patientID == v.patientID
}

// news is a message and who may receive it.
type news struct {
	id        int64
	topic     Topic
	toAll     bool // whoever listens to the topic
	anew      bool // it is told though its id may be lower than one that was told
	toStaff   bool
	userID    int64 // 0: no user
	patientID int64 // 0: no patient's account
	text      []byte
}

// message is the form in which news is sent, LiveMessage in the contract.
type message struct {
	ID   int64     `json:"id"`
	Type string    `json:"type"`
	Data any       `json:"data"`
	At   time.Time `json:"at"`
}

func encode(id int64, kind string, data any, at time.Time) ([]byte, error) {
	return json.Marshal(message{id, kind, data, at.UTC().Truncate(time.Microsecond)})
}

func newsOf(row db.EventsAfterRow) (*news, error) {
	n := &news{id: row.Number, topic: Topic(row.Topic), toStaff: row.ToStaff}
	if row.UserID != nil {
		n.userID = *row.UserID
	}
	if row.PatientID != nil {
		n.patientID = *row.PatientID
	}
	var err error
	n.text, err = encode(row.Number, row.Type, row.Data, row.CreatedAt)
	return n, err
}
