// Package contract holds the API's contract as it is written. The server serves it as
// it stands; package gen/api holds it compiled.
package contract

import _ "embed"

// YAML is openapi.yaml.
//
//go:embed openapi.yaml
var YAML []byte
