package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// forbidden says which packages must not import which, directly or through others: the
// imports run one way, cmd → app → server and worker → use cases → change → pg → gen/db,
// and rules know nothing but apperr.
var forbidden = map[string][]string{
	"chelal/internal/apperr":        {"chelal"},
	"chelal/internal/text":          {"chelal"},
	"chelal/internal/patient":       {"chelal/gen", "chelal/internal/pg", "chelal/internal/change", "chelal/internal/server"},
	"chelal/internal/authn":         {"chelal/gen", "chelal/internal/pg", "chelal/internal/server"},
	"chelal/internal/authz":         {"chelal/gen", "chelal/internal/pg", "chelal/internal/server"},
	"chelal/internal/audit":         {"chelal/gen", "chelal/internal/pg", "chelal/internal/server"},
	"chelal/internal/report":        {"chelal/gen", "chelal/internal/pg", "chelal/internal/server"},
	"chelal/internal/pg":            {"chelal/gen/api", "chelal/internal/change", "chelal/internal/server", "chelal/internal/authn"},
	"chelal/internal/change":        {"chelal/gen/api", "chelal/internal/server", "chelal/internal/worker"},
	"chelal/internal/callers":       {"chelal/gen/api", "chelal/internal/server", "chelal/internal/worker"},
	"chelal/internal/listing":       {"chelal/gen/api", "chelal/internal/server", "chelal/internal/worker"},
	"chelal/internal/seed":          {"chelal/gen/api", "chelal/internal/server", "chelal/internal/worker"},
	"chelal/internal/patientimport": {"chelal/gen/api", "chelal/internal/server", "chelal/internal/worker"},
	"chelal/internal/realtime":      {"chelal/gen/api", "chelal/internal/server", "chelal/internal/worker", "chelal/internal/change"},
	"chelal/internal/worker":        {"chelal/gen/api", "chelal/internal/server"},
	"chelal/internal/server":        {"chelal/internal/app", "chelal/internal/worker", "chelal/internal/config"},
	"chelal/gen/client":             {"chelal/internal", "chelal/gen/api", "chelal/gen/db"},
	"chelal/cmd/chelal":             {"chelal/internal/testkit"},
}

func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	for name, refused := range forbidden {
		output, err := exec.Command("go", "list", "-deps", name).CombinedOutput()
		require.NoError(t, err, string(output))
		for dependency := range strings.FieldsSeq(string(output)) {
			for _, prefix := range refused {
				require.False(t, dependency != name && strings.HasPrefix(dependency+"/", prefix+"/"), "%s must not depend on %s", name, dependency)
			}
		}
	}
}
