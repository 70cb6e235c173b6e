package change

import (
	"encoding/json"
	"fmt"
	"time"
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
// then. Events are written when f of Do has returned: so they come after those of every change
// that this one has seen.
func (c *Change) Announce(e Event) error {
	data, err := json.Marshal(e.Data)
	if err != nil {
		return fmt.Errorf("announce %s: %w", e.Type, err)
	}
	r := &c.record
	r.Topics, r.Types, r.ToStaff = append(r.Topics, e.Topic), append(r.Types, e.Type), append(r.ToStaff, e.Staff)
	r.ToUsers, r.ToPatients, r.Data = append(r.ToUsers, orZero(e.UserID)), append(r.ToPatients, orZero(e.PatientID)), append(r.Data, string(data))
	return nil
}
