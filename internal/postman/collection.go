package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// The parts of a collection, after https://schema.postman.com/collection/json/v2.1.0/.
type (
	collection struct {
		Info     info       `json:"info"`
		Auth     auth       `json:"auth"`
		Event    []event    `json:"event"`
		Variable []variable `json:"variable"`
		Item     []folder   `json:"item"`
	}
	folder struct {
		Name string `json:"name"`
		Item []item `json:"item"`
	}
	info struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Schema      string `json:"schema"`
	}
	auth struct {
		Type   string     `json:"type"`
		Bearer []variable `json:"bearer,omitempty"`
	}
	variable struct {
		Key   string `json:"key"`
		Value string `json:"value"`
		Type  string `json:"type,omitempty"`
	}
	event struct {
		Listen string `json:"listen"`
		Script script `json:"script"`
	}
	script struct {
		Type string   `json:"type"`
		Exec []string `json:"exec"`
	}
	item struct {
		Name    string  `json:"name"`
		Event   []event `json:"event"`
		Request request `json:"request"`
	}
	request struct {
		Method      string     `json:"method"`
		Description string     `json:"description"`
		Auth        *auth      `json:"auth,omitempty"`
		Header      []variable `json:"header"`
		URL         address    `json:"url"`
		Body        *sent      `json:"body,omitempty"`
	}
	address struct {
		Raw      string     `json:"raw"`
		Host     []string   `json:"host"`
		Path     []string   `json:"path"`
		Query    []variable `json:"query,omitempty"`
		Variable []variable `json:"variable,omitempty"`
	}
	sent struct {
		Mode    string         `json:"mode"`
		Raw     string         `json:"raw"`
		Options map[string]any `json:"options"`
	}
)

const about = `Every operation of the API, in an order in which it can be run from start to end: "Run collection" makes what
it needs, reads it, changes it and deletes what may be deleted.

Set the variables **baseUrl**, **admin** and **password** to a server and an account of an Admin of it, and **doctor**
to one of a Doctor who has a notification; as they stand they fit ` + "`chelal dev`" + `. Each request signs in its account by itself when it
has to, and tests the status and the schema of the answer.

Generated from the contract, for which see /docs/.`

// newCollection makes the collection of the steps, of which every operation must be one.
func newCollection(doc *openapi3.T, story []chapter) (*collection, error) {
	operations := map[string]found{}
	for path, of := range doc.Paths.Map() {
		for method, op := range of.Operations() {
			operations[op.OperationID] = found{op, method, path}
		}
	}
	missing := maps.Clone(operations)
	unnamed := map[string]*openapi3.SchemaRef{}
	c := &collection{
		Info:  info{doc.Info.Title, about, "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
		Auth:  auth{"bearer", []variable{{"token", "{{access}}", "string"}}},
		Event: []event{newEvent("prerequest", beginScript)},
	}
	names := map[string]bool{}
	for _, chapter := range story {
		f := folder{Name: chapter.name}
		for _, s := range chapter.steps {
			op, exists := operations[s.op]
			if !exists {
				return nil, fmt.Errorf("there is no operation %s", s.op)
			}
			delete(missing, s.op)
			made, err := op.item(s, unnamed)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.op, err)
			}
			if names[made.Name] {
				return nil, fmt.Errorf("%s: the name %q comes twice", s.op, made.Name)
			}
			names[made.Name] = true
			f.Item = append(f.Item, made)
		}
		c.Item = append(c.Item, f)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the story misses %v", slices.Sorted(maps.Keys(missing)))
	}
	schemas, err := definitions(doc, unnamed)
	c.Variable = []variable{
		{Key: "baseUrl", Value: "http://127.0.0.1:8000"}, {Key: "admin", Value: "admin"}, {Key: "doctor", Value: "doctor"},
		{Key: "password", Value: "chelal-demo"}, {Key: "schemas", Value: schemas},
	}
	return c, err
}

type found struct {
	*openapi3.Operation
	method, path string
}

func (f found) item(s step, unnamed map[string]*openapi3.SchemaRef) (item, error) {
	status, schema, err := f.success(s.status, unnamed)
	if err != nil {
		return item{}, err
	}
	public := f.Security != nil && len(*f.Security) == 0
	i := item{Name: s.title, Request: request{Method: f.method, Description: f.Description, URL: f.address(s)}}
	if i.Name == "" {
		i.Name = f.Summary
	}
	if public || s.header["Authorization"] != "" {
		i.Request.Auth = &auth{Type: "noauth"}
	}
	i.Event = []event{newEvent("prerequest", beforeScript(s, public)), newEvent("test", testScript(s, status, schema))}
	i.Request.Header = []variable{}
	if f.Parameters.GetByInAndName("header", "Idempotency-Key") != nil {
		i.Request.Header = append(i.Request.Header, variable{Key: "Idempotency-Key", Value: "{{$guid}}"})
	}
	for _, name := range slices.Sorted(maps.Keys(s.header)) {
		i.Request.Header = append(i.Request.Header, variable{Key: name, Value: s.header[name]})
	}
	if f.RequestBody != nil {
		i.Request.Header = append(i.Request.Header, variable{Key: "Content-Type", Value: "application/json"})
		i.Request.Body, err = f.body(s)
	}
	return i, err
}

// success is the status that is expected, and the name of its schema, if it answers JSON.
func (f found) success(wanted int, unnamed map[string]*openapi3.SchemaRef) (status int, schema string, err error) {
	for _, text := range slices.Sorted(maps.Keys(f.Responses.Map())) {
		status, err = strconv.Atoi(text)
		if err == nil && status/100 == 2 && (wanted == 0 || status == wanted) {
			break
		}
	}
	if status/100 != 2 {
		return 0, "", fmt.Errorf("the status %d is not documented", wanted)
	}
	media := f.Responses.Status(status).Value.Content.Get("application/json")
	if media == nil {
		return status, "", nil
	}
	if name, named := strings.CutPrefix(media.Schema.Ref, "#/components/schemas/"); named {
		return status, name, nil
	}
	unnamed[f.OperationID+"Answer"] = media.Schema
	return status, f.OperationID + "Answer", nil
}

func (f found) address(s step) address {
	a := address{Host: []string{"{{baseUrl}}"}}
	for part := range strings.SplitSeq(strings.TrimPrefix(f.path, "/"), "/") {
		if name, is := strings.CutPrefix(part, "{"); is {
			part = ":" + strings.TrimSuffix(name, "}")
		}
		a.Path = append(a.Path, part)
	}
	for _, name := range slices.Sorted(maps.Keys(s.path)) {
		a.Variable = append(a.Variable, variable{Key: name, Value: s.path[name]})
	}
	a.Raw = "{{baseUrl}}/" + strings.Join(a.Path, "/")
	for n, name := range slices.Sorted(maps.Keys(s.query)) {
		a.Query = append(a.Query, variable{Key: name, Value: s.query[name]})
		a.Raw += string("?&"[min(n, 1)]) + name + "=" + s.query[name]
	}
	return a
}

var numbers = regexp.MustCompile(`"#(\{\{\w+\}\})"`)

// body is the contract's example with what the step says differently; nil leaves a property out.
func (f found) body(s step) (*sent, error) {
	example, ok := f.RequestBody.Value.Content.Get("application/json").Schema.Value.Example.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the body has no example")
	}
	said := maps.Clone(example)
	for name, value := range s.body {
		if said[name] = value; value == nil {
			delete(said, name)
		}
	}
	text, err := json.MarshalIndent(said, "", "  ")
	return &sent{Mode: "raw", Raw: numbers.ReplaceAllString(string(text), "$1"), Options: map[string]any{"raw": map[string]string{"language": "json"}}}, err
}

func newEvent(listen, text string) event {
	return event{Listen: listen, Script: script{Type: "text/javascript", Exec: strings.Split(strings.TrimSpace(text), "\n")}}
}
