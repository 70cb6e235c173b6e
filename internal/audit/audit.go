// Package audit says what the audit log keeps of a change: of each table which
// columns are tracked, ignored or secret, and what differs between two states.
package audit

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// The actions of the log, as its readers know them.
const (
	Create = "create"
	Edit   = "edit"
	Delete = "delete"
	Login  = "login"
	Logout = "logout"
	Export = "export"
	View   = "view" // a patient's record was shown
	// RoleDecision is a role request approved or rejected, or a role given without one.
	RoleDecision = "role_decision"
)

// Treatment is what the log keeps of a column.
type Treatment int

const (
	// Track keeps the value before and after.
	Track Treatment = iota + 1
	// Ignore keeps nothing: derived or technical columns.
	Ignore
	// Secret keeps that it changed, but no value.
	Secret
)

// Withheld stands in the log for a secret value.
const Withheld = "(withheld)"

// Entry is one row of the log. Before and After are rows as sqlc reads them, or nil.
type Entry struct {
	Action string
	// Object is the table without its prefix: patient, user, role.
	Object      string
	ID          int64
	PatientID   *int64
	Description string
	Before      any
	After       any
	// Offline says which operation of which device it was; nil when it was none.
	Offline any
}

// Details returns the changed columns as JSON: {"before": {…}, "after": {…}}. A
// creation has no before; a deletion keeps the whole last state. It returns nil when
// there is no state at all.
func (e Entry) Details() (json.RawMessage, error) {
	before, err := e.state(e.Before)
	if err != nil {
		return nil, err
	}
	after, err := e.state(e.After)
	if err != nil {
		return nil, err
	}
	if before == nil && after == nil && e.Offline == nil {
		return nil, nil
	}
	for column, value := range before {
		if other, ok := after[column]; ok && reflect.DeepEqual(value, other) {
			delete(before, column)
			delete(after, column)
		}
	}
	withhold(e.Object, before)
	withhold(e.Object, after)
	details := map[string]any{}
	if before != nil {
		details["before"] = before
	}
	if after != nil {
		details["after"] = after
	}
	if e.Offline != nil {
		details["offline"] = e.Offline
	}
	return json.Marshal(details)
}

// Alters reports whether After differs from Before in a column that the log keeps.
func (e Entry) Alters() (bool, error) {
	before, err := e.state(e.Before)
	if err != nil {
		return false, err
	}
	after, err := e.state(e.After)
	return !reflect.DeepEqual(before, after), err
}

// state reads a row's columns by their JSON names and leaves out the ignored ones.
func (e Entry) state(row any) (map[string]any, error) {
	if row == nil {
		return nil, nil
	}
	fields, ok := Fields["core_"+e.Object]
	if !ok {
		return nil, fmt.Errorf("audit: the table of %q is not classified", e.Object)
	}
	text, err := json.Marshal(row)
	if err != nil {
		return nil, err
	}
	var columns map[string]any
	if err := json.Unmarshal(text, &columns); err != nil {
		return nil, err
	}
	for column := range columns {
		switch fields[column] {
		case Ignore:
			delete(columns, column)
		case Track, Secret:
		default:
			return nil, fmt.Errorf("audit: the column %s of %q is not classified", column, e.Object)
		}
	}
	return columns, nil
}

func withhold(object string, columns map[string]any) {
	for column, value := range columns {
		if Fields["core_"+object][column] == Secret && value != nil {
			columns[column] = Withheld
		}
	}
}
