package billing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/billing"
	"chelal/internal/money"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	today := time.Date(2026, 3, 18, 0, 0, 0, 0, time.UTC)
	yesterday := today.AddDate(0, 0, -1)
	for _, test := range []struct {
		total, paid money.Amount
		due         *time.Time
		want        string
	}{
		{0, 0, nil, billing.Unpaid}, {0, 0, &yesterday, billing.Unpaid}, {100, 0, nil, billing.Unpaid},
		{100, 0, &today, billing.Unpaid}, {100, 1, &today, billing.PartiallyPaid}, {100, 0, &yesterday, billing.Overdue},
		{100, 99, &yesterday, billing.Overdue}, {100, 100, &yesterday, billing.Paid}, {100, 100, nil, billing.Paid},
	} {
		require.Equal(t, test.want, billing.Status(test.total, test.paid, test.due, today), test)
	}
	require.Equal(t, "INV-0000042", billing.Number(billing.Invoice, 42))
	require.Equal(t, "RCT-12345678", billing.Number(billing.Receipt, 12345678))
}
