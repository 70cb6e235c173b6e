package server

import (
	"cmp"
	"context"
	"slices"
	"time"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/money"
)

// figure is what a figure says of one period: how many, how much, and how much by key.
// The key of revenue is the method of payment.
type figure struct {
	count  int64
	amount money.Amount
	byKey  map[string]money.Amount
}

func (f *figure) add(key string, count int64, amount money.Amount) {
	f.count += count
	f.amount += amount
	if f.byKey == nil {
		f.byKey = map[string]money.Amount{}
	}
	f.byKey[key] += amount
}

// readFigures reads the named figures of periods that begin on the given days, which are in
// order; the last one ends before the day until. With a key, they are of that key alone.
func readFigures(ctx context.Context, conn db.DBTX, firstDays []time.Time, until time.Time, key *string,
	names ...string) (map[string][]figure, error) {
	bounds := append(firstDays[:len(firstDays):len(firstDays)], until)
	rows, err := db.New().FigurePeriods(ctx, conn, db.FigurePeriodsParams{Bounds: bounds, Names: names, Key: key})
	if err != nil {
		return nil, err
	}
	figures := map[string][]figure{}
	for _, name := range names {
		figures[name] = make([]figure, len(firstDays))
	}
	for _, row := range rows {
		figures[row.Name][row.Period-1].add(row.Key, row.Count, row.Amount)
	}
	return figures, nil
}

// readTotals reads figures over all of history, by name. One of nothing at all is absent.
func readTotals(ctx context.Context, conn db.DBTX, names ...string) (map[string]db.FigureTotalsRow, error) {
	rows, err := db.New().FigureTotals(ctx, conn, names)
	totals := map[string]db.FigureTotalsRow{}
	for _, row := range rows {
		totals[row.Name] = row
	}
	return totals, err
}

// together is the sum of several periods.
func together(periods []figure) figure {
	var sum figure
	for _, p := range periods {
		for key, amount := range p.byKey {
			sum.add(key, 0, amount)
		}
		sum.count += p.count
	}
	return sum
}

// toAPIRevenueByMethod is the revenue by method of payment, the largest first.
func toAPIRevenueByMethod(f figure) []api.RevenueOfMethod {
	methods := []api.RevenueOfMethod{}
	for method, amount := range f.byKey {
		methods = append(methods, api.RevenueOfMethod{Method: api.PaymentMethod(method), Department: method, Total: amount.Float()})
	}
	slices.SortFunc(methods, func(a, b api.RevenueOfMethod) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Method, b.Method))
	})
	return methods
}

func toAPIDate(day time.Time) openapi_types.Date { return openapi_types.Date{Time: day} }
