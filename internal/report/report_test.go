package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"chelal/internal/billing"
	"chelal/internal/money"
	"chelal/internal/report"
	"chelal/internal/testkit"
)

var mission = report.Hospital{
	Name: "St. Mary's Mission Hospital", Address: "P.O. Box 1234\nKisumu (Kenya)", Phone: "+254 712 345 678",
}

func invoice(lines ...report.Line) report.Invoice {
	due := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	i := report.Invoice{
		Hospital: mission, Number: "INV-0000006", Issued: time.Date(2026, 12, 1, 7, 10, 0, 0, time.UTC), Due: &due,
		Patient: "Jane Smith", PatientNumber: "7XK2M9QD", Lines: lines, Paid: 50_00, Status: billing.PartiallyPaid,
	}
	for _, line := range lines {
		i.Total += line.UnitPrice.Times(line.Quantity)
	}
	return i
}

func TestInvoice(t *testing.T) {
	t.Parallel()
	i := invoice(report.Line{Description: "General consultation", Quantity: 1, UnitPrice: 150_00},
		report.Line{Description: `Dressing (large) \ "sterile"`, Quantity: 1500, UnitPrice: 12_50})
	pdf, err := i.PDF()
	require.NoError(t, err)
	text, pages := testkit.PDF(t, pdf)
	require.Equal(t, 1, pages)
	require.Equal(t, strings.Join([]string{
		"St. Mary's Mission Hospital", "P.O. Box 1234", "Kisumu (Kenya)", "+254 712 345 678", "INVOICE", "INV-0000006",
		"Billed to", "Jane Smith", "Patient number 7XK2M9QD",
		"Date issued", "1 December 2026", "Due date", "31 December 2026", "Status", "Partially paid",
		"Description", "Quantity", "Unit price", "Amount",
		"1", "150.00", "150.00", "General consultation",
		"1,500", "12.50", "18,750.00", `Dressing (large) \ "sterile"`,
		"Total", "18,900.00", "Paid", "50.00", "Balance due", "18,850.00",
		"Invoice INV-0000006", "Page 1 of 1", "",
	}, "\n"), text)

	again, err := i.PDF()
	require.NoError(t, err)
	require.Equal(t, pdf, again, "the same bill, the same bytes")
	i.Due, i.Hospital = nil, report.Hospital{Name: " "}
	pdf, err = i.PDF()
	require.NoError(t, err)
	text, _ = testkit.PDF(t, pdf)
	require.NotContains(t, text, "Due date")
	require.True(t, strings.HasPrefix(text, "Hospital\nINVOICE\n"), text)
}

// TestLongInvoices holds that every number of items finds its pages: no item is lost, each
// page has the table's head and its number, and the totals stand below an item.
func TestLongInvoices(t *testing.T) {
	t.Parallel()
	const description = "An examination that takes a long description, which goes over more than one line of the table"
	var lines []report.Line
	for n := range 121 {
		pdf, err := invoice(lines...).PDF()
		require.NoError(t, err)
		text, pages := testkit.PDF(t, pdf)
		require.Equal(t, n, strings.Count(text, "Item "))
		require.Equal(t, pages, strings.Count(text, "Unit price"))
		for page := range pages {
			require.Contains(t, text, fmt.Sprintf("Page %d of %d\n", page+1, pages))
		}
		last := text[strings.LastIndex(text, "Unit price"):]
		require.Contains(t, last, "Balance due")
		require.Equal(t, n > 0, strings.Contains(last, "Item "), "%d items", n)
		lines = append(lines, report.Line{Description: fmt.Sprintf("Item %d: %s", n, description[:n*7%len(description)]), Quantity: 1, UnitPrice: 99})
	}
}

func TestReceipt(t *testing.T) {
	t.Parallel()
	r := report.Receipt{
		Hospital: mission, Number: "RCT-0000004", Paid: time.Date(2026, 12, 1, 7, 15, 0, 0, time.UTC), Patient: "Jane Smith",
		PatientNumber: "7XK2M9QD", Amount: 50_00, Method: "Mobile Money", Reference: "QK7X9Z", ReceivedBy: "Amina Otieno",
		Invoice: "INV-0000006", Balance: 100_00,
	}
	text := drawn(t, r.PDF)
	for _, wanted := range []string{"RECEIPT\nRCT-0000004", "Received from\nJane Smith", "1 December 2026", "Mobile Money", "QK7X9Z",
		"Amina Otieno", "50.00\nPayment on invoice INV-0000006", "Amount received\n50.00", "Balance after this payment\n100.00"} {
		require.Contains(t, text, wanted)
	}
	r.Reference, r.ReceivedBy = "", ""
	r.Refunds = []report.Refund{{Made: r.Paid.AddDate(0, 0, 1), Reason: "Charged\ntwice", Amount: 20_00}, {Made: r.Paid, Reason: "x", Amount: 5}}
	text = drawn(t, r.PDF)
	for _, wanted := range []string{"−20.00\nRefund of 2 December 2026: Charged twice", "Received less refunds\n29.95"} {
		require.Contains(t, text, wanted)
	}
	require.NotContains(t, text, "Reference")
	require.NotContains(t, text, "Received by")
}

// TestNames holds that names are written as people write theirs.
func TestNames(t *testing.T) {
	t.Parallel()
	names := []string{
		"Ọláìyá Adébáyọ̀", "Kɔfi Ɛsɛn Ŋaaba", "Ḥalīma Ṣāliḥ", "Ɓaba Ɗanjuma Ƙwari Ƴar", "Ɖoe Ƒiagbe Ɣeyi", "Ɲama Ǹdùkà",
		"Zoë Łukasz Đặng Þór", "Анастасия Ђорђевић Їжакевич", "Ελένη Παπαδοπούλου", "ǃXóõ ǀGwi", "ዐቢይ ወልደ፡ገብርኤል", "ኸልኹ ⶀዀ ꬁ",
	}
	for _, name := range names {
		i := invoice()
		i.Patient = name
		require.Contains(t, drawn(t, i.PDF), "Billed to\n"+name+"\n")
	}

	for name, seen := range map[string]string{ // from left to right, each letter in its form
		"محمد عبد الله":             "ﻪﻠﻟﺍ ﺪﺒﻋ ﺪﻤﺤﻣ",
		"مُحَمَّد":                  "ﺪﻤﺤﻣ",
		"آلاء پارسی":                "ﯽﺳﺭﺎﭘ ﺀﻻﺁ",
		"دم 22 (x) مـد":             "ﺪـﻣ (x) 22 ﻡﺩ",
		"Amina دم 22 عبد, (عبد) 23": "Amina 23 (ﺪﺒﻋ) ,ﺪﺒﻋ 22 ﻡﺩ",
		"שָׁלוֹם Levi":              "Levi םולש",
	} {
		i := invoice()
		i.Patient = name
		require.Contains(t, drawn(t, i.PDF), "Billed to\n"+seen+"\n")
	}

	// Where two scripts meet, each is drawn with the fonts that have it.
	mixed := invoice(report.Line{Description: "Amina ሰላማዊት (ሰላም) دم 22", Quantity: 1})
	require.Contains(t, drawn(t, mixed.PDF), "Amina \nሰላማዊት \n(\nሰላም\n) 22 ﻡﺩ\n")
	mixed.Patient = strings.Repeat("ሰላማዊት", 100)
	require.Contains(t, strings.ReplaceAll(drawn(t, mixed.PDF), "\n", ""), mixed.Patient, "broken within the word")

	i := invoice(report.Line{Description: "漢 😀 \U00030000 \U0010FFFF a\u200db\u1ab0c\td", Quantity: 1})
	i.Patient = strings.Repeat("Wolfeschlegelsteinhausenbergerdorff", 10)
	text := drawn(t, i.PDF)
	require.Contains(t, text, "� � � � a\u200dbc d\n", "what the fonts do not have")
	require.NotContains(t, text, i.Patient)
	require.Contains(t, strings.ReplaceAll(text, "\n", ""), i.Patient, "broken within the word")
}

// TestAmounts holds the largest amounts against the width of their columns, which other
// text must not reach.
func TestAmounts(t *testing.T) {
	t.Parallel()
	i := invoice(report.Line{Description: strings.Repeat("W", 255), Quantity: 1_000_000, UnitPrice: 99_99})
	i.Total, i.Paid = 9_999_999_999_99, money.Amount(0)
	text := drawn(t, i.PDF)
	require.Contains(t, text, "1,000,000\n99.99\n99,990,000.00\n")
	require.Contains(t, text, "9,999,999,999.99")
}

// TestAnyText holds that no text stops a document.
func TestAnyText(t *testing.T) {
	t.Parallel()
	letters := rapid.SampledFrom([]rune("aÑ7.,()[] -\u0085\u2029\u202e\u2067\u0301\u064eدللاآپـىشאבׁሰ፡漢😀\u0000\ufffd"))
	rapid.Check(t, func(rt *rapid.T) {
		i := invoice(report.Line{Description: string(rapid.SliceOf(letters).Draw(rt, "description")), Quantity: 1})
		i.Patient = string(rapid.SliceOf(letters).Draw(rt, "name"))
		_, err := i.PDF()
		require.NoError(rt, err)
	})
}

func drawn(t *testing.T, pdf func() ([]byte, error)) string {
	t.Helper()
	b, err := pdf()
	require.NoError(t, err)
	text, _ := testkit.PDF(t, b)
	return text
}
