package seed

import (
	"context"
	"fmt"
	"time"

	"chelal/gen/db"
	"chelal/internal/notice"
)

// drug is a medication of the pharmacy and how it is usually prescribed.
type drug struct {
	name, generic, unit       string
	dose, frequency, duration string
	quantity                  int
	reorderLevel              int
}

func nameOf(d drug) string      { return d.name }
func genericOf(d drug) string   { return d.generic }
func unitOf(d drug) string      { return d.unit }
func doseOf(d drug) string      { return d.dose }
func frequencyOf(d drug) string { return d.frequency }
func durationOf(d drug) string  { return d.duration }
func quantityOf(d drug) int     { return d.quantity }
func reorderOf(d drug) int      { return d.reorderLevel }

// drugs are of the WHO Model List of Essential Medicines.
var drugs = []drug{
	{"Paracetamol 500 mg", "Paracetamol", "tablet", "1 g", "three times a day", "5 days", 30, 2000},
	{"Amoxicillin 500 mg", "Amoxicillin", "capsule", "500 mg", "three times a day", "7 days", 21, 1000},
	{"Artemether/Lumefantrine 20/120 mg", "Artemether and lumefantrine", "tablet", "4 tablets", "twice a day", "3 days", 24, 1500},
	{"Ibuprofen 400 mg", "Ibuprofen", "tablet", "400 mg", "three times a day", "5 days", 15, 800},
	{"Amlodipine 5 mg", "Amlodipine", "tablet", "5 mg", "once a day", "30 days", 30, 900},
	{"Metformin 500 mg", "Metformin", "tablet", "500 mg", "twice a day", "30 days", 60, 1500},
	{"Omeprazole 20 mg", "Omeprazole", "capsule", "20 mg", "once a day before breakfast", "14 days", 14, 500},
	{"Oral rehydration salts", "Oral rehydration salts", "sachet", "1 sachet in 1 litre", "after each loose stool", "3 days", 6, 400},
	{"Zinc sulfate 20 mg", "Zinc sulfate", "tablet", "20 mg", "once a day", "10 days", 10, 400},
	{"Salbutamol inhaler 100 µg", "Salbutamol", "inhaler", "2 puffs", "when short of breath", "30 days", 1, 60},
	{"Cetirizine 10 mg", "Cetirizine", "tablet", "10 mg", "once a day", "10 days", 10, 300},
	{"Ferrous sulfate/Folic acid", "Ferrous salt and folic acid", "tablet", "1 tablet", "once a day", "30 days", 30, 900},
	{"Metronidazole 400 mg", "Metronidazole", "tablet", "400 mg", "three times a day", "7 days", 21, 600},
	{"Ciprofloxacin 500 mg", "Ciprofloxacin", "tablet", "500 mg", "twice a day", "5 days", 10, 400},
	{"Doxycycline 100 mg", "Doxycycline", "capsule", "100 mg", "twice a day", "7 days", 14, 400},
	{"Hydrochlorothiazide 25 mg", "Hydrochlorothiazide", "tablet", "25 mg", "once a day", "30 days", 30, 500},
	{"Enalapril 5 mg", "Enalapril", "tablet", "5 mg", "once a day", "30 days", 30, 500},
	{"Clotrimazole cream 1 %", "Clotrimazole", "tube", "thinly", "twice a day", "14 days", 1, 80},
	{"Hydrocortisone cream 1 %", "Hydrocortisone", "tube", "thinly", "twice a day", "7 days", 1, 60},
	{"Prednisolone 5 mg", "Prednisolone", "tablet", "20 mg", "once a day", "5 days", 20, 300},
}

// visitCase is what people come for, as a doctor writes it; the drugs are numbers in the
// list of drugs, from 1, or 0 for none.
type visitCase struct {
	diagnosis, complaint  string
	firstDrug, secondDrug int
}

func diagnosisOf(c visitCase) string { return c.diagnosis }
func complaintOf(c visitCase) string { return c.complaint }
func firstDrugOf(c visitCase) int    { return c.firstDrug }
func secondDrugOf(c visitCase) int   { return c.secondDrug }

// cases stand in order of frequency.
var cases = []visitCase{
	{"Upper respiratory tract infection", "Runny nose and cough for four days, no fever. Chest clear.", 1, 11},
	{"Malaria, uncomplicated", "Fever and chills for three days. Rapid test positive.", 3, 1},
	{"Essential hypertension", "Follow-up. Blood pressure 148/92, no complaints.", 5, 16},
	{"Type 2 diabetes mellitus", "Follow-up. Fasting glucose 8.4 mmol/l. Feet without findings.", 6, 0},
	{"Acute gastroenteritis", "Loose stools since yesterday, no blood. Mildly dehydrated.", 8, 9},
	{"Urinary tract infection", "Burning when passing urine for two days. Dipstick: leucocytes positive.", 14, 1},
	{"Low back pain", "Pain after lifting, no radiation, no neurological deficit.", 4, 1},
	{"Antenatal visit", "Pregnancy 24 weeks. Fundal height as expected, fetal heart heard.", 12, 0},
	{"Gastritis", "Burning pain in the upper abdomen, worse when hungry.", 7, 0},
	{"Asthma", "Wheezing at night twice a week. Peak flow 72 % of predicted.", 10, 20},
	{"Otitis media", "Ear pain since last night. Drum red and bulging.", 2, 1},
	{"Iron deficiency anaemia", "Tired for weeks. Haemoglobin 9.2 g/dl.", 12, 0},
	{"Allergic rhinitis", "Sneezing and itching eyes every morning.", 11, 0},
	{"Tonsillitis", "Sore throat and fever. Tonsils with exudate.", 2, 1},
	{"Headache", "Pressing pain on both sides, no warning signs.", 1, 4},
	{"Tinea corporis", "Ring-shaped itching rash on the trunk.", 18, 0},
	{"Eczema", "Itching dry skin in the elbow folds.", 19, 11},
	{"Amoebiasis", "Loose stools with mucus for a week. Trophozoites seen.", 13, 8},
	{"Pneumonia", "Cough with fever. Crackles at the right base, saturation 95 %.", 2, 15},
	{"Osteoarthritis of the knee", "Pain when walking downhill, no swelling.", 4, 1},
	{"Heart failure", "Follow-up. Less short of breath, weight down 2 kg.", 17, 16},
	{"Wound, laceration", "Cut on the forearm, cleaned and dressed. Tetanus up to date.", 1, 0},
	{"Growth monitoring", "Weight and height on their curves. Vaccinations complete.", 0, 0},
	{"Typhoid fever", "Fever for eight days, abdominal pain. Culture taken.", 14, 1},
}

// addPharmacy makes the medications that are not there yet, somebody to dispense them and
// somebody at the front desk.
func (s *seeding) addPharmacy(ctx context.Context) error {
	if _, err := s.tx.Exec(ctx, `
		INSERT INTO core_medication (name, generic_name, unit, reorder_level, updated_at)
		SELECT name, generic, unit, level, $5 FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) d (name, generic, unit, level)
		ON CONFLICT DO NOTHING`,
		column(drugs, nameOf), column(drugs, genericOf), column(drugs, unitOf), column(drugs, reorderOf),
		s.midnight.AddDate(0, 0, -history)); err != nil {
		return fmt.Errorf("core_medication: %w", err)
	}
	if _, err := s.tx.Exec(ctx, `
		INSERT INTO core_user (username, first_name, last_name, password, role_id, date_joined)
		SELECT lower(r.name) || '.1', d.given, d.family, $2, r.id, $1
		FROM (VALUES ('Pharmacist', 'Peter', 'Mutua'), ('Receptionist', 'Ruth', 'Wanjiru')) d (role, given, family)
		JOIN core_role r ON r.name = d.role
		WHERE NOT EXISTS (SELECT FROM core_user u WHERE u.role_id = r.id)
		ON CONFLICT DO NOTHING`, s.midnight.AddDate(0, 0, -history), NoPassword); err != nil {
		return fmt.Errorf("core_user: %w", err)
	}
	return nil
}

// stock writes the ledger: a delivery that covers what this run dispensed and leaves a
// stock, low for every seventh medication, and then each dispensing.
func (s *seeding) stock(ctx context.Context) error {
	s.tell("stock", 0, 1)
	_, err := s.tx.Exec(ctx, stockSQL, s.midnight.AddDate(0, 0, -history))
	if err != nil {
		return fmt.Errorf("core_stockmovement: %w", err)
	}
	_, err = s.tx.Exec(ctx, `
		UPDATE core_medication m SET current_stock = l.stock_after, version = version + 1
		FROM (SELECT DISTINCT ON (medication_id) medication_id, stock_after FROM core_stockmovement
			WHERE xmin = pg_current_xact_id()::xid ORDER BY medication_id, id DESC) l
		WHERE m.id = l.medication_id`)
	s.tell("stock", 1, 1)
	return err
}

const stockSQL = `
WITH dispensed AS (
	SELECT r.id, r.medication_id, r.quantity, r.dispensed_at, r.dispensed_by_id FROM core_prescription r
	WHERE r.xmin = pg_current_xact_id()::xid AND r.dispensed_at IS NOT NULL
), delivered AS (
	SELECT m.id AS medication_id, m.current_stock AS before,
		coalesce((SELECT sum(d.quantity) FROM dispensed d WHERE d.medication_id = m.id), 0)
			+ CASE WHEN m.id % 7 = 0 THEN m.reorder_level / 2 ELSE 3 * m.reorder_level END AS quantity
	FROM core_medication m
), moves AS (
	SELECT medication_id, quantity::int, 'adjustment' AS kind, 'Delivery' AS reason, NULL::bigint AS prescription_id,
		NULL::bigint AS user_id, $1::timestamptz AS at, before FROM delivered WHERE quantity > 0
	UNION ALL
	SELECT d.medication_id, -d.quantity, 'dispense', 'Dispensed', d.id, d.dispensed_by_id, d.dispensed_at, v.before
	FROM dispensed d JOIN delivered v USING (medication_id)
)
INSERT INTO core_stockmovement (medication_id, quantity, kind, reason, prescription_id, user_id, created_at, stock_after)
SELECT medication_id, quantity, kind, reason, prescription_id, user_id, at,
	before + sum(quantity) OVER (PARTITION BY medication_id ORDER BY at, prescription_id NULLS FIRST)
FROM moves ORDER BY at, prescription_id NULLS FIRST`

// lowStock tells of what is low, as the system did when it became so.
func (s *seeding) lowStock(ctx context.Context) error {
	low, err := db.New().MedicationsLow(ctx, s.tx)
	if err != nil {
		return err
	}
	for _, m := range low {
		n := notice.LowStock(m.Name, m.CurrentStock, m.ReorderLevel)
		_, err := db.New().NotificationSend(ctx, s.tx, db.NotificationSendParams{
			Type: n.Type, Now: s.midnight.Add(-16 * time.Hour), Roles: []string{"Pharmacist", "Admin"},
			TitleEn: n.En.Title, MessageEn: n.En.Message, TitleFr: n.Fr.Title, MessageFr: n.Fr.Message,
			TitleSw: n.Sw.Title, MessageSw: n.Sw.Message,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
