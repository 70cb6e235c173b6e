package change

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"chelal/gen/db"
)

// EventLifetime is how long the contract promises that a socket can resume; events may be
// removed after it.
const EventLifetime = 24 * time.Hour

// Event is news of a change for those who listen over a socket, and who may receive it:
// staff, a user, the account of a patient. Whom it does not name is not told.
type Event struct {
	Topic string
	// Type and Data are what the contract's LiveMessage has by these names.
	Type string
	Data any

	Staff     bool
	UserID    *int64
	PatientID *int64
}

// Announce tells of the change once it is committed, whatever becomes of this process
// then. Events are the last that the transaction writes: so they come after those of every
// change that this one has seen.
func (c *Change) Announce(e Event) error {
	data, err := json.Marshal(e.Data)
	if err != nil {
		return fmt.Errorf("announce %s: %w", e.Type, err)
	}
	c.events = append(c.events, db.EventAnnounceParams{
		Topic: e.Topic, Type: e.Type, ToStaff: e.Staff, UserID: e.UserID, PatientID: e.PatientID, Data: data, Now: c.Now,
	})
	return nil
}

func (c *Change) writeEvents(ctx context.Context) error {
	if len(c.events) == 0 {
		return nil
	}
	var first error
	db.New().EventAnnounce(ctx, c.Tx, c.events).Exec(func(_ int, err error) {
		if err != nil && first == nil {
			first = fmt.Errorf("write the events: %w", err)
		}
	})
	return first
}
