// Package setting knows the system settings that have a meaning: which values each may
// have, and what they are to one another.
package setting

import (
	"strconv"
	"strings"

	"chelal/internal/apperr"
	"chelal/internal/scheduling"
)

// Type is what the values of a setting are.
type Type string

// The types. The values themselves are always texts.
const (
	Text    Type = "text"
	Boolean Type = "boolean"
	Integer Type = "integer"
	Time    Type = "time" // of day
)

// The settings that the server reads.
const (
	RegistrationEnabled = "registration_enabled"
	PatientSelfBooking  = "patient_self_booking"
	WorkingHoursStart   = "working_hours_start"
	WorkingHoursEnd     = "working_hours_end"
	AppointmentDuration = "appointment_duration"
	HospitalName        = "hospital_name"
	HospitalAddress     = "hospital_address"
	HospitalPhone       = "hospital_phone"
)

// rule says which values a setting may have: integers from least to most, texts of at
// most so many characters.
type rule struct {
	kind        Type
	builtin     bool // the server reads it
	least, most int
}

const minutesOfDay = 24 * 60

var rules = map[string]rule{
	RegistrationEnabled: {kind: Boolean, builtin: true},
	PatientSelfBooking:  {kind: Boolean, builtin: true},
	WorkingHoursStart:   {kind: Time, builtin: true},
	WorkingHoursEnd:     {kind: Time, builtin: true},
	AppointmentDuration: {kind: Integer, builtin: true, least: 1, most: minutesOfDay},
	HospitalName:        {kind: Text, builtin: true, most: 255},
	HospitalAddress:     {kind: Text, builtin: true, most: 255},
	HospitalPhone:       {kind: Text, builtin: true, most: 255},
	// Those of the system before this one, which front ends read.
	"max_patients_per_day":       {kind: Integer, least: 1, most: 10_000},
	"notification_email_enabled": {kind: Boolean},
	"sms_enabled":                {kind: Boolean},
}

// TypeOf returns the type of a key's values; of a key that is not known they are texts.
func TypeOf(key string) Type {
	if r, ok := rules[key]; ok {
		return r.kind
	}
	return Text
}

// IsBuiltin reports whether the server reads the key, which must not vanish.
func IsBuiltin(key string) bool { return rules[key].builtin }

// Check returns nil when the key may have the value, else an Invalid error that says
// what is right.
func Check(key, value string) error {
	r, ok := rules[key]
	if !ok {
		return nil
	}
	switch r.kind {
	case Boolean:
		if value != "true" && value != "false" {
			return wrong("Use true or false.")
		}
	case Integer:
		n, err := strconv.Atoi(value)
		if err != nil || strconv.Itoa(n) != value || n < r.least || n > r.most {
			return wrong("Use a whole number from " + strconv.Itoa(r.least) + " to " + strconv.Itoa(r.most) + ", in digits.")
		}
	case Time:
		if _, err := scheduling.ParseClock(value); err != nil {
			return wrong("Use a time of day such as 09:30.")
		}
	case Text:
		if len([]rune(value)) > r.most {
			return wrong("Use at most " + strconv.Itoa(r.most) + " characters.")
		}
	}
	return nil
}

// CheckHours returns nil when key, one end of the working hours, may have the value
// while the other end is at other. Another key, and another end that cannot be read,
// speak against nothing.
func CheckHours(key, value, other string) error {
	at, err := scheduling.ParseClock(value)
	if err != nil {
		return nil
	}
	end, err := scheduling.ParseClock(other)
	switch {
	case err != nil:
	case key == WorkingHoursStart && at >= end:
		return wrong("The working hours must start before they end, at " + other + ". Change " + WorkingHoursEnd + " first.")
	case key == WorkingHoursEnd && at <= end:
		return wrong("The working hours must end after they start, at " + other + ". Change " + WorkingHoursStart + " first.")
	}
	return nil
}

// OtherEnd returns the key of the other end of the working hours, or "" for a key that is
// no end of them.
func OtherEnd(key string) string {
	switch key {
	case WorkingHoursStart:
		return WorkingHoursEnd
	case WorkingHoursEnd:
		return WorkingHoursStart
	}
	return ""
}

// On reports whether a boolean setting is on; otherwise, when it is absent or was
// written by a program that did not check it and is neither.
func On(value string, otherwise bool) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "true":
		return true
	case "false":
		return false
	}
	return otherwise
}

func wrong(message string) error {
	return apperr.InvalidFields(apperr.Field{Name: "value", Code: "invalid", Message: message})
}
