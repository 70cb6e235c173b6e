// Package money is exact amounts of the hospital's currency, in hundredths: never a
// float, so that sums are what a cashier adds up.
package money

import (
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"
)

// Amount is an amount of money in hundredths of the currency's unit. It reads and
// writes PostgreSQL's type numeric with up to two decimals.
type Amount int64

// Parse reads a decimal with at most two decimals and at most 15 digits before the
// point, such as 150, -0.5 or 12.50.
func Parse(text string) (Amount, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, hasPoint := strings.Cut(digits, ".")
	if !isDigits(whole, 1, 15) || hasPoint && !isDigits(fraction, 1, 2) {
		return 0, fmt.Errorf("%q is not an amount with at most two decimals", text)
	}
	hundredths, err := strconv.ParseInt(whole+(fraction + "00")[:2], 10, 64)
	if negative {
		hundredths = -hundredths
	}
	return Amount(hundredths), err
}

func isDigits(s string, least, most int) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, "0123456789") == ""
}

// String is the amount with two decimals, as the API writes it.
func (a Amount) String() string {
	sign, rest := "", uint64(a)
	if a < 0 {
		sign, rest = "-", uint64(-a)
	}
	return fmt.Sprintf("%s%d.%02d", sign, rest/100, rest%100)
}

// Float is the amount as reports and dashboards write it, as a JSON number. No sum is
// ever made of such numbers.
func (a Amount) Float() float64 { return float64(a) / 100 }

// Times is the amount so many times over.
func (a Amount) Times(quantity int32) Amount { return a * Amount(quantity) }

// MarshalText writes two decimals.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what Parse reads.
func (a *Amount) UnmarshalText(text []byte) (err error) {
	*a, err = Parse(string(text))
	return err
}

// Scan reads a value of PostgreSQL's type numeric. Digits beyond the second decimal,
// which no column has, are an error.
func (a *Amount) Scan(value any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("money: an amount cannot be read from %T", value)
	}
	return a.UnmarshalText([]byte(text))
}

// Value is the amount as PostgreSQL reads it.
func (a Amount) Value() (driver.Value, error) { return a.String(), nil }
