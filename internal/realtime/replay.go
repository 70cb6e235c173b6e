package realtime

import (
	"context"

	"chelal/gen/db"
)

// mostMissed is how many events are told again; whoever missed more reads anew. It is more
// than the queue of a slow reader holds, so that one that was cut can resume.
const mostMissed = 4 * maxQueue

// missedBy returns what a socket that resumes has missed until it was added and, last, a
// message that says where it stands: ready, or resync when not all of that can be told.
func (h *Hub) missedBy(s *socket) ([]*news, error) {
	ctx, cancel := context.WithTimeout(h.ctx, patience)
	defer cancel()
	select {
	case h.replaying <- struct{}{}:
		defer func() { <-h.replaying }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	missed, err := h.readMissed(ctx, s)
	if err != nil {
		return nil, err
	}
	// After the rows: had any been removed before they were read, the first number says so.
	bounds, err := db.New().EventsBounds(ctx, h.DB)
	if err != nil {
		return nil, err
	}
	after := *s.after
	if len(missed) > mostMissed || after > bounds.Last || bounds.First > after+1 {
		return []*news{h.notice(s.start, s.topic, resync)}, nil
	}
	// A client may come from a process that is a moment ahead of this one.
	return append(missed, h.notice(max(after, s.start), s.topic, ready)), nil
}

func (h *Hub) readMissed(ctx context.Context, s *socket) ([]*news, error) {
	s.mu.Lock()
	who := s.who
	s.mu.Unlock()
	rows, err := db.New().EventsMissed(ctx, h.DB, db.EventsMissedParams{
		After: *s.after, Until: s.start, Topic: string(s.topic), IsStaff: who.isStaff(),
		UserID: &who.userID, PatientID: linked(who), Most: mostMissed + 1,
	})
	if err != nil {
		return nil, err
	}
	missed := make([]*news, 0, len(rows)+1)
	for _, row := range rows {
		n, err := newsOf(db.EventsAfterRow(row))
		if err != nil {
			return nil, err
		}
		missed = append(missed, n)
	}
	return missed, nil
}

func linked(who viewer) *int64 {
	if who.patientID == 0 {
		return nil
	}
	return &who.patientID
}
