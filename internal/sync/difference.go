package sync

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
)

// Difference is one property of a row in a conflict. Base is nil when the version that
// the device saw is not known here, Yours when the operation does not name the property.
type Difference struct {
	Field  string          `json:"field"`
	Base   json.RawMessage `json:"base,omitempty"`
	Yours  json.RawMessage `json:"yours,omitempty"`
	Theirs json.RawMessage `json:"theirs"`
}

// technical are the properties that differ in every version.
var technical = map[string]bool{"version": true, "updated_at": true}

// differences compares what an operation wants with the row as it is: the properties that it
// names and that have other values now, and, when the row is known as the device saw it,
// those that somebody else has changed since.
func differences(yours map[string]json.RawMessage, theirs, base json.RawMessage) []Difference {
	now, then := properties(theirs), properties(base)
	concerned := map[string]bool{}
	for field, value := range yours {
		concerned[field] = !same(field, value, now[field])
	}
	for field, value := range then {
		_, named := yours[field]
		if present, isThere := now[field]; isThere && !named && !technical[field] {
			concerned[field] = !same(field, value, present)
		}
	}
	var found []Difference
	for _, field := range slices.Sorted(maps.Keys(concerned)) {
		if concerned[field] {
			found = append(found, Difference{field, then[field], yours[field], orNull(now[field])})
		}
	}
	return found
}

func properties(row json.RawMessage) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	_ = json.Unmarshal(row, &fields) // nothing is known of what is no row
	return fields
}

func orNull(value json.RawMessage) json.RawMessage {
	if value == nil {
		return json.RawMessage("null")
	}
	return value
}

// same compares two values as the endpoint reads them: 5 and "5.00" are one amount, 9:30
// and 9:30:00 one time, and a text is the same with spaces around it.
func same(field string, a, b json.RawMessage) bool {
	x, y := decode(a), decode(b)
	if field == "amount" {
		p, q := amount(x), amount(y)
		return p != nil && q != nil && p.Cmp(q) == 0
	}
	s, ok := x.(string)
	t, okToo := y.(string)
	if !ok || !okToo {
		return reflect.DeepEqual(x, y)
	}
	s, t = strings.TrimSpace(s), strings.TrimSpace(t)
	if field == "time" && len(s) != len(t) {
		return s+":00" == t || s == t+":00"
	}
	return s == t
}

func decode(value json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var decoded any
	_ = d.Decode(&decoded) // what is missing is nil, as null is
	return decoded
}

func amount(value any) *big.Rat {
	text, ok := value.(string)
	if number, isNumber := value.(json.Number); isNumber {
		text, ok = number.String(), true
	}
	if r, parsed := new(big.Rat).SetString(text); ok && parsed {
		return r
	}
	return nil
}
