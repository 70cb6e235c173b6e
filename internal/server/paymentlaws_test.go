package server_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/money"
	"chelal/internal/testkit"
)

// TestPaymentLaws pays, corrects, takes back and refunds in random order, and holds every
// answer and the bill against sums that are kept here.
func TestPaymentLaws(t *testing.T) {
	t.Parallel()
	b := setupOn(t, testkit.Pool(t))
	admin := b.as("Admin")
	rapid.Check(t, func(t *rapid.T) {
		m := &books{t: t, admin: admin, payments: map[string]*paid{}}
		m.total = m.draw("total")
		m.bill = billed(b, m.total.String()).ID
		t.Repeat(map[string]func(*rapid.T){
			"pay": m.pay, "change": m.change, "delete": m.delete, "refund": m.refund, "": m.holds,
		})
		m.isListed()
	})
	balanced(t, b.db)
}

// books are what should have come of the requests.
type books struct {
	t        *rapid.T
	admin    caller
	bill     int64
	total    money.Amount
	payments map[string]*paid // by path
	paths    []string
}

type paid struct{ amount, refunded money.Amount }

func (m *books) draw(label string) money.Amount {
	return money.Amount(rapid.Int64Range(1, 200_00).Draw(m.t, label))
}

func (m *books) due() money.Amount {
	due := m.total
	for _, p := range m.payments {
		due -= p.amount - p.refunded
	}
	return due
}

// some draws a payment that was made, or skips.
func (m *books) some(t *rapid.T) (string, *paid) {
	if len(m.paths) == 0 {
		t.Skip("nothing was paid")
	}
	path := rapid.SampledFrom(m.paths).Draw(t, "payment")
	return path, m.payments[path]
}

func (m *books) expect(a answer, allowed bool, status int, code string) {
	if allowed {
		require.Equal(m.t, status, a.status, a.raw)
		return
	}
	require.Equal(m.t, 409, a.status, a.raw)
	require.Equal(m.t, code, a.body["code"])
}

func (m *books) pay(*rapid.T) {
	amount, due := m.draw("amount"), m.due()
	a := m.admin.call("POST", "/api/payments/", cash(m.bill, amount))
	m.expect(a, amount <= due, 201, "overpayment")
	if amount > due {
		require.Equal(m.t, due.String(), a.body["balance_due"])
		return
	}
	m.payments[paymentPath(a)] = &paid{amount: amount}
	m.paths = append(m.paths, paymentPath(a))
}

func (m *books) change(t *rapid.T) {
	path, p := m.some(t)
	amount := m.draw("amount")
	a := m.admin.call("PATCH", path, map[string]any{"amount": amount})
	if amount < p.refunded {
		m.expect(a, false, 0, "below_refunded")
		return
	}
	fits := amount-p.amount <= m.due()
	m.expect(a, fits, 200, "overpayment")
	if fits {
		p.amount = amount
	}
}

func (m *books) delete(t *rapid.T) {
	path, p := m.some(t)
	m.expect(m.admin.call("DELETE", path, nil), p.refunded == 0, 204, "payment_has_refunds")
	if p.refunded == 0 {
		delete(m.payments, path)
		m.paths = slices.DeleteFunc(m.paths, func(other string) bool { return other == path })
	}
}

func (m *books) refund(t *rapid.T) {
	path, p := m.some(t)
	amount, left := m.draw("amount"), p.amount-p.refunded
	a := m.admin.call("POST", path+"refund/", refunding(amount))
	m.expect(a, amount <= left, 201, "over_refund")
	if amount > left {
		require.Equal(m.t, left.String(), a.body["refundable"])
		return
	}
	p.refunded += amount
}

// holds compares the bill: payments − refunds + balance = total.
func (m *books) holds(*rapid.T) {
	account(m.admin.bundle, m.bill, (m.total - m.due()).String(), m.due().String())
}

// isListed compares the payments as they are answered.
func (m *books) isListed() {
	list := m.admin.call("GET", fmt.Sprintf("/api/payments/?page_size=200&bill=%d", m.bill), nil)
	rows := list.body["results"].([]any)
	require.Len(m.t, rows, len(m.payments))
	for _, row := range rows {
		got := row.(map[string]any)
		p := m.payments[fmt.Sprintf("/api/payments/%v/", got["id"])]
		require.Equal(m.t, [2]any{p.amount.String(), p.refunded.String()}, [2]any{got["amount"], got["refunded_amount"]})
	}
}
