package listing

import (
	"context"

	"chelal/gen/db"
)

// RoleChangeRequests are listed by id and when they were made.
var RoleChangeRequests = List[db.RoleChangeRequestListRow]{
	Query: db.RoleChangeRequestList,
	Rows: func(ctx context.Context, conn db.DBTX) ([]db.RoleChangeRequestListRow, error) {
		return db.New().RoleChangeRequestList(ctx, conn)
	},
	Orders: map[string]Order[db.RoleChangeRequestListRow]{
		"id": {[]Column{{"q.id", "bigint"}},
			func(r db.RoleChangeRequestListRow) []string { return []string{id(r.CoreRolechangerequest.ID)} }},
		"created_at": {[]Column{{"q.created_at", "timestamptz"}, {"q.id", "bigint"}},
			func(r db.RoleChangeRequestListRow) []string {
				return []string{instant(r.CoreRolechangerequest.CreatedAt), id(r.CoreRolechangerequest.ID)}
			}},
	},
}

// RoleChangeRequestsFound narrows requests to those of users whose username or names hold
// every word.
func RoleChangeRequestsFound(search string) []Condition { return Words("u.search_text", search) }

// RoleChangeRequestsOf narrows requests to those of a user.
func RoleChangeRequestsOf(userID int64) Condition { return Condition{"q.user_id = ?", []any{userID}} }

// RoleChangeRequestsFor narrows requests to those for a role.
func RoleChangeRequestsFor(roleID int64) Condition {
	return Condition{"q.requested_role_id = ?", []any{roleID}}
}

// RoleChangeRequestsIn narrows requests to those in a state.
func RoleChangeRequestsIn(status string) Condition { return Condition{"q.status = ?", []any{status}} }
