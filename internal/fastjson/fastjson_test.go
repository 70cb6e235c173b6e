package fastjson_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"
	openapi_types "github.com/oapi-codegen/runtime/types"
	"github.com/stretchr/testify/require"

	"chelal/gen/api"
	"chelal/internal/fastjson"
)

type recursive struct {
	Name   string       `json:"name"`
	Inside []*recursive `json:"inside,omitempty"`
}

type embedded struct {
	recursive
	Two int
}

// odd has what the generated types hardly have.
type odd struct {
	Plain    int
	Hidden   string `json:"-"`
	Empty    string `json:",omitempty"`
	Zero     int    `json:"zero,omitzero"`
	AsText   int64  `json:"as_text,string"`
	Bytes    []byte
	Any      any
	Float    float64
	Unsigned uint8
	Map      map[string]int
	Array    [2]bool
	Raw      json.RawMessage
	Number   json.Number
	Text     texter
	Pointer  *pointed
	Value    pointed
	inner    int
}

type texter struct{ s string }

func (t texter) MarshalText() ([]byte, error) { return []byte(t.s), nil }

type pointed struct{ n int }

func (p *pointed) MarshalJSON() ([]byte, error) { return json.Marshal(p.n) }

// same holds a value against encoding/json.
func same(t *testing.T, v any) {
	t.Helper()
	var want, got bytes.Buffer
	wanted := json.NewEncoder(&want).Encode(v)
	err := fastjson.NewEncoder(&got).Encode(v)
	if wanted != nil {
		require.Error(t, err, "%#v", v)
		return
	}
	require.NoError(t, err, "%#v", v)
	require.Equal(t, want.String(), got.String())
}

func TestAsEncodingJSON(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 7, 15, 0, 120_000_000, time.FixedZone("", 3*3600))
	for _, v := range []any{
		nil, true, 7, -7, "plain", "<a href=\"x\">&\u2028é\x00\xff</a>", "Jos\u00e9 \u4e2d", "line\u2029", "caf\xe9", 1.5, []int{}, []int(nil), map[string]any{"b": 1, "a": nil},
		now, now.UTC(), time.Time{}, time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), now.In(time.FixedZone("", 3601)), &now, (*time.Time)(nil),
		uuid.New(), []uuid.UUID{uuid.New()}, openapi_types.Date{Time: now}, math.NaN(), make(chan int),
		nullable.Nullable[int64](nil), nullable.NewNullNullable[int64](), nullable.NewNullableWithValue(int64(4)),
		nullable.NewNullableWithValue(now), nullable.NewNullableWithValue("<"), nullable.NewNullableWithValue([]int{1}),
		recursive{"a", []*recursive{{"b", nil}, nil}}, &recursive{}, embedded{Two: 2},
		odd{Any: []any{1, "a", odd{}}, Number: "12", Text: texter{"<t>"}, Raw: json.RawMessage(`{"a": [1, 2]}`), Pointer: &pointed{1}},
		&odd{Number: "1", Raw: json.RawMessage("1"), Value: pointed{5}, inner: 1}, odd{Raw: json.RawMessage("{"), Number: "0"},
	} {
		same(t, v)
	}
}

// TestGeneratedTypesAsEncodingJSON fills answers of the contract by chance.
func TestGeneratedTypesAsEncodingJSON(t *testing.T) {
	t.Parallel()
	chance := rand.New(rand.NewPCG(1, 2))
	for _, answer := range []any{
		api.PatientList{}, api.Patient{}, api.Appointment{}, api.AppointmentList{}, api.Bill{}, api.BillList{}, api.Payment{}, api.PaymentList{},
		api.Encounter{}, api.Prescription{}, api.AuditLog{}, api.User{}, api.TokenPair{}, api.Dashboard{}, api.Medication{}, api.TimelineList{},
		api.SyncResult{}, api.Problem{}, api.Notification{}, api.Role{}, api.RoleChangeRequest{},
	} {
		for range 50 {
			v := reflect.New(reflect.TypeOf(answer)).Elem()
			fill(v, chance, 4)
			same(t, v.Interface())
			same(t, v.Addr().Interface())
		}
	}
}

func fill(v reflect.Value, chance *rand.Rand, depth int) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(chance.Int64N(1<<32), chance.Int64N(1e9)).UTC()))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(`{"a": "<"}`)))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(chance.IntN(2) == 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(chance.Int64N(1 << 30))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(chance.NormFloat64())
	case reflect.String:
		v.SetString([]string{"", "Ann", "Ünal <b>", "a\nb", "12.50"}[chance.IntN(5)])
	case reflect.Pointer:
		if depth > 0 && chance.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), chance, depth-1)
		}
	case reflect.Slice:
		if depth > 0 && chance.IntN(3) > 0 {
			v.Set(reflect.MakeSlice(v.Type(), chance.IntN(4), 4))
			for i := range v.Len() {
				fill(v.Index(i), chance, depth-1)
			}
		}
	case reflect.Map:
		if key := v.Type().Key().Kind(); depth > 0 && chance.IntN(3) > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			value := reflect.New(v.Type().Elem()).Elem()
			fill(value, chance, depth-1)
			if key == reflect.Bool {
				v.SetMapIndex(reflect.ValueOf(chance.IntN(2) == 0), value)
			} else {
				v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), value)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), chance, depth)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), chance, depth)
			}
		}
	case reflect.Uint8:
		v.SetUint(chance.Uint64N(256))
	}
}

func pageOfPatients() api.PatientList {
	page := api.PatientList{}
	for n := range 50 {
		page.Results = append(page.Results, api.Patient{
			ID: int64(n), UniqueID: "P-0000123", FirstName: "Njeri", LastName: "Kamau", Gender: "F", ContactInfo: "+254 700 000000",
			Address: "12 Moi Avenue, Nairobi", DateOfBirth: openapi_types.Date{Time: time.Now()}, CreatedAt: time.Now().UTC(), UpdatedAt: time.Now().UTC(),
			User: nullable.NewNullNullable[int64](), MergedInto: nullable.NewNullNullable[int64](), Version: 1,
		})
	}
	return page
}

func BenchmarkPageOfPatients(b *testing.B) {
	page := pageOfPatients()
	for name, encode := range map[string]func(*bytes.Buffer) error{
		"fastjson":      func(w *bytes.Buffer) error { return fastjson.NewEncoder(w).Encode(page) },
		"encoding/json": func(w *bytes.Buffer) error { return json.NewEncoder(w).Encode(page) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var buffer bytes.Buffer
				require.NoError(b, encode(&buffer))
			}
		})
	}
}

func TestASharedSliceIsWrittenOnce(t *testing.T) {
	t.Parallel()
	type row struct {
		N    int `json:"n"`
		More []row
	}
	type answer struct {
		Results []row  `json:"results"`
		Next    string `json:"next"`
	}
	rows := []row{{1, nil}, {2, []row{{3, nil}}}}
	fastjson.Share(rows)
	fastjson.Share(rows)
	fastjson.Share([]row{})
	fastjson.Share(7)
	written := func(a answer) string {
		var text bytes.Buffer
		require.NoError(t, fastjson.NewEncoder(&text).Encode(a))
		return text.String()
	}
	one, other := answer{rows, "one"}, answer{rows, "other"}
	require.Equal(t, asEncodingJSON(t, one), written(one))
	require.Equal(t, asEncodingJSON(t, other), written(other))
	require.Equal(t, asEncodingJSON(t, answer{rows[:1], ""}), written(answer{rows[:1], ""}), "a part of it is another slice")

	rows[0].N = 100 // against the rule, which shows that the text is kept
	require.Equal(t, asEncodingJSON(t, answer{[]row{{1, nil}, {2, []row{{3, nil}}}}, ""}), written(answer{rows, ""}))
	for range 40 {
		fastjson.Share([]row{{5, nil}})
	}
	require.Equal(t, asEncodingJSON(t, answer{rows, ""}), written(answer{rows, ""}), "forty others were shared since")

	whole := answer{[]row{{6, nil}}, "next"}
	fastjson.Share(whole)
	before := written(whole)
	require.Equal(t, asEncodingJSON(t, whole), before)
	whole.Results[0].N = 200
	require.Equal(t, before, written(whole), "what a shared answer holds is kept")
}

func asEncodingJSON(t *testing.T, v any) string {
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text) + "\n"
}
