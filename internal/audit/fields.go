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
		"two_factor_enabled": Track, "two_factor_secret": Secret, "password_change_required": Track,
		"version": Ignore, "search_text": Ignore,
	},
	"core_rolechangerequest": {
		"id": Track, "user_id": Track, "requested_role_id": Track, "reason": Track, "status": Track,
		"reviewed_by_id": Track, "review_notes": Track, "created_at": Ignore, "updated_at": Ignore,
	},
	"core_patient": {
		"id": Track, "unique_id": Track, "first_name": Track, "last_name": Track, "date_of_birth": Track,
		"gender": Track, "contact_info": Track, "address": Track, "known_allergies": Track, "created_at": Ignore,
		"updated_at": Ignore, "user_id": Track, "version": Ignore, "name_key": Ignore, "contact_key": Ignore,
		"search_text": Ignore,
	},
}
