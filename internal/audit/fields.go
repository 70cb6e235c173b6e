package audit

// Fields classifies every column of every audited table. A test compares it with the
// schema: a column without a decision fails.
var Fields = map[string]map[string]Treatment{
	"core_role": {
		"id": Track, "name": Track, "description": Track, "is_builtin": Track, "version": Ignore,
	},
	"core_user": {
		"id": Track, "username": Track, "email": Track, "first_name": Track, "last_name": Track, "date_joined": Track,
		"last_login": Ignore, "is_active": Track, "is_staff": Track, "is_superuser": Track, "password": Secret,
		"role_id": Track, "language_preference": Track, "preferences": Track, "profile_image": Track,
		"two_factor_enabled": Track, "two_factor_secret": Secret, "two_factor_pending": Secret, "two_factor_step": Ignore,
		"password_change_required": Track,
		"version":                  Ignore, "search_text": Ignore,
	},
	"core_rolechangerequest": {
		"id": Track, "user_id": Track, "requested_role_id": Track, "reason": Track, "status": Track,
		"reviewed_by_id": Track, "review_notes": Track, "created_at": Ignore, "updated_at": Ignore, "version": Ignore,
	},
	"core_notification": {
		"id": Track, "user_id": Track, "title": Track, "message": Track, "type": Track, "is_read": Track,
		"related_appointment_id": Track, "created_at": Track, "version": Ignore,
	},
	"core_reportfile": {
		"id": Track, "requested_by_id": Track, "kind": Track, "format": Track, "date_from": Track, "date_to": Track, "status": Track,
		"row_count": Track, "size": Track, "error": Track, "created_at": Ignore, "finished_at": Ignore,
	},
	"core_systemsetting": {
		"id": Track, "key": Track, "value": Track, "description": Track, "category": Track, "is_public": Track,
		"updated_at": Ignore, "version": Ignore,
	},
	"core_patient": {
		"id": Track, "unique_id": Track, "first_name": Track, "last_name": Track, "date_of_birth": Track,
		"gender": Track, "contact_info": Track, "address": Track, "known_allergies": Track, "created_at": Ignore,
		"updated_at": Ignore, "user_id": Track, "merged_into_id": Track, "version": Ignore, "name_key": Ignore,
		"contact_key": Ignore, "search_text": Ignore,
	},
	"core_serviceitem": {
		"id": Track, "code": Track, "name": Track, "category": Track, "price": Track, "is_active": Track,
		"created_at": Ignore, "updated_at": Ignore, "version": Ignore, "search_text": Ignore,
	},
	"core_bill": {
		"id": Track, "patient_id": Track, "encounter_id": Track, "date_issued": Track, "total_amount": Track,
		"amount_paid": Track, "is_paid": Track, "due_date": Track, "notes": Track, "version": Ignore,
	},
	"core_billitem": {
		"id": Track, "bill_id": Track, "service_item_id": Track, "description": Track, "amount": Track, "quantity": Track,
		"version": Ignore,
	},
	"core_payment": {
		"id": Track, "bill_id": Track, "amount": Track, "payment_date": Track, "method": Track, "reference": Track,
		"received_by_id": Track, "refunded_amount": Track, "version": Ignore,
	},
	"core_refund": {
		"id": Track, "payment_id": Track, "amount": Track, "reason": Track, "refunded_by_id": Ignore, "created_at": Ignore,
	},
	"core_hospital": {"id": Ignore, "zone": Track},
	"core_appointment": {
		"id": Track, "patient_id": Track, "doctor_id": Track, "date": Track, "time": Track, "duration_minutes": Track,
		"starts_at": Ignore, "ends_at": Ignore, "status": Track, "notes": Track, "overbook_reason": Track,
		"created_at": Ignore, "updated_at": Ignore, "version": Ignore,
	},
	"core_encounter": {
		"id": Track, "patient_id": Track, "appointment_id": Track, "doctor_id": Track, "notes": Track, "diagnosis": Track,
		"created_at": Ignore, "updated_at": Ignore, "version": Ignore,
	},
	"core_medication": {
		"id": Track, "name": Track, "generic_name": Track, "description": Track, "unit": Track, "current_stock": Track,
		"reorder_level": Track, "updated_at": Ignore, "version": Ignore, "search_text": Ignore,
	},
	"core_stockmovement": {
		"id": Track, "medication_id": Track, "quantity": Track, "kind": Track, "reason": Track, "stock_after": Track,
		"prescription_id": Track, "user_id": Ignore, "created_at": Ignore,
	},
	"core_prescription": {
		"id": Track, "encounter_id": Track, "medication_name": Track, "dosage": Track, "frequency": Track, "duration": Track,
		"instructions": Track, "medication_id": Track, "quantity": Track, "override_reason": Track, "allergy_check": Track,
		"allergy_table": Track, "allergy_note": Track, "dispensed_at": Track, "dispensed_by_id": Track,
		"created_at": Ignore, "updated_at": Ignore, "version": Ignore, "search_text": Ignore,
	},
}
