// Package fastjson writes JSON byte for byte as encoding/json does, in a third of the time: a
// type is looked at once, and the types that the generated code is made of (times, dates,
// UUIDs, nullable values) are written without the detour over their MarshalJSON. What it does
// not know it leaves to encoding/json. The generated server imports it in place of
// encoding/json: see api/templates/imports.tmpl.
package fastjson

import (
	"encoding"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"
	openapi_types "github.com/oapi-codegen/runtime/types"
)

// RawMessage is that of encoding/json.
type RawMessage = json.RawMessage

// Marshal is that of encoding/json.
func Marshal(v any) ([]byte, error) { return json.Marshal(v) }

// Unmarshal is that of encoding/json.
func Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

// Encoder writes values to a buffer.
type Encoder struct{ w io.Writer }

// NewEncoder returns what writes to w.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{w} }

// spare are buffers that were used and may be again.
var spare = sync.Pool{New: func() any { return new([]byte) }}

// spareAtMost is how many bytes a buffer may have to be kept.
const spareAtMost = 1 << 20

// Encode writes v and a newline, as the Encoder of encoding/json does, with its errors.
func (e *Encoder) Encode(v any) error {
	kept := spare.Get().(*[]byte)
	text, err := appendValue((*kept)[:0], v)
	if err == nil {
		_, err = e.w.Write(append(text, '\n'))
	}
	keep(kept, text)
	return err
}

// keep has a spare buffer, and what it grew to, used again.
func keep(kept *[]byte, grown []byte) {
	if *kept = grown; cap(grown) <= spareAtMost {
		spare.Put(kept)
	}
}

// appendValue appends v to text.
func appendValue(text []byte, v any) ([]byte, error) {
	value := reflect.ValueOf(v)
	if !value.IsValid() {
		return append(text, "null"...), nil
	}
	return writerOf(value.Type())(text, value)
}

// writer appends a value of one type.
type writer func(text []byte, v reflect.Value) ([]byte, error)

var writers sync.Map // of reflect.Type: its writer

func writerOf(t reflect.Type) writer {
	if known, ok := writers.Load(t); ok {
		return known.(writer)
	}
	// A type that holds itself meets its own writer before it is made.
	var made writer
	var ready sync.WaitGroup
	ready.Add(1)
	known, loaded := writers.LoadOrStore(t, writer(func(text []byte, v reflect.Value) ([]byte, error) {
		ready.Wait()
		return made(text, v)
	}))
	if loaded {
		return known.(writer)
	}
	made = makeWriter(t)
	ready.Done()
	writers.Store(t, made)
	return made
}

// known are the types whose MarshalJSON is not asked.
var known = map[reflect.Type]writer{
	reflect.TypeFor[time.Time]():          writeTime,
	reflect.TypeFor[openapi_types.Date](): writeDate,
	reflect.TypeFor[uuid.UUID]():          writeUUID,

	reflect.TypeFor[nullable.Nullable[bool]]():               writeNullable[bool](),
	reflect.TypeFor[nullable.Nullable[int32]]():              writeNullable[int32](),
	reflect.TypeFor[nullable.Nullable[int64]]():              writeNullable[int64](),
	reflect.TypeFor[nullable.Nullable[string]]():             writeNullable[string](),
	reflect.TypeFor[nullable.Nullable[time.Time]]():          writeNullable[time.Time](),
	reflect.TypeFor[nullable.Nullable[openapi_types.Date]](): writeNullable[openapi_types.Date](),
}

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func makeWriter(t reflect.Type) writer {
	if w, ok := known[t]; ok {
		return w
	}
	for _, asked := range []reflect.Type{t, reflect.PointerTo(t)} {
		if asked.Implements(marshaler) || asked.Implements(textMarshaler) {
			return writeOther
		}
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(text []byte, v reflect.Value) ([]byte, error) { return strconv.AppendBool(text, v.Bool()), nil }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(text []byte, v reflect.Value) ([]byte, error) { return strconv.AppendInt(text, v.Int(), 10), nil }
	case reflect.String:
		if t == reflect.TypeFor[json.Number]() {
			return writeOther
		}
		return func(text []byte, v reflect.Value) ([]byte, error) { return appendString(text, v.String()) }
	case reflect.Pointer:
		return orNull(writerOf(t.Elem()), reflect.Value.Elem)
	case reflect.Interface:
		return orNull(func(text []byte, v reflect.Value) ([]byte, error) { return writerOf(v.Type())(text, v) }, reflect.Value.Elem)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return writeOther
		}
		write := writeSlice(writerOf(t.Elem()))
		if t.Elem().Kind() == reflect.Struct {
			write = orShared(write)
		}
		return write
	case reflect.Struct:
		return writeStruct(t)
	}
	return writeOther
}

// writeOther leaves a value to encoding/json.
func writeOther(text []byte, v reflect.Value) ([]byte, error) {
	if v.CanAddr() && v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
		v = v.Addr() // its methods may be the pointer's
	}
	written, err := json.Marshal(v.Interface())
	return append(text, written...), err
}

func orNull(write writer, of func(reflect.Value) reflect.Value) writer {
	return func(text []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return append(text, "null"...), nil
		}
		return write(text, of(v))
	}
}

func writeSlice(write writer) writer {
	return orNull(func(text []byte, v reflect.Value) (_ []byte, err error) {
		text = append(text, '[')
		for i := range v.Len() {
			if i > 0 {
				text = append(text, ',')
			}
			if text, err = write(text, v.Index(i)); err != nil {
				return text, err
			}
		}
		return append(text, ']'), nil
	}, func(v reflect.Value) reflect.Value { return v })
}

// field is a property: its number in the struct, its name as it is written, and when it is left out.
type field struct {
	number int
	name   string
	empty  func(reflect.Value) bool
	write  writer
}

func writeStruct(t reflect.Type) writer {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if f.Anonymous && !hasName(tag) {
			return writeOther
		}
		if !f.IsExported() || tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		empty := func(reflect.Value) bool { return false }
		switch set := strings.Split(options, ","); {
		case slices.Contains(set, "string"), slices.Contains(set, "omitzero"):
			return writeOther
		case slices.Contains(set, "omitempty"):
			empty = emptyOf(f.Type.Kind())
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			return writeOther
		}
		fields = append(fields, field{i, string(quoted) + ":", empty, writerOf(f.Type)})
	}
	return func(text []byte, v reflect.Value) (_ []byte, err error) {
		text = append(text, '{')
		first := true
		for i := range fields {
			f := &fields[i]
			value := v.Field(f.number)
			if f.empty(value) {
				continue
			}
			if !first {
				text = append(text, ',')
			}
			first = false
			text = append(text, f.name...)
			if text, err = f.write(text, value); err != nil {
				return text, err
			}
		}
		return append(text, '}'), nil
	}
}

func hasName(tag string) bool { return tag != "" && !strings.HasPrefix(tag, ",") }

// emptyOf says what omitempty leaves out of a kind.
func emptyOf(kind reflect.Kind) func(reflect.Value) bool {
	switch kind {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return func(v reflect.Value) bool { return v.Len() == 0 }
	case reflect.Struct:
		return func(reflect.Value) bool { return false }
	}
	return reflect.Value.IsZero
}

// appendString leaves texts with anything to escape to encoding/json.
func appendString(text []byte, s string) ([]byte, error) {
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x80:
			ascii = false
		case c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&':
			return appendEscaped(text, s)
		}
	}
	if !ascii && (!utf8.ValidString(s) || strings.Contains(s, "\u2028") || strings.Contains(s, "\u2029")) {
		return appendEscaped(text, s)
	}
	return append(append(append(text, '"'), s...), '"'), nil
}

func appendEscaped(text []byte, s string) ([]byte, error) {
	written, err := json.Marshal(s)
	return append(text, written...), err
}

func writeTime(text []byte, v reflect.Value) ([]byte, error) {
	return appendTime(text, *asPointer[time.Time](v))
}

func writeDate(text []byte, v reflect.Value) ([]byte, error) {
	return appendDate(text, *asPointer[openapi_types.Date](v)), nil
}

func writeUUID(text []byte, v reflect.Value) ([]byte, error) {
	return appendUUID(text, *asPointer[uuid.UUID](v)), nil
}

// asPointer reads a value without a copy on the heap where it can.
func asPointer[T any](v reflect.Value) *T {
	if v.CanAddr() {
		return v.Addr().Interface().(*T)
	}
	value := v.Interface().(T)
	return &value
}

func appendTime(text []byte, t time.Time) ([]byte, error) {
	if _, seconds := t.Zone(); t.Year() < 0 || t.Year() > 9999 || seconds%60 != 0 || seconds <= -24*3600 || seconds >= 24*3600 {
		written, err := json.Marshal(t)
		return append(text, written...), err
	}
	return append(t.AppendFormat(append(text, '"'), time.RFC3339Nano), '"'), nil
}

func appendDate(text []byte, d openapi_types.Date) []byte {
	return append(d.AppendFormat(append(text, '"'), time.DateOnly), '"')
}

func appendUUID(text []byte, u uuid.UUID) []byte {
	return append(append(append(text, '"'), u.String()...), '"')
}

// writeNullable writes a value that may be null; it is a map, which reflection reads slowly.
func writeNullable[T any]() writer {
	return func(text []byte, v reflect.Value) ([]byte, error) {
		n := v.Interface().(nullable.Nullable[T])
		if n.IsNull() {
			return append(text, "null"...), nil
		}
		switch value := any(n[true]).(type) {
		case bool:
			return strconv.AppendBool(text, value), nil
		case int32:
			return strconv.AppendInt(text, int64(value), 10), nil
		case int64:
			return strconv.AppendInt(text, value, 10), nil
		case string:
			return appendString(text, value)
		case time.Time:
			return appendTime(text, value)
		case openapi_types.Date:
			return appendDate(text, value), nil
		}
		return writeOther(text, v)
	}
}
