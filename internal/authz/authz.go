// Package authz decides who may do what: the permission classes that the contract
// names in x-permission, and the rows that a role is confined to.
package authz

import (
	"fmt"

	"chelal/internal/apperr"
	"chelal/internal/authn"
)

// Class is a permission class of the contract.
type Class string

// The classes. An Admin passes every one of them.
const (
	Public     Class = "public"       // anyone
	Self       Class = "self"         // any signed-in user, on their own data
	Any        Class = "any"          // any signed-in user, with or without a role
	Owner      Class = "owner"        // the user who made the row; decided where the row is read
	Staff      Class = "staff"        // any role but Patient
	StaffOrOwn Class = "staff-or-own" // staff; a Patient on the rows of the own record
	Doctor     Class = "doctor"
	Pharmacist Class = "pharmacist"
	FrontDesk  Class = "front-desk"
	Admin      Class = "admin"
)

// Parse returns the class with this name.
func Parse(name string) (Class, error) {
	switch c := Class(name); c {
	case Public, Self, Any, Owner, Staff, StaffOrOwn, Doctor, Pharmacist, FrontDesk, Admin:
		return c, nil
	}
	return "", fmt.Errorf("there is no permission class %q", name)
}

// Allows reports whether p passes the class. p is signed in; Public needs no question.
func (c Class) Allows(p authn.Principal) bool {
	if p.Role == authn.RoleAdmin {
		return true
	}
	switch c {
	case Public, Self, Any, Owner:
		return true
	case Staff:
		return isStaff(p)
	case StaffOrOwn:
		return p.Role != ""
	case Doctor:
		return p.Role == authn.RoleDoctor
	case Pharmacist:
		return p.Role == authn.RolePharmacist
	case FrontDesk:
		return p.Role == authn.RoleReceptionist
	}
	return false
}

// OwnRows returns the user to whose rows p is confined, or nil when p sees every row.
// Pass it to the queries; whoever is not staff is confined.
func OwnRows(p authn.Principal) *int64 {
	if isStaff(p) {
		return nil
	}
	return &p.UserID
}

// OwnUnlessAdmin is OwnRows for what only Admins see of others.
func OwnUnlessAdmin(p authn.Principal) *int64 {
	if p.Role == authn.RoleAdmin {
		return nil
	}
	return &p.UserID
}

func isStaff(p authn.Principal) bool {
	return p.Role != "" && p.Role != authn.RolePatient
}

// Refusal is what a caller is told who may not do something.
var Refusal = apperr.New(apperr.Forbidden, "forbidden", "Your role does not allow this.")
