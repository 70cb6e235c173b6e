package listing

import (
	"context"
	"strings"

	"chelal/gen/db"
)

// Medications are listed by id, name, stock and the time of the last change.
var Medications = List[db.CoreMedication]{
	Query: db.MedicationList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.CoreMedication, error) {
		return db.New().MedicationList(ctx, conn)
	},
	Orders: map[string]Order[db.CoreMedication]{
		"id":   {[]Column{{"m.id", "bigint"}}, func(m db.CoreMedication) []string { return []string{id(m.ID)} }},
		"name": {[]Column{{"m.name", "text"}}, func(m db.CoreMedication) []string { return []string{m.Name} }},
		"current_stock": {[]Column{{"m.current_stock", "integer"}, {"m.id", "bigint"}},
			func(m db.CoreMedication) []string { return []string{id(int64(m.CurrentStock)), id(m.ID)} }},
		"updated_at": {[]Column{{"m.updated_at", "timestamptz"}, {"m.id", "bigint"}},
			func(m db.CoreMedication) []string { return []string{instant(m.UpdatedAt), id(m.ID)} }},
	},
}

// MedicationsFound narrows medications to those whose name or generic name holds every
// word. Numbers are strengths ("500/125"), not telephone numbers.
func MedicationsFound(search string) []Condition {
	return holding("m.search_text", strings.Fields(search))
}

// MedicationsLow narrows medications to those at or below their reorder level, or to
// those above it.
func MedicationsLow(low bool) Condition {
	if low {
		return Condition{"m.current_stock <= m.reorder_level", nil}
	}
	return Condition{"m.current_stock > m.reorder_level", nil}
}

// StockMovements are listed by id, which is the order in which they happened.
var StockMovements = List[db.StockMovementListRow]{
	Query: db.StockMovementList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.StockMovementListRow, error) {
		return db.New().StockMovementList(ctx, conn)
	},
	Orders: map[string]Order[db.StockMovementListRow]{
		"id": {[]Column{{"s.id", "bigint"}}, func(r db.StockMovementListRow) []string { return []string{id(r.CoreStockmovement.ID)} }},
	},
}

// StockMovementsOf narrows the ledger to one medication.
func StockMovementsOf(medicationID int64) Condition {
	return Condition{"s.medication_id = ?", []any{medicationID}}
}
