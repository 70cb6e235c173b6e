package sync

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"chelal/internal/apperr"
)

// Request is the request of the endpoint that an operation stands for.
type Request struct {
	Method, Path string
	ID           *int64 // of the row; nil for a new one
	Version      int64  // of the row that the request is for; 0 for any
	Body         []byte
}

// Answer is what the endpoint answered.
type Answer struct {
	Status int
	Body   []byte
}

// origin is an earlier operation of the device, as far as later ones refer to it.
type origin struct {
	OpID    uuid.UUID
	Entity  string
	Applied bool
	ID      *int64
	Version *int64
}

// past is what an operation refers to: earlier operations, by the temporary id that they
// gave, and the one that it builds on.
type past struct {
	names map[string]origin
	base  *origin
}

var (
	dependencyRejected = apperr.New(apperr.Conflict, "dependency_rejected",
		"This builds on an operation that was not applied, the one that depends_on names. Record both again.")
	tempIDTaken = apperr.New(apperr.Conflict, "temp_id_taken",
		"Another row of this device has this temp_id. Give each new row one of its own.").OnField("temp_id", "temp_id_taken")
	reused = apperr.New(apperr.Mismatch, "op_id_reused",
		"This op_id was used for another operation. Make a new one for each operation.")
)

// request returns the request that the operation stands for. Its error is an
// *apperr.Error, for the device to read.
func (op Operation) request(p past) (Request, error) {
	if fields := op.check(); len(fields) > 0 {
		return Request{}, apperr.InvalidFields(fields...)
	}
	r := Request{Path: "/api/" + op.Entity + "/", ID: op.ID}
	data, err := op.resolve(p, &r)
	if err != nil {
		return r, err
	}
	if op.Action == Create {
		r.Method, r.Body = http.MethodPost, data
		return r, nil
	}
	if r.Version, err = op.base(p, *r.ID); err != nil {
		return r, err
	}
	r.Method, r.Path = http.MethodDelete, r.Path+strconv.FormatInt(*r.ID, 10)+"/"
	if op.Action == Update {
		r.Method, r.Body = http.MethodPatch, data
	}
	return r, nil
}

// check names what is missing, and what makes no sense together.
func (op Operation) check() []apperr.Field {
	var fields []apperr.Field
	wrong := func(is bool, name, code, message string) {
		if is {
			fields = append(fields, apperr.Field{Name: name, Code: code, Message: message})
		}
	}
	based := op.BaseVersion != nil || op.BaseOp != nil
	if op.Action == Create {
		wrong(op.ID != nil, "id", "read_only", "The server gives a new row its id; leave it out.")
		wrong(based, "base_version", "not_for_create", "A new row builds on no version; leave base_version and base_op out.")
		wrong(op.Data == nil, "data", "required", "This field is required.")
		return fields
	}
	wrong(op.ID == nil && op.TempID == nil, "id", "required", "Name the row by its id, or by the temp_id with which it was created.")
	wrong(op.ID != nil && op.TempID != nil, "temp_id", "ambiguous", "Name the row by its id or by its temp_id, not by both.")
	wrong(!based, "base_version", "required",
		"Say which version of the row the change builds on, so that nobody else's is overwritten.")
	wrong(op.BaseVersion != nil && op.BaseOp != nil, "base_op", "ambiguous", "Give base_version or base_op, not both.")
	wrong(op.Action == Update && len(op.Data) == 0, "data", "required", "Name at least one property to change.")
	wrong(op.Action == Delete && len(op.Data) > 0, "data", "not_for_delete", "A deletion has no data.")
	return fields
}

// resolve puts ids in the place of temporary ids and returns the body.
func (op Operation) resolve(p past, r *Request) ([]byte, error) {
	data := maps.Clone(op.Data)
	var fields []apperr.Field
	names := op.names()
	for _, property := range slices.Sorted(maps.Keys(names)) {
		entity, field := references[op.Entity][property], property
		if property == "" {
			entity, field = op.Entity, "temp_id"
		}
		named, known := p.names[names[property]]
		switch {
		case property == "" && op.Action == Create:
			if known && named.Applied {
				return nil, tempIDTaken
			}
		case !known || named.Entity != entity:
			fields = append(fields, apperr.Field{Name: field, Code: "unknown_temp_id",
				Message: "No earlier operation of this device has created a row of " + entity + " with this temp_id."})
		case !named.Applied:
			return nil, dependencyRejected.With("depends_on", named.OpID)
		case property == "":
			r.ID = named.ID
		default:
			data[property] = json.RawMessage(strconv.FormatInt(*named.ID, 10))
		}
	}
	if len(fields) > 0 {
		return nil, apperr.InvalidFields(fields...)
	}
	return json.Marshal(data)
}

// base is the version of the row that the operation builds on.
func (op Operation) base(p past, id int64) (int64, error) {
	switch {
	case op.BaseVersion != nil:
		return *op.BaseVersion, nil
	case p.base == nil:
		return 0, unknownBase("No earlier operation of this device has this op_id.")
	case !p.base.Applied:
		return 0, dependencyRejected.With("depends_on", p.base.OpID)
	case p.base.Entity != op.Entity || p.base.ID == nil || *p.base.ID != id || p.base.Version == nil:
		return 0, unknownBase("That operation did not leave a version of this row.")
	}
	return *p.base.Version, nil
}

func unknownBase(message string) error {
	return apperr.InvalidFields(apperr.Field{Name: "base_op", Code: "unknown_base_op", Message: message})
}
