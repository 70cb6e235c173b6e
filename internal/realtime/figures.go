package realtime

import (
	"context"
	"log/slog"
	"time"

	"chelal/gen/db"
	"chelal/internal/scheduling"
)

// figuresEvery is how often figures may be told.
const figuresEvery = time.Second

// watchFigures reads the figures while somebody listens, once for everybody, and tells
// what has changed. They are read rather than announced: that cannot miss one, whoever
// changed it, nor the turn of the day.
func (h *Hub) watchFigures() {
	tick := time.NewTicker(figuresEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
		}
		err := h.tellFigures(h.ctx)
		if err != nil && !failing && h.ctx.Err() == nil {
			h.Log.Error("the live figures cannot be read; trying again", slog.Any("error", err))
		}
		failing = err != nil
	}
}

func (h *Hub) tellFigures(ctx context.Context) error {
	if !h.someListenToFigures() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now, err := h.readFigures(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := map[string]any{}
	for name, value := range now {
		if before, known := h.figures[name]; !known || before != value {
			changed[name] = value
		}
	}
	if h.figures = now; len(changed) > 0 {
		h.pass(h.figuresNews(changed))
	}
	return nil
}

// someListenToFigures also forgets the figures when nobody does.
func (h *Hub) someListenToFigures() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.sockets[Dashboard]) > 0 {
		return true
	}
	h.figures = nil
	return false
}

// figuresNews tells figures, by the names that the dashboard gives them. h.mu is held.
func (h *Hub) figuresNews(figures map[string]any) *news {
	text, _ := encode(h.position, "figures", figures, h.Now()) // numbers cannot fail
	return &news{id: h.position, topic: Dashboard, toAll: true, text: text}
}

func (h *Hub) readFigures(ctx context.Context) (map[string]any, error) {
	rows, err := db.New().FigureTotals(ctx, h.DB, []string{"patients", "open_bills", "revenue"})
	if err != nil {
		return nil, err
	}
	totals := map[string]db.FigureTotalsRow{}
	for _, row := range rows {
		totals[row.Name] = row
	}
	today, _ := scheduling.Wall(h.Now(), h.Zone)
	counts, err := db.New().DashboardCounts(ctx, h.DB, today, 0)
	return map[string]any{
		"total_patients":     totals["patients"].Count,
		"pending_bills":      totals["open_bills"].Count,
		"total_revenue":      totals["revenue"].Amount.Float(),
		"today_appointments": counts.Appointments,
	}, err
}
