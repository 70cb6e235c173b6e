package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// injections are statements in every kind of quotes that a careless query might have.
var injections = []string{
	`'; UPDATE core_role SET description = '` + mark + `'; --`,
	`'); UPDATE core_role SET description = '` + mark + `'; --`,
	`"; UPDATE core_role SET description = '` + mark + `'; --`,
	`\'; UPDATE core_role SET description = $$` + mark + `$$; --`,
	`1; DELETE FROM core_role WHERE name = 'Patient'; -- ` + mark,
	`' OR '1'='1' -- ` + mark, `$1 ? :name {0} %s ` + mark, `%` + mark, `_` + mark,
}

// hostileFigures are dates, times and numbers that there are not, or only just.
var hostileFigures = []string{
	"0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "2023-02-30", "-0044-03-15", "2026-1-5", "infinity", "now",
	"00:00", "24:00", "23:59:60", "25:61", "9999-12-31T23:59:59.999999999Z", "0000-01-01T00:00:00+23:59", "2026-01-01T00:00:00+99:99",
	"NaN", "-0", "1e5", "0.001", "-0.01", "99999999.99", "100000000", "0x10", "1_000", "\u0661\u0662", "true", "null",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", strings.Repeat("9", 400),
}

// hostileTexts are what a text may be instead of what it should be.
var hostileTexts = slices.Concat(injections, hostileFigures, []string{
	"", " ", "\x00", mark + "\x00", "\x1b[31m" + mark, "\u202e" + mark, "\ufeff" + mark, "\U0010ffff" + mark, "e\u0301\u0301\u0301" + mark,
	mark + "\r\nX-Injected: yes", "<script>" + mark + "</script>", "../../../../etc/" + mark, "${jndi:ldap://" + mark + "}", "=" + mark + "|'/c calc'!A1",
	strings.Repeat(mark, 7000),
})

// hostileValues are hostile in JSON beside the texts, as they are written.
var hostileValues = []string{
	"null", "true", "0", "-0", "-1", "1.5", "1e400", "-1e400", "1e-400", "1E+2147483648", "2147483647", "2147483648", "-2147483649",
	"9223372036854775807", "9223372036854775808", "-9223372036854775809", strings.Repeat("9", 400), "0." + strings.Repeat("0", 400) + "1",
	`"\ud800"`, `"\udc00\ud800"`, "[]", "[null]", "[[]]", "{}", `{"a":{"b":[{}]}}`, `{"":""}`, `{"__proto__":{"admin":true}}`,
}

// hostileProperties puts every hostile value in the place of every property.
func hostileProperties(s *siege) []attack {
	if s.body() == nil {
		return nil
	}
	var attacks []attack
	valid := s.valid()
	places(s.body(), valid, nil, func(path []string, schema *openapi3.Schema) {
		values := slices.Clone(hostileValues)
		for _, text := range hostileTo(schema) {
			values = append(values, encode(s.t, text))
		}
		for _, value := range values {
			name := strings.Join(path, ".")
			attacks = append(attacks, attack{name: fmt.Sprintf("%s = %.60s", name, value), body: encode(s.t, replaced(valid, path, json.RawMessage(value)))})
		}
	})
	return attacks
}

// hostileTo returns the texts that can harm where a value of the schema is expected.
func hostileTo(schema *openapi3.Schema) []string {
	if schema.Type.Is("string") && schema.Format == "" && len(schema.Enum) == 0 {
		return hostileTexts
	}
	return append(slices.Clone(hostileFigures), "", "\x00", injections[0], strings.Repeat(mark, 7000))
}

// places calls f with the path of every property of a body, those of the objects in its
// arrays included, and its schema.
func places(schema *openapi3.Schema, example any, path []string, f func([]string, *openapi3.Schema)) {
	for name, property := range schema.Properties {
		at := append(slices.Clone(path), name)
		f(at, property.Value)
		item := property.Value.Items
		if object, ok := example.(map[string]any); ok && item != nil {
			if list, ok := object[name].([]any); ok && len(list) > 0 {
				places(item.Value, list[0], append(at, "0"), f)
			}
		}
		if len(property.Value.Properties) > 0 {
			object, _ := example.(map[string]any)
			places(property.Value, object[name], at, f)
		}
	}
}

// replaced returns a copy of value with another value at the path.
func replaced(value any, path []string, by any) any {
	if len(path) == 0 {
		return by
	}
	if list, ok := value.([]any); ok {
		list = slices.Clone(list)
		list[0] = replaced(list[0], path[1:], by)
		return list
	}
	object, _ := value.(map[string]any)
	object = maps.Clone(object)
	if object == nil {
		object = map[string]any{}
	}
	object[path[0]] = replaced(object[path[0]], path[1:], by)
	return object
}

// brokenBodies are no JSON object as the contract has them, each in another way.
func brokenBodies(s *siege) []attack {
	if s.body() == nil {
		return nil
	}
	valid := encode(s.t, s.valid())
	inner := strings.TrimSuffix(strings.TrimPrefix(valid, "{"), "}")
	utf16 := []byte("\xff\xfe")
	for _, b := range []byte(valid) {
		utf16 = append(utf16, b, 0)
	}
	attacks := []attack{
		{name: "unfinished", body: strings.TrimSuffix(valid, "}")},
		{name: "text after it", body: valid + " x"},
		{name: "twice", body: valid + valid},
		{name: "a property twice", body: "{" + inner + "," + inner + "}"},
		{name: "a list of it", body: "[" + valid + "]"},
		{name: "a text", body: `"` + mark + `"`},
		{name: "a number", body: "1e400"},
		{name: "null", body: "null"},
		{name: "NaN", body: `{"a": NaN}`},
		{name: "a comment", body: "/* " + mark + " */" + valid},
		{name: "an end too many", body: valid + "}"},
		{name: "a comma too many", body: "{" + inner + ",}"},
		{name: "quotes of another kind", body: "{'a': 1}"},
		{name: "a NUL after it", body: valid + "\x00"},
		{name: "a byte order mark", body: "\ufeff" + valid},
		{name: "UTF-16", body: string(utf16)},
		{name: "UTF-16, declared", body: string(utf16), header: []string{"Content-Type", "application/json; charset=utf-16"}},
		{name: "not UTF-8", body: `{"` + mark + `": "` + "\xff\xfe" + `"}`},
		{name: "overlong UTF-8", body: `{"a": "` + "\xc0\xaf" + `"}`},
		{name: "compressed", body: valid, header: []string{"Content-Encoding", "gzip"}},
		{name: "a form", body: "a=1", header: []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{name: "XML", body: `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`, header: []string{"Content-Type", "application/xml"}},
		{name: "no type", body: valid, header: []string{"Content-Type", ""}},
		{name: "a type of its own", body: valid, header: []string{"Content-Type", "application/" + mark}},
		{name: "too large", body: `{"a": "` + strings.Repeat("x", 1<<20) + `"}`},
		{name: "deep lists", body: `{"a": ` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}"},
		{name: "deep objects", body: strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)},
		{name: "many properties", body: "{" + strings.TrimSuffix(manyProperties(2000), ",") + "}"},
		{name: "a name with a NUL", body: `{"a\u0000": 1}`},
		{name: "a long name", body: `{"` + strings.Repeat(mark, 5000) + `": 1}`},
	}
	return attacks
}

func manyProperties(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"p%d":%d,`, i, i)
	}
	return b.String()
}

// serversProperties are set by the server alone, or by nobody through the API.
var serversProperties = []string{"id", "version", "role", "role_id", "is_staff", "is_superuser", "is_active", "is_builtin", "password_hash",
	"user_id", "unique_id", "total_amount", "amount_paid", "balance_due", "is_paid", "received_by", "received_by_id", "refunded_amount",
	"status", "created_at", "updated_at", "merged_into", "dispensed_at", "dispensed_by", "invoice_number", "receipt_number", "patient_id",
	"starts_at", "ends_at", "stock_after", "search_text", "two_factor_enabled", "two_factor_secret", "password_change_required", "reviewed_by"}

// foreignProperties are those that the caller has no business to set: the server's own and
// all that the operation answers with, but for those that its body knows.
func foreignProperties(s *siege) map[string]bool {
	names := map[string]bool{}
	for _, name := range serversProperties {
		names[name] = s.body().Properties[name] == nil
	}
	for name := range answered(s.target) {
		names[name] = s.body().Properties[name] == nil
	}
	maps.DeleteFunc(names, func(_ string, foreign bool) bool { return !foreign })
	return names
}

// massAssignment adds foreign properties to a valid body, one at a time.
func massAssignment(s *siege) []attack {
	if s.body() == nil {
		return nil
	}
	var attacks []attack
	valid := s.valid()
	for name := range foreignProperties(s) {
		for _, value := range []any{1, "Admin", true} {
			attacks = append(attacks, attack{name: name, body: encode(s.t, replaced(valid, []string{name}, value))})
		}
	}
	return attacks
}

// answered are the properties of the operation's answer.
func answered(op target) map[string]bool {
	names := map[string]bool{}
	for _, status := range []string{"200", "201", "202"} {
		response := op.Responses.Value(status)
		if response == nil || response.Value.Content.Get("application/json") == nil {
			continue
		}
		schema := response.Value.Content.Get("application/json").Schema.Value
		for _, part := range append(openapi3.SchemaRefs{{Value: schema}}, schema.AllOf...) {
			for name := range part.Value.Properties {
				names[name] = true
			}
		}
	}
	return names
}

// hostileParameters puts hostile texts in the place of every parameter of path and query,
// and hostile spellings in the query as a whole.
func hostileParameters(s *siege) []attack {
	body := ""
	if s.body() != nil {
		body = encode(s.t, s.valid())
	}
	path, query, _ := strings.Cut(s.row, "?")
	var attacks []attack
	for _, parameter := range s.parameters {
		for _, text := range hostileTo(parameter.Value.Schema.Value) {
			a := attack{name: fmt.Sprintf("%s = %.60q", parameter.Value.Name, text), body: body}
			switch parameter.Value.In {
			case openapi3.ParameterInPath:
				if text == "" {
					continue // another path
				}
				a.path = strings.ReplaceAll(s.path, "{"+parameter.Value.Name+"}", url.PathEscape(text))
			case openapi3.ParameterInQuery:
				values, _ := url.ParseQuery(query)
				values.Set(parameter.Value.Name, text)
				a.path = path + "?" + values.Encode()
			default:
				continue
			}
			attacks = append(attacks, a)
		}
	}
	for _, raw := range []string{"%", "%zz", "%00", "%ff=%ff", ";", "&&&", "=", "page=1;page=2", "page=1&page=2", "page[]=1", "page[gte]=1",
		"page=99999999999999999999", "page_size=-1", "page_size=99999999999999999999", "cursor=%00", "ordering=password", "ordering=id;--",
		"ordering=(SELECT%201)", mark + "=" + mark, strings.Repeat("a=1&", 10_000), strings.Repeat("x", 100_000)} {
		attacks = append(attacks, attack{name: "?" + raw[:min(len(raw), 40)], path: path + "?" + raw, body: body})
	}
	return attacks
}

// hostileHeaders puts what no client means in the headers that the server reads, and in
// those with which other servers have been fooled.
func hostileHeaders(s *siege) []attack {
	body := ""
	if s.body() != nil {
		body = encode(s.t, s.valid())
	}
	var attacks []attack
	for name, values := range map[string][]string{
		"Idempotency-Key": {"", " ", "\x01", "\t", mark + "\x7f", strings.Repeat(mark, 1000), "\xff\xfe", "\u202e" + mark, injections[0]},
		"If-Match":        {"", "*", "*,*", `""`, `"0"`, `W/"1"`, `"-1"`, `"1", "2"`, `"` + mark, `"99999999999999999999"`, strings.Repeat(`"1",`, 3000), "\x01"},
		"If-None-Match":   {"*", `"1"`, strings.Repeat(`"1",`, 3000), "\x01"},
		"X-Request-Id":    {"", "../..", "a\x01b", strings.Repeat("x", 10_000), "a b", injections[1]},
		"Accept":          {"", "application/xml", "*/*;q=0", ";;;,,,", "\x01", strings.Repeat("text/html,", 1000)},
		"Accept-Language": {"sw", "x;q=2", strings.Repeat("en,", 3000), "\xff"},
		"Range":           {"bytes=0-0", "bytes=-1", "bytes=99999999999999999999-", "items=0-1"},
		"User-Agent":      {"", mark + "\x00", "\xff\xfe", strings.Repeat(mark, 1000), injections[0]},
		"X-Forwarded-For": {"127.0.0.1", "127.0.0.1, 10.0.0.1", "not an address", "::1%" + mark, strings.Repeat("1.1.1.1,", 1000), "\x00"},
		"Origin":          {"null", "https://evil.test", "\x00", "http://"},
		"Sec-Fetch-Site":  {"cross-site", "none", mark},
		"Content-Type":    {"application/json; charset=utf-8", "application/json;", "application/json; q=\"", "APPLICATION/JSON", "application/json, text/html"},
	} {
		for _, value := range values {
			attacks = append(attacks, attack{name: fmt.Sprintf("%s: %.60q", name, value), body: body, header: []string{name, value}})
		}
	}
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		attacks = append(attacks, attack{name: name, body: body, header: []string{name, "DELETE"}})
	}
	for _, name := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Forwarded-Path", "X-Original-Host"} {
		attacks = append(attacks, attack{name: name, body: body, header: []string{name, "/api/users/1/"}})
	}
	return attacks
}
