package listing

import (
	"context"
	"strconv"
	"strings"
	"time"

	"chelal/gen/db"
)

// Roles are listed by id or name.
var Roles = List[db.CoreRole]{
	Query: db.RoleList,
	Rows:  func(ctx context.Context, conn db.DBTX) ([]db.CoreRole, error) { return db.New().RoleList(ctx, conn) },
	Orders: map[string]Order[db.CoreRole]{
		"id":   {[]Column{{"r.id", "bigint"}}, func(r db.CoreRole) []string { return []string{id(r.ID)} }},
		"name": {[]Column{{"r.name", "text"}}, func(r db.CoreRole) []string { return []string{r.Name} }},
	},
}

// RolesNamed narrows roles to those whose name holds every word.
func RolesNamed(search string) []Condition { return Words("' ' || core_search_key(r.name)", search) }

// Users are listed by id, username or last name.
var Users = List[db.UserListRow]{
	Query: db.UserList,
	Rows:  func(ctx context.Context, conn db.DBTX) ([]db.UserListRow, error) { return db.New().UserList(ctx, conn) },
	Orders: map[string]Order[db.UserListRow]{
		"id":       {[]Column{{"u.id", "bigint"}}, func(r db.UserListRow) []string { return []string{id(r.CoreUser.ID)} }},
		"username": {[]Column{{"u.username", "text"}}, func(r db.UserListRow) []string { return []string{r.CoreUser.Username} }},
		"last_name": {[]Column{{"u.last_name", "text"}, {"u.first_name", "text"}, {"u.id", "bigint"}},
			func(r db.UserListRow) []string {
				return []string{r.CoreUser.LastName, r.CoreUser.FirstName, id(r.CoreUser.ID)}
			}},
	},
}

// UsersNamed narrows users to those whose username or names hold every word.
func UsersNamed(search string) []Condition { return Words("u.search_text", search) }

// UsersOfRole narrows users to those of the role with this name.
func UsersOfRole(name string) Condition { return Condition{"r.name = ?", []any{name}} }

// UsersActive narrows users to active or to deactivated accounts.
func UsersActive(active bool) Condition { return Condition{"u.is_active = ?", []any{active}} }

// Patients are listed by id, names, date of birth and the times of their record.
var Patients = List[db.CorePatient]{
	Query: db.PatientList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.CorePatient, error) {
		return db.New().PatientList(ctx, conn)
	},
	Orders: map[string]Order[db.CorePatient]{
		"id": {[]Column{{"p.id", "bigint"}}, func(p db.CorePatient) []string { return []string{id(p.ID)} }},
		"first_name": {[]Column{{"p.first_name", "text"}, {"p.last_name", "text"}, {"p.id", "bigint"}},
			func(p db.CorePatient) []string { return []string{p.FirstName, p.LastName, id(p.ID)} }},
		"last_name": {[]Column{{"p.last_name", "text"}, {"p.first_name", "text"}, {"p.id", "bigint"}},
			func(p db.CorePatient) []string { return []string{p.LastName, p.FirstName, id(p.ID)} }},
		"date_of_birth": {[]Column{{"p.date_of_birth", "date"}, {"p.id", "bigint"}},
			func(p db.CorePatient) []string { return []string{p.DateOfBirth.Format(time.DateOnly), id(p.ID)} }},
		"created_at": {[]Column{{"p.created_at", "timestamptz"}, {"p.id", "bigint"}},
			func(p db.CorePatient) []string { return []string{instant(p.CreatedAt), id(p.ID)} }},
		"updated_at": {[]Column{{"p.updated_at", "timestamptz"}, {"p.id", "bigint"}},
			func(p db.CorePatient) []string { return []string{instant(p.UpdatedAt), id(p.ID)} }},
	},
}

// PatientsFound narrows patients to those whose name, number or contact hold every word.
// Records that were merged into others are left out, but for the one whose whole number
// is searched.
func PatientsFound(search string) []Condition {
	merged := Condition{SQL: "p.merged_into_id IS NULL"}
	if words := strings.Fields(search); len(words) == 1 {
		merged = Condition{"(p.merged_into_id IS NULL OR p.unique_id = upper(?))", []any{words[0]}}
	}
	return append(Words("p.search_text", search), merged)
}

// OfPatientsFound narrows records to those of the patients whose name, number or contact
// hold every word. Whoever was merged into another has none.
func OfPatientsFound(search string) []Condition { return Words("p.search_text", search) }

// PatientsOf narrows patients to the record that belongs to a user.
func PatientsOf(userID int64) Condition { return Condition{"p.user_id = ?", []any{userID}} }

// PatientsOfGender narrows patients to a gender, whatever the case.
func PatientsOfGender(gender string) Condition {
	return Condition{"lower(p.gender) = lower(?)", []any{gender}}
}

// PatientsBornAfter narrows patients to those born on the day or later.
func PatientsBornAfter(day time.Time) Condition { return Condition{"p.date_of_birth >= ?", []any{day}} }

// PatientsBornBefore narrows patients to those born on the day or earlier.
func PatientsBornBefore(day time.Time) Condition {
	return Condition{"p.date_of_birth <= ?", []any{day}}
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
