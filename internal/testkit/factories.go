package testkit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"chelal/gen/db"
	"chelal/internal/billing"
	"chelal/internal/money"
	"chelal/internal/pg"
	"chelal/internal/scheduling"
)

// Unique returns a text that no other test uses.
func Unique(prefix string) string { return fmt.Sprintf("%s%d", prefix, rand.Uint64()) }

// User makes an active user of a role, without one when role is "". Nobody can sign in
// with it; give it a Session.
func User(t testing.TB, conn pg.DB, role string) db.CoreUser {
	t.Helper()
	ctx := context.Background()
	var roleID *int64
	if role != "" {
		require.NoError(t, conn.QueryRow(ctx, "SELECT id FROM core_role WHERE name = $1", role).Scan(&roleID))
	}
	name := Unique("user")
	email := name + "@example.org"
	u, err := db.New().UserCreate(ctx, conn, db.UserCreateParams{
		Username: name, Email: &email, FirstName: "First" + name, LastName: "Last" + name, RoleID: roleID, IsActive: true,
		LanguagePreference: "en", Preferences: []byte("{}"), Password: "!", DateJoined: time.Now(),
	})
	require.NoError(t, err)
	return u
}

// Session makes a session of a user and returns its id, for an access token.
func Session(t testing.TB, conn pg.DB, userID int64) uuid.UUID {
	t.Helper()
	id := uuid.New()
	require.NoError(t, db.New().SessionCreate(context.Background(), conn, db.SessionCreateParams{
		ID: id, UserID: userID, Now: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	}))
	return id
}

// Patient makes a patient, linked to a user when one is given.
func Patient(t testing.TB, conn pg.DB, userID *int64) db.CorePatient {
	t.Helper()
	p, err := db.New().PatientCreate(context.Background(), conn, db.PatientCreateParams{
		FirstName: Unique("First"), LastName: Unique("Last"), DateOfBirth: time.Date(1990, 1, 15, 0, 0, 0, 0, time.UTC),
		Gender: "F", ContactInfo: fmt.Sprintf("+254 %09d", rand.IntN(1e9)), Address: "123 Main St", UserID: userID, Now: time.Now(),
	})
	require.NoError(t, err)
	return p
}

// Appointment makes a scheduled appointment of half an hour, from a moment on, as a
// hospital in UTC writes it.
func Appointment(t testing.TB, conn pg.DB, patientID, doctorID int64, start time.Time) db.CoreAppointment {
	t.Helper()
	date, at := scheduling.Wall(start, time.UTC)
	a, err := db.New().AppointmentCreate(context.Background(), conn, db.AppointmentCreateParams{
		PatientID: patientID, DoctorID: doctorID, Date: date, Time: at, DurationMinutes: 30,
		StartsAt: start, EndsAt: start.Add(30 * time.Minute), Status: string(scheduling.Scheduled), Now: time.Now(),
	})
	require.NoError(t, err)
	return a
}

// Encounter makes an encounter without an appointment.
func Encounter(t testing.TB, conn pg.DB, patientID, doctorID int64) db.CoreEncounter {
	t.Helper()
	e, err := db.New().EncounterCreate(context.Background(), conn, db.EncounterCreateParams{
		PatientID: patientID, DoctorID: doctorID, Notes: "Fever for three days", Diagnosis: "Malaria", Now: time.Now(),
	})
	require.NoError(t, err)
	return e
}

// Medication makes a medication with a stock and a reorder level of 10.
func Medication(t testing.TB, conn pg.DB, stock int32) db.CoreMedication {
	t.Helper()
	ctx := context.Background()
	m, err := db.New().MedicationCreate(ctx, conn, db.MedicationCreateParams{
		Name: Unique("Medication"), Unit: "tablet", ReorderLevel: 10, Now: time.Now(),
	})
	require.NoError(t, err)
	if stock == 0 {
		return m
	}
	_, err = db.New().StockMove(ctx, conn, db.StockMoveParams{
		MedicationID: m.ID, Quantity: stock, Kind: "opening", Reason: "Opening stock", Now: time.Now(),
	})
	require.NoError(t, err)
	m, err = db.New().MedicationGet(ctx, conn, m.ID)
	require.NoError(t, err)
	return m
}

// Prescription makes a prescription that names no medication of the pharmacy.
func Prescription(t testing.TB, conn pg.DB, encounterID int64) db.CorePrescription {
	t.Helper()
	r, err := db.New().PrescriptionCreate(context.Background(), conn, db.PrescriptionCreateParams{
		EncounterID: encounterID, MedicationName: Unique("Medication"), Dosage: "500 mg", Frequency: "twice a day",
		AllergyCheck: "not_checked", Now: time.Now(),
	})
	require.NoError(t, err)
	return r
}

// Bill makes a bill of a patient with one item of an amount.
func Bill(t testing.TB, conn pg.DB, patientID int64, amount string) db.CoreBill {
	t.Helper()
	ctx := context.Background()
	b, err := db.New().BillCreate(ctx, conn, db.BillCreateParams{PatientID: patientID, Now: time.Now()})
	require.NoError(t, err)
	_, err = db.New().BillItemsCreate(ctx, conn, db.BillItemsCreateParams{
		BillID: b.ID, ServiceItemIds: []int64{0}, Descriptions: []string{"Consultation"}, Amounts: []string{amount}, Quantities: []int32{1},
	})
	require.NoError(t, err)
	_, err = db.New().DocumentNumberTake(ctx, conn, db.DocumentNumberTakeParams{Kind: billing.Invoice, BillID: &b.ID, Now: time.Now()})
	require.NoError(t, err)
	row, err := db.New().BillGet(ctx, conn, b.ID, nil)
	require.NoError(t, err)
	return row.CoreBill
}

// Payment makes a payment in cash on a bill.
func Payment(t testing.TB, conn pg.DB, billID int64, amount string) db.CorePayment {
	t.Helper()
	ctx := context.Background()
	sum, err := money.Parse(amount)
	require.NoError(t, err)
	created, err := db.New().PaymentCreate(ctx, conn, db.PaymentCreateParams{BillID: billID, Amount: sum, Method: "Cash", Now: time.Now()})
	require.NoError(t, err)
	p := created.CorePayment
	_, err = db.New().DocumentNumberTake(ctx, conn, db.DocumentNumberTakeParams{Kind: billing.Receipt, PaymentID: &p.ID, Now: time.Now()})
	require.NoError(t, err)
	return p
}

// ServiceItem makes a service of the catalogue.
func ServiceItem(t testing.TB, conn pg.DB, price string) db.CoreServiceitem {
	t.Helper()
	amount, err := money.Parse(price)
	require.NoError(t, err)
	s, err := db.New().ServiceItemCreate(context.Background(), conn, db.ServiceItemCreateParams{
		Code: Unique("S"), Name: Unique("Service"), Price: amount, IsActive: true, Now: time.Now(),
	})
	require.NoError(t, err)
	return s
}

// RoleChangeRequest makes a pending request of a user for a role.
func RoleChangeRequest(t testing.TB, conn pg.DB, userID int64, role string) db.CoreRolechangerequest {
	t.Helper()
	ctx := context.Background()
	var roleID int64
	require.NoError(t, conn.QueryRow(ctx, "SELECT id FROM core_role WHERE name = $1", role).Scan(&roleID))
	q, err := db.New().RoleChangeRequestCreate(ctx, conn, db.RoleChangeRequestCreateParams{
		UserID: userID, RequestedRoleID: roleID, Reason: "I begin on Monday.", Now: time.Now(),
	})
	require.NoError(t, err)
	return q
}

// Notification makes an unread notification of a user.
func Notification(t testing.TB, conn pg.DB, userID int64) db.CoreNotification {
	t.Helper()
	ctx := context.Background()
	var id int64
	require.NoError(t, conn.QueryRow(ctx, `INSERT INTO core_notification (user_id, title, message, type, created_at)
		VALUES ($1, 'Low stock', 'Amoxicillin is down to 3.', 'low_stock', clock_timestamp()) RETURNING id`, userID).Scan(&id))
	n, err := db.New().NotificationGet(ctx, conn, id, userID)
	require.NoError(t, err)
	return n
}

// LoginActivity makes a successful attempt of a user to sign in, and returns its id.
func LoginActivity(t testing.TB, conn pg.DB, userID int64) int64 {
	t.Helper()
	ctx := context.Background()
	id, err := db.New().LoginAttempt(ctx, conn, db.LoginAttemptParams{
		Username: Unique("typed"), Now: time.Now(), IPAddress: netip.MustParseAddr("192.0.2.1"), UserAgent: "Mozilla/5.0", Status: "pending",
	})
	require.NoError(t, err)
	require.NoError(t, db.New().LoginDecide(ctx, conn, db.LoginDecideParams{ID: id, Status: "success", UserID: &userID}))
	return id
}

// SystemSetting makes a setting that the server does not read.
func SystemSetting(t testing.TB, conn pg.DB) db.CoreSystemsetting {
	t.Helper()
	s, err := db.New().SystemSettingCreate(context.Background(), conn, db.SystemSettingCreateParams{
		Key: Unique("key"), Value: "a value", Category: "general", Now: time.Now(),
	})
	require.NoError(t, err)
	return s
}
