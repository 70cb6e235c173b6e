package seed

import (
	"context"
	"fmt"
)

type service struct{ code, name, category, price string }

func codeOf(s service) string     { return s.code }
func titleOf(s service) string    { return s.name }
func categoryOf(s service) string { return s.category }
func priceOf(s service) string    { return s.price }

// services are what the hospital offers; the first three are consultations.
var services = []service{
	{"CONS-GEN", "General consultation", "Consultation", "1500.00"},
	{"CONS-SPE", "Specialist consultation", "Consultation", "3000.00"},
	{"CONS-FOL", "Follow-up consultation", "Consultation", "1000.00"},
	{"LAB-FBC", "Full blood count", "Laboratory", "850.00"},
	{"LAB-MAL", "Malaria rapid test", "Laboratory", "400.00"},
	{"LAB-GLU", "Blood glucose", "Laboratory", "250.00"},
	{"LAB-URI", "Urinalysis", "Laboratory", "300.00"},
	{"LAB-CRE", "Creatinine", "Laboratory", "600.00"},
	{"LAB-HIV", "HIV test", "Laboratory", "500.00"},
	{"RAD-CXR", "Chest X-ray", "Radiology", "1800.00"},
	{"RAD-USA", "Abdominal ultrasound", "Radiology", "2500.00"},
	{"RAD-USO", "Obstetric ultrasound", "Radiology", "2200.00"},
	{"PRO-DRE", "Wound dressing", "Procedure", "700.00"},
	{"PRO-SUT", "Suturing", "Procedure", "1900.00"},
	{"PRO-INJ", "Injection", "Procedure", "200.00"},
	{"PRO-ECG", "Electrocardiogram", "Procedure", "1200.00"},
	{"PRO-NEB", "Nebulisation", "Procedure", "650.00"},
	{"PHA-DIS", "Dispensing fee", "Pharmacy", "150.00"},
	{"VAC-TET", "Tetanus vaccination", "Vaccination", "450.00"},
	{"ADM-CER", "Medical certificate", "Administration", "500.00"},
}

// addCatalogue makes the services that are not there yet.
func (s *seeding) addCatalogue(ctx context.Context) error {
	if _, err := s.tx.Exec(ctx, `
		INSERT INTO core_serviceitem (code, name, category, price, created_at, updated_at)
		SELECT code, name, category, price::numeric, $5, $5
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) s (code, name, category, price)
		ON CONFLICT DO NOTHING`,
		column(services, codeOf), column(services, titleOf), column(services, categoryOf), column(services, priceOf),
		s.midnight.AddDate(0, 0, -history)); err != nil {
		return fmt.Errorf("core_serviceitem: %w", err)
	}
	return nil
}
