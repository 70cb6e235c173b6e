package reportfile

// column is one of a kind of file.
type column struct {
	// name is the heading in a CSV file, and the field's in the API.
	name string
	// heading and width, a share of the page's, are those of a PDF; without a width the
	// column is not there, since a page is not as wide as a sheet.
	heading string
	width   float64
	figure  bool // a number, or a date: it needs no defence and stands to the right
	moment  bool // an instant: a page has it to the minute
}

// kind is what a file may hold. Its statement takes the first day, the day after the last
// one, and the moments at which these begin; it answers the columns as text.
type kind struct {
	title   string
	columns []column
	sql     string
}

// Times are with the offset that the hospital's clocks have then.
const instant = `'YYYY-MM-DD"T"HH24:MI:SSTZH:TZM'`

var kinds = map[string]kind{
	"patients": {"Patients registered", []column{
		{"id", "", 0, true, false}, {"unique_id", "Number", 14, true, false}, {"first_name", "First name", 20, false, false}, {"last_name", "Last name", 20, false, false},
		{"date_of_birth", "Born", 12, true, false}, {"gender", "Gender", 10, false, false}, {"contact_info", "Contact", 24, false, false}, {"address", "", 0, false, false},
		{"known_allergies", "", 0, false, false}, {"created_at", "Registered", 18, true, true},
	}, `
		SELECT id::text, unique_id::text, first_name::text, last_name::text, date_of_birth::text, gender::text, contact_info::text,
			address::text, known_allergies, to_char(created_at, ` + instant + `)
		FROM core_patient
		WHERE created_at >= $3 AND created_at < $4 AND merged_into_id IS NULL AND $1::date < $2::date
		ORDER BY created_at, id`},
	"appointments": {"Appointments", []column{
		{"id", "", 0, true, false}, {"date", "Date", 12, true, false}, {"time", "Time", 9, true, false}, {"duration_minutes", "Min", 6, true, false},
		{"status", "Status", 14, false, false}, {"patient", "", 0, true, false}, {"patient_name", "Patient", 28, false, false}, {"doctor", "", 0, true, false},
		{"doctor_name", "Doctor", 28, false, false}, {"notes", "Notes", 26, false, false},
	}, `
		SELECT a.id::text, a.date::text, left(a.time::text, 5), a.duration_minutes::text, a.status::text, a.patient_id::text,
			core_full_name(p.first_name, p.last_name, ''), a.doctor_id::text, core_full_name(d.first_name, d.last_name, d.username), a.notes
		FROM core_appointment a JOIN core_patient p ON p.id = a.patient_id JOIN core_user d ON d.id = a.doctor_id
		WHERE a.date >= $1::date AND a.date < $2::date AND $3::timestamptz < $4::timestamptz
		ORDER BY a.date, a.time, a.id`},
	"bills": {"Bills", []column{
		{"id", "", 0, true, false}, {"invoice_number", "Invoice", 12, true, false}, {"date_issued", "Issued", 18, true, true}, {"due_date", "Due", 12, true, false},
		{"patient", "", 0, true, false}, {"patient_name", "Patient", 34, false, false}, {"total_amount", "Total", 14, true, false}, {"amount_paid", "Paid", 14, true, false},
		{"balance", "Balance", 14, true, false},
	}, `
		SELECT b.id::text, core_document_number(n.kind, n.number), to_char(b.date_issued, ` + instant + `), b.due_date::text, b.patient_id::text,
			core_full_name(p.first_name, p.last_name, ''), b.total_amount::text, b.amount_paid::text, (b.total_amount - b.amount_paid)::text
		FROM core_bill b JOIN core_patient p ON p.id = b.patient_id LEFT JOIN core_documentnumber n ON n.bill_id = b.id
		WHERE b.date_issued >= $3 AND b.date_issued < $4 AND $1::date < $2::date
		ORDER BY b.date_issued, b.id`},
	"payments": {"Payments", []column{
		{"id", "", 0, true, false}, {"receipt_number", "Receipt", 12, true, false}, {"payment_date", "Paid", 18, true, true}, {"bill", "Bill", 10, true, false},
		{"patient", "", 0, true, false}, {"patient_name", "Patient", 32, false, false}, {"method", "Method", 14, false, false}, {"reference", "Reference", 18, false, false},
		{"amount", "Amount", 14, true, false}, {"refunded_amount", "Refunded", 14, true, false}, {"received_by", "", 0, true, false},
	}, `
		SELECT y.id::text, core_document_number(n.kind, n.number), to_char(y.payment_date, ` + instant + `), y.bill_id::text, b.patient_id::text,
			core_full_name(p.first_name, p.last_name, ''), y.method::text, y.reference::text, y.amount::text, y.refunded_amount::text,
			y.received_by_id::text
		FROM core_payment y JOIN core_bill b ON b.id = y.bill_id JOIN core_patient p ON p.id = b.patient_id
		LEFT JOIN core_documentnumber n ON n.payment_id = y.id
		WHERE y.payment_date >= $3 AND y.payment_date < $4 AND $1::date < $2::date
		ORDER BY y.payment_date, y.id`},
	"revenue": {"Revenue by day and method", []column{
		{"date", "Date", 20, true, false}, {"method", "Method", 40, false, false}, {"payments", "Payments", 20, true, false}, {"total", "Total", 30, true, false},
	}, `
		SELECT to_char(bucket AT TIME ZONE 'UTC', 'YYYY-MM-DD'), key, sum(count)::text, sum(amount)::text
		FROM core_figure_current
		WHERE name = 'revenue' AND bucket >= $1::date::timestamp AT TIME ZONE 'UTC' AND bucket < $2::date::timestamp AT TIME ZONE 'UTC'
			AND $3::timestamptz < $4::timestamptz
		GROUP BY bucket, key HAVING sum(count) <> 0 OR sum(amount) <> 0
		ORDER BY bucket, key`},
}
