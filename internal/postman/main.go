// Command postman writes the contract as a Postman collection: every operation, in an order in
// which it can be run from start to end, each with a test of its status and its schema.
// `task gen` runs it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/getkin/kin-openapi/openapi3"

	contract "chelal/api"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "postman:", err)
		os.Exit(1)
	}
}

func write() error {
	doc, err := openapi3.NewLoader().LoadFromData(contract.YAML)
	if err != nil {
		return err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return err
	}
	made, err := newCollection(doc, story)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(made)
}
