// Package sync carries out what devices recorded while they were offline: each operation
// once, as the request of the endpoint that it stands for, in the order of recording.
package sync

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Operation is what a device recorded. The contract has checked its form, and nothing more.
type Operation struct {
	OpID        uuid.UUID                  `json:"op_id"`
	Entity      string                     `json:"entity"`
	Action      string                     `json:"action"`
	ID          *int64                     `json:"id,omitempty"`
	TempID      *string                    `json:"temp_id,omitempty"`
	BaseVersion *int64                     `json:"base_version,omitempty"`
	BaseOp      *uuid.UUID                 `json:"base_op,omitempty"`
	Data        map[string]json.RawMessage `json:"data,omitempty"`
	RecordedAt  *time.Time                 `json:"recorded_at,omitempty"`
}

// The actions.
const (
	Create = "create"
	Update = "update"
	Delete = "delete"
)

// hash tells whether another operation under the same op_id is the same.
func (op Operation) hash() ([]byte, error) {
	op.OpID = uuid.Nil
	text, err := json.Marshal(op)
	sum := sha256.Sum256(text)
	return sum[:], err
}

// references says, of each entity, which properties name rows that a device can have made
// itself, and of what entity they are.
var references = map[string]map[string]string{
	"appointments":  {"patient": "patients"},
	"encounters":    {"patient": "patients", "appointment": "appointments"},
	"prescriptions": {"encounter": "encounters"},
	"bills":         {"patient": "patients", "encounter": "encounters"},
	"payments":      {"bill": "bills"},
}

// names are the temporary ids that the operation refers to, by the property that does:
// its own stands under "".
func (op Operation) names() map[string]string {
	names := map[string]string{}
	if op.TempID != nil {
		names[""] = *op.TempID
	}
	for property := range references[op.Entity] {
		var name string
		if json.Unmarshal(op.Data[property], &name) == nil && len(op.Data[property]) > 0 && op.Data[property][0] == '"' {
			names[property] = name
		}
	}
	return names
}

// The results of an operation.
const (
	Applied   = "applied"
	Duplicate = "duplicate"
	Conflict  = "conflict"
	Rejected  = "rejected"
)

// Result is what came of an operation.
type Result struct {
	OpID        uuid.UUID       `json:"op_id"`
	Entity      string          `json:"entity"`
	Action      string          `json:"action"`
	Status      string          `json:"status"`
	FirstStatus string          `json:"first_status,omitempty"` // of a Duplicate
	ID          *int64          `json:"id,omitempty"`
	TempID      *string         `json:"temp_id,omitempty"`
	Version     *int64          `json:"version,omitempty"` // of the row, as it is now
	Row         json.RawMessage `json:"row,omitempty"`
	Fields      []Difference    `json:"fields,omitempty"`  // of a Conflict
	Problem     json.RawMessage `json:"problem,omitempty"` // of what was Rejected
}
