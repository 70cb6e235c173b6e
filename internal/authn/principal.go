// Package authn establishes who makes a request: passwords, access and refresh
// tokens, and the Principal that the request's context carries. What a
// principal may do is package authz's question.
package authn

import (
	"context"

	"github.com/google/uuid"
)

// Principal is who makes a request. The zero value is nobody.
type Principal struct {
	UserID   int64
	Username string
	// Role is the role's name, "" when the user has none.
	Role    string
	Session uuid.UUID
	// PasswordChangeRequired says that an Admin set the password: until the user
	// has chosen another, nothing else is allowed.
	PasswordChangeRequired bool
}

// The names of the built-in roles. An Admin may create more; every role but
// RolePatient is staff.
const (
	RoleAdmin        = "Admin"
	RoleDoctor       = "Doctor"
	RoleNurse        = "Nurse"
	RoleReceptionist = "Receptionist"
	RolePharmacist   = "Pharmacist"
	RolePatient      = "Patient"
)

// SignedIn reports whether p is a user rather than nobody.
func (p Principal) SignedIn() bool { return p.UserID != 0 }

type principalKey struct{}

// WithPrincipal returns a context that carries p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns the context's principal, and nobody when it carries none.
func PrincipalFrom(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
